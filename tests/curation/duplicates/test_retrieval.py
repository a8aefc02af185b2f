"""Candidates: copies among strangers, by a rule that looks at the two alone."""

import functools
import itertools
import random

import pytest
from derivatives import KINDS
from PIL import Image
from skies import a_sky

from curation.duplicates import retrieval
from curation.duplicates.retrieval import candidates
from curation.imaging import features
from curation.imaging.features import FeaturesBroken, extract
from curation.imaging.fingerprint import canonical

pytestmark = pytest.mark.skipif(
    not features.available(), reason="OpenCV is not installed: pip install 'universe-gan[verify]'"
)

CHANGED = ("crop 75 %", "turned 15", "mirrored", "upside down", "caption", "black border", "half as large")


@functools.cache
def of(seed: int, kind: str = "") -> bytes:
    image = a_sky(seed, 320)
    return extract(canonical(KINDS[kind](image) if kind else image))


def some() -> list[bytes]:
    """Ten skies, then seven copies of the first seven."""
    return [of(seed) for seed in range(10)] + [of(seed, kind) for seed, kind in enumerate(CHANGED)]


def test_copies_are_candidates_and_few_strangers_are() -> None:
    found = set(candidates(some()))
    assert {(seed, 10 + seed) for seed in range(len(CHANGED))} <= found
    assert len(found) <= len(CHANGED) + 17 * 16 // 2 // 10


def test_whether_two_are_candidates_depends_on_these_two_alone() -> None:
    pictures = some()
    whole = set(candidates(pictures))
    for pair in [*whole, *random.Random(2).sample(list(itertools.combinations(range(17), 2)), 20)]:
        assert bool(candidates([pictures[number] for number in pair])) == (pair in whole)


def test_neither_the_order_nor_the_blocks_change_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = some()
    whole = candidates(pictures)
    order = random.Random(3).sample(range(len(pictures)), len(pictures))
    monkeypatch.setattr(retrieval, "_BLOCK", 40)
    shuffled = candidates([pictures[number] for number in order])
    assert (
        sorted(tuple(sorted((order[one], order[other]))) for one, other in shuffled) == whole == sorted(whole)
    )


def test_only_what_is_fresh_is_compared_and_nothing_is_lost_by_it() -> None:
    pictures = some()
    whole = candidates(pictures)
    fresh = [number % 5 == 1 for number in range(len(pictures))]
    assert candidates(pictures, fresh) == [pair for pair in whole if any(fresh[number] for number in pair)]
    assert candidates(pictures, [False] * len(pictures)) == []


def test_equal_pictures_are_candidates_and_empty_ones_are_not() -> None:
    nothing = extract(Image.new("L", (64, 64), 9))
    assert candidates([of(1), nothing, of(1), nothing]) == [(0, 2)]
    assert candidates([]) == candidates([nothing]) == candidates([nothing, nothing]) == []


def test_a_field_of_lone_stars_has_nothing_to_tell() -> None:
    star = retrieval._star()
    assert star @ star == pytest.approx(1, abs=1e-5)
    assert star[features.MIRROR] @ star > 0.99


def test_broken_features_are_named() -> None:
    with pytest.raises(FeaturesBroken):
        candidates([of(1), b"broken"])
