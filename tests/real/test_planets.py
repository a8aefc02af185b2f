"""Planets: copies of one picture are recognised, and other views of the same planet are not its copies."""

import functools
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import stellarium
from PIL import Image
from recognised import Found, found, shelved
from worlds import Texture, World, photograph

from curation.imaging import features

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


needs_features = pytest.mark.skipif(
    not features.available(), reason="OpenCV is not installed: the extra [verify]"
)


@needs_features
def test_copies_of_a_view_are_recognised_and_other_views_stay(planets: Sequence[str], tmp_path: Path) -> None:
    shelf = shelved(tmp_path, planets, planets[::7], opened=rendered, kinds=KINDS)
    assert len(shelf.originals) >= 32
    table = {one.kind: one for one in found(shelf, tmp_path, KINDS)}
    assert {kind: one.strangers for kind, one in table.items() if one.strangers} == {}
    missed = [name for one in table.values() for name in one.missed]
    assert sum(one.recall for one in table.values()) / len(table) >= 0.95, missed


GLOBES = ("jupiter", "moon", "uranus", "neptune", "venus", "titan", "mars", "io", "europa", "callisto")
DETAILED = ("jupiter", "moon", "mars", "io", "europa", "callisto")


@functools.cache
def surface(planet: str) -> Texture:
    with Image.open(stellarium.textures()[planet]) as opened:
        return np.asarray(opened.convert("RGB").resize((1024, 512)))


def lit_alike(name: str) -> Image.Image:
    """A globe as all others are: of one size, in the middle, lit from one side; `PLANET@LONGITUDE@PHASE`."""
    planet, longitude, phase = name.split("@")
    world = World(
        128, 128, 92, phase=float(phase), sun=200, texture=surface(planet), longitude=float(longitude)
    )
    return photograph(256, 256, world, seed=zlib.crc32(name.encode()), noise=1, sky=2).image


GLOBE_KINDS = ("JPEG quality 50", "half as large", "gamma 0.6", "turned 90", "crop 90 %")


@pytest.fixture(scope="module")
def globes(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Found]:
    """Different planets, sides and phases of one size: no two are copies. First no derivatives, then
    one of each kind of some on which there is something to see."""
    known = stellarium.textures()
    there = [name for name in GLOBES if name in known]
    sides = {"jupiter": (0.0, 0.25, 0.5), "moon": (0.0, 0.25, 0.5)}
    names = [
        f"{name}@{side}@{phase}"
        for name in there
        for side in sides.get(name, (0.0,))
        for phase in (0, 40, 90)
    ]
    assert len(names) >= 36
    some = [name for name in names if name.split("@")[0] in DETAILED][::8]
    folder = tmp_path_factory.mktemp("globes")
    shelf = shelved(folder, names, some, opened=lit_alike, kinds=GLOBE_KINDS)
    return list(found(shelf, folder, ("none", *GLOBE_KINDS)))


@needs_features
def test_of_globes_of_one_size_lit_alike_none_is_merged(globes: Sequence[Found]) -> None:
    assert globes[0].kind == "none"
    assert globes[0].strangers == ()


@needs_features
def test_copies_of_globes_with_anything_to_see_on_them_are_recognised(globes: Sequence[Found]) -> None:
    table = globes[1:]
    assert [pair for one in table for pair in one.strangers] == []
    missed = [name for one in table for name in one.missed]
    assert sum(one.recall for one in table) / len(table) >= 0.9, missed
