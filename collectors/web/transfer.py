"""One file: asked for, resumed, verified and put into the store; or the reason why it did not come."""

import http.client
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3

from collectors.frozen import Frozen
from collectors.permissions import lifts_opt_out
from collectors.record import Reason, Record, StoredFile
from collectors.storage.stores import Store
from collectors.web.expected import Expected
from collectors.web.parts import Part, PartTaken
from collectors.web.polite import AddressRefused, HostBusy, RedirectRefused, backoff, go_on, opt_out, rest
from collectors.web.redirects import without_query

MAX_BYTES = 2_000_000_000
"""A file whose size nobody states may not be larger."""

CUTS = 6
"""Broken connections in a row, none of which brought a byte, before the host is called busy."""

ATTEMPTS = 60
"""Connections for one file, whatever they bring."""

WRONG = 4
"""Complete downloads with different wrong bytes before we stop."""

TRICKLE, PATIENCE = 1024, 60.0
"""Bytes a second, looked at every so many seconds; a body that flows more slowly is cut."""

MOMENTS = 10
"""Seconds that somebody else may take to let go of a file: a lost worker, a run that was killed."""

_CHUNK = 1 << 18
_GONE = frozenset({400, 404, 405, 406, 410, 414, 451})
_PAGES = re.compile(r"text/.*|application/(.*\+)?(json|xml)|application/xhtml\+xml")


class Missed(Frozen):
    """A file that did not come."""

    reason: Reason
    detail: str
    again: bool
    """Whether the same command should try again; `False`: asking again would not help."""


@dataclass(frozen=True)
class Withheld:
    """The host refuses this file (401, 403); whether only this one or everything, other files will tell."""

    status: int


class _Cut(Exception):
    """The line broke, or what came was not the file; more may come on the next try."""


class _Hopeless(Exception):
    """The address itself leads nowhere."""


def fetch(
    record: Record,
    session: requests.Session,
    store: Store,
    parts: Path,
    *,
    max_bytes: int = MAX_BYTES,
    sleep: Callable[[float], None] = rest,
    dice: Callable[[], float] = random.random,
) -> StoredFile | Missed | Withheld:
    """Fetch one original into the store.

    The same wrong bytes twice are what the host really has: `CHANGED` where a manifest locks the file,
    else `DAMAGED`. Different wrong bytes are the line's fault and worth another run. A web page in place of
    the file is a host that does not serve us now. Bytes that came in an earlier run are not asked for again.

    Raises:
        DiskFull: there is no room; what came so far is kept.
        NoContact, Stopped: from the session.
    """
    expected = Expected.of(record)
    if expected.locked and expected.locked.sha256 in store:
        return expected.locked
    permitted = lifts_opt_out(record)
    wrong: set[str] = set()
    cuts = 0
    opened = _part(parts, record.original.url, sleep)
    if opened is None:
        return Missed(reason=Reason.BUSY, detail="another process is fetching it", again=True)
    with opened as part:
        for _ in range(ATTEMPTS):
            before = part.size
            try:
                end = _receive(record.original.url, session, part, expected, max_bytes, permitted)
            except HostBusy as error:
                return Missed(reason=Reason.BUSY, detail=error.detail, again=True)
            except _Hopeless as error:
                return Missed(reason=Reason.GONE, detail=str(error), again=False)
            except _Cut as error:
                cuts = 1 if part.size > before else cuts + 1
                if cuts >= CUTS:
                    return Missed(reason=Reason.BUSY, detail=f"{cuts} tries: {error}", again=True)
                sleep(backoff(cuts, dice))
                continue
            if not isinstance(end, _Complete):
                part.discard()
                return end
            problem = end.problem or expected.problem(part)
            if problem is None:
                return _keep(part, expected, store)
            print_of_it = end.problem or part.sha256
            part.discard()
            if print_of_it in wrong:
                reason = Reason.CHANGED if expected.locked else Reason.DAMAGED
                return Missed(reason=reason, detail=problem, again=False)
            wrong.add(print_of_it)
            if len(wrong) >= WRONG:
                return Missed(
                    reason=Reason.DAMAGED, detail=f"{WRONG} times other bytes; {problem}", again=True
                )
        return Missed(
            reason=Reason.BUSY, detail=f"cut off {ATTEMPTS} times, {part.size} bytes came", again=True
        )


def _part(parts: Path, url: str, sleep: Callable[[float], None]) -> Part | None:
    """The part of this address, as soon as nobody else has it; `None`: somebody keeps it."""
    for _ in range(MOMENTS):
        try:
            return Part(parts, url)
        except PartTaken:
            sleep(1.0)
    return None


