"""StyleGAN2: a mapping to styles, convolutions scaled by them, pictures summed over all sizes.

Written from "Analyzing and Improving the Image Quality of StyleGAN" (Karras et al., CVPR 2020,
https://arxiv.org/abs/1912.04958) and, for mapping, style mixing and truncation, "A Style-Based Generator
Architecture" (Karras et al., CVPR 2019, https://arxiv.org/abs/1812.04948): weight demodulation (section 2.2),
output skips in the generator and residuals in the discriminator (section 4), path length regularisation
(section 3.2), equalised learning rates and the minibatch deviation of https://arxiv.org/abs/1710.10196.

Styles scale what goes into a convolution and the demodulation what comes out, which is the same as scaling
the weights of each picture by itself, and leaves one plain convolution for the whole batch.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import log2, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from universe_gan.networks.noise import noise
from universe_gan.networks.verdicts import Verdicts

GAIN = sqrt(2)
"""What a leaky rectifier takes from the variance, given back."""
MIXED = 0.9
"""Share of the pictures whose coarse and fine styles come from two latents while training."""
GROUP = 4
"""Pictures that the minibatch deviation is taken over."""


class Linear(nn.Module):
    """A fully connected layer whose weights learn as fast as all others, whatever its width."""

    def __init__(self, before: int, after: int, *, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / rate)
        self.bias = nn.Parameter(torch.full((after,), bias / rate))
        self.scale, self.rate = rate / sqrt(before), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class Conv(nn.Module):
    """A convolution with an equalised learning rate; `bias` where it is asked for."""

    def __init__(self, before: int, after: int, width: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, width, width))
        self.bias = nn.Parameter(torch.zeros(after)) if bias else None
        self.scale = 1 / sqrt(before * width**2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.weight.shape[2] // 2)


class Styled(nn.Module):
    """A convolution modulated by styles (batch, latent), and demodulated unless told otherwise."""

    def __init__(self, before: int, after: int, width: int, latent: int, *, demodulate: bool = True) -> None:
        super().__init__()
        self.style = Linear(latent, before, bias=1.0)
        self.conv = Conv(before, after, width, bias=False)
        self.demodulate = demodulate

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        scales = self.style(styles)
        x = self.conv(x * scales[:, :, None, None])
        if not self.demodulate:
            return x
        power = (self.conv.weight * self.conv.scale).square().sum(dim=(2, 3))
        return x * torch.rsqrt(scales.square() @ power.T + 1e-8)[:, :, None, None]


class Resampled(nn.Module):
    """Twice or half the size, through the filter 1-3-3-1 in both directions."""

    f: Tensor

    def __init__(self, up: bool) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.register_buffer("f", torch.outer(row, row) / row.sum() ** 2, persistent=False)
        self.up = up

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        weight = self.f.to(x.dtype).expand(channels, 1, 4, 4)
        if self.up:
            return F.conv_transpose2d(x, weight * 4, stride=2, padding=1, groups=channels)
        return F.conv2d(x, weight, stride=2, padding=1, groups=channels)


class Layer(nn.Module):
    """Perhaps twice the size, a styled convolution, noise, bias, a leaky rectifier."""

    def __init__(self, before: int, after: int, latent: int, *, up: bool) -> None:
        super().__init__()
        self.resampled = Resampled(up=True) if up else None
        self.conv = Styled(before, after, 3, latent)
        self.noise = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(after))

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        x = self.conv(x if self.resampled is None else self.resampled(x), styles)
        x = x + self.noise * noise(x, self.training) + self.bias[:, None, None]
        return F.leaky_relu(x, 0.2) * GAIN


class Mapping(nn.Module):
    """Latents (batch, latent) → styles (batch, latent), by `depth` connected layers that learn slowly."""

    average: Tensor

    def __init__(self, latent: int, depth: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Linear(latent, latent, rate=0.01) for _ in range(depth))
        self.register_buffer("average", torch.zeros(latent))

    def forward(self, latents: Tensor) -> Tensor:
        x = latents * torch.rsqrt(latents.square().mean(dim=1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2) * GAIN
        if self.training:
            self.average.lerp_(x.detach().float().mean(dim=0), 0.005)
        return x


class Generator(nn.Module):
    """Latents (batch, latent) → pictures (batch, 3, side, side), about -1 to 1, unbounded."""

    def __init__(self, side: int, *, latent: int = 512, widest: int = 512, breadth: float = 1.0) -> None:
        super().__init__()
        self.side, self.latent = side, latent
        widths = list(_widths(side, widest, breadth))
        self.mapping = Mapping(latent)
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.layers, self.pictures = nn.ModuleList(), nn.ModuleList()
        for number, width in enumerate(widths):
            if number:
                self.layers.append(Layer(widths[number - 1], width, latent, up=True))
            self.layers.append(Layer(width, width, latent, up=False))
            self.pictures.append(_ToPicture(width, latent))
        self.up = Resampled(up=True)

    @property
    def places(self) -> int:
        """How many layers take a style of their own."""
        return len(self.layers)

    def forward(self, latents: Tensor, truncation: float = 1.0) -> Tensor:
        """`truncation` below 1 draws styles towards their average: fewer odd pictures, less variety."""
        styles = self.styles(latents)
        if truncation != 1:
            styles = self.mapping.average.lerp(styles, truncation)
        picture: Tensor = self.synthesis(styles)
        return picture

    def styles(self, latents: Tensor) -> Tensor:
        """(batch, places, latent); while training, from a random place on those of another latent."""
        styles: Tensor = self.mapping(latents)[:, None].expand(-1, self.places, -1)
        if not self.training:
            return styles
        others = self.mapping(torch.randn_like(latents))[:, None].expand(-1, self.places, -1)
        place = torch.arange(self.places, device=latents.device)
        cut = torch.randint(1, self.places, (len(latents), 1), device=latents.device)
        mixed = torch.rand(len(latents), 1, device=latents.device) < MIXED
        return torch.where((mixed & (place >= cut))[:, :, None], others, styles)

    def synthesis(self, styles: Tensor) -> Tensor:
        """Pictures from styles (batch, places, latent)."""
        x = self.constant.expand(len(styles), -1, -1, -1)
        x = self.layers[0](x, styles[:, 0])
        picture: Tensor | None = None
        for number, to_picture in enumerate(self.pictures):
            if number:
                x = self.layers[2 * number - 1](x, styles[:, 2 * number - 1])
                x = self.layers[2 * number](x, styles[:, 2 * number])
            part = to_picture(x, styles[:, 2 * number])
            picture = part if picture is None else part + self.up(picture)
        assert picture is not None
        return picture


class Discriminator(nn.Module):
    """Pictures (batch, 3, side, side) → `Verdicts` of one head with one opinion."""

    def __init__(self, side: int, *, widest: int = 512, breadth: float = 1.0) -> None:
        super().__init__()
        self.side = side
        widths = list(_widths(side, widest, breadth))[::-1]
        self.from_picture = Conv(3, widths[0], 1)
        self.blocks = nn.ModuleList(_Block(before, after) for before, after in pairwise(widths))
        self.last = Conv(widths[-1] + 1, widths[-1], 3)
        self.all = Linear(widths[-1] * 16, widths[-1])
        self.opinion = Linear(widths[-1], 1)

    def forward(self, pictures: Tensor, restore: bool = False) -> Verdicts:
        x = F.leaky_relu(self.from_picture(pictures), 0.2) * GAIN
        for block in self.blocks:
            x = block(x)
        x = F.leaky_relu(self.last(torch.cat((x, _deviation(x)), dim=1)), 0.2) * GAIN
        x = F.leaky_relu(self.all(x.flatten(1)), 0.2) * GAIN
        return Verdicts((self.opinion(x),))


class PathLength:
    """A step in the styles should move the picture equally far everywhere (section 3.2).

    Weighted as in appendix B, ln 2 / (side² (ln side - ln 2)); the side² is in the noise here.
    """

    def __init__(self, device: torch.device) -> None:
        self.mean = torch.zeros((), device=device)

    def state(self) -> dict[str, Tensor]:
        """The running mean of the lengths, a scalar."""
        return {"mean": self.mean}

    def __call__(self, generator: Generator, latents: Tensor) -> Tensor:
        styles = generator.styles(latents).detach().requires_grad_(True)
        pictures = generator.synthesis(styles)
        pixels = pictures.shape[2] * pictures.shape[3]
        (slope,) = torch.autograd.grad(
            (pictures * torch.randn_like(pictures)).sum() / sqrt(pixels), styles, create_graph=True
        )
        lengths = slope.square().sum(dim=2).mean(dim=1).sqrt()
        self.mean.lerp_(lengths.detach().mean(), 0.01)
        return (lengths - self.mean).square().mean() / (log2(generator.side) - 1)


class _ToPicture(nn.Module):
    def __init__(self, width: int, latent: int) -> None:
        super().__init__()
        self.conv = Styled(width, 3, 1, latent, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        picture: Tensor = self.conv(x, styles) + self.bias[:, None, None]
        return picture


class _Block(nn.Module):
    """Half the size: two convolutions, beside one of width 1; the sum keeps its variance."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first, self.second = Conv(before, before, 3), Conv(before, after, 3)
        self.skip = Conv(before, after, 1, bias=False)
        self.down = Resampled(up=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.first(x), 0.2) * GAIN
        y = F.leaky_relu(self.second(self.down(y)), 0.2) * GAIN
        halved: Tensor = (y + self.skip(self.down(x))) / GAIN
        return halved


def _deviation(x: Tensor) -> Tensor:
    """(batch, 1, height, width): how unlike the pictures of each group are, as one number a group."""
    batch, channels, height, width = x.shape
    group = next(size for size in range(min(GROUP, batch), 0, -1) if batch % size == 0)
    together = x.reshape(group, batch // group, channels, height, width).float()
    unlike = (together.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return unlike.to(x.dtype).repeat(group)[:, None, None, None].expand(-1, 1, height, width)


def _widths(side: int, widest: int, breadth: float) -> Iterator[int]:
    """Channels at 4, 8 … `side` pixels."""
    if side < 8 or side & (side - 1):
        raise ValueError(f"side must be a power of two from 8 on, not {side}")
    for octave in range(2, int(log2(side)) + 1):
        yield max(4, int(breadth * min(widest, 32768 >> octave)))
