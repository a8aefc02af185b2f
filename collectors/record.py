"""A record: one image as its source describes it, with its rights and their evidence."""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from collectors.frozen import Frozen, Sha256
from collectors.rights import Evidence, Rights

Sha1 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{40}$")]
Bytes = Annotated[int, Field(ge=0, lt=2**60)]
Pixels = Annotated[int, Field(ge=0, lt=2**31)]


class Reason(StrEnum):
    """Every reason for which an image is not in a dataset. A closed set, so that reasons can be counted."""

    NO_LICENCE = "no-licence"
    LICENCE_REFUSED = "licence-refused"
    NO_CREDIT = "no-credit"
    OPTED_OUT = "opted-out"
    AI_GENERATED = "ai-generated"
    NOT_AN_IMAGE = "not-an-image"
    TOO_SMALL = "too-small"
    TOO_LARGE = "too-large"
    EXCLUDED_NAME = "excluded-name"
    NOT_NEEDED = "not-needed"
    GONE = "gone"
    DAMAGED = "damaged"
    CHANGED = "changed"
    BUSY = "busy"
    UNREADABLE = "unreadable"
    BLANK = "blank"
    OFF_TOPIC = "off-topic"
    DIAGRAM = "diagram"
    TEXT = "text"
    FRAME = "frame"
    COLLAGE = "collage"
    BLURRED = "blurred"
    REJECTED = "rejected"
    TAKEN_DOWN = "taken-down"
    COPY_OF_REFUSED = "copy-of-refused"
    DUPLICATE = "duplicate"

    @property
    def words(self) -> str:
        """One line that a person understands without the manual."""
        return _WORDS[self]


_WORDS = {
    Reason.NO_LICENCE: "no licence is stated, or none we could read",
    Reason.LICENCE_REFUSED: "the recipe's policy refuses its licence",
    Reason.NO_CREDIT: "its licence asks for credit, and nobody is named",
    Reason.OPTED_OUT: "its author or host opted out of use by AI",
    Reason.AI_GENERATED: "made by a generator",
    Reason.NOT_AN_IMAGE: "not a raster image (vector, document, sound, video)",
    Reason.TOO_SMALL: "smaller than the recipe's floor",
    Reason.TOO_LARGE: "larger than the recipe's ceiling",
    Reason.EXCLUDED_NAME: "its title or category matches an exclude pattern",
    Reason.NOT_NEEDED: "allowed, but the recipe's limit was reached",
    Reason.GONE: "no longer at its source",
    Reason.DAMAGED: "the bytes that came are not the file the source describes",
    Reason.CHANGED: "the source now holds another file than the manifest",
    Reason.BUSY: "the host was busy or unreachable; run the same command again",
    Reason.UNREADABLE: "the file is damaged and cannot be decoded",
    Reason.BLANK: "blank: nothing to see above noise",
    Reason.OFF_TOPIC: "people, landscapes, telescopes, logos and such, by its title, categories or pixels",
    Reason.DIAGRAM: "a diagram, chart or drawing, no photograph",
    Reason.TEXT: "text or a watermark lies over it",
    Reason.FRAME: "a frame or border takes part of it",
    Reason.COLLAGE: "several pictures in one",
    Reason.BLURRED: "blurred, or enlarged from a smaller picture",
    Reason.REJECTED: "a person said no in the review",
    Reason.TAKEN_DOWN: "taken down, or a copy of what was taken down",
    Reason.COPY_OF_REFUSED: "a copy of an image that was refused, under terms that contradict it",
    Reason.DUPLICATE: "a copy of another image that was kept",
}


class Skipped(Frozen):
    """An image that was seen and will not be taken, and the one reason."""

    key: str
    """The uid where there is one, else the title or path."""
    reason: Reason
    detail: str = ""


class Verdict(Frozen):
    """Keep or drop, with the reason when it is drop."""

    reason: Reason | None = None
    """`None`: keep."""
    detail: str = ""
    """The fact behind it in a few words: `CC-BY-NC-2.0 is not in [policy] allow`."""
    twin: str | None = None
    """For copies: the uid of the one that was kept, or refused."""

    @property
    def keep(self) -> bool:
        return self.reason is None


KEEP = Verdict()


class FoundBy(Frozen):
    """What led to the image."""

    query: str
    """The root category, search words or folder: the group that limits are shared between."""
    path: tuple[str, ...] = ()
    """The categories walked through, root first."""


class Original(Frozen):
    """The file as the source describes it, before anything was fetched. `None`: not known."""

    url: str
    """Absolute address, or for the folder source a path relative to its folder."""
    sha1: Sha1 | None = None
    bytes: Bytes | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    mime: str | None = None
    revision: str | None = None
    """The source's name for this version (upload timestamp), which can be fetched after an overwrite."""
    taken: str | None = None
    rendition: str = "original"
    """What `url` leads to where the source does not give the original itself: `large`."""


class StoredFile(Frozen):
    """The bytes that were fetched, verified and stored."""

    rendition: str = "original"
    """`original`, or the name of the smaller size the source made (`1920px`)."""
    sha256: Sha256
    bytes: Bytes
    mime: str
    width: Pixels | None = None
    height: Pixels | None = None


class Creator(Frozen):
    name: str | None = None
    url: str | None = None


class Ai(Frozen):
    """`None` means "not known"."""

    opted_out: bool | None = None
    generated: bool | None = None
    signals: tuple[str, ...] = ()


class Permission(Frozen):
    """A written yes of the author (`permissions.toml`)."""

    scope: tuple[Literal["train", "publish"], ...]
    date: str
    proof: str
    """Where it can be read: an address, or `sha256:` and the hash of the letter."""
    until: str | None = None
    """Its last day; `None`: it does not end."""

    @property
    def words(self) -> str:
        """`train, publish; 2026-03-01 until 2028-03-01; https://…`"""
        until = f" until {self.until}" if self.until else ""
        return f"{', '.join(self.scope)}; {self.date}{until}; {self.proof}"


class Seen(Frozen):
    first: str
    last_verified: str | None = None


Part = TypeVar("Part", bound=Frozen)


@lru_cache(maxsize=10_000)
def _first_seen(part: Part) -> Part:
    return part


Shared = Annotated[Part, AfterValidator(_first_seen)]
"""A part that many records have word for word: equal ones are one object, which saves a quarter of memory."""


class Record(Frozen):
    """One image as its source describes it."""

    uid: str = Field(pattern=r"^[a-z][a-z0-9-]*:[!-.0-\[\]-~]+$", max_length=200)
    """`commons:M46242676`; stable for ever, unique in a manifest; printable ASCII without `/` and `\\`."""
    source: str
    subject: str
    title: str
    page: str | None
    """The page a person opens to see the image at its source."""
    found_by: Shared[FoundBy]
    kind: Literal["real", "fictive"] | None = None
    """What the recipe says images of this source show; `None`: the recipe does not say."""
    description: str = ""
    """Plain text, at most 1,000 characters."""
    categories: tuple[str, ...] = ()
    original: Original
    file: StoredFile | None = None
    """`None`: seen, but not fetched; `refused` then says why."""
    refused: Verdict | None = None
    creator: Shared[Creator] = Creator()
    credit_line: str = ""
    """Ready to print: title, author, source, licence (TASL)."""
    rights: Shared[Rights] = Rights()
    evidence: tuple[Evidence, ...] = ()
    ai: Shared[Ai] = Ai()
    permission: Permission | None = None
    seen: Shared[Seen]
