"""What NASA's library says of an image's rights, and the rules by which it amounts to a licence or to none.

"NASA, so public domain" is no rule: third parties' works stand there too, marked in words
(https://www.nasa.gov/nasa-brand-center/images-and-media/). In this order, the first that fits holds:

a. words or flags of copyright anywhere: a third party's, closed;
b. credits of ESA/Hubble, ESA/Webb or ESO: for review; the licence those sites use is kept as a hint only;
c. anybody else, terms of its own, or nobody credited at all: for review;
d. only NASA's centres or JPL-Caltech: JPL's image policy or NASA's guidelines, known by policy.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collectors.nasa import credits
from collectors.rights import Claim, Confidence, Evidence

THIRD_PARTY = "LicenseRef-NASA-Third-Party"
JPL, GUIDELINES = "JPL-image", "LicenseRef-NASA-Media-Guidelines"
JPL_POLICY = "https://www.jpl.nasa.gov/jpl-image-use-policy"
NASA_POLICY = "https://www.nasa.gov/nasa-brand-center/images-and-media/"

COPYRIGHT = re.compile(
    r"copy\s?-?right|\bcopr\.|©|Ⓒ|ⓒ|℗|\(\s*c\s*\)|\bcourtesy\b|\ball\s+rights\b|\brights?\s+reserved\b"
    r"|\bwith\s+(?:\w+\s+){0,2}permission\b|\bby\s+permission\b|\bpermission\s+(?:of|from)\b",
    re.IGNORECASE,
)
"""Words by which a third party's work is marked (rule a)."""

OWN_TERMS = re.compile(
    r"creative\s+commons|\bcc[\s-]?by\b|\blicen[cs](?:ed|or|ee)\b|\blicen[cs]e\s+(?:of|from|by|to)\b|\bpermission\b"
    r"|non-?\s?commercial|\broyalt(?:y|ies)\b|\bembargo|\bnot\s+for\s+(?:\w+\s+)?(?:publication|release|use)\b"
    r"|\brestrictions\s+(?:apply|on\s+use)\b",
    re.IGNORECASE,
)
"""Words of a licence or a restriction that only a person can judge (rule c)."""

PARTNERS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "ESA/Hubble": (
        re.compile(r"\bESA\s*[/&-]\s*Hubble\b", re.IGNORECASE),
        "https://esahubble.org/copyright/",
    ),
    "ESA/Webb": (re.compile(r"\bESA\s*[/&-]\s*Webb\b", re.IGNORECASE), "https://esawebb.org/copyright/"),
    "ESO": (
        re.compile(r"\bESO\b|\bEuropean\s+Southern\s+Observatory\b"),
        "https://www.eso.org/public/outreach/copyright/",
    ),
}
"""Partners whose sites publish under CC BY 4.0 now, on older pages 3.0: a hint, never a claim (rule b)."""

CANDIDATE = "CC-BY-4.0"

INSIGNIA = re.compile(
    r"\binsignias?\b|\blogo(?:type|s)?\b|\bmeatball\b|\bemblems?\b|\b(?:mission|crew|expedition|flight|shuttle)\s+"
    r"patch(?:es)?\b|\bseal\s+of\s+(?:nasa|the\s+(?:agency|national))",
    re.IGNORECASE,
)
_PATCH_ID = re.compile(r"(?:iss|sts)[\w-]*-s-0*1", re.IGNORECASE)
"""The number under which a flight's emblem stands: `iss026-s-001`."""

_CREDIT_FIELDS = re.compile(r"creator|credit|byline|author|artist|photographer|owner")
_NOTICE_FIELDS = re.compile(r"copyright|rights|licen[cs]|usageterms|webstatement")
_FLAG_FIELDS = frozenset({"copyrightflag", "copyrightstatus", "marked"})
_PROSE_FIELDS = re.compile(r"description|title|caption|headline|instructions|comment|abstract")
_NOBODY = frozenset({"creatortool", "availowner", "bylinetitle", "authorsposition"})
"""Fields that look like credits and name a program, an uploader's account or a profession."""
_NOT_SET = frozenset({"", "0", "false", "no", "none", "null", "unknown", "unmarked", "public domain"})


@dataclass(frozen=True)
class Said:
    """One text of an answer: where it stands, how its field is called, and the text as it came."""

    channel: str
    field: str
    text: str

    @property
    def name(self) -> str:
        """The field's name without group and punctuation: `IPTC:By-line` → `byline`."""
        return re.sub(r"[^a-z0-9]", "", self.field.rpartition(":")[2].casefold())

    @property
    def is_credit(self) -> bool:
        whole = re.sub(r"[^a-z0-9]", "", self.field.casefold())
        nobody = self.name in _NOBODY or whole in _NOBODY
        return not nobody and _CREDIT_FIELDS.search(self.name) is not None

    @property
    def is_notice(self) -> bool:
        return self.name not in _FLAG_FIELDS and _NOTICE_FIELDS.search(self.name) is not None

    @property
    def is_flag(self) -> bool:
        return self.name in _FLAG_FIELDS

    @property
    def is_prose(self) -> bool:
        return self.channel == "search" or _PROSE_FIELDS.search(self.name) is not None


@dataclass(frozen=True)
class Ruling:
    """Which rule held, what made it hold, and what it amounts to."""

    rule: str
    detail: str
    claim: Claim | None = None
    """`None`: nothing that could be relied on."""
    url: str | None = None
    candidate: str | None = None
    """A licence that a person may find to hold; never relied on."""


