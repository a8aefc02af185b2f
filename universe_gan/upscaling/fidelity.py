"""Keeping an upscaled picture true to the small one: back-projection, and a blend with Lanczos.

Irani and Peleg 1991, "Improving resolution by image registration", section 3: what the large picture gets
wrong, seen at the small size, is added back. Twice on clean pictures; once on JPEG, whose noise it would
bring back too.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

LOBES = 3
"""Of Lanczos' kernel."""


def smaller(pictures: Tensor, scale: int) -> Tensor:
    """(n, c, scale·h, scale·w) → (n, c, h, w), bicubic with its support widened against aliasing."""
    return F.interpolate(pictures, scale_factor=1 / scale, mode="bicubic", antialias=True)


def larger(pictures: Tensor, scale: int) -> Tensor:
    """(n, c, h, w) → (n, c, scale·h, scale·w), bicubic."""
    return F.interpolate(pictures, scale_factor=scale, mode="bicubic")


def lanczos(pictures: Tensor, scale: int) -> Tensor:
    """(n, c, h, w) → (n, c, scale·h, scale·w), Lanczos with three lobes, as Pillow enlarges."""
    down, across = (_shares(side, scale).to(pictures) for side in pictures.shape[2:])
    return down @ pictures @ across.T


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # what is kept may be asked for by a training later
def _shares(side: int, scale: int) -> Tensor:
    """(scale·side, side): how much of each small pixel is each large one takes; none from outside."""
    centres = (torch.arange(side * scale, dtype=torch.float64) + 0.5) / scale
    away = centres[:, None] - (torch.arange(side, dtype=torch.float64) + 0.5)
    shares = torch.sinc(away) * torch.sinc(away / LOBES) * (away.abs() < LOBES)
    return shares / shares.sum(dim=1, keepdim=True)


def back_projected(large: Tensor, small: Tensor, scale: int, passes: int) -> Tensor:
    """(n, c, scale·h, scale·w): `large`, made to shrink to `small` more nearly with every pass."""
    for _ in range(passes):
        large = large + larger(small - smaller(large, scale), scale)
    return large
