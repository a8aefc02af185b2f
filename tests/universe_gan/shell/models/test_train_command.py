"""`universe-gan train`: what is named, what is said, what is left when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from hub_server import HubServer  # noqa: E402
from toys import folder_of_pictures  # noqa: E402

from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402
from universe_gan.shell.models import training  # noqa: E402
from universe_gan.training import (  # noqa: E402
    checkpoints,
    loop,
    runs,
)

SMALL = {
    "model": "stylegan2",
    "size": 32,
    "batch": 4,
    "breadth": 0.015625,
    "latent": 8,
    "log_kimg": 0.004,
    "save_kimg": 0.008,
    "precision": "fp32",
}
FLAGS = [part for key, value in SMALL.items() for part in ("--set", f"train.{key}={value}")]


@pytest.fixture
def pics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pictures in the current folder."""
    monkeypatch.chdir(tmp_path)
    folder_of_pictures(tmp_path / "pics", 6)
    return tmp_path


def train(*words: str) -> int:
    return run(["train", *FLAGS, "--device", "cpu", *words])


def test_a_folder_is_trained_on_and_the_same_words_go_on_or_say_finished(
    pics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("pics", "--kimg", "0.008") == Exit.DONE
    told = capsys.readouterr()
    assert "runs/0001-pics  finished" in told.out
    assert "0.008 of 0.008 kimg" in told.out
    assert "images/s" in told.out
    assert "generate runs/0001-pics" in told.err
    assert train("pics", "--kimg", "0.016", "--json") == Exit.DONE
    assert json.loads(capsys.readouterr().out)["kimg"] == 0.016
    assert train("pics", "--kimg", "0.016") == Exit.DONE
    assert "finished" in capsys.readouterr().out
    [only] = runs.every(Path("runs"))
    assert [line["step"] for line in only.stats()] == [1, 2, 3, 4]
    left = {path.name for path in only.path.iterdir()}
    assert {"run.json", "stats.jsonl", "reals.png", "log.txt", "latest.safetensors", "sheets"} <= left
    assert train("pics", "--kimg", "0.004", "--new") == Exit.DONE
    assert [one.path.name for one in runs.every(Path("runs"))] == ["0001-pics", "0002-pics"]


def test_a_recipe_means_its_own_dataset_and_a_hub_id_the_published_one(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home / "downloads"))
    assert train("sample", "--kimg", "0.004") == Exit.DONE
    assert run(["publish", "sample", "--repo", "ada/nebulae", "-q"]) == Exit.DONE
    assert train("ada/nebulae@main", "--kimg", "0.004") == Exit.DONE
    ours, theirs = runs.every(Path("runs"))
    assert (ours.about.name, theirs.about.name) == ("sample", "nebulae")
    assert ours.about.origin.fingerprint == theirs.about.origin.fingerprint
    assert ours.about.origin.revision is None
    assert theirs.about.origin.revision == hub.repos["ada/nebulae"].refs["refs/heads/main"]
    assert sum(ours.about.origin.licences.values()) >= ours.about.origin.pictures
    capsys.readouterr()
    assert train("ada/nothing") == Exit.INPUT
    assert "ada/nothing" in capsys.readouterr().err


def test_a_dry_run_begins_nothing(pics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("pics", "-n") == Exit.DONE
    assert "would begin a new run" in capsys.readouterr().out
    assert runs.every(Path("runs")) == []


def test_every_mistake_is_named_at_once(pics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["--set", "train.size=48", "--set", "train.kimgs=3", "--set", "train.batch=many"]
    assert run(["train", "pics", *wrong]) == Exit.INPUT
    told = capsys.readouterr().err
    assert "[train] size = 48: not a power of two" in told
    assert "did you mean kimg?" in told
    assert "[train] batch = 'many' is not a whole number" in told
    assert run(["train", "pics", *FLAGS, "--set", "train.batch=1", "--set", "train.attention=[64]"]) == 3
    told = capsys.readouterr().err
    assert "batch = 1" in told
    assert "attention = [64]" in told


def test_an_unbuilt_recipe_says_what_to_run_first(pics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "nebulae", "--from", "nebulae"]) == Exit.DONE
    assert run(["train", "nebulae"]) == Exit.INPUT
    assert "first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "train.batch=8"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "train.batch=8"),
        (loop.Diverged(7, 0.028, 1e-4), "diverged"),
    ],
)
def test_a_small_machine_and_divergence_are_exit_7_with_advice(
    pics: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    words: str,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(loop, "train", fails)
    assert train("pics", "--set", "train.batch=16") == Exit.MACHINE
    assert words in capsys.readouterr().err


def test_without_torch_the_extra_is_named(
    pics: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "NEEDED", ("torch_that_nobody_has",))
    assert train("pics") == Exit.INPUT
    assert "pip install 'universe-gan[train]'" in capsys.readouterr().err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signals_save_the_state_and_the_second_tears_nothing(pics: Path, how: signal.Signals) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "universe_gan", "train", "pics", *FLAGS, "--kimg", "50"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        stats = pics / "runs" / "0001-pics" / "stats.jsonl"
        deadline = time.monotonic() + 120
        while not (stats.exists() and stats.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        for _ in range(5):
            process.send_signal(how)
            time.sleep(0.01)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == Exit.INTERRUPTED, told
    assert "the same command goes on" in told
    [stopped] = runs.every(pics / "runs")
    _, facts = checkpoints.read(stopped.latest)
    assert facts["step"] == stopped.stats()[-1]["step"] > 0
    assert not list(stopped.path.rglob("*.part"))
