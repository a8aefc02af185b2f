"""Picture files as the upscaler reads them, through libvips: whatever their depth, in pieces.

What becomes of each kind: grey goes through the network thrice over and is averaged back; alpha never meets
the network, Lanczos enlarges it; 16 bits stay 16, by the file's type and never by its values; floats beyond 0
to 1 are moved into it and back; CMYK becomes sRGB; the colour profile and the metadata go with the picture,
which is turned upright. libvips decodes large files to disk, so a piece costs the memory of a piece
(https://www.libvips.org/API/current/how-it-opens-files.html).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from universe_gan.upscaling.tiles import Floats

LEVELS = {"uchar": 255.0, "ushort": 65535.0}
"""Largest value of a sample, by libvips' name of its type; of floats it is 1."""
TYPES: Mapping[str, Any] = {
    "uchar": np.uint8,
    "ushort": np.uint16,
    "float": np.float32,
    "double": np.float32,
}
_AS_THEY_ARE = frozenset({"b-w", "grey16", "rgb", "rgb16", "srgb", "scrgb", "multiband"})
"""Kinds of colour whose numbers are taken as they stand."""
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})

pyvips.operation_block_set("VipsForeignLoad", True)  # libvips knows many more, not all of them safe
for reader in ("Png", "Jpeg", "Webp", "Tiff", "Nsgif", "Heif", "Raw"):  # Raw: what we wrote ourselves
    pyvips.operation_block_set(f"VipsForeignLoad{reader}", False)
pyvips.cache_set_max(0)  # a file that changed is read again, and no picture stays in memory


class NoPicture(Exception):
    """A file that cannot be read as a picture."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name, self.problem = name, problem


@dataclass(frozen=True)
class Opened:
    """A picture file, upright, as a source of tiles."""

    name: str
    image: pyvips.Image
    low: float
    """Value that counts as 0."""
    high: float
    """Value that counts as 1."""
    alpha: bool
    loader: str
    """libvips' name of what reads the file."""
    notes: tuple[str, ...] = ()
    """What became of it on the way in."""

    @property
    def height(self) -> int:
        return int(self.image.height)

    @property
    def width(self) -> int:
        return int(self.image.width)

    @property
    def colours(self) -> int:
        """1 for grey, 3 for colour."""
        return int(self.image.bands) - self.alpha

    @property
    def from_jpeg(self) -> bool:
        """Whether its noise is a JPEG's."""
        return self.loader.startswith("jpeg")

    @property
    def suffix(self) -> str:
        """Of the large picture's file: `.tif` for what PNG cannot hold or what was a TIFF, else `.png`."""
        return ".tif" if self.loader.startswith("tiff") or self.image.format not in LEVELS else ".png"

    def read(self, top: int, left: int, height: int, width: int) -> Floats:
        """(height, width, 3) from 0 to 1. Raises `NoPicture` where the file is damaged."""
        try:
            piece = self.image.crop(left, top, width, height).numpy().reshape(height, width, -1)
        except pyvips.Error as error:
            raise NoPicture(self.name, first_line(error)) from error
        pixels = (piece[..., : self.colours].astype(np.float32) - self.low) / (self.high - self.low)
        if self.image.format not in LEVELS:
            np.nan_to_num(pixels, copy=False)
        return np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))


def open_picture(source: Path | bytes, name: str, *, max_pixels: int) -> Opened:
    """Read a file's header, check it, and make it readable in pieces.

    Raises:
        NoPicture: not a picture, a damaged one, or one of more than `max_pixels`.
    """
    try:
        if isinstance(source, bytes):
            image = pyvips.Image.new_from_buffer(source, "", fail_on="error")
        else:
            image = pyvips.Image.new_from_file(str(source), fail_on="error")
        if image.width * image.height > max_pixels:
            size = f"{image.width:,} x {image.height:,}"
            raise NoPicture(name, f"{size} pixels are more than --max-pixels {max_pixels:,}")
        return _opened(image, name)
    except pyvips.Error as error:
        raise NoPicture(name, first_line(error)) from error


def pixels(source: Path | bytes) -> int:
    """How many a picture has, by its header; 0: it cannot be read."""
    try:
        if isinstance(source, bytes):
            image = pyvips.Image.new_from_buffer(source, "")
        else:
            image = pyvips.Image.new_from_file(str(source))
    except pyvips.Error:
        return 0
    return int(image.width * image.height)


def _opened(image: pyvips.Image, name: str) -> Opened:
    loader, notes = str(image.get("vips-loader")), []
    if image.get_n_pages() > 1:
        notes.append(f"the first of {image.get_n_pages()} pages")
    image = image.autorot()
    if image.interpretation == "cmyk":
        depth = 16 if image.format == "ushort" else 8
        image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=depth)
        notes.append("CMYK became sRGB")
    elif image.interpretation not in _AS_THEY_ARE:
        notes.append(f"{image.interpretation} became sRGB")
        image = image.colourspace("srgb")
    if image.format not in TYPES:
        raise NoPicture(name, f"samples of type {image.format} are not understood")
    low, high = 0.0, LEVELS.get(image.format, 1.0)
    if image.format not in LEVELS:
        low, high = min(0.0, image.min()), max(1.0, image.max())
        if not np.isfinite([low, high]).all():
            raise NoPicture(name, "holds infinite values")
        if (image != image).max():
            notes.append("undefined samples became 0")
    opened = Opened(name, image, low, high, bool(image.hasalpha()), loader, tuple(notes))
    if opened.colours not in (1, 3):
        raise NoPicture(name, f"{opened.colours} channels are neither grey nor colour")
    return opened


def first_line(error: Exception) -> str:
    """What libvips found wrong, without what it was asked; where its reader only names itself, our words."""
    told = next((line.strip() for line in str(error).splitlines()[1:] if line.strip()), "")
    if not told or re.fullmatch(r"\w+load: (load|read) error", told):
        return "the file is damaged or cut off"
    return told
