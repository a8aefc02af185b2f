"""The lightweight GAN: a generator with skip-layer excitation, a discriminator that also restores pictures.

After "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis" (Liu et al.,
ICLR 2021, https://arxiv.org/abs/2101.04775), in the variant that the `lightweight-gan` package (MIT) made
popular and the study used: pixel-shuffle upsampling, global context for the excitation (Cao et al. 2020,
https://arxiv.org/abs/2012.13375), linear attention at chosen sizes, a second head at 32 px. Parameters bear
the names they have in that package, so that its checkpoints can be read here and ours there.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from universe_gan.networks.blocks import (
    SLOPE,
    Blur,
    Decoder,
    Doubled,
    GlobalContext,
    Residual,
    attending,
    doubling,
    halving,
    whole,
)
from universe_gan.networks.verdicts import Verdicts

EXCITED_BY = {7: 3, 8: 4, 9: 5, 10: 6}
"""The map of side 2^key is scaled, channel by channel, by what the map of side 2^(value + 1) says."""


class Generator(nn.Module):
    """Latents (batch, latent) → pictures (batch, 3, side, side), about -1 to 1, unbounded.

    `attention`: sides of the maps that get attention before they are doubled, such as `[32]`. `breadth`
    scales the channels of all maps and the heads of attention (1 is the published network).
    """

    def __init__(
        self,
        side: int,
        *,
        latent: int = 256,
        widest: int = 512,
        breadth: float = 1.0,
        attention: Sequence[int] = (),
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.side, self.latent = side, latent
        octaves = _octaves(side)
        self.initial_conv = nn.Sequential(
            nn.ConvTranspose2d(latent, 2 * latent, 4), nn.BatchNorm2d(2 * latent), nn.GLU(dim=1)
        )
        widths = {1: latent} | {octave: _width(octave, widest, breadth) for octave in range(2, octaves)}
        widths |= dict.fromkeys(range(8, octaves), channels)
        self.layers = nn.ModuleList()
        for octave in range(2, octaves):
            before, after = widths[octave - 1], widths[octave]
            excited = next((large for large, small in EXCITED_BY.items() if small == octave), None)
            reaches = excited is not None and excited <= octaves
            self.layers.append(
                nn.ModuleList(
                    [
                        doubling(before, after),
                        GlobalContext(after, widths[excited - 1]) if reaches and excited else None,  # type: ignore[list-item]
                        attending(before, breadth) if 2**octave in attention else None,  # type: ignore[list-item]
                    ]
                )
            )
        self.out_conv = nn.Conv2d(widths[octaves - 1], channels, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        x = F.normalize(self.initial_conv(latents[:, :, None, None]), dim=1)
        gates: dict[int, Tensor] = {}
        for octave, layer in enumerate(self.layers, start=2):
            assert isinstance(layer, nn.ModuleList)
            double, excite, attend = layer
            x = double(x if attend is None else x + attend(x))
            if excite is not None:
                gates[octave] = excite(x)
            gate = gates.get(EXCITED_BY.get(octave + 1, -1))
            x = x if gate is None else x * gate
        picture: Tensor = self.out_conv(x)
        return picture


class Discriminator(nn.Module):
    """Pictures (batch, 3, side, side) → `Verdicts` of two heads: 25 patches (or the whole), and a small copy.

    With `restore` it also rebuilds the whole picture, and from 512 px on one random quarter of it, from its
    features: so it has to look at everything, which keeps it from learning few pictures by heart.
    """

    def __init__(
        self,
        side: int,
        *,
        widest: int = 512,
        breadth: float = 1.0,
        attention: Sequence[int] = (),
        patches: int = 5,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.side = side
        octaves = _octaves(side)
        top = min(8, octaves)
        widths = {octave: _width(octave, widest, breadth) for octave in range(3, top + 1)}
        if octaves <= 8:
            widths[top] = channels
        plain = [channels] * max(0, octaves - 8) + [widths[top]]
        self.non_residual_layers = nn.ModuleList(
            nn.Sequential(Blur(), nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE))
            for a, b in pairwise(plain)
        )
        self.residual_layers = nn.ModuleList(
            nn.ModuleList(
                [
                    halving(widths[octave], widths[octave - 1]),
                    attending(widths[octave], breadth) if 2**octave in attention else None,  # type: ignore[list-item]
                ]
            )
            for octave in range(top, 3, -1)
        )
        self.to_logits = _to_logits(widths[3], patches)
        outer, inner = (whole(breadth * width) for width in (64, 32))
        self.to_shape_disc_out = nn.Sequential(
            nn.Conv2d(channels, outer, 3, padding=1),
            Residual(attending(outer, breadth)),
            halving(outer, inner),
            Residual(attending(inner, breadth)),
            nn.AdaptiveAvgPool2d(4),
            nn.Conv2d(inner, 1, 4),
        )
        self.decoder1 = Decoder(widths[3], channels)
        self.decoder2 = Decoder(widths[4], channels) if octaves >= 9 else None

    def forward(self, pictures: Tensor, restore: bool = False, quarter: Tensor | None = None) -> Verdicts:
        """`quarter`: (1,) number from 0 to 3 of the quarter to restore; drawn here where it is not given."""
        x = pictures
        for halve in self.non_residual_layers:
            x = halve(x)
        previous = x
        for layer in self.residual_layers:
            assert isinstance(layer, nn.ModuleList)
            halve, attend = layer
            previous, x = x, halve(x if attend is None else x + attend(x))
        small = self.to_shape_disc_out(F.interpolate(pictures, size=32))
        heads = (-self.to_logits(x).flatten(1), -small.flatten(1))  # the package counts the other way round
        if not restore:
            return Verdicts(heads)
        loss = _unlikeness(self.decoder1(x), pictures)
        if self.decoder2 is not None:
            one = torch.randint(4, (1,), device=x.device) if quarter is None else quarter
            loss = loss + _unlikeness(self.decoder2(_quarter(previous, one)), _quarter(pictures, one))
        return Verdicts(heads, loss)


def initialise(net: nn.Module) -> None:
    """Weights of the convolutions drawn anew (He et al. 2015), pixel-shuffled ones alike in fours."""
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, a=0, mode="fan_in", nonlinearity="leaky_relu")
    for part in net.modules():
        if isinstance(part, Doubled) and isinstance(conv := part.net[0], nn.Conv2d):
            with torch.no_grad():
                conv.weight.copy_(conv.weight[::4].repeat_interleave(4, dim=0))
                if conv.bias is not None:
                    conv.bias.zero_()


def _octaves(side: int) -> int:
    if side < 32 or side & (side - 1):
        raise ValueError(f"side must be a power of two from 32 on, not {side}")
    return int(log2(side))


def _width(octave: int, widest: int, breadth: float) -> int:
    """Channels of a map of side 2^octave: halved as the side doubles."""
    return whole(breadth * min(widest, 2 ** (12 - octave)))


def _to_logits(channels: int, patches: int) -> nn.Sequential:
    rectify, last = nn.LeakyReLU(SLOPE), nn.Conv2d(channels, 1, 4)
    if patches == 5:
        return nn.Sequential(nn.Conv2d(channels, channels, 1), rectify, last)
    if patches == 1:
        return nn.Sequential(Blur(), nn.Conv2d(channels, channels, 3, stride=2, padding=1), rectify, last)
    raise ValueError(f"patches must be 1 or 5, not {patches}")


def _unlikeness(restored: Tensor, picture: Tensor) -> Tensor:
    return F.mse_loss(restored, F.interpolate(picture, size=restored.shape[2:]))


def _quarter(x: Tensor, number: Tensor) -> Tensor:
    """One quarter of each map, the same for all: upper left, upper right, lower left, lower right."""
    batch, channels, height, width = x.shape
    apart = x.reshape(batch, channels, 2, height // 2, 2, width // 2).permute(2, 4, 0, 1, 3, 5)
    return apart.flatten(0, 1).index_select(0, number).squeeze(0)
