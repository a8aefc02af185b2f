"""A run's folder with an untrained toy generator, as a training would have left it."""

from pathlib import Path
from typing import Any

import torch
from toys import SIDE, settings

from universe_gan.data import Origin
from universe_gan.networks import table
from universe_gan.training import checkpoints
from universe_gan.training.runs import about as describe
from universe_gan.training.runs import begin


def run_folder(
    root: Path,
    name: str = "toy",
    source: str = "ada/nebulae",
    learned: Origin | None = None,
    **changed: Any,
) -> Path:
    """`root/0001-toy` with `latest.safetensors`; `learned`: from what."""
    wanted = settings(**changed)
    origin = learned or Origin(
        source=source,
        revision="a" * 40,
        fingerprint="f" * 64,
        pictures=9,
        held_out=2,
        licences={"CC-BY-4.0": 7, "CC0-1.0": 2},
    )
    run = begin(root, describe(name, wanted, SIDE, origin, torch.device("cpu")), new=True)
    torch.manual_seed(0)
    net = table()[wanted.model].generator(wanted, SIDE)
    with torch.no_grad():  # as learning would: without it the pictures of such small networks are all grey
        for weight in net.parameters():
            weight.mul_(4 if weight.dim() == 4 else 1)
    facts = {"kimg": 1.5, "about": run.about.model_dump(mode="json")}
    checkpoints.write(run.latest, checkpoints.of_module("average", net), facts)
    return run.path
