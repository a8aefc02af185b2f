"""Open any image safely: upright, sRGB, 8 bits a channel, with a word on everything that had to be decided.

What becomes of colours, depths and alpha stands in `colours`. Here: EXIF orientation turns the
picture (broken EXIF is ignored), animations and many-page files give their first frame, a damaged or cut-off
file gives nothing at all.

**Memory.** Pillow decodes a file in one piece: at most 4 bytes for each of its pixels. All that follows goes
strip by strip, so that one picture needs at most 4 bytes x its pixels + 8 bytes x min(its pixels, `LARGE`)
+ 150 MB.

**Smaller at once.** Given `reduce_to`, a JPEG is decoded at a half, a quarter or an eighth where that leaves
enough pixels: libjpeg then computes fewer of them, in half the time, from the same coefficients. Squares made
of that are nearer to those of the whole picture (55 to 60 dB) than an area average is (53 to 57), and no
star is lost. Other formats are averaged down by a whole factor when they are beyond `LARGE`. Of a progressive
JPEG libjpeg holds up to 6 bytes of coefficients a pixel all the same.

**Pillow's globals.** The limit on pixels is the caller's `max_pixels`, checked in the header. While a file is
open here, `Image.MAX_IMAGE_PIXELS` is `None` and `ImageFile.LOAD_TRUNCATED_IMAGES` is off, for the whole
process; both are put back afterwards, also when several threads decode.
"""

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path

from PIL import ExifTags, Image, ImageFile

from collectors.formats import FORMATS
from curation.imaging.colours import STRIP, Paint, keep_colours, painter, strips

LARGE = 64_000_000
"""Pixels beyond which `reduce_to` matters to every format; to JPEG it always does."""

DAMAGED = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files; the tests damage thousands of files, of every format."""


class Unreadable(Exception):
    """A file that is no image, or a damaged one."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class TooManyPixels(Exception):
    """A file whose header promises more pixels than allowed; it was not decoded."""

    def __init__(self, path: Path, width: int, height: int, limit: int) -> None:
        super().__init__(path, width, height, limit)
        self.path, self.width, self.height, self.limit = path, width, height, limit

    def __str__(self) -> str:
        return f"{self.path}: {self.width} x {self.height} is beyond {self.limit} pixels"


@dataclass(frozen=True)
class Picture:
    """A decoded image."""

    image: Image.Image
    """RGB, sRGB, upright; smaller than the file by `reduced`."""
    width: int
    """Of the upright file, in pixels, whatever `reduced` is."""
    height: int
    notes: tuple[str, ...] = ()
    reduced: int = 1
    """The whole factor by which both sides were averaged down; 1: every pixel is there."""


