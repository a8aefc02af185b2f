"""Small trainings for tests: few pictures, small networks, few steps."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from universe_gan.training.settings import TrainSettings

SIDE = 32


def settings(**changed: Any) -> TrainSettings:
    """Networks of a 64th of their breadth, batch 4; lines and checkpoints every few steps."""
    small: dict[str, Any] = {
        "model": "stylegan2",
        "batch": 4,
        "kimg": 0.016,
        "breadth": 1 / 64,
        "latent": 8,
        "attention": (),
        "log_kimg": 0.008,
        "save_kimg": 0.008,
        "penalty_every": 2,
        "path_length_every": 2,
        "precision": "fp32",
    }
    return TrainSettings(**{**small, **changed})


def folder_of_pictures(place: Path, count: int = 9, side: int = 40) -> Path:
    """A folder of PNG files of noise, each of its own colour."""
    dice = np.random.default_rng(0)
    place.mkdir(parents=True)
    for number in range(count):
        pixels = dice.integers(0, 200, (side, side + number, 3)) + np.array([number, 0, 50])
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number:02}.png")
    return place
