"""Checkpoints of other programs, as if they were ours: the `model_*.pt` of the `lightweight-gan` package."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from universe_gan import __version__
from universe_gan.data import Origin
from universe_gan.networks import interchange
from universe_gan.training.runs import About


def read(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and facts, as `checkpoints.read` gives them; what it was trained on and how long is not known.

    Raises:
        FileNotFoundError: there is none.
        CheckpointBroken: it is damaged, or none of the package.
    """
    found = interchange.read(path, device)
    origin = Origin(
        source=f"not known: {path.name} of lightweight-gan {found.version}",
        fingerprint=hashlib.sha256().hexdigest(),
        pictures=0,
        held_out=0,
    )
    about = About(
        name=path.stem,
        settings=found.settings,
        side=found.side,
        origin=origin,
        tool=__version__,
        torch=str(torch.__version__),
        device=str(device),
    )
    return found.tensors, {"about": about.model_dump(mode="json"), "kimg": 0.0}
