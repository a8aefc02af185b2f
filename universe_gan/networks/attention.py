"""Linear attention over a whole feature map, beside full attention over each pixel's neighbourhood.

The linear half lets every pixel look at the whole map at a cost that grows with its area alone (Katharopoulos
et al. 2020, https://arxiv.org/abs/2006.16236; Shen et al. 2018, https://arxiv.org/abs/1812.01243); the other
half is ordinary attention within a small window. Copying that window out for every pixel (`unfold`) costs
most of the memory traffic of a lightweight GAN. Here the map is cut into small tiles that overlap by the
window's reach, and every pixel of a tile is compared with all of it, the ones out of reach masked: a few
wasted products, but large matrices instead of many small ones, and a fourth of the copying.
"""

from functools import lru_cache
from math import gcd
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TILE = 4, 4
"""Height and width of the tiles."""


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
        everywhere = F.gelu(self._everywhere(x))
        out = _mixed(torch.cat((everywhere, self._nearby(x)), dim=3), self.to_out)
        return out.permute(0, 3, 1, 2)

    def _everywhere(self, x: Tensor) -> Tensor:
        """(batch, height, width, heads × d): queries meet a summary of all keys and values, d × d a head."""
        each, mix = self.to_lin_kv.net
        assert isinstance(mix, nn.Conv2d)
        queries = self._heads(_mixed(_last(x), self.to_lin_q)).flatten(1, 2).softmax(dim=3) * self.scale
        both = _mixed(_last(each(x)), mix)
        keys, values = (self._heads(part).flatten(1, 2) for part in both.chunk(2, dim=3))
        summary = torch.einsum("bnhd,bnhe->bhde", keys.softmax(dim=1), values)
        seen = torch.einsum("bhde,bnhd->bnhe", summary, queries)
        return seen.reshape(len(x), *x.shape[2:], -1)

    def _nearby(self, x: Tensor) -> Tensor:
        """(batch, height, width, heads × d): softmax attention of each pixel to the window around it.

        Beyond the edge lie zeros.
        """
        tile = gcd(x.shape[2], TILE[0]), gcd(x.shape[3], TILE[1])
        queries = _apart(self._heads(_mixed(_last(x), self.to_q)) * self.scale, tile, 0)
        both = _mixed(_last(x), self.to_kv)
        keys, values = (_apart(self._heads(part), tile, self.window // 2) for part in both.chunk(2, dim=3))
        likeness = queries @ keys.mT + _out_of_reach(tile, self.window, x.device, queries.dtype)
        seen = likeness.softmax(dim=-1).to(values.dtype) @ values
        batch, down, across, heads, _, size = seen.shape
        together = seen.view(batch, down, across, heads, *tile, size).permute(0, 1, 4, 2, 5, 3, 6)
        return together.reshape(batch, *x.shape[2:], heads * size)

    def _heads(self, x: Tensor) -> Tensor:
        """(batch, height, width, heads × d) → (batch, height, width, heads, d)."""
        return x.reshape(*x.shape[:3], self.heads, -1)


def _last(x: Tensor) -> Tensor:
    """(batch, channels, height, width) → (batch, height, width, channels): no copy of a channels-last map."""
    return x.permute(0, 2, 3, 1)


def _mixed(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """A 1 × 1 convolution as the matrix product that it is; channels last."""
    return F.linear(x, conv.weight.flatten(1), conv.bias)


class _Cut(torch.autograd.Function):
    """Maps (batch, height, width, heads, d) → tiles (batch, rows, columns, heads, h, w, d), overlapping.

    There are `reach` pixels around each. The derivative is `_Joined` and the other way round, so there are as
    many derivatives as one wants.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, tile: tuple[int, int], reach: int) -> Tensor:
        ctx.tile, ctx.reach = tile, reach
        padded = F.pad(maps, (0, 0, 0, 0, reach, reach, reach, reach))
        return _views(padded, (tile[0] + 2 * reach, tile[1] + 2 * reach), tile).contiguous()

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        joined: Tensor = _Joined.apply(slopes[0], ctx.tile, ctx.reach)  # type: ignore[no-untyped-call]
        return joined, None, None


class _Joined(torch.autograd.Function):
    """Tiles → maps: what lies over each other is added up, what lies beyond the edge is dropped."""

    @staticmethod
    def forward(ctx: Any, tiles: Tensor, tile: tuple[int, int], reach: int) -> Tensor:
        ctx.tile, ctx.reach = tile, reach
        batch, rows, columns, heads, _, _, size = tiles.shape
        height, width = rows * tile[0], columns * tile[1]
        total = tiles.new_zeros(batch, height + 2 * reach, width + 2 * reach, heads, size)
        for top, bottom in _spans(tile[0], reach):
            for left, right in _spans(tile[1], reach):
                there = _views(total[:, top:, left:], (bottom - top, right - left), tile)
                there = there[:, :rows, :columns]
                there += tiles[..., top:bottom, left:right, :]
        return total[:, reach : reach + height, reach : reach + width].contiguous()

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        cut: Tensor = _Cut.apply(slopes[0], ctx.tile, ctx.reach)  # type: ignore[no-untyped-call]
        return cut, None, None


def _views(maps: Tensor, size: tuple[int, int], step: tuple[int, int]) -> Tensor:
    """(batch, rows, columns, heads, h, w, d): windows of that size into a map, so far from each other."""
    windows = maps.unfold(1, size[0], step[0]).unfold(2, size[1], step[1])
    return windows.permute(0, 1, 2, 3, 5, 6, 4)


def _spans(size: int, reach: int) -> list[tuple[int, int]]:
    """Parts of a tile with its surroundings, none larger than a tile: equal parts of two never overlap."""
    return [(start, min(start + size, size + 2 * reach)) for start in range(0, size + 2 * reach, size)]


def _apart(maps: Tensor, tile: tuple[int, int], reach: int) -> Tensor:
    """(batch, rows, columns, heads, pixels, d): the maps in tiles, their pixels in one row."""
    tiles: Tensor = _Cut.apply(maps, tile, reach)  # type: ignore[no-untyped-call]
    return tiles.flatten(4, 5)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _out_of_reach(tile: tuple[int, int], window: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(pixels, pixels around): 0 where the one is within the other's window, else minus infinity."""
    near = []
    for side in tile:
        apart = torch.arange(side + window // 2 * 2) - torch.arange(side)[:, None]
        near.append((apart >= 0) & (apart < window))
    both = near[0][:, None, :, None] & near[1][None, :, None, :]
    mask = torch.zeros(both.shape).masked_fill(~both, -torch.inf)
    return mask.flatten(2).flatten(0, 1).to(device, dtype)
