"""What the report shows of each image: outcomes turned into words, badges and marks, nothing decoded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from collectors import licences
from collectors.record import Reason, Record
from collectors.rights import Confidence, Evidence, LicenceClass
from curation.duplicates.edges import Edge, EdgeKind
from curation.judged import Judged
from curation.markup import plain, web_address
from curation.outcome import Outcome
from curation.reporting.sections import crops
from curation.reporting.sections.crops import Cut
from curation.reporting.thumbnails import Pictures
from curation.settings import CurateSettings

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

State = Literal["kept", "dropped", "reference", "refused"]
STATE_WORDS: Mapping[State, str] = {
    "kept": "kept",
    "dropped": "left out",
    "reference": "reference",
    "refused": "refused",
}

KIND_WORDS: Mapping[EdgeKind, str] = {
    EdgeKind.SAME_BYTES: "same bytes",
    EdgeKind.SAME_PIXELS: "same pixels",
    EdgeKind.HASH: "hash",
    EdgeKind.VERIFIED: "verified",
    EdgeKind.SAME_SKY: "same sky",
}


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
class Proof:
    """Why a copy is one, and why the other was kept."""

    kind: str
    """`same bytes`, `hash`, `verified`, …: the badge."""
    facts: tuple[tuple[str, str], ...]
    """What was measured, and the value in words."""
    kept: str
    """Why the other one; empty where it was not written down."""


@dataclass(frozen=True)
class Score:
    """What one filter of the screening says."""

    name: str
    value: float
    threshold: float | None
    doubt: bool

    @property
    def margin(self) -> float:
        """How far it is from its threshold."""
        return abs(self.value - self.threshold) if self.threshold is not None else 1.0


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
    number: int
    """Its place in the manifest: the anchor `n12`."""
    split: str | None
    proof: Proof | None
    scores: tuple[Score, ...]
    cut: Cut | None
    """The square over the whole picture."""
    crop_words: str | None

    @property
    def class_words(self) -> str:
        return CLASS_WORDS[self.cls]

    @property
    def state_words(self) -> str:
        return STATE_WORDS[self.state]

    @property
    def why(self) -> str:
        """Why its pixels are not in the dataset, in a word; empty for what is kept."""
        return self.state_words if self.state == "reference" else self.reason.value if self.reason else ""


def tiles(
    outcomes: Sequence[Outcome],
    pictures: Pictures,
    capped: frozenset[str],
    *,
    settings: CurateSettings | None = None,
    references: frozenset[str] = frozenset(),
) -> Iterator[Tile]:
    """A tile for every image. `capped`: uids without picture, to save space; `references`: named only."""
    titles = {outcome.record.uid: _title(outcome.record) for outcome in outcomes}
    for number, outcome in enumerate(outcomes, start=1):
        uid = outcome.record.uid
        named = uid in references
        missing = "left out to keep this page small" if uid in capped else _why_nothing_to_see(outcome, named)
        yield _tile(outcome, titles, pictures, missing, number, settings, named)


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


def _tile(
    outcome: Outcome,
    titles: Mapping[str, str],
    pictures: Pictures,
    missing: str,
    number: int,
    settings: CurateSettings | None,
    reference: bool,
) -> Tile:
    record, judged = outcome.record, outcome.judged
    licence = licences.get(record.rights.chosen)
    width, height = (judged.width, judged.height) if judged else (None, None)
    if width is None or height is None:
        width, height = record.original.width, record.original.height
    twin = outcome.verdict.twin
    because = f"{twin} was kept: "
    notes = judged.notes if judged else ()
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
        state=_state(outcome, reference),
        reason=outcome.verdict.reason,
        detail=outcome.verdict.detail,
        twin=titles.get(twin, twin) if twin else None,
        marks=tuple(_marks(record, judged)),
        evidence=record.evidence,
        notes=tuple(note for note in notes if not note.startswith(because)),
        picture=pictures.squares.get(record.uid),
        missing=missing,
        number=number,
        split=judged.split if judged and outcome.keep else None,
        proof=_proof(
            judged.edge if judged else None,
            next((note.removeprefix(because) for note in notes if note.startswith(because)), ""),
        ),
        scores=tuple(_scores(judged.scores, judged.doubts, settings)) if judged else (),
        cut=crops.cut(judged, pictures.wholes.get(record.uid)) if outcome.keep else None,
        crop_words=crops.words(judged) if judged and outcome.keep else None,
    )


def _state(outcome: Outcome, reference: bool) -> State:
    if reference:
        return "reference"
    return "kept" if outcome.keep else "dropped" if outcome.judged else "refused"


def _proof(edge: Edge | None, kept: str) -> Proof | None:
    if edge is None:
        return None
    facts = [
        ("laid over each other", edge.view),
        ("hashes", f"{edge.distance} of 256 bits differ" if edge.distance is not None else ""),
        ("local features", f"{edge.inliers} agree on one transform" if edge.inliers is not None else ""),
        ("agreement", f"{edge.agreement:.2f} (copies 1, strangers 0)" if edge.agreement is not None else ""),
        ("scale", f"{edge.scale:.2f}" if edge.scale is not None else ""),
    ]
    return Proof(KIND_WORDS[edge.kind], tuple((name, fact) for name, fact in facts if fact), kept)


def _scores(
    scores: Mapping[str, float], doubts: Sequence[str], settings: CurateSettings | None
) -> Iterator[Score]:
    for name in sorted(scores):
        yield Score(name, scores[name], threshold_of(settings, name), name in doubts)


def threshold_of(settings: CurateSettings | None, name: str) -> float | None:
    """The recipe's threshold for a filter; `None`: it has none, or the settings are not known."""
    value = getattr(settings.screen, name, None) if settings else None
    return float(value) if isinstance(value, int | float) else None


def _title(record: Record) -> str:
    return plain(record.title.removeprefix("File:")) or record.uid


def _marks(record: Record, judged: Judged | None) -> Iterator[Mark]:
    rights = record.rights
    if conflict := "; ".join(filter(None, (rights.conflict, judged.conflict if judged else None))):
        yield Mark("conflict", MARKS["conflict"], conflict)
    if rights.confidence is Confidence.INFERRED:
        yield Mark("inferred", MARKS["inferred"], "read from free text, a template or a category")
    if not record.creator.name:
        yield Mark("uncredited", MARKS["uncredited"], "the source names no creator")
    if rights.restrictions:
        yield Mark("restricted", MARKS["restricted"], ", ".join(rights.restrictions))
    if record.permission:
        yield Mark("permission", MARKS["permission"], record.permission.words)


def _why_nothing_to_see(outcome: Outcome, reference: bool) -> str:
    if reference:
        return "named without pixels"
    if outcome.judged is None:
        return "never fetched"
    if outcome.verdict.reason is Reason.UNREADABLE:
        return "cannot be decoded"
    if outcome.verdict.reason in (Reason.LICENCE_REFUSED, Reason.NO_CREDIT):
        return "not shown: its licence is refused"
    return "no picture here"
