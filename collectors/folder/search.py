"""A folder of pictures on this disk, with a sidecar that says who made each and on what terms.

    [collect.folder]
    path    = "images"
    sidecar = "credits.jsonl"    # or "credits.csv", or "embedded": what the files themselves say

Both are relative to the recipe. A picture without a line in the sidecar, or with no word about rights in the
file itself, has no licence and is not taken.
"""

import hashlib
import mimetypes
import os
import warnings
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from pydantic import ValidationError

from collectors.folder import embedded, sidecar
from collectors.folder.lines import parse_line, uid
from collectors.folder.settings import EMBEDDED, FolderSettings
from collectors.folder.sidecar import Credit, SidecarBroken
from collectors.formats import FORMATS
from collectors.record import Original, Reason, Record, Skipped
from collectors.rights import LicenceClass
from collectors.source import Ask

_ENDINGS = "avif bmp gif heic heif jfif jp2 jpeg jpg jxl png svg tif tiff webp"
PICTURES = frozenset(f".{ending}" for ending in _ENDINGS.split())
"""Endings that make a file without a line in the sidecar a picture that was seen."""

NOT_SHARED = frozenset({LicenceClass.UNKNOWN, LicenceClass.CLOSED})
"""Classes whose lines are worth listing without a file: the audit should see them."""


class OutsideFolder(Exception):
    """A file name that leads out of the folder, by `..` or through a link."""

    def __init__(self, folder: Path, file: str) -> None:
        super().__init__(f"{file} leads out of {folder}")
        self.folder, self.file = folder, file


def search(ask: Ask) -> Iterator[Record | Skipped]:
    """Yield every picture of the folder and every line of the sidecar, taken or not, ordered by path.

    Raises:
        SidecarBroken: the folder or the sidecar is not there, or lines of it are wrong.
    """
    settings: FolderSettings = ask.settings
    folder = ask.base / settings.path
    from_files = settings.sidecar == EMBEDDED
    listing = folder if from_files else ask.base / settings.sidecar
    listed = [] if from_files else sidecar.read(listing)
    if not folder.is_dir():
        raise SidecarBroken(listing, None, f"its folder {folder} is not there")
    credits = {sidecar.same_name(credit.file): credit for credit in listed}
    files = {_name(path, folder): path for path in _files(folder)}
    asked = ask.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = sorted({*credits, *(name for name, path in files.items() if path.suffix.lower() in PICTURES)})
    for name in names:
        yield _look_at(ask, asked, folder, credits.get(name), files.get(name), name)


def open_local(settings: FolderSettings, base: Path, original: Original) -> Path:
    """Where the original lies; it may have gone since. Raises `OutsideFolder`."""
    folder = base / settings.path
    path = folder / original.url
    if not path.resolve().is_relative_to(folder.resolve()):
        raise OutsideFolder(folder, original.url)
    return path


def _files(folder: Path) -> Iterator[Path]:
    """Every file below, hidden ones and what hidden folders hold left out."""
    for entry in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in entry.relative_to(folder).parts)
        if not hidden and entry.is_file():
            yield entry


def _name(path: Path, folder: Path) -> str:
    """The path in the folder; bytes that are no UTF-8 are spelt out: JSON cannot hold them."""
    relative = path.relative_to(folder).as_posix()
    return sidecar.same_name(os.fsencode(relative).decode(errors="backslashreplace"))


def _look_at(
    ask: Ask, asked: str, folder: Path, credit: Credit | None, path: Path | None, name: str
) -> Record | Skipped:
    from_files = ask.settings.sidecar == EMBEDDED
    if credit is None and not from_files and (credit := _unclaimed(name)) is None:
        return Skipped(key=uid(name), reason=Reason.NO_LICENCE, detail=f"{name} has no line in the sidecar")
    if path is not None and not path.resolve().is_relative_to(folder.resolve()):
        return Skipped(
            key=uid(name), reason=Reason.NOT_AN_IMAGE, detail=f"{name} is a link out of the folder"
        )
    try:
        file = (
            _measure(path, path.relative_to(folder).as_posix())
            if path
            else {"url": credit.file if credit else name}
        )
        said = embedded.read(path) if path and from_files else ()
    except OSError as error:
        return Skipped(key=uid(name), reason=Reason.UNREADABLE, detail=f"{name}: {error.strerror or error}")
    if from_files and not embedded.speaks_of_rights(said):
        words = f"{name} holds no word about its rights"
        return Skipped(key=uid(name), reason=Reason.NO_LICENCE, detail=words)
    answer: dict[str, Any] = {"folder": ask.settings.path, "file": file, "line": {"file": name}}
    if credit is not None:
        answer["line"] = credit.model_dump(mode="json", exclude_unset=True)
    else:
        answer["embedded"] = [one.model_dump() for one in said]
    try:
        record = parse_line(answer, ask.subject, asked)
    except ValidationError:
        return Skipped(key=uid(name), reason=Reason.UNREADABLE, detail=f"{name} is no name we can keep")
    if path is None and record.rights.cls not in NOT_SHARED:
        return Skipped(
            key=record.uid, reason=Reason.GONE, detail=f"{name} is in the sidecar, not in the folder"
        )
    ask.answers.add_answer(answer)
    return record.model_copy(update={"kind": ask.settings.kind})


def _unclaimed(name: str) -> Credit | None:
    """What is known of a picture without a line: that it is there, for the manifest and the audit to count.

    `None`: its name cannot be written in a manifest.
    """
    try:
        name.encode()
        return Credit(file=name, title=Path(name).name, description="It has no line in the sidecar.")
    except (UnicodeEncodeError, ValidationError):
        return None


def _measure(path: Path, url: str) -> dict[str, Any]:
    """The file's own facts, read without decoding it; what its header does not tell stays unknown."""
    with path.open("rb") as file:
        sha1 = hashlib.file_digest(file, "sha1").hexdigest()
        size = file.tell()
    facts: dict[str, Any] = {"url": url, "sha1": sha1, "bytes": size, "mime": mimetypes.guess_type(url)[0]}
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            facts |= {"width": image.width, "height": image.height}
            facts["mime"] = image.get_format_mimetype() or facts["mime"]
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, EOFError, SyntaxError, ValueError):
        return facts
    return facts
