"""A DeviantArt on loopback: tokens, listings, metadata, pages with their state, links that expire.

Shaped after the documented API (https://www.deviantart.com/developers/) and the recorded page, which has its
own deviation in `window.__INITIAL_STATE__`, many others in `window.__RCACHE__`.

    with DeviantArtServer([Work(1, "ada", license="by")]) as server:
        … api = f"{server.base}/api/v1/oauth2"
"""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

CLIENT_ID, CLIENT_SECRET = "12345", "a-secret-of-this-test"
BLOCKED = "<HTML><TITLE>ERROR: The request could not be satisfied</TITLE>403 ERROR Request blocked.</HTML>"


@dataclass
class Work:
    """One deviation. `None`: the page does not state it."""

    number: int
    author: str = "ada-lane"
    title: str = "A red planet"
    tags: tuple[str, ...] = ("planet",)
    license: str | None = "none"
    words: str | None = None
    """What the API's metadata calls the licence; default: "No License" for `none`, else the long name."""
    ai_use_disallowed: bool | None = True
    ai_generated: bool | None = False
    robots: str | None = None
    """`<meta name="robots">` of its page."""
    page_headers: Mapping[str, str] = field(default_factory=dict)
    file_headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""
    upload: bytes | None = None
    """The file as uploaded, where the artist offers it; `data` is then what the site shows."""
    version: int = 1
    """Raised when the artist puts another file in its place."""
    deleted: bool = False
    sold: bool = False
    kind: str = "image"
    page: str | None = None
    """Another page than the usual one."""

    @property
    def uuid(self) -> str:
        return str(UUID(int=self.number + (0xDA << 120))).upper()

    @property
    def path(self) -> str:
        return f"/{self.author}/art/{self.title.replace(' ', '-')}-{self.number}"

    @property
    def licence_words(self) -> str:
        codes = {
            "none": "No License",
            "by": "Creative Commons Attribution 3.0 License",
            "by-sa": "Creative Commons Attribution-Share Alike 3.0 License",
            "by-nc-nd": "Creative Commons Attribution-Noncommercial-No Derivative Works 3.0 License",
        }
        return self.words if self.words is not None else codes.get(self.license or "none", "")


