"""Pictures made larger: network, tiles and fidelity in one call.

Upscaler(weights.find()).enlarge(pixels)
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from universe_gan.upscaling import tiles
from universe_gan.upscaling.fidelity import back_projected, lanczos, smaller
from universe_gan.upscaling.tiles import Array, Cut, Floats, MemoryShort, Room, Source
from universe_gan.upscaling.weights import Weights

BLACK = 1e-3
"""Mean below which a large picture counts as black where the small one has ten times as much."""
REACH = 5
"""Small pixels on each side that a pass of back-projection looks at: bicubic down and up, rounded up."""
BATCH = 8
"""Tiles that go through a GPU at once; on the CPU one by one is as fast."""


class NotFinite(Exception):
    """A network that makes infinite or undefined values even in fp32."""


class ScaleUnfit(Exception):
    """A factor that this network does not give."""

    def __init__(self, asked: int, has: int) -> None:
        super().__init__(f"{asked} is asked, the network enlarges by {has}")
        self.asked, self.has = asked, has


class Interrupted(Exception):
    """The upscaler was told to stop."""


def precision_of(asked: str, device: torch.device) -> torch.dtype:
    """`auto`, `bf16`, `fp16` or `fp32` as a type. `auto`: bf16 where the device computes in it, else fp32.

    A CPU that only knows bf16 vectors took 1.8 times as long as in fp32; with matrix units (AMX) a quarter.
    """
    if asked != "auto":
        return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[asked]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float32
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # older PyTorch cannot say
    return torch.bfloat16 if known.get("amx_bf16") else torch.float32


LEAST = 0.2
"""Share of the network below which the blend never goes, so that some of its sharpness is there always: what
pictures say of themselves a scale smaller is cautious, 0.1 on average (figures in docs/guides/upscale.md)."""
TRIED = 256
"""Side of the middle that is tried, pixels."""
FEWEST = 4
"""Pixels of the shrunk middle below which it tells nothing."""


@dataclass
class Upscaler:
    """A network and how it is used. Pictures are (h, w, 3) of floats from 0 to 1, sRGB.

    Threads may share it: they read and write pictures while one of them has the device.
    """

    weights: Weights
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: torch.dtype = torch.float32
    passes: int = 2
    """Of back-projection; 1 for pictures that were a JPEG."""
    strength: float | None = 1.0
    """Share of the network's picture in a blend with Lanczos; `None`: what `trust` measures."""
    side: int = 256
    """Of a tile's core, small pixels."""
    overlap: int = 64
    """Margin of a tile, small pixels."""
    exact: bool = False
    """Margins as wide as the network sees: the result does not depend on the tiles."""
    asked: int | None = None
    """Factor; `None`: the network's own. A smaller one shrinks what the network made."""
    batch: int | None = None
    """Tiles at once; `None`: 8 on a GPU, 1 on the CPU."""
    notes: set[str] = field(default_factory=set)
    """What had to be decided on the way."""

    def __post_init__(self) -> None:
        """Raises `ScaleUnfit`."""
        net = self.weights.net
        if self.scale > net.scale or net.scale % self.scale:
            raise ScaleUnfit(self.scale, net.scale)
        self.net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._room = Room(self.side, self.batch or (BATCH if self.device.type == "cuda" else 1))
        self._device_lock = threading.Lock()
        self._stop = threading.Event()

    @property
    def scale(self) -> int:
        """How many times longer the sides become."""
        return self.asked or self.weights.net.scale

    @property
    def cut(self) -> Cut:
        """How pictures are cut into tiles."""
        if self.exact:
            return Cut(self.side, self.net.radius + REACH * self.passes, 0, self.net.fold)
        return Cut(self.side, self.overlap, self.overlap // 4, self.net.fold)

    def stop(self) -> None:
        """Let whoever upscales stop before the next tile, with `Interrupted`."""
        self._stop.set()

    def enlarge(self, pixels: Floats, passes: int | None = None) -> Floats:
        """(scale·h, scale·w, 3). Raises `MemoryShort`, `NotFinite`, `Interrupted`."""
        return np.concatenate(list(self.strips(Array(pixels), passes)))

    def strips(
        self, source: Source, passes: int | None = None, done: Callable[[int], None] = lambda pixels: None
    ) -> Iterator[Floats]:
        """The large picture from the top, (rows, scale·w, 3); `done` as in `tiles`. Raises as `enlarge`."""
        count = self.passes if passes is None else passes
        share = self.trust(source, count) if self.strength is None else self.strength

        def run(batch: Floats) -> Floats:
            with self._device_lock:
                if self._stop.is_set():
                    raise Interrupted
                return self._run(batch, count, share)

        return tiles.enlarged(source, run, scale=self.scale, cut=self.cut, room=self._room, done=done)

    @torch.inference_mode()
    def trust(self, source: Source, passes: int) -> float:
        """The share of the network that suits a picture, `LEAST` to 1, told by its own middle.

        The middle is shrunk and enlarged again by the network and by Lanczos; least squares say which blend
        of both is nearest to the middle itself after back-projection, which is linear: a blend's is the blend
        of theirs. What a picture is like at one scale, it is at the next.
        """
        height, width = (
            min(side, TRIED) // self.scale * self.scale for side in (source.height, source.width)
        )
        if min(height, width) < FEWEST * self.scale:
            return (LEAST + 1) / 2
        middle = source.read((source.height - height) // 2, (source.width - width) // 2, height, width)
        truth = torch.from_numpy(np.array(middle)).to(self.device).permute(2, 0, 1)[None]
        small = smaller(truth, self.scale)
        with self._device_lock:
            made = back_projected(self._through(small, torch.float32), small, self.scale, passes)
        plain = back_projected(lanczos(small, self.scale), small, self.scale, passes)
        change = made - plain
        fit = ((truth - plain) * change).sum() / change.square().sum().clamp(min=1e-9)
        return LEAST + (1 - LEAST) * float(fit.nan_to_num(0).clamp(0, 1))

    @torch.inference_mode()
    def _run(self, batch: Floats, passes: int, share: float) -> Floats:
        """(n, h, w, 3) → (n, scale·h, scale·w, 3), true to the small pictures."""
        try:
            return self._made(batch, passes, share)
        except (torch.OutOfMemoryError, MemoryError):
            pass  # what the failed attempt held is free only outside of this clause
        except RuntimeError as error:  # on the CPU, PyTorch says it in words only
            if "can't allocate memory" not in str(error):
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        raise MemoryShort(max(batch.shape[1:3]))

    def _made(self, batch: Floats, passes: int, share: float) -> Floats:
        small = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2)
        large = self._drawn(small) if share else lanczos(small, self.scale)
        if 0 < share < 1:  # first, for Lanczos dims stars too: back-projection comes last and mends both
            large = torch.lerp(lanczos(small, self.scale), large, share)
        large = back_projected(large, small, self.scale, passes)
        made: Floats = large.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        return made

    def _drawn(self, small: Tensor) -> Tensor:
        """What the network makes of small pictures (n, 3, h, w), in fp32 where half precision fails."""
        large = self._through(small, self.precision)
        if self.precision is not torch.float32 and not _is_sound(small, large):
            self.notes.add("the network overflowed in half precision; those tiles were run again in fp32")
            large = self._through(small, torch.float32)
        if not torch.isfinite(large).all():
            raise NotFinite
        return large

    def _through(self, small: Tensor, precision: torch.dtype) -> Tensor:
        """Through the network, sides filled up to what it can fold; shrunk where less is asked."""
        height, width = small.shape[2:]
        fold = self.net.fold
        whole = F.pad(small, (0, -width % fold, 0, -height % fold), mode="replicate")
        whole = whole.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, precision, enabled=precision is not torch.float32):
            large = self.net(whole)
        made: Tensor = large.float()[:, :, : height * self.net.scale, : width * self.net.scale]
        return F.avg_pool2d(made, self.net.scale // self.scale)

    def provenance(self, passes: int | None = None) -> dict[str, Any]:
        """What is written of the network and its use: all that the result depends on."""
        return {
            **self.weights.provenance,
            "scale": self.scale,
            "back_projections": self.passes if passes is None else passes,
            "strength": "measured" if self.strength is None else self.strength,
            "precision": str(self.precision).removeprefix("torch."),
            "tile": None if self.exact else self.side,
            "overlap": "exact" if self.exact else self.overlap,
        }


def _is_sound(small: Tensor, large: Tensor) -> bool:
    """Whether all is finite and no picture has gone black."""
    if not torch.isfinite(large).all():
        return False
    before, after = small.mean(dim=(1, 2, 3)), large.mean(dim=(1, 2, 3))
    return not bool(((before > 10 * BLACK) & (after < BLACK)).any())
