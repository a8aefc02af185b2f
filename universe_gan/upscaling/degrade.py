"""Small pictures as telescopes and archives leave them: spread, shrunk, noisy, compressed.

The order is that of light: the air and the optics spread it (Moffat 1969, "A theoretical investigation of
focal stellar images in the photographic emulsion", Astronomy and Astrophysics 3, 455), the sensor samples it
and adds noise, an archive compresses it; nothing is sharpened. Some pictures suffer the last two once more
(Wang et al. 2021, https://arxiv.org/abs/2107.10833, section 3.1, "high-order degradation"), but mildly: what
is learned here is the dataset's sky, not the repair of ruins.

All of it runs on the device. Random numbers are PyTorch's own, so whoever calls `torch.manual_seed` before
gets the same pictures again. JPEG is done here too, as its standard has it, since Pillow would send every
picture to the CPU and back; against Pillow's files it differs by rounding (tests).
"""

from functools import lru_cache
from math import ceil, pi

import torch
from torch import Tensor
from torch.nn import functional as F

from universe_gan.training.augment import between, coins
from universe_gan.upscaling.fidelity import smaller
from universe_gan.upscaling.tune_settings import TuneSettings

WINGS = (2.5, 4.765)
"""Moffat's exponent: bright wings of an old photograph, to Kolmogorov turbulence (Trujillo et al. 2001)."""
UNEVEN = 0.15
"""How much wider at most a point is along one direction than its mean: tracking, coma."""
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
"""Steps of the coefficients at quality 50 (ITU-T T.81, annex K.1)."""
_TO_YCBCR = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)
"""JFIF 1.02, page 3."""


@torch.no_grad()
def worn(large: Tensor, settings: TuneSettings, scale: int) -> Tensor:
    """(n, 3, scale·h, scale·w) → (n, 3, h, w), values 0 to 1 in steps of a byte; a share is only shrunk."""
    fwhm = between(large, *settings.blur)[:, 0, 0, 0] * scale
    radius = ceil(1.5 * settings.blur[1] * scale)
    wings, along = between(large, *WINGS)[:, 0, 0, 0], between(large, 0, pi)[:, 0, 0, 0]
    longer = 1 + between(large, 0, UNEVEN)[:, 0, 0, 0]
    blurred = spread(large, moffat(fwhm, wings, longer, along, radius))
    area = F.avg_pool2d(blurred, scale)
    small = torch.where(coins(large, 0.5), area, smaller(blurred, scale))
    small = _archived(small, settings)
    small = torch.where(coins(large, settings.second), _archived(small, settings), small)
    clean = coins(large, settings.clean)
    return bytewise(torch.where(clean, smaller(large, scale), small))


def bytewise(pictures: Tensor) -> Tensor:
    """(n, 3, h, w) within 0 to 1, in 255 steps: what a file of 8 bits keeps."""
    return pictures.clamp(0, 1).mul(255).round().div(255)


def moffat(fwhm: Tensor, wings: Tensor, longer: Tensor, along: Tensor, radius: int) -> Tensor:
    """(n, 2·radius + 1, 2·radius + 1): point spreads, each of sum 1. All arguments are (n,).

    `fwhm`: full width at half maximum, pixels; `wings`: the exponent; `longer`: width along the angle `along`
    as a share of `fwhm`, across it is shorter by as much. Each pixel is the mean of 3 × 3 points in it.
    """
    at = (torch.arange(3 * (2 * radius + 1), device=fwhm.device) - (3 * radius + 1)) / 3
    y, x = at[:, None], at[None, :]
    cos, sin = (turn[:, None, None] for turn in (along.cos(), along.sin()))
    alpha = (fwhm / (2 * (2 ** (1 / wings) - 1).sqrt()))[:, None, None]
    stretched = ((x * cos + y * sin) / longer[:, None, None]) ** 2
    stretched = stretched + ((y * cos - x * sin) * longer[:, None, None]) ** 2
    light = (1 + stretched / alpha**2) ** -wings[:, None, None]
    kernel = F.avg_pool2d(light[:, None], 3)[:, 0]
    return kernel / kernel.sum(dim=(1, 2), keepdim=True)


