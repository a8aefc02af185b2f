"""`universe-gan select` and the way back: generate, select, a new revision, and train on it."""

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageFilter

pytest.importorskip("torch", reason="PyTorch is not installed")

from hub_server import HubServer

from universe_gan import data, pictures
from universe_gan.selecting import feedback, rankings
from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit
from universe_gan.training import runs

SMALL = {
    "model": "stylegan2",
    "size": 32,
    "batch": 4,
    "breadth": 0.015625,
    "latent": 8,
    "log_kimg": 0.008,
    "save_kimg": 0.008,
    "judge_kimg": 0.008,
    "precision": "fp32",
    "extractor": "plain",
}
FLAGS = [part for key, value in SMALL.items() for part in ("--set", f"train.{key}={value}")]


def train(*words: str) -> int:
    return run(["train", "sample", *FLAGS, "--device", "cpu", *words])


def select(*words: str) -> int:
    return run(["select", "--device", "cpu", *words])


def hashes(*folders: str) -> dict[str, str]:
    root = Path("data/sample/dataset")
    found = [path for folder in folders for path in sorted((root / folder).iterdir())]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def listed(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


@pytest.fixture(scope="module")
def generation_0(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with a run of a few steps and its first 24 pictures."""
    place = tmp_path_factory.mktemp("fed") / "demo"
    shutil.copytree(finished, place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert train("--kimg", "0.016", "-q") == Exit.DONE
        assert run(["generate", "runs/0001-sample", "--seeds", "0-23", "--device", "cpu", "-q"]) == Exit.DONE
    return place


@pytest.fixture
def fed(generation_0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to change, and the current folder."""
    shutil.copytree(generation_0, tmp_path / "demo")
    monkeypatch.chdir(tmp_path / "demo")
    return tmp_path / "demo"


def test_the_good_ones_go_back_beside_all_reals_and_the_next_generation_says_so(
    fed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes("data", "metadata")
    assert (
        select("generated/sample", "--keep", "12", "--into", "sample", "--to", "best", "--json") == Exit.DONE
    )
    told = json.loads(capsys.readouterr().out)
    assert told["ranked"] == 24
    assert told["new"] == told["listed"] == len(told["accepted"]) == 12
    assert {line["file"] for line in pictures.lines(Path("best"))} == set(told["accepted"])
    assert train("--kimg", "0.016") == Exit.INPUT  # the dataset is older than the list
    assert run(["curate", "sample", "--workers", "1", "-q"]) == Exit.DONE
    assert hashes("data", "metadata") == before

    assert train("--kimg", "0.016") == Exit.DONE
    assert "31 real, 10 generated (24%); this is generation 1" in capsys.readouterr().out
    one, two = runs.every(Path("runs"))
    assert (one.about.origin.synthetic, one.about.origin.generation) == (0, 0)
    assert (two.about.origin.synthetic, two.about.origin.generation) == (10, 1)
    assert two.about.origin.synthetic <= 0.25 * two.about.origin.pictures
    assert two.about.question != one.about.question

    whole = data.prepare("data/sample/dataset", side=32, cache=Path("runs/cache"), synthetic=0.25)
    reals = data.prepare("data/sample/dataset", side=32, cache=Path("runs/cache"))
    assert whole.train.names[:31] == reals.train.names == whole.reals.names
    assert whole.held_out.names == reals.held_out.names
    assert (whole.reals.pixels == reals.train.pixels).all()
    chosen = whole.train.names[31:]
    [path] = Path("data/sample/dataset/synthetic").iterdir()
    rows = sorted(pq.read_table(path).to_pylist(), key=lambda row: row["rank"])
    assert set(chosen) == {row["uid"] for row in rows[:10]}  # the best first
    assert {line["against"] for line in two.stats() if "kid" in line} == {"train"}

    assert (
        run(["generate", "runs/0002-sample", "--seeds", "0-11", "--to", "next", "--device", "cpu"])
        == Exit.DONE
    )
    assert {line["generation"] for line in pictures.lines(Path("next"))} == {1}
    assert select("next", "--keep", "2", "--into", "sample") == Exit.DONE
    generations = [line["generation"] for line in listed("manifests/sample.synthetic.jsonl")]
    assert (generations.count(0), generations.count(1)) == (12, 2)


def test_no_more_than_a_quarter_is_taken_by_any_setting(
    fed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--set", "train.synthetic=0.3") == Exit.INPUT
    assert "more than 0.25: with less real data" in capsys.readouterr().err
    assert select("generated/sample", "--keep", "12", "--into", "sample", "-q") == Exit.DONE
    assert run(["curate", "sample", "--workers", "1", "-q"]) == Exit.DONE
    place = "data/sample/dataset"
    found = {
        share: data.prepare(place, side=32, cache=Path("runs/cache"), synthetic=share).origin.synthetic
        for share in (0.0, 0.05, 0.25)
    }
    assert found == {0.0: 0, 0.05: 1, 0.25: 10}
    capsys.readouterr()
    assert train("--set", "train.synthetic=0", "--kimg", "0.016") == Exit.DONE
    assert "runs/0001-sample  finished" in capsys.readouterr().out  # the run on reals, as before


def test_training_stops_when_coverage_falls_below_the_generation_before(
    fed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stats = Path("runs/0001-sample/stats.jsonl")
    lines = [json.loads(line) for line in stats.read_text().splitlines()]
    better = [line | {"coverage": 0.9} if "coverage" in line else line for line in lines]
    stats.write_text("".join(f"{json.dumps(line)}\n" for line in better))
    assert select("generated/sample", "--into", "sample", "-q") == Exit.DONE
    assert run(["curate", "sample", "--workers", "1", "-q"]) == Exit.DONE
    capsys.readouterr()
    assert train("--kimg", "1") == Exit.DONE
    told = capsys.readouterr().out
    assert "stopped: coverage fell to 0.00, from 0.90 in the generation before at" in told
    [_, run_1] = runs.every(Path("runs"))
    assert run_1.kimg < 0.1
    assert train("--kimg", "1") == Exit.DONE  # and it stays so
    assert "stopped: coverage fell" in capsys.readouterr().out
    assert runs.read(run_1.path).kimg == run_1.kimg


def test_a_kill_between_steps_loses_nothing_and_nothing_comes_twice(
    fed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("manifests/sample.synthetic.jsonl")
    write = feedback.synthetic.write

    def killed(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(feedback.synthetic, "write", killed)
    assert select("generated/sample", "--keep", "4", "--into", "sample") == Exit.INTERRUPTED
    assert not path.exists()
    assert sum(one.is_file() for one in Path("data/sample/synthetic").rglob("*")) == 4
    monkeypatch.setattr(feedback.synthetic, "write", write)
    assert select("generated/sample", "--keep", "4", "--into", "sample") == Exit.DONE
    whole = path.read_bytes()
    capsys.readouterr()
    assert select("generated/sample", "--keep", "4", "--into", "sample", "--json") == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["new"], told["listed"]) == (0, 4)
    assert path.read_bytes() == whole


def test_lost_pictures_are_named_and_put_back_when_they_are_drawn_again(
    fed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert select("generated/sample", "--keep", "4", "--into", "sample", "-q") == Exit.DONE
    assert run(["curate", "sample", "--workers", "1", "-q"]) == Exit.DONE
    before = hashes("synthetic", "data")
    seeds = {line["seed"] for line in listed("manifests/sample.synthetic.jsonl")}
    shutil.rmtree("data/sample/synthetic")
    shutil.rmtree("generated")
    capsys.readouterr()
    assert run(["curate", "sample", "--workers", "1"]) == Exit.INPUT
    told = capsys.readouterr().err
    assert "4 accepted generated pictures are not in the workspace" in told
    assert f"seeds {','.join(map(str, sorted(seeds)))}" in told
    wanted = ",".join(map(str, seeds))
    assert (
        run(["generate", "runs/0001-sample", "--seeds", wanted, "--to", "again", "--device", "cpu"])
        == Exit.DONE
    )
    assert select("again", "--keep", "1", "--into", "sample", "--json") == Exit.DONE
    told_again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told_again["put_back"], told_again["listed"]) == (4, 4)
    assert run(["curate", "sample", "--workers", "1", "-q"]) == Exit.DONE
    assert hashes("synthetic", "data") == before


def test_a_person_has_the_last_word_and_by_hand_the_only_one(
    fed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [("seed-000003.png", "accept"), ("seed-000004.png", "accept"), ("seed-000004.png", "undecided")]

    def serve(folder: Path, **how: object) -> None:
        lines = ({"file": file, "decision": decision, "at": "now"} for file, decision in said)
        with (folder / rankings.DECISIONS).open("a") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)

    page = SimpleNamespace(serve_selection=serve)
    monkeypatch.setitem(__import__("sys").modules, "universe_gan.comparing.by_hand", page)
    assert select("generated/sample", "--by-hand", "--json") == Exit.DONE
    first = json.loads(capsys.readouterr().out)
    ranking = listed("generated/sample/ranking.jsonl")
    refused = {line["file"] for line in ranking if "refused" in line}
    assert first["accepted"] == [file for file in ["seed-000003.png"] if file not in refused]
    best = next(line["file"] for line in ranking if "refused" not in line)
    said[:] = [(best, "reject")]
    serve(Path("generated/sample"))
    assert select("generated/sample", "--keep", "20", "--json") == Exit.DONE
    assert best not in json.loads(capsys.readouterr().out)["accepted"]


@pytest.mark.parametrize("blur", [0, 1])
def test_a_turned_copy_of_a_training_picture_is_refused_by_name(
    blur: int, fed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = data.prepare("data/sample/dataset", side=32, cache=Path("runs/cache"))
    line = next(pictures.lines(Path("generated/sample")))
    copy = Image.fromarray(np.rot90(real.train.pixels[5])).filter(ImageFilter.GaussianBlur(blur))
    copy.save("generated/sample/copy.png")
    with pictures.Shelf(Path("generated/sample")) as shelf:
        shelf.adopt("copy.png", {**line, "seed": 999})
    assert select("generated/sample") == Exit.DONE
    assert "refused: a copy of a training picture, or too near to one" in capsys.readouterr().out
    [found] = [one for one in listed("generated/sample/ranking.jsonl") if one["file"] == "copy.png"]
    assert (found["refused"], found["nearest"]) == ("copy", real.train.names[5])
    assert found["why"].endswith(real.train.names[5])
    assert "copy.png" not in {one.file for one in rankings.candidates(Path("generated/sample"))}


def test_decisions_that_cannot_be_read_are_said(fed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("generated/sample/decisions.jsonl").write_text("{\n")
    assert select("generated/sample") == Exit.INPUT
    said = "error: generated/sample/decisions.jsonl cannot be used: a line of it is no decision"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("what", ["runs", "data", "nothing"])
def test_what_cannot_be_selected_from_is_said(
    what: str, fed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nothing").mkdir()
    assert select(what) == Exit.INPUT
    assert (
        f"error: {what} cannot be selected from: there is no pictures.jsonl in it" in capsys.readouterr().err
    )


def test_what_was_fed_back_is_published_and_trained_on_from_there(
    fed: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(fed / "downloads"))
    assert select("generated/sample", "--keep", "4", "--into", "sample", "-q") == Exit.DONE
    assert run(["curate", "sample", "--workers", "1", "-q"]) == Exit.DONE
    assert run(["publish", "sample", "--repo", "ada/nebulae", "-q"]) == Exit.DONE
    assert "generated 4 added, 0 removed, 0 as before" in capsys.readouterr().out
    assert run(["audit", "hf://datasets/ada/nebulae"]) == Exit.DONE
    assert "generated 4 pictures besides, made by models" in capsys.readouterr().out
    found = data.prepare("ada/nebulae", side=32, cache=Path("runs/cache"), synthetic=0.25)
    assert (found.origin.pictures, found.origin.synthetic, found.origin.generation) == (35, 4, 1)
    Path("manifests/sample.synthetic.jsonl").unlink()
    assert run(["curate", "sample", "--workers", "1", "-q"]) == Exit.DONE
    assert run(["publish", "sample", "--repo", "ada/nebulae", "--pull-request", "never"]) == Exit.DONE
    told = capsys.readouterr().out
    assert "generated 0 added, 4 removed, 0 as before" in told
    assert len([line for line in told.splitlines() if "removed  generated" in line]) == 4
    gone = data.prepare("ada/nebulae", side=32, cache=Path("runs/cache"), synthetic=0.25)
    assert (gone.origin.pictures, gone.origin.synthetic) == (31, 0)


def test_accepted_fog_is_called_less_real(fed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert select("generated/sample", "--keep", "3") == Exit.DONE
    said = "accepted  3 pictures, 3 of them less real than nearly all real ones"
    assert said in capsys.readouterr().out
