"""Near-duplicates: which pictures show the same thing, and which of them is kept.

Two pictures are copies on one of these grounds, and their edge says which:

1. the same bytes, or the same pixels;
2. hashes at most `ties.FAR` bits apart in any of the eight orientations (`NEAR` in sets beyond
   `join.MATRIX`), and thumbnails that agree in it (`agreement`); no hash is enough by itself, since those of
   two globes lit alike can be 10 bits apart;
3. local features that one similarity transform lays over each other, and thumbnails that agree under it: what
   finds crops, small turns and overlays (`retrieval` and `verification`).

What agrees must share detail and light beyond outlines too (`outlines`): a limb and belts prove nothing.
Pictures that agree less under 3 are other photographs of the same sky: both stay.

Groups are not closed transitively: every member is held against the one that stays, and goes only if those
two are copies by themselves. On 539 distinct deep-sky pictures there is no false pair.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from curation.duplicates.compared import Pair
from curation.duplicates.edges import Edge, EdgeKind
from curation.duplicates.rank import Standing
from curation.duplicates.terms import contested
from curation.duplicates.ties import Closer, Look, Ties


@dataclass(frozen=True)
class Related:
    """What belongs together in a set of pictures, by uid."""

    copies: Mapping[str, Edge]
    """Every picture that goes, with the edge from the one that stays in its place."""
    same_sky: Mapping[str, tuple[str, ...]]
    """For those that stay: others that stay and show the same place."""
    families: tuple[tuple[str, ...], ...]
    """All that hangs together by any tie, copies included: never on two sides of a split."""
    standings: Mapping[str, Standing]
    """What decided who stays, crops included, which show only beside their copies."""


def relate(looks: Iterable[Look], closer: Closer, candidates: Iterable[Pair] = ()) -> Related:
    """Find copies, who stays, and other photographs of the same sky.

    `candidates` are pairs of files, by SHA-256, whose local features are worth matching. Raises `DiskFull`.
    """
    leaders, equals = _by_content(looks)
    ties = Ties(leaders, closer, candidates)
    crops = ties.crops()
    at_odds = _at_odds(ties)
    standings = [
        replace(look.standing, cropped=n in crops, contested=look.standing.contested or n in at_odds)
        for n, look in enumerate(ties.looks)
    ]
    gone = _settled(ties, [standing.rank for standing in standings])
    copies = {ties.looks[number].uid: edge for number, (_, edge) in gone.items()}
    known = {standing.uid: standing for standing in standings}
    for edge, look in equals:
        further = copies.get(edge.first)
        copies[look.uid] = further.model_copy(update={"second": look.uid}) if further else edge
        leader = known[edge.first]
        known[look.uid] = replace(look.standing, cropped=leader.cropped, contested=leader.contested)
    stays = {number: kept for number, (kept, _) in gone.items()}
    return Related(copies, _same_sky(ties, stays), _families(ties, [edge for edge, _ in equals]), known)


def _by_content(looks: Iterable[Look]) -> tuple[list[Look], list[tuple[Edge, Look]]]:
    """The best picture of each content, and the others, each with its edge from the best."""
    groups: list[list[Look]] = []
    by_content: dict[str, list[Look]] = {}
    for look in sorted(looks, key=lambda look: look.standing.rank):
        same = by_content.get(look.sha256) or by_content.get(look.pixels_sha256 or look.sha256)
        if same is None:
            groups.append(same := [])
            by_content[look.sha256] = by_content[look.pixels_sha256 or look.sha256] = same
        same.append(look)
    leaders: list[Look] = []
    equals: list[tuple[Edge, Look]] = []
    for group in groups:
        odd = contested([look.standing.rights for look in group])
        marked = (replace(look, standing=replace(look.standing, contested=odd)) for look in group)
        best, *others = sorted(marked, key=lambda look: look.standing.rank)
        leaders.append(best)
        for look in others:
            kind = EdgeKind.SAME_BYTES if best.sha256 == look.sha256 else EdgeKind.SAME_PIXELS
            equals.append((Edge(first=best.uid, second=look.uid, kind=kind), look))
    return leaders, equals


def _at_odds(ties: Ties) -> set[int]:
    """Pictures in whose group the claims contradict each other."""
    found: set[int] = set()
    for group in ties.groups(with_sky=False):
        standings = [ties.looks[number].standing for number in group]
        if any(one.contested for one in standings) or contested([one.rights for one in standings]):
            found.update(group)
    return found


def _settled(ties: Ties, ranks: Sequence[tuple[object, ...]]) -> dict[int, tuple[int, Edge]]:
    """Within each connected group: who goes, for whom, and why."""
    gone: dict[int, tuple[int, Edge]] = {}
    groups = [sorted(group, key=ranks.__getitem__) for group in ties.groups(with_sky=False)]
    while groups:
        ties.look_closer(
            (best, member)
            for best, *members in groups
            for member in members
            if ties.copy(best, member) is None
        )
        for best, *members in groups:
            found = {member: ties.copy(best, member) for member in members}
            gone |= {member: (best, edge) for member, edge in found.items() if edge}
        groups = [[member for member in group[1:] if member not in gone] for group in groups]
        groups = [group for group in groups if len(group) > 1]
    return gone


def _same_sky(ties: Ties, stays: Mapping[int, int]) -> dict[str, tuple[str, ...]]:
    """Who stays beside whom: tied directly, or through a copy that goes."""
    beside: dict[str, set[str]] = defaultdict(set)
    for pair in ties.pairs(with_sky=True):
        one, other = (ties.looks[stays.get(number, number)].uid for number in pair)
        if one != other:
            beside[one].add(other)
            beside[other].add(one)
    return {uid: tuple(sorted(others)) for uid, others in sorted(beside.items())}


def _families(ties: Ties, equals: Sequence[Edge]) -> tuple[tuple[str, ...], ...]:
    """The groups by any tie, with the equals of their members."""
    families = [{ties.looks[number].uid for number in group} for group in ties.groups(with_sky=True)]
    of = {uid: family for family in families for uid in family}
    for edge in equals:
        family = of.get(edge.first)
        if family is None:
            family = of[edge.first] = {edge.first}
            families.append(family)
        family.add(edge.second)
    return tuple(sorted(tuple(sorted(family)) for family in families))
