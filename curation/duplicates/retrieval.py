"""Which pictures may share a part: candidates for `duplicates.verification`, from local features alone.

Comparing every picture's features with every other's would take hours. Instead each descriptor gets a few
short codes (signs of random projections; Charikar 2002, https://doi.org/10.1145/509907.509965), and only
features with an equal code meet. Every meeting votes for the one similarity that lays the two features over
each other, sorted roughly by turn, scale and shift as a Hough transform does (weak geometric consistency;
Jégou et al. 2008, https://doi.org/10.1007/978-3-540-88682-2_24). A pair is a candidate where `VOTES` distinct
features of both pictures vote alike.

**Stars.** Most features of a starry sky are lone stars, all of which look the same: 95 % of the meetings were
theirs, and none told anything. Descriptors nearer than `STAR` to that of an ideal star, which is computed
here and not learnt, stay out.

**Pairwise.** Whether two pictures are candidates depends on the features of these two alone: the projections
are fixed, no vocabulary is learnt. So a run that compares only what is new finds the pairs that a run from
scratch finds.

**Mirrored copies** need no second set of features: a projection whose values are reordered by
`features.MIRROR` gives the code that the mirrored descriptor has under the projection itself.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.imaging.features import MIRROR, Features, extract, unpack

VOTES = 5
"""Distinct features that must agree on one similarity."""
STAR = 0.92
"""Cosine to an ideal star's descriptor from which on a feature is not asked."""

_TABLES, _BITS = 6, 24
_SEED = 20_260_000
_MEAN = bytes.fromhex(
    "4c392c2726262d425f3e2c2729334b6157382a282f465c614131292a34434948"
    "6e45302a28282f4fa15b383436445c7d895435405d68737f4e3a32416263524f"
    "6e4f2f28282a3045a17d5c443634385b897f73685d4035544e4f52636241323a"
    "4c422d2626272c395f614b3329272c3e57615c462f282a3841484943342a2931"
)
"""The mean descriptor of nebulae, its own mirror image; 1024 stands for 1. Projections are taken from here:
from anywhere else most codes are alike, and 14 times as many features meet."""
_BLOCK = 100_000
"""Pairs of pictures looked at at once: bounds the memory, not the result."""
_OCTAVES = np.log2(5)
"""Powers of two between which the scale of a copy may lie."""
_ANGLES = 256
_CELL = 96.0
"""Pixels of a cell of shifts, at scale 1."""

Ints = NDArray[np.int64]


