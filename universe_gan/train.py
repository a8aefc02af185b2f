"""Training, from top to bottom: the networks, one step, the loop.

A step shows `batch` real pictures. The generator runs once: its pictures serve the discriminator's turn and
then, under the discriminator as it has become, its own. The discriminator is frozen meanwhile. Every few
steps a zero-centred gradient penalty is added (lazily, Karras et al. 2019, appendix B); it needs the
derivative of a derivative, which compiled networks do not have, so there the penalty is taken from the same
network as it was written. Elsewhere one pass through the discriminator serves the penalty and the loss.

All random numbers of a step follow from the seed, its number and the rank. A resumed training therefore goes
on bit for bit without the state of any generator being kept, and nothing waits for the device but the log.
"""

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Adam

from universe_gan import checkpoints
from universe_gan.augment import Controller, augment, turned
from universe_gan.networks import chosen
from universe_gan.networks.verdicts import Verdicts, sureness
from universe_gan.ranks import Ranks
from universe_gan.train_settings import TrainSettings

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


class Pictures(Protocol):
    """The real pictures as the loop wants them."""

    def __len__(self) -> int: ...

    def batch(self, numbers: Tensor, device: torch.device) -> Tensor:
        """(batch, 3, side, side) from -1 to 1 on the device, channels last."""


