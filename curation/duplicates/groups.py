"""Near-duplicates: which pictures show the same thing, and which of them is kept.

Two pictures are a pair on one of these grounds, and the verdict says which:

1. the same bytes, or the same pixels;
2. upright hashes at most `NEAR` bits apart, if both hashes can be trusted: there is detail above the noise,
   and the picture is not nearly its own mirror image (round blobs all hash alike);
3. hashes at most `FAR` bits apart in any of the eight orientations, and thumbnails that agree in it (see
   `curation.duplicates.agreement`).

Distances are exact, for every pair. Groups are not closed transitively: every member is held against the one
that stays, and goes only if those two are a pair, or agree.

On 539 distinct deep-sky pictures there is no false pair; the highest agreement of strangers is 0.83. Crops,
small turns and overlays that change the composition need local features: these would add to what `pairs`
finds, and nothing behind it would change.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.duplicates.agreement import AGREEMENT, Eye
from curation.fingerprint import BITS, ORIENTATIONS

NEAR = 31
"""Bits of 256 by which the upright hashes of copies may differ without another look."""
FAR = 64
"""Bits of 256 within which any orientation is looked at."""
DETAILED = 128
"""Coefficients above the noise from which on a hash is trusted; the poorest of 539 nebulae has 152."""
LOPSIDED = 48
"""Bits by which a picture's hash must differ from that of its own turned forms to be trusted."""
_BLOCK = 1024

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """One picture as duplicates are sought in it."""

    uid: str
    rank: tuple[object, ...]
    """Comparable among pictures; of copies the one with the smallest stays."""
    sha256: str
    pixels_sha256: str | None
    hashes: bytes
    """As `Fingerprint.hashes`."""
    detail: int


@dataclass(frozen=True)
class Pair:
    """Two pictures found to be copies: `first` is `second` laid as `orientation` says."""

    first: int
    second: int
    orientation: int
    distance: int
    agreement: float | None = None
    """`None`: the hashes alone were enough."""


@dataclass(frozen=True)
class Copy:
    """A picture that another one stands for."""

    of: str
    how: str
    """`same pixels`, `turned by 90° right (distance 12, agreement 0.97)`."""


def copies(looks: Iterable[Look], thumbnail: Callable[[str], bytes]) -> dict[str, Copy]:
    """Every picture that is a copy of a better one, by uid.

    `thumbnail` gives the encoded gray square of a file by its SHA-256; few are asked for.
    """
    ranked = sorted(looks, key=lambda look: look.rank)
    found: dict[str, Copy] = {}
    leaders: list[Look] = []
    by_content: dict[str, Look] = {}
    for look in ranked:
        same = by_content.get(look.sha256) or by_content.get(look.pixels_sha256 or look.sha256)
        if same is None:
            leaders.append(look)
            by_content[look.sha256] = by_content[look.pixels_sha256 or look.sha256] = look
        else:
            found[look.uid] = Copy(same.uid, "same bytes" if same.sha256 == look.sha256 else "same pixels")
    eye = Eye([look.sha256 for look in leaders], thumbnail)
    for kept, dropped, pair in _settled(leaders, pairs(leaders, eye), eye):
        found[dropped.uid] = Copy(kept.uid, _words(pair))
    return {uid: _at_the_end(copy, found) for uid, copy in found.items()}


def pairs(looks: Sequence[Look], eye: Eye) -> list[Pair]:
    """Every two pictures that are copies by their hashes, or by hashes and thumbnails."""
    found = []
    trusted = [_trusted(look) for look in looks]
    for first, second, distances in near_hashes([look.hashes for look in looks], FAR):
        if distances[0] <= NEAR and trusted[first] and trusted[second]:
            found.append(Pair(first, second, 0, int(distances[0])))
            continue
        order = sorted((int(distance), way) for way, distance in enumerate(distances) if distance <= FAR)
        for distance, way in order:
            agreement = eye.agreement(first, second, way)
            if agreement >= AGREEMENT:
                found.append(Pair(first, second, way, distance, agreement))
                break
    return found


