"""The gate of each host: everybody waits there for a place, the end of a pause and the pace.

Who waits and who decides are two. A `Gate` waits, in the thread that wants to ask; `Limits` decide, and never
wait for long. Threads of one process share a `Limiter`; the workers of a cluster share the limiters of one
process among them, which they ask over the network (`keeper`).
"""

import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import NamedTuple, Protocol

from collectors.web.pace import HostBusy, Pace, go_on, pace_for, rest

LONGEST_PAUSE = 300.0
"""Seconds. A host that asks for more is not waited for; it is never asked earlier than it said."""

SLOWEST = 1 / 16
"""The share of its pace below which an adaptive host does not fall."""

GROWTH = 1 / 50
"""The share of its pace that an adaptive host wins back with every good answer."""

HOLD = 0.2
"""Seconds that a limiter keeps a thread of its own process waiting for a place before it answers."""

AGAIN = 0.05
"""Seconds after which somebody who cannot be kept waiting may ask for a place again."""


class Wait(NamedTuple):
    """Not yet."""

    seconds: float
    """To rest before asking again."""
    paused: bool = False
    """Whether it is the host that wants rest."""


class Limits(Protocol):
    """What decides about one host. A lease is a name for one request, given by who asks."""

    def ask(self, lease: str) -> Wait | None:
        """Take a place, then the next turn; `None`: both are ours. A place once taken is kept meanwhile."""

    def leave(self, lease: str) -> None:
        """Give the place to the next; nothing happens where the lease has none."""

    def pause(self, seconds: float) -> bool:
        """Close the gate for everybody; `True` when that is news, not the echo of the same pause."""

    def slower(self) -> None:
        """The host said "too many requests"."""

    def faster(self) -> None:
        """The host gave a good answer."""

    def spend(self, size: int) -> float:
        """Account for bytes of a body that came: seconds to rest, that the host's share of the line holds."""


class Limiter:
    """The limits of one host: how many are inside, when the next may enter, how fast bodies may flow."""

    def __init__(
        self, pace: Pace, *, clock: Callable[[], float] = time.monotonic, hold: float = HOLD
    ) -> None:
        self._pace, self._clock, self._hold = pace, clock, hold
        self._turn = threading.Condition()
        self._inside: set[str] = set()
        self._open_at = float("-inf")
        self._next_at = float("-inf")
        self._paid_until = float("-inf")
        self._rate = pace.per_second

    def ask(self, lease: str) -> Wait | None:
        with self._turn:
            if lease not in self._inside:
                if self._full and self._hold:
                    self._turn.wait(self._hold)
                if self._full:
                    return Wait(0.0 if self._hold else AGAIN)
                self._inside.add(lease)
            now = self._clock()
            if self._open_at > now:
                return Wait(self._open_at - now, paused=True)
            if self._next_at > now:
                return Wait(self._next_at - now)
            if self._rate is not None:
                self._next_at = now + 1 / self._rate
            return None

    @property
    def _full(self) -> bool:
        return len(self._inside) >= self._pace.in_flight

    def leave(self, lease: str) -> None:
        with self._turn:
            self._inside.discard(lease)
            self._turn.notify()

    def leases(self) -> frozenset[str]:
        """Who is inside."""
        with self._turn:
            return frozenset(self._inside)

    def pause(self, seconds: float) -> bool:
        with self._turn:
            open_at = self._clock() + seconds
            news = open_at > self._open_at + 1
            self._open_at = max(self._open_at, open_at)
            return news

    def slower(self) -> None:
        with self._turn:
            if self._pace.adaptive and self._rate is not None and self._pace.per_second is not None:
                self._rate = max(self._rate / 2, self._pace.per_second * SLOWEST)

    def faster(self) -> None:
        with self._turn:
            if self._pace.adaptive and self._rate is not None and self._pace.per_second is not None:
                self._rate = min(self._rate + self._pace.per_second * GROWTH, self._pace.per_second)

    def spend(self, size: int) -> float:
        if self._pace.bits_per_second is None:
            return 0.0
        with self._turn:
            now = self._clock()
            self._paid_until = max(self._paid_until, now) + size * 8 / self._pace.bits_per_second
            return self._paid_until - now


class Gate:
    """Where the threads of this process wait before they ask one host."""

    def __init__(
        self, host: str, pace: Pace, limits: Limits, *, sleep: Callable[[float], None] = rest
    ) -> None:
        self.host, self.pace = host, pace
        self._limits, self._sleep = limits, sleep
        self._leases = count()

    def enter(self) -> str:
        """Wait for a place, the end of a pause and the pace; return the lease with which to `leave`.

        Raises:
            HostBusy: the host asked for a longer pause than a run should wait.
            Stopped: this thread was told to stop.
        """
        lease = str(next(self._leases))
        try:
            while wait := self._limits.ask(lease):
                if wait.paused and wait.seconds > LONGEST_PAUSE:
                    words = f"it asked us to stay away for {wait.seconds:.0f} s"
                    raise HostBusy(self.host, wait.seconds, words)
                if wait.seconds > 0:
                    self._sleep(wait.seconds)
                go_on()
        except BaseException:
            self.leave(lease)
            raise
        return lease

    def leave(self, lease: str) -> None:
        """Give the place to the next."""
        self._limits.leave(lease)

    def pause(self, seconds: float) -> bool:
        """Close the gate for everybody; `True` when that is news, not the echo of the same pause."""
        return self._limits.pause(seconds)

    def slower(self) -> None:
        """The host said "too many requests"."""
        if self.pace.adaptive:
            self._limits.slower()

    def faster(self) -> None:
        """The host gave a good answer."""
        if self.pace.adaptive:
            self._limits.faster()

    def spend(self, size: int) -> None:
        """Account for bytes of a body that came; sleeps until the host's share of the line allows them."""
        if self.pace.bits_per_second is not None and (delay := self._limits.spend(size)) > 0:
            self._sleep(delay)


class Gates:
    """The gate of every host that was asked so far, by `host:port`.

    `limits` finds what decides about a host; by default each has a limiter in this process.
    """

    def __init__(
        self,
        paces: Mapping[str, Pace],
        *,
        sleep: Callable[[float], None] = rest,
        clock: Callable[[], float] = time.monotonic,
        limits: Callable[[str], Limits] | None = None,
    ) -> None:
        self._paces, self._sleep = paces, sleep
        self._limits = limits or (lambda host: Limiter(pace_for(host, paces), clock=clock))
        self._lock = threading.Lock()
        self._gates: dict[str, Gate] = {}

    def __getitem__(self, host: str) -> Gate:
        with self._lock:
            if host not in self._gates:
                pace = pace_for(host, self._paces)
                self._gates[host] = Gate(host, pace, self._limits(host), sleep=self._sleep)
            return self._gates[host]
