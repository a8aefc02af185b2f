"""What the lightweight GAN is built of: blocks that blur, double, halve, gate and restore feature maps.

Parameters bear the names they have in the `lightweight-gan` package (`lightweight`). Maps are (batch,
channels, height, width).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from universe_gan.networks.attention import ChannelNorm, LinearAttention
from universe_gan.networks.noise import noise

SLOPE = 0.1
"""Of the leaky rectifiers."""


class Blur(nn.Module):
    """Each channel blurred by 1-2-1 in both directions; the picture is mirrored beyond its edge."""

    f: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("f", torch.tensor([1.0, 2.0, 1.0]))

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = torch.outer(self.f, self.f) / self.f.sum() ** 2
        weight = kernel.to(x.dtype).expand(channels, 1, 3, 3)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, groups=channels)


class Noise(nn.Module):
    """Adds white noise, one map for all channels, as strong as it has learned."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight * noise(x, self.training)


class Doubled(nn.Module):
    """Twice the size: a 1 × 1 convolution makes the four pixels of each new square, all alike at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(channels, 4 * channels, 1), nn.SiLU(), nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        twice: Tensor = self.net(x)
        return twice


class GlobalContext(nn.Module):
    """One gate from 0 to 1 a channel, by what the whole map shows. Out: (batch, channels_out, 1, 1)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        between = max(3, channels_out // 2)
        self.to_k = nn.Conv2d(channels_in, 1, 1)
        self.net = nn.Sequential(
            nn.Conv2d(channels_in, between, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(between, channels_out, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        where = self.to_k(x).flatten(2).softmax(dim=2)
        gates: Tensor = self.net((x.flatten(2) * where).sum(dim=2)[:, :, None, None])
        return gates


class Decoder(nn.Module):
    """Features → a small picture, sixteen times as large a side, in four doublings."""

    def __init__(self, channels: int, channels_out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for step in range(4):
            after = 2 * channels_out if step == 3 else channels
            conv = nn.Conv2d(channels, after, 3, padding=1)
            self.layers.append(nn.Sequential(Doubled(channels), conv, nn.GLU(dim=1)))
            channels //= 2

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Residual(nn.Module):
    """What `fn` gives, added to what it was given."""

    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.fn(x) + x
        return total


class Normed(nn.Module):
    """`fn` of the normalised map."""

    def __init__(self, channels: int, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn
        self.norm = ChannelNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fn(self.norm(x))
        return out


class Branches(nn.Module):
    """The sum of what each branch gives."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        first, second = (branch(x) for branch in self.branches)
        total: Tensor = first + second
        return total


def whole(channels: float) -> int:
    """A number of channels that can be halved three times, as the decoders do."""
    return max(8, int(channels) // 8 * 8)


def attending(channels: int, breadth: float) -> Normed:
    """Normalised linear attention, eight heads of 64 channels as published.

    Narrower networks have fewer heads, and then narrower ones.
    """
    heads = max(1, round(8 * breadth))
    each = max(8, min(64, int(512 * breadth / heads)))
    return Normed(channels, LinearAttention(channels, heads=heads, head_channels=each))


def doubling(before: int, after: int) -> nn.Sequential:
    """Twice the size: a layer of the generator."""
    same = nn.Sequential(nn.ZeroPad2d((2, 1, 2, 1)), nn.Conv2d(before, 2 * after, 4))
    return nn.Sequential(Doubled(before), Blur(), same, Noise(), nn.BatchNorm2d(2 * after), nn.GLU(dim=1))


def halving(before: int, after: int) -> Branches:
    """Half the size, two ways, added up: four pixels into channels, or averaged."""
    return Branches(
        nn.Sequential(
            Blur(),
            nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * before, after, 1)),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(after, after, 3, padding=1),
            nn.LeakyReLU(SLOPE),
        ),
        nn.Sequential(Blur(), nn.AvgPool2d(2), nn.Conv2d(before, after, 1), nn.LeakyReLU(SLOPE)),
    )
