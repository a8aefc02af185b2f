"""All that an original has to be decoded for, in one decoding: measurements, thumbnail, finished square."""

import fcntl
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import PIL
from pydantic import Field

from collectors.frozen import Frozen
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from curation.imaging import boxes, crop, subject
from curation.imaging.boxes import Box
from curation.imaging.features import VERSION as FEATURES
from curation.imaging.fingerprint import ORIENTATIONS, canonical, fingerprint, pixels_sha256
from curation.imaging.pixels import LARGE, Picture, TooManyPixels, Unreadable, size_in_header
from curation.screening import measures
from curation.settings import CurateSettings

VERSION = 6
"""Raised when a measurement changes its meaning, so that old ones are not believed."""


class Examined(Frozen):
    """What was measured on one original. It depends on the file and `measure` alone."""

    sha256: str
    """Of the file."""
    measure: str
    """What the measurements depend on besides the file; see `measure`."""
    problem: str | None = None
    """Why it could not be decoded."""
    too_large: bool = False
    """More pixels than allowed: nothing but the size in the header is known."""
    width: int | None = None
    """Of the upright image, in pixels."""
    height: int | None = None
    pixels_sha256: str | None = None
    """Over the pixels as they were decoded, which may be fewer than the file's (`Picture.reduced`)."""
    hashes: str = Field(default="", pattern=rf"^([0-9a-f]{{{64 * len(ORIENTATIONS)}}})?$")
    """As `Fingerprint.hashes`, hexadecimal."""
    detail: int = 0
    peak: float = 0.0
    scores: Mapping[str, float] = {}
    """What each filter of the screening says, from 0 to 1 (`screening.measures`)."""
    subject: Box | None = None
    """Left, top, right, bottom of a bright body before an even sky, upright (`curation.imaging.subject`)."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Folders:
    """Where the by-products go; all are filled by name, never changed, and can be made again."""

    thumbnails: Store
    """By the original's SHA-256."""
    features: Store
    """Local features, made from the thumbnails where OpenCV is installed; by the original's SHA-256."""
    squares: Store
    """By `crop.square_key`; what is here needs no second decoding when the dataset is built."""
    one_at_a_time: Path
    """A lock file: very large pictures are decoded by one process of a machine at a time."""


def folders(workspace: Workspace) -> Folders:
    """The by-products' places in a workspace."""
    return Folders(
        thumbnails=workspace.store("thumbnails"),
        features=workspace.store(f"features/v{FEATURES}"),
        squares=workspace.store("squares"),
        one_at_a_time=workspace.root / f"large-{platform.node()}.lock",
    )


def measure(settings: CurateSettings) -> str:
    """What measurements depend on besides the file; others are made anew."""
    return f"{VERSION}/{PIL.__version__}/{crop.limits(settings)}/{settings.crop}"


def examine(path: Path, sha256: str, settings: CurateSettings, places: Folders) -> Examined:
    """Decode an original once; measure it, and keep its thumbnail and its square.

    Raises:
        FileNotFoundError: there is no such file.
        DiskFull: no room for the thumbnail or the square.
    """
    about = measure(settings)
    try:
        width, height = size_in_header(path)
        with _alone(places.one_at_a_time, width * height > LARGE):
            return _measured(crop.decode(path, settings), sha256, settings, places)
    except TooManyPixels as error:
        return Examined(sha256=sha256, measure=about, too_large=True, width=error.width, height=error.height)
    except Unreadable as error:
        return Examined(sha256=sha256, measure=about, problem=error.problem)


def died(sha256: str) -> Examined:
    """What is known of an original on which a worker died twice: too little to believe it next time."""
    return Examined(sha256=sha256, measure="", problem="the decoder crashed or ran out of memory")


def _measured(picture: Picture, sha256: str, settings: CurateSettings, places: Folders) -> Examined:
    gray = canonical(picture.image)
    print_ = fingerprint(picture.image, gray)
    body = _subject(picture) if settings.crop == "subject" else None
    places.thumbnails.put(sha256, print_.thumbnail)
    if min(picture.width, picture.height) >= (settings.min_side or settings.size):
        box = boxes.choose(picture.width, picture.height, body, settings).box
        key = crop.square_key(sha256, box, settings)
        if key not in places.squares:
            data = crop.encode(crop.square(picture, box, settings.size), settings)
            places.squares.put(key, data)
    return Examined(
        sha256=sha256,
        measure=measure(settings),
        width=picture.width,
        height=picture.height,
        pixels_sha256=pixels_sha256(picture.image),
        hashes=print_.hashes.hex(),
        detail=print_.detail,
        peak=round(print_.peak, 3),
        scores=measures.scores(measures.Views.of(picture.image, gray)),
        subject=body,
        notes=picture.notes,
    )


def _subject(picture: Picture) -> Box | None:
    """The subject in pixels of the file."""
    found = subject.find(picture.image)
    if found is None or picture.reduced == 1:
        return found
    left, top, right, bottom = (edge * picture.reduced for edge in found)
    width, height = picture.image.size  # the last reduced row and column may stand for fewer of the file
    right = picture.width if found[2] == width else right
    return left, top, right, picture.height if found[3] == height else bottom


@contextmanager
def _alone(lock: Path, large: bool) -> Iterator[None]:
    """Hold the lock while a large picture is in memory; the kernel frees it if this process dies."""
    if not large:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
