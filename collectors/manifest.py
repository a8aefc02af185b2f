"""The manifest: one JSON line a record under a header that seals them. It is the lock of a dataset."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from collectors.files import canonical_json, written_whole
from collectors.frozen import Frozen
from collectors.record import Record

FORMAT = 1
"""Raised when a reader of today could misread a manifest of tomorrow."""


LONGEST_LINE = 2**22
"""Bytes. A record holds a few thousand; what is longer was not written by this tool."""


class ManifestBroken(Exception):
    """A manifest that cannot be trusted: which line, and what is wrong with it."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}" if line else f"{path}: {problem}")
        self.path, self.line, self.problem = path, line, problem


class ManifestTooNew(Exception):
    """A manifest written by a newer version of this tool."""

    def __init__(self, path: Path, format: int, tool: str) -> None:
        super().__init__(f"{path} has format {format}, this version reads up to {FORMAT}")
        self.path, self.format, self.tool = path, format, tool


SEAL = "seal"
"""Key of a line's own seal: it shows which line was edited by hand."""


class Header(Frozen):
    """The first line: what the rest must add up to."""

    kind: Literal["universe-gan manifest"] = "universe-gan manifest"
    format: int = FORMAT
    tool: str
    """Version that wrote it."""
    name: str
    subject: str
    recipe_sha256: str
    """Hash of the recipe's `[collect]` and `[policy]` as they were understood, defaults included."""
    records: int
    files: int
    """Records that carry a file; the others were refused and stand for the audit."""
    bytes: int
    skipped: dict[str, int] = Field(default_factory=dict)
    """Images seen and not listed, counted by reason."""
    root_sha256: str
    """Over uids and files, nothing else: equal for datasets of equal pictures."""
    records_sha256: str = ""
    """Over all records whole: rights, credits and evidence included."""


class Manifest(Frozen):
    """A header and its records, sorted by uid."""

    header: Header
    records: tuple[Record, ...]


def root_hash(records: Iterable[Record]) -> str:
    """SHA-256 over the lines `uid sha256` in the order of the uids; `-` where there is no file."""
    digest = hashlib.sha256()
    for record in sorted(records, key=lambda record: record.uid):
        digest.update(f"{record.uid} {record.file.sha256 if record.file else '-'}\n".encode())
    return digest.hexdigest()


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
    files = [record.file for record in ordered if record.file]
    header = Header(
        tool=tool,
        name=name,
        subject=subject,
        recipe_sha256=recipe_sha256,
        records=len(ordered),
        files=len(files),
        bytes=sum(file.bytes for file in files),
        skipped=dict(sorted(skipped.items())),
        root_sha256=root_hash(ordered),
        records_sha256=_over_all(ordered),
    )
    return Manifest(header=header, records=ordered)


def write(manifest: Manifest, path: Path) -> None:
    """Write the manifest whole or not at all. Raises `DiskFull`."""
    with written_whole(path) as file:
        file.write(canonical_json(manifest.header.model_dump(mode="json")) + b"\n")
        for record in manifest.records:
            value = _plain(record)
            file.write(canonical_json({**value, SEAL: _seal_of(value)}) + b"\n")


def _plain(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", by_alias=True)


def _seal_of(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()[:16]


def _over_all(records: Iterable[Record]) -> str:
    digest = hashlib.sha256()
    for record in records:
        digest.update(canonical_json(_plain(record)) + b"\n")
    return digest.hexdigest()


def read(path: Path) -> Manifest:
    """Read a sealed manifest and check its seal.

    Raises:
        FileNotFoundError: there is none.
        ManifestTooNew: a newer version of the tool wrote it.
        ManifestBroken: a line is unreadable or out of order, or the seal does not fit.
    """
    lines = _lines(path)
    header = _header(path, next(lines, None))
    records = tuple(_record(path, number, line) for number, line in lines)
    for number, (earlier, later) in enumerate(pairwise(records), start=3):
        if earlier.uid >= later.uid:
            what = "twice" if earlier.uid == later.uid else "not sorted"
            raise ManifestBroken(path, number, f"uid {later.uid} stands here {what}")
    if len(records) != header.records:
        raise ManifestBroken(
            path, 1, f"the header promises {header.records} records, {len(records)} are there"
        )
    found = root_hash(records)
    if found != header.root_sha256:
        raise ManifestBroken(path, 1, f"the root hash is {header.root_sha256}, the records give {found}")
    if _over_all(records) != header.records_sha256:
        raise ManifestBroken(path, 1, "the seal over all records does not fit: a record was exchanged")
    return Manifest(header=header, records=records)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise ManifestBroken(path, number, f"the line has more than {LONGEST_LINE:,} bytes")
            yield number, line


def _header(path: Path, first: tuple[int, bytes] | None) -> Header:
    if first is None:
        raise ManifestBroken(path, None, "the file is empty")
    value = _json(path, *first)
    if value.get("kind") != "universe-gan manifest":
        raise ManifestBroken(path, 1, "this is not the header of a universe-gan manifest")
    format = value.get("format")
    if isinstance(format, int) and format > FORMAT:
        raise ManifestTooNew(path, format, str(value.get("tool", "unknown")))
    try:
        return Header.model_validate(value)
    except ValidationError as error:
        raise ManifestBroken(path, 1, _first_problem(error)) from error


def _record(path: Path, number: int, line: bytes) -> Record:
    value = _json(path, number, line)
    seal = value.pop(SEAL, None)
    try:
        record = Record.model_validate(value)
    except ValidationError as error:
        raise ManifestBroken(path, number, _first_problem(error)) from error
    if seal != _seal_of(value):
        raise ManifestBroken(path, number, f"{record.uid} was edited by hand: its seal does not fit")
    return record


def _json(path: Path, number: int, line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise ManifestBroken(path, number, "the line is cut off")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ManifestBroken(path, number, f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ManifestBroken(path, number, "not a JSON object")
    return value


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]
