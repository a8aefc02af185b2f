"""Trackers: the curves of a run in other programs, on this machine only."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from toys import folder_of_pictures  # noqa: E402

from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402
from universe_gan.training import runs, trackers  # noqa: E402

FLAGS = [
    f"--set=train.{words}"
    for words in (
        "model=stylegan2",
        "size=32",
        "batch=4",
        "breadth=0.015625",
        "latent=8",
        "log_kimg=0.004",
        "save_kimg=0.008",
        "precision=fp32",
    )
]


def curves(folder: Path) -> Any:
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    return module.EventAccumulator(str(folder)).Reload()


def test_tensorboard_shows_every_number_and_a_resumed_run_goes_on_in_the_same_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    monkeypatch.chdir(tmp_path)
    folder_of_pictures(tmp_path / "pics", 6)
    for kimg in ("0.008", "0.016"):
        ask = ["train", "pics", *FLAGS, "--set=train.trackers=['tensorboard']", "--device", "cpu"]
        assert run([*ask, "--kimg", kimg]) == Exit.DONE
    [only] = runs.every(Path("runs"))
    told = curves(only.path / "tensorboard")
    lines = only.stats()
    assert [point.step for point in told.Scalars("generator")] == [line["step"] for line in lines]
    for name in ("generator", "discriminator", "kimg", "rate"):
        assert [point.value for point in told.Scalars(name)] == pytest.approx([line[name] for line in lines])
    assert [sheet.step for sheet in told.Images("sheet")] == [0, 2, 4]


def test_what_was_told_beyond_the_checkpoint_is_told_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    for after, steps in ((0, (1, 2, 3)), (1, (2, 3, 4))):
        [tracker] = trackers.opened(["tensorboard"], tmp_path, "sky", step=after)
        for step in steps:
            tracker.log({"step": step, "loss": step + after / 10, "extractor": "plain", "fine": True})
        tracker.close()
    told = curves(tmp_path / "tensorboard")
    assert told.Tags()["scalars"] == ["loss"]
    assert [(one.step, round(one.value, 1)) for one in told.Scalars("loss")] == [
        (1, 1.0),
        (2, 2.1),
        (3, 3.1),
        (4, 4.1),
    ]


def test_a_missing_package_is_said_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder_of_pictures(tmp_path / "pics", 6)
    monkeypatch.setattr(trackers.util, "find_spec", lambda name: None)
    with pytest.raises(trackers.TrackersMissing) as told:
        trackers.check(["tensorboard", "trackio"])
    assert told.value.names == ("tensorboard", "trackio")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trackers, "check", _missing)
    assert run(["train", "pics", *FLAGS, "--set=train.trackers=['trackio']"]) == Exit.INPUT
    assert "pip install 'universe-gan[trackers]'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert run(["train", "pics", "--set=train.trackers=['wandb']"]) == Exit.INPUT


def _missing(names: list[str]) -> None:
    raise trackers.TrackersMissing(names)


LOCAL = """
import socket, sys, json
asked = []
def refused(*where, **_):
    asked.append(repr(where)); raise OSError("no network in this test")
socket.getaddrinfo = refused
socket.socket.connect = refused
from pathlib import Path
from PIL import Image
from universe_gan.training import trackers
run = Path(sys.argv[1])
for step, told, lines in ((0, 0, (1, 2, 3)), (2, 3, (3, 4))):
    [tracker] = trackers.opened(["trackio"], run, "sky", step=step, told=told)
    for one in lines:
        tracker.log({"step": one, "loss": one / 2, "extractor": "plain"})
    tracker.show(lines[-1], Image.new("RGB", (8, 8)))
    tracker.close()
from trackio.sqlite_storage import SQLiteStorage
logs = SQLiteStorage.get_logs("sky", run.name)
print(json.dumps({"asked": asked, "logs": logs}, default=str))
"""


def test_trackio_writes_beside_the_runs_and_sends_nothing(tmp_path: Path) -> None:
    if trackers.util.find_spec("trackio") is None:
        pytest.skip("trackio is not installed")
    elsewhere = {f"TRACKIO_{name}": "http://127.0.0.1:9/" for name in trackers.ELSEWHERE}
    env = {**os.environ, **elsewhere, "HF_TOKEN": "hf_secret", "TRACKIO_WRITE_TOKEN": "secret"}
    place = tmp_path / "runs" / "0001-sky"
    place.mkdir(parents=True)
    env.pop("TRACKIO_DIR", None)
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", LOCAL, str(place)], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)  # and nothing else was printed there
    assert told["asked"] == []
    assert [(one["step"], one["loss"]) for one in told["logs"] if "loss" in one] == [
        (1, 0.5),
        (2, 1.0),
        (3, 1.5),
        (4, 2.0),
    ]
    assert [one["step"] for one in told["logs"] if "sheet" in one] == [3, 4]
    assert list((tmp_path / "runs" / "trackio").glob("*.db"))
