"""What an exact rebuild came to: one fate an image, from a closed set."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from collectors.frozen import Frozen
from collectors.locked.changes import Change
from collectors.manifest import Manifest
from collectors.record import Reason, StoredFile


class Fate(StrEnum):
    """What became of a locked file. A closed set, so that they can be counted."""

    HERE = "here"
    SAME = "same"
    RENAMED = "renamed"
    ARCHIVED = "archived"
    RENDITION = "rendition-drift"
    DROPPED = "dropped"
    GONE = "gone"
    BUSY = "busy"

    @property
    def words(self) -> str:
        """One line that a person understands without the manual."""
        return _WORDS[self]


_WORDS = {
    Fate.HERE: "was in the store already",
    Fate.SAME: "fetched from where it was, byte for byte",
    Fate.RENAMED: "has another name now; fetched byte for byte",
    Fate.ARCHIVED: "overwritten at its source; the archived version was fetched, byte for byte",
    Fate.RENDITION: "its source makes this size with other bytes now; they were taken",
    Fate.DROPPED: "may not be used any more: its rights tightened or it was opted out",
    Fate.GONE: "cannot be had any more as it was locked",
    Fate.BUSY: "its host was busy; run the same command again",
}

_FEWER = frozenset({Fate.DROPPED, Fate.GONE})


class Returned(Frozen):
    """One locked image, and what became of it."""

    uid: str
    title: str
    fate: Fate
    reason: Reason | None = None
    """For what is not here: why."""
    detail: str = ""
    instead: StoredFile | None = None
    """For a rendition with other bytes: the file that was taken."""
    changes: tuple[Change, ...] = ()
    """What its source says differently now; the dataset keeps to the lock and its dated evidence."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to."""

    lock: Manifest
    manifest: Manifest
    """What the dataset is made from: the lock, or less where images were left out."""
    images: tuple[Returned, ...]
    """Every image of the lock that has a file, by uid."""
    fetched_bytes: int
    allow_missing: bool

    @property
    def counts(self) -> dict[Fate, int]:
        found = Counter(image.fate for image in self.images)
        return {fate: found[fate] for fate in Fate if found[fate]}

    def of(self, *fates: Fate) -> tuple[Returned, ...]:
        return tuple(image for image in self.images if image.fate in fates)

    @property
    def fewer(self) -> tuple[Returned, ...]:
        """Rows that the dataset will not have."""
        return self.of(*_FEWER)

    @property
    def changed(self) -> tuple[Returned, ...]:
        """Images that are here and whose source says something else of them now."""
        return tuple(image for image in self.images if image.changes and image.fate not in _FEWER)

    @property
    def complete(self) -> bool:
        """Whether a dataset may be made: nothing is still to come, and nobody is surprised by what is not."""
        return not self.of(Fate.BUSY) and (self.allow_missing or not self.fewer)
