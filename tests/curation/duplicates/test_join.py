"""The join of hashes: every pair within the radius and no other, however crowded, in numpy and compiled."""

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from curation.duplicates import bands, join, plain
from curation.duplicates.join import near_hashes, pairs_within

Hashes = NDArray[np.uint8]
ENGINES = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not find_spec("numba"), reason="numba is not installed")),
]


def apart(one: Hashes, other: Hashes) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def by_hand(hashes: Hashes, radius: int) -> dict[tuple[int, int], int]:
    every = ((first, second) for first in range(len(hashes)) for second in range(first + 1, len(hashes)))
    distances = {(first, second): apart(hashes[first], hashes[second]) for first, second in every}
    return {pair: distance for pair, distance in distances.items() if distance <= radius}


def found(hashes: Hashes, radius: int, compiled: bool) -> dict[tuple[int, int], int]:
    near = pairs_within(hashes, radius, compiled=compiled)
    pairs = list(zip(near.first.tolist(), near.second.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    return dict(zip(pairs, near.distances.tolist(), strict=True))


def a_set(kind: str, number: int, seed: int) -> Hashes:
    """Hashes as sets of pictures have them: strangers, copies, crowds, bands that hold nothing."""
    dice = np.random.default_rng(seed)
    hashes = dice.integers(0, 256, (number, 32), dtype=np.uint8)
    if kind == "strangers" or not number:
        return hashes
    if kind == "equal":
        return hashes[dice.integers(0, 1 + number // 8, number)]
    if kind == "crowd":
        return hashes[:1] ^ np.packbits(dice.random((number, 256)) < 0.08, axis=1)
    if kind == "empty bands":
        hashes[: number // 2, : dice.integers(1, 24)] = 0
    if kind == "same bits":
        hashes[:] &= dice.integers(0, 256, 32, dtype=np.uint8)
    parents = hashes[dice.integers(0, 1 + number // 4, number)]
    near = parents ^ np.packbits(dice.random((number, 256)) < dice.choice([0.02, 0.06, 0.12]), axis=1)
    return np.where(dice.random((number, 1)) < 0.5, hashes, near)


KINDS = ("strangers", "copies", "equal", "crowd", "empty bands", "same bits")


@pytest.mark.parametrize("compiled", ENGINES)
@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    number=st.integers(0, 90),
    seed=st.integers(0, 2**32),
    radius=st.sampled_from([0, 1, 2, 7, 30, 31, 64]),
    crowd=st.integers(1, 30),
    block=st.integers(1, 40),
)
@example(kind="empty bands", number=80, seed=1, radius=31, crowd=2, block=3)
def test_every_pair_within_the_radius_is_found_once_and_no_other(
    compiled: bool, kind: str, number: int, seed: int, radius: int, crowd: int, block: int
) -> None:
    hashes = a_set(kind, number, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "MATRIX", 0)
        patch.setattr(bands, "CROWD", crowd)
        patch.setattr(bands, "WIDTH", 8)
        patch.setattr(plain, "BLOCK", block)
        patch.setattr(plain, "AT_ONCE", block)
        assert found(hashes, radius, compiled) == by_hand(hashes, radius)


@pytest.mark.parametrize("compiled", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_large_sets_give_what_the_matrix_gives(
    kind: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = a_set(kind, 5000, 3)
    expected = pairs_within(hashes, 31)
    monkeypatch.setattr(join, "MATRIX", 0)
    monkeypatch.setattr(bands, "CROWD", 64)
    near = pairs_within(hashes, 31, compiled=compiled)
    assert np.array_equal(near.first, expected.first)
    assert np.array_equal(near.second, expected.second)
    assert np.array_equal(near.distances, expected.distances)
    assert kind in ("strangers",) or len(near) > 0


def test_hashes_that_share_a_band_are_split_further_and_not_all_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashes = a_set("strangers", 40_000, 5)
    hashes[:20_000, :3] = 0
    hashes[7, 3:] = hashes[9, 3:]
    compared = 0
    gather = plain._near

    def counting(*arguments: object) -> object:
        nonlocal compared
        begin, end = arguments[3], arguments[4]
        assert isinstance(begin, np.ndarray)
        compared += int(np.maximum(end - begin, 0).sum())
        return gather(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(plain, "_near", counting)
    monkeypatch.setattr(plain.Plain, "all", lambda *_: pytest.fail("all were held against all"))
    assert found(hashes, 31, False) == {(7, 9): apart(hashes[7], hashes[9])}
    assert compared < 40_000 * 40_000 / 2 / 25


def turned(hashes: Hashes, radius: int) -> dict[tuple[int, int], list[int]]:
    near = {}
    for first in range(len(hashes)):
        for second in range(first + 1, len(hashes)):
            ways = [apart(hashes[first, 0], way) for way in hashes[second]]
            if min(ways) <= radius:
                near[first, second] = ways
    return near


@settings(deadline=None, max_examples=40)
@given(
    number=st.integers(0, 24),
    seed=st.integers(0, 2**32),
    radius=st.sampled_from([0, 31, 64, 128]),
    block=st.integers(1, 12),
    matrix=st.booleans(),
)
def test_turned_pictures_are_found_with_all_their_distances(
    number: int, seed: int, radius: int, block: int, matrix: bool
) -> None:
    dice = np.random.default_rng(seed)
    centres = dice.integers(0, 256, (3, 8, 32), dtype=np.uint8)
    noise = np.packbits(dice.random((number, 8, 256)) < 0.08, axis=2)
    hashes = np.stack([np.roll(centres[n % 3], n % 8, axis=0) for n in range(number)] or [centres[0]])
    hashes = hashes[:number] ^ noise
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "BLOCK", block)
        patch.setattr(bands, "CROWD", 3)
        patch.setattr(bands, "WIDTH", 8)
        if not matrix:
            patch.setattr(join, "MATRIX", 0)
        near = near_hashes([one.tobytes() for one in hashes], radius)
    pairs = zip(near.first.tolist(), near.second.tolist(), near.distances.tolist(), strict=True)
    assert [(first, second) for first, second, _ in pairs] == sorted(turned(hashes, radius))
    for first, second, ways in zip(near.first, near.second, near.distances, strict=True):
        assert ways.tolist() == turned(hashes, radius)[int(first), int(second)]


def test_older_numpy_counts_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    words = a_set("strangers", 50, 9).view(np.uint64)
    expected = bands.count(words)
    monkeypatch.delattr(np, "bitwise_count")
    assert np.array_equal(bands.count(words), expected)


def test_small_sets_do_not_load_numba() -> None:
    program = (
        "import sys, numpy as np\n"
        "from curation.duplicates.join import pairs_within, near_hashes\n"
        "pairs_within(np.zeros((2000, 32), np.uint8) + np.arange(2000, dtype=np.uint8)[:, None], 31)\n"
        "near_hashes([bytes(256)] * 5, 64)\n"
        "sys.exit('numba' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
