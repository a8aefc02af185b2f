"""The loop: exact resume, rollback, what a step leaves alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from toys import SIDE, settings  # noqa: E402

from universe_gan.data import Pictures  # noqa: E402
from universe_gan.training import gan, loop  # noqa: E402
from universe_gan.training.gan import Training, one_step  # noqa: E402
from universe_gan.training.loop import Diverged, train  # noqa: E402

CPU = torch.device("cpu")


def pictures(count: int = 9) -> Pictures:
    dice = np.random.default_rng(0)
    return Pictures(dice.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8), tuple(map(str, range(count))))


class Notes:
    """A witness that remembers."""

    def __init__(self) -> None:
        self.lines: list[dict[str, float]] = []
        self.saved: list[int] = []
        self.shown = 0

    def log(self, stats: dict[str, float]) -> None:
        self.lines.append(stats)

    def save(self, training: Training) -> None:
        self.saved.append(training.step)

    def advance(self, pictures: int) -> None:
        self.shown += pictures


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("model", "penalty"), [("lightweight", 0), ("lightweight", 2.5), ("stylegan2", 2.5)])
def test_two_and_two_steps_are_four_bit_for_bit(model: str, penalty: float) -> None:
    asked = settings(model=model, penalty=penalty)
    whole = Training(asked, SIDE, CPU)
    train(whole, pictures())
    half = Training(asked.model_copy(update={"kimg": 0.008}), SIDE, CPU)
    train(half, pictures())
    tensors = {name: tensor.clone() for name, tensor in half.state().items()}
    again = Training(asked, SIDE, CPU)
    again.load(tensors, half.facts())
    assert again.step == 2
    train(again, pictures())
    assert again.step == whole.step == 4
    assert not same(tensors, whole.state())
    assert same(again.state(), whole.state())


def test_without_the_optimizers_state_it_would_not_be_the_same() -> None:
    whole, again = (Training(settings(), SIDE, CPU) for _ in range(2))
    train(whole, pictures(), stop=lambda: whole.step == 2)
    again.load({name: tensor.clone() for name, tensor in whole.state().items()}, whole.facts())
    again.generator_optimizer.state.clear()
    for one in (whole, again):
        train(one, pictures())
    assert not same(again.state(), whole.state())


class Poisoned:
    """Pictures of which one batch, once or always, is undefined."""

    def __init__(self, at: int, times: int) -> None:
        self.inner, self.at, self.times, self.asked = pictures(), at, times, 0

    def __len__(self) -> int:
        return len(self.inner)

    def batch(self, numbers: Any, device: Any) -> Any:
        self.asked += 1
        given = self.inner.batch(numbers, device)
        if self.asked >= self.at and self.times:
            self.times -= 1
            return given * float("nan")
        return given


@pytest.mark.parametrize("at", [1, 4])
def test_a_poisoned_batch_is_rolled_back_at_half_the_rate_also_before_the_first_checkpoint(at: int) -> None:
    training, notes = Training(settings(), SIDE, CPU), Notes()
    train(training, Poisoned(at, 1), witness=notes)
    assert training.rollbacks == 1
    assert training.rate == settings().rate / 2
    assert training.generator_optimizer.param_groups[0]["lr"] == training.rate
    assert training.step == 4
    assert notes.saved[0] == 0
    assert notes.shown == 16
    assert all(torch.isfinite(one).all() for one in training.state().values() if one.is_floating_point())


def test_what_is_poisoned_for_good_ends_as_diverged_with_a_whole_state() -> None:
    training, notes = Training(settings(), SIDE, CPU), Notes()
    with pytest.raises(Diverged) as told:
        train(training, Poisoned(1, -1), witness=notes)
    assert told.value.rate == settings().rate / 8
    assert set(notes.saved) == {0}
    assert notes.lines == []


def test_weights_that_are_not_finite_are_found_though_losses_are() -> None:
    training, notes = Training(settings(), SIDE, CPU), Notes()
    real = gan.one_step

    def harmed(one: Training, batch: Any) -> Any:
        stats = real(one, batch)
        if one.step == 3 and not one.rollbacks:
            with torch.no_grad():
                next(one.average.parameters()).fill_(float("inf"))
        return stats

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gan, "one_step", harmed)
        train(training, pictures(), witness=notes)
    assert training.rollbacks == 1
    assert loop._is_finite(training)


def test_being_told_to_stop_saves_after_the_step_it_is_at() -> None:
    training, notes = Training(settings(kimg=1, log_kimg=1, save_kimg=1), SIDE, CPU), Notes()
    train(training, pictures(), witness=notes, stop=lambda: training.step == 3)
    assert notes.saved == [0, 3]
    assert [line["step"] for line in notes.lines] == [3]
    assert notes.shown == 12


def test_every_epoch_shows_every_picture_once_in_an_order_of_its_own() -> None:
    training = Training(settings(batch=3), SIDE, CPU)
    shown = []
    for training.step in range(6):
        shown += loop._numbers(training, 9)
    assert sorted(shown[:9]) == sorted(shown[9:]) == list(range(9))
    assert shown[:9] != shown[9:]


def test_the_discriminator_learns_nothing_from_the_generators_turn() -> None:
    training = Training(settings(), SIDE, CPU)
    stats = one_step(training, pictures().batch(torch.arange(4), CPU))
    assert all(one.requires_grad for one in training.discriminator.parameters())
    assert all(not one.requires_grad for one in training.average.parameters())
    assert {"discriminator", "generator", "augmented", "overfitting", "penalty"} <= stats.keys()
    assert all(value.shape == () and not value.requires_grad for value in stats.values())


@pytest.mark.parametrize("model", ["lightweight", "stylegan2"])
def test_a_penalty_taken_with_the_loss_teaches_what_one_taken_apart_does(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = []
    for together in (True, False):
        monkeypatch.setattr(gan, "_serves_both", lambda _, together=together: together)
        training = Training(settings(model=model), SIDE, CPU)
        stats = one_step(training, pictures().batch(torch.arange(4), CPU))
        slopes = [one.grad.flatten() for one in training.discriminator.parameters() if one.grad is not None]
        learned.append((stats["penalty"], torch.cat(slopes)))
    (penalty, slopes), (apart, slopes_apart) = learned
    assert penalty > 0
    assert torch.allclose(penalty, apart, rtol=1e-4)
    assert (slopes - slopes_apart).norm() < 1e-4 * slopes_apart.norm()


def test_the_average_starts_with_the_first_step_and_trails_the_generator(tmp_path: Path) -> None:
    training = Training(settings(), SIDE, CPU)
    before = [one.clone() for one in training.generator.parameters()]
    train(training, pictures())
    moved = [
        (slow - old).norm() / (fast - old).norm().clamp(min=1e-12)
        for slow, fast, old in zip(
            training.average.parameters(), training.generator.parameters(), before, strict=True
        )
        if (fast - old).norm() > 0
    ]
    assert moved
    assert all(0 < share < 1.5 for share in moved)
