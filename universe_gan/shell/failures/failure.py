"""What is told of a failure, and the shape of the tables that know the words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from universe_gan.shell.exits import Exit


@dataclass(frozen=True)
class Failure:
    """What to tell the user."""

    what: str
    fix: str
    code: Exit

    def __str__(self) -> str:
        return f"error: {self.what}\n  fix: {self.fix}"


Words = Callable[[Any], Failure]
"""From an exception of one kind to what is told of it."""
Table = dict[type[BaseException], Words]
