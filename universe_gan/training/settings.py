"""What a recipe may say about training: `[train]`. Lengths are in kimg, thousands of real pictures shown."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator

from collectors.frozen import Settings

MOST_SYNTHETIC = 0.25
"""Share of generated pictures among those trained on that is never exceeded."""


class TrainSettings(Settings):
    """`[train]`: which networks learn from the dataset, for how long, and how they are judged."""

    model: Literal["lightweight", "stylegan2"] = "lightweight"
    """Which networks play against each other."""
    discriminator: Literal["own", "projected"] = "own"
    """`projected`: judge through a frozen network that knows ImageNet; no penalty is taken then."""
    size: int | None = Field(default=None, ge=32, le=1024)
    """Side of the generated pictures, a power of two; default: the dataset's."""
    kimg: float = Field(default=2000, gt=0)
    """When to stop: thousands of real pictures shown."""
    batch: int = Field(default=32, ge=1)
    """Pictures a step, of all devices together."""
    rate: float = Field(default=2e-4, gt=0)
    """Learning rate of both networks (Adam, betas 0.5 and 0.9)."""
    breadth: float = Field(default=1.0, gt=0, le=4)
    """Channels of the networks, as a share of the published ones: small on a CPU."""
    latent: int = Field(default=256, ge=1, le=4096)
    """Numbers that a picture is generated from."""
    attention: tuple[int, ...] = (32,)
    """Sides of the feature maps that get attention."""
    symmetry: Literal["none", "mirror", "all"] = "all"
    """Ways to lay a picture that are equally likely: the sky has no up (`all`), planets have (`mirror`)."""
    overfitting: float = Field(default=0.6, ge=0, le=1)
    """How sure the discriminator may get of real pictures before augmentation grows."""
    augment_kimg: float = Field(default=50, gt=0)
    """How fast augmentation may grow: kimg from never to always."""
    penalty: float = Field(default=2.5, ge=0)
    """Weight of the zero-centred gradient penalty on real and generated pictures (R1 and R2)."""
    penalty_every: int = Field(default=8, ge=1)
    """Steps between penalties, each of which then weighs that many times more."""
    path_length_every: int = Field(default=16, ge=1)
    """Steps between path length penalties of `stylegan2`, each of which then weighs that many times more."""
    synthetic: float = Field(default=0.25, ge=0)
    """Most of the training pictures that may be generated ones, accepted by `select`; 0: reals only.

    All reals are always trained on, and they alone judge."""
    ema_kimg: float = Field(default=10, gt=0)
    """Half-life of the average over the generator's weights, which is what is published."""
    seed: int = 0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto`: bf16 on a GPU that has it; on a CPU it was slower (`benchmarks/train.py`)."""
    compile: Literal["auto", "yes", "no"] = "auto"
    """Compile the networks before the first step; `auto`: on a GPU.

    On a CPU compiling took minutes and made no step faster (`benchmarks/train.py --compile`)."""
    log_kimg: float = Field(default=1, gt=0)
    """How often a line of statistics is written, and it is checked that all is finite."""
    save_kimg: float = Field(default=20, gt=0)
    """How often the latest checkpoint and a sheet of pictures are written."""
    judge_kimg: float = Field(default=100, gt=0)
    """How often generated pictures are measured against the held-out ones, and a checkpoint written."""
    extractor: str = "auto"
    """What compares pictures: `lite0`, `plain`, `inception:WEIGHTS.pth`, or a TorchScript file you trust."""
    trackers: tuple[Literal["tensorboard", "trackio"], ...] = ()
    """What else shows the curves and sheets, on this machine; comes with the extra `trackers`."""

    @property
    def penalised(self) -> bool:
        """Whether the gradient penalty is taken at all."""
        return self.penalty > 0 and self.discriminator == "own"

    @field_validator("synthetic")
    @classmethod
    def _mostly_real(cls, share: float) -> float:
        """Alemohammad et al., Self-Consuming Generative Models Go MAD, ICLR 2024 (arXiv:2307.01850)."""
        if share > MOST_SYNTHETIC:
            raise ValueError(
                f"more than {MOST_SYNTHETIC}: with less real data each generation loses variety or quality"
                " (https://arxiv.org/abs/2307.01850)"
            )
        return share

    @field_validator("size")
    @classmethod
    def _doubles(cls, size: int | None) -> int | None:
        if size is not None and size & (size - 1):
            raise ValueError("not a power of two (32, 64, 128, 256, 512, 1024)")
        return size

    @field_validator("attention")
    @classmethod
    def _all_double(cls, sides: tuple[int, ...]) -> tuple[int, ...]:
        if any(side < 4 or side & (side - 1) for side in sides):
            raise ValueError("sides of feature maps are powers of two (4, 8, 16, 32, 64 ...)")
        return sides


def mistakes(settings: TrainSettings, pictures: int, side: int, world: int) -> Iterator[str]:
    """What does not go together once data and processes are known, each as one line."""
    if settings.batch % world:
        yield f"[train] batch = {settings.batch} cannot be shared by {world} processes"
    if settings.batch // world < 2:
        yield f"[train] batch = {settings.batch}: each process needs 2 pictures, for means and variances"
    if pictures < 2:
        yield f"there is {pictures} picture to train on; it takes 2, and hundreds to learn from"
    if unused := [one for one in settings.attention if one > side]:
        yield f"[train] attention = {unused}: the pictures have {side} pixels only"
