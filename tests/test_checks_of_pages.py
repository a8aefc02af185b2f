"""The checks that other tests hold pages to catch what they are there to catch: pages broken on purpose."""

from pathlib import Path
from typing import Any

import pytest
from browsing import Opened, dim, unreached, wider
from links import broken

SOUND = """<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>
<style>body { background: #fff; color: #222 } {css}</style>
<p>Words</p> <a href="#end">to the end</a> <button>press</button>
<details><summary>more</summary><a href="https://example.org/">far</a></details>
<label><input type="radio" name="r" checked>one</label><label><input type="radio" name="r">two</label>
{body}
<p id="end">End</p></html>
"""


def a_page(folder: Path, body: str = "", css: str = "", name: str = "page.html") -> Path:
    path = folder / name
    path.write_text(SOUND.replace("{body}", body).replace("{css}", css), encoding="utf-8")
    return path


def test_a_sound_page_has_no_broken_link(tmp_path: Path) -> None:
    other = a_page(tmp_path, name="other.html")
    body = '<a href="other.html#end">o</a><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">'
    assert broken([a_page(tmp_path, body), other]) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="gone.html">a</a>', "gone.html is not there"),
        ('<a href="../">a</a>', "../ is not there"),
        ('<a href="#nowhere">a</a>', "#nowhere has no such anchor"),
        ('<a href="other.html#nowhere">a</a>', "other.html#nowhere has no such anchor"),
        ('<svg><use href="#no-picture"/></svg>', "#no-picture has no such anchor"),
        ('<a href="">a</a>', "an empty address is not there"),
        ("<a href>a</a>", "an empty address is not there"),
        ('<a href="javascript:alert(1)">a</a>', "javascript:alert(1) leads nowhere"),
        ('<a href="file:///etc/hosts">a</a>', "file:///etc/hosts leads nowhere"),
        ('<img src="gone.png" alt="">', "gone.png is not there"),
        ('<img src="https://example.org/a.png" alt="">', "it loads https://example.org/a.png"),
        ('<img src="//example.org/a.png" alt="">', "it loads //example.org/a.png"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "it loads https://example.org/a.css"),
        ('<script src="gone.js"></script>', "gone.js is not there"),
    ],
)
def test_a_dead_link_is_caught_wherever_it_stands(tmp_path: Path, body: str, problem: str) -> None:
    pages = [a_page(tmp_path, body), a_page(tmp_path, name="other.html")]
    assert broken(pages) == [f"page.html: {problem}"]


@pytest.mark.browser
def test_a_sound_page_passes_every_check_of_the_browser(browser: Any, tmp_path: Path) -> None:
    opened = Opened(browser, a_page(tmp_path).as_uri(), viewport={"width": 360, "height": 740})
    assert dim(opened.page, "p, a, button, label") == []
    assert wider(opened.page) == 0
    assert unreached(opened.page) == []
    assert opened.bad == []
    opened.page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("body", "css"),
    [
        ("<p class=faint>faint</p>", ".faint { color: #999 }"),
        ("<p class=faint>faint</p>", ".faint { color: rgb(0 0 0 / 40%) }"),
        ("<div style='opacity: .5'><p class=faint>faint</p></div>", ""),
        ("<div style='background:#333'><p class=faint>faint</p></div>", ""),
        (
            "<p class=faint>faint</p>",
            "@media (prefers-color-scheme: light) { .faint { color: #ddd } }",
        ),
    ],
)
def test_words_that_are_hard_to_read_are_caught(browser: Any, tmp_path: Path, body: str, css: str) -> None:
    opened = Opened(browser, a_page(tmp_path, body, css).as_uri(), color_scheme="light")
    assert [name for name, _ in dim(opened.page, "p, a, button")] == ["faint"]
    opened.page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<div onclick="this.remove()">click me</div>', ["div click me"]),
        ('<button tabindex="-1">skipped</button>', ["button skipped"]),
        ('<span role="button">no key</span>', ["span no key"]),
        (
            "<input aria-label=trap onkeydown=\"if (event.key === 'Tab') event.preventDefault()\" name=trap>"
            "<button>behind it</button>",
            ["button behind it"],
        ),
    ],
)
def test_what_no_key_reaches_is_caught(browser: Any, tmp_path: Path, body: str, found: list[str]) -> None:
    opened = Opened(browser, a_page(tmp_path, body).as_uri())
    assert unreached(opened.page) == found
    opened.page.context.close()


@pytest.mark.browser
def test_a_page_that_is_too_wide_or_asks_the_network_or_fails_is_caught(browser: Any, tmp_path: Path) -> None:
    body = "<p style='width:500px'>wide</p><img src='gone.png' alt=''><script>nothing.here()</script>"
    phone = {"width": 360, "height": 740}
    opened = Opened(browser, a_page(tmp_path, body).as_uri(), viewport=phone)
    assert wider(opened.page) > 100
    assert {one.partition(":")[0] for one in opened.bad} >= {"request", "error"}
    opened.page.context.close()