class Packed(Protocol):
    """Packed features by number: a list, or what reads them when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> bytes: ...


def candidates(features: Packed, fresh: Sequence[bool] | None = None) -> list[tuple[int, int]]:
    """Pairs of pictures that may share a part, upright, turned or mirrored: (first, second), sorted.

    `features` are packed (`features.extract`); each is asked for twice and not kept, so they may be read from
    a disk. With `fresh`, only pairs of which one is fresh. Memory: about 150 bytes a feature and 200 MB; time
    grows with the square of the pictures, slowly at first.

    Raises:
        FeaturesBroken: bytes that are no features of this version.
    """
    order = [number for *_, number in sorted(_key(features[one], one) for one in range(len(features)))]
    asked = _asked(unpack(features[number]) for number in order)
    new = [fresh is None or bool(fresh[number]) for number in order]
    found = set()
    for one, other in _agreeing(asked, new):
        first, second = order[one], order[other]
        found.add((min(first, second), max(first, second)))
    return sorted(found)


def _key(features: bytes, number: int) -> tuple[bytes, bytes, int]:
    """An order by content: whose similarity is measured from whom does not depend on how files are called."""
    return features[:64], hashlib.sha256(features).digest(), number


@dataclass(frozen=True)
class _Asked:
    """The telling features of all pictures, one after another."""

    begin: Ints
    """Where each picture's features begin, and where the last one's end."""
    owner: NDArray[np.int32]
    place: NDArray[np.complex64]
    """From the middle of the picture, in pixels; down is positive."""
    octave: NDArray[np.float32]
    """Size, as a power of two."""
    angle: NDArray[np.int16]
    """Of `_ANGLES` in a full turn."""
    codes: NDArray[np.int32]
    """(2, `_TABLES`, n): as it is, and as the mirrored descriptor has it."""


def _asked(features: Iterable[Features]) -> _Asked:
    star, projections = _star(), _projections()
    both = np.concatenate([projections, projections[MIRROR]], axis=1)
    mean = np.frombuffer(_MEAN, np.uint8).astype(np.float32) / np.float32(1024)
    level = mean @ both
    weights = 1 << np.arange(_BITS, dtype=np.int32)
    parts, counts = [], []
    for one in features:
        vectors = one.vectors()
        telling = np.flatnonzero(vectors @ star < STAR)
        signs = (vectors[telling] @ both > level).reshape(len(telling), 2, _TABLES, _BITS)
        codes = (signs @ weights).astype(np.int32)
        x, y = one.x[telling] - one.width / 2, one.y[telling] - one.height / 2
        angle = np.round(one.angle[telling] * (_ANGLES / 2 / np.pi)).astype(np.int16) % _ANGLES
        parts.append(((x + 1j * y).astype(np.complex64), np.log2(one.size[telling]), angle, codes))
        counts.append(len(telling))
    if not parts:
        parts, counts = (
            [
                (
                    np.zeros(0, np.complex64),
                    np.zeros(0),
                    np.zeros(0, np.int16),
                    np.zeros((0, 2, _TABLES), np.int32),
                )
            ],
            [0],
        )
    place, octave, angle, codes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Asked(
        begin=np.concatenate([[0], np.cumsum(counts)]),
        owner=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        place=place,
        octave=octave.astype(np.float32),
        angle=angle,
        codes=np.ascontiguousarray(codes.transpose(1, 2, 0)),
    )


def _agreeing(asked: _Asked, fresh: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The pairs with enough votes, one fresh picture after the other; the first has the smaller number."""
    tables = [[_Table(codes) for codes in side] for side in asked.codes]
    asking = np.flatnonzero(fresh)
    pictures = len(fresh)
    step = max(1, _BLOCK // max(1, pictures))
    for top in range(0, len(asking), step):
        block = asking[top : top + step]
        ours = np.concatenate([np.arange(asked.begin[one], asked.begin[one + 1]) for one in block])
        for mirrored in (False, True):
            first, second = _meetings(asked, tables, ours, np.asarray(fresh), mirrored)
            yield from _voted(asked, first, second, mirrored)


class _Table:
    """The features in the order of their codes."""

    def __init__(self, codes: NDArray[np.int32]) -> None:
        self._order = np.argsort(codes, kind="stable").astype(np.int32)
        self._codes = codes[self._order]

    def meet(self, features: Ints, codes: NDArray[np.int32]) -> tuple[Ints, Ints]:
        """Every given feature with every feature of the table that has its code."""
        order = np.argsort(codes, kind="stable")
        features, codes = features[order], codes[order]
        begin = np.searchsorted(self._codes, codes)
        counts = np.searchsorted(self._codes, codes, side="right") - begin
        ours = np.repeat(features, counts)
        before = np.repeat(begin - np.cumsum(counts) + counts, counts)
        return ours, self._order[np.arange(len(ours)) + before].astype(np.int64)


def _meetings(
    asked: _Asked, tables: Sequence[Sequence[_Table]], ours: Ints, fresh: NDArray[np.bool_], mirrored: bool
) -> tuple[Ints, Ints]:
    """Features of equal code in two pictures; of two fresh pictures only the first asks."""
    met = [
        table.meet(ours, asked.codes[side, number, ours])
        for side in (0, 1)
        for number, table in enumerate(tables[side ^ mirrored])
    ]
    one, other = (np.concatenate(column) for column in zip(*met, strict=True))
    asks, answers = asked.owner[one], asked.owner[other]
    once = (asks != answers) & ((asks < answers) | ~fresh[answers])
    one, other, asks, answers = one[once], other[once], asks[once], answers[once]
    turned_round = asks > answers
    return np.where(turned_round, other, one), np.where(turned_round, one, other)


def _voted(asked: _Asked, one: Ints, other: Ints, mirrored: bool) -> Iterator[tuple[int, int]]:
    """The pairs of pictures on whose similarity enough of the meetings agree."""
    pictures = len(asked.begin) - 1
    octaves = asked.octave[other] - asked.octave[one]
    near = np.abs(octaves) < _OCTAVES
    one, other, octaves = one[near], other[near], octaves[near]
    pair, pairs = _numbered(asked.owner[one].astype(np.int64) * pictures + asked.owner[other])
    enough = np.bincount(pair, minlength=len(pairs))[pair] >= VOTES
    one, other, octaves = one[enough], other[enough], octaves[enough]
    pair, pairs = _numbered(pairs[pair[enough]])
    turn = (
        asked.angle[other].astype(np.int64)
        + (asked.angle[one] - _ANGLES // 2 if mirrored else -asked.angle[one].astype(np.int64))
    ) % _ANGLES
    inside = _widest(pair, turn, octaves, len(pairs))
    one, other, turn, octaves = one[inside], other[inside], turn[inside], octaves[inside]
    pair, pairs = _numbered(pairs[pair[inside]])
    place = asked.place[one]
    place = -place.conj() if mirrored else place
    shift = asked.place[other] - np.exp2(octaves) * np.exp(2j * np.pi / _ANGLES * turn) * place
    votes = _votes(pair, one, other, shift / (_CELL * np.maximum(1, np.exp2(octaves))), len(pairs))
    for number in pairs[votes >= VOTES].tolist():
        yield divmod(number, pictures)


def _numbered(keys: Ints) -> tuple[Ints, Ints]:
    """Numbers from 0 for the distinct keys, and the keys by their number."""
    names, numbers = np.unique(keys, return_inverse=True)
    return numbers.astype(np.int64), names


def _widest(pair: Ints, turn: Ints, octaves: NDArray[np.float32], pairs: int) -> NDArray[np.bool_]:
    """Which meetings lie in the fullest window of their pair: an eighth of a turn by an octave, placed at
    halves of these; none where the fullest holds fewer than `VOTES`."""
    fullest, chosen = np.zeros(pairs, np.int64), np.full(pairs, -1)
    windows = []
    for number in range(4):
        turns = (turn + _ANGLES // 16 * (number % 2)) % _ANGLES // (_ANGLES // 8)
        window = turns * 8 + np.floor(octaves + (number // 2) / 2 + 3).astype(np.int64)
        windows.append(window)
        counts = np.bincount(pair * 64 + window, minlength=pairs * 64).reshape(pairs, 64)
        best = counts.argmax(axis=1)
        most = counts[np.arange(pairs), best]
        better = most > fullest
        fullest = np.where(better, most, fullest)
        chosen = np.where(better, number * 64 + best, chosen)
    chosen[fullest < VOTES] = -1
    mine = chosen[pair]
    inside = np.zeros(len(pair), dtype=np.bool_)
    for number, window in enumerate(windows):
        inside |= mine == number * 64 + window
    return inside


def _votes(pair: Ints, one: Ints, other: Ints, shift: NDArray[np.complex64], pairs: int) -> Ints:
    """By pair: in the fullest cell of shifts, the distinct features of the side that has fewer."""
    votes = np.zeros(pairs, np.int64)
    for number in range(4):
        across = np.clip(np.floor(shift.real + (number % 2) / 2) + 32, 0, 63).astype(np.int64)
        down = np.clip(np.floor(shift.imag + (number // 2) / 2) + 32, 0, 63).astype(np.int64)
        cell, cells = _numbered((pair * 64 + across) * 64 + down)
        fewer = np.minimum(_distinct(cell, one, len(cells)), _distinct(cell, other, len(cells)))
        np.maximum.at(votes, cells // 4096, fewer)
    return votes


def _distinct(cell: Ints, features: Ints, cells: int) -> Ints:
    """How many distinct features each cell holds."""
    return np.bincount(np.unique(cell << 32 | features) >> 32, minlength=cells)


@cache
def _star() -> NDArray[np.float32]:
    """The descriptor of an ideal star: a round spot, as a vector of length 1."""
    down, across = np.mgrid[:96, :96] - 47.5
    spot = 200 * np.exp(-(down**2 + across**2) / (2 * 2.5**2))
    found = unpack(extract(Image.fromarray(spot.astype(np.uint8))))
    mean = found.vectors()[np.hypot(found.x - 47.5, found.y - 47.5) < 2].mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


@cache
def _projections() -> NDArray[np.float32]:
    """(128, tables x bits); this generator's stream is promised never to change."""
    dice = np.random.RandomState(_SEED)
    return dice.standard_normal((len(MIRROR), _TABLES * _BITS)).astype(np.float32)
