"""The square around a planet, on the surfaces of real ones (Debian's stellarium-data) in random places."""

from dataclasses import dataclass

import numpy as np
import pytest
import stellarium
from PIL import Image
from worlds import Rings, Seen, Texture, World, photograph

from curation.imaging.boxes import Choice, choose
from curation.imaging.crop import square
from curation.imaging.pixels import Picture
from curation.imaging.subject import find
from curation.settings import CurateSettings

NAMES = ("earthmap", "io", "jupiter", "mars", "mercury", "moon", "neptune", "phobos", "saturn", "venus")
PLACEMENTS = 200
SETTINGS = CurateSettings(size=64, crop="subject")


@pytest.fixture(scope="module")
def surfaces() -> dict[str, Texture]:
    known = stellarium.textures()
    opened = {name: Image.open(known[name]) for name in NAMES}
    return {name: np.asarray(image.convert("RGB")) for name, image in opened.items()}


@dataclass(frozen=True)
class Case:
    """One random placement and what became of it."""

    name: str
    seen: Seen
    choice: Choice

    @property
    def cut(self) -> bool:
        """Is anything outside the square that the picture shows of the body?"""
        left, top, right, bottom = self.seen.lit
        width, height = self.seen.image.size
        box = self.choice.box
        return (
            box[0] > max(0, left)
            or box[1] > max(0, top)
            or box[2] < min(width, right)
            or box[3] < min(height, bottom)
        )

    @property
    def crossed(self) -> bool:
        """Does the picture's own edge cut the body?"""
        left, top, right, bottom = self.seen.lit
        return left < 1 or top < 1 or right > self.seen.image.width - 1 or bottom > self.seen.image.height - 1


def a_case(seed: int, surfaces: dict[str, Texture]) -> Case:
    """Any planet anywhere: phases, rings, moons, stars, noise, compression, dark and bright skies."""
    dice = np.random.default_rng(seed)
    width, height = (int(side) for side in dice.integers(300, 700, 2))
    radius = float(dice.uniform(0.08, 0.42)) * min(width, height)
    phase = float(dice.choice([0, 20, 60, 90, 120, 140]))
    rings = None
    if dice.random() < 0.3:
        radius, phase = radius / 1.8, float(dice.uniform(0, 40))
        gap = (1.95, 2.03) if dice.random() < 0.7 else None
        rings = Rings(
            opening=float(dice.uniform(3, 40)),
            tilt=float(dice.uniform(-60, 60)),
            inner=float(dice.choice([1.24, 1.5])),
            gap=gap,
        )
    name = str(dice.choice(NAMES))
    world = World(
        float(dice.uniform(radius, width - radius)),
        float(dice.uniform(radius, height - radius)),
        radius,
        phase,
        float(dice.uniform(0, 360)),
        surfaces[name],
        longitude=float(dice.random()),
        rings=rings,
        squash=float(dice.choice([0, 0.06])),
    )
    moons = []
    if dice.random() < 0.3:
        place = (float(dice.uniform(0, width)), float(dice.uniform(0, height)))
        moons.append(World(*place, radius * float(dice.uniform(0.05, 0.15)), phase, world.sun))
    bright = bool(dice.random() < 0.2)
    slopes = dice.uniform(-25, 25, 2) if bright else dice.uniform(0, 8, 2)
    seen = photograph(
        width,
        height,
        world,
        *moons,
        seed=seed,
        sky=60 if bright else float(dice.uniform(0, 14)),
        gradient=(float(slopes[0]), float(slopes[1])),
        noise=float(dice.uniform(0.5, 3)),
        stars=int(dice.choice([0, 0, 40, 300])),
        quality=[None, 85, 60][dice.integers(3)],
        blur=float(dice.uniform(0.4, 1.5)),
    )
    return Case(name, seen, choose(width, height, find(seen.image), SETTINGS))


@pytest.fixture(scope="module")
def cases(surfaces: dict[str, Texture]) -> list[Case]:
    return [a_case(seed, surfaces) for seed in range(PLACEMENTS)]


def test_limb_and_rings_are_never_cut(cases: list[Case]) -> None:
    found = [case for case in cases if case.choice.crop == "subject"]
    assert len(found) >= 0.97 * PLACEMENTS
    assert [case for case in found if case.cut] == []
    assert sum(case.crossed for case in cases) >= PLACEMENTS // 20  # the dice made bodies that are cut anyway


def test_centred_squares_would_have_cut_many_of_them(cases: list[Case]) -> None:
    lost = [case.choice.lost for case in cases if case.choice.lost]
    assert np.mean([one["centre"] for one in lost]) > 0.1
    assert np.mean([one["subject"] for one in lost]) < 0.005


def test_the_body_fills_the_square_alike_wherever_it_stood(cases: list[Case]) -> None:
    filled = []
    for case in cases:
        side = case.choice.box[2] - case.choice.box[0]
        if case.choice.crop == "subject" and side > 70 and not case.crossed:
            left, top, right, bottom = case.seen.lit
            filled.append(max(right - left, bottom - top) / side)
    assert np.percentile(filled, 10) > 0.6  # less where a moon close by belongs to it
    assert max(filled) < 0.95


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_every_size_shows_the_whole_body(cases: list[Case], size: int) -> None:
    settings = CurateSettings(size=size, min_side=256, crop="subject")
    for case in [case for case in cases if case.choice.crop == "subject" and not case.crossed][:6]:
        width, height = case.seen.image.size
        choice = choose(width, height, find(case.seen.image), settings)
        image = square(Picture(case.seen.image, width, height), choice.box, size)
        assert image.size == (size, size)
        scale = size / (choice.box[2] - choice.box[0])
        left, top, right, bottom = case.seen.lit
        shown = ((left - choice.box[0]) * scale, (top - choice.box[1]) * scale)
        assert min(shown) >= 0
        assert max((right - choice.box[0]) * scale, (bottom - choice.box[1]) * scale) <= size


def test_of_the_nebulae_hardly_any_is_taken_for_a_planet() -> None:
    paths = stellarium.nebulae()[::6]
    taken = []
    for path in paths:
        with Image.open(path) as opened:
            taken.append(find(opened.convert("RGBA").convert("RGB")) is not None)
    assert sum(taken) <= 0.04 * len(paths)
