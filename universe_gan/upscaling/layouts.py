"""Weights of the ESRGAN family as they are found in the wild, brought to one set of names.

Three layouts hold the same network: Real-ESRGAN's (`body.0.rdb1.conv1.weight`), the first ESRGAN release's
(`model.1.sub.0.RDB1.conv1.0.weight`, the layers behind the body counted on) and BasicSR's early one
(`RRDB_trunk.0.RDB1.conv1.weight`). Trainers put them under `params_ema`, `params` or `state_dict`, and
`module.` before every name. How large the network is, and how much it enlarges, is read from the shapes.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from universe_gan.upscaling.rrdbnet import RRDBNet, Scale

NESTED = ("params_ema", "params", "state_dict", "model_state_dict", "model")
MOST_BLOCKS, MOST_CHANNELS = 64, 512
"""No network of the family is larger; what claims to be is not built."""
MOST_WEIGHTS = 2**28
_FOLDS = {3: 1, 12: 2, 48: 4}
"""Side of the square that is folded into channels, by the channels that the first convolution takes."""
_SCALES: Mapping[int, Scale] = {1: 1, 2: 2, 4: 4, 8: 8}
_EARLY = {
    "RRDB_trunk.": "body.",
    "trunk_conv.": "conv_body.",
    "upconv": "conv_up",
    "HRconv.": "conv_hr.",
}
_DAMAGE = (
    SafetensorError,
    UnpicklingError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    AssertionError,
    OSError,
)
"""What readers of damaged files raise."""


class NotOfTheFamily(Exception):
    """A file that holds no weights of an RRDBNet."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


def read(path: Path) -> RRDBNet:
    """The network of a `.pth` or `.safetensors` file in fp32; nothing in the file is executed.

    Raises:
        NotOfTheFamily: missing, damaged, or another network.
    """
    if not path.is_file():
        raise NotOfTheFamily(path, "there is no such file")
    try:
        if path.suffix == ".safetensors":
            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        raise NotOfTheFamily(path, "damaged, or no plain table of tensors") from error
    try:
        state = renamed(_tensors(found))
        net = _sized(state)
        net.load_state_dict(state, assign=True)
    except (LookupError, RuntimeError, ValueError) as error:
        raise NotOfTheFamily(path, f"no RRDBNet: {' '.join(str(error).split())[:160]}") from error
    return net.eval().requires_grad_(False)


def _tensors(found: Any) -> dict[str, Tensor]:
    """The table of tensors inside, in fp32. Raises `ValueError`."""
    for name in NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    if not isinstance(found, Mapping) or not all(isinstance(one, Tensor) for one in found.values()):
        raise ValueError("no table of tensors")
    if any(one.numel() > 9 * MOST_CHANNELS**2 for one in found.values()):
        raise ValueError("a tensor is larger than any of the family")
    if sum(one.numel() for one in found.values()) > MOST_WEIGHTS:  # many may share a few bytes on disk
        raise ValueError(f"more than {MOST_WEIGHTS:,} weights, beyond any of the family")
    state = {str(name).removeprefix("module."): one.float().contiguous() for name, one in found.items()}
    if not all(one.isfinite().all() for one in state.values()):
        raise ValueError("not all values are finite")
    return state


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names of any layout → ours."""
    beginnings = _counted(state) if any(name.startswith("model.1.sub.") for name in state) else _EARLY
    return {_one(name, beginnings): tensor for name, tensor in state.items()}


def _counted(names: Iterable[str]) -> dict[str, str]:
    """The layers of the first release: by their order they are enlargements but for the last two."""
    names = list(names)
    last = max(int(one[1]) for name in names if (one := re.match(r"model\.1\.sub\.(\d{1,3})\.", name)))
    behind = sorted(
        {int(one[1]) for name in names if (one := re.match(r"model\.(\d{1,3})\.\w+$", name))} - {0}
    )
    ours = [*(f"conv_up{number}" for number in range(1, len(behind) - 1)), "conv_hr", "conv_last"]
    return {
        f"model.1.sub.{last}.": "conv_body.",
        "model.0.": "conv_first.",
        **{f"model.{number}.": f"{name}." for number, name in zip(behind, ours[-len(behind) :], strict=True)},
        "model.1.sub.": "body.",
    }


def _one(name: str, beginnings: Mapping[str, str]) -> str:
    old = next((old for old in beginnings if name.startswith(old)), None)
    name = beginnings[old] + name.removeprefix(old) if old else name
    name = re.sub(r"\bRDB(\d)", r"rdb\1", name)
    return re.sub(r"\.(conv\d)\.0\.", r".\1.", name)


def _sized(state: Mapping[str, Tensor]) -> RRDBNet:
    """The network these tensors fit, without numbers of its own. Raises `ValueError`, `KeyError`."""
    missing = [name for name in ("conv_first.weight", "body.0.rdb1.conv1.weight") if name not in state]
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    channels, taken = state["conv_first.weight"].shape[:2]
    blocks = len({name.split(".")[1] for name in state if name.startswith("body.")})
    growth = state["body.0.rdb1.conv1.weight"].shape[0]
    enlargements = len({name.split(".")[0] for name in state if name.startswith("conv_up")})
    fold = _FOLDS.get(taken)
    scale = _SCALES.get(2**enlargements // fold) if fold and enlargements < 8 else None
    if scale is None:
        raise ValueError(f"{taken} channels in and {enlargements} doublings do not make a scale")
    if blocks > MOST_BLOCKS or channels > MOST_CHANNELS or growth > MOST_CHANNELS:
        raise ValueError(f"{blocks} blocks of {channels} channels are beyond any of the family")
    with torch.device("meta"):
        return RRDBNet(scale, blocks, channels, growth, enlargements)
