"""Which of several copies stays, and why, in words."""

from dataclasses import dataclass, field

from collectors.record import Record
from collectors.rights import Confidence, LicenceClass, Rights
from curation.duplicates.terms import OF_AUTHORS
from curation.imaging.examine import Examined
from curation.settings import ScreenSettings

SOURCES = ("nasa", "commons", "flickr", "deviantart")
"""Of copies under equal terms, the one from the earlier source stays; sources not named come last."""


@dataclass(frozen=True)
class Standing:
    """What one picture has to say for itself among its copies."""

    uid: str
    licence: str = ""
    cls: LicenceClass = LicenceClass.UNKNOWN
    evidence: bool = True
    """Whether anything was said about its rights that can be shown."""
    conflict: bool = False
    """Whether its channels disagree about the licence."""
    confidence: Confidence = Confidence.NONE
    rights: Rights = field(default_factory=Rights)
    """All it claims, to be held against what its copies claim."""
    contested: bool = False
    """Whether copies claim terms that contradict each other."""
    source: str = ""
    original: bool = True
    """Whether it is the file its author uploaded: no smaller rendition, not made from another picture."""
    covered: bool = False
    """Whether something lies over it: text, a frame."""
    cropped: bool = False
    """Whether a copy shows more of the scene."""
    refused: bool = False
    """Whether it may not stay itself: then all its copies are told apart by it."""
    width: int = 0
    height: int = 0
    bytes: int = 0

    @property
    def rank(self) -> tuple[object, ...]:
        """Smallest for the copy to keep.

        First the freest licence with evidence and without a contradiction, on the firmest ground; but where
        copies contradict each other, the author's own word, and then the strictest. Then the source nearest
        to the author; then the original before what was made from it, the uncovered and whole view before
        overlays and crops; then most pixels, and most bytes (of two encodings the finer one); the uid decides
        the rest for ever.
        """
        freedom = list(LicenceClass).index(self.cls)
        return (
            not self.refused,
            not self.evidence,
            (self.source not in OF_AUTHORS, -freedom) if self.contested else (False, freedom),
            self.conflict,
            list(Confidence).index(self.confidence),
            SOURCES.index(self.source) if self.source in SOURCES else len(SOURCES),
            not self.original,
            self.covered,
            self.cropped,
            -self.width * self.height,
            -self.bytes,
            self.uid,
        )


def standing(record: Record, examined: Examined, settings: ScreenSettings) -> Standing:
    """What a record and its measurements say; crops show only beside copies."""
    rights, file = record.rights, record.file
    limits = {"text": settings.text, "frame": settings.frame}
    return Standing(
        uid=record.uid,
        licence=rights.chosen,
        rights=rights,
        cls=rights.cls,
        evidence=bool(record.evidence),
        conflict=rights.conflict is not None,
        confidence=rights.confidence,
        source=record.source,
        original=file is not None
        and file.rendition == "original"
        and not any(one.field == "derived_from" for one in record.evidence),
        covered=any(
            examined.scores.get(name, 0.0) > limit - settings.doubtful for name, limit in limits.items()
        ),
        width=examined.width or 0,
        height=examined.height or 0,
        bytes=file.bytes if file else 0,
    )


def why(kept: Standing, other: Standing) -> str:
    """The first thing that speaks for the one that was kept: `freer licence (CC0-1.0 against CC-BY-4.0)`."""
    against = f"({kept.licence} against {other.licence})"
    terms = f"freer licence {against}"
    if kept.contested:
        own = kept.source in OF_AUTHORS and other.source not in OF_AUTHORS
        terms = f"the author's own word {against}" if own else f"stricter of the terms copies claim {against}"
    grounds = (
        "refused",
        "evidence of its licence, which the other has not",
        terms,
        "its channels agree about the licence",
        f"licence better known ({kept.confidence.value} against {other.confidence.value})",
        f"source nearer to the author ({kept.source} before {other.source})",
        "the original, not made from another file",
        "nothing lies over it",
        "shows more of the scene",
        f"more pixels ({kept.width} x {kept.height} against {other.width} x {other.height})",
        "finer encoding" if kept.bytes else "",
        "equal in everything; the first by name",
    )
    differ = (mine != theirs for mine, theirs in zip(kept.rank, other.rank, strict=True))
    return next(words for words, differs in zip(grounds, differ, strict=True) if differs)
