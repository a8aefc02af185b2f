"""One `requests.Session` for everybody: who we are, a pace per host, `Retry-After`, backoff, opt-outs.

It all happens in the transport adapter (`transport`), so that libraries which are handed the session, as
mwclient is, obey as well. This module is the public face of the rooms behind it.
"""

import importlib.metadata
import os
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from collectors.progress import Progress, Silent
from collectors.web.gate import Gates, Limits
from collectors.web.optout import AGENT, allowed_by_robots, opt_out
from collectors.web.pace import PACES, HostBusy, Pace, Stopped, go_on, is_loopback, pace_for, rest, stopped_by
from collectors.web.reach import AND_THIS_MACHINE, AddressRefused, Reach
from collectors.web.redirects import RedirectRefused
from collectors.web.retry import TRIES, backoff, retry_after
from collectors.web.transport import NoContact, PoliteAdapter

__all__ = [
    "PACES",
    "AddressRefused",
    "HostBusy",
    "Manners",
    "NoContact",
    "Pace",
    "RedirectRefused",
    "Stopped",
    "allowed_by_robots",
    "backoff",
    "go_on",
    "opt_out",
    "pace_for",
    "polite_session",
    "rest",
    "retry_after",
    "stopped_by",
    "valid_contact",
]

TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and between two bytes."""

REDIRECTS = 10

_EMAIL = re.compile(r"[^@\s()<>,;:\"]+@[^@\s()<>,;:\"]+\.[^@\s()<>,;:\".]{2,}")


def valid_contact(contact: str | None) -> bool:
    """Whether this looks like an e-mail address or a web page by which the operator can be reached."""
    if not contact or not contact.isascii() or not contact.isprintable():
        return False
    if _EMAIL.fullmatch(contact):
        return True
    if re.search(r"[\s()<>]", contact) or not contact.lower().startswith(("http://", "https://")):
        return False
    try:
        host = urlsplit(contact).hostname or ""
    except ValueError:
        return False
    return "." in host.strip(".") and not is_loopback(host)


def user_agent(contact: str | None) -> str:
    """`universe-gan/<version> (<contact>) requests/<version>`, as https://w.wiki/4wJS asks for."""
    try:
        version = importlib.metadata.version(AGENT)
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    who = f" ({contact})" if valid_contact(contact) else ""
    return f"{AGENT}/{version}{who} requests/{requests.__version__}"


def polite_session(
    contact: str | None,
    paces: Mapping[str, Pace] | None = None,
    *,
    reach: Reach = AND_THIS_MACHINE,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = rest,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    dice: Callable[[], float] = random.random,
    timeout: tuple[float, float] = TIMEOUT,
    tries: int = TRIES,
    limits: Callable[[str], Limits] | None = None,
) -> requests.Session:
    """A session that any number of threads may share, and whose hosts never wait for each other.

    `contact` is the operator's e-mail address or web page. `paces` are for hosts not in `PACES`, by name.
    `reach`: the networks that addresses may lie in, wherever they come from (`reach_of` what a recipe names).
    `clock` is monotonic, `now` the time of day, both in seconds; `dice` gives numbers from 0 to 1.
    `limits` finds what decides about a host that other processes ask too (default: limiters of its own).

    The session's calls raise, besides what requests raises:
        NoContact: the host is not this machine, and `contact` is missing or no address; nothing was sent.
        HostBusy: a GET was refused or cut off until the tries were used up.
        AddressRefused: the host lies outside `reach`; nothing was sent.
        RedirectRefused: see there.
        Stopped: the thread was told to stop (`stopped_by`).
    """
    session = requests.Session()
    session.max_redirects = REDIRECTS
    session.headers["User-Agent"] = user_agent(contact)
    # The environment is read once here and once a host in the transport; requests would read it every time.
    session.trust_env = False
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    gates = Gates(paces or {}, sleep=sleep, clock=clock, limits=limits)
    adapter = PoliteAdapter(
        gates,
        known=valid_contact(contact),
        reach=reach,
        progress=progress or Silent(),
        sleep=sleep,
        now=now,
        dice=dice,
        timeout=timeout,
        tries=tries,
    )
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


@dataclass(frozen=True)
class Manners:
    """What every session of one run is made with, in whichever process; see `polite_session`."""

    contact: str | None
    paces: Mapping[str, Pace]
    reach: Reach

    def session(self, progress: Progress, limits: Callable[[str], Limits] | None = None) -> requests.Session:
        """A session; with `limits` it shares the pace of every host with others."""
        return polite_session(self.contact, self.paces, reach=self.reach, progress=progress, limits=limits)
