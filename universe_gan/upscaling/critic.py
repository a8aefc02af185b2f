"""The critic that fine-tuning plays against: a U-net that says of every pixel whether it is real.

Wang et al. 2021, https://arxiv.org/abs/2107.10833, section 3.3 and figure 6: convolutions that halve the
picture three times, as many that double it again with the earlier maps added, spectral normalisation (Miyato
et al. 2018, https://arxiv.org/abs/1802.05957) on all but the first and the last.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

DEPTH = 3
"""How often the sides are halved: pictures need sides that 8 divides."""


class Critic(nn.Module):
    """(n, 3, h, w) → (n, 1, h, w) of logits: how real each pixel looks in its surroundings."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(DEPTH + 1)]
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        self.down = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False))
            for before, after in pairwise(widths)
        )
        self.up = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 3, padding=1, bias=False))
            for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.late = nn.ModuleList(
            spectral_norm(nn.Conv2d(channels, channels, 3, padding=1, bias=False)) for _ in range(2)
        )
        self.last = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(pictures), 0.2)
        seen = []
        for down in self.down:
            seen.append(x)
            x = F.leaky_relu(down(x), 0.2)
        for up in self.up:
            larger = F.interpolate(x, scale_factor=2, mode="bilinear")
            x = F.leaky_relu(up(larger), 0.2) + seen.pop()
        for late in self.late:
            x = F.leaky_relu(late(x), 0.2)
        out: Tensor = self.last(x)
        return out
