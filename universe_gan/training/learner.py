"""What the loop asks for: pictures, settings, somebody who learns, and somebody who looks on.

A GAN (`training.gan`) learns, or an upscaler (`upscaling.tune`).
"""

from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from universe_gan.training.ranks import Ranks


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

    def state(self) -> dict[str, Tensor]:
        """Everything an exact resume needs, by name."""

    def running(self) -> list[Tensor]:
        """What each rank gathers from its own pictures; averaged over all before a state is kept."""

    def facts(self) -> dict[str, Any]:
        """What goes beside the tensors, as JSON."""

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Go on from `state` and `facts`."""


Seen = TypeVar("Seen", bound=Learner, contravariant=True)


class Witness(Protocol[Seen]):
    """What looks on: writes files, measures, says when to stop. Only the rank that writes has one."""

    def log(self, stats: dict[str, float]) -> None:
        """Statistics of the steps since the last ones, means; `step` and `kimg` among them."""

    def save(self, training: Seen) -> None:
        """A state that was found whole."""

    def advance(self, pictures: int) -> None:
        """So many real pictures more were shown; negative after a rollback."""
