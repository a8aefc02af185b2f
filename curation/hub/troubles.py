"""What an audit of a published dataset may find, and what it says of the whole."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from collectors.frozen import Frozen
from collectors.rights import LicenceClass


class Trouble(StrEnum):
    """Everything an audit may find; grave ones make it fail."""

    NO_COLUMNS = "no-licence-column"
    NO_LICENCE = "no-licence"
    CLOSED = "closed"
    NO_CREDIT = "no-credit"
    OPTED_OUT = "opted-out"
    NO_EVIDENCE = "no-evidence"
    NOT_IN_MANIFEST = "not-in-the-manifest"
    DIFFERS = "differs-from-the-manifest"
    MANIFEST_BROKEN = "manifest-broken"
    CARD = "card"
    UNPROVEN = "evidence-not-carried"
    NO_SOURCE = "no-source"
    NO_CROP = "no-derivatives"

    @property
    def words(self) -> str:
        """One line that a person understands without the manual."""
        return _WORDS[self]

    @property
    def grave(self) -> bool:
        return self not in (Trouble.UNPROVEN, Trouble.NO_SOURCE, Trouble.NO_CROP)


_WORDS = {
    Trouble.NO_COLUMNS: "no column says under which licence a picture is",
    Trouble.NO_LICENCE: "no licence that can be read",
    Trouble.CLOSED: "no licence is granted",
    Trouble.NO_CREDIT: "the licence asks for credit, and nobody is named",
    Trouble.OPTED_OUT: "opted out of use by AI",
    Trouble.NO_EVIDENCE: "the row carries no evidence for its licence",
    Trouble.NOT_IN_MANIFEST: "the manifest published with it holds no such image",
    Trouble.DIFFERS: "row and manifest disagree",
    Trouble.MANIFEST_BROKEN: "the manifest published with it cannot be trusted",
    Trouble.CARD: "the card and the rows disagree",
    Trouble.UNPROVEN: "no column and no manifest carries evidence",
    Trouble.NO_SOURCE: "nothing leads back to where it came from",
    Trouble.NO_CROP: "changed copies are forbidden, crops among them",
}


class Found(Frozen):
    """One kind of trouble."""

    trouble: Trouble
    rows: int
    """0: it is about the dataset as a whole."""
    what: str
    """The fact, or the first rows it is about."""


class LicenceCount(Frozen):
    licence: str
    cls: LicenceClass
    rows: int


class PublishedAudit(Frozen):
    """What a published dataset says of its own rights."""

    where: str
    revision: str | None
    files: tuple[str, ...]
    """That were read."""
    rows: int
    generated: int = 0
    """Pictures made by models, in a configuration of their own; they are not among `rows`."""
    columns: Mapping[str, str | None]
    """What was sought, and the column that says it; `None`: there is none."""
    all_columns: tuple[str, ...]
    licences: tuple[LicenceCount, ...]
    card_licence: str | None
    """As the card's metadata names it."""
    manifest: str
    """What the manifest published with it is worth, in words."""
    found: tuple[Found, ...]

    @property
    def grave(self) -> tuple[Found, ...]:
        return tuple(one for one in self.found if one.trouble.grave)

    @property
    def classes(self) -> Counter[LicenceClass]:
        counts: Counter[LicenceClass] = Counter()
        for one in self.licences:
            counts[one.cls] += one.rows
        return counts
