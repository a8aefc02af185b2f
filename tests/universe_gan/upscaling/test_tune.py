"""Tuning the upscaler: exact resume, only what shall learn learns, worse never takes the place of better."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from small_nets import network, sky, state_hash  # noqa: E402

from universe_gan.data import Origin, Pictures  # noqa: E402
from universe_gan.training import checkpoints, runs  # noqa: E402
from universe_gan.training.loop import Diverged, train  # noqa: E402
from universe_gan.upscaling import tuned, weights  # noqa: E402
from universe_gan.upscaling.critic import Critic  # noqa: E402
from universe_gan.upscaling.exam import Exam, exam, is_better  # noqa: E402
from universe_gan.upscaling.tune import BODY, Tuning, cut  # noqa: E402
from universe_gan.upscaling.tune_settings import TuneSettings, mistakes  # noqa: E402

CPU = torch.device("cpu")
START = {"weights": "small", "weights_sha256": "0" * 64, "weights_from": "a test", "fp16_rounded": False}
ORIGIN = Origin(
    source="skies", revision="abc", fingerprint="f" * 64, pictures=4, held_out=2, licences={"CC0-1.0": 6}
)


def settings(**changed: Any) -> TuneSettings:
    """Two crops a step, four steps, the critic from the third on; looked at after every second."""
    small: dict[str, Any] = {
        "kimg": 0.008,
        "l1_kimg": 0.004,
        "batch": 2,
        "crop": 8,
        "critic": 4,
        "log_kimg": 0.004,
        "save_kimg": 0.004,
        "judge_kimg": 0.004,
        "precision": "fp32",
    }
    return TuneSettings(**{**small, **changed})


def pictures(count: int, seed: int = 0, side: int = 48) -> Pictures:
    pixels = np.stack([(sky(side, side, seed + number) * 255).astype(np.uint8) for number in range(count)])
    return Pictures(pixels, tuple(map(str, range(count))))


def tuning(**changed: Any) -> Tuning:
    return Tuning(settings(**changed), network(), 48, CPU)


def run_in(folder: Path, **changed: Any) -> tuned.Run:
    about = tuned.about("skies", settings(**changed), pictures(1), 2, ORIGIN, START, CPU)
    return tuned.begin(folder, about)


def test_two_and_two_steps_are_four_bit_for_bit(tmp_path: Path) -> None:
    whole, first, second = tuning(), tuning(kimg=0.004), tuning()
    train(whole, pictures(4))
    train(first, pictures(4))
    path = tmp_path / "latest.safetensors"
    checkpoints.write(path, first.state(), first.facts())
    second.load(*checkpoints.read(path))
    assert second.step == 2
    train(second, pictures(4))
    assert whole.step == second.step == 4
    wanted, found = whole.state(), second.state()
    assert wanted.keys() == found.keys()
    assert "discriminator_optimizer.0.exp_avg" in found  # the critic had its turns
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    assert not torch.equal(first.average.conv_last.weight, second.average.conv_last.weight)


@pytest.mark.parametrize("learn", ["tail", "all"])
def test_the_body_learns_only_where_all_shall(learn: str) -> None:
    one = tuning(learn=learn)
    first = network().state_dict()
    train(one, pictures(4))
    changed = {
        name for name, value in one.generator.state_dict().items() if not torch.equal(value, first[name])
    }
    body = {name for name in first if name.startswith(BODY)}
    assert changed == (set(first) if learn == "all" else set(first) - body)
    assert state_hash(one.first) == state_hash(network())
    assert 0 < len([name for name in one.state() if name.startswith("average.")]) <= len(first)


def test_crops_fit_the_pictures_the_network_and_the_critic() -> None:
    assert tuning(crop=256).crop == 48
    assert Tuning(settings(crop=9), network(scale=2), 48, CPU).crop == 16
    picture = torch.arange(2.0 * 12 * 12).view(2, 1, 12, 12)
    assert cut(picture, 12).equal(picture)
    assert cut(picture, 5).shape == (2, 1, 5, 5)


def test_the_critic_says_something_of_every_pixel_and_is_bounded_where_it_is_normed() -> None:
    torch.manual_seed(0)
    critic = Critic(8)
    assert critic(torch.rand(2, 3, 24, 40)).shape == (2, 1, 24, 40)
    normed = [name for name, _ in critic.named_parameters() if "original" in name]
    assert len(normed) == 3 + 3 + 2
    assert not any(name.startswith(("first", "last")) for name in normed)


def test_infinite_losses_go_back_at_half_the_rate_and_then_give_up() -> None:
    one = tuning(rate=1e30)
    with pytest.raises(Diverged):
        train(one, pictures(4))
    assert one.rollbacks == 3
    assert one.rate == 1e30 / 8


class Figures:
    """An exam that finds what it is told to find."""

    def __init__(self, real: Exam, *psnr: float) -> None:
        self.before = {"psnr": 20.0, "held_out_l1": 0.1, "stars": None}
        self.sheet, self._told = real.sheet, list(psnr)

    def figures(self, net: object) -> dict[str, Any]:
        return {**self.before, "psnr": self._told.pop(0)}


def test_worse_never_takes_the_place_of_better_not_even_after_a_new_start(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    real = exam(pictures(1, 9).pixels, network(), tail=True, passes=2, device=CPU)
    one = tuning()

    def judged(*psnr: float) -> str:
        witness = tuned.Recorder(run, Figures(real, *psnr))  # type: ignore[arg-type]
        for _ in psnr:
            witness.save(one)
        witness.close()
        return hashlib.sha256(run.best.read_bytes()).hexdigest() if run.best.exists() else ""

    assert judged(19.0, 20.0, 20.001, float("nan")) == ""
    with pytest.raises(weights.NotBetter):
        weights.find(run.path)
    better = judged(21.0)
    assert better
    with torch.no_grad():
        one.average.conv_last.bias.add_(1)
    assert judged(20.5, 21.0, float("nan")) == better
    assert judged(22.0) != better
    assert run.judged()[0] == {"psnr": 22.0, "held_out_l1": 0.1, "stars": None}


def test_what_dims_or_swells_stars_is_no_better_however_small_its_error() -> None:
    before = {"psnr": 20.0, "stars": 0.97}
    assert is_better({"psnr": 20.1, "stars": 1.03}, before, before)
    assert not is_better({"psnr": 30.0, "stars": 0.9}, before, before)
    assert not is_better({"psnr": 30.0, "stars": 1.1}, before, before)
    assert is_better({"psnr": 20.1, "stars": None}, before, before)


def test_a_run_is_a_folder_that_upscale_takes_with_all_it_comes_from(tmp_path: Path) -> None:
    run = run_in(tmp_path, rate=1e-2, ema_kimg=0.001)
    learned, held_out = pictures(4), pictures(2, 4)
    net = network()
    judge = exam(held_out.pixels, net, tail=True, passes=2, device=CPU)
    judge.before = {**judge.before, "psnr": 0.0, "stars": None}  # so that whatever comes is better
    witness = tuned.Recorder(run, judge)
    train(one := tuning(rate=1e-2, ema_kimg=0.001), learned, witness=witness)
    witness.close()
    assert run.finished
    told = runs.statistics(run.path)
    assert [line["step"] for line in told] == [0, 2, 4]
    assert {"l1", "consistency", "discriminator", "generator", "psnr", "held_out_l1"} <= told[-1].keys()
    left = {path.name for path in run.path.iterdir()}
    assert {"upscale.json", "stats.jsonl", "sheets", "training.png", "latest.safetensors"} <= left
    assert len(list((run.path / "sheets").iterdir())) == 3
    found = weights.find(run.path)
    assert found.net.state_dict().keys() == net.state_dict().keys()
    about = found.provenance["tuned"]
    assert (about["dataset"]["source"], about["dataset"]["revision"]) == ("skies", "abc")
    assert about["dataset"]["licences"] == {"CC0-1.0": 6}
    assert about["start"] == START
    best = max(told, key=lambda line: line["psnr"])
    assert about["judged"]["psnr"] == best["psnr"]
    if best["step"] == 4:
        assert state_hash(found.net) == state_hash(one.average)
    assert runs.every(tmp_path) == []  # no GAN among them


def test_the_exam_is_what_users_get_whatever_learns() -> None:
    held_out = pictures(2, 7)
    alike = [
        exam(held_out.pixels, network(), tail=tail, passes=2, device=CPU).before for tail in (True, False)
    ]
    assert alike[0]["psnr"] == pytest.approx(alike[1]["psnr"], abs=1e-6)
    from universe_gan.upscaling.upscaler import Upscaler

    judge = exam(held_out.pixels, network(), tail=True, passes=2, device=CPU)
    upscaler = Upscaler(weights.Weights(network(), START))
    made = upscaler.enlarge(judge.small[0].permute(1, 2, 0).numpy())
    assert np.abs(judge.made(network())[0].permute(1, 2, 0).numpy() - made).max() < 1e-5


def test_runs_go_on_only_with_the_same_weights_data_and_settings(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    longer = tuned.about("skies", settings(kimg=1, judge_kimg=0.1), pictures(1), 2, ORIGIN, START, CPU)
    assert tuned.begin(tmp_path, longer).path == run.path
    other_start = {**START, "weights_sha256": "1" * 64}
    for other in (
        tuned.about("skies", settings(learn="all"), pictures(1), 2, ORIGIN, START, CPU),
        tuned.about("skies", settings(), pictures(1), 1, ORIGIN, START, CPU),
        tuned.about("skies", settings(), pictures(1), 2, ORIGIN, other_start, CPU),
    ):
        assert tuned.continued(tmp_path, other) is None
    assert tuned.begin(tmp_path, longer, new=True).path.name == "0002-skies-upscale"


def test_where_nothing_is_held_out_every_tenth_picture_is() -> None:
    none = Pictures(np.zeros((0, 48, 48, 3), np.uint8), ())
    learned, apart = tuned.parted(pictures(12), none)
    assert apart.names == ("0", "10")
    assert len(learned) == 10
    both = pictures(3), pictures(2)
    assert tuned.parted(*both) == both


def test_settings_that_do_not_go_together_are_named() -> None:
    assert [*mistakes(settings(batch=3), 1, 2)] == [
        "[upscale.tune] batch = 3 cannot be shared by 2 processes",
        "there is 1 picture to learn from; it takes 2, one of which is held out",
    ]
    for wrong in ({"blur": (2, 1)}, {"blur": (0, 1)}, {"jpeg": (90, 101)}, {"learn": "body"}, {"crop": 4}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            settings(**wrong)
