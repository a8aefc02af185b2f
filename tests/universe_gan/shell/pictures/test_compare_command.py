"""`universe-gan compare`: which pictures are taken from where, what is written and said."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skies import a_sky

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")

from universe_gan import pictures, sheets  # noqa: E402
from universe_gan.comparing import stages  # noqa: E402
from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402
from universe_gan.training import runs  # noqa: E402

SMALL = {
    "size": 32,
    "batch": 4,
    "breadth": 0.015625,
    "latent": 8,
    "attention": "[]",
    "save_kimg": 0.004,
    "judge_kimg": 0.004,
    "extractor": "plain",
    "precision": "fp32",
}
FLAGS = [f"--set=train.{key}={value}" for key, value in SMALL.items()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of 24 pictures, 20 held out; the first has coloured and upscaled pictures."""
    place = tmp_path_factory.mktemp("compared")
    for number in range(44):
        folder = place / "sky" / ("test" if number < 20 else "train")
        folder.mkdir(parents=True, exist_ok=True)
        a_sky(number, 64).save(folder / f"{number:02}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for model in ("lightweight", "stylegan2"):
            ask = ["train", "sky", *FLAGS, f"--set=train.model={model}", "--kimg", "0.004"]
            assert run([*ask, "--device", "cpu", "-q"]) == Exit.DONE
        assert run(["generate", "runs/0001-sky", "--seeds", "0-11", "--device", "cpu", "-q"]) == Exit.DONE
        assert run(["colour", "generated/sky", "--strength", "0.5", "-q"]) == Exit.DONE
    enlarge(place / "coloured" / "sky", place / "upscaled" / "sky")
    return place


def enlarge(folder: Path, to: Path) -> None:
    """What `upscale` would leave, by bicubic."""
    with pictures.Shelf(to) as shelf:
        for line in pictures.lines(folder):
            with Image.open(folder / line["file"]) as image:
                large = image.resize((64, 64), Image.Resampling.BICUBIC)
            facts = pictures.made_from(line, "upscaled", {"scale": 2}, "test")
            shelf.add(line["file"], sheets.png(large, facts), facts)


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def compared(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["compare", *words, "--device", "cpu", "--json", "-q"]) == Exit.DONE
    found: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    return found


def test_every_stage_of_every_run_is_there_at_equal_seeds(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = compared(capsys, "runs/0001-sky", "runs/0002-sky", "--pictures", "12")
    assert [one["name"] for one in told["columns"]] == [
        "real",
        *(f"0001-sky {stage}" for stage in ("raw", "coloured", "upscaled")),
        *(f"0002-sky {stage}" for stage in ("raw", "coloured")),
    ]
    assert all(one["seeds"] == list(range(12)) for one in told["columns"][1:])
    assert told["against"] == "20 held-out pictures"
    assert told["columns"][2]["provenance"]["coloured"]["strength"] == 0.5  # from the folder
    assert told["columns"][5]["provenance"]["coloured"]["drawn"] == "for this page"
    fine = [one["fine_db"] for one in told["columns"]]  # real originals of 64 px are at hand
    assert fine[3] == pytest.approx(fine[2], rel=0.05)  # the one was made of the other, by bicubic
    assert fine[0] is fine[1] is fine[4] is fine[5] is None
    assert {pair["training"] for pair in told["nearest"][0]["pairs"]} <= {
        path.relative_to("sky").as_posix() for path in Path("sky").rglob("*.png")
    } | {""}
    assert Path(told["page"]) == Path("compared/0001-sky-0002-sky/compare.html")
    assert json.loads(Path(told["json"]).read_text())["columns"] == told["columns"]


def test_the_seeds_that_lie_in_folders_are_compared_first(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ask = ["generate", "runs/0001-sky", "--device", "cpu", "-q"]
    assert run([*ask, "--seeds", "100-109", "--to", str(tmp_path / "some")]) == Exit.DONE
    assert run([*ask, "--seeds", "5", "--truncation", "0.5", "--to", str(tmp_path / "odd")]) == Exit.DONE
    enlarge(tmp_path / "some", tmp_path / "large")
    told = compared(capsys, "runs/0001-sky", "--look", str(tmp_path))
    [raw, *_, upscaled] = told["columns"][1:]
    assert raw["seeds"] == [*range(14), *range(100, 110)]
    assert upscaled["seeds"] == list(range(100, 110))
    ask = ["compare", "runs/0001-sky", "--look", str(tmp_path), "--pictures", "4", "--device", "cpu"]
    assert run(ask) == Exit.DONE
    out, err = capsys.readouterr()
    assert "seeds     0-3\n" in out
    assert "0001-sky: not compared, of other seeds: 100-109" in err
    assert "0001-sky: not compared, drawn with truncation: 1 picture" in err


def test_what_was_worked_on_furthest_comes_first() -> None:
    one: Any = {"raw": dict.fromkeys(range(50, 60)), "coloured": {55: None}, "upscaled": {59: None}}
    two: Any = {"raw": {}, "coloured": {}, "upscaled": {7: None}}
    assert stages.seeds_for([one, two], 4) == [7, 50, 55, 59]
    assert stages.seeds_for([two], 3) == [0, 1, 7]
    assert stages.seeds_for([], 2) == [0, 1]


def test_two_checkpoints_of_one_run_have_names_of_their_own(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = [f"runs/0001-sky/{name}.safetensors" for name in ("latest", "best")]
    told = compared(capsys, *ask, *ask, "--pictures", "3")
    names = [one["run"] for one in told["columns"] if one["stage"] == "raw"]
    assert len(set(names)) == len(names) == 2
    assert all(name.startswith("0001-sky@") for name in names)


def test_pictures_of_another_checkpoint_are_not_taken_for_this_one(here: Path) -> None:
    assert len(stages.kept([here], sha256_of(here, "sky"))["raw"]) == 12
    assert stages.kept([here], "0" * 64) == {"raw": {}, "coloured": {}, "upscaled": {}}


def sha256_of(place: Path, name: str) -> str:
    return str(next(pictures.lines(place / "generated" / name))["checkpoint_sha256"])


def test_a_folder_stands_beside_the_run_and_the_table_says_what_is_rough(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["compare", "runs/0001-sky", "--seeds", "0-10", "--folder", "mine=coloured/sky", "--device", "cpu"]
    assert run([*ask, "--to", "out/page.html"]) == Exit.DONE
    said = capsys.readouterr()
    assert "mine" in said.out
    assert "KID" in said.out
    assert "give rough figures" in said.out + said.err
    assert Path("out/page.html").is_file()
    assert Path("out/page.json").is_file()


def test_what_cannot_be_compared_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    [first, _] = runs.every(Path("runs"))
    origin = first.about.origin.model_copy(update={"fingerprint": "0" * 64})
    other = runs.begin(tmp_path, first.about.model_copy(update={"origin": origin}))
    other.latest.write_bytes(first.latest.read_bytes())
    (tmp_path / "empty").mkdir()
    for words, code, told in (
        (["nobody"], Exit.INPUT, "nobody is no run"),
        (["runs/0001-sky", str(other.path)], Exit.INPUT, "learned from other pictures"),
        (["runs/0001-sky", "--pictures", "5", "--folder", f"a={tmp_path / 'empty'}"], Exit.INPUT, "holds no"),
        (["runs/0001-sky", "--folder", "nothing"], Exit.USAGE, "is not NAME=DIR"),
        (["runs/0001-sky", "--seeds", "1", "--pictures", "5"], Exit.USAGE, "give one of them"),
    ):
        assert run(["compare", *words, "--device", "cpu"]) == code
        assert told in capsys.readouterr().err


def test_large_pictures_are_compared_at_the_side_of_the_run(here: Path) -> None:
    kept = stages.kept([here], sha256_of(here, "sky"))["upscaled"]
    assert all(np.asarray(Image.open(one.path)).shape == (64, 64, 3) for one in kept.values())
    column = stages.of_folder("large", here / "upscaled" / "sky", 32)
    assert column.pictures.shape == (12, 32, 32, 3)
