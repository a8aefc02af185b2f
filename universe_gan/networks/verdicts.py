"""What a discriminator says of a batch of pictures, and the losses made of it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Verdicts(NamedTuple):
    """What a discriminator says: the surer that a picture is real, the higher."""

    heads: tuple[Tensor, ...]
    """One (batch, n) each: opinions of different parts of the network, all of equal weight."""
    restoration: Tensor | None = None
    """How badly the pictures were restored from the features, a scalar; `None` where not asked."""


def hinge(real: Verdicts, fake: Verdicts) -> Tensor:
    """The discriminator's loss: real pictures above 1, generated ones below -1 (Lim and Ye 2017)."""
    parts = zip(real.heads, fake.heads, strict=True)
    loss = torch.stack([F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in parts]).sum()
    return loss if real.restoration is None else loss + real.restoration


def hinge_generator(fake: Verdicts) -> Tensor:
    """The generator's loss to go with `hinge`."""
    return torch.stack([-f.mean() for f in fake.heads]).sum()


def logistic(real: Verdicts, fake: Verdicts) -> Tensor:
    """The discriminator's loss as cross-entropy (Goodfellow et al. 2014)."""
    parts = zip(real.heads, fake.heads, strict=True)
    return torch.stack([F.softplus(-r).mean() + F.softplus(f).mean() for r, f in parts]).sum()


def logistic_generator(fake: Verdicts) -> Tensor:
    """The generator's loss to go with `logistic`, the one that does not saturate."""
    return torch.stack([F.softplus(-f).mean() for f in fake.heads]).sum()


def sureness(real: Verdicts) -> Tensor:
    """(batch,): how sure the discriminator is of each real picture, by its main head."""
    return real.heads[0].flatten(1).mean(dim=1)
