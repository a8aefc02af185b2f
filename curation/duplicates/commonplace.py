"""What the local features of nebulae have in common, and is therefore no sign that two show the same.

Most descriptors differ from their mean in a few directions: how round a spot is, which way an edge runs.
Codes made of random projections follow those, so that strangers' features meet by the thousand. Here the mean
is taken off, and the directions of the greatest spread are shrunk to the spread of the rest (a whitening of
the leading principal components; Jégou and Chum 2012, https://doi.org/10.1007/978-3-642-33709-3_55).

`commonplace.npz` was learnt from the pictures of Debian's stellarium-data by `benchmarks/descriptors.py`:
`mean` (128,), `axes` (n, 128) of length 1 and `shrunk` (n,), how much of each is left.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LEARNT = Path(__file__).with_suffix(".npz")


@cache
def mean() -> NDArray[np.float32]:
    """(128,): the mean descriptor, its own mirror image."""
    return _learnt("mean").astype(np.float32)


def shrunk(projections: NDArray[np.float64]) -> NDArray[np.float32]:
    """(128, n) projections of descriptors → those of descriptors that are spread evenly."""
    axes, left = _learnt("axes").astype(np.float64), _learnt("shrunk").astype(np.float64)
    return np.asarray(projections - (axes.T * (1 - left)) @ (axes @ projections), dtype=np.float32)


def _learnt(name: str) -> NDArray[np.float16]:
    with np.load(LEARNT, allow_pickle=False) as arrays:
        found: NDArray[np.float16] = arrays[name]
        return found
