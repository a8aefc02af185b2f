"""Train and test: held-out pictures of which nothing else in the dataset shows the same sky.

A family (copies, other photographs of the same place) stands on one side as a whole. The side is drawn by
hashes of names alone, so that a picture by itself never changes sides whatever is added, and a family rarely
does when it grows: it goes where the member goes whose name has the smallest hash.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

Side = Literal["train", "test"]


def split(uids: Iterable[str], families: Iterable[Iterable[str]], held_out: float) -> dict[str, Side]:
    """The side of every picture; about `held_out` of the families, of any size, are `test`.

    `families` do not overlap; they may name pictures that are not asked for (copies that were dropped), which
    then hold others together. A set so small that all its families fall on one side gives up the one nearest
    to the border, if it has two or more; this is the only case in which a later, larger set moves a picture
    by itself.
    """
    wanted = sorted(set(uids))
    place: dict[str, float] = {}
    for family in families:
        spoken = min(family, key=lambda uid: _number("speaks", uid))
        place |= dict.fromkeys(family, _number("split", spoken))
    places = {uid: place.get(uid, _number("split", uid)) for uid in wanted}
    border = _border(sorted(set(places.values())), held_out)
    return {uid: "test" if there < border else "train" for uid, there in places.items()}


def _border(places: Sequence[float], held_out: float) -> float:
    """Below it lies `test`: at `held_out`, unless one side would be empty."""
    if held_out == 0 or len(places) < 2:
        return 0.0
    return min(max(held_out, places[1]), places[-1]) if places[0] >= held_out else min(held_out, places[-1])


def _number(about: str, uid: str) -> float:
    """From 0 to 1, evenly, another one for each question about a picture."""
    digest = hashlib.sha256(f"universe-gan {about}: {uid}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