class DeviantArtServer:
    """A context manager; `base` is its address, `asked` the paths with queries, in order."""

    def __init__(
        self,
        works: Iterable[Work],
        *,
        page_size: int = 50,
        cursors: bool = False,
        robots: str | None = None,
        token_lives: int | None = None,
        limit_every: int | None = None,
        link_uses: int = 1,
    ) -> None:
        """`token_lives`: questions a token is good for; `limit_every`: every so many questions, a 429;
        `link_uses`: how often the link of a file opens it."""
        self.works = {work.number: work for work in works}
        self.page_size, self.cursors, self.robots = page_size, cursors, robots
        self.token_lives, self.limit_every, self.link_uses = token_lives, limit_every, link_uses
        self.asked: list[str] = []
        self.tokens = 0
        self.block = 0
        """Requests to come that are answered 403 "Request blocked"."""
        self.links: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._questions = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self)
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *rest: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pages(self) -> list[str]:
        """The pages of deviations that were read."""
        return [path for path in self.asked if "/art/" in path or path.startswith("/deviation/")]

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: str) -> "Answer":
        with self._lock:
            self.asked.append(path)
            parts = urlsplit(path)
            query = parse_qs(parts.query)
            if self.block:
                self.block -= 1
                return Answer(403, BLOCKED.encode(), {"Content-Type": "text/html"})
            if parts.path == "/oauth2/token":
                return self._token(method, parse_qs(body))
            if parts.path.startswith("/api/v1/oauth2/"):
                return self._api(parts.path.removeprefix("/api/v1/oauth2/"), query, headers)
            if parts.path == "/robots.txt":
                return text(self.robots) if self.robots is not None else Answer(404, b"")
            if parts.path.startswith(("/shown/", "/uploads/")):
                return self._file(parts.path, query)
            return self._page(parts.path)

    def _token(self, method: str, form: Mapping[str, list[str]]) -> "Answer":
        given = (form.get("client_id"), form.get("client_secret"), form.get("grant_type"))
        if method != "POST" or given != ([CLIENT_ID], [CLIENT_SECRET], ["client_credentials"]):
            words = "The client credentials are invalid"
            return as_json({"error": "invalid_client", "error_description": words, "status": "error"}, 401)
        self.tokens += 1
        token = f"token-{self.tokens}"
        self._tokens[token] = self.token_lives if self.token_lives is not None else 1 << 30
        return as_json(
            {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "status": "success"}
        )

    def _api(self, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> "Answer":
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens[token] <= 0:
            return as_json({"error": "invalid_token", "error_description": "Expired oAuth2 user token."}, 401)
        self._tokens[token] -= 1
        self._questions += 1
        if self.limit_every and self._questions % self.limit_every == 0:
            return as_json({"error": "user_api_threshold"}, 429, {"Retry-After": "3"})
        if path in ("browse/tags", "browse/newest"):
            return self._browse(path, query)
        if path == "deviation/metadata":
            return self._metadata(query.get("deviationids[]", []))
        uuid = path.rpartition("/")[2]
        work = next((one for one in self.works.values() if one.uuid.lower() == uuid.lower()), None)
        if work is None or work.deleted:
            return refused("Deviation not found.")
        if path.startswith("deviation/download/"):
            if work.upload is None:
                return refused("Deviation not downloadable.")
            return as_json(self._link(work, "uploads", work.upload))
        return as_json(self._deviation(work))

    def _browse(self, path: str, query: Mapping[str, list[str]]) -> "Answer":
        asked = query.get("tag" if path.endswith("tags") else "q", [""])[0]
        found = [
            work
            for work in self.works.values()
            if asked in work.tags or (path.endswith("newest") and asked.lower() in work.title.lower())
        ]
        start = int(query.get("cursor", query.get("offset", ["0"]))[0].removeprefix("at-"))
        size = min(self.page_size, int(query.get("limit", ["10"])[0]), 50)
        some, more = found[start : start + size], start + size < len(found)
        answer: dict[str, Any] = {"has_more": more, "results": [self._deviation(work) for work in some]}
        if self.cursors:
            answer["next_cursor"] = f"at-{start + size}" if more else None
        else:
            answer["next_offset"] = start + size if more else None
        return as_json(answer)

    def _metadata(self, uuids: list[str]) -> "Answer":
        if len(uuids) > 50:
            return refused("deviationids: too many")
        known = {work.uuid.lower(): work for work in self.works.values() if not work.deleted}
        if any(uuid.lower() not in known for uuid in uuids):
            return refused("Deviation not found.")
        return as_json({"metadata": [self._said_of(known[uuid.lower()]) for uuid in uuids]})

    def _said_of(self, work: Work) -> dict[str, Any]:
        return {
            "deviationid": work.uuid,
            "author": {"username": work.author},
            "title": work.title,
            "description": f"<p>Painted by <b>{work.author}</b>.</p>",
            "license": work.licence_words,
            "tags": [{"tag_name": tag, "sponsored": False} for tag in work.tags],
            "is_mature": False,
        }

    def _deviation(self, work: Work) -> dict[str, Any]:
        if work.deleted:
            return {"deviationid": work.uuid, "url": f"{self.base}{work.path}", "is_deleted": True}
        told = {
            "deviationid": work.uuid,
            "url": f"{self.base}{work.path}",
            "title": work.title,
            "author": {"userid": "U", "username": work.author},
            "published_time": "1760000000",
            "is_deleted": False,
            "is_downloadable": work.upload is not None,
            "tier_access": "locked" if work.sold else "unlocked",
            "stats": {"favourites": secrets.randbelow(9999)},
        }
        return told | ({"content": self._link(work, "shown", work.data)} if work.kind == "image" else {})

    def _link(self, work: Work, name: str, data: bytes) -> dict[str, Any]:
        """An address that opens the file as often as `link_uses` says; the token is new every time."""
        token = secrets.token_hex(4)
        self.links[token] = self.link_uses
        src = f"{self.base}/{name}/{work.number}-v{work.version}.png?token={token}"
        return {"src": src, "width": 900, "height": 700, "filesize": len(data)}

    def _file(self, path: str, query: Mapping[str, list[str]]) -> "Answer":
        token = query.get("token", [""])[0]
        if self.links[token] <= 0:
            return Answer(403, b"<!DOCTYPE html>Forbidden", {"Content-Type": "text/html"})
        self.links[token] -= 1
        form, _, name = path.removeprefix("/").partition("/")
        work = self.works[int(name.partition("-")[0])]
        data = work.upload if form == "uploads" and work.upload is not None else work.data
        return Answer(200, data, {"Content-Type": "image/png", **work.file_headers})

    def _page(self, path: str) -> "Answer":
        tail = path.rpartition("-")[2] if "/art/" in path else path.removeprefix("/deviation/")
        work = self.works.get(int(tail)) if tail.isdecimal() else None
        if work is None or work.deleted:
            return text("<!DOCTYPE html><title>DeviantArt: 404</title>", 404, "text/html")
        if path.startswith("/deviation/"):
            return Answer(302, b"", {"Location": f"{self.base}{work.path}"})
        html = work.page if work.page is not None else self.html(work)
        headers = {"Content-Type": "text/html; charset=utf-8", **work.page_headers}
        return Answer(200, html.encode(), headers)

    def html(self, work: Work) -> str:
        """A page as recorded: the state is JSON in a string of JavaScript."""
        others = [self._entity(other) for other in self.works.values() if other is not work]
        state = {
            "@@entities": {
                "user": {"7": {"userId": 7, "username": work.author}},
                "deviationExtended": {str(work.number): {"deviationUuid": work.uuid}},
                "deviation": {str(work.number): self._entity(work)},
            }
        }
        robots = f'<meta name="robots" content="{work.robots}"/>' if work.robots else ""
        return (
            f'<!DOCTYPE html><html><head><meta charSet="utf-8"/>{robots}'
            f"<title>{work.title}</title></head><body>"
            f"<script>window.__INITIAL_STATE__ = JSON.parse({in_javascript(state)});</script>"
            f"<script>window.__RCACHE__ = JSON.parse({in_javascript({'deviations': others})});</script>"
            "</body></html>"
        )

    def _entity(self, work: Work) -> dict[str, Any]:
        marks = {"isAiUseDisallowed": work.ai_use_disallowed, "isAiGenerated": work.ai_generated}
        told = {"license": work.license} | marks
        return {
            "deviationId": work.number,
            "type": work.kind,
            "url": f"{self.base}{work.path}",
            "title": work.title,
            "author": 7,
            "isDeleted": False,
            "media": {"baseUri": f"{self.base}/shown/{work.number}-v{work.version}.png", "token": ["t"]},
        } | {name: value for name, value in told.items() if value is not None}


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def text(value: str, status: int = 200, kind: str = "text/plain") -> Answer:
    return Answer(status, value.encode(), {"Content-Type": kind})


def refused(words: str) -> Answer:
    return as_json({"error": "invalid_request", "error_description": words, "error_code": 0}, 400)


def in_javascript(value: Any) -> str:
    """JSON in a JavaScript string, escaped as the recorded page does it: `\\"`, `\\'` and `\\u002F`."""
    inner = json.dumps(value, separators=(",", ":")).replace("/", "\\u002F")
    return '"' + inner.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'") + '"'


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], owner: DeviantArtServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode() if length else ""
        answer = self.server.owner.answer(self.command, self.path, dict(self.headers.items()), body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    do_GET = do_POST = _serve

    def log_message(self, format: str, *args: Any) -> None:
        return