def spread(pictures: Tensor, kernels: Tensor) -> Tensor:
    """(n, c, h, w), each spread by its own (n, k, k) kernel; the border's pixels go on outside."""
    count, channels, height, width = pictures.shape
    radius = kernels.shape[1] // 2
    whole = F.pad(pictures, (radius,) * 4, mode="replicate")
    flat = whole.reshape(1, count * channels, height + 2 * radius, width + 2 * radius)
    weights = kernels[:, None].repeat_interleave(channels, dim=0)
    return F.conv2d(flat, weights, groups=count * channels).view(count, channels, height, width)


def noisy(pictures: Tensor, photons: Tensor, read: Tensor) -> Tensor:
    """Photon noise, whose variance is the brightness over `photons`, and read noise; both (n, 1, 1, 1).

    Published pictures are stretched, so this is the sensor's noise only in kind: more where it is brighter.
    """
    variance = pictures.clamp(min=0) / photons + read**2
    return pictures + torch.randn_like(pictures) * variance.sqrt()


def jpeg(pictures: Tensor, quality: Tensor) -> Tensor:
    """(n, 3, h, w) from 0 to 1 as a JPEG file of this quality, (n,) from 1 to 100, would give them back.

    ITU-T T.81 with JFIF's colours, the colour halved on both sides (4:2:0), the Independent JPEG Group's
    meaning of quality; rounded where libjpeg rounds.
    """
    height, width = pictures.shape[2:]
    whole = F.pad(bytewise(pictures) * 255, (0, -width % 16, 0, -height % 16), mode="replicate")
    colours = torch.tensor(_TO_YCBCR).to(whole)
    ycc = torch.einsum("ij,njhw->nihw", colours, whole).round()
    step = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None] / 100
    light = _quantised(ycc[:, :1] - 128, LUMINANCE, step) + 128
    tints = _quantised(F.avg_pool2d(ycc[:, 1:], 2).round(), CHROMINANCE, step)
    tints = F.interpolate(tints, scale_factor=2, mode="bilinear")
    back = torch.einsum("ij,njhw->nihw", torch.linalg.inv(colours), torch.cat((light, tints), dim=1))
    return bytewise(back[:, :, :height, :width] / 255)


def _quantised(planes: Tensor, table: tuple[tuple[int, ...], ...], step: Tensor) -> Tensor:
    """Blocks of 8 × 8 through the cosine transform, rounded to the table's steps, and back."""
    count, channels, height, width = planes.shape
    steps = (torch.tensor(table).to(planes) * step + 0.5).floor().clamp(1, 255)[:, None, None, None]
    waves = _waves().to(planes)
    blocks = planes.view(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    kept = torch.round(waves @ blocks @ waves.T / steps) * steps
    return (waves.T @ kept @ waves).round().transpose(3, 4).reshape(planes.shape)


@lru_cache(maxsize=1)
def _waves() -> Tensor:
    """(8, 8): the orthonormal cosine transform."""
    order, at = torch.arange(8, dtype=torch.float64)[:, None], torch.arange(8, dtype=torch.float64)
    waves = torch.cos((2 * at + 1) * order * pi / 16) / 2
    waves[0] /= 2**0.5
    return waves


def _archived(small: Tensor, settings: TuneSettings) -> Tensor:
    """With noise, and a share as JPEG. Photons are drawn evenly in the noise that they make."""
    strength = between(small, 0, settings.photons**-0.5)
    photons = strength.clamp(min=1e-6) ** -2
    grainy = noisy(small, photons, between(small, 0, settings.noise))
    quality = between(small, *settings.jpeg)[:, 0, 0, 0].round()
    return torch.where(coins(small, settings.jpeg_share), jpeg(grainy, quality), grainy)
