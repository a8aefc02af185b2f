"""Pictures decoded once, by all workers, into plain arrays on disk: (pictures, side, side, 3) bytes."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO
from itertools import groupby
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from collectors.formats import FORMATS
from collectors.progress import Progress
from collectors.storage.files import DiskFull, canonical_json, write_whole
from curation import engine
from curation.imaging.crop import centre_box
from curation.imaging.pixels import DAMAGED, TooManyPixels, Unreadable, open_upright
from universe_gan.data.rows import Row, encoded

VERSION = 1
"""Raised when the same picture is decoded to other numbers."""
MAX_PIXELS = 200_000_000
UNDECODABLE = "cannot be decoded"
"""Why a picture is refused, in `Origin.refused`, that no training can be shown."""
SOME = 3
"""How many of them are told by name."""


class Broken:
    """The pictures that could not be decoded, by the hash of their bytes."""

    def __init__(self, cache: Path) -> None:
        self._path = cache / f"undecodable-{VERSION}-{PIL.__version__}.json"
        self.why: dict[str, str] = json.loads(self._path.read_bytes()) if self._path.is_file() else {}

    def remember(self, failed: Mapping[str, str]) -> None:
        """Add what failed, digest to reason, for every training to come. Raises `DiskFull`."""
        self.why |= failed
        write_whole(self._path, canonical_json(self.why))

    def words(self, left: Sequence[Row]) -> str:
        """Which rows are left out and why, for people; the first `SOME` by name."""
        told = [f"{row.name} ({self.why[row.digest]})" for row in left[:SOME]]
        more = [f"and {len(left) - SOME:,} more"] if len(left) > SOME else []
        return f"left out, {UNDECODABLE}: {', '.join([*told, *more])}"


def decode_all(
    parts: Mapping[str, Sequence[Row]], side: int, place: Path, progress: Progress, workers: int
) -> dict[str, str]:
    """Write `train.u8` and `test.u8` into the place; every job fills rows of its own.

    Returns why pictures could not be decoded, by digest: then what was written has holes. Raises `DiskFull`.
    """
    failed: dict[str, str] = {}
    needed = sum(map(len, parts.values())) * side * side * 3
    if (free := shutil.disk_usage(place).free) < needed:
        raise DiskFull(place, free, needed)
    for split, rows in parts.items():
        path = place / f"{split}.u8"
        with path.open("wb") as file:
            file.truncate(len(rows) * side * side * 3)
        jobs = [(path, begin, tuple(some)) for begin, some in _jobs(rows)]
        with progress.stage(f"decode {split}", len(rows)) as stage:
            for done, wrong in engine.run(
                partial(_decode_some, side), jobs, workers=min(workers, max(1, len(jobs)))
            ):
                stage.advance(done)
                failed |= wrong
    return failed


def _jobs(rows: Sequence[Row], most: int = 64) -> Iterator[tuple[int, list[Row]]]:
    """Runs of rows that lie together, each with the number of its first."""
    begin = 0
    for _, together in groupby(rows, lambda row: (row.path, row.place[0]) if row.place else None):
        run = list(together)
        for first in range(0, len(run), most):
            yield begin + first, run[first : first + most]
        begin += len(run)


def _decode_some(side: int, job: tuple[Path, int, tuple[Row, ...]]) -> tuple[int, dict[str, str]]:
    """How many rows were looked at, and what is wrong with some of them by digest."""
    target, begin, rows = job
    pixels = np.memmap(
        target, np.uint8, "r+", offset=begin * side * side * 3, shape=(len(rows), side, side, 3)
    )
    failed = {}
    for number, (row, data) in enumerate(zip(rows, encoded(rows), strict=True)):
        try:
            pixels[number] = _square(data, row.path, side)
        except (*DAMAGED, Unreadable, TooManyPixels, Image.DecompressionBombError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's fault, not the picture's
            failed[row.digest] = str(error)
    pixels.flush()
    return len(rows), failed


def _square(data: bytes | None, path: Path, side: int) -> NDArray[np.uint8]:
    """(side, side, 3): squares of a dataset as they are or scaled; other pictures cut to their middle."""
    if data is None:
        image = open_upright(path, max_pixels=MAX_PIXELS).image
    else:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise TooManyPixels(path, opened.width, opened.height, MAX_PIXELS)
            image = opened.convert("RGB")
    if image.size != (side, side):
        box = centre_box(*image.size)
        image = image.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
    return np.asarray(image)


def mapped(place: Path, split: str, side: int) -> NDArray[np.uint8]:
    """The decoded pictures of a split, (pictures, side, side, 3) bytes, read from disk as they are used."""
    path = place / f"{split}.u8"
    shape = (path.stat().st_size // (side * side * 3), side, side, 3)
    if not shape[0]:
        return np.zeros(shape, np.uint8)
    return np.memmap(path, np.uint8, "c", shape=shape)  # private pages: torch wants memory it could write
