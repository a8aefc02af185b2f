"""Training a GAN: its networks and what else changes, and one step; the loop is `training.loop`.

A step shows `batch` real pictures. The generator runs once: its pictures serve the discriminator's turn and
then, under the discriminator as it has become, its own. The discriminator is frozen meanwhile. Every few
steps a zero-centred gradient penalty is added (lazily, Karras et al. 2019, appendix B); it needs the
derivative of a derivative, which compiled networks do not have, so there the penalty is taken from the same
network as it was written. Elsewhere one pass through the discriminator serves the penalty and the loss.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from universe_gan.networks import chosen
from universe_gan.networks.verdicts import Verdicts, sureness
from universe_gan.training import checkpoints
from universe_gan.training.augment import Controller, augment, turned
from universe_gan.training.loop import follow, mixed, precision, uses_bf16
from universe_gan.training.ranks import Ranks
from universe_gan.training.settings import TrainSettings


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
        """The learning rate by now: half of it for every rollback."""
        return self.settings.rate * 0.5**self.rollbacks


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
    return plain and not uses_bf16(training.settings, training.device)


def _regularised(training: Training, latents: Tensor) -> Tensor | None:
    """The model's own penalty on its generator, where its turn has come; gradients stay on the weights."""
    every = training.settings.path_length_every
    if training.regulariser is None or training.step % every:
        return None
    some = latents[: max(1, len(latents) // 2)]
    loss = training.regulariser(training.generator, some)
    (loss * every).backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def _compiles(settings: TrainSettings, device: torch.device) -> bool:
    return settings.compile == "yes" or (settings.compile == "auto" and device.type == "cuda")


def _as_it_is(net: nn.Module) -> nn.Module:
    return net
