"""RRDBNet, the generator of ESRGAN and Real-ESRGAN, in plain PyTorch.

Wang et al. 2018, https://arxiv.org/abs/1809.00219, section 3.1; Wang et al. 2021,
https://arxiv.org/abs/2107.10833, section 3.2 (pixel unshuffle for the smaller factors). Parameters bear the
names of the published Real-ESRGAN weights.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHRINK = 0.2
"""Share of a residual that is added: keeps deep sums stable (section 3.1)."""
SLOPE = 0.2
"""Of the leaky ReLUs."""
Scale = Literal[1, 2, 4, 8]


def convolution(before: int, after: int) -> nn.Conv2d:
    """3 × 3, same size."""
    return nn.Conv2d(before, after, 3, padding=1)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees what all before it made."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for number in range(1, 5):
            self.add_module(f"conv{number}", convolution(channels + (number - 1) * growth, growth))
        self.conv5 = convolution(channels + 4 * growth, channels)

    def forward(self, x: Tensor) -> Tensor:
        known = x
        for number in range(1, 5):
            made = F.leaky_relu(self.get_submodule(f"conv{number}")(known), SLOPE, inplace=True)
            known = torch.cat((known, made), dim=1)
        return torch.add(x, self.conv5(known), alpha=SHRINK)


class Residual(nn.Module):
    """Three dense blocks in a residual (RRDB)."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(channels, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.rdb3(self.rdb2(self.rdb1(x))), alpha=SHRINK)


class RRDBNet(nn.Module):
    """(n, 3, h, w) → (n, 3, scale·h, scale·w), values about 0 to 1 on both sides.

    `enlargements`: how often the sides are doubled inside. Where that makes more than `scale`, the picture is
    folded into channels first, and its sides must be multiples of `fold`.
    """

    def __init__(
        self,
        scale: Scale = 4,
        blocks: int = 23,
        channels: int = 64,
        growth: int = 32,
        enlargements: int = 2,
    ) -> None:
        super().__init__()
        self.scale, self.fold = scale, int(2**enlargements) // scale
        self.conv_first = convolution(3 * self.fold**2, channels)
        self.body = nn.Sequential(*(Residual(channels, growth) for _ in range(blocks)))
        self.conv_body = convolution(channels, channels)
        self.enlarging = tuple(f"conv_up{number}" for number in range(1, enlargements + 1))
        for name in self.enlarging:
            self.add_module(name, convolution(channels, channels))
        self.conv_hr = convolution(channels, channels)
        self.conv_last = convolution(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.drawn(*self.seen(x))

    def seen(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, channels, h, w) before and behind the body: all but the last few layers' work."""
        first = self.conv_first(F.pixel_unshuffle(x, self.fold))
        return first, self.body(first)

    def drawn(self, first: Tensor, deep: Tensor) -> Tensor:
        """(n, 3, scale·h, scale·w): the large picture from what was `seen`."""
        x = first + self.conv_body(deep)
        for name in self.enlarging:
            x = self.get_submodule(name)(F.interpolate(x, scale_factor=2, mode="nearest"))
            x = F.leaky_relu(x, SLOPE, inplace=True)
        out: Tensor = self.conv_last(F.leaky_relu(self.conv_hr(x), SLOPE, inplace=True))
        return out

    @property
    def radius(self) -> int:
        """Pixels of the small picture, on each side, that one of its pixels can feel.

        Folded pixels: 15 for each block, 1 each for `conv_first` and `conv_body`, and the convolutions at the
        larger sizes, ½ + ¼ + 2 · ¼ for two doublings: between 1 and 2 for any number of them.
        """
        return (15 * len(self.body) + 4) * self.fold
