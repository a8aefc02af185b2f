"""What two pictures share beyond outlines: any globe has a limb, whatever planet it is.

Of two round bodies of one size, lit alike, nearly all that stands out is the limb, the terminator and belts
of cloud, and there they agree to 0.99. So copies must also share

- **detail**: what changes *along* the outlines, at every point at right angles to the direction in which both
  pictures together change most, which the structure tensor tells (Weickert 1999,
  https://doi.org/10.1023/A:1008009714131). Craters, clouds, stars and the grain of nebulae are left;
- **light**: the order of the tiles by brightness. A copy may have any tone curve, but not another phase.

Measured on globes of 12 maps, all of one size in the middle, lit from five phases and seen from up to three
sides, at 128, 256 and 512 pixels: of 962 pairs that agree to 0.90 as bands, no two of different maps or sides
share detail. Phases 30° apart share light to 0.93 at most, copies to 0.98 and more. Of copies of nebulae the
poorest shares detail to 0.73, the twentieth part to 0.87.

What shows nothing but an outline is therefore no copy of anything but the same bytes or pixels.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

DETAIL = 0.70
"""Median correlation of the detail from which on two pictures can be copies."""
LIGHT = 0.95
"""Rank correlation of the light from which on they can be."""
ENOUGH = 8
"""Tiles in which both must show detail; of nebulae most have 25 and more, a smooth globe 0 to 10."""
FEW, HALF = 4, 0.5
"""Or so many, if they are this share of those with contrast: a faint nebula has 7 of 10, a limb 6 of 14."""

_FINE, _AROUND = 1.5 / 32, 4.0 / 32
"""Blur of the slopes, and how far around a point its outline is followed; as a share of a tile."""
_CONTRAST = 0.5
"""Gray levels by which a tile changes along its outlines from which on its correlation means something."""
_BOLD = 1.0
"""Gray levels by which a tile changes in any direction from which on it has contrast."""
_FAINT = 0.05
"""Squared slope that is noise: below it no picture has a say in where an outline runs."""
_LIT, _BRIGHTEST = 0.15, 95
"""Share of the brightness of the brightest tiles (a percentile) from which on a tile is lit."""
_ORDERED = 12
"""Lit tiles whose order means something: on a small body before black sky a logo has a third of them."""
_COVERED = 0.2
"""Share of the lit tiles that words or a logo may cover."""

Floats = NDArray[np.float32]


class Shared(NamedTuple):
    """What two pictures share beyond outlines."""

    detail: float
    """-1 where too few tiles show any: then nothing says that they are copies."""
    light: float
    """1 where too few tiles are lit: then nothing says that they are none."""

    @property
    def of_copies(self) -> bool:
        """As much as copies share."""
        return self.detail >= DETAIL and self.light >= LIGHT


def shared(one: Floats, other: Floats, tile: int, shown: NDArray[np.bool_] | None = None) -> Shared:
    """What two gray pictures share that lie on each other, both (height, width), in tiles of that side.

    `shown` says where both have a picture; only whole tiles count.
    """
    inside = slice(None) if shown is None else _tiled(shown, tile).all(axis=1)
    light = _light(*(_tiled(gray, tile)[inside].mean(axis=1) for gray in (one, other)))
    slopes = [_slopes(gray, _FINE * tile) for gray in (one, other)]
    spreads = [sum(_tiled(slope, tile)[inside].var(axis=1) for slope in both) for both in slopes]
    bold = int((np.sqrt(np.maximum(*spreads)) > _BOLD).sum())
    ours, theirs = (_tiled(slope, tile)[inside] for slope in _along(slopes, tile))
    return Shared(_detail(ours, theirs, bold), light)


def _detail(ours: Floats, theirs: Floats, bold: int) -> float:
    """Median correlation over the tiles in which both have contrast along the outlines; `bold` have any."""
    ours, theirs = (values - values.mean(axis=1, keepdims=True) for values in (ours, theirs))
    contrasts = np.sqrt((ours**2).mean(axis=1)), np.sqrt((theirs**2).mean(axis=1))
    telling = np.minimum(*contrasts) > _CONTRAST
    if int(telling.sum()) < min(ENOUGH, max(FEW, HALF * bold)):
        return -1.0
    products = (ours * theirs).mean(axis=1)[telling] / (contrasts[0] * contrasts[1])[telling]
    return float(np.median(products))


def _light(ours: Floats, theirs: Floats) -> float:
    """Rank correlation of the brightness of tiles that are lit; those that differ most are left out."""
    from scipy.stats import rankdata

    if not len(ours):
        return 1.0
    lit = (ours > _LIT * np.percentile(ours, _BRIGHTEST)) | (
        theirs > _LIT * np.percentile(theirs, _BRIGHTEST)
    )
    ours, theirs = ours[lit], theirs[lit]
    least = np.argsort(np.abs(rankdata(ours) - rankdata(theirs)), kind="stable")
    least = least[: int(np.ceil(len(least) * (1 - _COVERED)))]
    if len(least) < _ORDERED:
        return 1.0
    ranks = np.stack([rankdata(ours[least]), rankdata(theirs[least])])
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = float(np.sqrt((ranks**2).sum(axis=1).prod()))
    return float((ranks[0] * ranks[1]).sum() / spread) if spread else 1.0


def _along(slopes: Sequence[tuple[Floats, Floats]], tile: int) -> tuple[Floats, Floats]:
    """The slopes of both along the outlines that they have together."""
    tensors = [_tensor(across, down, _AROUND * tile) for across, down in slopes]
    xx, xy, yy = (sum(parts) for parts in zip(*tensors, strict=True))
    steepest = 0.5 * np.arctan2(2 * xy, xx - yy)
    turn = -np.sin(steepest), np.cos(steepest)
    ours, theirs = (turn[0] * across + turn[1] * down for across, down in slopes)
    return ours, theirs


def _slopes(gray: Floats, blur: float) -> tuple[Floats, Floats]:
    """Gray levels by which the picture changes to the right and downwards within the blur."""
    from scipy.ndimage import gaussian_filter

    across, down = (
        blur * gaussian_filter(gray, blur, order=order, mode="nearest", truncate=3)
        for order in ((0, 1), (1, 0))
    )
    return across, down


def _tensor(across: Floats, down: Floats, blur: float) -> tuple[Floats, Floats, Floats]:
    """The structure tensor (xx, xy, yy), so that a dark picture says as much as a bright one."""
    from scipy.ndimage import gaussian_filter

    xx, xy, yy = (
        gaussian_filter(product, blur, mode="nearest", truncate=2)
        for product in (across * across, across * down, down * down)
    )
    weight = 1 / (xx + yy + np.float32(_FAINT))
    return xx * weight, xy * weight, yy * weight


def _tiled(values: NDArray[Any], side: int) -> NDArray[Any]:
    """The whole tiles as rows."""
    down, across = values.shape[0] // side, values.shape[1] // side
    whole = values[: down * side, : across * side]
    return whole.reshape(down, side, across, side).swapaxes(1, 2).reshape(-1, side * side)
