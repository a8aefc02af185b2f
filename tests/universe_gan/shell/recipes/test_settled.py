"""Settings of `generate`, `colour` and `upscale`: flag, `--set`, recipe, default."""

import json
from pathlib import Path

import pytest

from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit
from universe_gan.shell.output import Output
from universe_gan.shell.recipes import settled
from universe_gan.shell.recipes.recipe import RecipeWrong
from universe_gan.study_settings import ColourSettings, GenerateSettings
from universe_gan.upscaling.settings import UpscaleSettings

RECIPE = """[collect]
subject = "sky"
[collect.folder]
path = "pictures"
[generate]
seeds = "3-4"
truncation = 0.5
[colour]
strength = 0.25
[upscale]
scale = 2
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a recipe `toy`, a run that learned from its dataset, and pictures of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "toy.toml").write_text(RECIPE)
    learned(tmp_path, "toy", "data/toy/dataset")
    return tmp_path


def learned(place: Path, name: str, source: str) -> None:
    for folder, file, facts in (
        ("runs", "run.json", {"name": name, "origin": {"source": source}}),
        ("generated", "pictures.jsonl", {"run": name, "dataset": source, "file": "seed-000000.png"}),
    ):
        (place / folder / name).mkdir(parents=True)
        (place / folder / name / file).write_text(json.dumps(facts) + "\n")


@pytest.mark.parametrize(
    "asked",
    [
        "toy",
        "manifests/toy.toml",
        "runs/toy",
        "runs/toy/best.safetensors",
        "generated/toy",
        "generated/toy/a.png",
    ],
)
def test_a_recipe_counts_for_its_runs_and_their_pictures(place: Path, asked: str) -> None:
    quiet = Output(quiet=True)
    drawn = settled.settings(GenerateSettings, quiet, asked, {"seeds": None, "truncation": None})
    assert (drawn.seeds, drawn.truncation) == ("3-4", 0.5)
    assert settled.settings(ColourSettings, quiet, asked, {}).strength == 0.25
    assert settled.settings(UpscaleSettings, quiet, asked, {}).scale == 2


def test_a_flag_goes_before_set_and_set_before_the_recipe(place: Path) -> None:
    for flag, said, expected in (
        (None, (), 0.5),
        (None, ("generate.truncation=0.6",), 0.6),
        (0.7, ("generate.truncation=0.6",), 0.7),
    ):
        found = settled.settings(GenerateSettings, Output(quiet=True), "runs/toy", {"truncation": flag}, said)
        assert (found.truncation, found.seeds) == (expected, "3-4")


def test_a_run_that_only_bears_the_name_of_a_recipe_does_not_go_by_it(place: Path) -> None:
    for name, source in (("elsewhere", "data/toy/dataset"), ("nebulae", "ada/nebulae"), ("sky", "sky")):
        learned(place, name, source)
        (place / "manifests" / f"{name}.toml").write_text(RECIPE)
        found = settled.settings(GenerateSettings, Output(quiet=True), f"runs/{name}", {})
        assert found == GenerateSettings()


def test_a_recipe_is_found_beside_the_dataset_wherever_the_command_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned(place / "far", "toy", str(place / "data" / "toy" / "dataset"))
    monkeypatch.chdir(place / "far")
    assert settled.behind("runs/toy") == place / "manifests" / "toy.toml"


def test_without_a_recipe_set_speaks_of_the_own_section_only(place: Path) -> None:
    with pytest.raises(RecipeWrong) as error:
        settled.settings(ColourSettings, Output(quiet=True), "nothing", {}, ["upscale.scale=2"])
    assert error.value.problems == ("[upscale] goes with a recipe; only [colour] is used here",)


def test_generate_draws_what_the_recipe_says_and_says_whose_settings_these_are(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from trained import run_folder

    run_folder(place / "runs", source="data/toy/dataset")
    assert run(["generate", "runs/0001-toy", "--device", "cpu", "--no-sheet"]) == Exit.DONE
    said = capsys.readouterr().out
    assert "settings  [generate] of manifests/toy.toml" in said
    lines = [json.loads(line) for line in (place / "generated/toy/pictures.jsonl").read_text().splitlines()]
    assert [(line["seed"], line["truncation"]) for line in lines] == [(3, 0.5), (4, 0.5)]
    assert run(["generate", "manifests/toy.toml", "--seeds", "9", "--to", "nine", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["files"] == ["seed-000009.png", "sheet.png"]
