"""The noise that generators add to their feature maps: new in every step of training, the same ever after."""

from functools import lru_cache

import torch
from torch import Tensor


def noise(like: Tensor, training: bool) -> Tensor:
    """White noise for maps (batch, channels, height, width), one for all channels.

    While training, (batch, 1, height, width) drawn anew. Afterwards (1, 1, height, width), always the same,
    so that a picture depends on its latent alone and not on those generated beside it.
    """
    if training:
        return torch.randn_like(like[:, :1])
    return _still(like.shape[2], like.shape[3], like.device, like.dtype)


@lru_cache(maxsize=64)
def _still(height: int, width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    dice = torch.Generator().manual_seed(height * 65_536 + width)
    return torch.randn(1, 1, height, width, generator=dice).to(device, dtype)