class Lengths(Protocol):
    """What the loop asks of anybody's settings; lengths in thousands of pictures."""

    @property
    def kimg(self) -> float: ...
    @property
    def batch(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def ema_kimg(self) -> float: ...
    @property
    def precision(self) -> str: ...
    @property
    def log_kimg(self) -> float: ...
    @property
    def save_kimg(self) -> float: ...
    @property
    def judge_kimg(self) -> float: ...


class Learner(Protocol):
    """What the loop trains: two networks that play against each other, and an average over the first."""

    step: int
    rollbacks: int
    device: torch.device
    ranks: Ranks
    generator: Any
    discriminator: Any
    average: Any

    @property
    def settings(self) -> Lengths: ...
    @property
    def kimg(self) -> float: ...
    @property
    def rate(self) -> float: ...

    def learn(self, real: Tensor) -> dict[str, Tensor]:
        """One step on (batch, 3, side, side) from -1 to 1; statistics as scalars on the device."""

    def state(self) -> dict[str, Tensor]: ...

    def running(self) -> list[Tensor]: ...

    def facts(self) -> dict[str, Any]: ...

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None: ...


L = TypeVar("L", bound=Learner)
Seen = TypeVar("Seen", bound=Learner, contravariant=True)


class Witness(Protocol[Seen]):
    """What looks on: writes files, measures, says when to stop. Only the rank that writes has one."""

    def log(self, stats: dict[str, float]) -> None: ...

    def save(self, training: Seen) -> None: ...

    def advance(self, pictures: int) -> None:
        """So many real pictures more were shown; negative after a rollback."""


@dataclass
class Training:
    """Everything that changes while training, and what it is made from."""

    settings: TrainSettings
    side: int
    device: torch.device
    ranks: Ranks = field(default_factory=Ranks)
    step: int = 0
    rollbacks: int = 0

    def __post_init__(self) -> None:
        model = chosen(self.settings)
        torch.manual_seed(self.settings.seed)
        self.generator = model.generator(self.settings, self.side)
        self.discriminator = model.discriminator(self.settings, self.side)
        for net in (self.generator, self.discriminator):
            model.initialise(net)
            net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.ranks.agree(net.state_dict().values())
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        fused = self.device.type == "cuda"
        self.generator_optimizer, self.discriminator_optimizer = (
            Adam(net.parameters(), lr=self.settings.rate, betas=(0.5, 0.9), fused=fused)
            for net in (self.generator, self.discriminator)
        )
        self.controller = Controller(
            self.device, target=self.settings.overfitting, kimg=self.settings.augment_kimg
        )
        self.discriminator_loss, self.generator_loss = model.discriminator_loss, model.generator_loss
        self.regulariser = model.regulariser(self.device) if model.regulariser else None
        compiled = torch.compile if _compiles(self.settings, self.device) else _as_it_is
        self.fast_generator, self.fast_discriminator = (
            compiled(net) for net in (self.generator, self.discriminator)
        )

    @property
    def kimg(self) -> float:
        """Thousands of real pictures shown so far."""
        return self.step * self.settings.batch / 1000

    def learn(self, real: Tensor) -> dict[str, Tensor]:
        """One step on a batch (`one_step`)."""
        return one_step(self, real)

    @property
    def mine(self) -> int:
        """Pictures of a batch that are this rank's."""
        return self.settings.batch // self.ranks.world

    def state(self) -> dict[str, Tensor]:
        """Everything an exact resume needs, by name."""
        return {
            **checkpoints.of_module("generator", self.generator),
            **checkpoints.of_module("average", self.average),
            **checkpoints.of_module("discriminator", self.discriminator),
            **checkpoints.of_optimizer("generator_optimizer", self.generator_optimizer),
            **checkpoints.of_optimizer("discriminator_optimizer", self.discriminator_optimizer),
            **{f"controller.{name}": value for name, value in self.controller.state().items()},
            **{f"regulariser.{name}": value for name, value in self._regulariser_state().items()},
        }

    def _regulariser_state(self) -> dict[str, Tensor]:
        return self.regulariser.state() if self.regulariser else {}

    def running(self) -> list[Tensor]:
        """What each rank gathers from its own pictures: means and variances, which gradients do not move."""
        nets = (self.generator, self.discriminator, self.average)
        buffers = [buffer for net in nets for buffer in net.buffers() if buffer.is_floating_point()]
        return [*buffers, *self._regulariser_state().values()]

    def facts(self) -> dict[str, Any]:
        """What goes beside the tensors."""
        return {"step": self.step, "rollbacks": self.rollbacks, "side": self.side}

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from `state` and `facts`; each rollback so far has halved the rate."""
        self.step, self.rollbacks = int(facts["step"]), max(self.rollbacks, int(facts["rollbacks"]))
        checkpoints.into_module("generator", self.generator, tensors)
        checkpoints.into_module("average", self.average, tensors)
        checkpoints.into_module("discriminator", self.discriminator, tensors)
        for name in ("generator_optimizer", "discriminator_optimizer"):
            optimizer = getattr(self, name)
            checkpoints.into_optimizer(name, optimizer, tensors)
            for group in optimizer.param_groups:
                group["lr"] = self.rate
        self.controller.load({name: tensors[f"controller.{name}"] for name in self.controller.state()})
        for name, value in self._regulariser_state().items():
            value.copy_(tensors[f"regulariser.{name}"])

    @property
    def rate(self) -> float:
        return self.settings.rate * 0.5**self.rollbacks


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


def one_step(training: Training, real: Tensor) -> dict[str, Tensor]:
    """Both networks' turns on one batch; statistics as scalars on the device, summed up by the loop."""
    settings, ranks = training.settings, training.ranks
    torch.manual_seed(mixed(settings.seed, training.step, ranks.rank))
    probability = training.controller.probability
    penalised = settings.penalised and training.step % settings.penalty_every == 0
    latents = torch.randn(len(real), settings.latent, device=training.device)
    real = turned(real, settings.symmetry)

    with precision(training):
        fake = training.fast_generator(latents)
    shown, made = augment(real, probability), augment(fake.detach(), probability)
    training.discriminator_optimizer.zero_grad(set_to_none=True)
    joined = penalised and _serves_both(training)
    penalty = _penalty(training, shown, made) if penalised and not joined else None
    shown.requires_grad_(joined)
    made.requires_grad_(joined)
    with precision(training):
        of_real = training.fast_discriminator(shown, restore=True)
        of_fake = training.fast_discriminator(made)
        loss = training.discriminator_loss(of_real, of_fake)
    if joined:
        penalty = _slope(of_real, shown) + _slope(of_fake, made)
    whole = loss if penalty is None or not joined else loss + penalty * _weight(settings)
    whole.backward()  # type: ignore[no-untyped-call]
    ranks.average(training.discriminator.parameters())
    training.discriminator_optimizer.step()
    training.controller.watch(ranks.gathered(sureness(of_real)), settings.batch)

    training.discriminator.requires_grad_(False)
    training.generator_optimizer.zero_grad(set_to_none=True)
    uneven = _regularised(training, latents)
    with precision(training):
        generator_loss = training.generator_loss(training.fast_discriminator(augment(fake, probability)))
    generator_loss.backward()  # type: ignore[no-untyped-call]
    training.discriminator.requires_grad_(True)
    ranks.average(training.generator.parameters())
    training.generator_optimizer.step()
    follow(training)

    stats = {"discriminator": loss, "generator": generator_loss, "augmented": probability}
    stats["overfitting"] = training.controller.overfitting
    if uneven is not None:
        stats["uneven"] = uneven * settings.path_length_every
    if penalty is not None:
        stats["penalty"] = penalty * settings.penalty_every
    return {name: value.detach().float().clone() for name, value in stats.items()}


def _penalty(training: Training, *batches: Tensor) -> Tensor:
    """Mean squared slope of the discriminator at each batch; its gradients are left on the weights.

    R1 on real pictures (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406), R2 on generated ones.
    """
    total = torch.zeros((), device=training.device)
    for batch in batches:
        here = batch.detach().float().requires_grad_(True)
        size = _slope(training.discriminator(here), here)
        (size * _weight(training.settings)).backward()  # type: ignore[no-untyped-call]
        total += size.detach()
    return total


def _slope(verdicts: Verdicts, pictures: Tensor) -> Tensor:
    """Mean squared slope of these opinions of these pictures; can be learned from."""
    opinion = torch.stack([head.mean(dim=1).sum() for head in verdicts.heads]).sum()
    (slope,) = torch.autograd.grad(opinion, pictures, create_graph=True)
    return slope.square().sum(dim=(1, 2, 3)).mean()


def _weight(settings: TrainSettings) -> float:
    return settings.penalty * settings.penalty_every


def _serves_both(training: Training) -> bool:
    """Whether what the loss goes through is exact and can be derived twice."""
    plain = training.fast_discriminator is training.discriminator
    return plain and not _uses_bf16(training.settings, training.device)


def _regularised(training: Training, latents: Tensor) -> Tensor | None:
    """The model's own penalty on its generator, where its turn has come; gradients stay on the weights."""
    every = training.settings.path_length_every
    if training.regulariser is None or training.step % every:
        return None
    some = latents[: max(1, len(latents) // 2)]
    loss = training.regulariser(training.generator, some)
    (loss * every).backward()  # type: ignore[no-untyped-call]
    return loss.detach()


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
    """What the forward passes run in."""
    if not _uses_bf16(training.settings, training.device):
        return nullcontext()
    return torch.autocast(training.device.type, torch.bfloat16)


def _uses_bf16(settings: Lengths, device: torch.device) -> bool:
    if settings.precision != "auto":
        return settings.precision == "bf16"
    return device.type == "cuda" and bool(torch.cuda.is_bf16_supported())


def _compiles(settings: TrainSettings, device: torch.device) -> bool:
    return settings.compile == "yes" or (settings.compile == "auto" and device.type == "cuda")


def _as_it_is(net: nn.Module) -> nn.Module:
    return net
