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
from collectors.workspace import Store
from curation.examine import Examined
from curation.fingerprint import BITS, ORIENTATIONS
from curation.hub.blocked import Blocked, Blocklist, down

NEAR, DETAILED, LOPSIDED = 31, 128, 48
"""As duplicates are merged: bits of 256 by which upright copies may differ, and when a hash is trusted."""
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
    for record, look in images if blocked else ():
        for one in blocked:
            if record.uid not in one.spared and (evidence := _same(one, look)):
                found[record.uid] = down(one, f"{evidence} as {one.uid}")
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
    from curation.features import FeaturesBroken, unpack

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


def _same(one: Blocked, look: Examined) -> str | None:
    if one.sha256 == look.sha256:
        return "the same file"
    if one.pixels_sha256 and one.pixels_sha256 == look.pixels_sha256:
        return "the same pixels"
    return _alike(one, look) if one.hashes and look.hashes else None


def _alike(one: Blocked, look: Examined) -> str | None:
    """By hashes alone: upright as duplicates are merged, in other orientations more strictly."""
    ours, theirs = _bits(one.hashes), _bits(look.hashes)
    if min(one.detail, look.detail) < DETAILED or min(_lopsided(ours), _lopsided(theirs)) <= LOPSIDED:
        return None
    distances = (ours != theirs[0]).sum(axis=1)
    way = int(np.argmin(distances))
    if distances[way] > (NEAR if way == 0 else TURNED):
        return None
    return f"the same picture{f', {ORIENTATIONS[way].name},' if way else ''} (distance {distances[way]})"


def _lopsided(ways: Bits) -> int:
    return int((ways[1:] != ways[0]).sum(axis=1).min())


def _bits(hashes: str) -> Bits:
    raw = np.frombuffer(bytes.fromhex(hashes), dtype=np.uint8)
    return np.unpackbits(raw).reshape(len(ORIENTATIONS), BITS)
