"""A Hugging Face Hub on loopback, to which the real `huggingface_hub` and `datasets` talk (`HF_ENDPOINT`).

    with HubServer({"hf_write": User("ada")}) as hub:
        HfApi(endpoint=hub.endpoint, token="hf_write").create_repo("ada/nebulae", repo_type="dataset")

What it answers stands in `hub_answers`, what it holds in `hub_repositories`: commits, branches, tags, pull
requests, LFS objects; private repositories are hidden, tokens have a role, namespaces have members.
It offers Git LFS and no Xet: its users set `HF_HUB_DISABLE_XET=1`. `fault` answers with a status,
`cut_uploads_after` cuts connections.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import unquote, urlsplit

from hub_answers import Answer, Call, Wrong, answer
from hub_repositories import Repo, User


@dataclass
class Asked:
    """One request, for tests to look at afterwards."""

    method: str
    path: str
    token: str | None
    range: str | None
    body: int = 0
    """Bytes of it that came."""
    sent: int = 0
    """Bytes of the answer's body."""


class HubServer:
    """The server; `with` starts and stops it."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self.users = dict(users)
        self.repos: dict[str, Repo] = {}
        """Datasets by name; models with `models/` before it."""
        self.asked: list[Asked] = []
        self.faults: list[Callable[[str, str], int | None]] = []
        """Asked in order with method and path: a status to answer, or `None`."""
        self.cut_uploads_after: int | None = None
        """Once so many bytes of LFS objects came, the connection is cut, and every later one too."""
        self.before_commit: Callable[[Repo], None] | None = None
        """Called once, between a client's last look and its commit: somebody else is faster."""
        self.lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def uploaded(self) -> int:
        """Bytes of LFS objects that came so far, cut ones included."""
        return sum(one.body for one in self.asked if one.method == "PUT")

    def fault(self, status: int, path: str, method: str = "", times: int = 10**6) -> None:
        """Answer requests whose path matches a pattern with a status, so many times."""
        left = [times]

        def choose(asked: str, where: str) -> int | None:
            if left[0] and (not method or asked == method) and re.search(path, where):
                left[0] -= 1
                return status
            return None

        self.faults.append(choose)


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
        self.record = Asked(self.command, self.path, token, self.headers.get("Range"))
        self.hub.asked.append(self.record)
        try:
            body = self._receive()
            for fault in self.hub.faults:
                if status := fault(self.command, path):
                    raise Wrong(status, "as the test wishes")
            if token and token not in self.hub.users:
                raise Wrong(401, "Invalid credentials in Authorization header")
            call = Call(self.hub, self.hub.users.get(token or ""), self.path, self.headers, body)
            with self.hub.lock:
                reply = answer(call, self.command, path)
            self._send(reply)
        except Wrong as wrong:
            headers = {"X-Error-Message": wrong.words} | ({"X-Error-Code": wrong.code} if wrong.code else {})
            self._send(Answer(wrong.status, json.dumps({"error": wrong.words}).encode(), headers))
        except ConnectionError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def _receive(self) -> bytes:
        left, parts = int(self.headers.get("Content-Length") or 0), []
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        while left or chunked:
            if chunked and not left:
                left = int(self.rfile.readline().split(b";")[0], 16)
                if not left:
                    self.rfile.readline()
                    break
            part = self.rfile.read(min(left, 16384))
            left -= len(part)
            if chunked and not left:
                self.rfile.readline()
            parts.append(part)
            self.record.body += len(part)
            limit = self.hub.cut_uploads_after
            if not part or (self.command == "PUT" and limit is not None and self.hub.uploaded > limit):
                self.connection.close()
                raise ConnectionAbortedError
        return b"".join(parts)

    def _send(self, reply: Answer) -> None:
        self.send_response(reply.status)
        for name, value in ({"Content-Type": "application/json"} | dict(reply.headers)).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.data)
            self.record.sent = len(reply.data)
