"""What is done to pictures before the discriminator sees them, so that it cannot learn few by heart.

Two kinds, which must not be confused:

- *Symmetries* (`turned`): mirroring, and for the sky quarter turns. The subject looks as likely so, therefore
  only the real pictures are turned, and the generator may learn it.
- *Augmentations* (`augment`): colour, shift, cutout. Real pictures do not look so; they are done to real
  and generated pictures alike and are differentiable, so that nothing of them leaks into what is generated
  (Zhao et al. 2020, https://arxiv.org/abs/2006.10738). Each is done to each picture with a probability that
  follows how far the discriminator overfits (Karras et al. 2020, section 3, https://arxiv.org/abs/2006.06676).

Nothing here leaves the device or waits for it. Pictures are (batch, channels, side, side) from -1 to 1.
"""

from typing import Literal

import torch
from torch import Tensor

BRIGHTER, SHIFT, HOLE = 1.0, 1 / 8, 1 / 2
"""Largest change of brightness (of a range of 2), largest shift and side of the hole (shares of the side)."""

Symmetry = Literal["none", "mirror", "all"]
"""Which of the eight ways to lay a square are equally likely: one, two (left and right), all."""


def turned(pictures: Tensor, symmetry: Symmetry) -> Tensor:
    """Each picture laid one of the equally likely ways; (batch, channels, side, side) as all here."""
    if symmetry == "none":
        return pictures
    pictures = torch.where(coins(pictures, 0.5), pictures.flip(3), pictures)
    if symmetry == "mirror":
        return pictures
    pictures = torch.where(coins(pictures, 0.5), pictures.flip(2), pictures)
    return torch.where(coins(pictures, 0.5), pictures.transpose(2, 3), pictures)


def augment(pictures: Tensor, probability: Tensor) -> Tensor:
    """Each picture changed in each way with this probability (a scalar on the same device)."""
    return _with_hole(_shifted(_recoloured(pictures, probability), probability), probability)


def coins(pictures: Tensor, probability: float | Tensor) -> Tensor:
    """(batch, 1, 1, 1) of yes and no, one toss for each picture."""
    return torch.rand(len(pictures), 1, 1, 1, device=pictures.device) < probability


def between(pictures: Tensor, low: float, high: float) -> Tensor:
    """(batch, 1, 1, 1) of random numbers, all from `low` to `high` equally likely, one for each picture."""
    return torch.rand(len(pictures), 1, 1, 1, device=pictures.device) * (high - low) + low


class Controller:
    """Sets the probability so that the discriminator overfits as little, and as much, as it should.

    What is watched is the mean sign of what it says of real pictures: 0 where it is at a loss, 1 where it
    knows them all. `target` is what to hold; `kimg` how many thousand pictures the way from 0 to 1 takes.
    """

    def __init__(
        self, device: torch.device, *, target: float = 0.6, kimg: float = 500, most: float = 0.9
    ) -> None:
        self.probability = torch.zeros((), device=device)
        self.overfitting = torch.zeros((), device=device)
        """Running mean of the sign, for the log."""
        self._target, self._kimg, self._most = target, kimg, most

    @torch.no_grad()
    def watch(self, sureness: Tensor, pictures: int) -> None:
        """Take in how sure the discriminator is that `pictures` real ones are real (positive: sure)."""
        sign = torch.sign(sureness.detach().float()).mean()
        self.overfitting.lerp_(sign, 0.05)
        step = torch.sign(sign - self._target) * (pictures / (1000 * self._kimg))
        self.probability.add_(step).clamp_(0, self._most)

    def state(self) -> dict[str, Tensor]:
        """What an exact resume needs."""
        return {"probability": self.probability, "overfitting": self.overfitting}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take a state back, in place."""
        self.probability.copy_(state["probability"])
        self.overfitting.copy_(state["overfitting"])


def _recoloured(pictures: Tensor, probability: Tensor) -> Tensor:
    """Brightness up or down, saturation from none to double, contrast from half to one and a half."""
    brighter = between(pictures, -BRIGHTER / 2, BRIGHTER / 2) * coins(pictures, probability)
    pictures = pictures + brighter
    gray = pictures.mean(dim=1, keepdim=True)
    more = torch.where(coins(pictures, probability), between(pictures, 0, 2), 1.0)
    pictures = gray + (pictures - gray) * more
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    more = torch.where(coins(pictures, probability), between(pictures, 0.5, 1.5), 1.0)
    return mean + (pictures - mean) * more


def _shifted(pictures: Tensor, probability: Tensor) -> Tensor:
    """Moved by whole pixels, with 0 (gray) where nothing was.

    Done by two products with matrices of zeros and ones: exact, differentiable, the same on every device,
    and a hundredth of what the networks cost.
    """
    return _steps(pictures, probability) @ pictures @ _steps(pictures, probability).mT


def _steps(pictures: Tensor, probability: Tensor) -> Tensor:
    """(batch, 1, side, side): the matrix that moves each picture's rows down by its own number of pixels."""
    side = pictures.shape[2]
    reach = int(side * SHIFT + 0.5)
    by = torch.round(between(pictures, -reach, reach)) * coins(pictures, probability)
    place = torch.arange(side, device=pictures.device)
    return (place[:, None] - place[None, :] == by).to(pictures.dtype)


def _with_hole(pictures: Tensor, probability: Tensor) -> Tensor:
    """A square of 0 (gray) laid somewhere over it, partly outside perhaps."""
    side = pictures.shape[2]
    half = side * HOLE / 2
    place = torch.arange(side, device=pictures.device) + 0.5
    down, across = between(pictures, 0, side), between(pictures, 0, side)
    inside = ((place[:, None] - down).abs() < half) & ((place[None, :] - across).abs() < half)
    return pictures * ~(inside & coins(pictures, probability))
