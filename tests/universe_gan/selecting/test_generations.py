"""When a training on generated pictures stops."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from trained import run_folder

from universe_gan.selecting import generations
from universe_gan.training import runs


def judged(kimg: float, coverage: float, **changed: Any) -> dict[str, Any]:
    alike = {"step": round(kimg), "extractor": "lite0", "against": "held out", "judged": 300}
    return {**alike, "kimg": kimg, "coverage": coverage, **changed}


def test_coverage_may_move_by_chance_but_not_fall() -> None:
    before = [judged(100, 0.5), judged(200, 0.8)]
    assert generations.fell(judged(300, 0.78), before, [], reals=200) == ""
    words = generations.fell(judged(300, 0.6), before, [], reals=200)
    assert words.startswith("coverage fell to 0.60, from 0.80 at 200 kimg; chance alone: 0.09")
    assert generations.fell(judged(300, 0.6), before, [], reals=20) == ""  # of 20 pictures that is chance


def test_the_generation_before_is_held_against_it_after_as_many_pictures_only() -> None:
    former = [judged(100, 0.3), judged(200, 0.9)]
    assert generations.fell(judged(100, 0.3), [], former, reals=200) == ""
    assert "in the generation before at 200 kimg" in generations.fell(judged(250, 0.5), [], former, reals=200)
    assert generations.fell(judged(50, 0.0), [], former, reals=200) == ""


def test_what_was_measured_otherwise_is_not_compared() -> None:
    for name, value in (("extractor", "plain"), ("against", "train"), ("judged", 100)):
        assert generations.fell(judged(300, 0.1), [judged(200, 0.9, **{name: value})], [], reals=200) == ""


def test_a_run_on_real_pictures_only_is_never_stopped(tmp_path: Path) -> None:
    run = runs.read(run_folder(tmp_path))
    lines = [judged(1, 0.9), judged(2, 0.0)]
    (run.path / "stats.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert generations.stopped(run) == ""
    fed = run.about.model_copy(
        update={"origin": run.about.origin.model_copy(update={"synthetic": 3, "generation": 1})}
    )
    assert generations.stopped(runs.Run(run.path, fed)) == ""  # of two held-out pictures nothing can be said
    many = fed.model_copy(update={"origin": fed.origin.model_copy(update={"held_out": 100})})
    assert "coverage fell to 0.00, from 0.90" in generations.stopped(runs.Run(run.path, many))


def test_a_setting_that_came_later_does_not_change_what_an_older_run_asked(tmp_path: Path) -> None:
    """Whoever trained before there was `synthetic` goes on with the same run."""
    run = runs.read(run_folder(tmp_path))
    reals_only = run.about.settings.model_copy(update={"synthetic": 0.0})
    assert run.about.model_copy(update={"settings": reals_only}).question == run.about.question
    told = json.loads((run.path / "run.json").read_text())
    for name in ("synthetic", "generation"):
        del told["origin"][name]
    del told["settings"]["synthetic"]
    assert runs.About.model_validate(told).question == run.about.question
