"""The table of models: which networks play against each other, by which losses."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from torch import Tensor, nn

from universe_gan.networks import verdicts
from universe_gan.networks.verdicts import Verdicts
from universe_gan.train_settings import TrainSettings


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


@cache
def table() -> dict[str, Model]:
    """Every model by its name in a recipe."""
    return {model.name: model for model in (_lightweight(),)}


def _lightweight() -> Model:
    from universe_gan.networks import lightweight

    return Model(
        name="lightweight",
        source="https://arxiv.org/abs/2101.04775",
        generator=lambda settings, side: lightweight.Generator(
            side, latent=settings.latent, attention=settings.attention
        ),
        discriminator=lambda settings, side: lightweight.Discriminator(side, attention=settings.attention),
        initialise=lightweight.initialise,
        discriminator_loss=verdicts.hinge,
        generator_loss=verdicts.hinge_generator,
    )
