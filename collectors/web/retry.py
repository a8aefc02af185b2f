"""When to ask again: which answers and errors pass, how long to wait, when to stop."""

import email.utils
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

TRIES = 6
"""Requests for one question before a host is called busy; twice as many where the host asked us to wait."""

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
"""Seconds; the upper end of the first and of any random wait."""

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that may be sent twice (RFC 9110 §9.2.2)."""

BROKEN_LINE = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

BLOCKED_FOR = 300.0
"""Seconds of rest for a host whose gatekeeper (CloudFront) answers 403 "Request blocked"."""

BLOCKED_TRIES = 2
"""Requests for one question that may be blocked before the host is left alone."""

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})


@dataclass(frozen=True)
class Trouble:
    """A request that should be made again: with an answer that says so, or with the error that left none."""

    detail: str
    response: requests.Response | None = None
    error: requests.RequestException | None = None
    asked: float | None = None
    """Seconds the host wants us to wait."""

    @property
    def for_everybody(self) -> bool:
        """Whether it is the host that wants rest, not this one request that failed."""
        return self.response is not None and self.response.status_code in (200, 403, 429, 503)

    @property
    def blocked(self) -> bool:
        """Whether a gatekeeper turned us away, which asking again soon makes worse."""
        return self.response is not None and self.response.status_code == 403

    @property
    def hopeless(self) -> bool:
        """A certificate does not get better by asking again."""
        return isinstance(self.error, requests.exceptions.SSLError)

    def given_up(self) -> requests.Response:
        """For requests that may not be repeated: the answer, or the error raised."""
        if self.response is None:
            assert self.error is not None
            raise self.error
        return self.response


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


def trouble(response: requests.Response, stream: bool) -> str | None:
    """Why this answer should be asked for again, or `None` for an answer."""
    if response.status_code in _TRANSIENT:
        return f"HTTP {response.status_code} {response.reason or ''}".strip()
    if response.headers.get("MediaWiki-API-Error") in ("maxlag", "ratelimited"):
        return response.headers["MediaWiki-API-Error"]
    if response.status_code == 403 and not stream and b"request blocked" in response.content[:5000].lower():
        return "HTTP 403 Request blocked"
    return "maxlag" if not stream and _says_maxlag(response) else None


def _says_maxlag(response: requests.Response) -> bool:
    """An error in the JSON of a 200 (https://www.mediawiki.org/wiki/Manual:Maxlag_parameter)."""
    if "maxlag=" not in response.url or len(response.content) > 10_000 or b"maxlag" not in response.content:
        return False
    try:
        answer = json.loads(response.content)
    except ValueError:
        return False
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and error.get("code") == "maxlag"


def innermost(error: BaseException) -> str:
    """The words of the error that began it, without the layers around."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (one for one in error.args if isinstance(one, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return re.sub(r"^<[^>]*>:\s*|^\w+\([^)]*\):\s*", "", str(error)) or type(error).__name__
        error = inner
