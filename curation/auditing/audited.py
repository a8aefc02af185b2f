"""What the licence audit of a manifest found: counts, findings, violations; and a row an image."""

from collections.abc import Callable
from enum import StrEnum

from collectors.frozen import Frozen
from collectors.record import Record, Verdict
from collectors.rights import Confidence, LicenceClass
from curation.purposes import PurposeVerdict
from curation.settings import PolicySettings


class Concern(StrEnum):
    """What an audit may have to say about an image."""

    NOT_ALLOWED = "not-allowed"
    OPTED_OUT = "opted-out"
    MISSING_CREDIT = "missing-credit"
    NO_CROP = "no-crop"
    CONFLICT = "conflict"
    COPY_CONFLICT = "copy-conflict"
    INFERRED_ONLY = "inferred-only"
    NO_GROUNDS = "no-grounds"
    FOR_REVIEW = "for-review"
    REFERENCE = "reference"
    OUTDATED = "outdated"
    RESTRICTED = "restricted"

    @property
    def words(self) -> str:
        """One line that a person understands without the manual."""
        return _WORDS[self]


_WORDS = {
    Concern.NOT_ALLOWED: "in the manifest with a file, though the policy does not allow it",
    Concern.OPTED_OUT: "its author or host opted out of use by AI",
    Concern.MISSING_CREDIT: "its licence asks for credit, and there is nobody to name",
    Concern.NO_CROP: "its licence forbids publishing a crop",
    Concern.CONFLICT: "its channels disagree about the licence; the strictest counts",
    Concern.COPY_CONFLICT: "a copy of it is published under other terms",
    Concern.INFERRED_ONLY: "its licence was read from text or categories only",
    Concern.NO_GROUNDS: "said to be in the public domain, and nobody says why",
    Concern.FOR_REVIEW: "fetched for a person to look at, never published",
    Concern.REFERENCE: "a reference: named in the dataset without its pixels, for others to fetch",
    Concern.OUTDATED: "its rights as written no longer follow from its licence",
    Concern.RESTRICTED: "its source warns of other rights",
}


class Finding(Frozen):
    """One concern about one image."""

    uid: str
    title: str
    page: str | None
    concern: Concern
    what: str
    """The fact behind it in a few words."""


class ImageRow(Frozen):
    """One image, its rights, and what the policy says of it."""

    uid: str
    source: str
    title: str
    page: str | None
    creator: str | None
    licence: str
    """The id that is relied on."""
    expression: str
    cls: LicenceClass
    attribution: bool | None
    share_alike: bool | None
    commercial: bool | None
    derivatives: bool | None
    confidence: Confidence
    conflict: str | None
    restrictions: tuple[str, ...]
    opted_out: bool | None
    sha256: str | None
    """Of the file that was fetched; `None`: none was, and `refused` may say why."""
    refused: Verdict | None
    policy: Verdict
    """What the policy says of it, as of this audit; of a reference, why it is no more than that."""
    consequence: str
    concerns: tuple[Concern, ...]
    credit_line: str

    @property
    def reference(self) -> bool:
        """Whether the dataset names it without its pixels."""
        return Concern.REFERENCE in self.concerns


Take = Callable[[Record, ImageRow], None]
"""Takes one image after the other, in the order of the manifest."""


class LicenceRow(Frozen):
    """How often a licence occurs, and what the policy makes of it."""

    licence: str
    name: str
    cls: LicenceClass
    images: int
    files: int
    """Images that were fetched."""
    allowed: int
    """Images that the policy allows."""
    policy: str
    """In words: `allowed`, or why not."""


class ClassRow(Frozen):
    """How often a class of licences occurs."""

    cls: LicenceClass
    images: int
    files: int
    allowed: int


class Audit(Frozen):
    """The licence audit of one manifest under one policy."""

    name: str
    subject: str
    root_sha256: str
    policy: PolicySettings
    total: int
    """Records of the manifest."""
    files: int
    """Records with a file."""
    purposes: tuple[PurposeVerdict, ...]
    """Whether the whole may be trained on, published, kept, in words."""
    collisions: tuple[str, ...]
    """Where the licences of the fetched images do not go together, explained."""
    rows: tuple[LicenceRow, ...]
    """By licence, the most frequent first."""
    classes: tuple[ClassRow, ...]
    """By class, the freest first."""
    refused: dict[str, int]
    """Records without a file, by reason."""
    violations: tuple[Finding, ...]
    """What must be put right before anything is published."""
    notes: tuple[Finding, ...]
    """What a person should know; of very many of one kind (`audit.NOTES`), the first."""
    noted: dict[str, tuple[str, ...]]
    """The uids of the images under each kind of note that occurs, all of them."""
    claims: dict[str, tuple[str, ...]]
    """By uid: what copies of the image claim under other terms."""

    def of(self, concern: Concern) -> tuple[Finding, ...]:
        """All findings of one kind, violations or not."""
        return tuple(one for one in (*self.violations, *self.notes) if one.concern is concern)
