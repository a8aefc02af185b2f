"""A discriminator that judges pictures by what a network sees in them that has seen a million others.

Written from "Projected GANs Converge Faster" (Sauer et al., NeurIPS 2021, https://arxiv.org/abs/2111.01007):
the features of a frozen network (EfficientNet-Lite0) at four sizes are mixed over channels and sizes by
random convolutions that never learn (section 4.2), so that a discriminator cannot look at the loudest alone;
four small discriminators with spectral norm (Miyato et al. 2018, https://arxiv.org/abs/1802.05957) judge them
by the hinge loss. It needs no gradient penalty.

Pictures made to please these features look good to any measure that uses them: judge with another network.
"""

from math import log2
from pathlib import Path
from typing import Self

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from universe_gan.networks import lite0
from universe_gan.networks.verdicts import Verdicts

LEAST, MOST = 128, 256
"""Smallest and largest side that the frozen network is shown."""
WIDTHS = (64, 128, 256, 512)
"""Channels after mixing, finest size first."""
WIDEST = 512


class Discriminator(nn.Module):
    """Pictures (batch, 3, side, side) from -1 to 1 → `Verdicts` of four heads with 16 opinions each.

    Raises:
        WeightsMissing: the package with the frozen network's weights is not installed.
    """

    backbone = "lite0"
    """Name of the frozen network; no measure of quality may use the same."""

    def __init__(self, side: int, *, breadth: float = 1.0, weights: Path | None = None) -> None:
        super().__init__()
        self.side = side
        self.seen = min(MOST, max(LEAST, side))
        widths = [max(8, int(breadth * width)) for width in WIDTHS]
        self.features = lite0.load(weights)
        self.mixing = Mixing(list(lite0.TAPS.values()), widths)
        widest = max(8, int(breadth * WIDEST))
        self.heads = nn.ModuleList(
            _head(width, int(log2(self.seen >> (octave + 4))), widest) for octave, width in enumerate(widths)
        )
        self.requires_grad_(True)

    def forward(self, pictures: Tensor, restore: bool = False) -> Verdicts:
        if self.seen != self.side:
            size = (self.seen, self.seen)
            pictures = F.interpolate(pictures, size=size, mode="bilinear", antialias=self.seen < self.side)
        maps = self.mixing(self.features.taps(pictures))
        return Verdicts(tuple(head(x).flatten(1) for head, x in zip(self.heads, maps, strict=True)))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """The heads alone ever learn."""
        super().requires_grad_(requires_grad)
        for frozen in (self.features, self.mixing):
            frozen.requires_grad_(False)
        return self


class Mixing(nn.Module):
    """Features at four sizes, finest first → as many maps in which all coarser ones are mixed; all random."""

    def __init__(self, before: list[int], after: list[int]) -> None:
        super().__init__()
        self.channels = nn.ModuleList(
            nn.Conv2d(a, b, 1, bias=False) for a, b in zip(before, after, strict=True)
        )
        coarser = [*after[1:], after[-1]]
        self.sizes = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in zip(coarser, after, strict=True)
        )
        for conv in self.modules():
            if isinstance(conv, nn.Conv2d):
                nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        found: list[Tensor] = []
        parts = zip(features, self.channels, self.sizes, strict=True)
        for feature, mix, blend in reversed(list(parts)):
            x = mix(feature)
            if found:
                larger = F.interpolate(found[-1], size=x.shape[2:], mode="bilinear", align_corners=False)
                x = x + blend(larger)
            else:
                x = blend(x)
            found.append(x)
        return tuple(found[::-1])


def _head(width: int, halvings: int, widest: int) -> nn.Sequential:
    """Halves a map until it has 4 × 4 pixels, and says one number for each."""
    layers: list[nn.Module] = []
    for _ in range(halvings):
        after = min(2 * width, max(widest, width))
        conv = spectral_norm(nn.Conv2d(width, after, 4, stride=2, padding=1, bias=False))
        layers += [conv, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        width = after
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(width, 1, 3, padding=1)))
