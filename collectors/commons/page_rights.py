"""What a wiki's file page says about rights: evidence from fields and categories, and what it amounts to.

Two channels here, a third in `statements`. `extmetadata` is scraped from the description page, names
one licence even where several are offered, and is cached by the file's SHA-1, so that byte-identical files
may answer with each other's. `categories` are set by the licence templates of this very page, hidden ones
included; they tell every licence offered and the grounds of a public-domain claim
(https://commons.wikimedia.org/wiki/Commons:Copyright_tags).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from collectors import licences
from collectors.commons import statements
from collectors.rights import Claim, Confidence, Evidence, LicenceClass

NAMING = ("LicenseUrl", "License", "LicenseShortName", "UsageTerms")
"""Fields that name a licence, the firmest first."""

KEPT = ("NonFree", "Restrictions", "Permission", "Attribution", "Artist", "Credit")
"""Fields that bear on rights without naming a licence."""

NONFREE = "LicenseRef-NonFree"

_DISPUTED = re.compile(
    r"deletion requests\b|copyright violations\b|items with disputed copyright\b|"
    r"media (missing permission|(uploaded )?without a (license|licence|source))\b",
    re.IGNORECASE,
)
"""Categories a page gets while people doubt that its licence is true."""


def evidence(fields: Mapping[str, str], categories: Iterable[str], **where: str | None) -> Iterator[Evidence]:
    """Everything on a page that bears on rights, as it came.

    There is at least one item: that no licence was named is a thing to keep on record too. `where` is what
    all items share: `url`, `at`, `answer_sha256`.
    """
    said = [name for name in (*NAMING, *KEPT) if fields.get(name)]
    for name in said or ["LicenseShortName"]:
        yield Evidence(channel="extmetadata", field=name, value=fields.get(name, "")[:500], **where)
    for name in categories:
        if licences.from_category(name) or _DISPUTED.match(name):
            yield Evidence(channel="categories", field="category", value=name[:500], **where)


def claims(found: Sequence[Evidence]) -> list[Claim]:
    """What the evidence of one page amounts to, channel by channel."""
    fields = {one.field: one.value for one in found if one.channel == "extmetadata"}
    names = [one.value for one in found if one.channel == "categories"]
    said = list(_field_claims(fields))
    if expression := licences.from_categories(names):
        said.append(Claim(expression=expression, confidence=Confidence.INFERRED, channel="categories"))
    return [*said, *statements.claims(found)]


def restrictions(found: Sequence[Evidence]) -> tuple[str, ...]:
    """Other rights the page warns of (`trademarked`, `personality`), and doubts about its licence."""
    said = [one.value.split("|") for one in found if one.field == "Restrictions"]
    words = [word.strip() for words in said for word in words if word.strip()]
    if any(one.channel == "categories" and _DISPUTED.match(one.value) for one in found):
        words.append("licence disputed")
    return tuple(dict.fromkeys(words))


def _field_claims(fields: Mapping[str, str]) -> Iterator[Claim]:
    """One claim, from the firmest field that can be read; more only where a field names another class.

    `LicenseShortName` "GFDL" beside the address of another version of it is not a contradiction;
    "CC BY-NC 2.0" beside the address of CC BY is.
    """
    classes: set[LicenceClass] = set()
    if fields.get("NonFree", "").strip().lower() in ("true", "1", "yes"):
        classes.add(licences.get(NONFREE).cls)
        yield Claim(expression=NONFREE, confidence=Confidence.STATED, channel="extmetadata")
    for name in NAMING:
        expression = (licences.from_url if name == "LicenseUrl" else licences.from_text)(fields.get(name, ""))
        if expression is None or licences.get(expression).cls in classes:
            continue
        classes.add(licences.get(expression).cls)
        loose = name == "UsageTerms" or expression == licences.PD_UNKNOWN_BASIS
        confidence = Confidence.INFERRED if loose else Confidence.STATED
        yield Claim(expression=expression, confidence=confidence, channel="extmetadata")
    if not classes and any(fields.get(name, "").strip() for name in NAMING):
        # It has terms, and we cannot read them: nothing another channel says may make up for that.
        yield Claim(expression=licences.UNKNOWN, confidence=Confidence.INFERRED, channel="extmetadata")


def values(extmetadata: Any) -> dict[str, str]:
    """The fields of extmetadata as plain strings; an empty map arrives as `[]`."""
    if not isinstance(extmetadata, Mapping):
        return {}
    named = {name: entry.get("value") for name, entry in extmetadata.items() if isinstance(entry, Mapping)}
    return {name: str(value) for name, value in named.items() if isinstance(value, str | int | float)}