def near_hashes(hashes: Sequence[bytes], radius: int) -> Iterator[tuple[int, int, NDArray[np.int16]]]:
    """Every pair whose hashes are at most `radius` bits apart in some orientation, with all eight distances.

    Pairs come as (first, second), first < second; distance `way` is between the upright hash of the first and
    the hash of the second in orientation `way`. Exact: bits become ±1, whose products add up to whole numbers
    that float32 holds, so that the work is a matrix product.
    """
    if not hashes:
        return
    bits = np.unpackbits(np.frombuffer(b"".join(hashes), dtype=np.uint8)).reshape(len(hashes), -1, BITS)
    for top in range(0, len(bits), _BLOCK):
        upright = _signs(bits[top : top + _BLOCK, 0])
        for left in range(top, len(bits), _BLOCK):
            others = _signs(bits[left : left + _BLOCK])
            products = upright @ others.reshape(-1, BITS).T
            distances = ((BITS - products) / 2).astype(np.int16).reshape(len(upright), len(others), -1)
            rows, columns = np.nonzero((distances <= radius).any(axis=2))
            for row, column in zip(rows, columns, strict=True):
                if top + row < left + column:
                    yield int(top + row), int(left + column), distances[row, column]


def _signs(bits: NDArray[np.uint8]) -> Floats:
    return bits.astype(np.float32) * 2 - 1


def _trusted(look: Look) -> bool:
    """Is nearness of this hash to another more than chance?"""
    if look.detail < DETAILED:
        return False
    ways = np.unpackbits(np.frombuffer(look.hashes, dtype=np.uint8)).reshape(-1, BITS)
    return bool((ways[1:] != ways[0]).sum(axis=1).min() > LOPSIDED)


def _settled(looks: Sequence[Look], found: Sequence[Pair], eye: Eye) -> Iterator[tuple[Look, Look, Pair]]:
    """Within each connected group: who stays, and who goes for him; `looks` come best first."""
    known = {(pair.first, pair.second): pair for pair in found}
    for group in _components(found):
        while group:
            best, rest = group[0], []
            for member in group[1:]:
                pair = known.get((best, member)) or _seen(best, member, eye)
                if pair is None:
                    rest.append(member)
                else:
                    yield looks[best], looks[member], pair
            group = rest


def _seen(first: int, second: int, eye: Eye) -> Pair | None:
    """A pair by its thumbnails alone, for members of one group."""
    agreements = [eye.agreement(first, second, way) for way in range(len(ORIENTATIONS))]
    way = int(np.argmax(agreements))
    return Pair(first, second, way, -1, agreements[way]) if agreements[way] >= AGREEMENT else None


def _components(found: Sequence[Pair]) -> list[list[int]]:
    """The connected groups, members in order."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    for pair in found:
        neighbours[pair.first].add(pair.second)
        neighbours[pair.second].add(pair.first)
    groups, placed = [], set()
    for start in sorted(neighbours):
        if start in placed:
            continue
        group, open_ = {start}, [start]
        while open_:
            fresh = neighbours[open_.pop()] - group
            group |= fresh
            open_ += fresh
        placed |= group
        groups.append(sorted(group))
    return groups


def _at_the_end(copy: Copy, found: dict[str, Copy]) -> Copy:
    """A copy of a copy (equal content) stands for the one that stays."""
    further = found.get(copy.of)
    return copy if further is None else Copy(further.of, further.how)


def _words(pair: Pair) -> str:
    # The first stays; the second was made of it by the inverse of what makes the first of the second.
    way = ORIENTATIONS[_INVERSE[pair.orientation]].name or "the same view"
    facts = [f"distance {pair.distance}"] if pair.distance >= 0 else []
    if pair.agreement is not None:
        facts.append(f"agreement {pair.agreement:.2f}")
    return f"{way} ({', '.join(facts)})"


_INVERSE = tuple(
    next(
        other
        for other, undo in enumerate(ORIENTATIONS)
        if np.array_equal(undo.turn(way.turn(np.arange(4).reshape(2, 2))), np.arange(4).reshape(2, 2))
    )
    for way in ORIENTATIONS
)
