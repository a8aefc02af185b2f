"""Which pictures may share a part: candidates for `duplicates.verification`, from local features alone.

Comparing every picture's features with every other's would take hours. Instead each descriptor gets a few
short codes (signs of random projections; Charikar 2002, https://doi.org/10.1145/509907.509965), and only
features with an equal code meet. Every meeting votes for the one similarity that lays the two features over
each other, sorted roughly by turn, scale and shift as a Hough transform does (weak geometric consistency;
Jégou et al. 2008, https://doi.org/10.1007/978-3-540-88682-2_24). A pair is a candidate where `VOTES` distinct
features of both pictures vote alike.

**What all have in common** is no sign: codes are made as if descriptors were spread evenly (`commonplace`).

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

from curation.duplicates import commonplace
from curation.imaging.features import MIRROR, Features, extract, unpack

VOTES = 5
"""Distinct features that must agree on one similarity."""
STAR = 0.92
"""Cosine to an ideal star's descriptor from which on a feature is not asked."""

VERSION = 2
"""Raised when other pairs may become candidates."""

_TABLES, _BITS = 10, 24
_SEED = 20_260_000
_BLOCK = 200_000
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
    a disk. With `fresh`, only pairs of which one is fresh. Memory: about 300 bytes a feature and 200 MB; time
    grows with the square of the pictures in the end.

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

    def __len__(self) -> int:
        return len(self.begin) - 1


def telling(vectors: NDArray[np.float32]) -> Ints:
    """Which of these descriptors, (n, 128) of length 1, are not those of lone stars."""
    return np.flatnonzero(vectors @ _star() < STAR)


def _asked(features: Iterable[Features]) -> _Asked:
    projections = _projections()
    both = np.concatenate([projections, projections[MIRROR]], axis=1)
    level = commonplace.mean() @ both
    parts = [_of_one(one, both, level) for one in features]
    if not parts:
        parts = [_of_nothing()]
    place, octave, angle, codes = zip(*parts, strict=True)
    counts = [len(one) for one in place]
    return _Asked(
        begin=np.concatenate([[0], np.cumsum(counts)]),
        owner=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        place=np.concatenate(place),
        octave=np.concatenate(octave),
        angle=np.concatenate(angle),
        codes=np.concatenate(codes, axis=2),
    )


_Part = tuple[NDArray[np.complex64], NDArray[np.float32], NDArray[np.int16], NDArray[np.int32]]


def _of_one(one: Features, both: NDArray[np.float32], level: NDArray[np.float32]) -> _Part:
    """Places, octaves, angles and codes of a picture's telling features, as `_Asked` has them."""
    vectors = one.vectors()
    there = telling(vectors)
    signs = (vectors[there] @ both > level).reshape(len(there), 2, _TABLES, _BITS)
    eight = np.packbits(signs, axis=-1).astype(np.int32)
    codes = eight[..., 0] << 16 | eight[..., 1] << 8 | eight[..., 2]
    x, y = one.x[there] - one.width / 2, one.y[there] - one.height / 2
    angle = np.round(one.angle[there] * (_ANGLES / 2 / np.pi)).astype(np.int16) % _ANGLES
    octave = np.log2(one.size[there]).astype(np.float32)
    return (x + 1j * y).astype(np.complex64), octave, angle, np.ascontiguousarray(codes.transpose(1, 2, 0))


def _of_nothing() -> _Part:
    return (
        np.zeros(0, np.complex64),
        np.zeros(0, np.float32),
        np.zeros(0, np.int16),
        np.zeros((2, _TABLES, 0), np.int32),
    )


def _agreeing(asked: _Asked, fresh: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The pairs with enough votes, one fresh picture after the other; the first has the smaller number."""
    tables = [[_Table(codes) for codes in side] for side in asked.codes]
    asking = np.flatnonzero(fresh)
    step = max(1, _BLOCK // max(1, len(fresh)))
    for top in range(0, len(asking), step):
        block = asking[top : top + step]
        for mirrored in (False, True):
            first, second = _meetings(asked, tables, block, np.asarray(fresh), mirrored)
            yield from _voted(asked, first, second, mirrored)


class _Table:
    """The features in the order of their codes, and where those begin whose codes begin alike."""

    def __init__(self, codes: NDArray[np.int32]) -> None:
        known = min(_BITS, max(1, len(codes).bit_length() - 1))
        self._codes, self._rest = codes, _BITS - known
        keyed = codes.astype(np.int64) << 32 | np.arange(len(codes))  # far quicker to sort than to argsort
        keyed.sort()
        self._order = (keyed & 0xFFFFFFFF).astype(np.int32)
        sizes = np.bincount(codes >> self._rest, minlength=1 << known)
        self._begin = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)

    def meet(self, features: Ints, codes: NDArray[np.int32]) -> tuple[Ints, Ints]:
        """Every given feature with every feature of the table that has its code."""
        heads = codes >> self._rest
        begin = self._begin[heads]
        counts = self._begin[heads + 1] - begin
        before = np.repeat(begin - np.cumsum(counts) + counts, counts)
        ours, theirs = np.repeat(features, counts), self._order[np.arange(len(before)) + before]
        if self._rest:
            same = self._codes[theirs] == np.repeat(codes, counts)
            ours, theirs = ours[same], theirs[same]
        return ours, theirs.astype(np.int64)


def _meetings(
    asked: _Asked,
    tables: Sequence[Sequence[_Table]],
    block: Ints,
    fresh: NDArray[np.bool_],
    mirrored: bool,
) -> tuple[Ints, Ints]:
    """Features of equal code and like size in two pictures that meet often enough to have the votes.

    Of two fresh pictures only the first asks; whoever asks, the feature of the first comes first.
    """
    ours = np.concatenate([np.arange(asked.begin[one], asked.begin[one + 1]) for one in block])
    places = np.zeros(len(asked), np.int64)
    places[block] = np.arange(len(block)) * len(asked)
    met = []
    for side in (0, 1):
        for number, table in enumerate(tables[side ^ mirrored]):
            one, other = table.meet(ours, asked.codes[side, number, ours])
            asks, answers = asked.owner[one], asked.owner[other]
            once = (asks < answers) | ((asks != answers) & ~fresh[answers])
            once &= np.abs(asked.octave[other] - asked.octave[one]) < _OCTAVES
            one, other = one[once], other[once]
            met.append((one, other, places[asks[once]] + answers[once]))
    one, other, pair = (np.concatenate(column) for column in zip(*met, strict=True))
    enough = np.bincount(pair, minlength=1)[pair] >= VOTES
    one, other = one[enough], other[enough]
    turned_round = asked.owner[one] > asked.owner[other]
    return np.where(turned_round, other, one), np.where(turned_round, one, other)


def _voted(asked: _Asked, one: Ints, other: Ints, mirrored: bool) -> Iterator[tuple[int, int]]:
    """The pairs of pictures on whose similarity enough of the meetings agree."""
    octaves = asked.octave[other] - asked.octave[one]
    pair, pairs = _numbered(asked.owner[one].astype(np.int64) * len(asked) + asked.owner[other])
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
        yield divmod(number, len(asked))


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
    return commonplace.shrunk(dice.standard_normal((len(MIRROR), _TABLES * _BITS)))
