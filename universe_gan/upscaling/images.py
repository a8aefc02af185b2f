"""Picture files as the upscaler reads and writes them, through libvips: whatever their depth, in pieces.

What becomes of each kind: grey goes through the network thrice over and is averaged back; alpha never meets
the network, Lanczos enlarges it; 16 bits stay 16, by the file's type and never by its values; floats beyond 0
to 1 are moved into it and back; CMYK becomes sRGB; the colour profile and the metadata go with the picture,
which is turned upright. libvips decodes large files to disk, so a piece costs the memory of a piece
(https://www.libvips.org/API/current/how-it-opens-files.html).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from universe_gan.sheets import KEY
from universe_gan.upscaling.tiles import Floats

LEVELS = {"uchar": 255.0, "ushort": 65535.0}
"""Largest value of a sample, by libvips' name of its type; of floats it is 1."""
_TYPES: Mapping[str, Any] = {
    "uchar": np.uint8,
    "ushort": np.uint16,
    "float": np.float32,
    "double": np.float32,
}
KEPT = frozenset({"icc-profile-data", "exif-data", "xmp-data", "iptc-data"})
"""Metadata that goes with the picture, by libvips' names."""
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})


class NoPicture(Exception):
    """A file that cannot be read as a picture."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


@dataclass(frozen=True)
class Opened:
    """A picture file, upright, as a source of tiles."""

    path: Path
    image: pyvips.Image
    low: float
    """Value that counts as 0."""
    high: float
    """Value that counts as 1."""
    alpha: bool
    notes: tuple[str, ...] = ()

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
        return bool(str(self.image.get("vips-loader")).startswith("jpeg"))

    def read(self, top: int, left: int, height: int, width: int) -> Floats:
        """(height, width, 3) from 0 to 1."""
        piece = self.image.crop(left, top, width, height).numpy().reshape(height, width, -1)
        pixels = (piece[..., : self.colours].astype(np.float32) - self.low) / (self.high - self.low)
        return np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))


def open_picture(path: Path, *, max_pixels: int) -> Opened:
    """Read a file's header, check it, and make it readable in pieces.

    Raises:
        NoPicture: not a picture, a damaged one, or one of more than `max_pixels`.
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    notes: list[str] = []
    try:
        image = pyvips.Image.new_from_file(str(path), fail_on="truncated")
        if image.width * image.height > max_pixels:
            raise NoPicture(path, f"{image.width} x {image.height} is beyond {max_pixels:,} pixels")
        image = image.autorot()
        if image.interpretation == "cmyk":
            image = image.icc_transform("srgb", embedded=True)
            notes.append("CMYK became sRGB")
        if image.format not in (*LEVELS, "float", "double"):
            raise NoPicture(path, f"samples of type {image.format} are not understood")
        low, high = 0.0, LEVELS.get(image.format, 1.0)
        if image.format not in LEVELS:
            low, high = min(0.0, image.min()), max(1.0, image.max())
    except pyvips.Error as error:
        raise NoPicture(path, _first_line(error)) from error
    return Opened(path, image, low, high, bool(image.hasalpha()), tuple(notes))


def save(
    opened: Opened, strips: Iterable[Floats], to: Path, scale: int, provenance: Mapping[str, Any], xmp: str
) -> None:
    """Write the large picture whole or not at all, as PNG or TIFF by the name; strips come from the top.

    Samples wait in a file beside the target until all are there, so memory holds one strip. `xmp` is written
    where the picture brings none of its own.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    raw, part = to.with_name(f"{to.name}.samples"), to.with_name(f"{to.stem}.part{to.suffix}")
    try:
        with raw.open("wb") as file:
            for strip in strips:
                file.write(_samples(opened, strip).tobytes())
        image = _with_words(opened, _assembled(opened, raw, scale), provenance, xmp)
        options = {"compression": 6} if to.suffix == ".png" else {"compression": "deflate", "bigtiff": True}
        image.write_to_file(str(part), **options)
        part.replace(to)
    finally:
        raw.unlink(missing_ok=True)
        part.unlink(missing_ok=True)


def suffix(opened: Opened) -> str:
    """`.tif` for what PNG cannot hold or what was a TIFF, else `.png`."""
    tiff = opened.path.suffix.lower() in (".tif", ".tiff") or opened.image.format not in LEVELS
    return ".tif" if tiff else ".png"


def _samples(opened: Opened, strip: Floats) -> NDArray[Any]:
    pixels = strip if opened.colours == 3 else strip.mean(axis=2, keepdims=True)
    pixels = pixels * np.float32(opened.high - opened.low) + np.float32(opened.low)
    if opened.image.format in LEVELS:
        pixels = np.rint(pixels).clip(0, opened.high)
    return pixels.astype(_TYPES[opened.image.format])


def _assembled(opened: Opened, raw: Path, scale: int) -> pyvips.Image:
    """The samples as an image, with the alpha channel enlarged by Lanczos."""
    small = opened.image
    large = pyvips.Image.rawload(
        str(raw),
        opened.width * scale,
        opened.height * scale,
        opened.colours,
        format="float" if small.format == "double" else small.format,
        interpretation=small.interpretation,
    )
    if not opened.alpha:
        return large
    alpha = small.extract_band(small.bands - 1).resize(scale, kernel="lanczos3").cast(large.format)
    return large.bandjoin(alpha).copy(interpretation=small.interpretation)


def _with_words(opened: Opened, large: pyvips.Image, provenance: Mapping[str, Any], xmp: str) -> pyvips.Image:
    """The image with profile and metadata of the small one, and where it comes from."""
    large = large.copy()
    have = set(opened.image.get_fields())
    for name in KEPT & have:
        large.set_type(pyvips.GValue.blob_type, name, opened.image.get(name))
    if "xmp-data" not in have:
        large.set_type(pyvips.GValue.blob_type, "xmp-data", xmp.encode())
    words = json.dumps(provenance, ensure_ascii=False, sort_keys=True)
    large.set_type(pyvips.GValue.gstr_type, f"png-comment-0-{KEY}", words)
    large.set_type(pyvips.GValue.gstr_type, "image-description", words)
    return large


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "unreadable")
