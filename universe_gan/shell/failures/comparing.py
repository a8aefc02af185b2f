"""Words for failures of colouring and comparing."""

from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table, Words
from universe_gan.shell.pictures.colouring import LikeWhat, NothingToColour
from universe_gan.shell.pictures.comparing import OtherPictures
from universe_gan.shell.pictures.quizzing import WhichReals

TABLE: Table = {
    NothingToColour: lambda error: Failure(
        f"{error.asked} holds no pictures that this tool wrote",
        "draw some first: `universe-gan generate RUN`, then name that folder or the run",
        Exit.INPUT,
    ),
    OtherPictures: lambda error: Failure(
        f"{error.one} and {error.other} learned from other pictures, or at another size",
        "compare runs of one dataset and size; each against its own reals: two pages",
        Exit.INPUT,
    ),
    WhichReals: lambda error: Failure(
        f"{' and '.join(error.sources)} cannot both be what is real"
        if error.sources
        else "no picture says what real ones it learned from",
        "say which pictures are the real ones: --real RUN, a recipe, user/dataset or a folder",
        Exit.INPUT,
    ),
    LikeWhat: lambda error: Failure(
        f"no run here learned from what {error.asked} says it comes from",
        "say which real pictures it is to be like: --like RUN, a recipe, user/dataset or a folder",
        Exit.INPUT,
    ),
}
BY_NAME: dict[str, Words] = {
    "universe_gan.comparing.stages.NoFolder": lambda error: Failure(
        f"{error.folder} holds no pictures that this tool wrote",
        "name a folder of `generate`, `colour` or `upscale`: --folder NAME=DIR",
        Exit.INPUT,
    ),
    "universe_gan.comparing.answers.NoAnswers": lambda error: Failure(
        f"{error.path} holds no answers of a quiz: {error.problem}",
        "name a file that `universe-gan quiz` wrote, or move this one away; nothing was touched",
        Exit.INPUT,
    ),
    "universe_gan.comparing.answers.QuizChanged": lambda error: Failure(
        f"{error.path} answers other questions: number {error.number} showed another picture",
        "ask as before (same --questions, --seed, --real and pictures), or move that file away to begin anew",
        Exit.INPUT,
    ),
}
