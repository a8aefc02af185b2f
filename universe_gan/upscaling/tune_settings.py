"""What a recipe may say about fine-tuning the upscaler: `[upscale.tune]`. Lengths are in kimg."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator

from collectors.frozen import Settings


class TuneSettings(Settings):
    """`[upscale.tune]`: how the upscaler learns from a dataset, and what its small pictures suffer first."""

    learn: Literal["tail", "all"] = "tail"
    """`tail`: the 149 k parameters behind the network's body, which is quick; `all`: its 16.7 million."""
    kimg: float = Field(default=20, gt=0)
    """When to stop: thousands of crops shown. Long trainings against a critic make pictures worse."""
    l1_kimg: float = Field(default=12, ge=0)
    """So many at first without the critic; as many as `kimg`: never with it."""
    crop: int = Field(default=48, ge=8, le=256)
    """Side of a crop in small pixels; at most what the dataset's pictures have."""
    batch: int = Field(default=8, ge=1)
    """Crops a step, of all devices together."""
    rate: float = Field(default=1e-4, gt=0)
    """Learning rate (Adam, betas 0.9 and 0.99)."""
    consistency: float = Field(default=0.2, ge=0)
    """Weight of what the large picture, shrunk, differs from the truth, shrunk, before back-projection."""
    adversarial: float = Field(default=0.002, ge=0)
    """Weight of the critic's opinion."""
    critic: int = Field(default=32, ge=4, le=128)
    """Channels of the critic."""
    clean: float = Field(default=0.5, ge=0, le=1)
    """Share of crops that are only shrunk."""
    blur: tuple[float, float] = (0.3, 1.0)
    """Full width at half maximum of the point spread, small pixels: from, to."""
    noise: float = Field(default=0.01, ge=0, le=0.2)
    """Most read noise: standard deviation, where white is 1."""
    photons: float = Field(default=3000, ge=10)
    """Fewest photons that make white: their noise is the largest."""
    jpeg: tuple[int, int] = (75, 95)
    """JPEG quality: from, to."""
    jpeg_share: float = Field(default=0.3, ge=0, le=1)
    """Share of the worn crops that go through JPEG."""
    second: float = Field(default=0.2, ge=0, le=1)
    """Share of the worn crops that get noise and JPEG once more, as pictures that were copied about."""
    ema_kimg: float = Field(default=1, gt=0)
    """Half-life of the average over the weights, which is what is judged and kept."""
    seed: int = 0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto`: bf16 on a GPU that has it."""
    log_kimg: float = Field(default=0.2, gt=0)
    """How often a line of statistics is written, and it is checked that all is finite."""
    save_kimg: float = Field(default=1, gt=0)
    """How often the latest checkpoint and a sheet of pictures are written."""
    judge_kimg: float = Field(default=2, gt=0)
    """How often the held-out pictures are enlarged and measured."""

    @field_validator("blur", "jpeg")
    @classmethod
    def _ordered(cls, ends: tuple[float, float]) -> tuple[float, float]:
        if ends[0] > ends[1]:
            raise ValueError("from is larger than to")
        return ends

    @field_validator("blur")
    @classmethod
    def _mild(cls, ends: tuple[float, float]) -> tuple[float, float]:
        if ends[0] < 0.05 or ends[1] > 4:
            raise ValueError("a width is from 0.05 to 4 small pixels")
        return ends

    @field_validator("jpeg")
    @classmethod
    def _qualities(cls, ends: tuple[int, int]) -> tuple[int, int]:
        if ends[0] < 1 or ends[1] > 100:
            raise ValueError("a quality is from 1 to 100")
        return ends


def mistakes(settings: TuneSettings, pictures: int, world: int) -> Iterator[str]:
    """What does not go together once data and processes are known, each as one line."""
    if settings.batch % world:
        yield f"[upscale.tune] batch = {settings.batch} cannot be shared by {world} processes"
    if pictures < 2:
        yield f"there is {pictures} picture to learn from; it takes 2, one of which is held out"
