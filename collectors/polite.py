"""One `requests.Session` for everybody: who we are, a pace per host, `Retry-After`, backoff.

It all happens in the transport adapter, so that libraries which are handed the session (mwclient) obey too.
"""

import email.utils
import importlib.metadata
import ipaddress
import json
import math
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from collectors.optout import AGENT, allowed_by_robots, opt_out
from collectors.pace import (
    PACES,
    Gate,
    HostBusy,
    Pace,
    Stopped,
    go_on,
    host_name,
    is_loopback,
    pace_for,
    rest,
    stopped_by,
)
from collectors.progress import Progress, Silent

__all__ = [
    "PACES",
    "HostBusy",
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

TRIES = 6
"""Requests for one question before a host is called busy; twice as many where the host asked us to wait."""

TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and between two bytes."""

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
"""Seconds; the upper end of the first and of any random wait."""

REDIRECTS = 10

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_BROKEN_LINE = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
_EMAIL = re.compile(r"[^@\s()<>,;:\"]+@[^@\s()<>,;:\"]+\.[^@\s()<>,;:\".]{2,}")


class NoContact(Exception):
    """A host was to be asked, and there is no operator's address to put into the User-Agent."""

    def __init__(self, host: str) -> None:
        super().__init__(f"no contact address of the operator; {host} was not asked")
        self.host = host


class RedirectRefused(Exception):
    """A host pointed somewhere we do not go: another scheme, or from the public net into a private one."""

    def __init__(self, url: str, target: str, why: str) -> None:
        super().__init__(f"{url} redirects to {target}: {why}")
        self.url, self.target, self.why = url, target, why


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
    progress: Progress | None = None,
    sleep: Callable[[float], None] = rest,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    dice: Callable[[], float] = random.random,
    timeout: tuple[float, float] = TIMEOUT,
    tries: int = TRIES,
) -> requests.Session:
    """A session that any number of threads may share, and whose hosts never wait for each other.

    `contact` is the operator's e-mail address or web page. `paces` are for hosts not in `PACES`, by name.
    `clock` is monotonic, `now` the time of day, both in seconds; `dice` gives numbers from 0 to 1.

    The session's calls raise, besides what requests raises:
        NoContact: the host is not this machine, and `contact` is missing or no address; nothing was sent.
        HostBusy: a GET was refused or cut off until the tries were used up.
        RedirectRefused: see there.
        Stopped: the thread was told to stop (`stopped_by`).
    """
    session = requests.Session()
    session.max_redirects = REDIRECTS
    session.headers["User-Agent"] = user_agent(contact)
    gates = Gates(paces or {}, sleep=sleep, clock=clock)
    adapter = PoliteAdapter(
        gates,
        known=valid_contact(contact),
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


class Gates:
    """The gate of every host that was asked so far, by `host:port`."""

    def __init__(
        self, paces: Mapping[str, Pace], *, sleep: Callable[[float], None], clock: Callable[[], float]
    ) -> None:
        self._paces, self._sleep, self._clock = paces, sleep, clock
        self._lock = threading.Lock()
        self._gates: dict[str, Gate] = {}

    def __getitem__(self, host: str) -> Gate:
        with self._lock:
            if host not in self._gates:
                pace = pace_for(host, self._paces)
                self._gates[host] = Gate(host, pace, sleep=self._sleep, clock=self._clock)
            return self._gates[host]


class PoliteAdapter(HTTPAdapter):
    """The transport of `polite_session`."""

    def __init__(
        self,
        gates: Gates,
        *,
        known: bool,
        progress: Progress,
        sleep: Callable[[float], None],
        now: Callable[[], float],
        dice: Callable[[], float],
        timeout: tuple[float, float],
        tries: int,
    ) -> None:
        super().__init__(pool_connections=32, pool_maxsize=64)
        self._gates, self._known, self._progress = gates, known, progress
        self._sleep, self._now, self._dice = sleep, now, dice
        self._timeout, self._tries = timeout, tries

    def send(  # type: ignore[override]
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        **options: Any,
    ) -> requests.Response:
        """Send when the host's gate opens, and again while there is hope. Raises as `polite_session` says."""
        host = urlsplit(request.url or "").netloc.rpartition("@")[2].lower()
        if not self._known and not is_loopback(host_name(host)):
            raise NoContact(host_name(host))
        gate = self._gates[host]
        options |= {"stream": stream, "timeout": timeout or self._timeout}
        repeatable = request.method in _REPEATABLE
        failures = asked = 0
        while True:
            try:
                response = self._once(gate, request, options)
            except requests.exceptions.SSLError as error:
                raise HostBusy(host, None, f"no secure connection: {_innermost(error)}") from error
            except _BROKEN_LINE as error:
                failures += 1
                if not repeatable:
                    raise
                if failures >= self._tries:
                    raise HostBusy(host, None, f"{failures} tries: {_innermost(error)}") from error
                self._sleep(backoff(failures, self._dice))
                continue
            trouble = _trouble(response, stream)
            if trouble is None:
                gate.faster()
                _check_redirect(response)
                return response
            seconds = retry_after(response.headers, self._now)
            wait = seconds or backoff(failures + asked + 1, self._dice)
            if response.status_code in (429, 503) or trouble == "maxlag":
                if response.status_code == 429:
                    gate.slower()
                if gate.pause(wait) and wait >= 1:
                    self._progress.note(f"{host} asks for a pause of {wait:.0f} s ({trouble})")
                wait = 0
            if not repeatable:
                return response
            response.close()
            asked, failures = asked + (seconds is not None), failures + (seconds is None)
            if failures >= self._tries or asked >= 2 * self._tries:
                raise HostBusy(host, seconds, f"{failures + asked} tries: {trouble}")
            self._sleep(wait)

    def _once(
        self, gate: Gate, request: requests.PreparedRequest, options: Mapping[str, Any]
    ) -> requests.Response:
        """One request through the gate; unless it is streamed, the body is read before the gate is left."""
        gate.enter()
        try:
            response = super().send(request, **options)
        except BaseException:
            gate.leave()
            raise
        response.raw = _Body(response.raw, gate)
        if not options["stream"]:
            try:
                response.content  # noqa: B018 (reads and keeps the body, so that a cut can be repaired here)
            finally:
                response.close()
        return response


class _Body:
    """A urllib3 response that pays for its bytes and gives its place at the gate back when it ends."""

    def __init__(self, raw: Any, gate: Gate) -> None:
        self._raw, self._gate = raw, gate
        self._inside = True
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def read(self, amt: int | None = None, **options: Any) -> bytes:
        return self._paid(self._raw.read(amt, **options), whole=amt is None)

    def read1(self, amt: int | None = None, **options: Any) -> bytes:
        return self._paid(self._raw.read1(amt, **options))

    def stream(self, amt: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        try:
            for data in self._raw.stream(amt, decode_content=decode_content):
                self._gate.spend(len(data))
                yield data
        finally:
            self._leave()

    def _paid(self, data: bytes, *, whole: bool = False) -> bytes:
        self._gate.spend(len(data))
        if whole or not data:
            self._leave()
        return data

    def close(self) -> None:
        try:
            self._raw.close()
        finally:
            self._leave()

    def release_conn(self) -> None:
        try:
            self._raw.release_conn()
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            inside, self._inside = self._inside, False
        if inside:
            self._gate.leave()


def backoff(failures: int, dice: Callable[[], float]) -> float:
    """Seconds to wait after so many failures: full jitter, so that many clients do not come back together.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return dice() * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 16))


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds a host asks us to wait: a whole number, a float (MediaWiki) or an HTTP date; `None`: not said.

    A date is counted from the host's own `Date`, because its clock and ours may differ.
    """
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    until, sent = _timestamp(value), _timestamp(headers.get("Date", ""))
    if until is None:
        return None
    return max(0.0, until - (now() if sent is None else sent))


def _timestamp(date: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _trouble(response: requests.Response, stream: bool) -> str | None:
    """Why this answer should be asked for again, or `None` for an answer."""
    if response.status_code in _TRANSIENT:
        return f"HTTP {response.status_code} {response.reason or ''}".strip()
    if response.headers.get("MediaWiki-API-Error") in ("maxlag", "ratelimited"):
        return response.headers["MediaWiki-API-Error"]
    return "maxlag" if not stream and _says_maxlag(response) else None


def _says_maxlag(response: requests.Response) -> bool:
    """MediaWiki answers 200 with an error in the JSON (https://www.mediawiki.org/wiki/Manual:Maxlag_parameter)."""
    if "maxlag=" not in response.url or len(response.content) > 10_000 or b"maxlag" not in response.content:
        return False
    try:
        answer = json.loads(response.content)
    except ValueError:
        return False
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("code") == "maxlag"


def _check_redirect(response: requests.Response) -> None:
    """Raise `RedirectRefused` where a redirect leads to a place that is not the public web."""
    if not response.is_redirect:
        return
    url = response.url
    target = urljoin(url, response.headers["Location"])
    scheme, old, new = urlsplit(target).scheme, urlsplit(url).hostname or "", urlsplit(target).hostname or ""
    why = None
    if scheme not in ("http", "https"):
        why = f"{scheme} is not a scheme of the web"
    elif old != new and _is_private(new) and not _is_private(old):
        why = "a public host must not lead into a private network"
    if why:
        response.close()
        raise RedirectRefused(url, target, why)


def _is_private(name: str) -> bool:
    """Whether a host, by its address or what its name resolves to, is not on the public net."""
    name = name.rstrip(".").lower()
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        pass
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return False  # unknown here; a proxy may know it, and then it is the proxy's net
    return any(not ipaddress.ip_address(address).is_global for address in found)


def _innermost(error: BaseException) -> str:
    """The words of the error that began it, without the layers around."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (one for one in error.args if isinstance(one, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return re.sub(r"^<[^>]*>:\s*|^\w+\([^)]*\):\s*", "", str(error)) or type(error).__name__
        error = inner
