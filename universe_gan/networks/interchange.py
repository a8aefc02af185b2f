"""Checkpoints of the `lightweight-gan` package (`model_12.pt`), read and written.

Such a file is a dictionary that holds `GAN`, the state of its networks (`G.`, `D.`, the average `GE.`, and
the discriminator once more as `D_aug.D.`), the `version` of the package, and the states of two loss scalers;
no optimizer, no step. PyTorch reads it with `weights_only`, which runs no code.

Parameters bear the same names here, but the package's pictures go from 0 to 1 and ours from -1 to 1: the last
convolution of the generator is scaled accordingly, which is exact. Discriminators are left as they are, so
one that was carried over has to learn the other scale: what is exchanged is for generating.
"""

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from universe_gan.training.checkpoints import CheckpointBroken
from universe_gan.training.settings import TrainSettings

VERSION = "1.2.1"
"""Of the package whose layout is written."""


class NotInterchangeable(Exception):
    """A model that the package cannot hold."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Foreign:
    """What such a file holds, as ours."""

    settings: TrainSettings
    """As far as they can be told from the networks."""
    side: int
    version: str
    tensors: dict[str, Tensor]
    """Of `generator`, `average` and `discriminator`, named as in our checkpoints."""


def read(path: Path, device: torch.device | str = "cpu") -> Foreign:
    """Read a checkpoint of the package.

    Raises:
        FileNotFoundError: there is none.
        CheckpointBroken: it is damaged, or none of the package, or of a variant not known here.
    """
    try:
        held = torch.load(path, map_location=device, weights_only=True)
        state: dict[str, Tensor] = held["GAN"]
        settings, side = _settings(state)
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, ValueError, EOFError) as error:
        raise CheckpointBroken(path, f"no checkpoint of lightweight-gan: {_first(error)}") from error
    tensors = {
        **_under("generator", _rescaled(_part(state, "G."), 2, -1)),
        **_under("average", _rescaled(_part(state, "GE."), 2, -1)),
        **_under("discriminator", _part(state, "D.")),
    }
    return Foreign(settings, side, str(held.get("version", "unknown")), tensors)


def write(path: Path, tensors: Mapping[str, Tensor], settings: TrainSettings) -> None:
    """Write our checkpoint's networks as `model_N.pt`, for the package to load.

    Raises:
        NotInterchangeable: the package has no such networks.
    """
    if settings.model != "lightweight" or settings.breadth != 1 or settings.discriminator != "own":
        raise NotInterchangeable("lightweight-gan holds the lightweight model at breadth 1 alone")
    discriminator = _part(tensors, "discriminator.")
    state = {
        **_under("G", _rescaled(_part(tensors, "generator."), 0.5, 0.5)),
        **_under("D", discriminator),
        **_under("GE", _rescaled(_part(tensors, "average."), 0.5, 0.5)),
        **_under("D_aug.D", discriminator),
    }
    whole = path.with_name(f"{path.name}.part")
    torch.save({"GAN": state, "version": VERSION}, whole)
    whole.replace(path)


def _settings(state: Mapping[str, Tensor]) -> tuple[TrainSettings, int]:
    """What the shapes say. Raises `KeyError` and `ValueError` where they are none of ours."""
    numbers = {int(found[1]) for name in state if (found := re.match(r"G\.layers\.(\d+)\.", name))}
    if not numbers:
        raise ValueError("it has no generator")
    channels = len(state["G.out_conv.weight"])
    if channels != 3:
        raise ValueError(f"its pictures have {channels} channels instead of 3")
    attended = {int(found[1]) for name in state if (found := re.match(r"G\.layers\.(\d+)\.2\.", name))}
    side = 2 ** (len(numbers) + 2)
    settings = TrainSettings(
        model="lightweight",
        size=side,
        latent=len(state["G.initial_conv.0.weight"]),
        attention=tuple(2 ** (number + 2) for number in sorted(attended)),
    )
    return settings, side


def _rescaled(state: dict[str, Tensor], scale: float, shift: float) -> dict[str, Tensor]:
    """A generator whose pictures are `scale` times as bright, and `shift` brighter."""
    weight, bias = state["out_conv.weight"], state["out_conv.bias"]
    return {**state, "out_conv.weight": weight * scale, "out_conv.bias": bias * scale + shift}


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in state.items() if name.startswith(prefix)}


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in state.items()}


def _first(error: Any) -> str:
    return str(error).partition("\n")[0]
