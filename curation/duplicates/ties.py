"""What ties pictures together, found in three steps: by hashes, by a closer look, by local features."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Protocol

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from curation.duplicates import join
from curation.duplicates.compared import Compared, Pair, Question
from curation.duplicates.edges import Edge, EdgeKind
from curation.duplicates.rank import Standing
from curation.imaging.fingerprint import BITS, LONGEST, ORIENTATIONS

NEAR = 31
"""Bits of 256 by which the upright hashes of copies usually differ at most."""
FAR = 64
"""Bits of 256 within which any orientation is looked at."""
DETAILED = 128
"""Coefficients above the noise from which on a hash is trusted; the poorest of 539 nebulae has 152."""
LOPSIDED = 48
"""Bits by which a picture's hash must differ from that of its own turned forms to be trusted."""
WIDER = 1.1
"""How many times as far a copy must reach for the other to count as its crop."""
_EVERY_WAY = tuple(range(len(ORIENTATIONS)))
_BYTES = BITS // 8

Numbers = tuple[int, int]
"""Two pictures, the smaller number first."""


@dataclass(frozen=True)
class Look:
    """One picture as duplicates are sought in it."""

    standing: Standing
    """What decides who of several copies stays."""
    sha256: str
    pixels_sha256: str | None
    hashes: bytes
    """As `Fingerprint.hashes`."""
    detail: int

    @property
    def uid(self) -> str:
        return self.standing.uid


class Closer(Protocol):
    """Who lays two pictures over each other (`compared.Comparisons`)."""

    has_features: bool
    """Whether local features can be matched."""

    def answers(self, questions: Iterable[Question]) -> Sequence[Compared]:
        """The answers, in the order of the questions."""


class Ties:
    """The ties among pictures of different content, which are known by number."""

    def __init__(self, looks: Iterable[Look], closer: Closer, candidates: Iterable[Pair] = ()) -> None:
        """Find all ties; `candidates`, of these and other files, have local features worth matching."""
        self.looks = sorted(looks, key=lambda look: look.sha256)
        self._closer = closer
        self._trusted = [_trusted(look) for look in self.looks]
        self._seen: dict[Numbers, Compared] = {}
        near, ways = self._by_hashes()
        self._ask_near(near)
        numbers = {look.sha256: number for number, look in enumerate(self.looks)}
        there = (pair for pair in candidates if pair[0] in numbers and pair[1] in numbers)
        worth = {(numbers[one], numbers[other]) for one, other in there} - near.keys()
        self._ask({pair: (ways.get(pair, ()), pair in worth) for pair in worth | ways.keys()})

    def copy(self, kept: int, other: int) -> Edge | None:
        """The edge by which one picture is known as a copy of the kept one, if it is."""
        first, second = min(kept, other), max(kept, other)
        said = self._seen.get((first, second))
        if said is None or said.kind is not EdgeKind.VERIFIED:
            return None
        found: Mapping[str, object]
        if said.orientation == 0 and self._near(first, second):
            distance = self._distance(first, second, 0)
            found = {"kind": EdgeKind.HASH, "orientation": 0, "distance": distance}
        elif said.orientation is not None:
            turned = said.orientation if kept == second else _INVERSE[said.orientation]
            distance = self._distance(first, second, said.orientation)
            found = {"orientation": turned, "distance": distance, "agreement": said.agreement}
        else:
            found = _geometry(said, turned_round=kept == second)
        whole = {"kind": EdgeKind.VERIFIED, **found}
        return Edge.model_validate({"first": self.looks[kept].uid, "second": self.looks[other].uid, **whole})

    def look_closer(self, pairs: Iterable[Numbers]) -> None:
        """Hold pictures against each other that nothing has proposed, in every way there is."""
        self._ask({(min(pair), max(pair)): (_EVERY_WAY, True) for pair in pairs})

    def groups(self, *, with_sky: bool) -> list[list[int]]:
        """Everything that hangs together by copies, or also by the same sky; numbers in order."""
        edges = np.array(self.pairs(with_sky=with_sky), dtype=np.int64).reshape(-1, 2)
        graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(self.looks),) * 2)
        _, labels = connected_components(graph, directed=False)
        members = defaultdict(list)
        for number in np.unique(edges):
            members[labels[number]].append(int(number))
        return sorted(members.values())

    def pairs(self, *, with_sky: bool) -> list[Numbers]:
        """Every two pictures that are known as copies, or also as of the same sky."""
        kinds = {EdgeKind.VERIFIED, *([EdgeKind.SAME_SKY] if with_sky else [])}
        return sorted(pair for pair, said in self._seen.items() if said.kind in kinds)

    def crops(self) -> set[int]:
        """Pictures of which a copy shows more of the scene, by size and scale of their ties."""
        scales = {
            pair: said.scale
            for pair, said in self._seen.items()
            if said.scale and said.kind is EdgeKind.VERIFIED
        }
        if not scales:
            return set()
        steps: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for first, second in self.pairs(with_sky=False):
            wider = 0.0  # by their hashes the same square, however large the picture around it
            if scale := scales.get((first, second)):
                wider = log(_extent(self.looks[second]) / scale / _extent(self.looks[first]))
            steps[first].append((second, wider))
            steps[second].append((first, -wider))
        found = set()
        for group in self.groups(with_sky=False):
            reach = _reach(group[0], steps)
            found |= {member for member in group if reach[member] < max(reach.values()) - log(WIDER)}
        return found

    def _by_hashes(self) -> tuple[dict[Numbers, tuple[int, ...]], dict[Numbers, tuple[int, ...]]]:
        """The pairs within reach by their hashes, each with the orientations to look at: those whose upright
        hashes can be trusted to be near, and the others.

        Of equal trusted hashes one stands for all, so that a thousand copies are not a million pairs.
        """
        alike: dict[bytes, int] = {}
        sought = []
        near_ways: dict[Numbers, tuple[int, ...]] = {}
        for number, look in enumerate(self.looks):
            one = alike.setdefault(look.hashes, number) if self._trusted[number] else number
            if one == number:
                sought.append(number)
            else:
                near_ways[one, number] = (0,)
        radius = FAR if len(sought) <= join.MATRIX else NEAR
        near = join.near_hashes([self.looks[number].hashes for number in sought], radius)
        ways: dict[Numbers, tuple[int, ...]] = {}
        for one, other, distances in zip(near.first, near.second, near.distances.tolist(), strict=True):
            pair = sought[one], sought[other]
            reach = sorted((distance, way) for way, distance in enumerate(distances) if distance <= FAR)
            (near_ways if self._near(*pair) else ways)[pair] = tuple(way for _, way in reach)
        return near_ways, ways

    def _ask_near(self, near: Mapping[Numbers, tuple[int, ...]]) -> None:
        """Look at pairs of near hashes: first each picture beside one other, then only across what is still
        apart, since of a hundred copies of one picture ninety-nine pairs say all there is to say."""
        first_of: dict[int, Numbers] = {}
        for pair in sorted(near):
            first_of.setdefault(pair[1], pair)
        asked = set(first_of.values())
        self._ask({pair: (near[pair], self._closer.has_features) for pair in asked})
        group_of = {member: group[0] for group in self.groups(with_sky=False) for member in group}
        apart = (p for p in near.keys() - asked if group_of.get(p[0], p[0]) != group_of.get(p[1], p[1]))
        self._ask({pair: (near[pair], self._closer.has_features) for pair in apart})

    def _ask(self, wanted: Mapping[Numbers, tuple[tuple[int, ...], bool]]) -> None:
        pairs = sorted(wanted)
        questions = [
            Question(
                self.looks[first].sha256, self.looks[second].sha256, ways, features, self._near(first, second)
            )
            for first, second in pairs
            for ways, features in [wanted[first, second]]
        ]
        for pair, said in zip(pairs, self._closer.answers(questions), strict=True):
            if said.kind is EdgeKind.VERIFIED or (said.kind and pair not in self._seen):
                self._seen[pair] = said

    def _near(self, first: int, second: int) -> bool:
        """Do their upright hashes, which can be trusted, say that they are copies?"""
        trusted = self._trusted[first] and self._trusted[second]
        return trusted and self._distance(first, second, 0) <= NEAR

    def _distance(self, first: int, second: int, way: int) -> int:
        upright = self.looks[first].hashes[:_BYTES]
        turned = self.looks[second].hashes[_BYTES * way : _BYTES * (way + 1)]
        return (int.from_bytes(upright) ^ int.from_bytes(turned)).bit_count()


