"""Runs: which one goes on, what lies in its folder, how its statistics are read."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from PIL import Image  # noqa: E402
from toys import SIDE, settings  # noqa: E402

from collectors.storage.files import Journal  # noqa: E402
from universe_gan.data import Origin, Pictures  # noqa: E402
from universe_gan.training import curves, runs  # noqa: E402
from universe_gan.training.gan import Training  # noqa: E402
from universe_gan.training.loop import train  # noqa: E402
from universe_gan.training.recorder import Recorder  # noqa: E402
from universe_gan.training.runs import About, Run, RunBroken, RunBusy  # noqa: E402

CPU = torch.device("cpu")


def about(name: str = "sky", fingerprint: str = "f", **changed: object) -> About:
    origin = Origin(source="here", fingerprint=fingerprint, pictures=4, held_out=0)
    return runs.about(name, settings(**changed), SIDE, origin, CPU)


def test_the_last_run_that_learns_the_same_goes_on_and_anything_else_is_new(tmp_path: Path) -> None:
    first = runs.begin(tmp_path, about())
    assert runs.begin(tmp_path, about(kimg=7, save_kimg=1)).path == first.path
    assert runs.every(tmp_path)[0].about.settings.kimg == 7
    others = [about(seed=1), about(fingerprint="g"), about(name="other"), about(batch=8)]
    assert [runs.begin(tmp_path, one).path.name for one in others] == [
        "0002-sky",
        "0003-sky",
        "0004-other",
        "0005-sky",
    ]
    assert runs.begin(tmp_path, about(), new=True).path.name == "0006-sky"
    assert runs.begin(tmp_path, about()).path.name == "0006-sky"
    assert len(runs.every(tmp_path)) == 6


def test_a_number_that_some_folder_has_is_not_given_again(tmp_path: Path) -> None:
    (tmp_path / "0007-what-is-this").mkdir()
    assert runs.begin(tmp_path, about()).path.name == "0008-sky"


def test_a_broken_run_is_named(tmp_path: Path) -> None:
    run = runs.begin(tmp_path, about())
    (run.path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunBroken) as told:
        runs.begin(tmp_path, about())
    assert told.value.path == run.path / "run.json"


def test_a_second_training_is_kept_out_of_a_run(tmp_path: Path) -> None:
    run = runs.begin(tmp_path, about())
    with run.locked(), pytest.raises(RunBusy), run.locked():
        pass


def test_lines_after_the_checkpoint_are_superseded_by_those_told_again(tmp_path: Path) -> None:
    run = Run(tmp_path, about())
    journal = Journal(tmp_path / "stats.jsonl")
    for step, loss in [(2, 1.0), (4, 2.0), (6, 3.0), (8, 4.0)]:
        journal.append({"step": step, "loss": loss})
    for line in ({"step": 5, "loss": 9.0}, {"step": 8, "loss": 8.0}, {"step": 8, "kid": 0.5}):
        journal.append(line)  # went on from step 4, in other steps
    journal.close()
    with (tmp_path / "stats.jsonl").open("a") as file:
        file.write('{"step": 9, "lo')  # killed while it wrote
    assert run.stats() == [
        {"step": 2, "loss": 1.0},
        {"step": 4, "loss": 2.0},
        {"step": 5, "loss": 9.0},
        {"step": 8, "loss": 8.0, "kid": 0.5},
    ]


def test_a_run_holds_all_that_is_promised(tmp_path: Path) -> None:
    run = runs.begin(tmp_path, about(kimg=0.008, log_kimg=0.004))
    pictures = Pictures(np.zeros((4, SIDE, SIDE, 3), np.uint8), tuple("abcd"))
    recorder = Recorder(run, pictures)
    train(Training(run.about.settings, SIDE, CPU), pictures, witness=recorder)
    recorder.close()
    assert run.kimg == 0.008
    assert run.finished
    assert [line["step"] for line in run.stats()] == [1, 2]
    left = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    assert {"run.json", "stats.jsonl", "reals.png", "latest.safetensors", "sheets/000000.png"} <= left


def test_curves_show_losses_balance_and_every_judgement() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    lines = [{"step": n, "kimg": float(n), "generator": 1.0, "augmented": 0.1} for n in range(4)]
    plain = curves.draw(lines, "0001-sky")
    judged = curves.draw([*lines, {"step": 4, "kimg": 4.0, "kid": 0.2}], "0001-sky")
    assert plain is not None
    assert judged is not None
    from io import BytesIO

    heights = [Image.open(BytesIO(one)).height for one in (plain, judged)]
    assert heights[1] > heights[0]
    assert curves.draw(lines[:1], "0001-sky") is None
