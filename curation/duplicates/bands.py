"""Pairs of near hashes without comparing all: bits dealt into bands, of which one must be nearly equal.

Two hashes at most r bits apart, whose bits are dealt into more than r / 2 bands, differ by at most one bit in
some band (the pigeonhole principle: two bits in every band would be more than r). So it is enough to compare,
band by band, hashes whose values in it are equal or differ by one bit: multi-index hashing with probes on
one side (Norouzi, Punjani, Fleet 2012, https://arxiv.org/abs/1307.2982). Nothing is missed, and nothing is
found twice: a pair counts in the first band in which it is that near.

Sets are rarely as even as chance would have it. Bits that never change are not dealt; where many hashes share
a value of a band, they are joined among themselves by their other bits; and where the bands would save
nothing, because all hashes crowd together, all are held against all, in blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

WIDTH = 16
"""Bits of a band at most: its values index a table."""
CROWD = 4096
"""Hashes that share a value of a band from which on they are joined by their other bits."""
_DEPTH = 3
"""How often a crowd may be split further before it is compared in blocks."""
_CHUNK = 1 << 14

Words = NDArray[np.uint64]
"""Hashes, one a row, as four words of 64 bits."""
Numbers = NDArray[np.int64]
Found = tuple[Numbers, Numbers]
"""Rows of the first and of the second hash of each pair."""


@dataclass(frozen=True)
class Band:
    """Some of the bits, and the hashes sorted by what they hold there."""

    words: Words
    """The hashes in the order of their values."""
    values: Numbers
    """Each sorted hash's value."""
    starts: Numbers
    """Where each possible value begins; one more at the end."""
    crowded: NDArray[np.bool_]
    """For each possible value, whether it is left out here."""
    earlier: Words
    """The bits of the bands before this one as masks, a row each."""

    @property
    def flips(self) -> Numbers:
        """What turns a value into those one bit away."""
        width = (len(self.starts) - 1).bit_length() - 1
        return np.left_shift(1, np.arange(width, dtype=np.int64))


class Comparing(Protocol):
    """How hashes are compared, once it is settled which: in numpy, or compiled."""

    def all(self, words: Words, radius: int) -> Iterator[Found]:
        """All rows against all: pairs at most `radius` bits apart, first < second."""

    def within(self, band: Band, radius: int) -> Iterator[Found]:
        """Pairs of sorted rows with equal or neighbouring values, both uncrowded, at most `radius` apart,
        that are not neighbours in an earlier band."""


def pairs(words: Words, radius: int, comparing: Comparing) -> Iterator[Found]:
    """Every two rows at most `radius` bits apart, each once, first < second, in no order of their own."""
    for first, second in _joined(words, radius, comparing, np.ones(64 * words.shape[1], dtype=bool), 0):
        yield np.minimum(first, second), np.maximum(first, second)


def count(words: Words) -> NDArray[np.int16]:
    """Set bits of each row."""
    modern = hasattr(np, "bitwise_count")  # from numpy 2 on
    counts = np.bitwise_count(words) if modern else _SET_BITS[words.view(np.uint16)]
    total: NDArray[np.int16] = counts.sum(axis=-1, dtype=np.int16)
    return total


_SET_BITS = np.array([value.bit_count() for value in range(1 << 16)], dtype=np.uint8)


