"""The shipped recipe for 1,600 nebulae: valid, and its globs hit what they are for and nothing else."""

from pathlib import Path

import pytest

from collectors.commons import CommonsSettings
from collectors.matching import matching
from universe_gan.shell.recipes import recipe

PATH = Path(__file__).resolve().parents[4] / "manifests" / "nebulae.toml"


@pytest.fixture(scope="module")
def loaded() -> recipe.Recipe:
    return recipe.load(PATH)


@pytest.fixture(scope="module")
def commons(loaded: recipe.Recipe) -> CommonsSettings:
    ((source, settings),) = loaded.plan.sources
    assert source.name == "commons"
    assert isinstance(settings, CommonsSettings)
    return settings


def test_it_asks_for_1600_nebulae_of_commons_that_need_no_enlarging(
    loaded: recipe.Recipe, commons: CommonsSettings
) -> None:
    collect = loaded.plan.settings
    assert (collect.subject, collect.limit) == ("nebula", 1600)
    assert collect.min_side >= loaded.curate.size
    assert commons.api == "https://commons.wikimedia.org/w/api.php"
    assert loaded.policy.unknown == "refuse"


def test_each_class_of_nebula_is_a_root_of_its_own(commons: CommonsSettings) -> None:
    assert {
        "Emission nebulae",
        "H II regions",
        "Planetary nebulae",
        "Reflection nebulae",
        "Dark nebulae",
        "Supernova remnants",
        "Hubble images of nebulae",
    } <= set(commons.categories)
    assert commons.depth == 2


def test_no_exclude_cuts_a_root(commons: CommonsSettings) -> None:
    assert {name: matching(commons.exclude, [name]) for name in commons.categories} == dict.fromkeys(
        commons.categories
    )


@pytest.mark.parametrize(
    "name",
    [
        "Orion Nebula.jpg",
        "Hubble images of the Orion Nebula",
        "Photographs by the Hubble Space Telescope",
        "Astrophotography by amateurs",
        "Milky Way Galaxy",
        "Images by NIRCam",
        "Images by the Chandra X-ray Observatory",
        "Multi Unit Spectroscopic Explorer (MUSE)",
        "Atacama Pathfinder Experiment",
        "Catalogo di Messier",
        "Open clusters",
        "Orion (constellation)",
        "Nebula discovered by Herschel.jpg",
        "Silicon in the Crab Nebula.jpg",
        "VST snaps a very detailed view of the Triangulum nebula.jpg",
        "NGC 604 in the Triangulum Galaxy.tif",
        "Mapping the dust of the Carina Nebula.jpg",
        "Booklike Nebula.png",
        "Planetary nebula NGC 2818.tif",
        "Pismis 24 and NGC 6357.jpg",
        "Stars in the Bubble Nebula.jpg",
        "Quality images of nebulae",
        "Taken with Canon EOS 6D",
        "Carina Nebula (unannotated).jpg",
        "Dusty landscape in the Carina Nebula.jpg",
    ],
)
def test_honest_names_are_left_alone(commons: CommonsSettings, name: str) -> None:
    assert matching(commons.exclude, [name]) is None


@pytest.mark.parametrize(
    "name",
    [
        "OpenNebula (software)",
        "Nebula logos",
        "Nebula logo 2020.png",
        "Orion Nebula map.png",
        "Location maps of nebulae",
        "Sky charts of Orion",
        "Diagrams of planetary nebulae",
        "Crab Nebula annotated.jpg",
        "Images containing text",
        "Annotated view of the Crab Nebula.jpg",
        "M8 (labelled).png",
        "Artist's impression of a nebula.jpg",
        "Nebulae in art",
        "Orion Nebula zoom video.png",
        "Rotating pillars.gif",
        "Astronomers",
        "Portraits of William Huggins",
        "Telescopes in Chile",
        "Space telescopes",
        "Observatories",
        "Hubble images of galaxies",
        "Stamps of Orion",
        "Spectra of the Ring Nebula",
        "Carina Nebula Hubble Webb comparison.jpg",
        "Milky Way from La Silla Observatory",
        "Jupiter (planet)",
        "Nebula Awards",
        "The Nebula (Star Trek)",
    ],
)
def test_what_is_no_picture_of_a_nebula_is_kept_out(commons: CommonsSettings, name: str) -> None:
    assert matching(commons.exclude, [name]) is not None


def test_every_glob_says_something_of_its_own(commons: CommonsSettings) -> None:
    assert len(set(commons.exclude)) == len(commons.exclude)
    plain = {glob.strip("*") for glob in commons.exclude if glob.startswith("*") and glob.endswith("*")}
    covered = {(a, b) for a in plain for b in plain if a != b and a in b}
    assert covered == set()