def texts(channel: str, answer: Mapping[str, Any]) -> Iterator[Said]:
    """Every text of one part of an answer; lists and objects inside a field belong to that field.

    Colour profiles carry the copyright of their maker, which says nothing of the image.
    """
    for field, value in answer.items():
        if not field.casefold().startswith("icc"):
            yield from (Said(channel, field, text) for text in _strings(value))


def _strings(value: Any) -> Iterator[str]:
    waiting = deque([value])
    while waiting:
        one = waiting.popleft()
        if isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
        elif isinstance(one, bool | int | float):
            yield str(one).lower()
        elif isinstance(one, str):
            yield one


def credits_of(said: Iterable[Said]) -> list[Said]:
    """The credits in all that was said, as lines to print: the fields for it first, then those in prose."""
    everything = list(said)
    found = [
        Said(one.channel, one.field, line)
        for one in everything
        if one.is_credit and (line := credits.tidy(credits.readable(one.text)))
    ]
    for one in everything:
        if one.is_prose and not one.is_credit:
            found += [
                Said(one.channel, one.field, line) for line in credits.in_text(credits.readable(one.text))
            ]
    return list({(one.field, one.text): one for one in found}.values())


def rule(said: Iterable[Said], unread: str | None = None) -> Ruling:
    """The ruling on one image from all that was said of it, however it is ordered.

    `unread`: something that was said and could not be read; then nothing can be relied on.
    """
    everything = list(said)
    credited = credits_of(everything)
    return (
        _reserved(everything)
        or _partner(everything, credited)
        or _own_terms(everything, unread)
        or _credited(credited)
    )


def _reserved(said: Iterable[Said]) -> Ruling | None:
    for one in said:
        words = next((hit for text in _spellings(one.text) if (hit := excerpt(COPYRIGHT, text))), None)
        if one.is_flag and one.text.strip().casefold() not in _NOT_SET:
            words = f"{one.field} = {one.text}"
        if one.is_notice and one.text.strip().casefold() not in _NOT_SET:
            foreign = credits.others([credits.readable(one.text)])
            words = words or (f"{one.field} = {one.text}" if foreign else None)
        if words:
            claim = Claim(expression=THIRD_PARTY, confidence=Confidence.INFERRED, channel=one.channel)
            return Ruling("third party", f"{one.field}: {words}", claim, NASA_POLICY)
    return None


def _partner(said: Iterable[Said], credited: Iterable[Said]) -> Ruling | None:
    texts = [credits.readable(one.text) for one in said if one.is_prose or one.is_credit]
    lines = [one.text for one in credited]
    for name, (pattern, url) in PARTNERS.items():
        # "ESO" alone in prose is a telescope that looked too; with a slash it is a credit wherever it stands.
        if any(map(pattern.search, lines if name == "ESO" else [*lines, *texts])):
            detail = f"{name} is credited; its site says {CANDIDATE}, older pages CC-BY-3.0"
            return Ruling("partner", detail, url=url, candidate=CANDIDATE)
    return None


def _own_terms(said: Iterable[Said], unread: str | None) -> Ruling | None:
    if unread:
        return Ruling("review", f"not all that is said of it could be read: {unread}")
    for one in said:
        if words := next((hit for text in _spellings(one.text) if (hit := excerpt(OWN_TERMS, text))), None):
            return Ruling("review", f"{one.field} speaks of terms: {words}")
    return None


def _credited(credited: list[Said]) -> Ruling:
    lines = [one.text for one in credited]
    names = [name for line in lines for name in credits.parties(line)]
    if not names:
        return Ruling("review", "nobody is credited")
    if foreign := credits.others(lines):
        return Ruling("review", f"not NASA alone is credited: {'; '.join(foreign)}")
    by_jpl = any(map(credits.is_jpl, names))
    expression = JPL if by_jpl else GUIDELINES
    claim = Claim(expression=expression, confidence=Confidence.POLICY, channel="credits")
    owners = "; ".join(dict.fromkeys(names))
    return Ruling("policy", f"only {owners} credited", claim, JPL_POLICY if by_jpl else NASA_POLICY)


def restrictions(nasa_id: str, said: Iterable[Said]) -> tuple[str, ...]:
    """`trademark` where NASA's insignia, a logo or a flight's emblem is shown or spoken of (rule e)."""
    spoken = any(INSIGNIA.search(credits.readable(one.text)) for one in said if one.is_prose)
    return ("trademark",) if spoken or _PATCH_ID.match(nasa_id) else ()


def evidence(said: Iterable[Said], ruling: Ruling, **where: str | None) -> Iterator[Evidence]:
    """The credits and notices as they stand, and the rule that was drawn from them."""
    everything = list(said)
    notices = [one for one in everything if one.is_notice or one.is_flag]
    for one in (*credits_of(everything), *notices):
        if one.text:
            yield Evidence(channel=one.channel, field=one.field[:100], value=one.text[:500], **where)
    where = where | {"url": ruling.url}
    yield Evidence(channel="rules", field=ruling.rule, value=ruling.detail[:500], **where)
    if ruling.candidate:
        yield Evidence(channel="rules", field="candidate", value=ruling.candidate, **where)


def excerpt(pattern: re.Pattern[str], text: str) -> str | None:
    """What a pattern found, with a few words around it."""
    match = pattern.search(text)
    if not match:
        return None
    return " ".join(text[max(0, match.start() - 40) : match.end() + 60].split())


def _spellings(text: str) -> Iterator[str]:
    """A text as it came and as readers see it: nothing may hide behind HTML or odd characters."""
    yield text
    yield credits.visible(text)
    yield credits.readable(text)
    yield credits.readable(text.replace("<", " <"))
