"""Comparing hashes in machine code (numba): the same pairs as `plain`, some ten times as fast.

Compiled on first use and kept on disk by numba. Only `join` imports this, and only for large sets.
"""

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic

from curation.duplicates.bands import Band, Found, Numbers, Words

ROOM = 1 << 16
"""Pairs handed back at a time, at least."""


class Compiled:
    """`bands.Comparing` in machine code."""

    def all(self, words: Words, radius: int) -> Iterator[Found]:
        words = np.ascontiguousarray(words)
        out = _room(words)
        row = 0
        while row < len(words):
            row, found = _all(words, np.uint64(radius), row, *out)
            yield out[0][:found].copy(), out[1][:found].copy()

    def within(self, band: Band, radius: int) -> Iterator[Found]:
        out = _room(band.words)
        row = 0
        while row < len(band.words):
            row, found = _within(
                band.words,
                band.values,
                band.starts,
                band.crowded,
                band.flips,
                band.earlier,
                np.uint64(radius),  # counts are unsigned; a signed radius would be compared as a float
                row,
                *out,
            )
            yield out[0][:found].copy(), out[1][:found].copy()


def _room(words: Words) -> tuple[Numbers, Numbers]:
    """Where pairs are written: enough for all of one row at any time."""
    size = ROOM + len(words)
    return np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)


def _set_bits(context, word):  # type: ignore[no-untyped-def]
    """Set bits of a 64-bit word, in one instruction where the processor has it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


_ones: Any = intrinsic(_set_bits)


@numba.njit(cache=True, inline="always")  # type: ignore[misc, unused-ignore]
def _half(words, one, other):  # type: ignore[no-untyped-def]
    return _ones(words[one, 0] ^ words[other, 0]) + _ones(words[one, 1] ^ words[other, 1])


@numba.njit(cache=True, inline="always")  # type: ignore[misc, unused-ignore]
def _rest(words, one, other):  # type: ignore[no-untyped-def]
    return _ones(words[one, 2] ^ words[other, 2]) + _ones(words[one, 3] ^ words[other, 3])


@numba.njit(cache=True)  # type: ignore[misc, unused-ignore]
def _met_before(words, one, other, earlier):  # type: ignore[no-untyped-def]
    for band in range(earlier.shape[0]):
        apart = np.uint64(0)
        for part in range(earlier.shape[1]):
            apart += _ones((words[one, part] ^ words[other, part]) & earlier[band, part])
        if apart <= np.uint64(1):
            return True
    return False


@numba.njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def _all(words, radius, row, first, second):  # type: ignore[no-untyped-def]
    """From `row` on until `first` and `second` are nearly full; the next row, and how many were found."""
    found = 0
    while row < len(words) and found + len(words) - row <= len(first):
        for other in range(row + 1, len(words)):
            apart = _half(words, row, other)
            if apart <= radius and apart + _rest(words, row, other) <= radius:
                first[found], second[found] = row, other
                found += 1
        row += 1
    return row, found


@numba.njit(cache=True, nogil=True)  # type: ignore[misc, unused-ignore]
def _within(words, values, starts, crowded, flips, earlier, radius, row, first, second):  # type: ignore[no-untyped-def]
    """As `_all`, over the rows with the same or a neighbouring value."""
    found = 0
    while row < len(words) and found + len(words) <= len(first):
        value = values[row]
        if not crowded[value]:
            for step in range(len(flips) + 1):
                if step == 0:
                    begin, end = row + 1, starts[value + 1]
                else:
                    above = value | flips[step - 1]
                    if above == value or crowded[above]:
                        continue
                    begin, end = starts[above], starts[above + 1]
                for other in range(begin, end):
                    apart = _half(words, row, other)
                    if apart > radius or apart + _rest(words, row, other) > radius:
                        continue
                    if not _met_before(words, row, other, earlier):
                        first[found], second[found] = row, other
                        found += 1
        row += 1
    return row, found
