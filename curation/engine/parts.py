"""The work of a cluster as parts of a few items each: what is handed out when, and what is tried again.

A part saves the cost of a task for every item; whose it is makes no difference to the results, which come in
the order of the items. Pure but for the `Remote` that it talks to.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, Protocol

from collectors.carried import Carried
from curation.engine.deaths import WorkerDied

PART = 8
"""Most items of a part."""
PART_BYTES = 4_000_000
"""Results of a part should not weigh more; larger ones come in parts of fewer items."""
AHEAD = 8
"""Parts for each worker from the oldest unfinished one on: one slow part never stops the others."""
QUEUED = 2
"""Parts handed out for each worker: one that it works on, one that it goes on with."""
WAITING = 32_000_000
"""Bytes of results that may wait for their turn in the memory of the cluster."""
LOSSES = 4
"""How often a part is tried again because its machine or its result was lost, before it counts as a death."""


class Loss(Enum):
    """Why there is no result."""

    CRASHED = "the worker died"
    """While it worked on the part, whether by it or not."""
    LOST = "the machine, its memory or the result was lost"
    """Most likely no fault of the part."""


@dataclass(frozen=True)
class Answer:
    """What a worker made of a part."""

    results: Sequence[Any]
    error: Carried | None = None
    """What the function raised on the item after these."""


class Remote(Protocol):
    """Who works on parts. Tickets are hashable."""

    def start(self, items: Sequence[Any]) -> Any:
        """Hand a part out; its ticket."""
        ...

    def settled(self, tickets: Sequence[Any], *, wait: bool) -> Collection[Any]:
        """Which of these came to an end; with `wait`, at least one."""
        ...

    def weigh(self, ticket: Any) -> int | Loss:
        """The bytes of a settled part's answer, which stays where it is."""
        ...

    def take(self, ticket: Any) -> Answer | Loss:
        """The answer of a settled part."""
        ...

    def stop(self, tickets: Collection[Any]) -> None:
        """Nobody waits for these any more."""
        ...


@dataclass(eq=False)
class _Part:
    items: Sequence[Any]
    crashes: int = 0
    losses: int = 0
    ticket: Any = None
    """`None`: not handed out, or not any more."""
    bytes: int | None = None
    """Of the answer, once there is one."""
    answer: Answer | None = None
    """Given here, without a worker."""

    @property
    def at_work(self) -> bool:
        return self.ticket is not None and self.bytes is None


@dataclass
class Window:
    """The parts between the next result and the last item that was taken."""

    remote: Remote
    workers: int
    queued: int = QUEUED
    died: Callable[[Any], Any] | None = None
    _parts: deque[_Part] = field(default_factory=deque)
    _per_item: int | None = None
    """The most bytes that a result has weighed, on the average of its part."""

    def run(self, items: Iterable[Any]) -> Iterator[Any]:
        """As `engine.run`."""
        waiting = iter(items)
        most = max(1, min(PART, len(items) // (4 * self.workers))) if isinstance(items, Sized) else PART
        try:
            while True:
                self._hand_out(waiting, most)
                if not self._parts:
                    return
                self._settle()
                if (answer := self._first()) is not None:
                    yield from answer.results
                    if answer.error is not None:
                        raise answer.error.error()
        finally:
            self.remote.stop([part.ticket for part in self._parts if part.ticket is not None])

    def _hand_out(self, waiting: Iterator[Any], most: int) -> None:
        """First what is to be tried again, oldest first, then new items, as long as there is room."""
        for part in [part for part in self._parts if part.ticket is None and part.answer is None]:
            if part is not self._parts[0] and not self._room(len(part.items)):
                return
            part.ticket = self.remote.start(part.items)
        while self._room(size := min(most, self._fitting)):
            if not (some := list(islice(waiting, size))):
                return
            self._parts.append(_Part(some, ticket=self.remote.start(some)))

    @property
    def _fitting(self) -> int:
        """Items of which the results weigh as much as a part's should."""
        return max(1, PART_BYTES // max(1, self._per_item or 0)) if self._per_item else PART

    def _room(self, size: int) -> bool:
        """Whether so many items may be handed out now; always, where nothing is."""
        if not self._parts:
            return True
        at_work = [part for part in self._parts if part.at_work]
        queued = self.queued if self._per_item is not None else 1  # how heavy results are is not known yet
        if len(self._parts) >= AHEAD * self.workers or len(at_work) >= queued * self.workers:
            return False
        waiting = sum(part.bytes or 0 for part in self._parts)
        coming = (size + sum(len(part.items) for part in at_work)) * (self._per_item or 0)
        return waiting + coming <= WAITING

    def _settle(self) -> None:
        """Note which parts came to an end; wait for one, unless the first has."""
        at_work = {part.ticket: part for part in self._parts if part.at_work}
        if not at_work:
            return
        for ticket in self.remote.settled(list(at_work), wait=self._parts[0].at_work):
            part, weight = at_work[ticket], self.remote.weigh(ticket)
            if isinstance(weight, Loss):
                self._again(part, weight)
            else:
                part.bytes = weight
                self._per_item = max(self._per_item or 1, weight // max(1, len(part.items)))

    def _first(self) -> Answer | None:
        """The answer of the oldest part, which leaves; `None`: it has none yet."""
        part = self._parts[0]
        if part.answer is None:
            if part.bytes is None:
                return None
            answer = self.remote.take(part.ticket)
            if isinstance(answer, Loss):
                self._again(part, answer)
                return None
            part.answer = answer
        self._parts.popleft()
        return part.answer

    def _again(self, part: _Part, loss: Loss) -> None:
        """Put a lost part back: as it was, or item by item, until it is clear on which one workers die."""
        part.ticket = part.bytes = None
        if loss is Loss.LOST and part.losses < LOSSES:
            part.losses += 1
        elif len(part.items) > 1:
            at = self._parts.index(part)
            self._parts.remove(part)
            for item in reversed(part.items):
                self._parts.insert(at, _Part([item], crashes=1))
        elif part.crashes == 0:
            part.crashes, part.losses = 1, 0
        elif self.died is None:
            part.answer = Answer([], Carried.of(WorkerDied(part.items[0])))
        else:
            part.answer = Answer([self.died(part.items[0])])
