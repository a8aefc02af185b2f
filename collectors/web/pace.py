"""How fast each host may be asked, and how a thread rests so that it can be told to stop."""

import contextvars
import ipaddress
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from pydantic import Field

from collectors.frozen import Frozen


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
