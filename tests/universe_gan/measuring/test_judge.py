"""Judging a run: what is compared, what is kept as the best, what is said."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from toys import SIDE, settings  # noqa: E402

from universe_gan.data import Origin, Pictures, Prepared  # noqa: E402
from universe_gan.measuring import judging  # noqa: E402
from universe_gan.measuring.judging import judge  # noqa: E402
from universe_gan.training import checkpoints, runs  # noqa: E402
from universe_gan.training.gan import Training  # noqa: E402
from universe_gan.training.loop import train  # noqa: E402
from universe_gan.training.recorder import Recorder  # noqa: E402

CPU = torch.device("cpu")


def some(count: int, seed: int) -> Pictures:
    dice = np.random.default_rng(seed)
    return Pictures(dice.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8), tuple(map(str, range(count))))


def prepared(held_out: int = 24) -> Prepared:
    origin = Origin(source="toys", fingerprint=f"f{held_out}", pictures=40, held_out=held_out)
    return Prepared(origin, some(40, 1), some(held_out, 2))


def figures(kid: float, **changed: Any) -> dict[str, Any]:
    told = {"kid": kid, "kid_low": kid - 0.1, "kid_high": kid + 0.1, "extractor": "plain", "against": "train"}
    return told | changed


def test_real_pictures_are_judged_good_and_copies_are_found(tmp_path: Path) -> None:
    ask = judge(prepared(), settings(extractor="plain"), tmp_path, CPU)
    good, copied = ask.figures(some(40, 3).pixels), ask.figures(ask.train)
    assert good["against"] == "held out"
    assert good["kid_low"] <= 0.001
    assert good["memorisation"] == pytest.approx(1, abs=0.1)
    assert copied["memorisation"] < 0.1
    assert good["fd_pictures"] == 12
    json.dumps(good, allow_nan=False)


def test_without_held_out_pictures_memorisation_is_not_known(tmp_path: Path) -> None:
    told = judge(prepared(0), settings(extractor="plain"), tmp_path, CPU).figures(some(40, 3).pixels)
    assert (told["against"], told["memorisation"]) == ("train", None)
    assert "copies" not in judging.words(told)


def test_a_gain_within_the_noise_is_none_and_other_measures_start_anew() -> None:
    assert judging.is_better(figures(1), None)
    assert not judging.is_better(figures(0.95), figures(1))
    assert judging.is_better(figures(0.8), figures(1))
    assert judging.is_better(figures(5, extractor="lite0"), figures(1))
    assert judging.without_gain([figures(2), figures(1), figures(1.5), figures(1)]) == 2


def test_judging_draws_the_same_and_leaves_the_dice_alone() -> None:
    net = Training(settings(), SIDE, CPU).average
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = judging.drawn(net, 3, 8, 0, CPU)
    assert torch.equal(torch.rand(1), expected)
    assert np.array_equal(judging.drawn(net, 3, 8, 0, CPU), first)
    assert first.shape == (3, SIDE, SIDE, 3)


def test_a_run_is_judged_and_its_best_is_kept(tmp_path: Path) -> None:
    asked, of = settings(extractor="plain", judge_kimg=0.008), prepared()
    run = runs.begin(tmp_path, runs.about("toys", asked, SIDE, of.origin, CPU))
    said: list[str] = []
    recorder = Recorder(run, of.train, None, judge(of, asked, tmp_path / "cache", CPU), said.append)
    train(Training(asked, SIDE, CPU), of.train, witness=recorder)
    recorder.close()
    judged = [line for line in run.stats() if "kid" in line]
    assert [line["step"] for line in judged] == [0, 2, 4]
    assert len(said) == 3
    tensors, facts = checkpoints.read(run.best)
    assert all(name.startswith("average.") for name in tensors)
    assert facts["judged"]["kid"] in [line["kid"] for line in judged]


class Stub:
    """A judge that says the KIDs it was given, in turn."""

    def __init__(self, *kids: float) -> None:
        self.kids = list(kids)

    def __call__(self, generator: Any, device: Any, count: int | None = None) -> dict[str, Any]:
        more = {"fd": 1, "fd_floor": 1, "coverage": 1, "recall": 1, "memorisation": None}
        return figures(self.kids.pop(0)) | more


def watched(root: Path, stub: Stub, **changed: Any) -> tuple[runs.Run, list[str]]:
    """A short training under this judge, and what was said."""
    asked, of = settings(**changed), prepared()
    run = runs.begin(root, runs.about("toys", asked, SIDE, of.origin, CPU))
    said: list[str] = []
    recorder = Recorder(run, of.train, None, stub, said.append)  # type: ignore[arg-type, unused-ignore]
    train(Training(asked, SIDE, CPU), of.train, witness=recorder)
    recorder.close()
    return run, said


def test_judgements_happen_when_they_are_due_whenever_checkpoints_are_written(tmp_path: Path) -> None:
    run, _ = watched(tmp_path, Stub(4, 3, 2, 1), save_kimg=1, judge_kimg=0.008, kimg=0.024)
    assert [line["step"] for line in run.stats() if "kid" in line] == [0, 2, 4, 6]
    assert checkpoints.facts(run.best)["step"] == 6
    rare, _ = watched(tmp_path, Stub(4, 3, 2), save_kimg=0.004, judge_kimg=0.012, kimg=0.02, seed=1)
    assert [line["step"] for line in rare.stats() if "kid" in line] == [0, 3, 5]


def test_five_judgements_without_gain_are_told_and_the_best_stays(tmp_path: Path) -> None:
    run, said = watched(tmp_path, Stub(0, 1, 2, 2, 2, 2, 2), log_kimg=1, judge_kimg=0.004, kimg=0.024)
    assert [line for line in said if "no gain" in line] == [
        f"no gain in 5 judgements; {run.best} is the best so far"
    ]
    assert said[-1].startswith("no gain")
    assert checkpoints.facts(run.best)["step"] == 1


def test_what_has_learned_nothing_is_never_the_best(tmp_path: Path) -> None:
    run, _ = watched(tmp_path, Stub(1, 9), judge_kimg=0.016)
    assert [line["kid"] for line in run.stats() if "kid" in line] == [1, 9]
    assert checkpoints.facts(run.best)["step"] == 4


def test_a_best_that_had_learned_nothing_gives_way(tmp_path: Path) -> None:
    run, _ = watched(tmp_path, Stub(1, 9), judge_kimg=0.016)
    tensors, facts = checkpoints.read(run.best)
    checkpoints.write(
        run.best, tensors, {**facts, "step": 0, "judged": figures(1)}
    )  # as older versions left it
    asked = settings(judge_kimg=0.016, kimg=0.032)
    run = runs.begin(tmp_path, runs.about("toys", asked, SIDE, prepared().origin, CPU))
    training = Training(asked, SIDE, CPU)
    training.load(*checkpoints.read(run.latest))
    recorder = Recorder(run, prepared().train, None, Stub(8))  # type: ignore[arg-type, unused-ignore]
    train(training, prepared().train, witness=recorder)
    recorder.close()
    assert checkpoints.facts(run.best)["step"] == 8
