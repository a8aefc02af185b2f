"""What a recipe may say about upscaling: `[upscale]`."""

from typing import Literal

from pydantic import Field

from collectors.frozen import Settings
from universe_gan.upscaling.tune_settings import TuneSettings


class UpscaleSettings(Settings):
    """`[upscale]`: how pictures are made larger."""

    scale: Literal[2, 4] = 4
    """Factor. The usual weights enlarge by 4; 2 shrinks what they make by half again."""
    weights: str | None = None
    """`official` (fetched once), `packaged`, a `.pth` or `.safetensors` file, or a run of `train --stage
    upscale`; default: what is here."""
    passes: int | None = Field(default=None, ge=0, le=10)
    """Back-projections, which make the result true to the picture; default: 2, for JPEG files 1."""
    strength: float | None = Field(default=None, ge=0, le=1)
    """Share of the network's picture in a blend with Lanczos; default: what each picture says of itself."""
    tile: int = Field(default=256, ge=32, le=4096)
    """Side of a tile, small pixels."""
    overlap: int = Field(default=64, ge=0, le=1024)
    """Margin around a tile, small pixels."""
    exact: bool = False
    """Margins as wide as the network sees, several times slower: no seam at all."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """`auto`: bf16 where the device computes in it (GPUs since 2020, CPUs with AMX)."""
    max_pixels: int = Field(default=250_000_000, ge=1)
    """Pictures with more pixels than this are named and left out."""
    tune: TuneSettings = TuneSettings()
    """How `train --stage upscale` makes better weights from a dataset."""
