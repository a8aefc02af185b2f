"""The manifest: one JSON line a record under a header that seals them. It is the lock of a dataset."""

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

from collectors.frozen import Frozen
from collectors.manifest_lines import (
    FORMAT,
    LONGEST_LINE,
    Header,
    ManifestBroken,
    ManifestTooNew,
    body_of,
    header_line,
    line_of,
    lines_of,
    read_header,
    read_record,
)
from collectors.record import Record
from collectors.storage.files import written_whole

__all__ = [
    "FORMAT",
    "LONGEST_LINE",
    "Header",
    "Listing",
    "Manifest",
    "ManifestBroken",
    "ManifestTooNew",
    "Stream",
    "read",
    "root_hash",
    "seal",
    "stream",
    "write",
    "write_sorted",
]


class Manifest(Frozen):
    """A header and its records, sorted by uid."""

    header: Header
    records: tuple[Record, ...]


class Listing(Protocol):
    """A sealed manifest, in memory (`Manifest`) or on the disk (`Stream`), for whoever goes through it."""

    @property
    def header(self) -> Header: ...

    @property
    def records(self) -> Iterable[Record]:
        """From the first on, each time they are asked for."""


@dataclass(frozen=True)
class Stream:
    """A sealed manifest on the disk; of its records one is in memory at a time.

    Its seal shows at the end: `records` raises `ManifestBroken` after the last one where it does not fit, so
    whoever stops before, or acts before, has not been told. Each loop over `records` reads the file again.
    """

    path: Path
    header: Header

    @property
    def records(self) -> Iterator[Record]:
        """Every record, by uid; raises as `read`, where a line is wrong or at the end."""
        return _records(self)


def root_hash(records: Iterable[Record]) -> str:
    """SHA-256 over the lines `uid sha256` in the order of the uids; `-` where there is no file."""
    total = _Total()
    for record in sorted(records, key=lambda record: record.uid):
        total.add(record, b"")
    return total.root


def seal(
    records: Iterable[Record],
    *,
    name: str,
    subject: str,
    recipe_sha256: str,
    tool: str,
    skipped: Mapping[str, int],
) -> Manifest:
    """Sort the records and put a header over them."""
    ordered = tuple(sorted(records, key=lambda record: record.uid))
    total = _Total()
    for record in ordered:
        total.add(record, body_of(record))
    header = total.header(name=name, subject=subject, recipe_sha256=recipe_sha256, tool=tool, skipped=skipped)
    return Manifest(header=header, records=ordered)


def write(manifest: Manifest, path: Path) -> None:
    """Write the manifest whole or not at all. Raises `DiskFull`."""
    with written_whole(path) as file:
        file.write(header_line(manifest.header))
        for record in manifest.records:
            file.write(line_of(body_of(record)))


def write_sorted(
    records: Iterable[Record],
    path: Path,
    *,
    name: str,
    subject: str,
    recipe_sha256: str,
    tool: str,
    skipped: Mapping[str, int],
) -> Header:
    """Seal and write records that come sorted by uid, one in memory at a time, to the bytes of `write`.

    For what does not fit into memory: a part of a `Stream`, or several merged (`heapq.merge`). The file takes
    its place only after the last record came, so it may be the one that is read.

    Raises:
        ManifestBroken: a uid comes twice or out of order; or by the stream that is read.
        DiskFull: the old file is untouched.
    """
    total = _Total()
    with written_whole(path) as file, TemporaryFile(dir=path.parent) as lines:
        for record in _in_order(path, enumerate(records, start=2)):
            body = body_of(record)
            total.add(record, body)
            lines.write(line_of(body))
        header = total.header(
            name=name, subject=subject, recipe_sha256=recipe_sha256, tool=tool, skipped=skipped
        )
        file.write(header_line(header))
        lines.seek(0)
        shutil.copyfileobj(lines, file, 1 << 20)
    return header


class _Total:
    """What records come to, one after the other in the order of their uids."""

    def __init__(self) -> None:
        self.records = self._files = self._bytes = 0
        self._root, self._whole = hashlib.sha256(), hashlib.sha256()

    def add(self, record: Record, body: bytes) -> None:
        self.records += 1
        self._root.update(f"{record.uid} {record.file.sha256 if record.file else '-'}\n".encode())
        self._whole.update(body + b"\n")
        if record.file:
            self._files += 1
            self._bytes += record.file.bytes

    @property
    def root(self) -> str:
        return self._root.hexdigest()

    @property
    def whole(self) -> str:
        return self._whole.hexdigest()

    def header(
        self, *, name: str, subject: str, recipe_sha256: str, tool: str, skipped: Mapping[str, int]
    ) -> Header:
        return Header(
            name=name,
            subject=subject,
            recipe_sha256=recipe_sha256,
            tool=tool,
            records=self.records,
            files=self._files,
            bytes=self._bytes,
            skipped=dict(sorted(skipped.items())),
            root_sha256=self.root,
            records_sha256=self.whole,
        )


def read(path: Path) -> Manifest:
    """Read a sealed manifest and check its seal.

    Raises:
        FileNotFoundError: there is none.
        ManifestTooNew: a newer version of the tool wrote it.
        ManifestBroken: a line is unreadable or out of order, or the seal does not fit.
    """
    there = stream(path)
    return Manifest(header=there.header, records=tuple(there.records))


def stream(path: Path) -> Stream:
    """A sealed manifest whose records are read one by one; its header is read now. Raises as `read`."""
    with path.open("rb") as file:
        return Stream(path, read_header(path, next(lines_of(path, file), b"")))


def _records(there: Stream) -> Iterator[Record]:
    path, promised, total = there.path, there.header, _Total()
    with path.open("rb") as file:
        lines = lines_of(path, file)
        if read_header(path, next(lines, b"")) != promised:
            raise ManifestBroken(path, 1, "the file was written anew while it was read")

        def numbered() -> Iterator[tuple[int, Record]]:
            for number, line in enumerate(lines, start=2):
                record, body = read_record(path, number, line)
                total.add(record, body)
                yield number, record

        yield from _in_order(path, numbered())
    if total.records != promised.records:
        raise ManifestBroken(
            path, 1, f"the header promises {promised.records} records, {total.records} are there"
        )
    if total.root != promised.root_sha256:
        what = f"the root hash is {promised.root_sha256}, the records give {total.root}"
        raise ManifestBroken(path, 1, what)
    if total.whole != promised.records_sha256:
        raise ManifestBroken(path, 1, "the seal over all records does not fit: a record was exchanged")


def _in_order(path: Path, numbered: Iterable[tuple[int, Record]]) -> Iterator[Record]:
    """The records, as long as their uids rise."""
    before = ""
    for number, record in numbered:
        if record.uid <= before:
            what = "twice" if record.uid == before else "not sorted"
            raise ManifestBroken(path, number, f"uid {record.uid} stands here {what}")
        before = record.uid
        yield record
