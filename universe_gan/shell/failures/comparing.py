"""Words for failures of colouring and comparing."""

from universe_gan.shell.colouring import LikeWhat, NothingToColour
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table

TABLE: Table = {
    NothingToColour: lambda error: Failure(
        f"{error.asked} holds no pictures that this tool wrote",
        "draw some first: `universe-gan generate RUN`, then name that folder or the run",
        Exit.INPUT,
    ),
    LikeWhat: lambda error: Failure(
        f"no run here learned from what {error.asked} says it comes from",
        "say which real pictures it is to be like: --like RUN, a recipe, user/dataset or a folder",
        Exit.INPUT,
    ),
}
