"""Pictures made larger: network, tiles and fidelity in one call.

Upscaler(weights.packaged()).enlarge(pixels)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from universe_gan.upscaling import tiles
from universe_gan.upscaling.fidelity import back_projected, larger
from universe_gan.upscaling.tiles import Array, Floats, MemoryShort, Room, Source
from universe_gan.upscaling.weights import Weights

BLACK = 1e-3
"""Mean below which a large picture counts as black where the small one has ten times as much."""
Precision = Literal["auto", "bf16", "fp16", "fp32"]


class NotFinite(Exception):
    """A network that makes infinite or undefined values even in fp32."""


@dataclass
class Upscaler:
    """A network and how it is used. Pictures are (h, w, 3) of floats from 0 to 1, sRGB."""

    weights: Weights
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: torch.dtype = torch.float32
    passes: int = 2
    """Of back-projection; 1 for pictures that were a JPEG."""
    strength: float = 1.0
    """Share of the network's picture in a blend with bicubic."""
    side: int = 256
    overlap: int = 64
    """Margin of a tile, small pixels; `net.radius` is exact."""
    batch: int = 1
    notes: set[str] = field(default_factory=set)
    """What had to be decided on the way."""

    def __post_init__(self) -> None:
        self.net = self.weights.net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._room = Room(self.side, self.batch)

    @property
    def scale(self) -> int:
        return self.weights.net.scale

    def enlarge(self, pixels: Floats, passes: int | None = None) -> Floats:
        """(scale·h, scale·w, 3). Raises `MemoryShort`, `NotFinite`."""
        return np.concatenate(list(self.strips(Array(pixels), passes)))

    def strips(self, source: Source, passes: int | None = None) -> Iterator[Floats]:
        """The large picture from the top, some rows at a time. Raises `MemoryShort`, `NotFinite`."""
        count = self.passes if passes is None else passes

        def run(batch: Floats) -> Floats:
            return self._run(batch, count)

        return tiles.enlarged(
            source,
            run,
            scale=self.scale,
            side=self.side,
            overlap=self.overlap,
            batch=self.batch,
            room=self._room,
        )

    @torch.inference_mode()
    def _run(self, batch: Floats, passes: int) -> Floats:
        """(n, h, w, 3) → (n, scale·h, scale·w, 3), true to the small pictures."""
        try:
            small = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2)
            large = self._through(small, self.precision)
            if self.precision is not torch.float32 and not _is_sound(small, large):
                self.notes.add("the network overflowed and was run again in fp32")
                large = self._through(small, torch.float32)
            if not torch.isfinite(large).all():
                raise NotFinite
            large = back_projected(large, small, self.scale, passes)
            if self.strength < 1:
                large = torch.lerp(larger(small, self.scale), large, self.strength)
            found: Floats = large.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        except RuntimeError as error:
            if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
                raise  # on the CPU, PyTorch says it in words only
            raise MemoryShort(max(batch.shape[1:3])) from error
        return found

    def _through(self, small: Tensor, precision: torch.dtype) -> Tensor:
        """Through the network, sides filled up to what it can fold."""
        height, width = small.shape[2:]
        fold = self.net.fold
        whole = F.pad(small, (0, -width % fold, 0, -height % fold), mode="replicate")
        whole = whole.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, precision, enabled=precision is not torch.float32):
            large = self.net(whole)
        made: Tensor = large.float()[:, :, : height * self.scale, : width * self.scale]
        return made

    def provenance(self, passes: int | None = None) -> dict[str, Any]:
        """What is written of the network and its use."""
        return {
            **self.weights.provenance,
            "scale": self.scale,
            "back_projections": self.passes if passes is None else passes,
            "strength": self.strength,
            "precision": str(self.precision).removeprefix("torch."),
            "overlap": self.overlap,
        }


def _is_sound(small: Tensor, large: Tensor) -> bool:
    """Whether all is finite and no picture has gone black."""
    if not torch.isfinite(large).all():
        return False
    before, after = small.mean(dim=(1, 2, 3)), large.mean(dim=(1, 2, 3))
    return not bool(((before > 10 * BLACK) & (after < BLACK)).any())
