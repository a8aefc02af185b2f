"""How long work tells that it goes on; the command line draws it, tests listen to it."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Stage(Protocol):
    """One bar: a known or unknown total, advanced item by item."""

    def advance(self, count: int = 1) -> None: ...

    def expect(self, total: int) -> None:
        """Set or raise the total, where it becomes known on the way."""


class Progress(Protocol):
    """Where stages are opened and notes are left for the user."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]: ...

    def note(self, text: str) -> None:
        """A line the user should see whatever the bars do: a pause of a host, a warning."""


class _SilentStage:
    def advance(self, count: int = 1) -> None:
        return

    def expect(self, total: int) -> None:
        return


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        return nullcontext(_SilentStage())

    def note(self, text: str) -> None:
        return
