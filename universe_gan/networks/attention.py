"""Linear attention over a whole feature map, beside full attention over each pixel's neighbourhood.

The linear half lets every pixel look at the whole map at a cost that grows with its area alone (Katharopoulos
et al. 2020, https://arxiv.org/abs/2006.16236; Shen et al. 2018, https://arxiv.org/abs/1812.01243); the other
half is ordinary attention within a small window. The window is read through shifted views of one padded map:
copying it out for every pixel (`unfold`) costs most of the memory traffic of a lightweight GAN.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.Module):
    """Normalise each pixel over its channels. In and out: (batch, channels, height, width)."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.b = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=1, unbiased=False, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + self.eps) * self.g + self.b


class DepthwiseConv(nn.Module):
    """A 3 × 3 convolution of each channel by itself, then a 1 × 1 that mixes them."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        each = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.net = nn.Sequential(each, nn.Conv2d(channels_in, channels_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.net(x)
        return mixed


class LinearAttention(nn.Module):
    """Attention to the whole map and to the neighbourhood, in `heads` heads of `head_channels` channels.

    In and out: (batch, channels, height, width).
    """

    def __init__(self, channels: int, *, head_channels: int = 64, heads: int = 8, window: int = 3) -> None:
        super().__init__()
        inner = head_channels * heads
        self.heads, self.window = heads, window
        self.scale = head_channels**-0.5
        self.to_lin_q = nn.Conv2d(channels, inner, 1, bias=False)
        self.to_lin_kv = DepthwiseConv(channels, inner * 2)
        self.to_q = nn.Conv2d(channels, inner, 1, bias=False)
        self.to_kv = nn.Conv2d(channels, inner * 2, 1, bias=False)
        self.to_out = nn.Conv2d(inner * 2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.to_out(torch.cat((F.gelu(self._everywhere(x)), self._nearby(x)), dim=1))
        return out

    def _everywhere(self, x: Tensor) -> Tensor:
        """Queries meet a summary of all keys and values, head_channels × head_channels a head."""
        queries = self._heads(self.to_lin_q(x)).flatten(1, 2).softmax(dim=3) * self.scale
        keys, values = (self._heads(part).flatten(1, 2) for part in self.to_lin_kv(x).chunk(2, dim=1))
        summary = torch.einsum("bnhd,bnhe->bhde", keys.softmax(dim=1), values)
        seen = torch.einsum("bhde,bnhd->bnhe", summary, queries)
        return self._map(seen.reshape(len(x), *x.shape[2:], -1))

    def _nearby(self, x: Tensor) -> Tensor:
        """Softmax attention of each pixel to the window around it; beyond the edge lie zeros."""
        reach = self.window // 2
        queries = self._heads(self.to_q(x)) * self.scale
        around = F.pad(self.to_kv(x), (reach, reach, reach, reach))
        keys, values = (self._heads(part) for part in around.chunk(2, dim=1))
        likeness = torch.stack([(queries * key).sum(dim=4) for key in self._shifts(keys)], dim=4)
        weights = likeness.softmax(dim=4)
        seen = torch.zeros((), dtype=values.dtype, device=values.device)
        for number, value in enumerate(self._shifts(values)):
            seen = torch.addcmul(seen, weights[..., number, None], value)
        return self._map(seen.flatten(3))

    def _heads(self, x: Tensor) -> Tensor:
        """(batch, heads × d, height, width) → (batch, height, width, heads, d): the numbers of a head lie
        side by side in memory, as channels-last maps have them."""
        last = x.permute(0, 2, 3, 1)
        return last.reshape(*last.shape[:3], self.heads, -1)

    def _map(self, x: Tensor) -> Tensor:
        """(batch, height, width, channels) → (batch, channels, height, width), nothing moved."""
        return x.permute(0, 3, 1, 2)

    def _shifts(self, maps: Tensor) -> Iterator[Tensor]:
        """The padded map as seen from each place of the window, row by row: views, not copies."""
        height, width = (side - self.window + 1 for side in maps.shape[1:3])
        for down in range(self.window):
            for across in range(self.window):
                yield maps[:, down : down + height, across : across + width]
