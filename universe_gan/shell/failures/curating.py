"""Words for failures of curating and building."""

from curation.curate import VerdictsBroken
from curation.dataset.diff import NoRows
from curation.dataset.synthetic import Synthetic, SyntheticBroken, SyntheticMissing
from curation.dataset.write import NothingKept
from curation.judged import OriginalsMissing
from curation.outcome import NotJudged
from curation.screening.decisions import ReviewBroken
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table

_SOME = 5
"""Generators that are named at most; the others are counted."""


def _draw_again(error: SyntheticMissing) -> Failure:
    """Each generator with its seeds, so that the words are enough to draw them."""
    by_generator: dict[tuple[str, str], list[Synthetic]] = {}
    for one in error.missing:
        by_generator.setdefault((one.run, one.checkpoint_sha256), []).append(one)
    lines = []
    for (run, checkpoint), some in list(by_generator.items())[:_SOME]:
        seeds = ",".join(str(seed) for seed in sorted({one.seed for one in some}))
        steps = " and ".join(sorted({step for one in some for step in one.steps}))
        lines.append(
            f"{run}, checkpoint {checkpoint[:12]}, seeds {seeds}{f', then {steps}' if steps else ''}"
        )
    if (more := len(by_generator) - _SOME) > 0:
        lines.append(f"and {more:,} more generators")
    return Failure(
        "\n  ".join([f"{len(error.missing):,} accepted generated pictures are not in the workspace", *lines]),
        "draw them again (`universe-gan generate RUN --seeds … --to DIR`): `universe-gan select DIR --into …`"
        " puts back those with the same bytes; or take their lines out of NAME.synthetic.jsonl",
        Exit.INPUT,
    )


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
    SyntheticMissing: _draw_again,
    SyntheticBroken: lambda error: Failure(
        "\n  ".join([f"{error.path} cannot be taken: {len(error.problems)} wrong", *error.problems]),
        "take these lines out, or bring back a copy of the file; nothing was touched",
        Exit.INPUT,
    ),
    ReviewBroken: lambda error: Failure(
        "\n  ".join([f"{error.path} cannot be taken: {len(error.problems)} wrong", *error.problems]),
        "save it again on the page that `universe-gan review …` writes; nothing was touched",
        Exit.INPUT,
    ),
}
