"""What pictures are compared by: features of a network that the discriminator has not seen.

`lite0`: EfficientNet-Lite0, offline; the default. `plain`: what needs no network (a small copy of the
picture, its colours and its spectrum); weaker, and the default where the discriminator looks through Lite0.
`inception:PATH`: the network of published FIDs, with the weights the user has. Another path: a TorchScript
file of the user's own.

A discriminator's own network is refused, because whoever was trained against features looks good in them
(Kynkäänniemi et al. 2023, https://arxiv.org/abs/2203.06026).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from collectors.storage.files import write_whole
from universe_gan.measuring.metrics import Matrix
from universe_gan.networks import inception, lite0
from universe_gan.sheets import scaled

BATCH = 32
SMALL = 8
"""Side of the small copy in `plain`."""
BINS = 16
"""Levels of a colour's histogram, and rings of the spectrum, in `plain`."""
_SIDES = {"lite0": 224, "file": 299}


class ExtractorRefused(Exception):
    """The discriminator was trained against this very network."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is what the discriminator looks through: it cannot judge")
        self.name = name


class ExtractorBroken(Exception):
    """A file that is no TorchScript network, or gives no features."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


@dataclass(frozen=True)
class Extractor:
    """Bytes (n, side, side, 3) → features (n, d)."""

    name: str
    """Figures of different names cannot be compared; a file's holds the hash of its bytes."""
    see: Callable[[NDArray[np.uint8]], Matrix]

    def __call__(self, pixels: NDArray[np.uint8]) -> Matrix:
        parts = [self.see(np.asarray(pixels[at : at + BATCH])) for at in range(0, len(pixels), BATCH)]
        return np.concatenate(parts)

    def remembered(self, pixels: NDArray[np.uint8], cache: Path, key: str) -> Matrix:
        """The same, (n, d), kept in the cache under what `key` says the pictures are. Raises `DiskFull`."""
        digest = hashlib.sha256(f"{self.name} {key} {pixels.shape}".encode()).hexdigest()[:16]
        path = cache / f"features-{digest}.f64"
        if path.is_file() and len(pixels):
            return np.fromfile(path, np.float64).reshape(len(pixels), -1)
        found = self(pixels)
        write_whole(path, found.tobytes())
        return found


def choose(asked: str, backbone: str | None, device: torch.device | str = "cpu") -> Extractor:
    """`auto`, `lite0`, `plain`, `inception:PATH`, or a TorchScript file that is trusted: it may run anything.

    `backbone`: the network that the discriminator looks through, if any (`networks.Model`).

    Raises:
        ExtractorRefused: it is asked to judge a generator that was trained against it.
        ExtractorBroken: the file is no network.
        WeightsUnfit: the file holds no weights of Inception.
        WeightsMissing: Lite0's package is not installed.
    """
    name = asked if asked != "auto" else "plain" if backbone == "lite0" else "lite0"
    if name == backbone:
        raise ExtractorRefused(name)
    if name == "plain":
        return Extractor("plain", plain)
    if name == "lite0":
        net = lite0.load().to(device)
        return Extractor("lite0", lambda pixels: _looked(net, resized(pixels, _SIDES["lite0"]), device))
    kind, _, path = name.partition(":")
    return _inception(Path(path), device) if kind == "inception" else _of_file(Path(name), device)


def resized(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Each picture at this side, antialiased (Pillow's bicubic), whatever it had; the same everywhere.

    FID moves by several points with the way of resizing: Parmar et al. 2022, https://arxiv.org/abs/2104.11222.
    """
    if pixels.shape[1] == side:
        return pixels
    size, way = (side, side), Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(one).resize(size, way)) for one in pixels])


def plain(pixels: NDArray[np.uint8]) -> Matrix:
    """(n, 3·8² + 3·16 + 16): a small copy, colour histograms and the radial spectrum, of similar size."""
    side = pixels.shape[1]
    across = np.fft.fftfreq(side)
    ring = np.minimum(np.hypot(across[:, None], across) * 2 * BINS, BINS - 1).astype(int).ravel()
    found = []
    for small, picture in zip(resized(pixels, SMALL), pixels, strict=True):
        counts = [
            np.bincount(picture[..., channel].ravel() // (256 // BINS), minlength=BINS) / side**2
            for channel in range(3)
        ]
        power = np.abs(np.fft.fft2(picture.mean(axis=2))).ravel() ** 2 / side**2
        rings = np.bincount(ring, power, minlength=BINS) / np.maximum(np.bincount(ring, minlength=BINS), 1)
        found.append(
            np.concatenate([small.ravel() / 127.5 - 1, *(3 * one for one in counts), np.log10(rings + 1) / 2])
        )
    return np.array(found, np.float64)


def _inception(path: Path, device: torch.device | str) -> Extractor:
    net = inception.load(path).to(device)

    @torch.inference_mode()
    def see(pixels: NDArray[np.uint8]) -> Matrix:
        given = torch.from_numpy(np.array(pixels)).to(device).permute(0, 3, 1, 2)
        found: Matrix = net(given).double().cpu().numpy()
        return found

    return Extractor(f"inception-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}", see)


def _of_file(path: Path, device: torch.device | str) -> Extractor:
    try:
        data = path.read_bytes()
        net = torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError, ValueError) as error:
        raise ExtractorBroken(str(path), str(error).splitlines()[0]) from error

    def see(pixels: NDArray[np.uint8]) -> Matrix:
        try:
            found = _looked(net, resized(pixels, _SIDES["file"]), device)
        except RuntimeError as error:
            raise ExtractorBroken(str(path), str(error).strip().splitlines()[-1]) from error
        if found.ndim != 2:
            raise ExtractorBroken(str(path), f"gives {found.shape}, not a row of features a picture")
        return found

    return Extractor(f"file-{hashlib.sha256(data).hexdigest()[:12]}", see)


@torch.inference_mode()
def _looked(net: Any, pixels: NDArray[np.uint8], device: torch.device | str) -> Matrix:
    """Bytes to -1 to 1, channels first, and through the network."""
    features: Tensor = net(scaled(torch.from_numpy(np.array(pixels)).to(device)))
    found: Matrix = features.double().cpu().numpy()
    return found
