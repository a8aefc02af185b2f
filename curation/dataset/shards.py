"""Parquet shards whose bytes stay in place as far as they can when an image comes or goes."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from collectors.frozen import Frozen
from curation.dataset.columns import Column, schema

SHARD_BYTES = 500_000_000
"""A shard ends after the row group that reaches this; the size the Hub's own tools aim at."""

CONTENT_PAGES: bool | dict[str, int] = False
"""Whether pages end where their content says so, as in what `datasets` writes.

Here they would cost. The Hub finds the bytes of a picture again wherever they stand, and sends a chunk again
for every page that begins elsewhere than before: of 200 pictures (15.8 MB) one removed sends 0.3 MB, with
such pages 2.2 MB (`benchmarks/republish.py`).
"""
PICTURE_COMPRESSION = "none"
"""They are compressed already."""


@dataclass(frozen=True)
class Grouping:
    """Where row groups end.

    Because a uid's hash decides, one image more or less moves no later boundary, and the pages of all other
    groups stay what they were.
    """

    ends_at: int
    """One uid in so many ends a row group, by its hash."""
    rows: int
    bytes: int


PICTURES = Grouping(ends_at=64, rows=256, bytes=64 * 2**20)
WORDS = Grouping(ends_at=1024, rows=16_384, bytes=64 * 2**20)
"""For rows without pixels: few groups, so that a reader over the network asks seldom."""


class Part(Frozen):
    """One split of one configuration, as it was written."""

    config: str
    split: str
    folder: str
    """Where its shards lie in the dataset: `data`."""
    rows: int
    arrow_bytes: int
    """In memory, as Arrow counts; what `datasets` calls `num_bytes`."""
    shards: tuple[str, ...]
    """Paths in the dataset."""
    bytes: int
    """Of the shards on disk."""

    @property
    def pattern(self) -> str:
        """What the card tells loaders to look for."""
        return f"{self.folder}/{self.split}-*"


class Shards:
    """The shards of one split while they are written: `train-00000-of-0000N.parquet`."""

    def __init__(
        self,
        root: Path,
        folder: str,
        config: str,
        split: str,
        columns: Sequence[Column[Any]],
        grouping: Grouping,
    ) -> None:
        self._root, self._folder, self._config, self._split = root, folder, config, split
        self._columns, self._schema, self._grouping = columns, schema(tuple(columns)), grouping
        self._parts: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._in_shard = 0
        self._group: list[dict[str, Any]] = []
        self._in_group = 0
        self._rows = self._arrow_bytes = 0
        self.part: Part | None = None
        """What was written; set when the block ends well."""

    def __enter__(self) -> Self:
        (self._root / self._folder).mkdir(exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._end_group()
        if self._writer is not None:
            self._writer.close()
        if kind is None:
            self.part = self._named()

    def add(self, values: Mapping[str, Any], weight: int) -> None:
        """Add a row; `weight`: about how many bytes it takes on disk. Values of other columns are ignored."""
        self._group.append({column.name: values[column.name] for column in self._columns})
        self._in_group += weight
        mark = int.from_bytes(hashlib.sha256(values["uid"].encode()).digest()[:4])
        grouping = self._grouping
        if (
            mark % grouping.ends_at == 0
            or len(self._group) >= grouping.rows
            or self._in_group >= grouping.bytes
        ):
            self._end_group()

    def _end_group(self) -> None:
        if not self._group:
            return
        if self._writer is None or self._in_shard >= SHARD_BYTES:
            self._next_shard()
        assert self._writer is not None
        table = pa.Table.from_pylist(self._group, schema=self._schema)
        self._writer.write_table(table)
        self._rows += table.num_rows
        self._arrow_bytes += table.nbytes
        self._in_shard += self._in_group
        self._group, self._in_group = [], 0

    def _next_shard(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._parts.append(self._root / self._folder / f"{self._split}-{len(self._parts)}.part")
        self._writer, self._in_shard = _open(self._parts[-1], self._schema, self._columns), 0

    def _named(self) -> Part:
        names = []
        for number, part in enumerate(self._parts):
            name = f"{self._folder}/{self._split}-{number:05}-of-{len(self._parts):05}.parquet"
            names.append(part.rename(self._root / name))
        return Part(
            config=self._config,
            split=self._split,
            folder=self._folder,
            rows=self._rows,
            arrow_bytes=self._arrow_bytes,
            shards=tuple(path.relative_to(self._root).as_posix() for path in names),
            bytes=sum(path.stat().st_size for path in names),
        )


def _open(path: Path, layout: pa.Schema, columns: Sequence[Column[Any]]) -> Any:
    """A writer that keeps pictures as they are and compresses words."""
    leaves = list(_leaves(columns))
    words = [leaf for leaf in leaves if leaf != "image.bytes"]
    return pq.ParquetWriter(
        path,
        layout,
        compression={leaf: PICTURE_COMPRESSION if leaf == "image.bytes" else "zstd" for leaf in leaves},
        use_dictionary=words,
        write_statistics=words,
        write_page_index=True,
        use_content_defined_chunking=CONTENT_PAGES,
    )


def _leaves(columns: Sequence[Column[Any]]) -> Iterator[str]:
    """Paths of the physical columns, as Parquet names them."""
    for column in columns:
        inner = {"image": (".bytes", ".path"), "strings": (".list.element",)}.get(column.type, ("",))
        yield from (column.name + leaf for leaf in inner)
