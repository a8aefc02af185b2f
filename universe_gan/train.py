"""Training, from top to bottom: the networks, one step, the loop.

A step shows `batch` real pictures. The generator runs once: its pictures serve the discriminator's turn and
then, under the discriminator as it has become, its own. The discriminator is frozen meanwhile. Every few
steps a zero-centred gradient penalty is added (lazily, Karras et al. 2019, appendix B); it needs the
derivative of a derivative, which compiled networks do not have, so the penalty is taken from the same network
as it was written.

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
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Adam

from universe_gan import checkpoints
from universe_gan.augment import Controller, augment, turned
from universe_gan.networks import table
from universe_gan.networks.verdicts import sureness
from universe_gan.ranks import Ranks
from universe_gan.train_settings import TrainSettings

RAMP = 0.05
"""The average over weights never looks back further than this share of the training so far."""
ROLLBACKS = 3
"""How often training goes back to its last checkpoint before it gives up."""


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


class Witness(Protocol):
    """What looks on: writes files, measures, says when to stop. Only the rank that writes has one."""

    def log(self, stats: dict[str, float]) -> None: ...

    def save(self, training: "Training") -> None: ...

    def restore(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The last checkpoint, for a rollback."""


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
        model = table()[self.settings.model]
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
    training: Training,
    pictures: Pictures,
    *,
    witness: Witness | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train until `kimg` are shown or `stop()` says so; the last state is saved either way.

    Raises:
        Diverged: not finite after `ROLLBACKS` rollbacks with ever lower rates; the checkpoint is whole.
        torch.OutOfMemoryError: the batch does not fit the device.
    """
    settings = training.settings
    total = math.ceil(settings.kimg * 1000 / settings.batch)
    log_every, save_every = (_steps(kimg, settings) for kimg in (settings.log_kimg, settings.save_kimg))
    sums: dict[str, Tensor] = {}
    started, first = clock(), training.step
    while training.step < total:
        numbers = torch.tensor(_numbers(training, len(pictures)))
        for name, value in one_step(training, pictures.batch(numbers, training.device)).items():
            sums[name] = sums[name] + value if name in sums else value
        training.step += 1
        if training.step % log_every == 0 or training.step == total:
            count = training.step - first
            stats = {name: float(value) / count for name, value in sums.items()}  # waits for the device
            if training.ranks.any(not all(map(math.isfinite, stats.values()))):
                _roll_back(training, witness)
            else:
                _log(training, stats, count, clock() - started, witness)
            sums, started, first = {}, clock(), training.step
        stopping = training.ranks.any(stop()) if training.step % log_every == 0 else False
        if witness and (training.step % save_every == 0 or stopping or training.step == total):
            witness.save(training)
        if stopping:
            return


def one_step(training: Training, real: Tensor) -> dict[str, Tensor]:
    """Both networks' turns on one batch; statistics as scalars on the device, summed up by the loop."""
    settings, ranks = training.settings, training.ranks
    torch.manual_seed(_mixed(settings.seed, training.step, ranks.rank))
    probability = training.controller.probability
    penalised = bool(settings.penalty) and training.step % settings.penalty_every == 0
    latents = torch.randn(len(real), settings.latent, device=training.device)
    real = turned(real, settings.symmetry)

    with _precision(training):
        fake = training.fast_generator(latents)
    shown, made = augment(real, probability), augment(fake.detach(), probability)
    training.discriminator_optimizer.zero_grad(set_to_none=True)
    penalty = _penalty(training, shown, made) if penalised else None
    with _precision(training):
        of_real = training.fast_discriminator(shown, restore=True)
        of_fake = training.fast_discriminator(made)
        loss = training.discriminator_loss(of_real, of_fake)
    loss.backward()  # type: ignore[no-untyped-call]
    ranks.average(training.discriminator.parameters())
    training.discriminator_optimizer.step()
    training.controller.watch(sureness(of_real), settings.batch)

    training.discriminator.requires_grad_(False)
    training.generator_optimizer.zero_grad(set_to_none=True)
    uneven = _regularised(training, latents)
    with _precision(training):
        generator_loss = training.generator_loss(training.fast_discriminator(augment(fake, probability)))
    generator_loss.backward()  # type: ignore[no-untyped-call]
    training.discriminator.requires_grad_(True)
    ranks.average(training.generator.parameters())
    training.generator_optimizer.step()
    _follow(training)

    stats = {"discriminator": loss, "generator": generator_loss, "augmented": probability}
    stats["overfitting"] = training.controller.overfitting
    if uneven is not None:
        stats["uneven"] = uneven * settings.path_length_every
    if penalty is not None:
        stats["penalty"] = penalty * settings.penalty_every
    return {name: value.detach().float() for name, value in stats.items()}


