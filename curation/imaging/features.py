"""Local features: where a picture has structure, and what it looks like there, whatever lies around it.

The hash of a whole picture is blind to crops, small turns, captions and borders; features are not. They are
SIFT's (Lowe 2004, https://doi.org/10.1023/B:VISI.0000029664.99615.94) on the canonical gray form of at most
512 pixels, descriptors as RootSIFT (Arandjelović & Zisserman 2012, https://doi.org/10.1109/CVPR.2012.6248018).

Of thousands the `MOST` strongest stay, where strength is contrast x size: ordered by contrast alone, the
finest ones win, and a copy of half the size has none of these (39 of 40 copies of half the size share 8
features that lie right, against 31). The threshold on contrast is low, because nebulae are faint.

OpenCV is optional (`pip install universe-gan[verify]`): `available` says whether it is here. It is imported
where features are extracted; reading them takes NumPy alone.
"""

import struct
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors.formats import FORMATS
from collectors.storage.stores import Store
from curation.settings import CurateSettings

VERSION = 1
"""Raised when `extract` gives other bytes for the same picture."""
MOST = 300
"""Features kept of a picture: 41 kB."""

_CONTRAST = 0.01
_HEAD = struct.Struct("<BHHH")
_PLACE = np.dtype([("x", "<u2"), ("y", "<u2"), ("size", "<u2"), ("angle", "<u2")])
_PART = 64
"""Steps in a pixel, for places and sizes."""
_TURN = 1 << 16
"""Steps in a full turn."""
_UNIT = 512
"""Steps in 1 for the values of a descriptor; none passes 0.45."""
_BINS = 128

Floats = NDArray[np.float32]

_grid = np.arange(_BINS).reshape(4, 4, 8)
MIRROR: NDArray[np.intp] = _grid[::-1][..., [0, 7, 6, 5, 4, 3, 2, 1]].reshape(_BINS)
"""The order of a descriptor's values after its surroundings were mirrored.

A descriptor is a grid of 4 x 4 cells laid along the feature's own direction, with 8 directions of slope in
each: a mirror reverses the rows across that direction and the sense of the slopes.
"""


class FeaturesBroken(Exception):
    """Bytes that are no features of this version."""


@dataclass(frozen=True)
class Features:
    """The features of one picture, the strongest first."""

    width: int
    """Of the canonical form, in pixels."""
    height: int
    x: Floats
    """Pixels from the left of the canonical form; (n,), as the next three."""
    y: Floats
    size: Floats
    """Diameter of what was found, in pixels."""
    angle: Floats
    """The direction of its steepest slope in radians, clockwise from the right."""
    descriptors: NDArray[np.uint8]
    """(n, 128); 512 stands for 1, and rows have length 1."""

    def __len__(self) -> int:
        return len(self.x)

    def vectors(self) -> Floats:
        """The descriptors as (n, 128) vectors of length 1."""
        values = self.descriptors.astype(np.float32)
        lengths = np.sqrt((values * values).sum(axis=1, keepdims=True))
        return np.asarray(values / np.maximum(lengths, np.float32(1e-6)))

    def mirrored(self) -> "Features":
        """The features of the mirrored picture, left for right: derived, not sought again."""
        angle = np.mod(np.float32(np.pi) - self.angle, np.float32(2 * np.pi))
        return Features(
            self.width,
            self.height,
            self.width - 1 - self.x,
            self.y,
            self.size,
            angle,
            self.descriptors[:, MIRROR],
        )


def available() -> bool:
    """Is OpenCV here?"""
    return find_spec("cv2") is not None


def wanted(settings: CurateSettings) -> bool:
    """Does the recipe ask for features, and is what makes them here?"""
    return settings.match_parts and available()


def extract(canonical: Image.Image) -> bytes:
    """The features of a picture's canonical gray form (`fingerprint.canonical`), packed; see `unpack`.

    The same pixels give the same bytes, in any process. A picture without structure has none, and still
    gives bytes.

    Raises:
        ImportError: OpenCV is not here; see `available`.
    """
    pixels = np.asarray(canonical, dtype=np.uint8)
    points, raw = _sift().detectAndCompute(pixels, None) if min(pixels.shape) > 1 else ((), None)
    height, width = pixels.shape
    if not points:
        return _HEAD.pack(VERSION, width, height, 0)
    found = np.array([(*one.pt, one.size, one.angle, one.response) for one in points], dtype=np.float64)
    order = np.lexsort((*found[:, :4].T, -found[:, 4] * found[:, 2]))[:MOST]
    found, values = found[order], np.asarray(raw, dtype=np.float64)[order]
    places = np.zeros(len(order), _PLACE)
    for name, column in zip(("x", "y", "size"), found.T, strict=False):
        places[name] = np.clip(np.round(column * _PART), 0, _TURN - 1)
    places["angle"] = np.round(found[:, 3] / 360 * _TURN).astype(np.int64) % _TURN
    rooted = np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1))
    descriptors = np.clip(np.round(rooted * _UNIT), 0, 255).astype(np.uint8)
    head = _HEAD.pack(VERSION, width, height, len(order))
    return b"".join((head, places.tobytes(), descriptors.tobytes()))


def keep(sha256: str, thumbnails: Store, features: Store) -> None:
    """Extract the features of a file's thumbnail into the other store.

    They come from the encoded thumbnail, not from the original, so that a workspace examined without OpenCV
    gets the same ones later without another decoding. Raises `DiskFull`.
    """
    with Image.open(BytesIO(thumbnails.read(sha256)), formats=FORMATS) as image:
        features.put(sha256, extract(image.convert("L")))


def keep_none(sha256: str, features: Store) -> None:
    """Note that a file's features could not be extracted: it has none. Raises `DiskFull`."""
    features.put(sha256, _HEAD.pack(VERSION, 0, 0, 0))


def unpack(data: bytes) -> Features:
    """Read what `extract` wrote.

    Raises:
        FeaturesBroken: other bytes, or another version's.
    """
    try:
        version, width, height, count = _HEAD.unpack_from(data)
    except struct.error as error:
        raise FeaturesBroken(str(error)) from error
    split = _HEAD.size + count * _PLACE.itemsize
    if version != VERSION or len(data) != split + count * _BINS:
        raise FeaturesBroken(f"version {version}, {len(data)} bytes for {count} features")
    places = np.frombuffer(data, _PLACE, count, _HEAD.size)
    x, y, size = ((places[name] / np.float32(_PART)).astype(np.float32) for name in ("x", "y", "size"))
    angle = (places["angle"] * (2 * np.pi / _TURN)).astype(np.float32)
    descriptors = np.frombuffer(data, np.uint8, count * _BINS, split).reshape(count, _BINS)
    return Features(width, height, x, y, np.maximum(size, np.float32(1 / _PART)), angle, descriptors)


@cache
def _sift() -> Any:
    cv2: Any = import_module("cv2")
    cv2.setNumThreads(1)  # the engine has a process on every core already
    return cv2.SIFT_create(contrastThreshold=_CONTRAST)
