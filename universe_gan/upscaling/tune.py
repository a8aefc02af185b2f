"""Fine-tuning the upscaler: large pictures of a dataset, worn small, and enlarged again.

First the mean difference alone (L1), then L1 and a critic (`critic`). Both look at the large picture as users
get it, with back-projection; a consistency loss looks at it before, so that back-projection has little to
mend. By default only the layers behind the network's body learn: 149 thousand parameters, and no gradient
goes through the other 16.5 million.

The loop, rollbacks and several processes are those of `training.loop`; as there, all random numbers of a step
follow from the seed, its number and the rank.
"""

import copy
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Adam

from universe_gan.training import checkpoints
from universe_gan.training.augment import turned
from universe_gan.training.loop import follow, mixed, precision
from universe_gan.training.ranks import Ranks
from universe_gan.upscaling.critic import DEPTH, Critic
from universe_gan.upscaling.degrade import worn
from universe_gan.upscaling.fidelity import back_projected, smaller
from universe_gan.upscaling.rrdbnet import RRDBNet
from universe_gan.upscaling.tune_settings import TuneSettings

BODY = ("conv_first.", "body.")
"""What does not learn with `learn = "tail"`."""


@dataclass
class Tuning:
    """Everything that changes while tuning, and what it is made from: a `learner.Learner`."""

    settings: TuneSettings
    first: RRDBNet
    """The network with the weights to begin with; it stays as it is."""
    side: int
    """Of the large pictures."""
    device: torch.device
    passes: int = 2
    """Of back-projection."""
    ranks: Ranks = field(default_factory=Ranks)
    step: int = 0
    rollbacks: int = 0

    def __post_init__(self) -> None:
        settings, fused = self.settings, self.device.type == "cuda"
        torch.manual_seed(settings.seed)
        self.generator = copy.deepcopy(self.first).train()
        self.average = copy.deepcopy(self.first).eval().requires_grad_(False)
        self.discriminator = Critic(settings.critic)
        for name, parameter in self.generator.named_parameters():
            parameter.requires_grad_(settings.learn == "all" or not name.startswith(BODY))
        for net in (self.generator, self.average, self.discriminator):
            net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ranks.agree(self.discriminator.state_dict().values())
        learning = [one for one in self.generator.parameters() if one.requires_grad]
        self.generator_optimizer, self.discriminator_optimizer = (
            Adam(parameters, lr=settings.rate, betas=(0.9, 0.99), fused=fused)
            for parameters in (learning, [*self.discriminator.parameters()])
        )

    @property
    def kimg(self) -> float:
        """Thousands of crops shown so far."""
        return self.step * self.settings.batch / 1000

    @property
    def rate(self) -> float:
        """The learning rate by now: half of it for every rollback."""
        return self.settings.rate * 0.5**self.rollbacks

    @property
    def crop(self) -> int:
        """Side of a large crop: what was asked, the pictures have, and both networks can fold."""
        scale, fold = self.first.scale, self.first.fold
        small = min(self.settings.crop, self.side // scale)
        step = max(fold, -(-(2**DEPTH) // scale))
        side: int = small // step * step * scale
        return side

    def learn(self, real: Tensor) -> dict[str, Tensor]:
        """One step on a batch (`one_step`)."""
        return one_step(self, real)

    def state(self) -> dict[str, Tensor]:
        """Everything an exact resume needs besides the weights it began with."""
        learned = {name for name, one in self.generator.named_parameters() if one.requires_grad}
        return {
            **{f"generator.{name}": self.generator.get_parameter(name) for name in learned},
            **{f"average.{name}": self.average.get_parameter(name) for name in learned},
            **checkpoints.of_module("discriminator", self.discriminator),
            **checkpoints.of_optimizer("generator_optimizer", self.generator_optimizer),
            **checkpoints.of_optimizer("discriminator_optimizer", self.discriminator_optimizer),
        }

    def running(self) -> list[Tensor]:
        """What each rank gathers by itself: the critic's spectral norms."""
        return [buffer for buffer in self.discriminator.buffers() if buffer.is_floating_point()]

    def facts(self) -> dict[str, Any]:
        """What goes beside the tensors."""
        return {"step": self.step, "rollbacks": self.rollbacks, "side": self.side}

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from `state` and `facts`; each rollback so far has halved the rate."""
        self.step, self.rollbacks = int(facts["step"]), max(self.rollbacks, int(facts["rollbacks"]))
        for prefix, net in (("generator", self.generator), ("average", self.average)):
            for name, parameter in self.generator.named_parameters():
                if parameter.requires_grad:
                    net.get_parameter(name).copy_(tensors[f"{prefix}.{name}"])
        checkpoints.into_module("discriminator", self.discriminator, tensors)
        for name in ("generator_optimizer", "discriminator_optimizer"):
            optimizer = getattr(self, name)
            checkpoints.into_optimizer(name, optimizer, tensors)
            for group in optimizer.param_groups:
                group["lr"] = self.rate


def one_step(tuning: Tuning, real: Tensor) -> dict[str, Tensor]:
    """Learn from (batch, 3, side, side) from -1 to 1; statistics as scalars on the device."""
    settings, ranks, net = tuning.settings, tuning.ranks, tuning.generator
    torch.manual_seed(mixed(settings.seed, tuning.step, ranks.rank))
    large = turned((cut(real, tuning.crop) + 1) / 2, "all")
    small = worn(large, settings, net.scale)

    with precision(tuning):
        with torch.no_grad() if settings.learn == "tail" else nullcontext():
            first, deep = net.seen(small)
        raw = net.drawn(first, deep)
    raw = raw.float()
    made = back_projected(raw, small, net.scale, tuning.passes)
    l1 = (made - large).abs().mean()
    # against what the small picture was before it got worn: its noise is not to be kept
    consistency = (smaller(raw, net.scale) - smaller(large, net.scale)).abs().mean()
    loss = l1 + settings.consistency * consistency
    stats = {"l1": l1, "consistency": consistency}

    if tuning.kimg >= settings.l1_kimg and settings.adversarial:
        stats["discriminator"] = _criticise(tuning, large, made.detach())
        tuning.discriminator.requires_grad_(False)
        with precision(tuning):
            opinion = tuning.discriminator(made).float()
        stats["generator"] = _differs(opinion, real=True)
        loss = loss + settings.adversarial * stats["generator"]
        tuning.discriminator.requires_grad_(True)

    tuning.generator_optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    ranks.average(net.parameters())
    tuning.generator_optimizer.step()
    follow(tuning)
    return {name: value.detach().float().clone() for name, value in stats.items()}


def cut(pictures: Tensor, side: int) -> Tensor:
    """(n, c, side, side) out of (n, c, h, w), each from a place of its own."""
    high, wide = (extent - side + 1 for extent in pictures.shape[2:])
    tops = torch.randint(high, (len(pictures),)).tolist()
    lefts = torch.randint(wide, (len(pictures),)).tolist()
    places = zip(pictures, tops, lefts, strict=True)
    return torch.stack([one[:, top : top + side, left : left + side] for one, top, left in places])


def _criticise(tuning: Tuning, large: Tensor, made: Tensor) -> Tensor:
    """The critic's turn: its loss, the mean over both kinds of pictures."""
    with precision(tuning):
        of_real, of_made = tuning.discriminator(large).float(), tuning.discriminator(made).float()
    loss = (_differs(of_real, real=True) + _differs(of_made, real=False)) / 2
    tuning.discriminator_optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    tuning.ranks.average(tuning.discriminator.parameters())
    tuning.discriminator_optimizer.step()
    return loss


def _differs(opinion: Tensor, *, real: bool) -> Tensor:
    """Cross entropy between what the critic says of every pixel and what is wanted."""
    return F.binary_cross_entropy_with_logits(opinion, torch.full_like(opinion, float(real)))
