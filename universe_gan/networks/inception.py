"""Inception v3 as published FIDs see: the network of 2015-12-05, for whoever has its weights.

Szegedy et al. 2015, https://arxiv.org/abs/1512.00567, figures 5 to 7, with three habits of that very graph:
pictures are resized without antialiasing, averages over a neighbourhood leave out the border, and the last
block takes the largest of a neighbourhood. Names are those of the weights file, so that it loads as it is:
`weights-inception-2015-12-05-6726825d.pth` of torch-fidelity, which is also `pt_inception-2015-12-05` of
pytorch-fid. Neither package is needed (torch-fidelity imports torchvision).
"""

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 299
"""Of the pictures that the network is shown."""


class WeightsUnfit(Exception):
    """A file of weights that is not there, or not of this network."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


@dataclass(frozen=True)
class Unit:
    """A convolution, normalised and rectified, as the weights file names it."""

    name: str
    wide: int
    height: int = 1
    width: int = 1
    stride: int = 1


Step = Unit | tuple[Unit, Unit] | Callable[[Tensor], Tensor]
"""Two units are a fork: both see the same, and their features stand side by side."""


def _square(name: str, wide: int, size: int, stride: int = 1) -> Unit:
    return Unit(name, wide, size, size, stride)


def _mean(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _largest(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 3, stride=1, padding=1)


def _halved(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 3, stride=2)


def _chain(name: str, *units: tuple[int, int, int], stride: int = 1) -> list[Step]:
    """Units `name_1`, `name_2` … of (features, height, width); the last one may stride."""
    last = len(units)
    return [
        Unit(f"{name}_{number}", *unit, stride if number == last else 1)
        for number, unit in enumerate(units, start=1)
    ]


def _block_35(pool: int) -> list[list[Step]]:
    return [
        [Unit("branch1x1", 64)],
        _chain("branch5x5", (48, 1, 1), (64, 5, 5)),
        _chain("branch3x3dbl", (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        [_mean, Unit("branch_pool", pool)],
    ]


def _to_17() -> list[list[Step]]:
    return [
        [_square("branch3x3", 384, 3, 2)],
        _chain("branch3x3dbl", (64, 1, 1), (96, 3, 3), (96, 3, 3), stride=2),
        [_halved],
    ]


def _block_17(wide: int) -> list[list[Step]]:
    return [
        [Unit("branch1x1", 192)],
        _chain("branch7x7", (wide, 1, 1), (wide, 1, 7), (192, 7, 1)),
        _chain("branch7x7dbl", (wide, 1, 1), (wide, 7, 1), (wide, 1, 7), (wide, 7, 1), (192, 1, 7)),
        [_mean, Unit("branch_pool", 192)],
    ]


def _to_8() -> list[list[Step]]:
    return [
        _chain("branch3x3", (192, 1, 1), (320, 3, 3), stride=2),
        _chain("branch7x7x3", (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3), stride=2),
        [_halved],
    ]


def _block_8(pool: Callable[[Tensor], Tensor]) -> list[list[Step]]:
    def fork(name: str) -> tuple[Unit, Unit]:
        return Unit(f"{name}a", 384, 1, 3), Unit(f"{name}b", 384, 3, 1)

    return [
        [Unit("branch1x1", 320)],
        [*_chain("branch3x3", (384, 1, 1)), fork("branch3x3_2")],
        [*_chain("branch3x3dbl", (448, 1, 1), (384, 3, 3)), fork("branch3x3dbl_3")],
        [pool, Unit("branch_pool", 192)],
    ]


BLOCKS: Mapping[str, list[list[Step]]] = {
    **{f"Mixed_5{one}": _block_35(pool) for one, pool in zip("bcd", (32, 64, 64), strict=True)},
    "Mixed_6a": _to_17(),
    **{f"Mixed_6{one}": _block_17(wide) for one, wide in zip("bcde", (128, 160, 160, 192), strict=True)},
    "Mixed_7a": _to_8(),
    "Mixed_7b": _block_8(_mean),
    "Mixed_7c": _block_8(_largest),
}


class Convolved(nn.Module):
    """What a `Unit` says; it pads where it does not stride, unless told otherwise."""

    def __init__(self, given: int, unit: Unit, padded: bool = True) -> None:
        super().__init__()
        size = (unit.height, unit.width)
        pad = (unit.height // 2, unit.width // 2) if padded and unit.stride == 1 else 0
        self.conv = nn.Conv2d(given, unit.wide, size, unit.stride, pad, bias=False)
        self.bn = nn.BatchNorm2d(unit.wide, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Several ways through, side by side."""

    def __init__(self, given: int, ways: Sequence[Sequence[Step]]) -> None:
        super().__init__()
        self.ways, self.wide = ways, 0
        for way in ways:
            now = given
            for step in way:
                units = step if isinstance(step, tuple) else (step,) if isinstance(step, Unit) else ()
                for unit in units:
                    self.add_module(unit.name, Convolved(now, unit))
                now = sum(unit.wide for unit in units) or now
            self.wide += now

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self._through(way, x) for way in self.ways], dim=1)

    def _through(self, way: Sequence[Step], x: Tensor) -> Tensor:
        for step in way:
            if isinstance(step, Unit):
                x = self.get_submodule(step.name)(x)
            elif isinstance(step, tuple):
                x = torch.cat([self.get_submodule(unit.name)(x) for unit in step], dim=1)
            else:
                x = step(x)
        return x


class Inception(nn.Module):
    """Pictures (n, 3, side, side) from 0 to 255 → (n, 2048), the mean over the last block."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolved(3, _square("", 32, 3, 2))
        self.Conv2d_2a_3x3 = Convolved(32, _square("", 32, 3), padded=False)
        self.Conv2d_2b_3x3 = Convolved(32, _square("", 64, 3))
        self.Conv2d_3b_1x1 = Convolved(64, _square("", 80, 1))
        self.Conv2d_4a_3x3 = Convolved(80, _square("", 192, 3), padded=False)
        now, self.blocks = 192, list(BLOCKS)
        for name, ways in BLOCKS.items():
            block = Mixed(now, ways)
            self.add_module(name, block)
            now = block.wide

    def forward(self, pictures: Tensor) -> Tensor:
        x = (resized(pictures.float(), SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(_halved(x)))
        x = _halved(x)
        for name in self.blocks:
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3))


def resized(pictures: Tensor, side: int) -> Tensor:
    """(n, c, h, w) → (n, c, side, side), bilinear; the first pixel stays where it is, as in TensorFlow 1."""
    for axis in (2, 3):
        have = pictures.shape[axis]
        places = torch.arange(side, device=pictures.device) * (have / side)
        below = places.long()
        above = (below + 1).clamp(max=have - 1)
        share = (places - below).view([-1 if one == axis else 1 for one in range(4)])
        pictures = torch.lerp(pictures.index_select(axis, below), pictures.index_select(axis, above), share)
    return pictures


def load(path: Path) -> Inception:
    """The network with the user's weights, frozen; no code in the file is run. Raises `WeightsUnfit`."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsUnfit(path, "there is no such file") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsUnfit(path, "it is no file of weights") from error
    net = Inception()
    try:
        net.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    except (AttributeError, TypeError, RuntimeError) as error:
        raise WeightsUnfit(path, "its weights are of another network") from error
    return net.eval().requires_grad_(False)
