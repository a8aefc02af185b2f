"""Do two thumbnails show the same picture? Photometric, in a given orientation, whatever the colours are.

Their middle squares are brought to the same size and band-passed; the normalised correlation is taken in each
of 8 x 8 tiles, and the median over the tiles with contrast decides. Copies reach 0.95 and more (JPEG quality
20: 0.90); of 144,991 pairs of distinct nebulae none passes 0.83, and nearly all are at 0.

Two globes of one size, lit alike, pass 0.98, whatever planets they are. So those that agree must also share
detail and light beyond their outlines (`outlines`).
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.duplicates.outlines import shared
from curation.imaging.fingerprint import ORIENTATIONS, middle

AGREEMENT = 0.90
"""Median correlation from which on two pictures are copies."""

AS_HASHES = 0.50
"""The same where trusted hashes are near: a copy under strong compression has lost its fine structure."""

_TILES, _ENOUGH = 8, 6
_FINE, _COARSE = 1.5 / 256, 6 / 256
"""The band, two Gaussian blurs as a share of the side: finer is compression, coarser the glow of any blob."""
_CONTRAST = 1.0
"""Gray levels of the band in a tile from which on its correlation means something."""

Floats = NDArray[np.float32]


class Eye:
    """Compares thumbnails; keeps the last ones it has seen (at most 300 MB)."""

    def __init__(self, thumbnail: Callable[[str], bytes]) -> None:
        """`thumbnail` gives the encoded thumbnail (`Fingerprint.thumbnail`) of a picture by its name."""
        self._thumbnail = thumbnail
        self._gray = lru_cache(maxsize=1024)(self._read)
        self._band = lru_cache(maxsize=1024)(self._filter)

    def agreement(self, first: str, second: str, way: int, *, near: bool = False) -> float | None:
        """How far the first picture agrees with the second laid that way; `None`: they are no copies.

        `near`: their hashes, which can be trusted, say that they are.
        """
        side = min(self._gray(first).width, self._gray(second).width)
        turn = ORIENTATIONS[way].turn
        whole = agreement(self._band(first, side), turn(self._band(second, side)))
        if whole < (AS_HASHES if near else AGREEMENT):
            return None
        ours, theirs = (np.asarray(self._sized(name, side), dtype=np.float32) for name in (first, second))
        laid = np.asarray(turn(theirs), dtype=np.float32)
        return whole if shared(ours, laid, max(1, side // _TILES)).of_copies else None

    def _read(self, name: str) -> Image.Image:
        return middle(self._thumbnail(name))

    def _filter(self, name: str, side: int) -> Floats:
        return band(self._sized(name, side))

    def _sized(self, name: str, side: int) -> Image.Image:
        return self._gray(name).resize((side, side), Image.Resampling.HAMMING)


def band(square: Image.Image) -> Floats:
    """The middle frequencies of a gray square."""
    from scipy.ndimage import gaussian_filter

    gray = np.asarray(square, dtype=np.float32)
    fine, coarse = (
        gaussian_filter(gray, share * square.width, mode="nearest", truncate=3) for share in (_FINE, _COARSE)
    )
    difference: Floats = fine - coarse
    return difference


def agreement(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Median correlation of two bands over the tiles in which either has contrast; -1 where too few have."""
    ours, theirs = _tiled(one), _tiled(other)
    contrasts = np.sqrt((ours**2).mean(axis=1)), np.sqrt((theirs**2).mean(axis=1))
    telling = np.maximum(*contrasts) > _CONTRAST
    if int(telling.sum()) < _ENOUGH:
        return -1.0
    products = (ours * theirs).mean(axis=1) / np.maximum(contrasts[0] * contrasts[1], 1e-9)
    return float(np.median(products[telling]))


def _tiled(values: NDArray[np.generic]) -> Floats:
    """The tiles of a square as rows, each with its mean taken off."""
    side = len(values) // _TILES
    whole = values[: side * _TILES, : side * _TILES].astype(np.float32)
    tiles = whole.reshape(_TILES, side, _TILES, side).swapaxes(1, 2).reshape(_TILES * _TILES, side * side)
    centred: Floats = tiles - tiles.mean(axis=1, keepdims=True)
    return centred