def _trusted(look: Look) -> bool:
    """Is nearness of this hash to another more than chance?"""
    if look.detail < DETAILED:
        return False
    ways = np.unpackbits(np.frombuffer(look.hashes, dtype=np.uint8)).reshape(-1, BITS)
    return bool((ways[1:] != ways[0]).sum(axis=1).min() > LOPSIDED)


def _geometry(said: Compared, *, turned_round: bool) -> dict[str, object]:
    """How the dropped one lies on the kept one; measured from the first to the second of the two."""
    scale, angle = said.scale or 1.0, said.angle or 0.0
    if turned_round:  # the inverse of a reflection turns the same way
        scale, angle = 1 / scale, angle if said.mirrored else -angle
    return {
        "inliers": said.inliers,
        "scale": round(scale, 4),
        "angle": angle,
        "mirrored": said.mirrored,
        "agreement": said.agreement,
    }


def _extent(look: Look) -> float:
    """The side of a square as large as the canonical form, in which scales are measured."""
    width, height = look.standing.width, look.standing.height
    return sqrt(width * height) * min(1.0, LONGEST / max(width, height))


def _reach(start: int, steps: Mapping[int, Sequence[tuple[int, float]]]) -> dict[int, float]:
    """How far each member of a group reaches over the scene, as the logarithm of its ratio to the first."""
    reach, open_ = {start: 0.0}, [start]
    while open_:
        here = open_.pop()
        for other, wider in steps[here]:
            if other not in reach:
                reach[other] = reach[here] + wider
                open_.append(other)
    return reach


_INVERSE = tuple(
    next(
        other
        for other, undo in enumerate(ORIENTATIONS)
        if np.array_equal(undo.turn(way.turn(np.arange(4).reshape(2, 2))), np.arange(4).reshape(2, 2))
    )
    for way in ORIENTATIONS
)
