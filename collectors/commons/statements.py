"""Structured data of Commons: the statements about a file's licence, as evidence and as a claim.

The one channel that names every licence offered by an id: P275 is "copyright licence", P6216 its status
(https://commons.wikimedia.org/wiki/Commons:Structured_data/Modeling/Copyright).
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from collectors import licences
from collectors.rights import Claim, Confidence, Evidence

CHANNEL = "structured-data"
LICENCE, STATUS = "P275", "P6216"
PUBLIC_DOMAIN = "Q19652"

LICENCE_OF: Mapping[str, str] = MappingProxyType(
    {
        "Q6938433": "CC0-1.0",
        "Q30942811": "CC-BY-1.0",
        "Q19125117": "CC-BY-2.0",
        "Q18810333": "CC-BY-2.5",
        "Q14947546": "CC-BY-3.0",
        "Q20007257": "CC-BY-4.0",
        "Q47001652": "CC-BY-SA-1.0",
        "Q19068220": "CC-BY-SA-2.0",
        "Q19113751": "CC-BY-SA-2.5",
        "Q14946043": "CC-BY-SA-3.0",
        "Q18199165": "CC-BY-SA-4.0",
        "Q80837139": "CC-BY-SA-3.0-AT",
        "Q42716613": "CC-BY-SA-3.0-DE",
        "Q50829104": "GFDL-1.2-or-later",
        "Q98592850": "LicenseRef-PD-author",
    }
)
"""Wikidata items → ids: those that several independent tables of public tools agree on, and no other."""


def kept(statements: Mapping[str, Any]) -> dict[str, list[str]]:
    """The items named by the statements about licence and status, as they go into the kept answer.

        {"P275": [{"mainsnak": {"datavalue": {"value": {"id": "Q18199165"}}}, "rank": "normal"}], …}

    Statements that people marked as deprecated, or that name no item, are left out.
    """
    return {name: _items(statements[name]) for name in (LICENCE, STATUS) if _items(statements.get(name, ()))}


def evidence(statements: Mapping[str, Sequence[str]], **where: str | None) -> Iterator[Evidence]:
    """One item a statement; `where` is what all share: `url`, `at`, `answer_sha256`."""
    for name, items in statements.items():
        for item in items:
            yield Evidence(channel=CHANNEL, field=name, value=item, **where)


def claims(found: Sequence[Evidence]) -> Iterator[Claim]:
    """What the statements amount to; nothing where they name only licences that are not in the table.

    Several licences are a choice. "Public domain" counts only where no licence is named: beside one, it is
    the status of the work shown, as in a photograph of an old painting.
    """
    said = [one for one in found if one.channel == CHANNEL]
    named = [one.value for one in said if one.field == LICENCE]
    known = [LICENCE_OF[item] for item in named if item in LICENCE_OF]
    if known:
        yield _claim(licences.any_of(known))
    elif not named and any(one.field == STATUS and one.value == PUBLIC_DOMAIN for one in said):
        yield _claim(licences.PD_UNKNOWN_BASIS)


def _claim(expression: str) -> Claim:
    return Claim(expression=expression, confidence=Confidence.STRUCTURED, channel=CHANNEL)


def _items(statements: Sequence[Mapping[str, Any]]) -> list[str]:
    valid = (one for one in statements if one.get("rank") != "deprecated")
    values = (one.get("mainsnak", {}).get("datavalue", {}).get("value", {}) for one in valid)
    return [str(value["id"]) for value in values if isinstance(value, Mapping) and "id" in value]
