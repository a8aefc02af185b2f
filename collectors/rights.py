"""What may be done with one image, and how that is known."""

from enum import StrEnum

from pydantic import Field

from collectors.frozen import Frozen, Sha256


class LicenceClass(StrEnum):
    """Groups of licences that ask the same of a user, from the freest to none at all."""

    PD = "pd"
    PD_CLAIM = "pd-claim"
    NKCR = "nkcr"
    BY = "by"
    SA = "sa"
    COPYLEFT = "copyleft"
    CUSTOM = "custom"
    NC = "nc"
    ND = "nd"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How a licence is known, from the strongest ground to none."""

    STATED = "stated"
    """The source names the licence with its address or id."""
    STRUCTURED = "structured"
    """The source's structured data (Wikidata-style statements) name it."""
    POLICY = "policy"
    """It follows from a published policy of the source, not from a word about this image."""
    INFERRED = "inferred"
    """It was read from free text, a template or a category."""
    NONE = "none"


class Evidence(Frozen):
    """One thing a source said about the rights of an image."""

    channel: str
    """Where it was said: `extmetadata`, `categories`, `structured-data`, `sidecar`, …"""
    field: str
    value: str
    """The value as it came, shortened to 500 characters."""
    url: str | None = None
    """The page where a person can read it."""
    at: str | None = None
    """When it was asked, ISO 8601 UTC."""
    answer_sha256: Sha256 | None = None
    """The raw answer that was kept (`answers/`), so that rights can be derived from it again."""


class Claim(Frozen):
    """What one channel's evidence amounts to: an SPDX expression and how firmly it is said."""

    expression: str
    confidence: Confidence
    channel: str


class Rights(Frozen):
    """The conclusion from all the evidence about one image.

    `None` in the four permissions means "not known", never "no".
    """

    expression: str = "NOASSERTION"
    """SPDX expression with every licence offered, `GFDL-1.2-or-later OR CC-BY-SA-3.0`."""
    chosen: str = "NOASSERTION"
    """The one licence id that is relied on."""
    cls: LicenceClass = Field(default=LicenceClass.UNKNOWN, alias="class")
    attribution: bool | None = None
    share_alike: bool | None = None
    commercial: bool | None = None
    derivatives: bool | None = None
    confidence: Confidence = Confidence.NONE
    conflict: str | None = None
    """Words that name both sides where channels disagree; the stricter side was then chosen."""
    restrictions: tuple[str, ...] = ()
    """Other rights a source warns of: `trademarked`, `personality`, `insignia`."""
