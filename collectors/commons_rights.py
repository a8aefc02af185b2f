"""What a MediaWiki file page says about rights: evidence from its fields and categories, and what it amounts to.

Two channels. `extmetadata` is scraped from the description page, names one licence even where several are offered, and
is cached by the file's SHA-1, so that byte-identical files may answer with each other's. `categories` are set by the
licence templates of this very page, hidden ones included; they tell all licences offered and the basis of a
public-domain claim (https://commons.wikimedia.org/wiki/Commons:Copyright_tags).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from collectors import licences
from collectors.rights import Claim, Confidence, Evidence, LicenceClass

FIELDS = ("LicenseUrl", "License", "LicenseShortName", "UsageTerms")
"""Fields that name a licence, the firmest first."""

ALSO_KEPT = ("NonFree", "Restrictions", "Permission", "Attribution", "Artist", "Credit")
"""Fields that are evidence without naming a licence."""

UNKNOWN_BASIS = "LicenseRef-PD-unknown-basis"
PD = (LicenceClass.PD, LicenceClass.PD_CLAIM)

_BASES = (
    (r"NASA\b|US ?Gov(ernment)? NASA|Great Images in NASA", "LicenseRef-PD-USGov-NASA"),
    (r"Hubble\b", "LicenseRef-PD-Hubble"),
    (r"(US ?)?Gov(ernment)?\b|USGov", "LicenseRef-USGov"),
    (r"old (7[05]|[89]0|9[05]|100|auto)\b", "LicenseRef-PD-old-70"),
    (r"(self|user|author|own)\b", "LicenseRef-PD-self"),
)
"""What follows `PD ` in the name of a category, most telling first."""

_NAMED = {
    "attribution only license": "Attribution",
    "copyrighted free use": "Copyrighted free use",
    "flickr no known copyright restrictions": "No restrictions",
    "free art license": "FAL",
}
"""Categories that spell a licence in other words than extmetadata does."""

_UPKEEP = re.compile(
    r"missing|needs?\b|review|problem|possibl|question|disput|warning|without|redundant", re.IGNORECASE
)
_DISPUTED = re.compile(
    r"deletion requests\b|copyright violations\b|items with disputed copyright|"
    r"media (missing permission|(uploaded )?without a (license|licence|source))\b",
    re.IGNORECASE,
)
_LICENCE_NAME = re.compile(r"(cc[- ](by|zero|sa|pd|nc)|cc0|gfdl|fal\b|pd[- ]|lgpl|gpl|mit\b)", re.IGNORECASE)


def evidence(fields: Mapping[str, str], categories: Iterable[str], **where: str | None) -> Iterator[Evidence]:
    """Everything on a page that bears on rights, as it came; at least one item, so that silence is on record too.

    `where` is what all items share: `url`, `at`, `answer_sha256`.
    """
    said = [name for name in (*FIELDS, *ALSO_KEPT) if fields.get(name)]
    for name in said or FIELDS[2:3]:
        yield Evidence(channel="extmetadata", field=name, value=fields.get(name, "")[:500], **where)
    for name in categories:
        if from_category(name) or _DISPUTED.match(name):
            yield Evidence(channel="categories", field="category", value=name[:500], **where)


def claims(found: Sequence[Evidence]) -> list[Claim]:
    """What the evidence of one page amounts to, channel by channel.

    Several licences in one channel are offered side by side, except where a public-domain claim stands beside
    a licence: those are two claims, and the stricter will be relied on.
    """
    by_category = list(_category_claims(one.value for one in found if one.channel == "categories"))
    by_field = list(_field_claims({one.field: one.value for one in found if one.channel == "extmetadata"}))
    basis_known = any(_class(claim) in PD and claim.expression != UNKNOWN_BASIS for claim in by_category)
    return [c for c in by_field if not (basis_known and c.expression == UNKNOWN_BASIS)] + by_category


def restrictions(found: Sequence[Evidence]) -> tuple[str, ...]:
    """Other rights the page warns of (`trademarked`, `personality`), and doubts about its licence."""
    said = [one.value.split("|") for one in found if one.field == "Restrictions"]
    words = [word.strip() for words in said for word in words if word.strip()]
    if any(one.channel == "categories" and _DISPUTED.match(one.value) for one in found):
        words.append("licence disputed")
    return tuple(dict.fromkeys(words))


def from_category(name: str) -> str | None:
    """The expression a licence category stands for: `CC-BY-SA-3.0-migrated` → `CC-BY-SA-3.0`; `None` for all others."""
    words = name.replace("_", " ").strip()
    if inner := re.fullmatch(r"PD[- ](?:Art|scan)\b.*?\((.+)\)", words):
        words = inner[1]
    if named := _NAMED.get(words.lower().replace("-", " ")):
        return licences.from_text(named)
    if not _LICENCE_NAME.match(words) or _UPKEEP.search(words):
        return None
    if re.match(r"PD[- ]", words):
        rest = re.sub(r"[-\s]+", " ", words[3:])
        return next((ref for basis, ref in _BASES if re.match(basis, rest, re.IGNORECASE)), UNKNOWN_BASIS)
    words = re.sub(r"-migrated.*$", "", words, flags=re.IGNORECASE)
    if words.lower() == "cc-zero":
        return "CC0-1.0"
    if words.lower() == "cc-pd-mark":
        return "CC-PDM-1.0"
    return licences.from_text(words)


def _category_claims(names: Iterable[str]) -> Iterator[Claim]:
    found = list(dict.fromkeys(filter(None, map(from_category, names))))
    free = [one for one in found if licences.get(one).cls in PD]
    if free:
        # CC-PD-Mark only accompanies a PD template, and an unknown basis says less than a known one.
        telling = [one for one in free if one not in ("CC-PDM-1.0", UNKNOWN_BASIS)] or free
        yield Claim(
            expression=min(telling, key=_telling), confidence=Confidence.INFERRED, channel="categories"
        )
    offered = [one for one in found if one not in free]
    if offered:
        yield Claim(expression=" OR ".join(offered), confidence=Confidence.INFERRED, channel="categories")


def _telling(expression: str) -> int:
    order = [ref for _, ref in _BASES]
    return order.index(expression) if expression in order else len(order)


def _field_claims(fields: Mapping[str, str]) -> Iterator[Claim]:
    """One claim, from the firmest field that can be read; more only where a field names another class of licence."""
    classes: set[LicenceClass] = set()
    if fields.get("NonFree", "").strip().lower() in ("true", "1", "yes"):
        yield Claim(expression="LicenseRef-NonFree", confidence=Confidence.STATED, channel="extmetadata")
    for name in FIELDS:
        value = fields.get(name, "").strip()
        expression = (
            (licences.from_url if name == "LicenseUrl" else licences.from_text)(value) if value else None
        )
        if expression is None:
            continue
        claim = Claim(expression=expression, confidence=_confidence(name, expression), channel="extmetadata")
        cls = _class(claim)
        if cls in classes or (expression == UNKNOWN_BASIS and classes & set(PD)):
            continue
        classes.add(cls)
        yield claim


def _confidence(name: str, expression: str) -> Confidence:
    if name == "UsageTerms" or expression == UNKNOWN_BASIS:
        return Confidence.INFERRED
    return Confidence.STATED


def _class(claim: Claim) -> LicenceClass:
    return licences.get(licences.options(claim.expression)[0]).cls


def values(extmetadata: Any) -> dict[str, str]:
    """The fields of extmetadata as plain strings; an empty map arrives as `[]`."""
    if not isinstance(extmetadata, Mapping):
        return {}
    pairs = ((name, entry.get("value")) for name, entry in extmetadata.items() if isinstance(entry, Mapping))
    return {
        name: str(value) for name, value in pairs if value is not None and not isinstance(value, dict | list)
    }
