"""Weights of the ESRGAN family as they are found in the wild, brought to one set of names.

Three layouts hold the same network: Real-ESRGAN's (`body.0.rdb1.conv1.weight`), the first ESRGAN release's
(`model.1.sub.0.RDB1.conv1.0.weight`) and BasicSR's early one (`RRDB_trunk.0.RDB1.conv1.weight`). Trainers put
them under `params_ema`, `params` or `state_dict`, and `module.` before every name. Sizes are read from the
shapes.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from universe_gan.upscaling.rrdbnet import RRDBNet, Scale

NESTED = ("params_ema", "params", "state_dict", "model_state_dict")
_SCALES: Mapping[int, Scale] = {3: 4, 12: 2, 48: 1}
"""Scale by the channels that the first convolution takes."""
_EARLY = {
    "RRDB_trunk.": "body.",
    "trunk_conv.": "conv_body.",
    "upconv1.": "conv_up1.",
    "upconv2.": "conv_up2.",
    "HRconv.": "conv_hr.",
}
_FIRST = {
    "model.0.": "conv_first.",
    "model.3.": "conv_up1.",
    "model.6.": "conv_up2.",
    "model.8.": "conv_hr.",
    "model.10.": "conv_last.",
}


class NotOfTheFamily(Exception):
    """A file that holds no weights of an RRDBNet."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


def read(path: Path) -> RRDBNet:
    """The network of a `.pth` or `.safetensors` file; nothing in the file is executed.

    Raises:
        NotOfTheFamily: damaged, or another network.
        FileNotFoundError: there is no such file.
    """
    try:
        if path.suffix == ".safetensors":
            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, ValueError, EOFError, KeyError, UnpicklingError) as error:
        raise NotOfTheFamily(path, str(error).splitlines()[0]) from error
    state = _renamed(_tensors(path, found))
    try:
        net = _sized(state)
        net.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError) as error:
        raise NotOfTheFamily(path, f"not an RRDBNet: {str(error).splitlines()[0]}") from error
    return net.eval().requires_grad_(False)


def _tensors(path: Path, found: Any) -> dict[str, Tensor]:
    for name in NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    if not isinstance(found, Mapping) or not all(isinstance(one, Tensor) for one in found.values()):
        raise NotOfTheFamily(path, "holds no table of tensors")
    return {str(name).removeprefix("module."): one.float() for name, one in found.items()}


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of any layout → ours."""
    blocks = [int(one[1]) for name in state if (one := re.match(r"model\.1\.sub\.(\d+)\.", name))]
    first = {**_FIRST, f"model.1.sub.{max(blocks, default=0)}.": "conv_body."} if blocks else _EARLY
    return {_one(name, first): tensor for name, tensor in state.items()}


def _one(name: str, beginnings: Mapping[str, str]) -> str:
    for old, new in beginnings.items():
        if name.startswith(old):
            name = new + name.removeprefix(old)
    name = name.replace("model.1.sub.", "body.")
    name = re.sub(r"\bRDB(\d)", r"rdb\1", name)
    return re.sub(r"\.(conv\d)\.0\.", r".\1.", name)


def _sized(state: Mapping[str, Tensor]) -> RRDBNet:
    """The network these tensors fit."""
    channels, taken = state["conv_first.weight"].shape[:2]
    if taken not in _SCALES:
        raise ValueError(f"takes {taken} channels")
    blocks = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("body."))
    growth = state["body.0.rdb1.conv1.weight"].shape[0]
    return RRDBNet(_SCALES[taken], blocks, channels, growth)
