"""The loop: shows a learner the real pictures, logs, saves, rolls back, stops; several processes in step.

What it trains only has to be a `learner.Learner`. All random numbers of a step follow from the seed, its
number and the rank. A resumed training therefore goes on bit for bit without the state of any generator being
kept, and nothing waits for the device but the log.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from universe_gan.training.learner import Learner, Lengths, Pictures, Witness

RAMP = 0.05
"""The average over weights never looks back further than this share of the training so far."""
ROLLBACKS = 3
"""How often training goes back to its last whole state before it gives up."""
ASK_EVERY = 8
"""Steps after which several processes ask each other whether one was told to stop."""


class Diverged(Exception):
    """Losses or weights became infinite or undefined, again and again."""

    def __init__(self, step: int, kimg: float, rate: float) -> None:
        super().__init__(f"training diverged at {kimg:.1f} kimg, also at a rate of {rate:g}")
        self.step, self.kimg, self.rate = step, kimg, rate


L = TypeVar("L", bound=Learner)


def train(
    training: L,
    pictures: Pictures,
    *,
    witness: Witness[L] | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train until `kimg` are shown or `stop()` says so; the last state is saved either way.

    Raises:
        Diverged: not finite after `ROLLBACKS` rollbacks with ever lower rates; the checkpoint is whole.
            Losses and weights are looked at whenever statistics are logged, and before anything is saved.
        torch.OutOfMemoryError: the batch does not fit the device.
    """
    settings, ranks = training.settings, training.ranks
    total = math.ceil(settings.kimg * 1000 / settings.batch)
    log_every, save_every, judge_every = (
        steps(kimg, settings) for kimg in (settings.log_kimg, settings.save_kimg, settings.judge_kimg)
    )
    whole = _keep(training, witness if training.step == 0 else None)
    sums: dict[str, Tensor] = {}
    started, first = clock(), training.step
    while training.step < total:
        numbers = torch.tensor(_numbers(training, len(pictures)))
        for name, value in training.learn(pictures.batch(numbers, training.device)).items():
            sums[name] = sums[name] + value if name in sums else value
        training.step += 1
        if witness:
            witness.advance(settings.batch)
        asked = ranks.world == 1 or training.step % ASK_EVERY == 0
        stopping = asked and ranks.any(stop())
        last = stopping or training.step == total
        saves = last or training.step % save_every == 0 or training.step % judge_every == 0
        if saves or training.step % log_every == 0:
            count = training.step - first
            stats = {name: float(value) / count for name, value in sums.items()}  # waits for the device
            sound = all(map(math.isfinite, stats.values())) and _is_finite(training)
            if ranks.any(not sound):
                lost = _roll_back(training, whole)
                saves = True  # the lower rate must outlive an interruption
                if witness:
                    witness.advance(-lost * settings.batch)
            else:
                _log(training, stats, count, clock() - started, witness)
            if saves:
                whole = _keep(training, witness)
            sums, started, first = {}, clock(), training.step
        if stopping:
            return


@torch.no_grad()
def follow(training: Learner) -> None:
    """Move the average over weights towards the generator; buffers (means and variances) likewise."""
    shown = max(training.kimg, training.settings.batch / 1000)
    half_life = min(training.settings.ema_kimg, max(shown * RAMP, 1e-8))
    keep = 0.5 ** (training.settings.batch / 1000 / half_life)
    pairs = zip(training.average.state_dict().values(), training.generator.state_dict().values(), strict=True)
    floats = [(slow, fast) for slow, fast in pairs if slow.is_floating_point()]
    torch._foreach_lerp_([slow for slow, _ in floats], [fast for _, fast in floats], 1 - keep)


def _numbers(training: Learner, count: int) -> list[int]:
    """Which pictures this rank shows in this step: every epoch in an order of its own."""
    begin = training.step * training.settings.batch
    return [
        _order(training.settings.seed, place // count, count)[place % count]
        for place in range(begin + training.ranks.rank, begin + training.settings.batch, training.ranks.world)
    ]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> list[int]:
    dice = torch.Generator().manual_seed(mixed(seed, epoch, -1))
    order: list[int] = torch.randperm(count, generator=dice).tolist()
    return order


def mixed(seed: int, step: int, rank: int) -> int:
    """A 63-bit seed for this step and rank alone (SplitMix64 over the three numbers)."""
    mixed = 0
    for number in (seed, step, rank):
        mixed = (mixed + (number % 2**64) + 0x9E3779B97F4A7C15) % 2**64
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) % 2**64
        mixed ^= mixed >> 31
    return mixed >> 1


@dataclass(frozen=True)
class _Whole:
    """A state to go back to. Every rank has its own, so no file need be within everybody's reach."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def _keep(training: L, witness: Witness[L] | None) -> _Whole:
    """Remember this state in the computer's memory, and on disk if somebody writes."""
    training.ranks.mean(training.running())
    if witness:
        witness.save(training)
    held = {name: tensor.detach().to("cpu", copy=True) for name, tensor in training.state().items()}
    return _Whole(held, training.facts())


def _roll_back(training: Learner, whole: _Whole) -> int:
    """Go back to the last whole state, at half the rate; returns the steps that were lost."""
    if training.rollbacks >= ROLLBACKS:
        raise Diverged(training.step, training.kimg, training.rate)
    before = training.step
    training.rollbacks += 1
    training.load(whole.tensors, whole.facts)
    return before - training.step


@torch.no_grad()
def _is_finite(training: Learner) -> bool:
    """Whether every weight and buffer is a finite number; waits for the device."""
    nets = (training.generator, training.discriminator, training.average)
    tensors = [one for net in nets for one in net.state_dict().values() if one.is_floating_point()]
    return bool(torch.stack([norm.float() for norm in torch._foreach_norm(tensors)]).isfinite().all())


def _log(
    training: L, stats: dict[str, float], count: int, seconds: float, witness: Witness[L] | None
) -> None:
    if witness is None:
        return
    speed = count * training.settings.batch / max(seconds, 1e-9)
    now = {"step": training.step, "kimg": training.kimg, "images_per_s": speed, "rate": training.rate}
    witness.log({**now, **stats})


def steps(kimg: float, settings: Lengths) -> int:
    """Whole steps in so many thousand pictures, at least one."""
    return max(1, round(kimg * 1000 / settings.batch))


def precision(training: Learner) -> Any:
    """The context that forward passes run in: bf16 where it is used, else nothing."""
    if not uses_bf16(training.settings, training.device):
        return nullcontext()
    return torch.autocast(training.device.type, torch.bfloat16)


def uses_bf16(settings: Lengths, device: torch.device) -> bool:
    """Whether forward passes run in bf16 on this device under these settings."""
    if settings.precision != "auto":
        return settings.precision == "bf16"
    return device.type == "cuda" and bool(torch.cuda.is_bf16_supported())
