"""Damaged image files, each from its number alone; and the worker that opens them (`python mutants.py …`)."""

import argparse
import faulthandler
import io
import json
import random
import resource
import struct
import sys
import time
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

LIMIT = 4_000_000
"""Pixels allowed to a mutant: 16 MB of RGBX, far below `MEMORY`."""
MEMORY = 1 << 30
"""Bytes of address space a worker may take beyond what it has when it starts."""
SECONDS = 10
"""After this long on one file the worker is taken to hang."""


def a_picture(width: int = 60, height: int = 40) -> Image.Image:
    """Smooth colours with some noise, so that no encoder finds it trivial."""
    y, x = np.mgrid[:height, :width]
    bands = np.stack((255 - 4 * x, 255 - 5 * y, 100 + x + y), axis=-1)
    noise = np.random.default_rng(0).integers(0, 12, bands.shape)
    return Image.fromarray(np.clip(bands + noise, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@cache
def seeds() -> tuple[bytes, ...]:
    """One whole file of every kind we open, with all that such files carry."""
    rgb = a_picture()
    exif = Image.Exif()
    exif[274] = 6
    extras: dict[str, Any] = {
        "exif": exif,
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    }
    deep = Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60) * 27)
    real = Image.fromarray(np.linspace(-1, 1, 2400, dtype=np.float32).reshape(40, 60))
    palette, alpha = rgb.convert("P"), rgb.convert("RGBA")
    alpha.putalpha(rgb.convert("L"))
    frames: dict[str, Any] = {"save_all": True, "append_images": [rgb.transpose(Image.Transpose.ROTATE_180)]}
    return (
        encoded(rgb, "JPEG", **extras),
        encoded(rgb, "JPEG", progressive=True, subsampling=0),
        encoded(rgb.convert("CMYK"), "JPEG"),
        encoded(rgb.convert("L"), "JPEG", quality=20),
        encoded(rgb, "PNG", **extras),
        encoded(palette, "PNG", transparency=3),
        encoded(alpha, "PNG"),
        encoded(deep, "PNG"),
        encoded(rgb.convert("1"), "PNG"),
        encoded(rgb, "PNG", **frames),
        encoded(rgb, "TIFF", **extras),
        encoded(rgb, "TIFF", compression="tiff_lzw"),
        encoded(rgb, "TIFF", compression="tiff_adobe_deflate"),
        encoded(rgb, "TIFF", compression="jpeg"),
        encoded(rgb.convert("1"), "TIFF", compression="group4"),
        encoded(deep, "TIFF"),
        encoded(real, "TIFF"),
        encoded(rgb.convert("CMYK"), "TIFF"),
        encoded(rgb, "TIFF", **frames),
        encoded(rgb, "WEBP", **extras),
        encoded(alpha, "WEBP", lossless=True),
        encoded(rgb, "WEBP", **frames),
        encoded(palette, "GIF"),
        encoded(rgb, "GIF", **frames),
        encoded(rgb, "BMP"),
        encoded(palette, "BMP"),
        encoded(rgb, "PPM"),
        encoded(deep, "PPM"),
        encoded(rgb, "JPEG2000"),
        encoded(alpha, "JPEG2000", irreversible=True),
        encoded(rgb, "AVIF", speed=10),
        encoded(rgb, "AVIF", speed=10, **frames),
    )


def mutant(number: int) -> bytes:
    """The damaged file of this number."""
    dice = random.Random(number)
    data = bytearray(seeds()[number % len(seeds())])
    png = data.startswith(b"\x89PNG")
    for _ in range(dice.choice((1, 1, 2, 4))):
        if data:
            dice.choice((cut, flip, extreme, header, splice, repeat, remove))(data, dice)
    if png and dice.random() < 0.8:
        data = with_checksums(data)  # or the decoder would never look inside
    return bytes(data)


def cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 2, 8, 32))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def extreme(data: bytearray, dice: random.Random) -> None:
    """A number of one, two or four bytes becomes one that programs trip over."""
    size = dice.choice((1, 2, 4))
    value = dice.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), 2 ** (8 * size - 1) - 1))
    at = dice.randrange(len(data))
    data[at : at + size] = value.to_bytes(size, dice.choice(("big", "little")))


def header(data: bytearray, dice: random.Random) -> None:
    """The same among the first bytes, where sizes and depths stand."""
    front = data[:96]
    extreme(front, dice)
    data[:96] = front


def splice(data: bytearray, dice: random.Random) -> None:
    """A piece of another file, in place of a piece of this one or between its bytes."""
    other = dice.choice(seeds())
    start = dice.randrange(len(other))
    piece = other[start : start + dice.choice((4, 32, 256, 2048))]
    at = dice.randrange(len(data))
    data[at : at + (len(piece) if dice.random() < 0.5 else 0)] = piece


def repeat(data: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(data))
    data[start:start] = data[start : start + dice.choice((8, 64, 512))] * dice.choice((1, 3, 40))


def remove(data: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(data))
    del data[start : start + dice.choice((1, 4, 32, 256))]


def with_checksums(data: bytearray) -> bytearray:
    """A PNG whose chunks carry the checksum of what now is in them."""
    result, at = data[:8], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(data):
            break
        result += data[at:end] + struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return result + data[at:]


def work() -> None:
    """Open mutants one after the other; the number at work stands in a file, should this process die."""
    from curation.imaging.pixels import TooManyPixels, Unreadable, open_upright

    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    path, at_work = arguments.folder / "mutant", arguments.folder / "at-work"
    mutant(0)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    outcomes = {"picture": 0, "unreadable": 0, "too many pixels": 0}
    slowest = 0.0
    for number in range(arguments.first, arguments.first + arguments.count):
        at_work.write_text(str(number))
        path.write_bytes(mutant(number))
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        started = time.perf_counter()
        try:
            picture = open_upright(path, max_pixels=LIMIT, reduce_to=16 if number % 2 else None)
            assert picture.image.mode == "RGB"
            assert picture.width * picture.height <= LIMIT
            assert picture.reduced > 1 or picture.image.size == (picture.width, picture.height)
            outcomes["picture"] += 1
        except Unreadable:
            outcomes["unreadable"] += 1
        except TooManyPixels:
            outcomes["too many pixels"] += 1
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, time.perf_counter() - started)
    status = Path("/proc/self/status").read_text()  # not getrusage, which inherits the parent's peak
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    json.dump({**outcomes, "slowest": slowest, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    work()
