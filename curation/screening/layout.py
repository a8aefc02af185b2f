"""Straight lines from one side of a picture to the other: frames around it, seams and gutters through it."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_BLOCK = 16
"""Pixels along a line that are averaged before they are compared, so that noise and stars weigh less."""
_STEP = 3.0
"""Levels that a seam must stand out by."""


def strips(gray: Floats) -> tuple[int, int, int, int]:
    """Pixels that even strips take along the upper, lower, left and right side."""
    return _strip(gray), _strip(gray[::-1]), _strip(gray.T), _strip(gray.T[::-1])


def seamed(gray: Floats) -> float:
    """Share of the longest straight seam through the inner part that stands out."""
    return max(_seam(gray), _seam(gray.T))


def _strip(gray: Floats) -> int:
    """Rows of the strip along the upper side: of one level, with a step to the picture all along.

    A dark sky is of one level too, but nothing steps; and a caption leaves most of its strip even.
    """
    rows = gray[: gray.shape[0] // 3]
    level = float(np.median(rows[0]))
    even = (np.abs(rows - level) <= 6).mean(axis=1) >= _EVEN
    depth = len(rows) if even.all() else int(np.argmin(even))
    if depth < 2 or depth == len(rows):
        return 0
    if level > _BRIGHT:
        return depth
    inner = gray[depth + 2 : depth + 6]
    steps = len(inner) > 0 and float((np.abs(inner.mean(axis=0) - level) > 12).mean()) > 0.7
    return depth if steps else 0


_EVEN, _BRIGHT = 0.6, 64.0


def _seam(gray: Floats) -> float:
    """The best upright seam: the share of its length at which the step exceeds those beside it."""
    height, width = gray.shape
    blocks = height // _BLOCK
    if blocks < 4 or width < 40:
        return 0.0
    rows = gray[: blocks * _BLOCK].reshape(blocks, _BLOCK, width).mean(axis=1)
    step = np.abs(rows[:, 2:] - rows[:, :-2])
    beside = np.maximum(step[:, :-6], step[:, 6:])
    stands_out = step[:, 3:-3] > 2 * beside + _STEP
    share = stands_out.mean(axis=0)
    inner = share[width // 10 : -(width // 10)]
    return float(inner.max()) if inner.size else 0.0
