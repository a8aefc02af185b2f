"""What is made of a dataset: the command line, recipes, training, generators."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Generator` comes with PyTorch, which is loaded when it is asked for."""
    if name == "Generator":
        return import_module("universe_gan.generate").Generator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
