"""The networks of the `lightweight-gan` package, as they are, without the GPU its import asks for."""

import importlib
import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

NOT_NEEDED = ("torchvision", "kornia", "kornia.filters", "adabelief_pytorch", "tqdm")
"""What the package imports for its trainer alone, but for one filter; stood in for where not installed."""


def lightweight_gan() -> Any:
    """The package's module. Raises `ImportError` where it, or einops, is not installed."""
    import torch

    if not importlib.util.find_spec("lightweight_gan"):
        raise ImportError("lightweight-gan is not installed")
    stood_in = {name: _stand_in(name) for name in NOT_NEEDED if not _is_there(name)}
    with patch.dict(sys.modules, stood_in), patch.object(torch.cuda, "is_available", lambda: True):
        return importlib.import_module("lightweight_gan.lightweight_gan")


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name.partition(".")[0]) is not None


def _stand_in(name: str) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(transforms=SimpleNamespace(), filter2d=filter2d, AdaBelief=None, tqdm=None)
    return module


def filter2d(x: Any, kernel: Any, normalized: bool = True) -> Any:
    """What the package takes from kornia: every channel filtered, reflected beyond the edge."""
    from torch.nn import functional as F

    kernel = kernel / kernel.abs().sum() if normalized else kernel
    channels = x.shape[1]
    padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, kernel.expand(channels, 1, 3, 3), groups=channels)
