"""What a picture looks like, in a few numbers: a hash in eight orientations, and whether to trust it.

Everything starts from one canonical form: gray, area-averaged to at most 512 pixels, never stretched, without
a bright even border; of it the centred square, which is also what gets published. The hash is imagehash's
`phash(hash_size=16)` of that square, 256 bits, so that anybody can compare it with `imagehash.hex_to_hash`.
64 bits and stretching both merge distinct nebulae by the hundred.

A picture turned or mirrored has the same DCT with signs flipped or axes swapped, so one transform gives the
hashes of all eight orientations.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors.formats import FORMATS
from curation.imaging.crop import centre_box

LONGEST = 512
"""Longest side of the canonical gray form, in pixels."""
THUMBNAIL = 256
"""Side in pixels of the square that is cut from the thumbnail to be compared; smaller ones keep theirs."""
BRIGHT = 192
"""Gray level from which on an even border is trimmed."""
_EVEN = 24
"""Gray levels by which a line of a border may vary: compression."""
_MIXED = 2
"""Lines beside a border that are half border."""
BITS = 256
_INPUT, _LOW = 64, 16

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a square: axes swapped first, then columns, then rows reversed."""

    name: str
    """What was done to the picture, in words; empty for nothing."""
    swap: bool
    columns: bool
    rows: bool

    def turn(self, square: NDArray[np.generic]) -> NDArray[np.generic]:
        """The square, laid this way."""
        square = square.T if self.swap else square
        return square[:: -1 if self.rows else 1, :: -1 if self.columns else 1]

    def turn_dct(self, coefficients: Floats) -> Floats:
        """The transform of the square laid this way, from the transform of the square."""
        turned = coefficients.T if self.swap else coefficients
        signs = np.where(np.arange(_LOW) % 2, -1.0, 1.0)
        turned = turned * signs if self.columns else turned
        return turned * signs[:, None] if self.rows else turned


ORIENTATIONS = (
    Orientation("", False, False, False),
    Orientation("mirrored", False, True, False),
    Orientation("mirrored upside down", False, False, True),
    Orientation("turned by 180°", False, True, True),
    Orientation("mirrored and turned by 90° left", True, False, False),
    Orientation("turned by 90° right", True, True, False),
    Orientation("turned by 90° left", True, False, True),
    Orientation("mirrored and turned by 90° right", True, True, True),
)


