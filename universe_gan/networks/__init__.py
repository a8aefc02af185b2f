"""The table of models: which networks play against each other, by which losses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from universe_gan.networks import verdicts
from universe_gan.networks.verdicts import Verdicts
from universe_gan.training.settings import TrainSettings


class Regulariser(Protocol):
    """A penalty on a generator, with what it remembers."""

    def __call__(self, generator: Any, latents: Tensor) -> Tensor:
        """The penalty, a scalar to be added to the loss."""

    def state(self) -> dict[str, Tensor]:
        """What it remembers, by name, to be filled in place on resuming."""


@dataclass(frozen=True)
class Model:
    """One row of the table. To add a model: a module with the networks, and a row in `table`."""

    name: str
    source: str
    """Address of the paper."""
    generator: Callable[[TrainSettings, int], nn.Module]
    """Settings and side → latents (batch, `latent`) to pictures (batch, 3, side, side), about -1 to 1."""
    discriminator: Callable[[TrainSettings, int], nn.Module]
    """Settings and side → pictures, and whether to restore them, to `Verdicts`."""
    initialise: Callable[[nn.Module], None]
    discriminator_loss: Callable[[Verdicts, Verdicts], Tensor]
    generator_loss: Callable[[Verdicts], Tensor]
    regulariser: Callable[[torch.device], Regulariser] | None = None
    """A penalty on the generator that is taken every `path_length_every` steps."""
    backbone: str | None = None
    """The frozen network that the discriminator sees through; no measure of quality may use it."""


@cache
def table() -> dict[str, Model]:
    """Every model by its name in a recipe."""
    return {model.name: model for model in (_lightweight(), _stylegan2())}


def chosen(settings: TrainSettings) -> Model:
    """The row for these settings, with the projected discriminator where they ask for it."""
    own = table()[settings.model]
    if settings.discriminator == "own":
        return own
    from universe_gan.networks import projected

    def initialise(net: nn.Module) -> None:
        if not isinstance(net, projected.Discriminator):  # its features are learned already
            own.initialise(net)

    return replace(
        own,
        discriminator=lambda settings, side: projected.Discriminator(side, breadth=settings.breadth),
        initialise=initialise,
        discriminator_loss=verdicts.hinge,
        generator_loss=verdicts.hinge_generator,
        backbone=projected.Discriminator.backbone,
    )


def _lightweight() -> Model:
    from universe_gan.networks import lightweight

    return Model(
        name="lightweight",
        source="https://arxiv.org/abs/2101.04775",
        generator=lambda settings, side: lightweight.Generator(
            side, latent=settings.latent, breadth=settings.breadth, attention=settings.attention
        ),
        discriminator=lambda settings, side: lightweight.Discriminator(
            side, breadth=settings.breadth, attention=settings.attention
        ),
        initialise=lightweight.initialise,
        discriminator_loss=verdicts.hinge,
        generator_loss=verdicts.hinge_generator,
    )


def _stylegan2() -> Model:
    from universe_gan.networks import stylegan2

    return Model(
        name="stylegan2",
        source="https://arxiv.org/abs/1912.04958",
        generator=lambda settings, side: stylegan2.Generator(
            side, latent=settings.latent, breadth=settings.breadth
        ),
        discriminator=lambda settings, side: stylegan2.Discriminator(side, breadth=settings.breadth),
        initialise=lambda net: None,
        discriminator_loss=verdicts.logistic,
        generator_loss=verdicts.logistic_generator,
        regulariser=stylegan2.PathLength,
    )
