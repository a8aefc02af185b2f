"""Addresses of a stranger: nothing is sent into a network in which the recipe names no server."""

import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3.util.connection
from builders import a_nebula, a_record, encoded
from faulty import FaultServer, Refuse, always

from collectors.record import Reason
from collectors.storage.stores import Store
from collectors.web.polite import AddressRefused, polite_session
from collectors.web.reach import PUBLIC_ONLY, Net, net_of, reach_of, spelt
from collectors.web.transfer import Missed, fetch
from universe_gan.shell.recipes import recipe

CONTACT = "ada@example.org"


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Every name resolves to these addresses, one a question, the last for ever; what was asked."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: Any, *rest: Any, **options: Any) -> list[Any]:
        asked.append(host)
        address = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    ("address", "net"),
    [
        ("8.8.8.8", Net.PUBLIC),
        ("2606:4700::1111", Net.PUBLIC),
        ("127.8.8.8", Net.LOOPBACK),
        ("::1", Net.LOOPBACK),
        ("::ffff:127.0.0.1", Net.LOOPBACK),
        ("10.1.2.3", Net.PRIVATE),
        ("192.168.0.1", Net.PRIVATE),
        ("100.64.0.1", Net.PRIVATE),
        ("fd12::1", Net.PRIVATE),
        ("::ffff:10.0.0.1", Net.PRIVATE),
        ("64:ff9b::a00:1", Net.PRIVATE),
        ("2002:a00:1::", Net.PRIVATE),
        ("169.254.169.254", Net.NOWHERE),
        ("::ffff:169.254.169.254", Net.NOWHERE),
        ("fd00:ec2::254", Net.NOWHERE),
        ("168.63.129.16", Net.NOWHERE),
        ("fe80::1", Net.NOWHERE),
        ("0.0.0.0", Net.NOWHERE),
        ("::", Net.NOWHERE),
        ("224.0.0.1", Net.NOWHERE),
        ("255.255.255.255", Net.NOWHERE),
        ("240.0.0.1", Net.NOWHERE),
    ],
)
def test_every_address_belongs_to_one_network(address: str, net: Net) -> None:
    assert net_of(ipaddress.ip_address(address)) is net


@pytest.mark.parametrize(
    "name",
    ["127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "[::1]", "localhost",
     "LOCALHOST.", "a.localhost", "::1%lo"],
)  # fmt: skip
def test_odd_spellings_of_this_machine_are_known(name: str) -> None:
    assert spelt(name) is Net.LOOPBACK


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "data:image/png;base64,AAAA",
        "gopher://127.0.0.1:6379/_INFO",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/a.jpg",
        "http://[::ffff:127.0.0.1]/a.jpg",
        "http://2130706433/a.jpg",
        "http://0x7f.1/a.jpg",
        "http://0177.0.0.1/a.jpg",
        "http://127.1/a.jpg",
        "http://0/a.jpg",
        "http://10.0.0.1:9200/",
        "http://ada:secret@127.0.0.1/a.jpg",
        "http://example.org@127.0.0.1/a.jpg",
        "http://127.0.0.1#@example.org/a.jpg",
        "http://localhost./a.jpg",
        "http://metadata.google.internal/a.jpg",
        "http:///a.jpg",
        "http://[broken/a.jpg",
        "//example.org/a.jpg",
        "/etc/passwd",
        "",
        "http://127.0.0.1\r\nHost: example.org/a.jpg",
        "http://１２７.0.0.1/a.jpg",
    ],
)
def test_a_manifest_leads_into_no_private_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    connected: list[Any] = []
    monkeypatch.setattr(urllib3.util.connection, "create_connection", lambda *way, **_: connected.append(way))
    record = a_record(original={"url": url}, file=None)
    session = polite_session(CONTACT, reach=PUBLIC_ONLY, sleep=lambda seconds: None, tries=1)
    missed = fetch(record, session, Store(tmp_path / "store"), tmp_path / "parts")
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again, connected) == (Reason.GONE, False, [])


