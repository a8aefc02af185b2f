"""Comparing hashes in numpy: a matrix product where all meet all, gathered blocks within bands."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curation.duplicates.bands import Band, Found, Numbers, Words, count, met_before

BLOCK = 1024
"""Rows that meet at a time where all meet all."""
AT_ONCE = 1 << 18
"""Pairs that are looked at at a time within bands: they stay in the cache."""


class Plain:
    """`bands.Comparing` with numpy alone."""

    def all(self, words: Words, radius: int) -> Iterator[Found]:
        """Exact: bits become ±1, whose products add up to whole numbers that float32 holds."""
        bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1)
        least = bits.shape[1] - 2 * radius
        for top in range(0, len(words), BLOCK):
            ours = signs(bits[top : top + BLOCK])
            for left in range(top, len(words), BLOCK):
                alike = ours @ signs(bits[left : left + BLOCK]).T >= least
                rows, columns = np.nonzero(np.triu(alike, 1) if left == top else alike)
                yield rows + top, columns + left

    def within(self, band: Band, radius: int) -> Iterator[Found]:
        """The rows meet their own value's later rows, then those of each neighbour above."""
        open_ = np.flatnonzero(~band.crowded[band.values])
        values = band.values[open_]
        yield from _near(band, radius, open_, open_ + 1, band.starts[values + 1])
        for flip in band.flips:
            above = (values & flip == 0) & ~band.crowded[values | flip]
            neighbours = values[above] | flip
            yield from _near(band, radius, open_[above], band.starts[neighbours], band.starts[neighbours + 1])


def signs(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    """0 and 1 as -1 and +1, for products."""
    return bits.astype(np.float32) * 2 - 1


def _near(band: Band, radius: int, rows: Numbers, begin: Numbers, end: Numbers) -> Iterator[Found]:
    """Pairs of each row with the sorted rows of its range."""
    some = end > begin
    rows, begin, sizes = rows[some], begin[some], (end - begin)[some]
    upto = np.cumsum(sizes)
    top = 0
    while top < len(rows):
        taken = upto[top - 1] if top else 0
        bottom = max(top + 1, int(np.searchsorted(upto, taken + AT_ONCE, side="right")))
        part = slice(top, bottom)
        first = np.repeat(rows[part], sizes[part])
        second = np.arange(len(first)) + np.repeat(
            begin[part] - (upto[part] - sizes[part] - taken), sizes[part]
        )
        # Half of the bits show most strangers, and cost half of the memory to fetch.
        half = np.flatnonzero(count(band.words[first, :2] ^ band.words[second, :2]) <= radius)
        first, second = first[half], second[half]
        difference = band.words[first] ^ band.words[second]
        near = count(difference) <= radius
        near[near] = ~met_before(difference[near], band.earlier)
        yield first[near], second[near]
        top = bottom
