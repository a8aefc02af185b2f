"""Pictures for `scale.py`, any number of them: each shows another sky, with the grain of a real one.

A picture's colours and its power spectrum are those of a square cut from a real picture; its phases are
random, so that no two share a detail, and stars of its own are strewn over it. (A picture made by turning,
cutting or mixing real ones shares parts with its siblings: 100,000 made of 539 would all show one sky.)
Every `COPY_EVERY`-th is a copy of the one before: smaller, mirrored, cut, turned into gray or saved again.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    Path("/usr/share/stellarium/nebulae/default"),
    Path("/usr/local/share/stellarium/nebulae/default"),
    ROOT / "universe_gan" / "sample" / "images",
)
COPY_EVERY = 20
"""One in so many is a near-duplicate, in groups of two."""
STARS = 1 / 400
"""Stars a pixel."""

Pixels = NDArray[np.float32]


def picture(number: int, side: int) -> bytes:
    """The file with this number, a JPEG; the same bytes on every run with the same Pillow and NumPy."""
    if is_copy(number):
        copy = COPIES[number // COPY_EVERY % len(COPIES)]
        return _saved(copy(_sky(number - 1, side)), 70)
    return _saved(_sky(number, side), 92)


def is_copy(number: int) -> bool:
    """Whether it is a copy of the one before."""
    return number % COPY_EVERY == COPY_EVERY - 1


COPIES: Sequence[Callable[[Image.Image], Image.Image]] = (
    lambda image: image,
    lambda image: image.resize((image.width * 3 // 4,) * 2, Image.Resampling.LANCZOS),
    ImageOps.mirror,
    lambda image: ImageOps.grayscale(image).convert("RGB"),
    lambda image: ImageOps.crop(image, image.width // 20),
)


def _sky(number: int, side: int) -> Image.Image:
    dice = np.random.default_rng([7, number])
    known = _square(int(dice.integers(len(_sources()))), side)
    phases = np.fft.rfft2(dice.standard_normal((side, side)))
    phases /= np.maximum(np.abs(phases), 1e-9)
    sky = np.empty_like(known)
    for band in range(3):
        texture = np.fft.irfft2(np.abs(np.fft.rfft2(known[..., band])) * phases, s=(side, side))
        sky[..., band].flat[np.argsort(texture, axis=None)] = np.sort(known[..., band], axis=None)
    count = int(side * side * STARS)
    down, across = dice.integers(1, side - 1, (2, count))
    light = 255 * dice.power(0.35, count)[:, None]
    for step, share in (((0, 0), 1.0), ((0, 1), 0.4), ((1, 0), 0.4), ((0, -1), 0.4), ((-1, 0), 0.4)):
        sky[down + step[0], across + step[1]] += share * light
    return Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))


@cache
def _square(number: int, side: int) -> Pixels:
    """The middle of a real picture."""
    with Image.open(_sources()[number]) as image:
        return np.asarray(ImageOps.fit(image.convert("RGB"), (side, side)), dtype=np.float32)


@cache
def _sources() -> tuple[Path, ...]:
    """Real pictures with something in them; at most 200, spread over the folder."""
    folder = next(known for known in FOLDERS if known.is_dir())
    found = sorted(one for one in folder.iterdir() if one.suffix.lower() in {".png", ".jpg", ".jpeg"})
    return tuple(found[:: max(1, len(found) // 200)][:200])


def _saved(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    """Its name in a store."""
    return hashlib.sha256(data).hexdigest()
