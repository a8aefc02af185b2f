"""Stars found and compared: what is drawn is found, noise never counts."""

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("sep", reason="sep is not installed")

from numpy.typing import NDArray

from universe_gan.upscaling import stars

Pixels = NDArray[np.float32]
Star = tuple[float, float, float]
"""x, y and light: 1 is one white pixel."""
WIDTH = 1.2
SKY: Sequence[Star] = [(20.3, 30.7, 4.0), (70.0, 25.5, 2.0), (45.5, 80.25, 6.0), (100.0, 100.0, 3.0)]


def drawn(
    sky: Sequence[Star], side: int = 128, noise: float = 0.0, width: float = WIDTH, cloud: float = 0.15
) -> Pixels:
    """Stars before a cloud."""
    y, x = np.mgrid[:side, :side]
    picture = 0.25 + cloud * np.sin(x / 40) * np.cos(y / 35)
    for across, down, light in sky:
        shape = np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * width**2))
        picture = picture + light * shape / (2 * np.pi * width**2)
    dice = np.random.default_rng(0)
    colour = np.repeat(picture[..., None], 3, axis=2) + dice.normal(0, noise, (side, side, 3))
    return colour.clip(0, 1).astype(np.float32)


@pytest.mark.parametrize(("cloud", "off"), [(0.0, 0.03), (0.15, 0.2)])
def test_drawn_stars_are_found_where_they_are_with_their_light(cloud: float, off: float) -> None:
    """Before a cloud the background is a mesh's guess: 0.01 off is half a white pixel of light."""
    found = stars.stars(drawn(SKY, cloud=cloud))
    order = np.argsort(found.places[:, 0])
    wanted = np.array(sorted(SKY))
    assert len(found) == len(SKY)
    assert np.abs(found.places[order] - wanted[:, :2]).max() < 0.15
    assert np.abs(found.flux[order] / wanted[:, 2] - 1).max() < off


def test_a_picture_is_its_own_equal() -> None:
    picture = drawn(SKY, noise=0.01)
    assert stars.compare(picture, picture) == stars.Fate(4, 1.0, 1.0, 0.0)


def test_noise_neither_hides_nor_invents_stars() -> None:
    fate = stars.compare(drawn(SKY), drawn(SKY, noise=0.02))
    assert (fate.stars, fate.recall, fate.invented) == (4, 1.0, 0.0)
    assert fate.flux == pytest.approx(1, abs=0.06)
    assert len(stars.stars(drawn([], noise=0.05))) == 0


@pytest.mark.parametrize(("share", "recall"), [(0.7, 1.0), (0.4, 0.0)])
def test_dimmed_stars_show_in_the_flux_and_below_half_of_it_are_lost(share: float, recall: float) -> None:
    dim = [(x, y, light * share) for x, y, light in SKY]
    fate = stars.compare(drawn(SKY), drawn(dim))
    assert fate.flux == pytest.approx(share, abs=0.08)
    assert fate.recall == recall


def test_a_missing_star_lowers_the_recall_and_an_added_one_is_invented() -> None:
    other = [*SKY[:3], (30.0, 110.0, 4.0)]
    fate = stars.compare(drawn(SKY), drawn(other))
    assert fate.recall == pytest.approx(3 / 4)
    assert fate.invented == pytest.approx(1 / 4)


def test_a_star_that_moved_by_a_pixel_is_the_same_and_by_three_another() -> None:
    near = [(x + 1, y, light) for x, y, light in SKY]
    far = [(x + 3, y, light) for x, y, light in SKY]
    assert stars.compare(drawn(SKY), drawn(near)).recall == 1
    assert stars.compare(drawn(SKY), drawn(far)).recall == 0


def test_clouds_and_lines_are_no_stars() -> None:
    picture = drawn([(40.0, 40.0, 60.0)], width=9.0)
    picture[90:92, 20:80] += 0.3  # a trail
    assert len(stars.stars(picture.clip(0, 1))) == 0


@pytest.mark.parametrize("side", [1, 2, 3, 17])
def test_small_and_empty_pictures_have_no_stars_and_no_verdict(side: int) -> None:
    nothing = np.zeros((side, side, 3), np.float32)
    assert stars.compare(nothing, nothing) == stars.Fate(0, None, None, None)
