"""Do two pictures share a part? First by geometry, then by looking: one laid over the other must agree.

1. **Geometry.** Features that are each other's nearest must lie right under one similarity, upright or
   mirrored (`duplicates.similarity`).
2. **Photometry.** The finer picture is laid over the coarser one, both are band-passed, and the normalised
   correlation is taken in every tile with contrast. Features alone cannot tell a copy from another
   photograph of the same stars.

The median over the tiles tells a copy (`COPY` and more) from another photograph of the same sky (`SAME_SKY`
and more), and both from chance. A quarter of the tiles may be covered by words or a logo, not more: two dark
pictures under one caption agree in the caption alone.

Measured on 555 deep-sky pictures and 28 derivatives of 40 of them (`benchmarks/duplicates_recall.py`): crops,
turns, borders and labels reach 0.95 and more; strangers 0.48, but for two photographs of one star field with
0.909, and two under one caption with 0.957, of whose tiles a quarter stays below 0.43. Of rendered planets
two sides of Jupiter, one mirrored, reach 0.966, since bands look the same all around; but of the features in
what both show 7 % match, where copies have 14 % and more. Small globes can pass even that by their limb, so
copies must also share detail and light beyond outlines (`duplicates.outlines`).
"""

from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors.formats import FORMATS
from curation.duplicates.outlines import Shared, shared
from curation.duplicates.similarity import INLIERS, Similarity, share, similarity
from curation.imaging.features import Features, unpack

COPY = 0.94
"""Median correlation from which on two pictures are copies; above `agreement.AGREEMENT`, as more turns and
scales are tried, and stars can be made to meet."""
SHARE = 0.12
"""Share of the features in what both show that match."""
REST = 0.50
"""Correlation that all but a quarter of the tiles of copies reach."""
SAME_SKY = 0.50
"""Median correlation from which on two pictures show the same place."""
BLOCKED_INLIERS = 20
"""Matches from which on `resembles` alone, without a look at pixels, tells a copy.

Of the 153,735 pairs of 555 deep-sky pictures three reach 8, all in the Small Magellanic Cloud, and one
reaches 20: two photographs of one field, with 36. Of copies turned, mirrored or overlaid 98 % reach 20, of
crops to 75 % of the side 95 %, to 50 % of it 85 %."""

_BREADTH = 0.04
"""As a standard deviation: a line of words reaches 0.02, features all over a picture 0.3."""

_TILE, _TILES, _ENOUGH = 32, 8, 6
"""Side of a tile in pixels, tiles across what is shared where that is small, and tiles needed."""
_FINE, _COARSE = 1.5 / _TILE, 16.0 / _TILE
"""The band, two Gaussian blurs as a share of a tile."""
_CONTRAST = 1.0
"""Gray levels of the band in a tile from which on its correlation means something."""
_SHARED = 400
"""Pixels that two pictures must share."""

Floats = NDArray[np.float32]


class Seen(NamedTuple):
    """A picture as it is verified."""

    thumbnail: bytes
    """`Fingerprint.thumbnail`: the whole canonical form, encoded."""
    features: bytes
    """As `features.extract` packs them."""


class Match(NamedTuple):
    """Two pictures that share a part: how the second shows the first."""

    mirrored: bool
    """The first has to be mirrored (left for right) before it is turned."""
    scale: float
    """Size of the first in the second, in pixels of the canonical forms."""
    angle: float
    """Degrees by which the second is turned to the right, from -180 to 180."""
    inliers: int
    """Matches that lie right, those of one spot counted once."""
    agreement: float
    """Median correlation over the tiles: copies 1, another photograph between."""
    share: float
    """Matches among the features that lie in what both show, at the scale of the coarser."""
    rest: float
    """Correlation that three quarters of the tiles reach."""
    overlap: float
    """Share of the smaller picture that both show, from 0 to 1."""
    shared: Shared = Shared(-1.0, -1.0)
    """Detail and light beyond outlines; asked only where the tiles agree as those of copies do."""

    @property
    def is_copy(self) -> bool:
        """The same photograph, not only the same sky."""
        agree = self.agreement >= COPY and self.share >= SHARE and self.rest >= REST
        return agree and self.shared.of_copies


def verify(first: Seen, second: Seen) -> Match | None:
    """How the second shows a part of the first, or `None` for strangers.

    Verifying the second with the first gives the same answer, seen from the other side.

    Raises:
        FeaturesBroken: bytes that are no features of this version.
        ImportError: OpenCV is not here.
    """
    if (second.features, second.thumbnail) < (first.features, first.thumbnail):
        found = verify(second, first)
        return None if found is None else _inverse(found)
    one, other = _unpacked(first.features), _unpacked(second.features)
    best: Match | None = None
    for mirrored in (False, True):
        view = one.mirrored() if mirrored else one
        fit = similarity(view, other)
        if fit.inliers < INLIERS:
            continue
        ours = _gray(first.thumbnail)
        looks = _laid_over(ours[:, ::-1] if mirrored else ours, _gray(second.thumbnail), fit)
        agreement, rest, overlap, further = looks
        match = Match(
            mirrored=mirrored,
            scale=abs(fit.factor),
            angle=float(np.degrees(np.angle(fit.factor))),
            inliers=fit.inliers,
            agreement=agreement,
            share=share(view, other, fit),
            rest=rest,
            overlap=overlap,
            shared=further,
        )
        if match.agreement >= SAME_SKY and (best is None or match.agreement > best.agreement):
            best = match
        if match.is_copy:
            break
    return best


