"""What the report shows of each image: outcomes turned into words, badges and marks, nothing decoded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from collectors import licences
from collectors.record import Reason, Record
from collectors.rights import Confidence, Evidence, LicenceClass
from curation.markup import plain, web_address
from curation.outcome import Outcome

CLASS_WORDS: Mapping[LicenceClass, str] = {
    LicenceClass.PD: "public domain",
    LicenceClass.PD_CLAIM: "public-domain claim",
    LicenceClass.NKCR: "no known restrictions",
    LicenceClass.BY: "attribution",
    LicenceClass.SA: "share-alike",
    LicenceClass.COPYLEFT: "copyleft",
    LicenceClass.CUSTOM: "own terms",
    LicenceClass.NC: "non-commercial",
    LicenceClass.ND: "no derivatives",
    LicenceClass.CLOSED: "all rights reserved",
    LicenceClass.UNKNOWN: "unknown",
}
"""The words that stand beside the colour of a class."""

State = Literal["kept", "dropped", "refused"]


@dataclass(frozen=True)
class Mark:
    """Something a curator should look at."""

    name: str
    """`conflict`, `inferred`, `uncredited`, `restricted`: what the filter asks for."""
    label: str
    words: str


MARKS = {
    "conflict": "licence conflict",
    "inferred": "licence inferred",
    "uncredited": "no creator named",
    "restricted": "other rights",
    "permission": "by written permission",
}


@dataclass(frozen=True)
class Tile:
    """One image as the report shows it. Strings are plain text from the web and not escaped yet."""

    uid: str
    title: str
    page: str | None
    creator: str | None
    creator_url: str | None
    source: str
    kind: str | None
    """`real` or `fictive`."""
    size: str | None
    """`1600 × 1200`."""
    licence_id: str
    licence_name: str
    licence_url: str | None
    cls: LicenceClass
    state: State
    reason: Reason | None
    detail: str
    twin: str | None
    """Title of the kept copy, for a duplicate."""
    marks: tuple[Mark, ...]
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]
    picture: str | None
    """A `data:` address, or `None` where there is nothing to show; `missing` then says why."""
    missing: str

    @property
    def class_words(self) -> str:
        return CLASS_WORDS[self.cls]


def tiles(outcomes: Sequence[Outcome], pictures: Mapping[str, str], capped: frozenset[str]) -> Iterator[Tile]:
    """A tile for every image. `pictures`: `data:` addresses by uid; `capped`: uids without, to save space."""
    titles = {outcome.record.uid: _title(outcome.record) for outcome in outcomes}
    for outcome in outcomes:
        uid = outcome.record.uid
        missing = "left out to keep this page small" if uid in capped else _why_nothing_to_see(outcome)
        yield _tile(outcome, titles, pictures.get(uid), missing)


def families(shown: Iterable[Tile], outcomes: Iterable[Outcome]) -> tuple[tuple[Tile, ...], ...]:
    """Kept images, each followed by its copies that were dropped."""
    twins = {outcome.record.uid: outcome.verdict.twin for outcome in outcomes}
    found: dict[str, list[Tile]] = {}
    copies: list[Tile] = []
    for tile in shown:
        if tile.state == "kept":
            found[tile.uid] = [tile]
        elif twins.get(tile.uid):
            copies.append(tile)
    for copy in copies:
        twin = twins[copy.uid]
        if twin in found:
            found[twin].append(copy)
    return tuple(tuple(family) for family in found.values())


def _tile(outcome: Outcome, titles: Mapping[str, str], picture: str | None, missing: str) -> Tile:
    record, judged = outcome.record, outcome.judged
    licence = licences.get(record.rights.chosen)
    width, height = (judged.width, judged.height) if judged else (None, None)
    if width is None or height is None:
        width, height = record.original.width, record.original.height
    twin = outcome.verdict.twin
    return Tile(
        uid=record.uid,
        title=titles[record.uid],
        page=web_address(record.page),
        creator=record.creator.name,
        creator_url=web_address(record.creator.url),
        source=record.source,
        kind=record.kind,
        size=f"{width} × {height}" if width and height else None,
        licence_id=record.rights.chosen,
        licence_name=licence.name,
        licence_url=web_address(licence.url),
        cls=record.rights.cls,
        state="kept" if outcome.keep else "dropped" if judged else "refused",
        reason=outcome.verdict.reason,
        detail=outcome.verdict.detail,
        twin=titles.get(twin, twin) if twin else None,
        marks=tuple(_marks(record)),
        evidence=record.evidence,
        notes=judged.notes if judged else (),
        picture=picture,
        missing=missing,
    )


def _title(record: Record) -> str:
    return plain(record.title.removeprefix("File:")) or record.uid


def _marks(record: Record) -> Iterator[Mark]:
    rights = record.rights
    if rights.conflict:
        yield Mark("conflict", MARKS["conflict"], rights.conflict)
    if rights.confidence is Confidence.INFERRED:
        yield Mark("inferred", MARKS["inferred"], "read from free text, a template or a category")
    if not record.creator.name:
        yield Mark("uncredited", MARKS["uncredited"], "the source names no creator")
    if rights.restrictions:
        yield Mark("restricted", MARKS["restricted"], ", ".join(rights.restrictions))
    if record.permission:
        yield Mark("permission", MARKS["permission"], record.permission.words)


def _why_nothing_to_see(outcome: Outcome) -> str:
    if outcome.judged is None:
        return "never fetched"
    if outcome.verdict.reason is Reason.UNREADABLE:
        return "cannot be decoded"
    return "no picture here"
