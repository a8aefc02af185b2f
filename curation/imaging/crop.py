"""The square that is published: a part of the picture, scaled down once, always to the same bytes.

The scaling is Pillow's LANCZOS, from a factor of three on after a whole-number area average that leaves it
at least a factor of one and a half (`GAP`): no star is lost, which OpenCV's interpolations do not manage (60
to 73 % lost at a factor of eight), and the result is 50 dB (43 at worst) from LANCZOS alone at a third to a
sixth of its cost. What of the square lies beyond the picture is filled with sky (`sky`) afterwards.
"""

import hashlib
import zlib
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import PIL
from PIL import Image

from collectors.storage.files import canonical_json
from curation.imaging import sky
from curation.imaging.boxes import Box as Box
from curation.imaging.boxes import centre_box as centre_box
from curation.imaging.pixels import Picture, open_upright
from curation.settings import CurateSettings

SQUARE_VERSION = 2
"""Raised when `render` gives other bytes for the same input, so that kept squares are made anew."""

GAP = 1.5
"""`reducing_gap` of Pillow's `resize`."""

ENCODERS: dict[str, dict[str, Any]] = {
    # Run lengths only: a third of the time of the usual search, and smaller on pictures of the sky.
    "png": {"compress_level": 6, "compress_type": zlib.Z_RLE},
    "webp": {"lossless": True, "quality": 0, "method": 2, "exact": True},
    "jpeg": {"quality": 95, "subsampling": 0, "optimize": True},
}


def limits(settings: CurateSettings) -> tuple[int, int]:
    """Pixels beyond which nothing is decoded, and what the shorter side keeps when less is decoded."""
    return int(settings.max_megapixels * 1_000_000), max(1024, 2 * settings.size)


def decode(path: Path, settings: CurateSettings) -> Picture:
    """Open an original as every stage of curation sees it. Raises as `pixels.open_upright`."""
    max_pixels, reduce_to = limits(settings)
    return open_upright(path, max_pixels=max_pixels, reduce_to=reduce_to)


def render(path: Path, box: Box, settings: CurateSettings) -> bytes:
    """Decode an original and encode its square. Raises as `pixels.open_upright`."""
    return encode(square(decode(path, settings), box, settings.size), settings)


def square(picture: Picture, box: Box, size: int) -> Image.Image:
    """The box of a decoded picture as RGB, `size` pixels a side; sky where the box lies outside."""
    if box[0] < 0 or box[1] < 0 or box[2] > picture.width or box[3] > picture.height:
        return _with_sky(picture, box, size)
    return _scaled(picture, box, (size, size))


def _scaled(picture: Picture, part: tuple[float, float, float, float], size: tuple[int, int]) -> Image.Image:
    """A part that lies inside the picture, in pixels of the file, at another size."""
    if picture.reduced > 1:
        left, top, right, bottom = (edge / picture.reduced for edge in part)
        part = left, top, min(right, picture.image.width), min(bottom, picture.image.height)
    return picture.image.resize(size, Image.Resampling.LANCZOS, box=part, reducing_gap=GAP)


def _with_sky(picture: Picture, box: Box, size: int) -> Image.Image:
    """The square's whole pixels that the picture covers, and sky around them."""
    scale = (box[2] - box[0]) / size
    left, top = (ceil(max(0, -edge) / scale) for edge in box[:2])
    ends = (picture.width - box[0], picture.height - box[1])
    right, bottom = (min(size, int(end / scale)) for end in ends)
    part = (
        box[0] + left * scale,
        box[1] + top * scale,
        min(box[0] + right * scale, picture.width),
        min(box[1] + bottom * scale, picture.height),
    )
    result = Image.new("RGB", (size, size))
    result.paste(_scaled(picture, part, (right - left, bottom - top)), (left, top))
    return sky.added(result, (left, top, right, bottom))


def encode(image: Image.Image, settings: CurateSettings) -> bytes:
    """The image file: no metadata, no time; the same pixels give the same bytes (with the same Pillow)."""
    image.info = {}
    buffer = BytesIO()
    image.save(buffer, settings.format.upper(), **ENCODERS[settings.format])
    return buffer.getvalue()


def square_key(sha256: str, box: Box, settings: CurateSettings) -> str:
    """The name under which a finished square is kept: a hash of all that its bytes depend on."""
    made_of = [sha256, box, settings.size, settings.format, SQUARE_VERSION, PIL.__version__]
    return hashlib.sha256(canonical_json(made_of)).hexdigest()
