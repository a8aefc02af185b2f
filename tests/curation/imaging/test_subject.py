"""Finding the planet: whole, crescent, ringed, cut; and saying so where there is none."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skies import a_sky
from worlds import Rings, Seen, World, bands, photograph

from curation.imaging.boxes import Box, choose
from curation.imaging.subject import find
from curation.settings import CurateSettings

SETTINGS = CurateSettings(size=64, crop="subject")


def clipped(seen: Seen) -> tuple[float, float, float, float]:
    left, top, right, bottom = seen.lit
    return max(0, left), max(0, top), min(seen.image.width, right), min(seen.image.height, bottom)


def off(box: Box | None, bounds: tuple[float, float, float, float]) -> float:
    """The largest distance of a side from where it should be, as a share of the longer side."""
    assert box is not None
    side = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    return max(abs(a - b) for a, b in zip(box, bounds, strict=True)) / side


@pytest.mark.parametrize("quality", [None, 60])
@pytest.mark.parametrize(("sky", "gradient"), [(3.0, (0.0, 0.0)), (70.0, (-25.0, 20.0))])
def test_a_full_disc_is_found_on_dark_and_on_bright_sky(
    sky: float, gradient: tuple[float, float], quality: int | None
) -> None:
    world = World(420, 230, 150, 20, 30, bands(1))
    seen = photograph(800, 500, world, sky=sky, gradient=gradient, noise=2.5, stars=60, quality=quality)
    assert off(find(seen.image), seen.lit) < 0.03


@pytest.mark.parametrize("phase", [60, 90, 120, 140])
@pytest.mark.parametrize("sun", [0, 75, 200])
def test_of_a_crescent_the_whole_disc_is_the_subject(phase: float, sun: float) -> None:
    world = World(390, 310, 160, phase, sun, bands(2))
    seen = photograph(800, 600, world, seed=int(phase + sun), noise=1.5, quality=85)
    assert off(find(seen.image), (230, 150, 550, 470)) < 0.04


@pytest.mark.parametrize("opening", [3, 12, 30])
@pytest.mark.parametrize("tilt", [0, 25, -60])
def test_rings_belong_to_their_planet(opening: float, tilt: float) -> None:
    rings = Rings(opening=opening, tilt=tilt)
    seen = photograph(900, 800, World(450, 400, 130, 15, 40, bands(3), rings=rings), stars=40)
    assert off(find(seen.image), seen.lit) < 0.03


def test_rings_apart_from_the_globe_belong_to_it() -> None:
    rings = Rings(inner=1.9, outer=2.0, opening=60, brightness=90, gap=None)
    seen = photograph(900, 800, World(450, 400, 130, 0, 0, bands(3), rings=rings))
    assert off(find(seen.image), seen.lit) < 0.03


def test_a_moon_close_by_belongs_to_the_subject_and_a_far_one_does_not() -> None:
    world = World(300, 300, 120, 10, 30, bands(4))
    near = photograph(900, 600, world, World(445, 300, 12))
    assert off(find(near.image), (180, 180, 457, 420)) < 0.03
    far = photograph(900, 600, world, World(800, 90, 12))
    assert off(find(far.image), far.lit) < 0.03


def test_of_several_bodies_the_brightest_and_largest_is_the_subject() -> None:
    seen = photograph(
        1200, 500, World(850, 260, 140, 10, 30, bands(5)), World(200, 240, 70, 10, 30, bands(6))
    )
    assert off(find(seen.image), seen.lit) < 0.03


def test_a_planet_small_in_the_picture_is_found_as_exactly_as_a_large_one() -> None:
    seen = photograph(1800, 1400, World(1300, 300, 60, 30, 10, bands(7)), stars=300, noise=2)
    assert off(find(seen.image), (1240, 240, 1360, 360)) < 0.04


@pytest.mark.parametrize(
    ("place", "edges"), [((40, 300), {0: 0}), ((770, 300), {2: 800}), ((30, 580), {0: 0, 3: 600})]
)
def test_a_side_that_the_picture_cuts_lies_on_its_edge(place: tuple[int, int], edges: dict[int, int]) -> None:
    seen = photograph(800, 600, World(*place, 120, 10, 30, bands(8)))
    box = find(seen.image)
    assert off(box, clipped(seen)) < 0.03
    assert box is not None
    assert {side: box[side] for side in range(4) if box[side] in (0, 800 if side % 2 == 0 else 600)} == edges


def test_a_planet_that_fills_the_frame_is_found() -> None:
    seen = photograph(500, 500, World(250, 250, 244, 0, 0, bands(9)))
    assert off(find(seen.image), (6, 6, 494, 494)) < 0.02


def test_the_night_side_may_lie_beyond_the_picture() -> None:
    seen = photograph(600, 500, World(520, 250, 140, 130, 180, bands(10)))
    box = find(seen.image)
    assert off(box, (380, 110, 660, 390)) < 0.05
    assert box is not None
    assert box[2] > 600


def nothing(kind: str) -> Image.Image:
    dice = np.random.default_rng(3)
    if kind == "noise":
        return Image.fromarray(dice.integers(0, 40, (300, 400, 3), dtype=np.uint8))
    if kind == "black":
        return Image.new("RGB", (400, 300))
    if kind == "one pixel":
        return Image.new("RGB", (1, 1), (9, 9, 9))
    if kind == "line":
        return Image.new("RGB", (3000, 2), (9, 9, 9))
    if kind == "surface":
        return Image.fromarray(bands(3)).resize((800, 500))
    if kind == "stars":
        return photograph(700, 500, stars=900).image
    y, x = np.mgrid[:400, :600]
    glow = 200 * np.exp(-((x - 300) ** 2 + (y - 200) ** 2) / 2 / 70**2)
    return Image.fromarray(np.stack([glow.astype(np.uint8)] * 3, axis=-1))


@pytest.mark.parametrize("kind", ["noise", "black", "one pixel", "line", "surface", "stars", "soft glow"])
def test_where_there_is_no_body_there_is_no_subject(kind: str) -> None:
    assert find(nothing(kind)) is None


def test_fields_of_nebulae_have_no_subject() -> None:
    assert len([seed for seed in range(20) if find(a_sky(seed, 400, 300))]) <= 1


@pytest.mark.parametrize("seed", range(6))
def test_limb_and_rings_are_never_cut_wherever_they_lie(seed: int) -> None:
    """A part of what `tests/real/test_real_planets.py` does with real surfaces, without any file."""
    dice = np.random.default_rng(seed)
    for _ in range(5):
        width, height = (int(side) for side in dice.integers(300, 900, 2))
        radius = float(dice.uniform(0.1, 0.2) * min(width, height))
        rings = Rings(opening=float(dice.uniform(3, 40)), tilt=float(dice.uniform(-90, 90)))
        world = World(
            float(dice.uniform(radius, width - radius)),
            float(dice.uniform(radius, height - radius)),
            radius,
            float(dice.choice([0, 30, 90, 130])),
            float(dice.uniform(0, 360)),
            bands(seed),
        )
        if dice.random() < 0.4:
            world = replace(world, rings=rings, phase=20)
        seen = photograph(width, height, world, seed=seed, stars=50, quality=80)
        choice = choose(width, height, find(seen.image), SETTINGS)
        left, top, right, bottom = clipped(seen)
        assert choice.crop == "subject"
        assert choice.box[0] <= left
        assert choice.box[1] <= top
        assert choice.box[2] >= right
        assert choice.box[3] >= bottom
