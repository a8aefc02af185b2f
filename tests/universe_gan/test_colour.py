"""Colour matching: what changes, and what must never change."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skies import a_sky

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")

from skimage.color import rgb2lab

from universe_gan import colour
from universe_gan.colour import Reference, curve, levels, matched, matched_set, stars
from universe_gan.measuring.metrics import colour_distance

Set = NDArray[np.uint8]
SIDE = 48


def skies(count: int, first: int) -> Set:
    """Skies, each in a colour and brightness of its own."""
    found = []
    for seed in range(first, first + count):
        dice = np.random.default_rng(seed)
        picture = np.asarray(a_sky(seed, SIDE)) / 255 * dice.uniform(0.4, 1.6, 3) * dice.uniform(0.7, 1.3)
        found.append(np.rint(255 * picture.clip(0, 1)))
    return np.array(found).astype(np.uint8)


def tinted(pictures: Set) -> Set:
    return levels((pictures / 255 * [1.2, 0.85, 0.6]).astype(np.float32))


@pytest.fixture(scope="module")
def reals() -> Set:
    return skies(40, 0)


@pytest.fixture(scope="module")
def reference(reals: Set) -> Reference:
    return Reference.of(reals)


@pytest.fixture(scope="module")
def fakes() -> Set:
    """What a generator with a tint draws."""
    return tinted(skies(24, 500))


def variety(pictures: Set) -> float:
    """Variance of the pictures' mean colours across the set."""
    return float(pictures.mean(axis=(1, 2)).var(axis=0).sum())


def one_histogram(pictures: Set, reals: Set) -> Set:
    """Every channel of every picture gets the histogram of all reals together."""
    found = np.empty_like(pictures)
    for channel in range(3):
        pool = np.sort(reals[..., channel].ravel())
        for number, picture in enumerate(pictures[..., channel]):
            ranks = picture.ravel().argsort(kind="stable").argsort()
            found[number, ..., channel] = pool[ranks * len(pool) // picture.size].reshape(picture.shape)
    return found


def test_no_strength_gives_the_picture_back_byte_for_byte(reference: Reference, fakes: Set) -> None:
    assert (matched_set(fakes, reference, strength=0) == fakes).all()


def test_a_real_picture_among_its_like_stays_as_it_is(reference: Reference, reals: Set) -> None:
    assert np.abs(matched_set(reals, reference).astype(int) - reals).max() <= 1
    alone = Reference.of(reals[:1])
    assert np.abs(levels(matched(reals[0], alone)).astype(int) - reals[0]).max() <= 1


def test_half_the_strength_is_half_the_way(reference: Reference, fakes: Set) -> None:
    whole, half = (matched(fakes[0], reference, strength=share) for share in (1, 0.5))
    assert half == pytest.approx((fakes[0] / 255 + whole) / 2, abs=1e-5)


def test_a_tinted_set_comes_nearer_to_pictures_never_looked_at(reference: Reference, fakes: Set) -> None:
    held_out = skies(40, 900)
    after = matched_set(fakes, reference)
    assert colour_distance(held_out, after) < 0.85 * colour_distance(held_out, fakes)


def test_variety_stays_where_one_histogram_for_all_would_end_it(
    reference: Reference, reals: Set, fakes: Set
) -> None:
    assert variety(matched_set(fakes, reference)) > 0.45 * variety(fakes)
    assert variety(one_histogram(fakes, reals)) < 0.01 * variety(fakes)


def test_black_stays_black_and_dark_sky_stays_dark(reference: Reference) -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.float32)
    picture[10:30, 10:30] = (0.5, 0.3, 0.2)
    picture[:, :6] = 0.02
    after = matched(picture, reference)
    assert (after[40:, 20:] == 0).all()
    assert after[:, :6] == pytest.approx(picture[:, :6], abs=1 / 255)
    assert np.abs(after[15:25, 15:25] - picture[15:25, 15:25]).max() > 0.02
    assert (levels(matched(np.zeros((SIDE, SIDE, 3), np.uint8), reference)) == 0).all()


def test_a_star_keeps_its_hue_in_a_picture_that_changes_its_own(reals: Set) -> None:
    warm = Reference.of(np.full((1, SIDE, SIDE, 3), (150, 90, 40), np.uint8))
    picture = np.full((SIDE, SIDE, 3), (70, 90, 110), np.uint8)
    picture[20:22, 20:22] = (150, 180, 255)
    before, after = (rgb2lab(one)[..., 1:] for one in (picture / 255, matched(picture, warm)))
    hues = [np.degrees(np.arctan2(one[20, 20, 1], one[20, 20, 0])) for one in (before, after)]
    assert abs(hues[0] - hues[1]) < 6
    assert before[5, 5, 1] < 0 < after[5, 5, 1]  # its surroundings turned from blue to yellow


def test_a_filament_is_no_star() -> None:
    light = np.full((64, 64), 20.0)
    light[30:32, :] = 80  # a filament
    light[10:12, 10:12] = 80
    found = stars(light)
    assert found[10, 10] == 1
    assert found[30:32].max() == 0


def test_the_curve_rises_everywhere_whatever_is_asked_of_it() -> None:
    dice = np.random.default_rng(1)
    for _ in range(50):
        own, aim = (np.sort(dice.beta(*dice.uniform(0.2, 5, 2), colour.KNOTS)) * 100 for _ in range(2))
        found = curve(own, aim)
        inner = found < 100
        slopes = np.diff(found)[inner[1:]] / np.diff(colour._GRID)[inner[1:]]
        assert slopes.min() > 0.29
        assert slopes.max() < 2.51
        assert found[0] == 0


def test_a_large_picture_is_measured_small_and_changed_at_its_own_size(
    reference: Reference, fakes: Set
) -> None:
    large = np.kron(fakes[0], np.ones((12, 12, 1), np.uint8))
    after = matched(large, reference)
    assert after.shape == (SIDE * 12, SIDE * 12, 3)
    assert after[::12, ::12].mean(axis=(0, 1)) == pytest.approx(
        matched(fakes[0], reference).mean(axis=(0, 1)), abs=0.06
    )


def test_neighbours_can_be_found_by_features_too(reals: Set, fakes: Set) -> None:
    def see(pictures: Set) -> NDArray[np.float64]:
        return pictures.mean(axis=3).reshape(len(pictures), -1) / 255

    by_shape = Reference.of(reals, see)
    order, weights = by_shape.nearest(see(reals[7:8])[0], 3)
    assert order[0] == 7
    assert weights.sum() == pytest.approx(1)
    assert matched_set(fakes[:2], by_shape).shape == fakes[:2].shape
