"""Pixels of any mode to 8-bit sRGB: profiles, deep gray, CMYK, alpha. Each case has one rule.

- ICC profile: converted to sRGB (relative colorimetric, black point compensated). Broken, or about other
  colours than the pixels have: ignored.
- Gray of 9 to 16 bits: the full range of the type becomes 0…255 by its high byte, as Pillow does for 16-bit
  colour.
- Gray of 32 bits or float has no agreed white: the file's own lowest to highest finite value becomes 0…255.
- CMYK: by its profile, else by Pillow's plain formula. In JPEG it is inverted if, and only if, Adobe's marker
  is there.
- Alpha, transparent palettes and colour keys: laid over black, so that hidden colours stay hidden.

`convert("RGB")` alone gets most of these wrong: 16-bit gray turns white, float black, hidden colours leak.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms, ImageFile

Paint = Callable[[Image.Image], Image.Image]
"""From a strip of the decoded file to the same strip in sRGB."""

_COLOUR_OF = {"1": "L", "LA": "L", "La": "L", "L": "L", "CMYK": "CMYK", "LAB": "LAB"}
"""The mode in which a profile speaks of the pixels; RGB for all others."""


STRIP = 8_000_000
"""Pixels converted at a time."""

_BROKEN = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
"""What little-CMS and Pillow raise on a profile that is none, or one for other colours than the pixels."""


def painter(image: ImageFile.ImageFile, notes: list[str]) -> Paint:
    """Decide once a file how its strips become sRGB, and note what had to be decided."""
    if image.mode.startswith(("I", "F")):
        levels = _levels(image, notes)
        to_srgb = _profile("L", image.info.get("icc_profile"), notes)
        return lambda strip: to_srgb(levels(strip))
    colour = _COLOUR_OF.get(image.mode, "RGB")
    to_srgb = _profile(colour, image.info.get("icc_profile"), notes)
    if image.has_transparency_data:
        notes.append("alpha over black")
        return lambda strip: _over_black(strip, "LA" if colour == "L" else "RGBA", to_srgb)
    if image.mode == "RGB" and to_srgb is _plain:
        return keep_colours
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        return lambda strip: to_srgb(
            ImageChops.invert(strip)
        )  # Pillow has undone an inversion that was not there
    return lambda strip: to_srgb(strip if strip.mode == colour else strip.convert(colour))


def keep_colours(image: Image.Image) -> Image.Image:
    """The strip as it is: it was 8-bit sRGB all along."""
    return image


def strips(image: Image.Image, step: int) -> Iterator[tuple[int, Image.Image]]:
    """The image in bands of `step` rows, with the row each begins at."""
    for top in range(0, image.height, step):
        yield top, image.crop((0, top, image.width, min(top + step, image.height)))


def _plain(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def _over_black(strip: Image.Image, mode: str, to_srgb: Paint) -> Image.Image:
    if strip.mode == "La" or strip.mode == "RGBa":
        strip = strip.convert(strip.mode[:-1] + "A")
    strip = strip.convert(mode)
    below = Image.new("RGB", strip.size)
    below.paste(to_srgb(strip.convert(mode[:-1])), mask=strip.getchannel("A"))
    return below


def _profile(colour: str, icc: bytes | None, notes: list[str]) -> Paint:
    """The way from `colour` to sRGB by the file's profile; pixels said to be sRGB stay as they are."""
    if not icc and colour != "LAB":
        return _plain
    try:
        name, transform = _transform(icc, colour)
    except _BROKEN:
        notes.append("broken colour profile ignored")
        return _lab if colour == "LAB" else _plain
    if transform is None:
        return _plain
    notes.append(f"{name} to sRGB")
    return lambda strip: _apply(transform, strip)


def _lab(image: Image.Image) -> Image.Image:
    _, transform = _transform(None, "LAB")
    return _apply(transform, image) if transform else _plain(image)


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    result = ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if result is None else result


@lru_cache(maxsize=8)
def _transform(icc: bytes | None, colour: str) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """A profile's name, and the transform from it to sRGB; no transform where it is sRGB already."""
    profile = (
        ImageCms.getOpenProfile(BytesIO(icc))
        if icc
        else ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    )
    name = " ".join(ImageCms.getProfileDescription(profile).split())[:60] if icc else "Lab"
    if colour == "RGB" and name.startswith("sRGB"):
        return name, None
    transform = ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        colour,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return name or "unnamed profile", transform


def _levels(image: ImageFile.ImageFile, notes: list[str]) -> Paint:
    """How deep gray becomes 0…255."""
    bits = _bits(image)
    if bits:
        notes.append(f"{bits}-bit gray by its full range")
        return lambda strip: _gray(np.clip(np.asarray(strip).astype(np.int64) >> (bits - 8), 0, 255))
    low, high = _extremes(image)
    notes.append(f"{'float' if image.mode == 'F' else '32-bit'} gray from {low:g} to {high:g}")
    return lambda strip: _gray(_stretched(np.asarray(strip), low, high))


def _bits(image: ImageFile.ImageFile) -> int | None:
    """Bits of a sample whose type has a full range; `None` for 32 bits and float."""
    if image.mode.startswith("I;16"):
        stated = getattr(image, "tag_v2", {}).get(258, (16,))
        return int(stated[0] if isinstance(stated, tuple) else stated)
    return 16 if image.mode == "I" and image.format == "PPM" else None


def _extremes(image: Image.Image) -> tuple[float, float]:
    """The lowest and highest finite value of the whole image."""
    low, high = np.inf, -np.inf
    for _, strip in strips(image, max(1, STRIP // image.width)):
        values = np.asarray(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _stretched(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.float64]:
    span = high - low
    if span <= 0 or not np.isfinite(span):
        return np.zeros(values.shape)
    scaled = (np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low) - low) / span
    return np.round(scaled * 255)


def _gray(values: NDArray[np.generic]) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8))