def _penalty(training: Training, *batches: Tensor) -> Tensor:
    """Mean squared slope of the discriminator at each batch; its gradients are left on the weights.

    R1 on real pictures (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406), R2 on generated ones.
    """
    weight = training.settings.penalty * training.settings.penalty_every
    total = torch.zeros((), device=training.device)
    for batch in batches:
        here = batch.detach().float().requires_grad_(True)
        opinion = torch.stack([head.mean(dim=1).sum() for head in training.discriminator(here).heads]).sum()
        (slope,) = torch.autograd.grad(opinion, here, create_graph=True)
        size = slope.square().sum(dim=(1, 2, 3)).mean()
        (size * weight).backward()  # type: ignore[no-untyped-call]
        total += size.detach()
    return total


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
def _follow(training: Training) -> None:
    """Move the average over weights towards the generator; buffers (means and variances) likewise."""
    shown = max(training.kimg, training.settings.batch / 1000)
    half_life = min(training.settings.ema_kimg, max(shown * RAMP, 1e-8))
    keep = 0.5 ** (training.settings.batch / 1000 / half_life)
    pairs = zip(training.average.state_dict().values(), training.generator.state_dict().values(), strict=True)
    floats = [(slow, fast) for slow, fast in pairs if slow.is_floating_point()]
    torch._foreach_lerp_([slow for slow, _ in floats], [fast for _, fast in floats], 1 - keep)


def _numbers(training: Training, count: int) -> list[int]:
    """Which pictures this rank shows in this step: every epoch in an order of its own."""
    begin = training.step * training.settings.batch + training.ranks.rank * training.mine
    return [
        _order(training.settings.seed, place // count, count)[place % count]
        for place in range(begin, begin + training.mine)
    ]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> list[int]:
    dice = torch.Generator().manual_seed(_mixed(seed, epoch, -1))
    order: list[int] = torch.randperm(count, generator=dice).tolist()
    return order


def _mixed(seed: int, step: int, rank: int) -> int:
    """A 63-bit seed for this step and rank alone (SplitMix64 over the three numbers)."""
    mixed = 0
    for number in (seed, step, rank):
        mixed = (mixed + (number % 2**64) + 0x9E3779B97F4A7C15) % 2**64
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) % 2**64
        mixed ^= mixed >> 31
    return mixed >> 1


def _roll_back(training: Training, witness: Witness | None) -> None:
    if training.rollbacks >= ROLLBACKS or witness is None:
        raise Diverged(training.step, training.kimg, training.rate)
    training.rollbacks += 1
    training.load(*witness.restore())


def _log(
    training: Training, stats: dict[str, float], count: int, seconds: float, witness: Witness | None
) -> None:
    if witness is None:
        return
    speed = count * training.settings.batch / max(seconds, 1e-9)
    now = {"step": training.step, "kimg": training.kimg, "images_per_s": speed, "rate": training.rate}
    witness.log({**now, **stats})


def _steps(kimg: float, settings: TrainSettings) -> int:
    return max(1, round(kimg * 1000 / settings.batch))


def _precision(training: Training) -> Any:
    if not _uses_bf16(training.settings, training.device):
        return nullcontext()
    return torch.autocast(training.device.type, torch.bfloat16)


def _uses_bf16(settings: TrainSettings, device: torch.device) -> bool:
    if settings.precision != "auto":
        return settings.precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


def _compiles(settings: TrainSettings, device: torch.device) -> bool:
    return settings.compile == "yes" or (settings.compile == "auto" and device.type == "cuda")


def _as_it_is(net: nn.Module) -> nn.Module:
    return net
