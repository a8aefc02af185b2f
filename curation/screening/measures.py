"""What a picture shows besides sky: one score from 0 to 1 for each filter, from the pixels alone.

Everything is measured on small views that are made once (`Views.of`). Nothing asks how bright a picture is:
most of a nebula is black, and that is no fault. What tells the sky from everything else is its grain. Stars
are bright points, so fine detail is skewed upwards, and round, so edges have no common direction; drawings
and daylight have edges that run on, dark as often as bright, and drawings have areas of one exact colour.

The weights were fitted to the real pictures that `benchmarks/screen.py` names, which prints what each filter
catches and loses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from math import exp, log1p, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage

from curation.imaging.fingerprint import canonical
from curation.screening import layout, lettering

LONGEST = 256
"""Longest side of the small view in pixels, averaged down by a whole factor."""
LEAST = 32
"""Pixels of the shorter side below which nothing is said."""
SAMPLE = 512
"""Side of the square of untouched pixels that sharpness is judged by."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Views:
    """A picture in the forms the filters look at."""

    small: NDArray[np.uint8]
    """RGB, area-averaged, height x width x 3."""
    gray: Floats
    """The picture in gray with at most `fingerprint.LONGEST` pixels a side."""
    full: Floats
    """A square of original pixels in gray, where the picture has most contrast of nine places."""

    @staticmethod
    def of(image: Image.Image, canonical_gray: Image.Image | None = None) -> "Views":
        """The views of an RGB picture. `canonical_gray`: its `canonical` form, where it is there already."""
        factor = -(-max(image.size) // LONGEST)
        small = image.reduce(factor) if factor > 1 else image
        gray = np.asarray(canonical_gray or canonical(image), dtype=np.float32)
        return Views(np.asarray(small), gray, _busiest(image, gray))

    @cached_property
    def grain(self) -> "Grain":
        """Of what is inside the frame, where there is one, so that no framed picture is called a diagram."""
        height, width = self.small.shape[:2]
        top, bottom, left, right = (self.strips * (height, height, width, width)).astype(int)
        inner = self.small[top : height - bottom, left : width - right]
        return _grain(inner if min(inner.shape[:2]) >= 32 else self.small)

    @cached_property
    def strips(self) -> NDArray[np.float64]:
        """The frame at the upper, lower, left and right side, as shares of height and width."""
        height, width = self.gray.shape
        found = np.array(layout.strips(self.gray))
        return np.where(found > 0, (found + 2) / (height, height, width, width), 0)


@dataclass(frozen=True)
class Grain:
    """What fine detail is like."""

    flat: float
    """Share of the picture that is lit and has exactly the colour of its neighbours."""
    even: float
    """The same, give or take one level."""
    running: float
    """Share of the contrast that lies on edges which run on in one direction."""
    level: float
    """Share of the contrast on edges that are exactly level or upright."""
    skew: float
    """Skewness of fine detail: above 1 where it is bright points, about 0 for edges."""
    stars: float
    """Round points far above their surroundings, for every 10,000 pixels."""


def scores(views: Views) -> dict[str, float]:
    """Every filter's score, rounded so that it reads well in a file; 0 where there is too little to judge."""
    if min(views.gray.shape) < LEAST:
        return dict.fromkeys(FILTERS, 0.0)
    return {name: round(min(max(measure(views), 0.0), 1.0), 3) for name, measure in FILTERS.items()}


def diagram(views: Views) -> float:
    """Charts, drawings, logos, screenshots: areas of one exact colour, and edges that run straight."""
    return _weighted(_features(views.grain), _DIAGRAM)


def photograph(views: Views) -> float:
    """Landscapes, things and people by daylight: edges everywhere, no points of light."""
    return _weighted(_features(views.grain), _PHOTOGRAPH)


def frame(views: Views) -> float:
    """Even strips along the sides, and seams close to them; 0.5 for 2 % of the picture."""
    top, bottom, left, right = views.strips
    return float(1 - max(1 - top - bottom, 0) * max(1 - left - right, 0)) / 0.04


def collage(views: Views) -> float:
    """Straight seams or gutters from one side to the other; 0.5 where half of a line stands out."""
    return (layout.seamed(views.gray) - 0.2) / 0.6


def text(views: Views) -> float:
    """Rows of strokes of equal height."""
    return lettering.lettered(views.gray)


def blurred(views: Views) -> float:
    """Fine detail missing: no power above that of rounding in the upper third of the spectrum.

    Sharp pictures reach the end of it, soft ones of amateurs three quarters; enlarged twice they still pass,
    three times they do not.
    """
    reach = reached(views.full)
    return 0.5 + (_DULL - reach) / 0.4 if reach else 0.0


FILTERS: Mapping[str, Callable[[Views], float]] = {
    "diagram": diagram,
    "photograph": photograph,
    "text": text,
    "frame": frame,
    "collage": collage,
    "blurred": blurred,
}
"""In the order in which the first one that is above its threshold becomes the reason."""


def _grain(small: NDArray[np.uint8]) -> Grain:
    planes = [np.ascontiguousarray(small[:, :, channel], dtype=np.int16) for channel in range(3)]
    step = reduce(np.maximum, (abs(one[:-1, 1:] - one[:-1, :-1]) for one in planes))
    step = reduce(np.maximum, (abs(one[1:, :-1] - one[:-1, :-1]) for one in planes), step)
    lit = reduce(np.maximum, planes)[:-1, :-1] > 16
    red, green, blue = (plane.astype(np.float32) for plane in planes)
    gray = 0.299 * red + 0.587 * green + 0.114 * blue
    soft = ndimage.gaussian_filter(gray, 1.0, truncate=3)
    across, down = np.zeros_like(soft), np.zeros_like(soft)
    across[:, 1:-1] = soft[:, 2:] - soft[:, :-2]
    down[1:-1] = soft[2:] - soft[:-2]
    xx, yy, xy = (ndimage.uniform_filter(one, 7) for one in (across * across, down * down, across * down))
    energy = np.maximum(xx + yy, 0)
    coherent = np.hypot(xx - yy, 2 * xy) / (energy + 1e-3)
    contrast = np.sqrt(energy)
    contrast[contrast < _FAINT] = 0
    total = float(contrast.sum()) + 1e-6
    running = coherent > 0.9
    fine = soft - ndimage.uniform_filter(gray, 5)
    noise = max(float(np.median(np.abs(fine))) / 0.6745, 0.3)
    clipped = np.clip(fine, -40, 40)
    points = (fine == ndimage.maximum_filter(fine, 5)) & (fine > 8 * noise) & (coherent < 0.5)
    return Grain(
        flat=float(((step == 0) & lit).mean()),
        even=float(((step <= 1) & lit).mean()),
        running=float(contrast[running].sum()) / total,
        level=float(contrast[running & (np.abs(xy) < 0.03 * energy)].sum()) / total,
        skew=float((clipped**3).mean() / ((clipped**2).mean() ** 1.5 + 1e-3)),
        stars=float(points.mean()) * 1e4,
    )


_DULL = 0.66
"""Share of the spectrum below which a picture is blurred."""
_FAINT = 6.0
"""Gradients below this are noise or gradients of the sky."""


def _features(grain: Grain) -> tuple[float, ...]:
    return (
        1.0,
        sqrt(grain.flat),
        sqrt(grain.even),
        grain.running,
        sqrt(grain.level),
        min(max(grain.skew, -2.0), 4.0),
        log1p(grain.stars),
    )


def _weighted(features: tuple[float, ...], weights: tuple[float, ...]) -> float:
    total = sum(feature * weight for feature, weight in zip(features, weights, strict=True))
    return 1 / (1 + exp(-min(max(total, -50.0), 50.0)))


_DIAGRAM = (-1.33, 7.82, 2.58, -2.04, 6.73, -0.49, -0.58)
_PHOTOGRAPH = (-1.0, 4.53, 7.85, -4.29, 6.2, -0.72, -0.82)
"""Weights of `_features`: constant, flat, even, running, level, skew, stars."""


def _busiest(image: Image.Image, gray: Floats) -> Floats:
    """The square of `SAMPLE` original pixels whose place in `gray` varies most."""
    width, height = (min(side, SAMPLE) for side in image.size)
    scale = gray.shape[1] / image.width
    best, where = -1.0, (0, 0)
    for left in {round((image.width - width) * part / 2) for part in range(3)}:
        for top in {round((image.height - height) * part / 2) for part in range(3)}:
            rows = slice(round(top * scale), max(round((top + height) * scale), round(top * scale) + 1))
            columns = slice(round(left * scale), max(round((left + width) * scale), round(left * scale) + 1))
            spread = float(gray[rows, columns].std())
            if (spread, (left, top)) > (best, where):
                best, where = spread, (left, top)
    left, top = where
    part = image.crop((left, top, left + width, top + height)).convert("L")
    return np.asarray(part, dtype=np.float32)


def reached(full: Floats) -> float:
    """The highest frequency, as a share of the highest there is, with power above that of rounding."""
    height, width = full.shape
    window, ring, count = _rings(height, width)
    spectrum = np.abs(fft.rfft2((full - full.mean()) * window)) ** 2
    floor = float((window**2).sum()) / 12  # of rounding to whole levels, which is white
    power = np.bincount(ring, spectrum.ravel()) / count
    above = np.flatnonzero(power[:_RINGS] > 4 * floor)
    return float(above[-1] + 1) / _RINGS if len(above) else 0.0


@lru_cache(maxsize=4)
def _rings(height: int, width: int) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """A window, the ring of each frequency of `rfft2`, and how many frequencies each ring has."""
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    ring = np.minimum((np.hypot(down, across) * 2 * _RINGS).astype(int), _RINGS).ravel()
    return window, ring, np.maximum(np.bincount(ring), 1)


_RINGS = 32
