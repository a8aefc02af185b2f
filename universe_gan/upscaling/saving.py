"""Large pictures into files: samples as the small ones had them, their metadata, and where they come from."""

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
import torch
from numpy.typing import NDArray

from collectors.storage.files import DiskFull
from universe_gan.sheets import KEY
from universe_gan.upscaling.fidelity import LOBES, lanczos
from universe_gan.upscaling.images import LEVELS, TYPES, NoPicture, Opened, first_line
from universe_gan.upscaling.tiles import Cut, Floats, enlarged

KEPT = frozenset({"icc-profile-data", "exif-data", "xmp-data", "iptc-data"})
"""Metadata that goes with the picture, by libvips' names."""


def save(
    opened: Opened, strips: Iterable[Floats], to: Path, scale: int, provenance: Mapping[str, Any], xmp: str
) -> None:
    """Write the large picture whole or not at all, as PNG or TIFF by the name; strips come from the top.

    Samples wait in a file beside the target until all are there, so memory holds one strip. `xmp` is written
    where the picture brings none of its own.

    Raises:
        DiskFull: no room; nothing is left behind.
        NoPicture: and whatever making the strips raises.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    raw, part = to.with_name(f"{to.name}.samples"), to.with_name(f"{to.stem}.part{to.suffix}")
    alpha = to.with_name(f"{to.name}.alpha")
    try:
        _write(raw, (_samples(opened, strip) for strip in strips))
        if opened.alpha:
            _write(alpha, _alpha(opened, scale))
        image = _with_words(opened, _assembled(opened, raw, alpha, scale), provenance, xmp)
        options = {"compression": 6} if to.suffix == ".png" else {"compression": "deflate", "bigtiff": True}
        image.write_to_file(str(part), **options)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(to)
    except (OSError, pyvips.Error) as error:
        full = os.strerror(errno.ENOSPC) in str(error) or getattr(error, "errno", 0) == errno.EDQUOT
        if full:
            raise DiskFull(to.parent, shutil.disk_usage(to.parent).free) from error
        if isinstance(error, OSError):
            raise
        raise NoPicture(opened.name, first_line(error)) from error
    finally:
        for path in (raw, alpha, part):
            path.unlink(missing_ok=True)


def said_inside(path: Path) -> dict[str, Any] | None:
    """The provenance that we wrote into a file of any size; `None`: there is none."""
    try:
        image = pyvips.Image.new_from_file(str(path))
        fields = (name for name in image.get_fields() if name.endswith(f"-{KEY}"))
        name = next(fields, "image-description")
        found = json.loads(image.get(name)) if name in image.get_fields() else None
    except (pyvips.Error, ValueError):
        return None
    return found if isinstance(found, dict) and "tool" in found else None


def _samples(opened: Opened, strip: Floats) -> NDArray[Any]:
    pixels = strip if opened.colours == 3 else strip.mean(axis=2, keepdims=True)
    return _as_type(opened, pixels * np.float32(opened.high - opened.low) + np.float32(opened.low))


def _as_type(opened: Opened, pixels: Floats) -> NDArray[Any]:
    """As the picture's own samples, whole numbers within their range."""
    if opened.image.format in LEVELS:
        pixels = np.rint(pixels).clip(0, opened.high)
    return pixels.astype(TYPES[opened.image.format])


def _alpha(opened: Opened, scale: int) -> Iterator[NDArray[Any]]:
    """The alpha channel enlarged by Lanczos, some rows at a time; a margin of its lobes makes tiles exact."""

    def run(batch: Floats) -> Floats:
        large = lanczos(torch.from_numpy(batch).permute(0, 3, 1, 2), scale)
        made: Floats = large.permute(0, 2, 3, 1).numpy()
        return made

    for strip in enlarged(_Alpha(opened), run, scale=scale, cut=Cut(256, LOBES, 0)):
        yield _as_type(opened, strip[..., :1])


@dataclass(frozen=True)
class _Alpha:
    """The alpha channel of a picture as a source of tiles, in its own values."""

    opened: Opened

    @property
    def height(self) -> int:
        return self.opened.height

    @property
    def width(self) -> int:
        return self.opened.width

    def read(self, top: int, left: int, height: int, width: int) -> Floats:
        band = self.opened.image.extract_band(self.opened.colours)
        piece = band.crop(left, top, width, height).numpy().reshape(height, width, 1).astype(np.float32)
        return np.ascontiguousarray(np.broadcast_to(piece, (height, width, 3)))


def _write(path: Path, pieces: Iterable[NDArray[Any]]) -> None:
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece.tobytes())


def _assembled(opened: Opened, raw: Path, alpha: Path, scale: int) -> pyvips.Image:
    """The samples, and those of the alpha channel, as an image."""
    small = opened.image
    kind = "float" if small.format == "double" else small.format
    size = (opened.width * scale, opened.height * scale)
    large = pyvips.Image.rawload(
        str(raw), *size, opened.colours, format=kind, interpretation=small.interpretation
    )
    if not opened.alpha:
        return large
    band = pyvips.Image.rawload(str(alpha), *size, 1, format=kind)
    return large.bandjoin(band).copy(interpretation=small.interpretation)


def _with_words(opened: Opened, large: pyvips.Image, provenance: Mapping[str, Any], xmp: str) -> pyvips.Image:
    """The image with profile and metadata of the small one, and where it comes from."""
    large = large.copy()
    have = set(opened.image.get_fields())
    for name in KEPT & have:
        large.set_type(pyvips.GValue.blob_type, name, opened.image.get(name))
    if "exif-data" in have:  # its pixels stand upright now
        large.set_type(pyvips.GValue.gint_type, "orientation", 1)
        large.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Orientation", "1")
    if "xmp-data" not in have:
        large.set_type(pyvips.GValue.blob_type, "xmp-data", xmp.encode())
    words = json.dumps(provenance, sort_keys=True)  # in ASCII, as PNG's plain text chunks hold it
    large.set_type(pyvips.GValue.gstr_type, f"png-comment-0-{KEY}", words)
    large.set_type(pyvips.GValue.gstr_type, "image-description", words)
    return large
