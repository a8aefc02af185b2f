"""What changed between two built datasets: rows that came or went, rights, pixels and words that differ."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from collectors.frozen import Frozen
from curation.markup import markdown, markdown_link, plain, web_address

PART = "part"
"""Key that `read_rows` adds to the columns of a row: `train`, `test`, or `references`."""

RIGHTS = (
    "license",
    "license_expression",
    "license_class",
    "attribution_required",
    "share_alike",
    "commercial_use",
    "derivatives",
    "rights_confidence",
    "rights_conflict",
    "restrictions",
    "permission",
    "ai_opted_out",
    "ai_generated",
    "creator",
)
"""Columns in which a change matters to whoever uses a picture; told before all others."""
PIXELS = "image_sha256"
EVIDENCE = "rights_evidence"

Value = bool | int | float | str | tuple[str, ...] | None
Rows = Mapping[str, Mapping[str, Any]]
"""Rows by uid, each its columns by name, less the pixels."""


class NoRows(Exception):
    """A place that holds no dataset whose rows can be told apart."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class ColumnChange(Frozen):
    """One column of a row, then and now."""

    column: str
    before: Value
    after: Value

    @property
    def words(self) -> str:
        """`license: CC-BY-4.0 → CC-BY-SA-4.0`, on one line; of pixels and evidence, that they changed."""
        if self.column == PIXELS:
            return "other pixels"
        if self.column == EVIDENCE:
            return "other evidence"
        return f"{self.column}: {_short(self.before)} → {_short(self.after)}"


class Listed(Frozen):
    """A row that stands in one of the two only."""

    uid: str
    title: str
    page: str | None
    licence: str | None
    part: str


class Changed(Frozen):
    """A row that stands in both and is not the same."""

    uid: str
    title: str
    page: str | None
    columns: tuple[ColumnChange, ...]
    """Rights first, then pixels, then the part it is in, then the rest in the order of the dataset."""

    @property
    def rights(self) -> bool:
        return any(one.column in RIGHTS for one in self.columns)

    @property
    def pixels(self) -> bool:
        return any(one.column == PIXELS for one in self.columns)


class DatasetDiff(Frozen):
    """From an older dataset to a newer one."""

    added: tuple[Listed, ...]
    removed: tuple[Listed, ...]
    changed: tuple[Changed, ...]
    """Rows whose rights changed first, each kind by uid."""
    same: int
    """Rows that stand in both unchanged."""
    new_columns: tuple[str, ...] = ()
    """Columns the older dataset does not have; no row counts as changed for them."""
    gone_columns: tuple[str, ...] = ()

    @property
    def rights(self) -> tuple[Changed, ...]:
        """The rows whose rights changed."""
        return tuple(one for one in self.changed if one.rights)

    @property
    def words(self) -> str:
        """The diff in one line."""
        pixels = sum(one.pixels for one in self.changed)
        return (
            f"{len(self.added):,} added, {len(self.removed):,} removed, {len(self.changed):,} changed"
            f" ({len(self.rights):,} in their rights, {pixels:,} in their pixels), {self.same:,} as before"
        )


def read_rows(path: Path) -> Rows:
    """The rows of a built dataset, references included, by uid; no picture is read.

    `path` is a dataset's folder, or any folder of Parquet files, or one such file. Where the dataset has a
    configuration `metadata`, only that is opened.

    Raises:
        NoRows: no Parquet file is there, one is broken, or the rows have no uid.
    """
    found = [path] if path.is_file() else list(_shards(path))
    if not found:
        raise NoRows(path, "no Parquet file is there")
    rows: dict[str, Mapping[str, Any]] = {}
    for shard in found:
        try:
            names = [name for name in pq.read_schema(shard).names if name != "image"]
            table = pq.read_table(shard, columns=names, partitioning=None)
        except (pa.ArrowInvalid, OSError) as error:
            raise NoRows(shard, str(error)) from error
        if "uid" not in names:
            raise NoRows(shard, "its rows have no column uid")
        rows |= rows_of(table, part_of(shard))
    return rows


def rows_of(table: pa.Table, part: str) -> Rows:
    """The rows of one table by uid, with the part of the dataset it is."""
    return {row["uid"]: {**row, PART: part} for row in table.to_pylist()}


