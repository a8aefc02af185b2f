"""Keys of the user: asked with, never shown, written, logged or sent to anybody else."""

from collections.abc import Iterator
from pathlib import Path

import deviantart_server
import flickr_server
import pytest
import requests
from builders import a_nebula, a_record, encoded
from deviantart_server import DeviantArtServer, Work
from faulty import FaultServer, Refuse, always
from flickr_server import Fail, FlickrServer, a_photo

from collectors.deviantart.api import Api, Keys, NotDeviantArt
from collectors.storage.stores import Store
from collectors.web.parts import Part
from collectors.web.polite import HostBusy, RedirectRefused, polite_session
from collectors.web.transfer import Missed, fetch
from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit
from universe_gan.shell.plain import SECRETS, plain, without_secrets

RECIPE = """
[collect]
subject = "planet"
min_side = 16

[collect.flickr]
api = "{flickr}"
text = ["nebula"]

[collect.deviantart]
api = "{deviantart}"
tags = ["planet"]

[curate]
size = 32
"""
MARKERS = {
    "FLICKR_API_KEY": flickr_server.KEY,
    "FLICKR_API_SECRET": flickr_server.SECRET,
    "DEVIANTART_CLIENT_ID": deviantart_server.CLIENT_ID,
    "DEVIANTART_CLIENT_SECRET": deviantart_server.CLIENT_SECRET,
    "HF_TOKEN": "hf_markerOfThisTest",
    "AWS_SECRET_ACCESS_KEY": "aws/marker+of/this=test",
}
SHOWN_ANYWHERE = {
    flickr_server.KEY,
    flickr_server.SECRET,
    deviantart_server.CLIENT_SECRET,
    "hf_marker",
    "aws/m",
}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in MARKERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def worlds() -> Iterator[tuple[FlickrServer, DeviantArtServer]]:
    works = [
        Work(n, license="by", ai_use_disallowed=False, data=encoded(a_nebula(n, (90, 70)))) for n in (1, 2)
    ]
    with FlickrServer([]) as flickr, DeviantArtServer(works, link_uses=9) as deviantart:
        for number in (3, 4):
            path = f"/{number}_o.png"
            flickr.files[path] = encoded(a_nebula(number, (800, 600)))
            address = f"{flickr.base}{path}"
            flickr.contents.photos[str(number)] = a_photo(number, url_o=address, originalformat="png")
        yield flickr, deviantart


