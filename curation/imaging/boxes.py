"""Where a square is cut: in the centre, or around the subject with sky added where the picture ends."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from curation.settings import CurateSettings

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in the upright image; what lies outside the image is added sky."""

MARGIN = 1 / 8
"""Wanted sky on each side of a subject, as a share of its longer side."""
SPARED = 1 / 16
"""How much of each margin may go where that spares adding sky; a share of the same. The square
slides by as much of its side."""


@dataclass(frozen=True)
class Choice:
    """A square, and how it came about."""

    box: Box
    crop: Literal["centre", "subject"]
    lost: dict[str, float]
    """Share of the subject outside the square, for each way to crop; empty without a subject."""


def centre_box(width: int, height: int) -> Box:
    """The largest centred square; an odd pixel more is left at the right or the bottom."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def choose(width: int, height: int, subject: Box | None, settings: CurateSettings) -> Choice:
    """The square for an upright picture, with the settings' way to crop; centred where there is no subject.

    `subject` is as `curation.imaging.subject.find` gives it.
    """
    centred = centre_box(width, height)
    if subject is None or settings.crop == "centre":
        return Choice(centred, "centre", {})
    around = subject_box(width, height, subject, settings.size)
    ways = {"centre": centred, "subject": around}
    return Choice(around, "subject", {way: lost(subject, box, (width, height)) for way, box in ways.items()})


def subject_box(width: int, height: int, subject: Box, size: int) -> Box:
    """The square around a subject: whole, with a margin, centred as far as that needs no added sky.

    - Its side is the subject's longer one and a margin, but at least `size` real pixels where the picture has
      them, so that nothing is enlarged; sky that is added does not count as pixels of the picture.
    - It shrinks and slides as far as `SPARED` allows before sky is added.
    - On a side where the picture's own edge cuts the body it ends there, since no sky follows; only a body
      cut on two opposite sides, larger than the picture in that direction, is cut further.
    """
    whole = (width, height)
    longest = max(subject[2] - subject[0], subject[3] - subject[1])
    needed, least = round(longest * (1 + 2 * MARGIN)), round(longest * (1 + 2 * (MARGIN - SPARED)))
    side = max(needed, min(size, *whole))
    side = min(whole) if least <= min(whole) < needed else side
    slide = max(0, min(round(side * SPARED), (side - least) // 2))
    for axis in (0, 1):
        if subject[axis] == 0 and subject[axis + 2] == whole[axis]:
            side = min(side, whole[axis])
    left, top = (_place(side, subject[axis], subject[axis + 2], whole[axis], slide) for axis in (0, 1))
    return left, top, left + side, top + side


def _place(side: int, begin: int, end: int, length: int, slide: int) -> int:
    """Where a square of `side` pixels begins along one axis of a picture `length` pixels long."""
    start = (begin + end - side) // 2
    if begin == 0:
        return min(max(start, 0), max(0, length - side)) if end == length else max(start, 0)
    if end == length:
        return min(start, length - side)
    inside = min(max(start, 0), length - side) if side <= length else (length - side) // 2
    return min(max(inside, start - slide), start + slide)


def lost(subject: Box, box: Box, picture: tuple[int, int]) -> float:
    """Share of the subject that a square cuts off, by area, to three decimals.

    The subject is taken for the ellipse that its bounds enclose, as far as the picture shows it.
    """
    steps = (np.arange(256) + 0.5) / 256
    u, v = np.meshgrid(2 * steps - 1, 2 * steps - 1)
    x = subject[0] + (u + 1) / 2 * (subject[2] - subject[0])
    y = subject[1] + (v + 1) / 2 * (subject[3] - subject[1])
    there = (u * u + v * v <= 1) & (x >= 0) & (y >= 0) & (x < picture[0]) & (y < picture[1])
    outside = (x < box[0]) | (y < box[1]) | (x >= box[2]) | (y >= box[3])
    return round(float((there & outside).sum() / max(1, there.sum())), 3)
