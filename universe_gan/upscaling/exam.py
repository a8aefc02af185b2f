"""The held-out pictures, enlarged and measured: whether tuned weights are better than those they began with.

They are shrunk as `upscale --evaluate` shrinks them and enlarged as users enlarge: with back-projection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from math import log10
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from universe_gan import sheets
from universe_gan.upscaling.degrade import bytewise
from universe_gan.upscaling.fidelity import back_projected, lanczos, smaller
from universe_gan.upscaling.rrdbnet import RRDBNet

MOST = 24
"""Pictures that are measured: the first so many."""
WIDEST = 256
"""Side of their middle that is looked at, large pixels."""
SHOWN, SHOWN_SIDE = 6, 128
"""Pictures on a sheet, and the side of their middle that is shown."""
GAIN = 0.005
"""Decibels by which weights must be better to count as better."""
DIMMER = 0.01
"""How much further from the truth than before the stars' light may be, as a share of it."""


@dataclass
class Exam:
    """Held-out pictures for one network of the family, and what its first weights make of them."""

    large: Tensor
    """(n, 3, side, side), 0 to 1; the truth."""
    net: RRDBNet
    """With the weights that training begins with."""
    tail: bool
    """Only what is behind the body learns, so what the body sees is worked out once."""
    passes: int
    device: torch.device

    def __post_init__(self) -> None:
        self.small = bytewise(smaller(self.large, self.net.scale))
        self._seen = [self._look(self.net, one) for one in self.small] if self.tail else None
        self._first = self.made(self.net)
        self.before = self.measured(self._first)

    def _look(self, net: RRDBNet, small: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            first, deep = net.seen(small[None].to(self.device))
        return first.cpu(), deep.cpu()

    @torch.inference_mode()
    def made(self, net: RRDBNet, most: int | None = None) -> Tensor:
        """(n, 3, side, side): the first `most` small pictures enlarged, one by one, in full precision."""
        found = []
        for number, small in enumerate(self.small[:most]):
            seen = self._seen[number] if self._seen else self._look(net, small)
            raw = net.drawn(*(one.to(self.device) for one in seen)).float()
            there = small[None].to(self.device)
            found.append(back_projected(raw, there, net.scale, self.passes).clamp(0, 1).cpu())
        return torch.cat(found)

    def figures(self, net: RRDBNet) -> dict[str, Any]:
        """What `net` is worth, beside what the first weights are."""
        return self.measured(self.made(net))

    @property
    def lanczos(self) -> float:
        """PSNR of plain enlargement in dB: what any weights must beat to be worth their time."""
        return float(self.measured(lanczos(self.small, self.net.scale).clamp(0, 1))["psnr"])

    def measured(self, made: Tensor) -> dict[str, Any]:
        """`psnr`: dB, mean over pictures; `held_out_l1`: mean difference; `stars`: median of light kept.

        `stars` is `None` where `sep` is not installed or no picture has any.
        """
        errors = (made - self.large).square().mean(dim=(1, 2, 3))
        psnr = [10 * log10(1 / max(float(error), 1e-10)) for error in errors]
        return {
            "psnr": sum(psnr) / len(psnr),
            "held_out_l1": float((made - self.large).abs().mean()),
            "stars": _stars(self.large, made),
        }

    def sheet(self, net: RRDBNet) -> Image.Image:
        """Rows of small (enlarged pixel by pixel), Lanczos, before, now, truth."""
        few = slice(0, SHOWN)
        side = min(SHOWN_SIDE, self.large.shape[2])
        small = self.small[few].repeat_interleave(self.net.scale, 2).repeat_interleave(self.net.scale, 3)
        smooth = lanczos(self.small[few], self.net.scale)
        columns = [small, smooth, self._first[few], self.made(net, SHOWN), self.large[few]]
        shown = [_middle(column, side) for column in columns]
        return sheets.sheet([one[row] for row in range(len(shown[0])) for one in shown], across=len(shown))


def exam(pixels: NDArray[np.uint8], net: RRDBNet, *, tail: bool, passes: int, device: torch.device) -> Exam:
    """The exam on these pictures, (n, side, side, 3)."""
    side = min(WIDEST, pixels.shape[1])
    side -= side % (net.scale * net.fold)
    begin = (pixels.shape[1] - side) // 2
    some = np.ascontiguousarray(pixels[:MOST, begin : begin + side, begin : begin + side])
    large = torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255
    return Exam(large, net.to(device), tail, passes, device)


def is_better(figures: Mapping[str, Any], best: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether these weights may take the place of the best: a gain in PSNR, and the stars keep their light.

    `before`: the figures of the first weights, by which the stars are held.
    """
    if not figures["psnr"] > best["psnr"] + GAIN:  # also where it is not a number
        return False
    if figures["stars"] is None or before["stars"] is None:
        return True
    return bool(abs(figures["stars"] - 1) <= abs(before["stars"] - 1) + DIMMER)


def words(figures: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """One line for people."""
    gain = figures["psnr"] - before["psnr"]
    stars = "" if figures["stars"] is None else f", stars keep {figures['stars']:.3f} of their light"
    return f"held out {figures['psnr']:.2f} dB ({gain:+.2f}){stars}"


def _middle(pictures: Tensor, side: int) -> NDArray[np.uint8]:
    begin = (pictures.shape[2] - side) // 2
    cut = pictures[:, :, begin : begin + side, begin : begin + side]
    found: NDArray[np.uint8] = (bytewise(cut) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return found


def _stars(truth: Tensor, made: Tensor) -> float | None:
    """The middle picture's share of starlight that is kept."""
    if util.find_spec("sep") is None:
        return None
    from universe_gan.upscaling import stars

    pairs = zip(_as_arrays(truth), _as_arrays(made), strict=True)
    fluxes = [flux for real, large in pairs if (flux := stars.compare(real, large).flux) is not None]
    return float(np.median(fluxes)) if fluxes else None


def _as_arrays(pictures: Tensor) -> Sequence[NDArray[np.float32]]:
    return [np.ascontiguousarray(one) for one in pictures.permute(0, 2, 3, 1).numpy()]
