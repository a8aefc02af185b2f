"""Letters in a picture: strokes of equal height that stand in a row."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

_HEIGHTS = (5, 48)
"""Pixels that a letter is tall, in the canonical form of 512."""
_ENOUGH = 7
"""Letters in a row that leave no doubt; four are beyond half."""


def lettered(gray: Floats) -> float:
    """How long the longest row of letters is, bright on dark or dark on bright, as a share of `_ENOUGH`."""
    around = ndimage.uniform_filter(gray, 31)
    fine = gray - around
    noise = max(float(np.median(np.abs(fine))) / 0.6745, 1.0)
    longest = max(_longest_row(_letters(fine > 5 * noise + 8)), _longest_row(_letters(fine < -5 * noise - 8)))
    return longest / _ENOUGH


def _letters(ink: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Top, bottom, left, right of the patches shaped like letters: neither round nor full as stars are."""
    labels, count = ndimage.label(ink, np.ones((3, 3), int))
    if not count:
        return np.empty((0, 4), np.int64)
    area = np.bincount(labels.ravel())[1:]
    found = ndimage.find_objects(labels)
    boxes = np.array([(s[0].start, s[0].stop, s[1].start, s[1].stop) for s in found], np.int64)
    tall, wide = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    fill = area / (tall * wide)
    fits = (tall >= _HEIGHTS[0]) & (tall <= _HEIGHTS[1]) & (wide <= 2 * tall) & (wide >= 2)
    return boxes[fits & (fill < 0.66) & (fill > 0.15)]


def _longest_row(boxes: NDArray[np.int64]) -> int:
    """Letters in the longest row: feet on one line, heights alike, gaps no wider than a letter is tall."""
    boxes = boxes[np.argsort(boxes[:, 2], kind="stable")]
    best = 0
    run = np.ones(len(boxes), np.int64)
    for at in range(1, len(boxes)):
        top, bottom, left, _ = boxes[at]
        tall = bottom - top
        before = boxes[max(0, at - 60) : at]
        heights = before[:, 1] - before[:, 0]
        gap = left - before[:, 3]
        slack = max(1, tall // 8)
        joins = (
            (np.abs(before[:, 1] - bottom) <= slack)
            & (np.abs(heights - tall) <= 2 * slack)
            & (gap >= -1)
            & (gap <= tall)
        )
        if joins.any():
            run[at] = 1 + int(run[max(0, at - 60) : at][joins].max())
            best = max(best, int(run[at]))
    return best
