"""The transport adapter under `polite_session`: every request of every library passes here."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from collectors.progress import Progress
from collectors.web.gate import Gate, Gates
from collectors.web.pace import HostBusy, host_name, is_loopback
from collectors.web.reach import AddressRefused, Reach, pool_classes, spelt
from collectors.web.redirects import check_redirect
from collectors.web.retry import (
    BLOCKED_FOR,
    BLOCKED_TRIES,
    BROKEN_LINE,
    REPEATABLE,
    Trouble,
    backoff,
    innermost,
    retry_after,
    trouble,
)


class NoContact(Exception):
    """A host was to be asked, and there is no operator's address to put into the User-Agent."""

    def __init__(self, host: str) -> None:
        super().__init__(f"no contact address of the operator; {host} was not asked")
        self.host = host


class PoliteAdapter(HTTPAdapter):
    """The transport of `polite_session`."""

    def __init__(
        self,
        gates: Gates,
        *,
        known: bool,
        reach: Reach,
        progress: Progress,
        sleep: Callable[[float], None],
        now: Callable[[], float],
        dice: Callable[[], float],
        timeout: tuple[float, float],
        tries: int,
    ) -> None:
        super().__init__(pool_connections=32, pool_maxsize=64)
        self.poolmanager.pool_classes_by_scheme = pool_classes(reach)
        self._gates, self._known, self._reach, self._progress = gates, known, reach, progress
        self._sleep, self._now, self._dice = sleep, now, dice
        self._timeout, self._tries = timeout, tries
        self._proxies: dict[str, Mapping[str, str]] = {}

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
        if (net := spelt(host_name(host))) is not None and net not in self._reach:
            raise AddressRefused(host_name(host), net)
        gate = self._gates[host]
        options |= {"stream": stream, "timeout": timeout or self._timeout}
        options["proxies"] = options.get("proxies") or self._proxies_for(host, request.url or "")
        failures = asked = 0
        while True:
            came = self._once(gate, request, options)
            if isinstance(came, requests.Response):
                gate.faster()
                check_redirect(came)
                return came
            failures, asked = failures + (came.asked is None), asked + (came.asked is not None)
            wait = came.asked or backoff(failures + asked, self._dice)
            if came.for_everybody:
                self._pause(gate, wait, came)
                wait = 0.0
            if request.method not in REPEATABLE:
                return came.given_up()
            if came.response is not None:
                came.response.close()
            enough = came.blocked and failures + asked >= BLOCKED_TRIES
            if enough or came.hopeless or failures >= self._tries or asked >= 2 * self._tries:
                raise HostBusy(host, came.asked, f"{failures + asked} tries: {came.detail}") from came.error
            if wait:
                self._sleep(wait)

    def _proxies_for(self, host: str, url: str) -> Mapping[str, str]:
        """The proxies of the environment for a host (`HTTPS_PROXY`, `NO_PROXY`, …); none for loopback."""
        if host not in self._proxies:
            named = {} if is_loopback(host_name(host)) else requests.utils.get_environ_proxies(url)
            self._proxies[host] = named
        return self._proxies[host]

    def _pause(self, gate: Gate, seconds: float, why: "Trouble") -> None:
        """Let nobody ask this host for a while."""
        if why.response is not None and why.response.status_code == 429:
            gate.slower()
        if gate.pause(seconds) and seconds >= 1:
            self._progress.note(f"{gate.host} is given a pause of {seconds:.0f} s ({why.detail})")

    def _once(
        self, gate: Gate, request: requests.PreparedRequest, options: Mapping[str, Any]
    ) -> "requests.Response | Trouble":
        """One request through the gate; unless it is streamed, the body is read before the gate is left."""
        stream = options["stream"]
        lease = gate.enter()
        try:
            response = super().send(request, **options)
        except BROKEN_LINE as error:
            gate.leave(lease)
            return Trouble(innermost(error), error=error)
        except BaseException:
            gate.leave(lease)
            raise
        response.raw = _Body(response.raw, gate, lease)
        if not stream:
            try:
                response.content  # noqa: B018 (reads and keeps the body, so that a cut can be repaired here)
            except BROKEN_LINE as error:
                return Trouble(innermost(error), error=error)
            finally:
                response.close()
        detail = trouble(response, stream)
        if detail is None:
            return response
        asked = retry_after(response.headers, self._now)
        if response.status_code == 403:
            asked = max(asked or 0.0, BLOCKED_FOR)
        return Trouble(detail, response=response, asked=asked)


class _Body:
    """A urllib3 response that pays for its bytes and gives its place at the gate back when it ends."""

    def __init__(self, raw: Any, gate: Gate, lease: str) -> None:
        self._raw, self._gate, self._lease = raw, gate, lease
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
            self._gate.leave(self._lease)