def written(folder: Path) -> str:
    """Everything that stands in any file below, and the files' names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(f"{path} {path.read_bytes().decode('latin-1')}" for path in files)


def test_no_key_is_in_any_file_or_word_of_a_run(
    tmp_path: Path, worlds: tuple[FlickrServer, DeviantArtServer], capfd: pytest.CaptureFixture[str]
) -> None:
    flickr, deviantart = worlds
    (tmp_path / "mine.toml").write_text(
        RECIPE.format(flickr=flickr.api, deviantart=f"{deviantart.base}/api/v1/oauth2")
    )
    commands = [
        ["collect", "mine.toml", "-v"],
        ["collect", "mine.toml", "--locked", "-v"],
        ["verify", "mine.toml", "-v"],
        ["audit", "mine.toml", "-v"],
        ["check", "mine.toml", "--json"],
        ["check"],
        ["status", "--json"],
    ]
    codes = [run(one) for one in commands]
    assert codes[:3] == [Exit.DONE] * 3
    flickr.contents.fails["photos.search"] = [Fail(100, f"Invalid API Key ({flickr_server.KEY})")] * 9
    assert run(["collect", "mine.toml", "--refresh", "-v"]) == Exit.CREDENTIAL
    text = "".join(capfd.readouterr()) + written(tmp_path)
    tokens = {f"token={one}" for one in deviantart.links} | {"token-1"}
    assert len(tokens) > 2
    assert [one for one in SHOWN_ANYWHERE | tokens if one in text] == []
    assert all(flickr_server.KEY not in one.path for one in flickr.asked)


def test_a_download_that_is_cut_leaves_no_signed_address_behind(tmp_path: Path) -> None:
    with Part(tmp_path, "https://images.example.org/a.png?token=marker") as part:
        part.begin({"ETag": '"x"'})
        part.write(b"abc")
    assert "marker" not in written(tmp_path)
    with Part(tmp_path, "https://images.example.org/a.png?token=marker") as again:
        assert (again.size, again.validator()) == (3, '"x"')


@pytest.mark.parametrize("status", [307, 308])
def test_the_secret_of_deviantart_is_sent_to_nobody_else(status: int) -> None:
    with (
        FaultServer({"/": b"{}"}) as stranger,
        FaultServer(plan=always(Refuse(status, headers={"Location": stranger.base}))) as server,
    ):
        api = Api(
            server.base, server.base, polite_session(None, sleep=lambda seconds: None), Keys("i", "secret")
        )
        with pytest.raises((HostBusy, NotDeviantArt)) as caught:
            api.ask("browse/tags")
        assert stranger.asked == []
        assert "secret" not in str(caught.value)


def test_a_token_that_comes_in_an_odd_shape_is_not_quoted() -> None:
    with FaultServer({"/oauth2/token": b'["tokenmarker"]'}) as server:
        api = Api(server.base, server.base, polite_session(None, sleep=lambda seconds: None), Keys("i", "s"))
        with pytest.raises((HostBusy, NotDeviantArt)) as caught:
            api.ask("browse/tags")
        assert "tokenmarker" not in str(caught.value)


@pytest.mark.parametrize("name", SECRETS)
def test_the_value_of_a_secret_variable_is_never_shown(name: str) -> None:
    value = "a+secret/value"
    shown = without_secrets(f"it said {value} and {requests.utils.quote(value, safe='')}", {name: value})
    assert shown == f"it said [{name}] and [{name}]"


@pytest.mark.parametrize(
    "text",
    [
        "https://ada:marker@example.org/a.jpg",
        "https://example.org/a.jpg?access_token=marker",
        "GET /?page=2&api_key=marker&x=1",
        "https://bucket.example.org/a?X-Amz-Signature=marker&X-Amz-Date=1",
        "https://images.example.org/f/a.png?token=marker",
        "client_secret=marker",
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str) -> None:
    assert "marker" not in plain(text)


def test_a_crash_shows_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from universe_gan.shell import overview

    def crash(*rest: object) -> None:
        raise RuntimeError("https://ada:marker@example.org/?api_key=marker\x1b[2J " + MARKERS["HF_TOKEN"])

    monkeypatch.setattr(overview, "status", crash)
    assert run(["status"]) == Exit.BUG
    err = capsys.readouterr().err
    assert "RuntimeError" in err
    assert not {"marker", "\x1b"} & {one for one in ("marker", "\x1b") if one in err}


@pytest.mark.parametrize(
    "url", ["ftp://ada:marker@example.org/a?token=marker", "http://[marker/?token=marker"]
)
def test_why_a_file_did_not_come_is_kept_without_tokens(tmp_path: Path, url: str) -> None:
    """The reason is written into the workspace."""
    session = polite_session("ada@example.org", sleep=lambda seconds: None)
    record = a_record(original={"url": url}, file=None)
    missed = fetch(record, session, Store(tmp_path / "store"), tmp_path / "parts")
    assert isinstance(missed, Missed)
    assert not [one for one in ("=marker", "marker@") if one in missed.detail]


def test_a_redirect_that_is_refused_is_told_without_tokens() -> None:
    plan = always(Refuse(302, headers={"Location": "ftp://ada:marker@example.org/a?token=marker"}))
    with FaultServer(plan=plan) as server, pytest.raises(RedirectRefused) as caught:
        polite_session(None).get(f"{server.base}/a?token=marker")
    assert "marker" not in str(caught.value) + caught.value.url + caught.value.target
