"""Checkpoints: tensors as safetensors, facts as JSON in the same file; nothing in them can run.

One file holds everything an exact resume needs. Random numbers are not in it, because every step draws its
own from the seed and its number (`loop`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from collectors.storage.files import canonical_json, write_whole

FORMAT = 1


class CheckpointBroken(Exception):
    """A file that is no checkpoint, or one of other networks."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a whole checkpoint, or nothing. Raises `DiskFull`."""
    # one key: several have no fixed order in the file
    words = {"facts": canonical_json({"format": FORMAT, **facts}).decode()}
    held = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    write_whole(path, save(held, metadata=words))


def read(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the facts.

    Raises:
        FileNotFoundError: there is none.
        CheckpointBroken: it is damaged, or not one of ours.
    """
    try:
        with safe_open(path, "pt", device=str(device)) as file:
            facts = _facts(file.metadata())
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointBroken(path, str(error)) from error


def facts(path: Path) -> dict[str, Any]:
    """The facts alone, without reading the tensors. Raises as `read`."""
    try:
        with safe_open(path, "pt") as file:
            return _facts(file.metadata())
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointBroken(path, str(error)) from error


def _facts(words: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        found = json.loads((words or {})["facts"])
    except RecursionError as error:
        raise ValueError("its facts are nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("its facts are no JSON object")
    found.pop("format", None)
    return found


def of_module(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    """A module's parameters and buffers under `prefix.`."""
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def into_module(prefix: str, module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Fill a module with what `of_module` gave. Raises `KeyError`, `RuntimeError` where it does not fit."""
    own = {
        name.removeprefix(f"{prefix}."): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{prefix}.")
    }
    module.load_state_dict(own)


def of_optimizer(prefix: str, optimizer: Optimizer) -> dict[str, Tensor]:
    """An optimizer's state under `prefix.NUMBER.KEY`, parameters in their order."""
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}.{number}.{key}": torch.as_tensor(value)
        for number, values in state.items()
        for key, value in values.items()
    }


def into_optimizer(prefix: str, optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer back the state that `of_optimizer` gave; learning rates stay as they are."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(f"{prefix}."):
            number, key = name.removeprefix(f"{prefix}.").split(".")
            state.setdefault(int(number), {})[key] = tensor.clone()
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
