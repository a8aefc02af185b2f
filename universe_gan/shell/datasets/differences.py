"""What `curate --diff` and `build --diff` print: a built dataset beside an older one."""

from pathlib import Path

from curation.dataset.diff import DatasetDiff, Rows, lines, read_rows
from universe_gan.shell.output import Output


def before(older: Path | None) -> Rows | None:
    """The rows to compare with, read before anything is written: `older` may be the folder that is replaced.

    Raises `NoRows`.
    """
    return read_rows(older) if older else None


def tell(output: Output, older: Path, found: DatasetDiff, page: Path) -> None:
    """The table, changed rights first, and the line that sums it up."""
    rows = list(lines(found))
    shown = rows if output.verbose else rows[:20]
    output.table(f"Compared with {older}", ["uid", "", "what"], shown)
    if len(shown) < len(rows):
        output.say(f"  … and {len(rows) - len(shown):,} more (--verbose lists all)")
    for head, names in (("new columns", found.new_columns), ("columns gone", found.gone_columns)):
        if names:
            output.say(f"{head}: {', '.join(names)}")
    output.line(f"diff      {page}  {found.words}")
