"""Downloads by workers on other machines: who does which, and what becomes of it when a worker is lost.

The lanes of `download` stay where they are, in the driver, and with them the order of the files, the number
that is on its way and what is left alone. Only the fetching of one record is done elsewhere. Ray is in
`workers`; nothing here knows of it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from collectors.record import Reason, Record, StoredFile
from collectors.storage.stores import Store
from collectors.web.transfer import Missed, Withheld

PLACES = 8
"""Downloads at a time of one worker, which waits for the line most of the time."""

LIVES = 5
"""Workers that may be lost over one file before it is left for another run."""


class Lost(Exception):
    """The worker is gone, and with it what it was about to answer."""


class Worker(Protocol):
    """A process somewhere that fetches."""

    def fetch(
        self, record: Record, store: Store, parts: Path, max_bytes: int
    ) -> StoredFile | Missed | Withheld:
        """As `transfer.fetch`, and raises what it does, and `Lost`."""

    def dismiss(self) -> None:
        """End it, whatever it is doing."""


@dataclass
class _Chair:
    """A worker's place in the crew: its worker of today, if there is one, and how much that has to do."""

    name: str = ""
    worker: Worker | None = None
    busy: int = 0


class Crew:
    """Workers that are hired when there is work for them, and hired anew when they are lost."""

    def __init__(self, size: int, hire: Callable[[str], Worker], bury: Callable[[str], None]) -> None:
        """`hire` makes the worker of this name at once; `bury` tells the keeper that it is lost."""
        self._chairs = [_Chair() for _ in range(size)]
        self._hire, self._bury = hire, bury
        self._numbers = count()
        self._lock = threading.Lock()

    @property
    def places(self) -> int:
        """Downloads that it can do at a time."""
        return len(self._chairs) * PLACES

    def fetch(
        self, record: Record, store: Store, parts: Path, max_bytes: int
    ) -> StoredFile | Missed | Withheld:
        """Let the worker with the least to do fetch a record; another takes over where it is lost.

        Raises what `transfer.fetch` does.
        """
        for _ in range(LIVES):
            chair, worker = self._take()
            try:
                return worker.fetch(record, store, parts, max_bytes)
            except Lost:
                self._replace(chair, worker)
            finally:
                with self._lock:
                    chair.busy -= 1
        return Missed(reason=Reason.BUSY, detail=f"lost its worker {LIVES} times", again=True)

    def dismiss(self) -> None:
        """End all workers."""
        with self._lock:
            for chair in self._chairs:
                if chair.worker is not None:
                    chair.worker.dismiss()
                chair.worker = None

    def _take(self) -> tuple[_Chair, Worker]:
        with self._lock:
            chair = min(self._chairs, key=lambda one: one.busy)
            if chair.worker is None:
                chair.name = f"worker-{next(self._numbers)}"
                chair.worker = self._hire(chair.name)
            chair.busy += 1
            return chair, chair.worker

    def _replace(self, chair: _Chair, lost: Worker) -> None:
        """See to it that the next gets another worker; only the first of those who lost this one does."""
        with self._lock:
            if chair.worker is not lost:
                return
            chair.worker = None
            lost.dismiss()  # it may live on where only we do not reach it
            self._bury(chair.name)