@dataclass(frozen=True)
class Fingerprint:
    """What is remembered of a picture's looks."""

    hashes: bytes
    """The hashes of the eight orientations, 32 bytes each, upright first."""
    detail: int
    """How many of the 255 coefficients of the hash (but the mean) stand above the noise."""
    peak: float
    """The sharpest point (a star, an edge) as a multiple of the noise; 4 to 6 in pure noise."""
    thumbnail: bytes
    """The whole canonical form as JPEG: local features live in all of it; for its middle see `middle`."""

    @property
    def phash(self) -> str:
        """The upright hash as imagehash spells it: 64 hexadecimal digits."""
        return self.hashes[: BITS // 8].hex()


def canonical(image: Image.Image) -> Image.Image:
    """The picture in gray, area-averaged to at most `LONGEST` pixels; smaller pictures keep their size."""
    longest = max(image.size)
    if longest >= 2 * LONGEST:
        image = image.reduce(longest // LONGEST)
    gray = image.convert("L")
    if max(gray.size) <= LONGEST:
        return gray
    width, height = (max(1, round(side * LONGEST / max(gray.size))) for side in gray.size)
    return gray.resize((width, height), Image.Resampling.HAMMING)


def trimmed(gray: Image.Image) -> Image.Image:
    """A gray picture without its bright, even border, which would make all pictures in one frame alike.

    Only what is brighter than `BRIGHT` goes, never black sky; at least half of either side stays, or all.
    """
    pixels = np.asarray(gray)
    rows_and_columns = (1, 0)
    even = [
        (pixels.min(axis=axis) >= BRIGHT) & (np.ptp(pixels, axis=axis) <= _EVEN) for axis in rows_and_columns
    ]
    (top, bottom), (left, right) = (_inside(lines) for lines in even)
    if (bottom - top) * 2 < gray.height or (right - left) * 2 < gray.width:
        return gray
    if (right - left, bottom - top) == gray.size:
        return gray
    return gray.crop((left, top, right, bottom))


def _inside(border: NDArray[np.bool_]) -> tuple[int, int]:
    """From where to where there is no border; a line more goes, where border and picture were averaged."""
    others = np.flatnonzero(~border)
    if not len(others):
        return 0, 0
    first, last = int(others[0]), int(others[-1]) + 1
    return first + _MIXED * (first > 0), last - _MIXED * (last < len(border))


def fingerprint(image: Image.Image, gray: Image.Image | None = None) -> Fingerprint:
    """Measure an RGB picture. `gray`: its `canonical` form, where it is there already."""
    whole = trimmed(gray or canonical(image))
    square = whole.crop(centre_box(*whole.size))
    thumbnail = BytesIO()
    whole.save(thumbnail, "JPEG", quality=90)
    return Fingerprint(hashes(square), *_information(square), thumbnail.getvalue())


def middle(thumbnail: bytes) -> Image.Image:
    """The centred square of an encoded thumbnail, gray, `THUMBNAIL` pixels a side or fewer."""
    with Image.open(BytesIO(thumbnail), formats=FORMATS) as whole:
        square = whole.convert("L").crop(centre_box(*whole.size))
    side = min(THUMBNAIL, square.width)
    return square.resize((side, side), Image.Resampling.HAMMING)


def hashes(square: Image.Image) -> bytes:
    """The hashes of a gray square in the eight orientations, 32 bytes each."""
    pixels = np.asarray(square.resize((_INPUT, _INPUT), Image.Resampling.LANCZOS), dtype=np.float64)
    low = _UNSCALED @ pixels @ _UNSCALED.T
    turned = np.stack([orientation.turn_dct(low).reshape(BITS) for orientation in ORIENTATIONS])
    return np.packbits(turned > np.median(turned, axis=1, keepdims=True), axis=1).tobytes()


def pixels_sha256(image: Image.Image) -> str:
    """SHA-256 over width, height and the RGB bytes, row by row."""
    digest = hashlib.sha256(b"%d %d\n" % image.size)
    for top in range(0, image.height, 64):
        digest.update(image.crop((0, top, image.width, min(top + 64, image.height))).tobytes())
    return digest.hexdigest()


def _information(square: Image.Image) -> tuple[int, float]:
    """`detail` and `peak` of a gray square.

    The noise is the median size of a second difference in both directions, which is zero on planes and
    which stars are too few to change (Immerkær 1996, https://doi.org/10.1006/cviu.1996.0060).
    """
    pixels = np.asarray(square, dtype=np.int16)
    if min(pixels.shape) < 3:
        return 0, 0.0
    across = pixels[:, :-2] - 2 * pixels[:, 1:-1] + pixels[:, 2:]
    ripple = np.abs(across[:-2] - 2 * across[1:-1] + across[2:])
    usual = int(np.searchsorted(np.bincount(ripple.ravel()).cumsum(), (ripple.size + 1) // 2))
    noise = max(usual / 6 / 0.6745, _ROUNDING)
    peak = int(ripple.max()) / 6 / noise
    small = np.asarray(square.resize((_INPUT, _INPUT), Image.Resampling.BOX), dtype=np.float64)
    averaged = max(noise * min(1.0, _INPUT / square.width), _FAINT)
    coefficients = np.abs(_DCT @ small @ _DCT.T)
    coefficients[0, 0] = 0
    return int((coefficients > 3 * averaged).sum()), peak


def _dct_matrix() -> Floats:
    """The first rows of the DCT-II of `_INPUT` samples, in scipy's scale."""
    frequency, place = np.arange(_LOW)[:, None], np.arange(_INPUT)[None, :]
    return 2 * np.cos(np.pi * frequency * (2 * place + 1) / (2 * _INPUT))


_UNSCALED = _dct_matrix()
_DCT = _UNSCALED / np.sqrt(np.where(np.arange(_LOW) > 0, 2 * _INPUT, 4 * _INPUT)).reshape(-1, 1)
"""The same rows in orthonormal scale, in which white noise is equally strong everywhere."""
_ROUNDING = 12**-0.5
"""Noise that rounding to whole gray levels leaves."""
_FAINT = 1 / 3
"""Gray levels below which a coefficient of the small square is compression or calibration, not the sky."""