def _joined(
    words: Words, radius: int, comparing: Comparing, allowed: NDArray[np.bool_], depth: int
) -> Iterator[Found]:
    """The pairs of some rows; only `allowed` bits are dealt into bands."""
    dealt = _deal(words, allowed, radius // 2 + 1)
    everything = len(words) * (len(words) - 1) // 2
    if len(words) <= CROWD or depth > _DEPTH or not dealt.shape[1]:
        yield from comparing.all(words, radius)
        return
    values = _values(words, dealt)
    counts = [np.bincount(column, minlength=1 << dealt.shape[1]) for column in values.T]
    if 2 * sum(map(_candidates, counts)) >= everything:
        yield from comparing.all(words, radius)
        return
    masks = np.stack([_mask(positions, words.shape[1]) for positions in dealt])
    for number, (positions, counted) in enumerate(zip(dealt, counts, strict=True)):
        order = np.argsort(values[:, number], kind="stable")
        band = Band(
            words=words[order],
            values=values[order, number].astype(np.int64),
            starts=np.concatenate([[0], np.cumsum(counted)]).astype(np.int64),
            crowded=counted > max(CROWD, 64 * len(words) >> len(positions)),
            earlier=masks[:number],
        )
        for first, second in comparing.within(band, radius):
            yield order[first], order[second]
        rest = allowed.copy()
        rest[positions] = False
        for first, second in _crowds(band, radius, comparing, rest, depth):
            yield order[first], order[second]


def _crowds(
    band: Band, radius: int, comparing: Comparing, allowed: NDArray[np.bool_], depth: int
) -> Iterator[Found]:
    """The pairs that `Comparing.within` leaves out, by the bits outside the band."""
    for crowd in map(int, np.flatnonzero(band.crowded)):
        near = [crowd, *(crowd ^ band.flips)]
        rows = np.concatenate([np.arange(band.starts[value], band.starts[value + 1]) for value in near])
        for one, other in _joined(band.words[rows], radius, comparing, allowed, depth + 1):
            first, second = rows[one], rows[other]
            ours = _of_crowd(band, crowd, band.values[first], band.values[second])
            ours &= ~met_before(band.words[first] ^ band.words[second], band.earlier)
            yield first[ours], second[ours]


def _of_crowd(band: Band, crowd: int, one: Numbers, other: Numbers) -> NDArray[np.bool_]:
    """Pairs of which one lies in the crowd, and that no smaller crowd has as well."""
    one_counts = np.where(band.crowded[one], one, len(band.crowded))
    other_counts = np.where(band.crowded[other], other, len(band.crowded))
    result: NDArray[np.bool_] = np.minimum(one_counts, other_counts) == crowd
    return result


def met_before(differences: Words, earlier: Words) -> NDArray[np.bool_]:
    """Which of the pairs differ by at most one bit in one of the earlier bands."""
    met = np.zeros(len(differences), dtype=bool)
    for mask in earlier:
        met |= count(differences & mask) <= 1
    return met


def _deal(words: Words, allowed: NDArray[np.bool_], bands: int) -> Numbers:
    """The positions of the bits of each band, a row a band: bits that change most often come first."""
    ones = np.zeros(len(allowed), dtype=np.int64)
    for bits in _unpacked(words):
        ones += bits.sum(axis=0, dtype=np.int64)
    evenness = np.minimum(ones, len(words) - ones)
    useful = np.flatnonzero(allowed & (evenness > 0))
    ordered = useful[np.argsort(-evenness[useful], kind="stable")]
    width = min(WIDTH, len(ordered) // bands)
    return ordered[: width * bands].reshape(width, bands).T


def _values(words: Words, dealt: Numbers) -> NDArray[np.uint16]:
    """What each hash holds in each band, one column a band."""
    weights = np.zeros((64 * words.shape[1], len(dealt)), dtype=np.float32)
    for band, positions in enumerate(dealt):
        weights[positions, band] = 2.0 ** np.arange(len(positions))
    values = np.empty((len(words), len(dealt)), dtype=np.uint16)
    top = 0
    for bits in _unpacked(words):
        values[top : top + len(bits)] = bits.astype(np.float32) @ weights  # whole numbers below 2^16: exact
        top += len(bits)
    return values


def _unpacked(words: Words) -> Iterator[NDArray[np.uint8]]:
    for top in range(0, len(words), _CHUNK):
        yield np.unpackbits(np.ascontiguousarray(words[top : top + _CHUNK]).view(np.uint8), axis=1)


def _mask(positions: Numbers, words: int) -> Words:
    bits = np.zeros(64 * words, dtype=np.uint8)
    bits[positions] = 1
    return np.packbits(bits).view(np.uint64)


def _candidates(counts: Numbers) -> int:
    """How many pairs share a value of a band, or lie one bit apart."""
    sizes = counts.astype(np.float64)
    total = (sizes * (sizes - 1) / 2).sum()
    for bit in range(len(counts).bit_length() - 1):
        paired = sizes.reshape(-1, 2, 1 << bit)
        total += (paired[:, 0] * paired[:, 1]).sum()
    return int(total)
