"""How true enlarged pictures are: one is the truth, is shrunk, enlarged again, and compared with itself.

Beside our way stand the plain network, Lanczos with back-projection (`--strength 0`), Lanczos and bicubic, so
that every figure has something to be better or worse than. All are compared as 8-bit files would hold them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import ceil, inf, isfinite, log10
from statistics import fmean, median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity
from torch import Tensor

from universe_gan.upscaling import degrade, stars
from universe_gan.upscaling.fidelity import smaller
from universe_gan.upscaling.images import NoPicture, Opened
from universe_gan.upscaling.tiles import Floats
from universe_gan.upscaling.upscaler import Upscaler

Bytes = NDArray[np.uint8]
"""(h, w, 3), sRGB."""
Enlarge = Callable[[Bytes], Bytes]

OURS, NETWORK, PROJECTED, LANCZOS, BICUBIC = "ours", "network", "back-projected", "lanczos", "bicubic"
METHODS = (OURS, NETWORK, PROJECTED, LANCZOS, BICUBIC)
WIDEST = 1024
"""Longest side that is looked at, pixels: of a larger picture the middle."""
SMALLEST = 32
"""Shortest side that is looked at: the window of SSIM is 7, and there must be something to see."""
SPREAD = 1.2
"""Full width at half maximum of the degraded point, small pixels."""
PHOTONS, READ = 2000.0, 0.01
"""Noise of a degraded picture: photons of a white pixel, and deviation whatever the brightness."""
QUALITY = 85
"""Of the JPEG that a degraded picture was."""


@dataclass(frozen=True)
class Figures:
    """How far one enlarged picture is from the truth."""

    psnr: float
    """Decibels; infinite: equal."""
    ssim: float
    """1: equal (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861)."""
    colour: float
    """Mean over the channels of how far their means moved, 1/255."""
    stars: int
    """Of the truth that were looked for."""
    flux: float | None
    """Median over them of their light now over their light in truth; `None`: the truth has none."""
    recall: float | None
    """Share of them that are found."""
    invented: float | None
    """Share of its stars that the truth does not have; `None`: it has none."""


@dataclass(frozen=True)
class Judged:
    """One picture and what each method made of it."""

    name: str
    side: tuple[int, int]
    """Height and width that were compared, pixels."""
    figures: Mapping[str, Figures]
    notes: tuple[str, ...] = ()
    """What of the picture was not looked at."""

    @property
    def wins(self) -> bool:
        """Whether ours is nearer to the truth than Lanczos, by PSNR."""
        return self.figures[OURS].psnr > self.figures[LANCZOS].psnr


@dataclass(frozen=True)
class Evaluation:
    """Pictures, and the figures over all of them."""

    pictures: Sequence[Judged]
    scale: int
    degraded: bool
    how: Mapping[str, Any]
    """Network, weights and back-projections (`Upscaler.provenance`)."""

    @property
    def means(self) -> dict[str, Figures]:
        """By method, where there is a picture at all."""
        if not self.pictures:
            return {}
        return {method: mean([one.figures[method] for one in self.pictures]) for method in METHODS}

    @property
    def wins(self) -> int:
        """Pictures of which ours is nearer to the truth than Lanczos."""
        return sum(one.wins for one in self.pictures)

    def in_json(self) -> dict[str, Any]:
        """All of it; an infinite PSNR is `null`, as JSON has no such number."""
        return {
            "scale": self.scale,
            "degraded": self.degraded,
            "how": dict(self.how),
            "pictures": [
                {
                    "name": one.name,
                    "height": one.side[0],
                    "width": one.side[1],
                    "better_than_lanczos": one.wins,
                    "notes": list(one.notes),
                    "figures": {method: _plain(found) for method, found in one.figures.items()},
                }
                for one in self.pictures
            ],
            "means": {method: _plain(found) for method, found in self.means.items()},
            "better_than_lanczos": self.wins,
        }


def compare(truth: Bytes, made: Bytes) -> Figures:
    """What became of the truth, both (h, w, 3) of one size, 7 pixels or more on each side."""
    one, other = _floats(truth), _floats(made)
    fate = stars.compare(one, other)
    moved = made.mean(axis=(0, 1), dtype=np.float64) - truth.mean(axis=(0, 1), dtype=np.float64)
    return Figures(
        psnr(truth, made),
        float(structural_similarity(one, other, data_range=1, channel_axis=2)),  # type: ignore[no-untyped-call]
        float(np.abs(moved).mean()),
        fate.stars,
        fate.flux,
        fate.recall,
        fate.invented,
    )


def psnr(truth: Bytes, made: Bytes) -> float:
    """Peak signal over noise in dB: 10 · log10(255² / mean squared difference); infinite where equal."""
    error = float(np.square(truth.astype(np.float64) - made).mean())
    return 10 * log10(255**2 / error) if error else inf


def mean(found: Sequence[Figures]) -> Figures:
    """Over pictures: of the light of stars the median, of all else the mean.

    Pictures that came out equal, and those without stars, are left out of the figures that they cannot have.
    """
    finite = [one.psnr for one in found if isfinite(one.psnr)]
    light = [one.flux for one in found if one.flux is not None]
    return Figures(
        fmean(finite) if finite else inf,
        fmean(one.ssim for one in found),
        fmean(one.colour for one in found),
        sum(one.stars for one in found),
        median(light) if light else None,
        _mean(one.recall for one in found),
        _mean(one.invented for one in found),
    )


def truth(opened: Opened, scale: int) -> tuple[Bytes, tuple[str, ...]]:
    """What of a picture is compared, sides multiples of the scale, and what is not. Raises `NoPicture`."""
    if min(opened.height, opened.width) < SMALLEST:
        size = f"{opened.width} x {opened.height}"
        raise NoPicture(opened.name, f"{size} pixels are too few to compare; {SMALLEST} are needed")
    height, width = (min(side, WIDEST) // scale * scale for side in (opened.height, opened.width))
    top, left = (opened.height - height) // 2, (opened.width - width) // 2
    pixels = opened.read(top, left, height, width)
    found: Bytes = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    if (height, width) == (opened.height, opened.width):
        return found, ()
    return found, (f"the middle {width:,} x {height:,} of {opened.width:,} x {opened.height:,} pixels",)


def shrunk(picture: Bytes, scale: int, seed: int | None = None) -> Bytes:
    """(scale·h, scale·w, 3) → (h, w, 3), bicubic without aliasing; `seed`: degraded, with this noise.

    Degraded is spread by the air first (Moffat), and after shrinking noisy and a JPEG.
    """
    large = torch.from_numpy(_floats(picture)).permute(2, 0, 1)[None]
    if seed is None:
        return _bytes(smaller(large, scale))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _bytes(_degraded(large, scale))


def _degraded(large: Tensor, scale: int) -> Tensor:
    """(1, 3, h, w) as a telescope and an archive would leave it, mildly."""
    one, none = torch.ones(1), torch.zeros(1)
    width = SPREAD * scale
    points = degrade.moffat(width * one, degrade.WINGS[1] * one, one, none, ceil(1.5 * width))
    small = smaller(degrade.spread(large, points), scale)
    grainy = degrade.noisy(small, PHOTONS * one.view(1, 1, 1, 1), READ * one.view(1, 1, 1, 1))
    return degrade.jpeg(grainy, QUALITY * one)


def methods(upscaler: Upscaler) -> dict[str, Enlarge]:
    """Ours as it is set, the network alone, back-projection without it, and what Pillow enlarges by."""
    plain, without = replace(upscaler, passes=0, strength=1.0), replace(upscaler, strength=0.0)
    return {
        OURS: partial(_through, upscaler),
        NETWORK: partial(_through, plain),
        PROJECTED: partial(_through, without),
        LANCZOS: partial(_by_pillow, upscaler.scale, Image.Resampling.LANCZOS),
        BICUBIC: partial(_by_pillow, upscaler.scale, Image.Resampling.BICUBIC),
    }


def _through(upscaler: Upscaler, small: Bytes) -> Bytes:
    made = upscaler.enlarge(_floats(small))
    found: Bytes = (made.clip(0, 1) * 255).round().astype(np.uint8)
    return found


def _by_pillow(scale: int, kernel: Image.Resampling, small: Bytes) -> Bytes:
    height, width = small.shape[:2]
    return np.asarray(Image.fromarray(small).resize((width * scale, height * scale), kernel))


def _floats(picture: Bytes) -> Floats:
    """From 0 to 1."""
    return picture.astype(np.float32) / np.float32(255)


def _bytes(pictures: Tensor) -> Bytes:
    """The first of (n, 3, h, w) from 0 to 1 as (h, w, 3)."""
    found: Bytes = degrade.bytewise(pictures)[0].mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return found


def _mean(found: Iterable[float | None]) -> float | None:
    known = [one for one in found if one is not None]
    return fmean(known) if known else None


def _plain(found: Figures) -> dict[str, Any]:
    return asdict(found) | {"psnr": found.psnr if isfinite(found.psnr) else None}
