"""A sidecar as a table: CSV with a header row, a picture a row, the fields of `sidecar.Credit`.

    file,title,creator,licence,licence_url,how_known,categories
    m8.jpg,Lagoon Nebula,Ada Lane,CC-BY-4.0,,her page,Nebula;Messier

An empty cell is "not known"; `categories` are separated by `;`, yes and no are written `true` and `false`.
"""

import csv
import difflib
import io
from collections.abc import Collection, Iterator, Sequence

LISTS = frozenset({"categories"})
"""Fields whose cells hold several values."""
YES_NO = frozenset({"ai_opted_out", "ai_generated"})

Row = dict[str, object]


def rows(content: bytes, fields: Collection[str]) -> Iterator[tuple[int, Row | str]]:
    """Every row below the header with the line it begins in (1 is the header), or what is wrong with it.

    `content` is UTF-8, with or without a byte order mark. After a mistake that makes the rest unreadable
    nothing more follows.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield content.count(b"\n", 0, error.start) + 1, f"not UTF-8: {error.reason}"
        return
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins, names = 1, None
    try:
        for cells in table:
            line, begins = begins, table.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = [cell.strip() for cell in cells]
                problems = list(_wrong_header(names, fields))
                yield from ((line, problem) for problem in problems)
                if problems:
                    return
            elif len(cells) != len(names):
                yield line, f"{len(cells)} cells, the header has {len(names)}"
            else:
                yield line, _row(names, cells)
    except csv.Error as error:
        yield begins, f"not CSV: {error}"


def not_a_field(name: str, fields: Collection[str]) -> str:
    """What to say of a field that nobody knows, with the one that was probably meant."""
    near = difflib.get_close_matches(name.lower(), list(fields), n=1, cutoff=0.6)
    return f"{name} is not a field" + (f" (did you mean {near[0]}?)" if near else "")


def _wrong_header(names: Sequence[str], fields: Collection[str]) -> Iterator[str]:
    for separator, words in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            yield f"the columns are separated by {words}; save the table with commas"
            return
    for name in dict.fromkeys(names):
        if not name:
            yield "a column has no name"
        elif name not in fields:
            yield not_a_field(name, fields)
        elif names.count(name) > 1:
            yield f"{name} stands there twice"
    if "file" not in names:
        yield "the column file is missing"


def _row(names: Sequence[str], cells: Sequence[str]) -> Row:
    """The cells that say something."""
    said = ((name, cell.strip()) for name, cell in zip(names, cells, strict=True))
    return {name: _value(name, cell) for name, cell in said if cell or name == "file"}


def _value(name: str, cell: str) -> object:
    if name in LISTS:
        return tuple(part for part in map(str.strip, cell.split(";")) if part)
    if name in YES_NO:
        return {"true": True, "false": False}.get(cell.lower(), cell)
    return cell
