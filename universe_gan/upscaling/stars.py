"""Stars of a picture: where they are, how bright, and what became of them in another picture of the same sky.

Bertin and Arnouts 1996, "SExtractor: software for source extraction", A&AS 117, 393: the background in a mesh
is taken off (section 3), what stands out of the noise is found and parted (sections 4 and 5). The work is
done by `sep`, which is that program as a library (Barbary 2016, https://doi.org/10.21105/joss.00058).

The noise is that of neighbouring pixels (Immerkaer 1996, "Fast noise variance estimation", with a median so
that stars do not count), because within a mesh a nebula varies more than its noise does.

A star is round, small, and falls to half within the aperture; wisps of a nebula and noise of single pixels
are none.
"""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy.ndimage import convolve, maximum_filter
from scipy.spatial import cKDTree

Pixels = NDArray[np.float32]
Table = NDArray[np.float64]

GRAY = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in brightness (ITU-R BT.601)."""
MESH = 16
"""Side of a background cell in pixels: several stars wide, much smaller than a nebula."""
BRIGHT = 5.0
"""Standard deviations of the noise by which each pixel of a star stands out."""
FAINTEST = 4 / 255
"""Least height above the background: below it 8 bits hold no star."""
PIXELS = 5
"""Least area of a star: noise seldom fills it."""
WIDEST = 4.0
"""Root-mean-square radius in pixels above which a source is no point."""
LONGEST = 2.0
"""Long over short axis above which a source is no point."""
RADIUS = 4.0
"""Of the aperture in which light is added up, in pixels."""
NEAR = 1.5
"""Pixels within which two stars are one."""
FACTOR = 2.0
"""How many times brighter or fainter a star may have become and still count as found."""
CERTAIN = 2.0
"""Times as high as the faintest that is found: a star that the other picture must show."""
CURVES = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Feels neither slopes nor bends, only what differs pixel by pixel; noise comes out six times as large."""


@dataclass(frozen=True)
class Stars:
    """Point sources of one picture."""

    places: Table
    """(stars, 2): x and y of the centres in pixels; (0, 0) is the middle of the first pixel."""
    flux: Table
    """(stars,): light above the background within `RADIUS`; 1 is one white pixel."""
    peak: Table
    """(stars,): height above the background, 0 to 1."""
    threshold: float
    """Height above which sources were looked for."""

    def __len__(self) -> int:
        return len(self.flux)


@dataclass(frozen=True)
class Fate:
    """What became of the stars of a picture; `None`: it has none to go by."""

    stars: int
    """Of the reference that were looked for."""
    flux: float | None
    """Median over them of candidate's light over reference's, at the reference's places; ideal: 1."""
    recall: float | None
    """Share of them where the candidate has a source within 1.5 pixels and 0.5 to 2 times their light."""
    invented: float | None
    """Share of the candidate's certain stars where the reference has no source and not half the light."""


def stars(picture: Pixels, threshold: float | None = None) -> Stars:
    """All point sources of a picture, (h, w, 3) from 0 to 1.

    `threshold`: height above the background; `None`: five deviations of this picture's noise, 4/255 at least.
    """
    light = brightness(picture)
    height = faintest(picture) if threshold is None else threshold
    found = _sources(light, height)
    places = _places(found)
    point = (found["a"] <= WIDEST) & (found["a"] <= LONGEST * found["b"]) & (found["peak"] >= height)
    point &= _rim(light, places) <= found["peak"] / 2
    places = places[point]
    return Stars(places, flux(light, places), found["peak"][point].astype(np.float64), height)


def compare(reference: Pixels, candidate: Pixels) -> Fate:
    """What became of the reference's stars in the candidate; both (h, w, 3) of one size.

    Both are searched down to one height, that of the noisier one. Only stars twice as high must be found in
    the other picture or are called invented: so neither noise nor a star on the edge of being one counts.
    """
    height = max(faintest(reference), faintest(candidate))
    truth, made = stars(reference, height), stars(candidate, height)
    lights = brightness(reference), brightness(candidate)
    wanted, before, after = _certain(truth, lights)
    ratio = after / before
    found = _near(_shown(lights[1], height), wanted) & (ratio <= FACTOR) & (ratio >= 1 / FACTOR)
    claimed, before, after = _certain(made, lights)
    known = _near(_shown(lights[0], height), claimed) | (before * FACTOR >= after)
    return Fate(
        len(wanted),
        float(np.median(ratio)) if len(wanted) else None,
        float(found.mean()) if len(wanted) else None,
        float(1 - known.mean()) if len(claimed) else None,
    )


def faintest(picture: Pixels) -> float:
    """Height above which a source of (h, w, 3) is more than noise; white is 1."""
    rough = np.abs(convolve(_gray(picture), CURVES, mode="mirror"))
    return max(FAINTEST, BRIGHT * float(np.median(rough)) / (6 * 0.6745))


def brightness(picture: Pixels) -> Pixels:
    """(h, w, 3) → (h, w), its background taken off."""
    gray = _gray(picture)
    light: Pixels = gray - sep.Background(gray, bw=MESH, bh=MESH).back()
    return light


def flux(light: Pixels, places: Table) -> Table:
    """(stars,): light within `RADIUS` of each place."""
    total, _, _ = sep.sum_circle(light, places[:, 0], places[:, 1], RADIUS)
    return np.asarray(total, np.float64)


def _rim(light: Pixels, places: Table) -> Table:
    """(stars,): mean height around the aperture."""
    total, _, _ = sep.sum_circann(light, places[:, 0], places[:, 1], RADIUS, RADIUS + 1)
    return np.asarray(total, np.float64) / (np.pi * ((RADIUS + 1) ** 2 - RADIUS**2))


def _certain(found: Stars, lights: tuple[Pixels, Pixels]) -> tuple[Table, Table, Table]:
    """Places of the stars that stand out twice over, and the light of both pictures there."""
    places = found.places[found.peak >= CERTAIN * found.threshold]
    return places, flux(lights[0], places), flux(lights[1], places)


def _gray(picture: Pixels) -> Pixels:
    return np.ascontiguousarray(picture @ GRAY, np.float32)


def _sources(light: Pixels, threshold: float) -> NDArray[np.void]:
    """All that stands out, as `sep` describes it."""
    sep.set_extract_pixstack(max(300_000, light.size))
    sep.set_sub_object_limit(max(1024, light.size // PIXELS))
    return np.asarray(sep.extract(light, threshold, minarea=PIXELS))


def _places(found: NDArray[np.void]) -> Table:
    return np.column_stack((found["x"], found["y"])).astype(np.float64)


def _shown(light: Pixels, height: float) -> Table:
    """All that could be taken for a star: sources, and peaks, because noise decides how sources part."""
    peaks = (light >= height) & (light == maximum_filter(light, 3))
    return np.concatenate((_places(_sources(light, height)), np.argwhere(peaks)[:, ::-1]))


def _near(places: Table, to: Table) -> NDArray[np.bool_]:
    """For each of `to`: whether one of `places` is within `NEAR`."""
    if not len(places) or not len(to):
        return np.zeros(len(to), np.bool_)
    away, _ = cKDTree(places).query(to)
    return np.asarray(away <= NEAR)