def part_of(shard: Path) -> str:
    """`references`, or the split in the name of a shard, as the Hub writes it: `test-00000-of-00001`."""
    return "references" if shard.parent.name == "references" else shard.name.split("-")[0].split(".")[0]


def diff(old: Rows, new: Rows) -> DatasetDiff:
    """Compare two datasets row by row, by uid. Pure."""
    columns, former = _columns(new), _columns(old)
    both = [uid for uid in sorted(new) if uid in old]
    shared = sorted((name for name in columns if name in former), key=_weight)
    changed = [one for uid in both if (one := _changed(old[uid], new[uid], shared))]
    return DatasetDiff(
        added=tuple(_listed(new[uid]) for uid in sorted(new) if uid not in old),
        removed=tuple(_listed(old[uid]) for uid in sorted(old) if uid not in new),
        changed=tuple(sorted(changed, key=lambda one: not one.rights)),
        same=len(both) - len(changed),
        new_columns=tuple(name for name in columns if name not in former) if old else (),
        gone_columns=tuple(name for name in former if name not in columns) if new else (),
    )


def lines(found: DatasetDiff) -> Iterator[tuple[str, str, str]]:
    """The diff as rows of one table: uid, what happened, and to what; changed rights before all else."""
    yield from (_told(one) for one in found.rights)
    for what, listed in (("removed", found.removed), ("added", found.added)):
        yield from ((one.uid, what, f"{one.part}, {one.licence or 'no licence'}") for one in listed)
    yield from (_told(one) for one in found.changed if not one.rights)


def to_markdown(found: DatasetDiff) -> str:
    """The diff as a page for people."""
    pages = {one.uid: one.page for one in (*found.added, *found.removed)}
    pages |= {one.uid: one.page for one in found.changed}
    text = ["# What changed between two datasets", "", f"{found.words}.", ""]
    for head, names in (("New columns", found.new_columns), ("Columns gone", found.gone_columns)):
        if names:
            text += [f"{head}: {', '.join(f'`{name}`' for name in names)}.", ""]
    rows = list(lines(found))
    if rows:
        text += ["| image | | |", "|---|---|---|"]
        text += [f"| {markdown_link(uid, pages[uid])} | {what} | {markdown(to)} |" for uid, what, to in rows]
        text.append("")
    return "\n".join(text)


def _told(one: Changed) -> tuple[str, str, str]:
    return one.uid, "rights" if one.rights else "changed", "; ".join(change.words for change in one.columns)


def _shards(folder: Path) -> Iterator[Path]:
    """Every Parquet file whose rows count, those with pixels only where there is no other."""
    slim = sorted((folder / "metadata").glob("*.parquet"))
    if slim:
        yield from slim
        yield from sorted((folder / "references").glob("*.parquet"))
    else:
        yield from sorted(folder.rglob("*.parquet"))


def _columns(rows: Rows) -> list[str]:
    """Names in the order of the dataset; rows of one dataset have the same."""
    return list(dict.fromkeys(name for row in rows.values() for name in row))


def _weight(name: str) -> tuple[int, int]:
    """Sorts the columns of a change; a stable sort keeps the others as they stand."""
    if name in RIGHTS:
        return 0, RIGHTS.index(name)
    return {PIXELS: 1, PART: 2, EVIDENCE: 4}.get(name, 3), 0


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], shared: list[str]) -> Changed | None:
    columns = tuple(
        ColumnChange(column=name, before=_value(old.get(name)), after=_value(new.get(name)))
        for name in shared
        if old.get(name) != new.get(name)
    )
    if not columns:
        return None
    return Changed(uid=new["uid"], title=_title(new), page=web_address(new.get("page")), columns=columns)


def _listed(row: Mapping[str, Any]) -> Listed:
    return Listed(
        uid=row["uid"],
        title=_title(row),
        page=web_address(row.get("page")),
        licence=row.get("license"),
        part=row[PART],
    )


def _title(row: Mapping[str, Any]) -> str:
    return plain(row.get("title") or "") or str(row["uid"])


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(map(str, value))
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _short(value: Value) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        value = ", ".join(value) or "none"
    text = plain(str(value))
    return text if len(text) <= 80 else f"{text[:79]}…"
