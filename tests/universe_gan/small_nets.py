"""Small networks of the ESRGAN family, and pictures to feed them."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from universe_gan.upscaling.rrdbnet import RRDBNet, Scale
from universe_gan.upscaling.tiles import Floats
from universe_gan.upscaling.weights import Weights

SAMPLE = Path(__file__).parents[2] / "universe_gan" / "sample" / "images"


def network(
    scale: Scale = 4,
    blocks: int = 1,
    channels: int = 8,
    growth: int = 4,
    enlargements: int = 2,
    seed: int = 0,
) -> RRDBNet:
    """Weights at random, but as large as it takes for far pixels to be felt."""
    torch.manual_seed(0)
    net = RRDBNet(scale, blocks, channels, growth, enlargements).eval().requires_grad_(False)
    for weight in net.parameters():
        weight.mul_(2)
    net.conv_last.bias.fill_(0.4)
    return net


def weights(**sizes: int) -> Weights:
    """The same, as the upscaler takes them."""
    net = network(**sizes)  # type: ignore[arg-type]
    facts = {"weights": "small", "weights_sha256": "0" * 64, "weights_from": "a test", "fp16_rounded": False}
    return Weights(net, facts)


def written(path: Path, net: RRDBNet | None = None) -> Path:
    """A network's weights as a `.pth` file."""
    torch.save({"params_ema": (net or network()).state_dict()}, path)
    return path


def sky(height: int, width: int, seed: int = 0) -> Floats:
    """(height, width, 3): dark, smooth clouds and some stars."""
    dice = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    clouds = 0.15 + 0.1 * np.sin(x / 9)[..., None] * np.cos(y / 7)[..., None]
    picture = np.repeat(clouds, 3, axis=2) * np.array([1.0, 0.7, 0.8])
    for _ in range(max(1, height * width // 150)):
        at, to, width_ = dice.uniform(0, height), dice.uniform(0, width), dice.uniform(0.6, 1.2)
        star = dice.uniform(0.2, 0.9) * np.exp(-((y - at) ** 2 + (x - to) ** 2) / (2 * width_**2))
        picture += star[..., None] * dice.uniform(0.7, 1, 3)
    return picture.clip(0, 1).astype(np.float32)


def crop(name: str, left: int, top: int, side: int) -> Floats:
    """A piece of a real picture of the sample, (side, side, 3)."""
    with Image.open(SAMPLE / name) as image:
        piece = image.convert("RGB").crop((left, top, left + side, top + side))
    return np.asarray(piece, np.float32) / 255


def state_hash(net: RRDBNet) -> str:
    """SHA-256 over names and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