@dataclass(frozen=True)
class _Complete:
    """The host says that this was all; `problem`: why it was not even read to the end."""

    problem: str | None = None


def _keep(part: Part, expected: Expected, store: Store) -> StoredFile:
    part.finish()
    store.adopt(part.path, part.sha256)
    return expected.stored(part)


def _receive(
    url: str, session: requests.Session, part: Part, expected: Expected, max_bytes: int, permitted: bool
) -> _Complete | Missed | Withheld:
    """One connection. Raises `_Cut`, with what came kept in the part, `_Hopeless`, `HostBusy`, `DiskFull`."""
    if part.size and part.size == expected.bytes:
        return _Complete()
    headers = {"Accept-Encoding": "identity", **_range(part, expected)}
    try:
        response = session.get(url, headers=headers, stream=True)
    except (RedirectRefused, AddressRefused) as error:
        raise _Hopeless(str(error)) from error
    except (requests.exceptions.TooManyRedirects, requests.exceptions.InvalidSchema, ValueError) as error:
        told = without_query(url)
        raise _Hopeless(f"{told} cannot be fetched: {str(error).replace(url, told)}") from error
    except requests.RequestException as error:
        raise _Cut(str(error)) from error
    with response:
        refused = _refused(response, permitted)
        if refused:
            return refused
        if not _continues(response, part):
            part.begin({} if expected.provable else _validators(response))
        if missed := _too_long(response, part, expected, max_bytes):
            return missed
        limit = max_bytes if expected.bytes is None else expected.bytes
        for data in _body(response):
            go_on()
            part.write(data)
            if part.size > limit:
                return _overrun(part.size, expected, max_bytes)
    return _Complete()


def _range(part: Part, expected: Expected) -> dict[str, str]:
    """The headers that ask for the rest only; a part that could be of another version is forgotten."""
    if not part.size:
        return {}
    validator = part.validator()
    too_long = expected.bytes is not None and part.size > expected.bytes
    if too_long or not (validator or expected.provable):
        part.discard()
        return {}
    return {"Range": f"bytes={part.size}-"} | ({"If-Range": validator} if validator else {})


def _refused(response: requests.Response, permitted: bool) -> Missed | Withheld | None:
    """What an answer without the file means; `None`: it brings bytes. Raises `_Cut` where more may come."""
    for answer in (*response.history, response):
        if (said := opt_out(answer.raw.headers)) and not permitted:
            return Missed(reason=Reason.OPTED_OUT, detail=said, again=False)
    status = response.status_code
    if status in _GONE:
        return Missed(reason=Reason.GONE, detail=f"HTTP {status}", again=False)
    if status in (401, 403):
        return Withheld(status)
    if status not in (200, 206, 416):
        raise _Cut(f"HTTP {status}")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if status != 416 and _PAGES.fullmatch(kind):
        raise _Cut(f"{kind} came instead of the file")
    return None


def _continues(response: requests.Response, part: Part) -> bool:
    """Whether the body goes on where the part ends; `False`: it is the whole file. Raises `_Cut`: neither."""
    if response.status_code == 200:
        return False
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    encoded = response.headers.get("Content-Encoding", "identity") not in ("", "identity")
    if response.status_code == 206 and part.size and match and int(match[1]) == part.size and not encoded:
        return True
    part.discard()
    raise _Cut(f"HTTP {response.status_code} does not go on where the file was cut")


def _validators(response: requests.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in ("ETag", "Last-Modified") if name in response.headers}


def _too_long(
    response: requests.Response, part: Part, expected: Expected, max_bytes: int
) -> _Complete | Missed | None:
    """The verdict on a body that is announced with a wrong length, before it is read."""
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal() or "Content-Encoding" in response.headers:
        return None
    total = part.size + int(length)
    if expected.bytes is None:
        return _overrun(total, expected, max_bytes) if total > max_bytes else None
    return _overrun(total, expected, max_bytes) if total > expected.bytes else None


def _overrun(size: int, expected: Expected, max_bytes: int) -> _Complete | Missed:
    if expected.bytes is None:
        return Missed(reason=Reason.TOO_LARGE, detail=f"more than {max_bytes} bytes", again=False)
    return _Complete(problem=f"more than the {expected.bytes} bytes that are stated")


def _body(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes, without waiting for full chunks. Raises `_Cut`."""
    since, came = time.monotonic(), 0
    try:
        while data := response.raw.read1(_CHUNK, decode_content=True):
            yield data
            came += len(data)
            if (passed := time.monotonic() - since) > PATIENCE:
                if came < TRICKLE * passed:
                    raise _Cut(f"{came} bytes in {passed:.0f} s")
                since, came = time.monotonic(), 0
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        raise _Cut(f"the connection broke: {error}") from error
