"""From what each channel claims to one conclusion: agreement, refinement, choice, or a visible conflict."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collectors import licences
from collectors.licences import PD_UNKNOWN_BASIS, UNKNOWN
from collectors.record import Creator
from collectors.rights import Claim, Confidence, LicenceClass, Rights

_PUBLIC_DOMAIN = (LicenceClass.PD, LicenceClass.PD_CLAIM)
_VAGUE = {PD_UNKNOWN_BASIS: 0, "CC-PDM-1.0": 1, "LicenseRef-NASA-Media-Guidelines": 1} | dict.fromkeys(
    ("LicenseRef-USGov", "LicenseRef-PD-USGov", "LicenseRef-PD-Art", "LicenseRef-PD-old"), 2
)
"""Grounds of the public domain that others refine, the vaguest lowest; every other ground is specific."""
_SPECIFIC = 3


@dataclass(frozen=True)
class _Side:
    """Claims that do not contradict each other."""

    claims: tuple[Claim, ...]
    expression: str

    @property
    def words(self) -> str:
        channels = " and ".join(sorted({claim.channel for claim in self.claims}))
        verb = "say" if " and " in channels else "says"
        return f"{channels} {verb} {self.expression if self.expression != UNKNOWN else 'what cannot be read'}"


def conclude(claims: Sequence[Claim], restrictions: Iterable[str] = ()) -> Rights:
    """What all claims about one image amount to; their order does not matter.

    Claims that share an option agree, and every option either offers is kept: `CC-BY-SA-3.0` beside
    `GFDL-1.2-or-later OR CC-BY-SA-3.0`. Grounds of the public domain refine each other: a specific one
    replaces a vague one, equally specific ones hold together (AND). Of a choice the freest option is chosen.
    All else is a conflict: the best option of each side holds together with the others in `expression`, the
    strictest id is chosen, and the permissions are those that every side leaves.

    A claim of `NOASSERTION` with confidence `none` says nothing and is passed over; with any other confidence
    it stands for words that could not be read, and then nothing is permitted.
    """
    restrictions = tuple(dict.fromkeys(restrictions))
    sides = _sides([claim for claim in claims if not _silent(claim)])
    if not sides:
        return Rights(restrictions=restrictions)
    expression = sides[0].expression if len(sides) == 1 else _all_at_once(sides)
    relied_on = licences.options(expression)[0]
    chosen = licences.parts(relied_on)[0]
    licence = licences.get(relied_on)
    return Rights.model_validate(
        {
            "expression": expression,
            "chosen": chosen,
            "class": licence.cls,
            "attribution": licence.attribution,
            "share_alike": licence.share_alike,
            "commercial": licence.commercial,
            "derivatives": licence.derivatives,
            "confidence": _confidence(claims, chosen),
            "conflict": _conflict(sides, chosen) if len(sides) > 1 else None,
            "restrictions": restrictions,
        }
    )


def credit_line(
    title: str,
    creator: Creator | str | None,
    source_title: str,
    page: str | None,
    rights: Rights,
    *,
    terms: str | None = None,
) -> str:
    """Title, author, source and licence in one line of plain text, ready to print.

    `terms`: words in the licence's place, where it is not a licence that allows the use.

    >>> credit_line("M 42", "Ada Lane", "Wikimedia Commons", None, conclude([]))
    '“M 42” by Ada Lane, via Wikimedia Commons, licence unknown'
    """
    name = creator.name if isinstance(creator, Creator) else creator
    work = f"“{_plain(title)}”" if _plain(title) else "Untitled"
    source = _plain(source_title) or "its source"
    return ", ".join(
        (
            f"{work} by {_plain(name)}" if name and _plain(name) else work,
            f"via {source} ({page})" if page else f"via {source}",
            terms or licence_words(rights),
        )
    )


def licence_words(rights: Rights) -> str:
    """The licence a credit line ends with: the name of the freest option, and its address."""
    licence = licences.get(licences.options(rights.expression)[0])
    if licence.id == UNKNOWN:
        return "licence unknown"
    return f"{licence.name} ({licence.url})" if licence.url else licence.name


def _plain(text: str, limit: int = 200) -> str:
    """One line without control and direction characters: a name cannot rearrange the line it stands in."""
    visible = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    )
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def _silent(claim: Claim) -> bool:
    return claim.expression == UNKNOWN and claim.confidence is Confidence.NONE


def _sides(claims: Sequence[Claim]) -> list[_Side]:
    """Claims grouped so that those which share an option, directly or through others, stand together."""
    groups: list[tuple[set[str], list[Claim]]] = []
    for claim in claims:
        keys, members = {_key(option) for option in licences.options(claim.expression)}, [claim]
        apart = []
        for other_keys, other_members in groups:
            if keys & other_keys:
                keys, members = keys | other_keys, members + other_members
            else:
                apart.append((other_keys, other_members))
        groups = [*apart, (keys, members)]
    sides = [_Side(tuple(members), _union(members)) for _, members in groups]
    return sorted(sides, key=lambda side: side.words)


def _key(option: str) -> str:
    return "public domain" if _is_public_domain(option) else option


def _is_public_domain(option: str) -> bool:
    return licences.get(option).cls in _PUBLIC_DOMAIN


def _union(claims: Sequence[Claim]) -> str:
    """Every option of claims that agree, with the grounds of the public domain joined into one option."""
    offered = {option for claim in claims for option in licences.options(claim.expression)}
    free = {id for option in offered if _is_public_domain(option) for id in licences.parts(option)}
    others = {option for option in offered if not _is_public_domain(option)}
    if free:
        best = max(map(_specific, free))
        others.add(licences.all_of(id for id in free if _specific(id) == best))
    return licences.any_of(others)


def _all_at_once(sides: Sequence[_Side]) -> str:
    if any(side.expression == UNKNOWN for side in sides):
        return UNKNOWN
    return licences.all_of(
        id for side in sides for id in licences.parts(licences.options(side.expression)[0])
    )


def _specific(id: str) -> int:
    return _VAGUE.get(id, _SPECIFIC)


def _confidence(claims: Sequence[Claim], chosen: str) -> Confidence:
    """The strongest of the claims that name what was chosen, or that it refines."""
    if chosen == UNKNOWN:
        return Confidence.NONE
    ranks = list(Confidence)
    supporting = [claim.confidence for claim in claims if not _silent(claim) and _supports(claim, chosen)]
    return min(supporting, key=ranks.index, default=Confidence.NONE)


def _supports(claim: Claim, chosen: str) -> bool:
    options = licences.options(claim.expression)
    if _is_public_domain(chosen):
        return any(map(_is_public_domain, options))
    return any(chosen in licences.parts(option) for option in options)


def _conflict(sides: Sequence[_Side], chosen: str) -> str:
    relied = "so nothing is permitted" if chosen == UNKNOWN else f"the stricter, {chosen}, is relied on"
    return f"{'; '.join(side.words for side in sides)}; {relied}"
