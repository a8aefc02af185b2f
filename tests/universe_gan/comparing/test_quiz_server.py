"""The server of the quiz keeps everybody else out: tokens, names, methods, sizes, paths."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from serving import Served, served

pytest.importorskip("waitress", reason="waitress is not installed")
pytest.importorskip("werkzeug", reason="werkzeug is not installed")

from universe_gan.comparing import server

PROGRAM = """
from universe_gan.comparing import server
site = server.Site(
    reads={"/": lambda request: server.page("<p>here", "default-src 'none'"),
           "/picture/<int:number>": lambda request, number: server.as_json(number)},
    does={"/say": lambda request: server.as_json(server.sent(request))},
)
server.serve(site, ready=lambda address: print(address, flush=True))
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served("-c", PROGRAM, folder=tmp_path_factory.mktemp("served")) as found:
        yield found
        code, _ = found.end()
        assert code == 0, "Ctrl-C ends it without a traceback"


class Asker:
    """Asks as nobody's browser would."""

    def __init__(self, running: Served) -> None:
        parts = urlsplit(running.address)
        self.host, self.port, self.root = str(parts.hostname), int(parts.port or 0), parts.path

    def __call__(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest(method, path, skip_host="Host" in named)
        for name, value in named.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return connection.getresponse()


@pytest.fixture
def ask(running: Served) -> Asker:
    return Asker(running)


def test_the_page_is_there_under_its_token_and_hands_nothing_on(ask: Asker) -> None:
    answer = ask(ask.root)
    assert (answer.status, answer.read()) == (200, b"<p>here")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    for name, value in server.HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["Server"] is None
    assert answer.headers["Access-Control-Allow-Origin"] is None
    assert len(ask.root.strip("/")) >= 43  # 256 bits


@pytest.mark.parametrize("path", ["/", "/wrong/", "/wrong/picture/1", "//", "/%00/", "/%C3%A9tat/", "/%FF/"])
def test_nothing_is_there_without_the_token(ask: Asker, path: str) -> None:
    answer = ask(path)
    assert answer.status == 404
    assert b"<p>here" not in answer.read()


def test_a_token_that_is_nearly_right_is_wrong(ask: Asker) -> None:
    assert ask(ask.root[:-2] + "/").status == 404
    assert ask(ask.root.swapcase()).status == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1.evil.example", ""]
)
def test_another_name_for_this_machine_is_refused(ask: Asker, host: str) -> None:
    assert ask(ask.root, Host=host).status == 421


def test_localhost_is_a_name_of_ours(ask: Asker) -> None:
    assert ask(ask.root, Host=f"localhost:{ask.port}").status == 200


def test_a_proxy_is_not_believed(ask: Asker) -> None:
    host = f"127.0.0.1:{ask.port}"
    assert ask(ask.root, Host="evil.example", X_Forwarded_Host=host).status == 421


@pytest.mark.parametrize(("path", "method"), [("say", "GET"), ("", "POST"), ("", "PUT"), ("say", "DELETE")])
def test_a_wrong_method_is_refused(ask: Asker, path: str, method: str) -> None:
    assert ask(ask.root + path, method, b"{}", Content_Type="application/json").status == 405


def test_what_changes_something_is_json_from_the_page_itself(ask: Asker) -> None:
    said = json.dumps({"number": 1}).encode()
    way = (ask.root + "say", "POST", said)
    assert ask(*way, Content_Type="application/json").read() == said
    assert ask(*way, Content_Type="application/json", Sec_Fetch_Site="same-origin").status == 200
    assert ask(*way, Content_Type="application/json", Sec_Fetch_Site="cross-site").status == 403
    assert ask(*way, Content_Type="text/plain").status == 415
    assert ask(*way, Content_Type="application/x-www-form-urlencoded").status == 415
    for broken in (b"[1]", b"{", b"\xff", b""):
        assert ask(way[0], "POST", broken, Content_Type="application/json").status == 400


def test_a_huge_body_is_refused_before_it_is_read(ask: Asker) -> None:
    with socket.create_connection((ask.host, ask.port), timeout=10) as wire:
        head = (
            f"POST {ask.root}say HTTP/1.1\r\nHost: 127.0.0.1:{ask.port}\r\nContent-Type: application/json\r\n"
        )
        wire.sendall(f"{head}Content-Length: 1000000000\r\n\r\n".encode())
        assert b" 413 " in wire.recv(100)


def test_a_huge_head_is_refused(ask: Asker) -> None:
    assert ask(ask.root, X_Long="x" * 20_000).status == 431


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "..%2f..%2fetc/passwd",
        "picture/../../x",
        "picture/%2e%2e/1",
        "picture/1.5",
        "picture/-1",
    ],
)
def test_no_path_leads_to_a_file(ask: Asker, path: str) -> None:
    answer = ask(ask.root + path)
    assert answer.status == 404
    assert b"root:" not in answer.read()


def test_only_loopback_is_listened_on(running: Served) -> None:
    """Linux tells which address a socket listens on; 0100007F is 127.0.0.1."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("no /proc here")
    port = f"{urlsplit(running.address).port:04X}"
    heads = [line.split()[1:4] for line in table.read_text().splitlines()[1:]]
    listening = [local for local, _, state in heads if state == "0A" and local.endswith(f":{port}")]
    assert listening == [f"0100007F:{port}"]


def test_a_port_that_is_taken_is_said(running: Served) -> None:
    port = int(urlsplit(running.address).port or 0)
    with pytest.raises(server.PortTaken) as error:
        server.serve(server.Site({}, {}), port=port, ready=lambda address: None)
    assert error.value.port == port


def test_each_start_has_another_token() -> None:
    assert server.Site({}, {}).token != server.Site({}, {}).token