def open_upright(path: Path, *, max_pixels: int, reduce_to: int | None = None) -> Picture:
    """Decode a file into upright 8-bit sRGB.

    `max_pixels` is checked in the header, before anything is decoded. With `reduce_to`, the picture comes
    back smaller as long as its shorter side keeps `reduce_to` pixels: a JPEG by 2, 4 or 8, others beyond
    `LARGE` by the smallest whole factor that brings them below.

    Raises:
        Unreadable: no image, or a damaged one. A cut-off file is never shown half.
        TooManyPixels: larger than `max_pixels`.
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    with _own_limits():
        try:
            with Image.open(path, formats=FORMATS) as file:
                if file.width * file.height > max_pixels:
                    raise TooManyPixels(path, file.width, file.height, max_pixels)
                return _decode(file, path, reduce_to)
        except DAMAGED as error:
            raise Unreadable(path, _words(error, path)) from error


def size_in_header(path: Path) -> tuple[int, int]:
    """Width and height as the header states them, perhaps not upright. Raises `Unreadable`."""
    with _own_limits():
        try:
            with Image.open(path, formats=FORMATS) as file:
                return file.size
        except DAMAGED as error:
            raise Unreadable(path, _words(error, path)) from error


def _decode(file: ImageFile.ImageFile, path: Path, reduce_to: int | None) -> Picture:
    notes: list[str] = []
    whole = file.size
    factor = _reduction(file, reduce_to)
    if file.format in ("JPEG", "MPO") and factor > 1:
        file.draft(None, (ceil(whole[0] / factor), ceil(whole[1] / factor)))
        factor = max(1, round(whole[0] / file.width))
    _read_deep_planes(file)
    file.load()
    frames = _frames(file, path)
    if frames != 1:
        notes.append(f"frame 1 of {frames}" if frames else "frame 1, damaged behind it")
    turn = _turn(file, notes)
    image = _in_strips(file, painter(file, notes), 1 if file.size != whole else factor)
    if turn is not None:
        image = image.transpose(turn)
        notes.append("turned upright")
    if factor > 1 and file.size == whole:
        notes.append(f"averaged down to 1/{factor}")
    image.info = {}  # or an encoder would write the file's profile and comments again
    across = turn is not None and turn in _ACROSS
    width, height = (whole[1], whole[0]) if across else whole
    return Picture(image, width, height, tuple(notes), factor)


def _reduction(file: ImageFile.ImageFile, reduce_to: int | None) -> int:
    """The whole factor by which a picture may shrink; for JPEG a power of two up to 8."""
    if reduce_to is None:
        return 1
    enough = max(1, min(file.size) // max(1, reduce_to))
    if file.format in ("JPEG", "MPO"):
        return max(step for step in (1, 2, 4, 8) if step <= enough)
    return max(1, min(enough, ceil(sqrt(file.width * file.height / LARGE))))


def _read_deep_planes(file: ImageFile.ImageFile) -> None:
    """Tell Pillow that the planes of a TIFF have 16 bits; of plain ones it reads each byte as a pixel."""
    if file.format != "TIFF" or set(getattr(file, "tag_v2", {}).get(258, ())) != {16}:
        return
    order = "L" if getattr(file, "tag_v2").prefix == b"II" else "B"  # noqa: B009  (no plugin is typed)
    file.tile = [
        tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:]))
        if tile.codec_name == "raw" and isinstance(tile.args, tuple) and tile.args[0] in ("R", "G", "B")
        else tile
        for tile in file.tile
    ]


def _frames(file: ImageFile.ImageFile, path: Path) -> int:
    """How many frames or pages the file has; 0 where counting them meets damage behind the first."""
    if file.format not in ("GIF", "TIFF"):
        return int(getattr(file, "n_frames", 1))
    try:
        with Image.open(path, formats=FORMATS) as again:  # counting moves these readers to other frames
            return int(getattr(again, "n_frames", 1))
    except DAMAGED:
        return 0


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ACROSS = {_TURNS[5], _TURNS[6], _TURNS[7], _TURNS[8]}


def _turn(file: ImageFile.ImageFile, notes: list[str]) -> Image.Transpose | None:
    """What EXIF asks for. Asked after loading, when Pillow has turned TIFF itself and dropped the tag."""
    try:
        return _TURNS.get(file.getexif().get(ExifTags.Base.Orientation, 1))
    except DAMAGED:
        notes.append("broken EXIF ignored")
        return None


def _in_strips(image: Image.Image, paint: Paint, factor: int) -> Image.Image:
    """Paint the whole picture, or large ones strip by strip, reduced by `factor` on the way."""
    if factor == 1 and (paint is keep_colours or image.width * image.height <= STRIP):
        return paint(image)
    step = max(factor, STRIP // image.width // factor * factor)
    result = Image.new("RGB", (ceil(image.width / factor), ceil(image.height / factor)))
    for top, strip in strips(image, step):
        painted = paint(strip)
        result.paste(painted.reduce(factor) if factor > 1 else painted, (0, top // factor))
    return result


_lock = threading.Lock()
_users = 0
_before: tuple[int | None, bool] = (None, False)


@contextmanager
def _own_limits() -> Iterator[None]:
    """Pillow's two global switches as decoding needs them, put back when the last thread is done."""
    global _users, _before
    with _lock:
        if not _users:
            _before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = _before


def _words(error: BaseException, path: Path) -> str:
    """Pillow's words in one short line, without this machine's paths."""
    text = " ".join(str(error).replace(str(path), path.name).split())
    return (text or type(error).__name__)[:200]
