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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from PIL import Image, UnidentifiedImageError
from pydantic import Field, ValidationError

from collectors import licences
from collectors.conclude import conclude, credit_line
from collectors.folder import embedded, sidecar
from collectors.folder.sidecar import Credit, SidecarBroken
from collectors.formats import FORMATS
from collectors.frozen import SourceSettings
from collectors.record import Ai, Creator, FoundBy, Original, Reason, Record, Seen, Skipped
from collectors.rights import Claim, Confidence, Evidence, LicenceClass
from collectors.source import Ask, Source
from collectors.storage.files import canonical_json

__all__ = ["SOURCE", "FolderSettings", "OutsideFolder", "SidecarBroken"]

_ENDINGS = "avif bmp gif heic heif jfif jp2 jpeg jpg jxl png svg tif tiff webp"
PICTURES = frozenset(f".{ending}" for ending in _ENDINGS.split())
"""Endings that make a file without a line in the sidecar a picture that was seen."""

EMBEDDED = "embedded"
"""The `sidecar` setting that means: read the files themselves."""

NOT_SHARED = frozenset({LicenceClass.UNKNOWN, LicenceClass.CLOSED})
"""Classes whose lines are worth listing without a file: the audit should see them."""


class FolderSettings(SourceSettings):
    """`[collect.folder]`: which folder, and which file says whose pictures these are."""

    path: str = Field(min_length=1)
    """Folder with the pictures, subfolders included; relative to the recipe."""
    sidecar: str = Field(default="credits.jsonl", min_length=1)
    """JSON lines or a CSV table, a picture each, relative to the recipe (see `sidecar.Credit`); or
    `embedded`: the XMP, IPTC and EXIF fields of the files themselves."""


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


def parse(answer: Mapping[str, Any], subject: str) -> Record:
    """A kept answer → the record it amounts to. `seen` and `Evidence.at` are left open."""
    return parse_line(answer, subject)


def parse_line(answer: Mapping[str, Any], subject: str, at: str | None = None) -> Record:
    """An answer, read at a time (ISO 8601 UTC) → a record.

    The answer is the line of the sidecar as it stood there, or the fields of the file, with what the file
    itself shows:

        {"folder": "images", "line": {"file": "m8.jpg", "title": "Lagoon Nebula", "licence": "CC0-1.0", …},
         "file": {"url": "m8.jpg", "sha1": …, "bytes": 48213, "width": 512, "height": 336, "mime": …}}

        {"folder": "images", "line": {"file": "m8.jpg"}, "file": {…},
         "embedded": [{"field": "XMP dc:rights", "value": "© 2020 Ada Lane. CC BY 4.0"}, …]}
    """
    answer_sha256 = hashlib.sha256(canonical_json(answer)).hexdigest()
    told = _told(answer)
    credit = told.credit
    rights = conclude(told.claims, told.restrictions)
    title = credit.title or Path(credit.file).stem.replace("_", " ")
    return Record(
        uid=uid(credit.file),
        source="folder",
        subject=subject,
        title=title,
        page=credit.page,
        found_by=FoundBy(query=answer["folder"], path=tuple(Path(credit.file).parts[:-1])),
        description=credit.description[:1000],
        categories=credit.categories,
        original=Original.model_validate({**answer["file"], "taken": credit.taken}),
        creator=Creator(name=credit.creator, url=credit.creator_url),
        credit_line=credit_line(title, credit.creator, _source_title(credit), credit.page, rights),
        rights=rights,
        evidence=tuple(
            Evidence(
                channel=told.channel,
                field=field,
                value=value[:500],
                url=credit.page,
                at=at,
                answer_sha256=answer_sha256,
            )
            for field, value in told.stated
        ),
        ai=told.ai,
        seen=Seen(first=at or ""),
    )


@dataclass(frozen=True)
class _Told:
    """What was said of one picture, whoever said it."""

    channel: str
    """`sidecar` or `embedded`."""
    credit: Credit
    claims: Sequence[Claim]
    stated: Sequence[tuple[str, str]]
    """What is kept as evidence, field by field; never empty, so that the kept answer is always named."""
    ai: Ai
    restrictions: tuple[str, ...] = ()


def _told(answer: Mapping[str, Any]) -> _Told:
    if "embedded" not in answer:
        credit = Credit.model_validate_json(canonical_json(answer["line"]), strict=True)
        return _Told("sidecar", credit, claims(credit), list(_stated(credit)), _ai(credit))
    said = [embedded.Said.model_validate(one) for one in answer["embedded"]]
    return _Told(
        EMBEDDED,
        embedded.credit(answer["line"]["file"], said),
        embedded.claims(said),
        [(one.field, one.value) for one in said if one.field in embedded.SPOKEN],
        embedded.ai(said),
        embedded.restrictions(said),
    )


def claims(credit: Credit) -> list[Claim]:
    """What the licence and its address amount to, each for itself, so that a contradiction shows.

    Words that cannot be read are a claim nobody may rely on; an address may be any page where terms stand.
    """
    firm = credit.how_known or credit.licence_url or credit.licence in licences.TABLE
    confidence = Confidence.STATED if firm else Confidence.INFERRED
    read: dict[str, str | None] = {}
    if credit.licence:
        read["licence"] = licences.from_text(credit.licence) or licences.UNKNOWN
    if credit.licence_url:
        read["licence_url"] = licences.from_url(credit.licence_url)
    return [
        Claim(expression=said, confidence=confidence, channel=f"{field} in the sidecar")
        for field, said in read.items()
        if said
    ]


def uid(file: str) -> str:
    """The path, percent-encoded: stable whatever else is added, readable, and unlike any other path's.

    Very long paths are cut and end in a hash; `!` is never left bare by the encoding, so the two cannot meet.
    """
    name = quote(sidecar.same_name(file), safe="")
    if len(name) > 150:
        name = f"{name[:110]}!{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return f"folder:{name}"


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


def _stated(credit: Credit) -> Iterator[tuple[str, str]]:
    """What the line says of the rights; at least its file name."""
    said = {
        field: getattr(credit, field) for field in ("licence", "licence_url", "how_known", "derived_from")
    }
    stated = {field: value for field, value in said.items() if value is not None}
    yield from (stated or {"file": credit.file}).items()


def _source_title(credit: Credit) -> str:
    """The site the picture comes from, as a reader knows it: `eso.org`."""
    host = urlsplit(credit.page).hostname if credit.page else None
    return host.removeprefix("www.") if host else "own collection"


def _ai(credit: Credit) -> Ai:
    said = {"opted_out": credit.ai_opted_out, "generated": credit.ai_generated}
    signals = tuple(
        f"sidecar: ai_{name} = {value}".lower() for name, value in said.items() if value is not None
    )
    return Ai(**said, signals=signals)


SOURCE = Source(
    name="folder",
    title="a folder on this disk",
    settings=FolderSettings,
    search=search,
    parse=parse,
    terms="the sidecar states them picture by picture",
    open_local=open_local,
)
