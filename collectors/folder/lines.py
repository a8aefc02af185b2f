"""What was said of one picture, by the sidecar or by the file itself, and the record it amounts to."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from collectors import licences
from collectors.conclude import conclude, credit_line
from collectors.folder import embedded, sidecar
from collectors.folder.settings import EMBEDDED
from collectors.folder.sidecar import Credit
from collectors.record import Ai, Creator, FoundBy, Original, Record, Seen
from collectors.rights import Claim, Confidence, Evidence
from collectors.storage.files import canonical_json


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
