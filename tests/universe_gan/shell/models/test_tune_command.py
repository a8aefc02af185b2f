"""`universe-gan train --stage upscale`: what is named, what is said, what is left when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from small_nets import network, sky, written  # noqa: E402

from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402
from universe_gan.training import checkpoints, runs  # noqa: E402
from universe_gan.upscaling.tune import Tuning  # noqa: E402

SMALL = {
    "tune.batch": 2,
    "tune.crop": 8,
    "tune.critic": 4,
    "tune.l1_kimg": 0.004,
    "tune.log_kimg": 0.004,
    "tune.save_kimg": 0.004,
    "tune.judge_kimg": 0.004,
    "weights": "small.pth",
}
FLAGS = [part for key, value in SMALL.items() for part in ("--set", f"upscale.{key}={value}")]


@pytest.fixture
def pics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of skies and small weights in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pics").mkdir()
    for number in range(6):
        pixels = (sky(40, 40, number) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pics" / f"{number}.png")
    written(tmp_path / "small.pth", network())
    return tmp_path


def tune(*words: str) -> int:
    return run(["train", "pics", "--stage", "upscale", *FLAGS, "--device", "cpu", *words])


def test_a_folder_is_tuned_on_and_the_same_words_go_on_or_say_finished(
    pics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune("-n", "--kimg", "0.008") == Exit.DONE
    assert "would begin a new run in runs: tail of the network" in capsys.readouterr().out
    assert not list(Path("runs").glob("0*"))
    assert tune("--kimg", "0.008") == Exit.DONE
    told = capsys.readouterr()
    assert "runs/0001-pics-upscale  finished" in told.out
    assert "weights   small from small.pth" in told.out
    assert "every tenth picture is, 1 in all" in told.err
    assert tune("--kimg", "0.012", "--json") == Exit.DONE
    found = json.loads(capsys.readouterr().out)
    assert (found["kimg"], found["finished"]) == (0.012, True)
    assert found["before"]["psnr"] > 0
    assert tune("--kimg", "0.012") == Exit.DONE
    assert "finished" in capsys.readouterr().out
    told_lines = runs.statistics(Path("runs/0001-pics-upscale"))
    assert [line["step"] for line in told_lines] == [0, 2, 4, 6]
    assert tune("--kimg", "0.004", "--new", "-q") == Exit.DONE
    assert sorted(path.name for path in Path("runs").glob("0*")) == ["0001-pics-upscale", "0002-pics-upscale"]


def test_a_recipe_means_its_own_dataset_and_its_own_settings(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(home / "small.pth", network())
    words = ["train", "sample", "--stage", "upscale", "--device", "cpu", *FLAGS, "--kimg", "0.004"]
    assert run([*words, "--set", "train.kimg=7"]) == Exit.DONE
    assert "runs/0001-sample-upscale  finished" in capsys.readouterr().out
    about = json.loads(Path("runs/0001-sample-upscale/upscale.json").read_text())
    assert about["origin"]["licences"]
    assert about["settings"]["crop"] == 8


def test_a_run_that_ends_no_better_says_so_and_its_weights_are_refused(
    pics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        tune("--kimg", "0.004", "--set", "upscale.tune.rate=1.5", "--set", "upscale.tune.seed=1") == Exit.DONE
    )
    told = capsys.readouterr()
    assert "no better than the weights it began with" in told.out
    assert "--weights" not in told.err
    assert not Path("runs/0001-pics-upscale/best.safetensors").exists()
    assert run(["upscale", "pics/0.png", "--weights", "runs/0001-pics-upscale"]) == Exit.INPUT
    assert "found no weights that are better" in capsys.readouterr().err
    for command in ("generate", "upscale"):
        assert run([command, "runs/0001-pics-upscale"]) == Exit.INPUT
        assert "neither pictures nor a generator" in capsys.readouterr().err


def test_better_weights_upscale_and_leave_their_origin_beside_the_picture(
    pics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyvips")
    assert (
        tune("--kimg", "0.04", "--set", "upscale.tune.rate=0.003", "--set", "upscale.tune.l1_kimg=9")
        == Exit.DONE
    )
    told = capsys.readouterr()
    assert "held out" in told.out
    assert "upscale PICTURES --weights runs/0001-pics-upscale" in told.err
    assert (
        run(["upscale", "pics/0.png", "--weights", "runs/0001-pics-upscale", "--device", "cpu"]) == Exit.DONE
    )
    [line] = Path("upscaled/pictures.jsonl").read_text().splitlines()
    about = json.loads(line)["upscaled"]["tuned"]
    assert about["dataset"]["source"] == "pics"
    assert about["judged"]["psnr"] > about["before"]["psnr"]


def test_wrong_settings_and_stages_are_named(pics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune("--set", "upscale.tune.crops=8", "--set", "upscale.tune.learn=head") == Exit.INPUT
    told = capsys.readouterr().err
    assert "[upscale.tune] crops is not a setting (did you mean crop?)" in told
    assert "[upscale.tune] learn = 'head' is none of tail, all" in told
    assert tune("--set", "train.batch=8") == Exit.INPUT
    assert "only [upscale] is used here" in capsys.readouterr().err
    assert run(["train", "pics", "--stage", "upscaling"]) == Exit.USAGE
    assert run(["train", "pics", "--stage", "upscale", "--engine", "ray"]) == Exit.USAGE
    assert tune("--set", "upscale.weights=other.pth") == Exit.INPUT
    assert "other.pth" in capsys.readouterr().err


def test_divergence_and_short_memory_are_told_with_what_helps(
    pics: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tune("--kimg", "0.02", "--set", "upscale.tune.rate=1e30") == Exit.MACHINE
    told = capsys.readouterr().err
    assert "tuning diverged" in told
    assert "upscale.tune.rate=2e-5" in told
    tensors, _ = checkpoints.read(Path("runs/0001-pics-upscale/latest.safetensors"))
    assert all(tensor.isfinite().all() for tensor in tensors.values())

    def too_much(self: Tuning, real: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Tuning, "learn", too_much)
    assert tune("--kimg", "0.02", "--set", "upscale.tune.crop=10") == Exit.MACHINE
    told = capsys.readouterr().err
    assert "2 crops of 10 small pixels a step do not fit the memory of CPU" in told
    assert "upscale.tune.batch=1" in told


def test_sigterm_saves_the_state_and_the_second_tears_nothing(pics: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4]), "OMP_NUM_THREADS": "1"}
    words = ["train", "pics", "--stage", "upscale", *FLAGS, "--kimg", "50", "--device", "cpu"]
    with subprocess.Popen(
        [sys.executable, "-m", "universe_gan", *words], env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        stats = pics / "runs" / "0001-pics-upscale" / "stats.jsonl"
        deadline = time.monotonic() + 120
        while not (stats.exists() and b'"l1"' in stats.read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for _ in range(3):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.01)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == Exit.INTERRUPTED, told
    assert "the same command goes on" in told
    path = pics / "runs" / "0001-pics-upscale"
    assert checkpoints.facts(path / "latest.safetensors")["step"] == runs.statistics(path)[-1]["step"] > 0
    assert not list(path.rglob("*.part"))