def test_a_name_that_resolves_to_a_private_address_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer({"/a.jpg": b"secret"}) as server:
        port = server.base.rpartition(":")[2]
        resolving(monkeypatch, "127.0.0.1")
        session = polite_session(CONTACT, reach=PUBLIC_ONLY)
        with pytest.raises(AddressRefused) as caught:
            session.get(f"http://pictures.example.org:{port}/a.jpg")
        assert (caught.value.host, caught.value.net) == ("pictures.example.org", Net.LOOPBACK)
        assert server.asked == []


def test_a_name_that_resolves_differently_a_moment_later_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: public when it is looked up for the check, this machine when the connection is made."""
    with FaultServer({"/a.jpg": b"secret"}) as server:
        port = server.base.rpartition(":")[2]
        asked = resolving(monkeypatch, "8.8.8.8", "127.0.0.1")
        reach = reach_of([f"http://pictures.example.org:{port}/"])
        assert (asked, reach) == (["pictures.example.org"], PUBLIC_ONLY)
        with pytest.raises(AddressRefused):
            polite_session(CONTACT, reach=reach).get(f"http://pictures.example.org:{port}/a.jpg")
        assert len(asked) == 2
        assert server.asked == []


def test_a_redirect_into_the_services_of_a_cloud_is_refused_from_anywhere() -> None:
    plan = always(Refuse(302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}))
    with FaultServer(plan=plan) as server, pytest.raises(AddressRefused) as caught:
        polite_session(CONTACT).get(f"{server.base}/a.jpg")
    assert caught.value.net is Net.NOWHERE


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], list[str]]:
    def make(tables: str) -> list[str]:
        (tmp_path / "mine.toml").write_text(f'[collect]\nsubject = "x"\n{tables}')
        return recipe.load(tmp_path / "mine.toml").plan.addresses

    return make


def test_a_recipe_reaches_the_public_network_alone(load: Callable[[str], list[str]]) -> None:
    addresses = load('[collect.commons]\ncategories = ["a"]\n[collect.nasa]\nquery = ["b"]\n')
    assert "https://commons.wikimedia.org/w/api.php" in addresses
    assert reach_of(addresses) == PUBLIC_ONLY


@pytest.mark.parametrize(
    ("api", "net"),
    [
        ("http://127.0.0.1:8080/w/api.php", Net.LOOPBACK),
        ("http://localhost/w/api.php", Net.LOOPBACK),
        ("https://10.0.0.5/w/api.php", Net.PRIVATE),
    ],
)
def test_ones_own_mirror_keeps_working(load: Callable[[str], list[str]], api: str, net: Net) -> None:
    reach = reach_of(load(f'[collect.commons]\napi = "{api}"\ncategories = ["a"]\n'))
    assert reach == {Net.PUBLIC, net}


def test_a_mirror_with_a_name_in_a_private_network_keeps_working(
    load: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = load('[collect.commons]\napi = "https://wiki.example.org/w/api.php"\ncategories = ["a"]\n')
    resolving(monkeypatch, "10.0.0.5")
    assert reach_of(addresses) == {Net.PUBLIC, Net.PRIVATE}


def test_no_recipe_opens_the_services_of_a_cloud(load: Callable[[str], list[str]]) -> None:
    addresses = load('[collect.commons]\napi = "http://169.254.169.254/w/api.php"\ncategories = ["a"]\n')
    assert reach_of(addresses) == PUBLIC_ONLY


def test_files_of_ones_own_mirror_come(tmp_path: Path) -> None:
    data = encoded(a_nebula(1, (40, 30)))
    with FaultServer({"/a.png": data}) as server:
        session = polite_session(None, reach=reach_of([f"{server.base}/w/api.php"]))
        record = a_record(
            original={"url": f"{server.base}/a.png", "sha1": None, "bytes": None, "mime": None}, file=None
        )
        assert not isinstance(fetch(record, session, Store(tmp_path / "store"), tmp_path / "parts"), Missed)
