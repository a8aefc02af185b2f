"""A web page for one person at this machine: served on loopback, under a secret address, to nobody else.

waitress (a server without dependencies, with limits on what it takes in) carries, Werkzeug reads requests and
knows addresses. What keeps others out:

- only 127.0.0.1 is listened on, and to no other name of it is answered: a page elsewhere whose name is made
  to point here (DNS rebinding) is refused by its `Host`;
- every address begins with a token of 256 bits, drawn anew for each start and never sent on (`no-referrer`);
- what changes anything is a POST of JSON from the page itself (`Sec-Fetch-Site`), which no form can send,
  and no leave is given for other origins to ask (no CORS);
- no path on disk is ever made from an address; bodies and heads of requests are small or refused.
"""

import hmac
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from waitress.server import create_server
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    MisdirectedRequest,
    NotFound,
    UnsupportedMediaType,
)
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from collectors.storage.files import DiskFull

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"
MOST = 10_000
"""Bytes of a request's body, and of its head."""
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Policy of what is no page."""
Handler = Callable[..., Response]
"""From a request, and the numbers in its address by name, to the answer."""


class PortTaken(Exception):
    """The port that was asked for cannot be listened on."""

    def __init__(self, port: int, problem: str) -> None:
        super().__init__(f"port {port}: {problem}")
        self.port, self.problem = port, problem


@dataclass(frozen=True)
class Site:
    """A WSGI application: pages to read and things to do, all under the token."""

    reads: Mapping[str, Handler]
    """By address behind the token: `/picture/<int:number>`."""
    does: Mapping[str, Handler]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MOST
        try:
            response = self._answer(request)
        except DiskFull:
            response = Response("507 Insufficient Storage\n", 507, mimetype="text/plain")
        except HTTPException as error:
            response = Response(f"{error.code} {error.name}\n", error.code, mimetype="text/plain")
        response.headers.setdefault("Content-Security-Policy", NOTHING)
        response.headers.update(HEADERS)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.environ.get("HTTP_HOST") not in _names(request.environ["SERVER_PORT"]):
            raise MisdirectedRequest
        token, _, rest = request.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise NotFound
        handler, values = self._urls.bind(HOST).match(f"/{rest}", request.method)
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Forbidden
        return handler(request, **values)  # type: ignore[no-any-return]

    @property
    def _urls(self) -> Map:
        rules = [Rule(path, endpoint=handler, methods=["GET"]) for path, handler in self.reads.items()]
        rules += [Rule(path, endpoint=handler, methods=["POST"]) for path, handler in self.does.items()]
        return Map(rules, strict_slashes=False, merge_slashes=False)


def serve(site: Site, *, port: int = 0, ready: Callable[[str], None]) -> None:
    """Serve the site until Ctrl-C, which is swallowed; `ready` is told its address once it can be opened.

    `port`: 0 lets the system choose a free one.

    Raises:
        PortTaken: somebody else listens there, or may alone.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # many small pictures at once are no trouble
    try:
        server = create_server(
            site,
            host=HOST,
            port=port,
            ident=None,  # says nothing of itself
            threads=4,
            max_request_body_size=MOST,
            max_request_header_size=MOST,
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        raise PortTaken(port, error.strerror or str(error)) from error
    try:
        ready(f"http://{HOST}:{server.effective_port}/{site.token}/")
        server.run()
    except KeyboardInterrupt:  # before it ran; while it runs, it ends by itself
        pass
    finally:
        server.close()


def page(html: str, policy: str) -> Response:
    """An HTML page under its own content security policy."""
    return Response(html, mimetype="text/html", headers={"Content-Security-Policy": policy})


def as_json(value: Any) -> Response:
    """What a script asked for."""
    return Response(json.dumps(value, ensure_ascii=False), mimetype="application/json")


def sent(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises `HTTPException`: there is none."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    value = request.get_json()
    if not isinstance(value, dict):
        raise BadRequest
    return value


def _names(port: str) -> tuple[str, ...]:
    """What we are called in a `Host`; port 80 may go unsaid."""
    names = (f"{HOST}:{port}", f"localhost:{port}")
    return (*names, HOST, "localhost") if port == "80" else names
