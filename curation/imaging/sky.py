"""Sky beside a picture that is too small for its square: as bright as the picture's edge, and as grainy.

Three parts are put together, all made from the picture itself and the same every time:

- **Level.** Each row of the added sky begins as the edge it continues, blurred so that no star or grain is
  drawn out into a streak, and evens out with the distance. There is no seam, and a glow fades.
- **Grain.** Patches of the picture's own sky, less their level: noise, compression and faint stars as they
  are. A hash of its place deals each patch; they overlap by half with weights whose squares add up to one,
  so that the grain is as strong everywhere as in the picture (overlap-add, as in Efros and Freeman 2001,
  with nothing cut).
- **Stars** come with their patches. Bodies do not: a patch has to be as dark and as even as the edge.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.imaging.boxes import Box

PATCHES = (32, 16, 8)
"""Sides of the patches in pixels, the largest first that the sky has room for."""
ENOUGH = 12
"""Patches of one size below which a smaller one is taken."""
STARRY = 0.02
"""Share of a patch that stars may cover; a body's faint end covers more."""
DEPTH = 6
"""Rows at the edge from which the level is taken."""

Floats = NDArray[np.float64]


def added(image: Image.Image, known: Box) -> Image.Image:
    """Fill an RGB picture with sky outside `known`, where its pixels are; those stay as they are."""
    left, top, right, bottom = known
    pixels = np.asarray(image, dtype=np.float64)
    picture = pixels[top:bottom, left:right]
    level = _levels(picture, (left, top, image.width - right, image.height - bottom))
    result = level + _grain(picture, level, known)
    result[top:bottom, left:right] = picture
    return Image.fromarray(np.clip(np.round(result), 0, 255).astype(np.uint8))


def _levels(picture: Floats, beyond: tuple[int, int, int, int]) -> Floats:
    """The picture with smooth sky around it: pixels to add on the left, above, on the right, below."""
    left, top, right, bottom = beyond
    wide = _continued(_continued(picture, left, right).swapaxes(0, 1), top, bottom)
    return wide.swapaxes(0, 1)


def _continued(picture: Floats, before: int, after: int) -> Floats:
    """The picture with smooth columns before and after it."""
    parts = [picture]
    if before:
        parts.insert(0, _columns(picture[:, :DEPTH], before)[:, ::-1])
    if after:
        parts.append(_columns(picture[:, : -DEPTH - 1 : -1], after))
    return np.concatenate(parts, axis=1)


def _columns(edge: Floats, count: int) -> Floats:
    """`count` smooth columns that continue an edge, whose outermost column comes first."""
    rows = len(edge)
    line = _without_stars(np.median(edge, axis=1))
    blurred = [_blurred(line, width) for width in (max(2, rows // 64), max(4, rows // 12))]
    blurred.append(np.broadcast_to(np.median(line, axis=0), line.shape))
    away = np.arange(1, count + 1) / max(rows, 1)
    near, far = 1 / (1 + (away / 0.03) ** 2), 1 / (1 + (away / 0.25) ** 2)
    weights = (near, far * (1 - near), (1 - far) * (1 - near))
    return np.asarray(
        sum(line[:, None] * weight[None, :, None] for line, weight in zip(blurred, weights, strict=True))
    )


def _without_stars(line: Floats) -> Floats:
    """A line of colours, its peaks cut down to what is usual around them."""
    from scipy.ndimage import median_filter

    wide = min(len(line), 2 * (len(line) // 40) + 5)
    return np.asarray(np.minimum(line, median_filter(line, (wide, 1), mode="nearest") + 2))


def _blurred(line: Floats, width: int) -> Floats:
    """The mean over `2 x width + 1` neighbours, twice."""
    from scipy.ndimage import uniform_filter1d

    once = uniform_filter1d(line, 2 * width + 1, axis=0, mode="nearest")
    return np.asarray(uniform_filter1d(once, 2 * width + 1, axis=0, mode="nearest"))


def _grain(picture: Floats, level: Floats, known: Box) -> Floats:
    """Patches of the picture's sky laid over the places around it."""
    height, width = level.shape[:2]
    grain = np.zeros_like(level)
    side, patches = _patches(picture, level, known)
    if not len(patches):
        return grain
    step = side // 2
    rise = (np.arange(step) + 0.5) / step
    slope = np.sqrt(np.concatenate([rise, rise[::-1]]))
    window = (slope[:, None] * slope[None, :])[..., None]
    laid = np.zeros((height + 2 * side, width + 2 * side, 3))
    for row in range(0, height + step, step):
        for column in range(0, width + step, step):
            if _inside((column - step, row - step, column + step, row + step), known):
                continue
            dealt = _hash(row // step, column // step)
            patch = patches[dealt % len(patches)]
            patch = patch[:: 1 if dealt & 1 << 40 else -1, :: 1 if dealt & 1 << 41 else -1]
            laid[row : row + side, column : column + side] += patch * window
    return laid[step : step + height, step : step + width]


def _inside(place: Box, known: Box) -> bool:
    return place[0] >= known[0] and place[1] >= known[1] and place[2] <= known[2] and place[3] <= known[3]


def _patches(picture: Floats, level: Floats, known: Box) -> tuple[int, Floats]:
    """Side and grain of the patches of sky: as dark as the sky that continues them, and even."""
    outside = np.ones(level.shape[:2], dtype=bool)
    outside[known[1] : known[3], known[0] : known[2]] = False
    low, high = level[outside].min(axis=0), level[outside].max(axis=0)
    best: tuple[int, Floats] = (PATCHES[-1], np.zeros((0, PATCHES[-1], PATCHES[-1], 3)))
    for side in PATCHES:
        found = _even(picture, side, low, high)
        if len(found) > len(best[1]):
            best = side, found
        if len(found) >= ENOUGH:
            break
    return best


def _even(picture: Floats, side: int, low: Floats, high: Floats) -> Floats:
    """Patches whose quarters lie between two levels and differ by little more than their grain.

    Stars may stand inside, but none on the border, where it might be a body that the patch just touches.
    """
    if min(picture.shape[:2]) < side:
        return np.zeros((0, side, side, 3))
    step = max(side // 2, min(picture.shape[:2]) // 24)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (side, side), axis=(0, 1))[::step, ::step]
    windows = windows.reshape(-1, 3, side, side).transpose(0, 2, 3, 1)
    few = windows[:, :: side // 8, :: side // 8]
    quarters = np.median(few.reshape(-1, 2, 4, 2, 4, 3), axis=(2, 4)).reshape(-1, 4, 3)
    middle = np.median(few, axis=(1, 2))
    noise = np.median(np.abs(few - middle[:, None, None]), axis=(1, 2))
    good = (np.ptp(quarters, axis=1) <= 1.5 + noise).all(axis=1)
    good &= ((middle >= low - 1.5) & (middle <= high + 1.5)).all(axis=1)
    chosen = windows[good] - middle[good][:, None, None]
    stars = chosen.max(axis=3) > 6 * noise[good].max(axis=1)[:, None, None] + 2
    border = stars[:, [0, 1, -2, -1]].any(axis=(1, 2)) | stars[:, :, [0, 1, -2, -1]].any(axis=(1, 2))
    return np.asarray(chosen[~border & (stars.mean(axis=(1, 2)) <= STARRY)])


def _hash(row: int, column: int) -> int:
    """64 well-mixed bits of a place (the finalizer of SplitMix64)."""
    mask = (1 << 64) - 1
    bits = (row * 0x9E3779B97F4A7C15 + column * 0xD1B54A32D192ED03 + 1) & mask
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & mask
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & mask
    return bits ^ bits >> 31
