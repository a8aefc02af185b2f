"""Exceptions on their way from one process to another, with every fact they hold.

Pickle builds an exception anew from the words it prints, which fails, or loses facts, for one whose
constructor takes facts and finds the words itself, as ours do (`BaseException.__reduce__`,
https://docs.python.org/3/library/pickle.html#object.__reduce__). So what is raised in a worker travels as a
value: what kind it is, its words, its facts.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Carried:
    """An exception as a value, to be raised again where it arrives."""

    kind: type[Exception]
    words: tuple[Any, ...]
    facts: Mapping[str, Any]
    where: str
    """The traceback, as text."""

    @classmethod
    def of(cls, error: Exception) -> "Carried":
        """Take up an exception; what it holds must be picklable."""
        words: Any = error.__reduce__()[1]  # for an OSError these are more than its `args`
        return cls(type(error), words, dict(vars(error)), "".join(traceback.format_exception(error)))

    def error(self) -> Exception:
        """The same exception; where it was raised stands in its notes, which only a traceback shows."""
        error = self.kind.__new__(self.kind, *self.words)
        error.__dict__.update(self.facts)
        error.add_note(f"It was raised in a worker:\n{self.where}")
        return error
