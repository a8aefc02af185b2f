"""`init`: a recipe to start from, and what a copy of one brings along."""

import shutil
from pathlib import Path

import pytest

from universe_gan.shell.cli import run
from universe_gan.shell.demo import set_up
from universe_gan.shell.exits import Exit
from universe_gan.shell.recipes.recipe import load

MINE = """
[collect]
subject = "nebula"
limit = 7
[collect.folder]
path = "pictures"
[publish]
repo = "ada/nebulae"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "mine.toml").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("pattern", ["mine", "manifests/mine.toml"])
def test_a_recipe_of_ones_own_is_a_pattern_by_name_and_by_path(
    here: Path, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "again", "--from", pattern]) == Exit.DONE
    assert load(Path("manifests/again.toml")).plan.settings.limit == 7
    said = capsys.readouterr()
    assert "wrote manifests/again.toml  a copy of manifests/mine.toml" in said.out
    assert "it publishes to ada/nebulae: change [publish] repo" in said.err
    assert "start from" not in said.err


def test_a_pattern_from_another_folder_says_that_its_paths_start_elsewhere(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move("manifests/mine.toml", "mine.toml")
    assert run(["init", "again", "--from", "mine.toml"]) == Exit.DONE
    assert "note: paths in [collect.folder] start from manifests now" in capsys.readouterr().err


def test_a_pattern_that_is_nowhere_is_told_with_all_there_are(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "again", "--from", "nonsense"]) == Exit.INPUT
    said = capsys.readouterr().err
    assert "there is no recipe nonsense to start from; there are: mine, nebulae, planets" in said
    assert "init nonsense" not in said
    assert not Path("manifests/again.toml").exists()


def test_a_pattern_with_mistakes_is_not_copied(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("manifests/mine.toml").write_text("[colect]\n")
    assert run(["init", "again", "--from", "mine"]) == Exit.INPUT
    assert "manifests/mine.toml has" in capsys.readouterr().err
    assert not Path("manifests/again.toml").exists()


def test_a_folder_outside_the_recipes_own_is_warned_of_at_build_and_on_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    recipe = set_up(home)
    assert run(["build", str(recipe), "--workers", "1"]) == Exit.DONE
    assert "warning:" not in capsys.readouterr().err
    card = home / "data" / "sample" / "dataset" / "README.md"
    assert "nobody else can make this set again" not in card.read_text()
    shutil.move(home / "manifests" / "images", tmp_path / "images")
    recipe.write_text(recipe.read_text().replace('"images"', f'"{tmp_path}/images"'))
    assert run(["build", str(recipe), "--workers", "1"]) == Exit.DONE
    said = capsys.readouterr().err
    assert "leads out of the recipe's own folder: nobody else can make this dataset again" in said
    assert "nobody else can make this set again" in card.read_text()
