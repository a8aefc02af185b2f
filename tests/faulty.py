"""A server on loopback that misbehaves by plan: it serves files of ours, or stands before another server.

    with FaultServer(files={"/a.jpg": data}, plan=scripted(TooMany("3"), None, Cut(0.5))) as server:
        requests.get(f"{server.base}/a.jpg")

A plan is asked once a request and says which fault it gets (`None`: a calm answer). As a proxy
(`upstream="http://…"`) it passes method, path, headers and body on, and the answer back, unchanged;
`rewrite=(from, to)` replaces an address in textual answers, so that what an API says points here again.
"""

import email.utils
import hashlib
import http.client
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came, for plans and for tests to look at afterwards."""

    number: int
    """Counted from 0 over the whole server."""
    method: str
    path: str
    """With its query, as sent."""
    headers: Mapping[str, str]
    at: float
    """Monotonic clock."""
    fault: "Fault | None" = None

    @property
    def is_file(self) -> bool:
        """Whether it asks for an image, not for an API."""
        return bool(re.search(r"\.(jpe?g|png|gif|tiff?|webp|bmp|svg|pdf)$", urlsplit(self.path).path, re.I))


@dataclass(frozen=True)
class Refuse:
    """A status in place of the answer. `after`: what `Retry-After` says; `date:3`: a date in 3 s."""

    status: int = 503
    after: str | None = None
    body: bytes = b"<!DOCTYPE html><title>Error</title><p>Our servers are busy."
    headers: Mapping[str, str] = field(default_factory=dict)


def too_many(after: str | None = None) -> Refuse:
    """429, with `Retry-After` as a whole number, a float or a date (`"date:3"`)."""
    return Refuse(429, after)


@dataclass(frozen=True)
class MaxLag:
    """What a MediaWiki with a slow database says: 200, a header and JSON; `header=False`: only the JSON."""

    after: str = "1"
    header: bool = True


@dataclass(frozen=True)
class Page:
    """A web page with status 200 in place of the file."""

    body: bytes = b"<!DOCTYPE html><title>Please wait</title>"
    type: str = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Cut:
    """The connection breaks after this share of the body; `reset`: with a TCP reset, else plainly."""

    share: float = 0.5
    reset: bool = True


@dataclass(frozen=True)
class Short:
    """This share of the body, under a `Content-Length` that fits it."""

    share: float = 0.5


@dataclass(frozen=True)
class Flip:
    """One bit of the body is wrong, and nothing tells."""

    at: float = 0.5
    """Share of the body before it."""


@dataclass(frozen=True)
class Stall:
    """Silence: before the answer (`share` 0) or after this share of the body; then the connection ends."""

    seconds: float
    share: float = 0.0


@dataclass(frozen=True)
class IgnoreRange:
    """The whole file with status 200, whatever part was asked for."""


@dataclass(frozen=True)
class WrongRange:
    """206 with bytes from elsewhere, and a `Content-Range` that says so; `lie`: that says what was asked."""

    shift: int = 10
    lie: bool = False


@dataclass(frozen=True)
class Slow:
    """The right answer after so many seconds."""

    seconds: float


Fault = Refuse | MaxLag | Page | Cut | Short | Flip | Stall | IgnoreRange | WrongRange | Slow
Plan = Callable[[Asked], "Fault | None"]


def scripted(*faults: Fault | None) -> Plan:
    """The faults in order, one a request; calm afterwards."""
    left = list(faults)
    lock = threading.Lock()

    def plan(asked: Asked) -> Fault | None:
        with lock:
            return left.pop(0) if left else None

    return plan


def for_path(path: str, plan: Plan) -> Plan:
    """The plan for requests whose path (without query) ends so; the others are calm."""
    return lambda asked: plan(asked) if urlsplit(asked.path).path.endswith(path) else None


def always(fault: Fault) -> Plan:
    """The same fault every time."""
    return lambda asked: fault


def seeded(seed: int, share: float, faults: Iterable[Fault], *, in_a_row: int = 2) -> Plan:
    """About this share of requests gets one of the faults.

    Which request gets what follows from the seed, the path and how often it was asked, not from the order in
    which threads come; no path gets more than `in_a_row` faults without a calm answer between them.
    """
    choice = list(faults)
    times: dict[str, int] = {}
    row: dict[str, int] = {}
    lock = threading.Lock()

    def plan(asked: Asked) -> Fault | None:
        with lock:
            count = times[asked.path] = times.get(asked.path, 0) + 1
            word = f"{seed} {asked.path} {count}".encode()
            dice = random.Random(hashlib.sha256(word).digest())
            if dice.random() >= share or row.get(asked.path, 0) >= in_a_row:
                row[asked.path] = 0
                return None
            row[asked.path] = row.get(asked.path, 0) + 1
            return _somewhere(dice.choice(choice), dice)

    return plan


def _somewhere(fault: Fault, dice: random.Random) -> Fault:
    """The same fault at another place of the body: a real line does not hit the same byte twice."""
    place = dice.uniform(0.02, 0.98)
    if isinstance(fault, Cut):
        return Cut(place, fault.reset)
    if isinstance(fault, Short):
        return Short(place)
    if isinstance(fault, Flip):
        return Flip(place)
    return fault


ALL_FAULTS: tuple[Fault, ...] = (
    too_many("0"),
    too_many("0.2"),
    too_many(),
    Refuse(503, "date:0"),
    Refuse(500),
    Page(),
    Cut(),
    Cut(reset=False),
    Short(),
    Flip(),
    IgnoreRange(),
    WrongRange(),
    WrongRange(lie=True),
    Slow(0.05),
)
"""Everything quick that can go wrong, for `seeded`."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FaultServer:
    """A context manager; `base` is its address, `asked` what was asked so far."""

    def __init__(
        self,
        files: Mapping[str, bytes] | None = None,
        *,
        upstream: str | None = None,
        plan: Plan = lambda asked: None,
        headers: Mapping[str, Mapping[str, str]] | None = None,
        rewrite: tuple[str, str] | None = None,
        pass_host: bool = True,
        latency: float = 0.0,
        ranges: bool = True,
    ) -> None:
        self.files = dict(files or {})
        self.headers = {path: dict(more) for path, more in (headers or {}).items()}
        self.plan, self.latency, self.ranges = plan, latency, ranges
        self.upstream, self.rewrite, self.pass_host = upstream, rewrite, pass_host
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *rest: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [one.path for one in self.asked]

    def take(self, method: str, path: str, headers: Mapping[str, str]) -> Asked:
        """Note a request and what the plan has for it."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            asked = Asked(len(self.asked), method, path, headers, time.monotonic())
            asked = Asked(**{**vars(asked), "fault": self.plan(asked)})
            self.asked.append(asked)
            return asked

    def done(self) -> None:
        with self._lock:
            self._at_once -= 1

    def wait(self, seconds: float) -> None:
        """Sleep, unless the server ends."""
        self._over.wait(seconds)

    def answer(self, asked: Asked, body: bytes, *, whole: bool) -> Answer:
        """The calm answer; `whole`: as if no Range had been asked for."""
        headers = {
            k: v for k, v in asked.headers.items() if not (whole and k.lower() in ("range", "if-range"))
        }
        if self.upstream:
            return self._from_upstream(asked, headers, body)
        return self._from_files(asked, headers)

    def _from_files(self, asked: Asked, headers: Mapping[str, str]) -> Answer:
        path = unquote(urlsplit(asked.path).path)
        data = self.files.get(path)
        if data is None:
            return Answer(404, [("Content-Type", "text/html")], b"<!DOCTYPE html><title>404</title>")
        etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
        kinds = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "json": "application/json"}
        own = {"Content-Type": kinds.get(path.rpartition(".")[2], "application/octet-stream"), "ETag": etag}
        own |= self.headers.get(path, {})
        low = {name.lower(): value for name, value in headers.items()}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", low.get("range", "")) if self.ranges else None
        if match is None or low.get("if-range", own.get("ETag")) != own.get("ETag"):
            return Answer(200, list(own.items()), data)
        first = int(match[1])
        last = min(int(match[2] or len(data) - 1), len(data) - 1)
        if first > last:
            return Answer(416, [("Content-Range", f"bytes */{len(data)}")], b"")
        own["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return Answer(206, list(own.items()), data[first : last + 1])

    def _from_upstream(self, asked: Asked, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(self.upstream or "")
        assert parts.hostname
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=60)
        hop = {"connection", "keep-alive", "proxy-connection", "transfer-encoding"}
        sent = {name: value for name, value in headers.items() if name.lower() not in hop}
        if not self.pass_host:
            sent["Host"] = parts.netloc
        if self.rewrite:
            sent["Accept-Encoding"] = "identity"
        try:
            connection.request(asked.method, asked.path, body or None, sent)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in hop]
        if self.rewrite:
            data, kept = self._rewritten(data, kept)
        return Answer(response.status, kept, data)

    def _rewritten(self, data: bytes, headers: list[tuple[str, str]]) -> tuple[bytes, list[tuple[str, str]]]:
        assert self.rewrite
        old, new = self.rewrite
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        if re.match(r"text/|application/(.*\+)?(json|xml)", kind):
            for spelled in (lambda text: text, lambda text: text.replace("/", "\\/")):
                data = data.replace(spelled(old).encode(), spelled(new).encode())
        moved = [
            (name, value.replace(old, new) if name.lower() == "location" else value)
            for name, value in headers
        ]
        return data, moved


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, address: tuple[str, int], owner: FaultServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: _Server

    def _serve(self) -> None:
        owner = self.server.owner
        asked = owner.take(self.command, self.path, dict(self.headers.items()))
        try:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            owner.wait(owner.latency)
            self._misbehave(owner, asked, body)
            self.wfile.flush()
        finally:
            owner.done()

    do_GET = do_HEAD = do_POST = _serve

    def _misbehave(self, owner: FaultServer, asked: Asked, body: bytes) -> None:
        fault = asked.fault
        match fault:
            case Refuse():
                self._refuse(fault)
                return
            case MaxLag():
                self._maxlag(fault)
                return
            case Page():
                self._send(Answer(200, [("Content-Type", fault.type)], fault.body))
                return
            case Stall(share=0.0) | Slow():
                owner.wait(fault.seconds)
                if isinstance(fault, Stall):
                    self.close_connection = True
                    return
        answer = owner.answer(asked, body, whole=isinstance(fault, IgnoreRange))
        data = answer.body
        match fault:
            case Cut() | Stall():
                keep = int(len(data) * fault.share)
                self._send(answer, data[:keep])
                if isinstance(fault, Stall):
                    owner.wait(fault.seconds)
                self._break(reset=isinstance(fault, Cut) and fault.reset)
            case Short():
                data = data[: int(len(data) * fault.share)]
                self._send(Answer(answer.status, answer.headers, data))
            case Flip() if data:
                place = min(int(len(data) * fault.at), len(data) - 1)
                data = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
                self._send(Answer(answer.status, answer.headers, data))
            case WrongRange() if answer.status == 206:
                self._send(self._shifted(owner, asked, answer, fault))
            case _:
                self._send(answer)

    def _shifted(self, owner: FaultServer, asked: Asked, answer: Answer, fault: WrongRange) -> Answer:
        whole = owner.answer(asked, b"", whole=True).body
        said = next(value for name, value in answer.headers if name.lower() == "content-range")
        numbers = re.match(r"bytes (\d+)-(\d+)/", said)
        assert numbers
        first, last = (max(0, int(number) - fault.shift) for number in numbers.groups())
        claim = said if fault.lie else f"bytes {first}-{last}/{len(whole)}"
        kept = [(name, value) for name, value in answer.headers if name.lower() != "content-range"]
        return Answer(206, [*kept, ("Content-Range", claim)], whole[first : last + 1])

    def _refuse(self, fault: Refuse) -> None:
        headers = [("Content-Type", "text/html"), *fault.headers.items()]
        if fault.after is not None:
            kind, _, seconds = fault.after.rpartition("date:")
            dated = fault.after.startswith("date:") and not kind
            when = email.utils.formatdate(time.time() + float(seconds), usegmt=True) if dated else fault.after
            headers.append(("Retry-After", when))
        self._send(Answer(fault.status, headers, fault.body))

    def _maxlag(self, fault: MaxLag) -> None:
        headers = [("Content-Type", "application/json; charset=utf-8"), ("Retry-After", fault.after)]
        if fault.header:
            headers.append(("MediaWiki-API-Error", "maxlag"))
        body = (
            b'{"error":{"code":"maxlag","info":"Waiting for a database server: 6 seconds lagged.","lag":6}}'
        )
        self._send(Answer(200, headers, body))

    def _send(self, answer: Answer, data: bytes | None = None) -> None:
        """Status, headers and body; `data`: less than the announced body."""
        self.send_response_only(answer.status)
        names = {name.lower() for name, _ in answer.headers}
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        for name, value in answer.headers:
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if data is None else data)

    def _break(self, *, reset: bool) -> None:
        self.wfile.flush()
        self.close_connection = True
        if reset:
            time.sleep(0.01)  # let the bytes arrive: a reset may overtake them
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
