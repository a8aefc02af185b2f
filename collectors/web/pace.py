"""How fast each host may be asked, and the gate that keeps everybody in this process to it."""

import contextvars
import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from pydantic import Field

from collectors.frozen import Frozen

LONGEST_PAUSE = 300.0
"""Seconds. A host that asks for more is not waited for; it is never asked earlier than it said."""

SLOWEST = 1 / 16
"""The share of its pace below which an adaptive host does not fall."""

GROWTH = 1 / 50
"""The share of its pace that an adaptive host wins back with every good answer."""


class Pace(Frozen):
    """What one host bears. `None`: no limit of this kind."""

    in_flight: int = Field(default=1, ge=1)
    """Requests at a time, a body that is still being read included."""
    per_second: float | None = Field(default=None, gt=0)
    """Requests a second, evenly spaced."""
    bits_per_second: int | None = Field(default=None, gt=0)
    """Bits of bodies a second, shared between all connections to the host."""
    adaptive: bool = False
    """Halve `per_second` on every 429 and win it back slowly."""


_WIKIMEDIA_FILES = Pace(in_flight=2, bits_per_second=25_000_000)

PACES: Mapping[str, Pace] = {
    # https://api.wikimedia.org/wiki/Rate_limits, https://www.mediawiki.org/wiki/API:Etiquette
    "commons.wikimedia.org": Pace(in_flight=1, per_second=2),
    "upload.wikimedia.org": _WIKIMEDIA_FILES,
    "thumb.wikimedia.org": _WIKIMEDIA_FILES,
    # 3,600 calls an hour and key: https://www.flickr.com/services/developer/api/
    "api.flickr.com": Pace(in_flight=1, per_second=0.9),
    "live.staticflickr.com": Pace(in_flight=1, per_second=0.5, adaptive=True),
    "images-api.nasa.gov": Pace(in_flight=2, per_second=2),
    "images-assets.nasa.gov": Pace(in_flight=4),
    "www.deviantart.com": Pace(in_flight=1, per_second=1 / 1.1),
    "backend.deviantart.com": Pace(in_flight=1, per_second=1 / 1.1),
}
"""Public hosts, each with what it says it bears. A recipe cannot change these."""

UNKNOWN_HOST = Pace(in_flight=2, per_second=2)
LOOPBACK = Pace(in_flight=8)


class HostBusy(Exception):
    """A host that does not serve us now.

    `seconds`: how long it asked us to stay away; `None` when it did not say.
    """

    def __init__(self, host: str, seconds: float | None, detail: str) -> None:
        super().__init__(f"{host}: {detail}")
        self.host, self.seconds, self.detail = host, seconds, detail


class Stopped(BaseException):
    """The thread was told to stop while it waited; not a failure of anything."""


def pace_for(host: str, extra: Mapping[str, Pace]) -> Pace:
    """The pace of a host (`name` or `name:port`): the public table wins over `extra`; else a default."""
    name = host_name(host)
    for known in (PACES, extra):
        for key in (host, name):
            if key in known:
                return known[key]
    return LOOPBACK if is_loopback(name) else UNKNOWN_HOST


def wished_paces(
    addresses: Iterable[str], per_second: float | None, in_flight: int | None
) -> dict[str, "Pace"]:
    """What a recipe wishes for the hosts of these addresses; nothing for those in `PACES`."""
    wished = {"per_second": per_second, "in_flight": in_flight}
    known = {name: value for name, value in wished.items() if value is not None}
    hosts = {urlsplit(address).hostname or "" for address in addresses} - PACES.keys()
    return {host: pace_for(host, {}).model_copy(update=known) for host in sorted(hosts) if known}


def host_name(host: str) -> str:
    """The host without its port: `[::1]:80` → `::1`, `localhost.` → `localhost`."""
    name = host.rpartition("@")[2]
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".").lower() if name.count(":") < 2 else name


def is_loopback(name: str) -> bool:
    """Whether a host name is this very machine by its spelling; nothing is looked up."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


_stop: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("stop", default=None)


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """Let every `rest` of this thread end with `Stopped` as soon as the event is set."""
    token = _stop.set(event)
    try:
        yield
    finally:
        _stop.reset(token)


def go_on() -> None:
    """Return at once, or raise `Stopped` where this thread was told to stop."""
    if (event := _stop.get()) and event.is_set():
        raise Stopped


def rest(seconds: float) -> None:
    """Sleep. Ctrl-C wakes the main thread, `stopped_by` any other. Raises `Stopped`."""
    event = _stop.get()
    if event is None:
        time.sleep(seconds)
    elif event.wait(seconds):
        raise Stopped


class Gate:
    """The door of one host: how many are inside, when the next may enter, how fast bodies may flow."""

    def __init__(
        self,
        host: str,
        pace: Pace,
        *,
        sleep: Callable[[float], None] = rest,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host, self.pace = host, pace
        self._sleep, self._clock = sleep, clock
        self._turn = threading.Condition()
        self._inside = 0
        self._open_at = float("-inf")
        self._next_at = float("-inf")
        self._paid_until = float("-inf")
        self._rate = pace.per_second

    def enter(self) -> None:
        """Wait for a place, the end of a pause and the pace; `leave` gives the place back.

        Raises:
            HostBusy: the host asked for a longer pause than a run should wait.
            Stopped: this thread was told to stop.
        """
        with self._turn:
            while self._inside >= self.pace.in_flight:
                self._turn.wait(0.2)
                go_on()
            self._inside += 1
        try:
            while (delay := self._delay()) > 0:
                self._sleep(delay)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next."""
        with self._turn:
            self._inside -= 1
            self._turn.notify()

    def _delay(self) -> float:
        """Seconds to wait; 0 when it is our turn now, which is then taken."""
        with self._turn:
            now = self._clock()
            if self._open_at > now:
                wait = self._open_at - now
                if wait > LONGEST_PAUSE:
                    raise HostBusy(self.host, wait, f"it asked us to stay away for {wait:.0f} s")
                return wait
            if self._next_at > now:
                return self._next_at - now
            if self._rate is not None:
                self._next_at = now + 1 / self._rate
            return 0

    def pause(self, seconds: float) -> bool:
        """Close the door for everybody; `True` when that is news, not the echo of the same pause."""
        with self._turn:
            open_at = self._clock() + seconds
            news = open_at > self._open_at + 1
            self._open_at = max(self._open_at, open_at)
            return news

    def slower(self) -> None:
        """The host said "too many requests"."""
        with self._turn:
            if self.pace.adaptive and self._rate is not None and self.pace.per_second is not None:
                self._rate = max(self._rate / 2, self.pace.per_second * SLOWEST)

    def faster(self) -> None:
        """The host gave a good answer."""
        with self._turn:
            if self.pace.adaptive and self._rate is not None and self.pace.per_second is not None:
                self._rate = min(self._rate + self.pace.per_second * GROWTH, self.pace.per_second)

    def spend(self, size: int) -> None:
        """Account for bytes of a body that came; sleeps until the host's share of the line allows them."""
        if self.pace.bits_per_second is None:
            return
        with self._turn:
            now = self._clock()
            self._paid_until = max(self._paid_until, now) + size * 8 / self.pace.bits_per_second
            delay = self._paid_until - now
        if delay > 0:
            self._sleep(delay)
