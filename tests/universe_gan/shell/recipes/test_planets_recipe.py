"""The shipped recipe for 300 planets: valid, 40/60, and its globs hit what they are for and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.matching import matching
from collectors.sources import table
from universe_gan.shell.recipes import recipe

PATH = Path(__file__).resolve().parents[4] / "manifests" / "planets.toml"
RECORDED = Path(__file__).resolve().parents[4].parent / "shared" / "recorded" / "nasa"


@pytest.fixture(scope="module")
def loaded() -> recipe.Recipe:
    if missing := {"nasa", "flickr"} - set(table()):
        pytest.skip(f"no source {', '.join(sorted(missing))} yet")
    return recipe.load(PATH)


@pytest.fixture(scope="module")
def settings(loaded: recipe.Recipe) -> dict[str, Any]:
    return {source.name: chosen for source, chosen in loaded.plan.sources}


def test_it_asks_for_300_planets_four_real_to_six_imagined(
    loaded: recipe.Recipe, settings: dict[str, Any]
) -> None:
    collect = loaded.plan.settings
    assert (collect.subject, collect.limit) == ("planet", 300)
    assert collect.shares == {"real": 0.4, "fictive": 0.6}
    assert {name: chosen.kind for name, chosen in settings.items()} == {"nasa": "real", "flickr": "fictive"}
    assert collect.min_side >= loaded.curate.size
    assert loaded.policy.unknown == "refuse"


def test_every_planet_of_the_sun_but_ours_is_asked_for(settings: dict[str, Any]) -> None:
    asked = " ".join(settings["nasa"].query)
    planets = {"mercury", "venus", "mars", "jupiter", "saturn", "uranus", "neptune"}
    assert {planet for planet in planets if planet not in asked} == set()


@pytest.mark.parametrize(
    "name",
    [
        "Hubble Observes the Planet Uranus",
        "Colors of the Innermost Planet: View 2",
        "Springtime on Mars: Hubble Best View of the Red Planet",
        "A Color View of the Solar System Innermost Planet",
        "Planet in Repose",
        "Saturn,Cassini-Huygens",
        "Mars Global Surveyor MGS",
        "Global Color Views of Mars",
        "Neptune Full Disk View",
        "Jupiter's Great Red Spot",
        "Earth-like clouds on Mars",
        "Venus - Computer Mosaic of the Northern Hemisphere",
        "High Resolution Ceres View",
    ],
)
def test_honest_names_are_left_alone(settings: dict[str, Any], name: str) -> None:
    assert matching(settings["nasa"].exclude, [name]) is None


@pytest.mark.parametrize(
    "name",
    [
        "A Planet as Big as its Star  Artist Concept",
        "Inner Planets Diagram",
        "Star Chart of the Northern Sky",
        "Map of Ceres' Bright Spots",
        "Size of Kepler Planet Candidates",
        "TRAPPIST-1 Planet Lineup",
        "Cassini Launch",
        "Juno Spacecraft in the Clean Room",
        "Technicians inspect the Mars rover",
        "Astronauts of Apollo 8",
        "Portrait of Gene Kranz",
        "How to Pluck a Spectrum from a Planet",
        "Solar System Montage with Eight Planets",
    ],
)
def test_star_charts_people_and_spacecraft_are_kept_out(settings: dict[str, Any], name: str) -> None:
    assert matching(settings["nasa"].exclude, [name]) is not None


def test_of_a_real_answer_no_concept_and_no_orchestra_is_left(settings: dict[str, Any]) -> None:
    path = RECORDED / "planets.items.json"
    if not path.is_file():
        pytest.skip("the recorded answers are not here")
    found = json.loads(path.read_text(encoding="utf-8"))
    items = found if isinstance(found, list) else found["collection"]["items"]
    data = [item["data"][0] for item in items]
    left = [
        one["title"]
        for one in data
        if matching(settings["nasa"].exclude, [one["title"], *one.get("keywords", [])]) is None
    ]
    assert 10 <= len(left) < len(data) // 2
    assert [title for title in left if "rtist" in title or "Holst" in title or "Diagram" in title] == []
    assert "Hubble Observes the Planet Uranus" in left


def test_imagined_planets_are_asked_for_as_art_and_generators_are_named(settings: dict[str, Any]) -> None:
    flickr = settings["flickr"]
    assert set(flickr.content) == {"art", "virtual"}
    for name in ("Red planet, midjourney v5", "Tiny planet of Paris", "Spaceship over a ringed planet"):
        assert matching(flickr.exclude, [name]) is not None
    for name in ("The ringed planet of Aldebaran", "Gas giant rising", "Acrylic planet on canvas"):
        assert matching(flickr.exclude, [name]) is None


def test_every_glob_says_something_of_its_own(settings: dict[str, Any]) -> None:
    for chosen in settings.values():
        globs = chosen.exclude
        assert len(set(globs)) == len(globs)
        plain = {glob.strip("*") for glob in globs if glob.startswith("*") and glob.endswith("*")}
        assert {(a, b) for a in plain for b in plain if a != b and a in b} == set()


def test_the_parts_in_comments_are_settings_that_load(tmp_path: Path) -> None:
    if "deviantart" not in table():
        pytest.skip("no source deviantart yet")
    text = PATH.read_text(encoding="utf-8")
    begins = (
        "# [collect.",
        "# kind =",
        "# permissions =",
        "# tags =",
        "# limit =",
        "# path =",
        "# sidecar =",
    )
    lines = [line.removeprefix("# ") if line.startswith(begins) else line for line in text.splitlines()]
    path = tmp_path / "planets.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    names = {source.name for source, _ in recipe.load(path).plan.sources}
    assert names == {"nasa", "flickr", "deviantart", "folder"}
