"""Shares by kind: how many real and how many fictive images a limit is, when a ratio must be kept."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal, get_args

Kind = Literal["real", "fictive"]
_KINDS: frozenset[object] = frozenset(get_args(Kind))

TOLERANCE = 1e-6
"""How far the shares may be from 1 in sum: 0.333333 three times is meant as a third each."""


def allot(shares: Mapping[Kind, float], available: Mapping[Kind, int], limit: int | None) -> dict[Kind, int]:
    """The most images of each kind that keep the ratio: at most `limit` together, never more than there are.

    Places that do not come out even go to the kinds with the largest remainders, of equal ones to the first
    by name; no kind is ever further than one image from its exact share.

    >>> allot({"real": 0.4, "fictive": 0.6}, {"real": 500, "fictive": 47}, 300)
    {'fictive': 47, 'real': 32}
    """
    exact = _exact(shares)
    reach = [int((available.get(kind, 0) + 1) / share) for kind, share in exact.items()]
    total = min([*reach, *([limit] if limit is not None else [])])
    while True:
        parts = _parts(exact, total)
        if all(count <= available.get(kind, 0) for kind, count in parts.items()):
            return parts
        total -= 1


def shortage(shares: Mapping[Kind, float], available: Mapping[Kind, int], limit: int | None) -> str | None:
    """What to tell the user when a share cannot be filled and the others were cut; `None`: all is as asked.

    `fictive: 47 of 180 can be had; real was cut from 120 to 32 to keep 40/60; set [collect] shares to …`
    """
    exact, given = _exact(shares), allot(shares, available, limit)
    wanted = _parts(exact, limit) if limit is not None else {kind: available.get(kind, 0) for kind in exact}
    if given == wanted:
        return None
    binding = _binding(exact, available)
    asked = f"{available.get(binding, 0):,}"
    short = f"{asked} of {wanted[binding]:,} can be had" if limit is not None else f"only {asked} can be had"
    cut = [
        f"{kind} was cut from {wanted[kind]:,} to {given[kind]:,}"
        for kind in given
        if kind != binding and given[kind] < wanted[kind]
    ]
    ratio = "/".join(f"{float(exact[kind]) * 100:.3g}" for kind in shares)
    kept = f"{' and '.join(cut)} to keep {ratio}" if cut else f"{ratio} is kept"
    return f"{binding}: {short}; {kept}; set [collect] shares to change that"


def mistakes(shares: object, kinds: Mapping[str, object]) -> list[str]:
    """What is wrong between `shares` and the `kind` of each source, as a recipe has them; one line a problem.

    Nothing is said of names that are no kinds: they are mistakes of their own.
    """
    if not isinstance(shares, Mapping) or not set(shares) <= _KINDS:
        return []
    problems = [
        f"[collect.{name}] has no kind, so [collect] shares cannot place its images:"
        f" write kind = {_or(sorted(shares))}"
        for name, kind in kinds.items()
        if kind is None
    ]
    problems += [
        f'[collect.{name}] kind = "{kind}" has no share in [collect] shares'
        for name, kind in kinds.items()
        if kind in _KINDS and kind not in shares
    ]
    problems += [
        f'[collect] shares asks for {kind} images, and no source has kind = "{kind}"'
        for kind in sorted(shares)
        if kind not in kinds.values() and _KINDS.issuperset(kinds.values())
    ]
    return problems


def _exact(shares: Mapping[Kind, float]) -> dict[Kind, Fraction]:
    """Decimal fractions as they were written, scaled to sum to 1, by name."""
    read = {kind: Fraction(str(share)) for kind, share in sorted(shares.items())}
    whole = sum(read.values())
    return {kind: share / whole for kind, share in read.items()}


def _parts(exact: Mapping[Kind, Fraction], total: int) -> dict[Kind, int]:
    """`total` places by largest remainder."""
    parts = {kind: int(share * total) for kind, share in exact.items()}
    order = sorted(exact, key=lambda kind: (parts[kind] - exact[kind] * total, kind))
    for kind in order[: total - sum(parts.values())]:
        parts[kind] += 1
    return parts


def _binding(exact: Mapping[Kind, Fraction], available: Mapping[Kind, int]) -> Kind:
    """The kind that is furthest from filling its share."""
    return min(exact, key=lambda kind: (available.get(kind, 0) / exact[kind], kind))


def count_kinds(kinds: Iterable[Kind | None]) -> Counter[Kind]:
    """How many images there are of each kind; those without one belong to no share."""
    return Counter(kind for kind in kinds if kind is not None)


def _or(words: Sequence[str]) -> str:
    return " or ".join(f'"{word}"' for word in words)
