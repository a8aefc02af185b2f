"""Every two hashes within a radius: exact, in a stated order, in the way that is cheapest for their number.

Up to `MATRIX` hashes all are held against all, by matrix product; beyond it only where a band of their bits
is nearly equal (`bands`), in machine code from `MANY` on where numba is installed. The pairs are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from curation.duplicates.bands import Comparing, Numbers, Words, count, pairs
from curation.duplicates.plain import BLOCK, Plain, signs
from curation.imaging.fingerprint import BITS, ORIENTATIONS

MATRIX = 20_000
"""Hashes up to which all are held against all."""
MANY = 50_000
"""Hashes from which on machine code pays for loading numba."""

Distances = NDArray[np.int16]


@dataclass(frozen=True)
class Near:
    """Pairs, sorted: `first[k] < second[k]` are `distances[k]` bits apart."""

    first: Numbers
    second: Numbers
    distances: Distances
    """One a pair, or one for each orientation of the second."""

    def __len__(self) -> int:
        return len(self.first)


def pairs_within(hashes: NDArray[np.uint8], radius: int, *, compiled: bool | None = None) -> Near:
    """Every two of n hashes (n x 32 bytes) at most `radius` bits apart.

    `compiled` says whether machine code is used; `None`: where it pays and numba is there.

    Raises:
        ImportError: `compiled=True`, and numba is not installed.
    """
    words = _words(hashes)
    how = _comparing(len(words), compiled)
    found = pairs(words, radius, how) if len(words) > MATRIX or compiled else how.all(words, radius)
    first, second = _sorted(list(found), len(words))
    return Near(first, second, _apart(words, words, first, second))


def near_hashes(hashes: Sequence[bytes], radius: int) -> Near:
    """Every two pictures whose hashes are at most `radius` bits apart in some orientation.

    `hashes` are as `Fingerprint.hashes`. All eight distances come back, [pairs, 8]: distance `way` is between
    the upright hash of the first and the hash of the second in orientation `way`.
    """
    ways = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), len(ORIENTATIONS), BITS // 8)
    if len(ways) <= MATRIX:
        return _matrix(ways, radius)
    how = _comparing(2 * len(ways), None)
    found = []
    for way in range(len(ORIENTATIONS)):
        both = ways[:, 0] if way == 0 else np.concatenate([ways[:, 0], ways[:, way]])
        for first, second in pairs(_words(both), radius, how):
            met = np.full(len(first), True) if way == 0 else (first < len(ways)) & (second >= len(ways))
            second = second[met] % len(ways)
            ordered = first[met] < second
            found.append((first[met][ordered], second[ordered]))
    first, second = _sorted(found, len(ways))
    return Near(first, second, _eight(ways, first, second))


def _matrix(ways: NDArray[np.uint8], radius: int) -> Near:
    found, apart = [], []
    for top in range(0, len(ways), BLOCK):
        upright = signs(np.unpackbits(ways[top : top + BLOCK, 0], axis=1))
        for left in range(top, len(ways), BLOCK):
            others = signs(np.unpackbits(ways[left : left + BLOCK], axis=2))
            products = upright @ others.reshape(-1, BITS).T
            distances = ((BITS - products) / 2).astype(np.int16).reshape(len(upright), len(others), -1)
            near = (distances <= radius).any(axis=2)
            rows, columns = np.nonzero(np.triu(near, 1) if left == top else near)
            found.append((rows + top, columns + left))
            apart.append(distances[rows, columns])
    first, second = _together(found)
    order = np.lexsort((second, first))
    distances = np.concatenate(apart) if apart else np.empty((0, len(ORIENTATIONS)), dtype=np.int16)
    return Near(first[order], second[order], distances[order])


def _comparing(number: int, compiled: bool | None) -> Comparing:
    if compiled or (compiled is None and number >= MANY and find_spec("numba") is not None):
        from curation.duplicates.compiled import Compiled

        return Compiled()
    return Plain()


def _words(hashes: NDArray[np.uint8]) -> Words:
    return np.ascontiguousarray(hashes).view(np.uint64)


def _together(found: Sequence[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers]:
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])


def _sorted(found: Sequence[tuple[Numbers, Numbers]], number: int) -> tuple[Numbers, Numbers]:
    first, second = _together(found)
    keys = np.sort(first * number + second)
    keys = keys[np.diff(keys, prepend=-1) != 0]  # a pair may be near in two orientations
    return keys // max(number, 1), keys % max(number, 1)


def _apart(one: Words, other: Words, first: Numbers, second: Numbers) -> Distances:
    return count(one[first] ^ other[second])


def _eight(ways: NDArray[np.uint8], first: Numbers, second: Numbers) -> Distances:
    upright = _words(ways[:, 0])
    columns = [_apart(upright, _words(ways[:, way]), first, second) for way in range(len(ORIENTATIONS))]
    return np.stack(columns, axis=1)
