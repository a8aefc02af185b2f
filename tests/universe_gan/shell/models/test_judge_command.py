"""`universe-gan judge`: a run's checkpoint, its figures, what is left in the folder."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402
from universe_gan.training import runs  # noqa: E402

SMALL = {
    "model": "stylegan2",
    "size": 32,
    "batch": 4,
    "breadth": 0.015625,
    "latent": 8,
    "log_kimg": 0.004,
    "judge_kimg": 0.004,
    "extractor": "plain",
    "precision": "fp32",
}
FLAGS = [f"--set=train.{key}={value}" for key, value in SMALL.items()]


def pictures(place: Path, count: int, seed: int) -> None:
    """PNG files of noise, none like another."""
    place.mkdir(parents=True)
    dice = np.random.default_rng(seed)
    for number in range(count):
        Image.fromarray(dice.integers(0, 256, (32, 32, 3), np.uint8)).save(place / f"{number:02}.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where a run of 24 pictures, and 20 held out, was trained to its end."""
    place = tmp_path_factory.mktemp("judged")
    pictures(place / "pics" / "train", 24, 1)
    pictures(place / "pics" / "test", 20, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert run(["train", "pics", *FLAGS, "--kimg", "0.008", "--device", "cpu", "-q"]) == Exit.DONE
    return place


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def judged(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["judge", *words, "--json", "--device", "cpu"]) == Exit.DONE
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["judged"]
    return found


def test_the_figures_are_those_of_the_training_and_its_files_stay(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [only] = runs.every(Path("runs"))
    before = only.stats()
    assert [line["step"] for line in before if "kid" in line] == [0, 1, 2]
    [found] = judged(capsys, "runs/0001-pics", "--checkpoint", "latest")
    assert found["against"] == "held out"
    assert found["judged"] == 24
    for name in ("kid", "kid_low", "fd", "fd_floor", "coverage", "recall", "memorisation", "spectrum_db"):
        assert found[name] == pytest.approx(before[-1][name], rel=1e-3, abs=1e-3)
    [best] = judged(capsys, "pics")  # by the name of its runs; the folder of pictures is no run
    assert (best["checkpoint"], best["kimg"]) == (
        "best",
        min(before[1:], key=lambda line: line["kid"])["kimg"],
    )
    assert only.stats() == before
    kept = [json.loads(line) for line in (only.path / "judged.jsonl").read_text().splitlines()]
    assert kept[-2:] == [found, best]


def test_two_checkpoints_stand_side_by_side(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["judge", "runs/0001-pics/best.safetensors", "runs/0001-pics", "--checkpoint", "latest"]
    assert run([*ask, "--pictures", "12"]) == Exit.DONE
    told = capsys.readouterr().out
    assert "12 pictures by plain against held out" in told
    assert "0001-pics best" in told
    assert "0001-pics latest" in told
    for measure in ("KID", "coverage", "recall", "nearness to training", "floor", "spectrum", "colours"):
        assert measure in told


def test_another_extractor_and_a_lost_cache_give_figures_too(
    here: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Means(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def forward(self, given: Any) -> Any:
            return given.mean(dim=(2, 3))

    net = tmp_path / "means.pt"
    torch.jit.trace(Means(), torch.zeros(1, 3, 8, 8)).save(str(net))
    shutil.rmtree(here / "runs" / "cache")
    [found] = judged(capsys, "runs/0001-pics", "--extractor", str(net))
    assert found["extractor"].startswith("file-")


def test_what_cannot_be_judged_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (["nobody"], "nobody is no run"),
        (["runs/0001-pics", "--checkpoint", "other"], "other holds no checkpoint"),
        (["runs/0001-pics", "--extractor", "inception:none.pth"], "no such file"),
    ):
        assert run(["judge", *words]) == Exit.INPUT
        assert told in capsys.readouterr().err


def test_changed_pictures_are_never_judged_by(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(here, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    shutil.rmtree("runs/cache", ignore_errors=True)
    (tmp_path / "copy" / "pics" / "train" / "00.png").unlink()
    assert run(["judge", "runs/0001-pics"]) == Exit.INPUT
    assert "no longer what" in capsys.readouterr().err
