"""Pages that are served on this machine: who else is on it, or on the web, gets nothing of them."""

import sys
import webbrowser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faulty import FaultServer, Page, always

from collectors.web.reach import AddressRefused, Net
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures import explain
from universe_gan.shell.output import Output
from universe_gan.shell.pictures import quizzing

ADDRESS = "http://127.0.0.1:4711/aSecretOfManyBits/"


def test_the_secret_address_is_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anybody on a machine may read the command lines of all processes."""
    opened: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(
        sys, "stdout", SimpleNamespace(**{"isatty": lambda: True, "write": print, "flush": print})
    )
    quizzing._opener(Output(json=True), no_browser=False)(ADDRESS)
    (door,) = opened
    assert "aSecretOfManyBits" not in door
    path = Path(door.removeprefix("file://"))
    assert ADDRESS in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_somebody_elses_link_in_the_place_of_the_page_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "quiz").mkdir()
    (tmp_path / "quiz" / "open.html").symlink_to(tmp_path / "victim")
    assert ADDRESS in quizzing._door(ADDRESS).read_text()
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.browser
def test_the_page_that_is_opened_leads_on_to_the_secret_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with FaultServer(plan=always(Page(b"<!doctype html><title>the quiz</title>"))) as server:
        page = browser.new_page()
        page.goto(quizzing._door(f"{server.base}/aSecretOfManyBits/").resolve().as_uri())
        page.wait_for_url(f"{server.base}/aSecretOfManyBits/")
        assert page.title() == "the quiz"
        assert page.evaluate("document.referrer") == ""
        page.close()


def test_every_refusal_of_an_address_has_words_and_an_exit_code() -> None:
    for net in set(Net) - {Net.PUBLIC}:
        failure = explain(AddressRefused("10.0.0.1", net))
        assert failure is not None
        assert failure.code == Exit.INPUT
        assert "it was not asked" in str(failure)
