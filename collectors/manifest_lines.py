"""The lines of a manifest: how its header and its records are spelled, sealed, and read back."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import Field, ValidationError

from collectors.frozen import Frozen
from collectors.record import Record
from collectors.storage.files import canonical_json

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


def header_line(header: Header) -> bytes:
    """The first line."""
    return canonical_json(header.model_dump(mode="json")) + b"\n"


def body_of(record: Record) -> bytes:
    """A record without its seal."""
    return canonical_json(record.model_dump(mode="json", by_alias=True))


def _seal_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


_AFTER_SEAL = b'"seen":{'
"""The member that follows the seal. Within a string its quotes were escaped, so this is the member itself."""


def line_of(body: bytes) -> bytes:
    """A record as it stands in the file: sealed, its members in order."""
    place = body.rindex(_AFTER_SEAL)
    return b'%b"%b":"%b",%b\n' % (body[:place], SEAL.encode(), _seal_of(body).encode(), body[place:])


_SEALED = re.compile(rb'"seal":"([0-9a-f]{16})",(?="seen":\{)')


def lines_of(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    """The lines of the file, none longer than it can be. Raises `ManifestBroken`."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise ManifestBroken(path, number, f"the line has more than {LONGEST_LINE:,} bytes")
        yield line


def read_header(path: Path, line: bytes) -> Header:
    """What the first line says. Raises `ManifestTooNew`, `ManifestBroken`; so does `read_record`."""
    if not line:
        raise ManifestBroken(path, None, "the file is empty")
    value = _json(path, 1, line)
    if value.get("kind") != "universe-gan manifest":
        raise ManifestBroken(path, 1, "this is not the header of a universe-gan manifest")
    format = value.get("format")
    if isinstance(format, int) and format > FORMAT:
        raise ManifestTooNew(path, format, str(value.get("tool", "unknown")))
    try:
        return Header.model_validate(value)
    except ValidationError as error:
        raise ManifestBroken(path, 1, _first_problem(error)) from error


def read_record(path: Path, number: int, line: bytes) -> tuple[Record, bytes]:
    """The record of a line, and its body."""
    found = _SEALED.search(line)
    if found and line.endswith(b"\n"):
        body = line[: found.start()] + line[found.end() : -1]
        if _seal_of(body) == found[1].decode():  # as `write` spelled it: no need to spell it again
            try:
                return Record.model_validate_json(body), body
            except ValidationError as error:
                raise ManifestBroken(path, number, _first_problem(error)) from error
    return _record_in_other_words(path, number, line)


def _record_in_other_words(path: Path, number: int, line: bytes) -> tuple[Record, bytes]:
    """As `read_record`, for a line that another program formatted, or that is wrong: then it says how."""
    value = _json(path, number, line)
    seal = value.pop(SEAL, None)
    try:
        record = Record.model_validate(value)
    except ValidationError as error:
        raise ManifestBroken(path, number, _first_problem(error)) from error
    body = canonical_json(value)
    if seal != _seal_of(body):
        raise ManifestBroken(path, number, f"{record.uid} was edited by hand: its seal does not fit")
    return record, body


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
