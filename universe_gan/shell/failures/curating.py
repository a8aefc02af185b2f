"""Words for failures of curating and building."""

from curation.curate import VerdictsBroken
from curation.dataset import NothingKept
from curation.dataset_diff import NoRows
from curation.judged import OriginalsMissing
from curation.outcome import NotJudged
from curation.screening.decisions import ReviewBroken
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table

TABLE: Table = {
    NothingKept: lambda error: Failure(
        "not one image is left for the dataset: "
        + ", ".join(f"{count} {reason.value}" for reason, count in error.reasons.most_common()),
        "loosen [curate] (size, min_side) or [policy] allow, or collect more",
        Exit.INPUT,
    ),
    OriginalsMissing: lambda error: Failure(
        str(error), "fetch them again with `universe-gan collect … --locked`", Exit.INPUT
    ),
    NotJudged: lambda error: Failure(str(error), "run `universe-gan curate …` first", Exit.INPUT),
    NoRows: lambda error: Failure(
        f"{error.path} cannot be compared with: {error.problem}",
        "give --diff the folder of a built dataset, or one of its Parquet files",
        Exit.INPUT,
    ),
    VerdictsBroken: lambda error: Failure(str(error), "run `universe-gan curate …` again", Exit.INPUT),
    ReviewBroken: lambda error: Failure(
        "\n  ".join([f"{error.path} cannot be taken: {len(error.problems)} wrong", *error.problems]),
        "save it again on the page that `universe-gan review …` writes; nothing was touched",
        Exit.INPUT,
    ),
}