def resembles(first: bytes, second: bytes) -> int:
    """How many features one similarity lays over each other, upright or mirrored; no pixel is looked at.

    From `BLOCKED_INLIERS` on the two are copies. Features along one line do not count, or all pictures under
    the same caption would be one. Raises `FeaturesBroken`.
    """
    one, other = sorted((first, second))
    ours, theirs = _unpacked(one), _unpacked(other)
    fits = [similarity(view, theirs) for view in (ours, ours.mirrored())]
    return max(fit.inliers if fit.breadth >= _BREADTH else 0 for fit in fits)


def _inverse(match: Match) -> Match:
    angle = match.angle if match.mirrored else -match.angle  # a reflection undoes itself
    return match._replace(scale=1 / match.scale, angle=angle)


def _laid_over(ours: Floats, theirs: Floats, fit: Similarity) -> tuple[float, float, float, Shared]:
    """`agreement`, `rest`, `overlap` and `shared` of the two, laid over each other.

    The finer is laid over the coarser, so that nothing is enlarged; -1 where too few tiles have contrast.
    """
    import cv2

    factor, shift = fit.factor, fit.shift
    if abs(factor) > 1:
        ours, theirs, factor, shift = theirs, ours, 1 / factor, -shift / factor
    reduction = 1 / abs(factor)
    if reduction > 1.4:  # an area average, or stars would fall between the samples
        blur = 0.5 * float(np.sqrt(reduction**2 - 1))
        ours = np.asarray(cv2.GaussianBlur(ours, (0, 0), blur), dtype=np.float32)
    moved = np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])
    size = theirs.shape[::-1]
    laid: Any = cv2.warpAffine(ours, moved, size, flags=cv2.INTER_LINEAR)
    both: Any = cv2.warpAffine(np.ones_like(ours), moved, size, flags=cv2.INTER_NEAREST)
    area, nothing = float(both.sum()), Shared(-1.0, -1.0)
    if area < _SHARED:
        return -1.0, -1.0, 0.0, nothing
    overlap = area / min(theirs.size, ours.size * abs(factor) ** 2)
    rows, columns = np.flatnonzero(both.any(axis=1)), np.flatnonzero(both.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    tile = int(np.clip(np.sqrt(area) / _TILES, 12, _TILE))
    median, rest = _correlation(laid[box], theirs[box], both[box], tile)
    further = nothing
    if median >= COPY and rest >= REST:
        shown = both[box]
        further = shared(laid[box] * shown, theirs[box] * shown, tile, shown > 0)
    return median, rest, min(1.0, overlap), further


def _correlation(one: Floats, other: Floats, mask: Floats, tile: int) -> tuple[float, float]:
    """Median and lower quartile over the tiles in which either has contrast."""
    ours, theirs = (_tiled(_band(gray, mask, tile), tile) for gray in (one, other))
    inside = _tiled(mask, tile).mean(axis=1) > 0.9
    ours, theirs = ours[inside], theirs[inside]
    ours, theirs = (values - values.mean(axis=1, keepdims=True) for values in (ours, theirs))
    contrasts = np.sqrt((ours**2).mean(axis=1)), np.sqrt((theirs**2).mean(axis=1))
    telling = np.maximum(*contrasts) > _CONTRAST
    if int(telling.sum()) < _ENOUGH:
        return -1.0, -1.0
    products = (ours * theirs).mean(axis=1) / np.maximum(contrasts[0] * contrasts[1], 1e-9)
    median, quartile = np.percentile(products[telling], (50, 25))
    return float(median), float(quartile)


def _band(gray: Floats, mask: Floats, tile: int) -> Floats:
    """The middle frequencies, of what the mask shows alone."""
    import cv2

    def blurred(sigma: float) -> Floats:
        weight = np.maximum(cv2.GaussianBlur(mask, (0, 0), sigma), 1e-3)
        return np.asarray(cv2.GaussianBlur(gray * mask, (0, 0), sigma) / weight, dtype=np.float32)

    return (blurred(max(0.7, _FINE * tile)) - blurred(_COARSE * tile)) * mask


def _tiled(values: Floats, side: int) -> Floats:
    """The whole tiles as rows."""
    down, across = values.shape[0] // side, values.shape[1] // side
    whole = values[: down * side, : across * side]
    return whole.reshape(down, side, across, side).swapaxes(1, 2).reshape(-1, side * side)


@lru_cache(maxsize=256)
def _unpacked(data: bytes) -> Features:
    return unpack(data)


@lru_cache(maxsize=64)
def _gray(thumbnail: bytes) -> Floats:
    with Image.open(BytesIO(thumbnail), formats=FORMATS) as image:
        return np.asarray(image.convert("L"), dtype=np.float32)
