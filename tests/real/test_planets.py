"""Planets: copies of one picture are recognised, and other views of the same planet are not its copies."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import stellarium
from PIL import Image
from recognised import found, shelved
from worlds import World, photograph

from curation import features

PLANETS = (
    "jupiter",
    "mars",
    "moon",
    "io",
    "europa",
    "ganymede",
    "callisto",
    "mercury",
    "iapetus",
    "earthmap",
)
VIEWS = ((0.0, 0.0), (0.5, 0.0), (0.25, 60.0), (0.5, 100.0))
"""Turned by this share of a day, and lit from this far aside, in degrees."""
KINDS = (
    "JPEG quality 50",
    "half as large",
    "gray",
    "gamma 0.6",
    "mirrored",
    "turned 90",
    "turned 15",
    "crop 90 %",
    "crop 75 %",
    "caption",
    "labels",
    "white border",
)


@pytest.fixture(scope="module")
def planets() -> Sequence[str]:
    """Names of views: `PLANET@VIEW`."""
    known = stellarium.textures()
    there = [name for name in PLANETS if name in known]
    return [f"{name}@{view}" for name in there for view in range(len(VIEWS))]


def rendered(name: str) -> Image.Image:
    """A camera's view of a textured globe: its own size, place, light and noise."""
    planet, view = name.split("@")
    with Image.open(stellarium.TEXTURES / f"{planet}.png") as opened:
        texture = np.asarray(opened.convert("RGB"))
    longitude, phase = VIEWS[int(view)]
    dice = np.random.default_rng(zlib.crc32(name.encode()))
    radius, x, y = dice.uniform(130, 190), *dice.uniform(-40, 40, 2)
    sun = dice.uniform(0, 360)
    world = World(256 + x, 240 + y, radius, phase=phase, sun=sun, texture=texture, longitude=longitude)
    return photograph(512, 480, world, seed=int(dice.integers(1 << 30)), stars=30).image


@pytest.mark.skipif(not features.available(), reason="OpenCV is not installed: the extra [verify]")
def test_copies_of_a_view_are_recognised_and_other_views_stay(planets: Sequence[str], tmp_path: Path) -> None:
    shelf = shelved(tmp_path, planets, planets[::7], opened=rendered, kinds=KINDS)
    assert len(shelf.originals) >= 32
    table = {one.kind: one for one in found(shelf, tmp_path, KINDS)}
    assert {kind: one.strangers for kind, one in table.items() if one.strangers} == {}
    missed = [name for one in table.values() for name in one.missed]
    assert sum(one.recall for one in table.values()) / len(table) >= 0.95, missed
