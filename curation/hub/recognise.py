"""Is a decoded picture one that was taken down? By its bytes, its pixels, its hashes and its local features.

Hashes find what was encoded anew, scaled, recoloured, turned by quarters or mirrored. Local features find
parts of a picture, other angles, captions and borders; they need OpenCV (`pip install universe-gan[verify]`),
at the takedown and now, and no pixel of what was taken down.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from collectors.record import Record, Verdict
from collectors.storage.stores import Store
from curation.hub.blocked import Blocked, Blocklist, down
from curation.imaging.examine import Examined
from curation.imaging.fingerprint import BITS, ORIENTATIONS

NEAR, DETAILED, LOPSIDED = 31, 128, 48
"""As for duplicates: bits of 256 by which upright copies may differ, and when a hash is trusted."""
TURNED = 24
"""Bits by which a turned or mirrored copy may differ where nothing else confirms it."""

Bits = NDArray[np.uint8]


def recognised(
    blocklist: Blocklist, images: Sequence[tuple[Record, Examined]], features: Store
) -> dict[str, Verdict]:
    """The images among these that were taken down, by uid.

    `features` holds packed local features by the file's SHA-256; what is missing there is not looked for.
    """
    found: dict[str, Verdict] = {}
    blocked = [one for one in blocklist.entries if one.uid is not None]
    seen = _Hashes([one for one in blocked if one.hashes and one.detail >= DETAILED])
    for record, look in images if blocked else ():
        evidence = (*_equal(blocked, look), *seen.near(look))
        for one, words in evidence:
            if record.uid not in one.spared:
                found[record.uid] = down(one, f"{words} as {one.uid}")
                break
    left = [(record, look) for record, look in images if record.uid not in found and look.sha256 in features]
    for one, record, inliers in _in_part([one for one in blocked if one.features], left, features):
        if record.uid not in one.spared and record.uid not in found:
            words = f"shares a part with {one.uid} ({inliers} features)"
            found[record.uid] = down(one, words)
    return found


def packed(features: bytes) -> str:
    """Local features as text for the blocklist."""
    return base64.b85encode(zlib.compress(features, 9)).decode()


def unpacked(text: str) -> bytes | None:
    """The features in a line of the blocklist; `None`: none that can be read."""
    try:
        return zlib.decompress(base64.b85decode(text))
    except (ValueError, binascii.Error, zlib.error):
        return None


def _in_part(
    blocked: Sequence[Blocked], images: Sequence[tuple[Record, Examined]], features: Store
) -> Iterator[tuple[Blocked, Record, int]]:
    """Every image that shares enough local features with a blocked one."""
    from curation.duplicates.retrieval import candidates
    from curation.duplicates.verification import BLOCKED_INLIERS, resembles
    from curation.imaging.features import FeaturesBroken, unpack

    known = []
    for one in blocked:
        data = unpacked(one.features)
        try:
            unpack(data or b"")
        except FeaturesBroken:
            continue  # of another version: the hashes must do
        known.append((one, data or b""))
    if not known or not images:
        return
    shown = [features.read(look.sha256) for _, look in images]
    count = len(known)
    pairs = candidates([data for _, data in known] + shown, [True] * count + [False] * len(shown))
    for first, second in pairs:
        if first < count <= second:
            one, data = known[first]
            inliers = resembles(data, shown[second - count])
            if inliers >= BLOCKED_INLIERS:
                yield one, images[second - count][0], inliers


def _equal(blocked: Sequence[Blocked], look: Examined) -> Iterator[tuple[Blocked, str]]:
    """Blocked pictures of the same bytes, or the same pixels."""
    for one in blocked:
        if one.sha256 == look.sha256:
            yield one, "the same file"
        elif one.pixels_sha256 and one.pixels_sha256 == look.pixels_sha256:
            yield one, "the same pixels"


class _Hashes:
    """The hashes of blocked pictures, those that can be trusted, as bits."""

    def __init__(self, blocked: Sequence[Blocked]) -> None:
        ways = [(one, _bits(one.hashes)) for one in blocked]
        self._known = [(one, bits) for one, bits in ways if _lopsided(bits) > LOPSIDED]
        self._bits = np.stack([bits for _, bits in self._known]) if self._known else None

    def near(self, look: Examined) -> Iterator[tuple[Blocked, str]]:
        """Blocked pictures that look alike: turned more strictly than upright."""
        if self._bits is None or not look.hashes or look.detail < DETAILED:
            return
        theirs = _bits(look.hashes)
        if _lopsided(theirs) <= LOPSIDED:
            return
        distances = (self._bits != theirs[0]).sum(axis=2)
        for (one, _), apart in zip(self._known, distances, strict=True):
            way = int(np.argmin(apart))
            if apart[way] <= (NEAR if way == 0 else TURNED):
                turned = f", {ORIENTATIONS[way].name}," if way else ""
                yield one, f"the same picture{turned} (distance {apart[way]})"


def _lopsided(ways: Bits) -> int:
    """Bits by which a picture's hash differs from the nearest of its own turned forms."""
    return int((ways[1:] != ways[0]).sum(axis=1).min())


def _bits(hashes: str) -> Bits:
    raw = np.frombuffer(bytes.fromhex(hashes), dtype=np.uint8)
    return np.unpackbits(raw).reshape(len(ORIENTATIONS), BITS)
