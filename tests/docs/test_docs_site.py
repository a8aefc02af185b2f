"""The built site: it builds without a warning, nothing in it is broken, and it asks no network."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from browsing import dim, wider
from documented import ROOT
from links import Page, broken

PHONE = {"width": 390, "height": 844}
WORDS = "p, li, dd, dt, code, article a, h1, h2, .sidebar-tree a, .highlight span"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("sphinx", "furo", "myst_parser", "sphinx_copybutton"):
        pytest.importorskip(package)
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(out / "trees"), "docs", str(out / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_no_link_and_no_anchor_is_broken_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    assert broken(pages) == []
    assert [(path.name, unnamed) for path in pages if (unnamed := Page(path).unnamed)] == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_on_a_phone(site: Path, browser: Any, scheme: str) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)
    page, bad = context.new_page(), []
    page.on("console", lambda message: bad.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: bad.append(f"error: {error}"))
    page.on(
        "request", lambda asked: None if asked.url.startswith(("file:", "data:")) else bad.append(asked.url)
    )
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        if wide := wider(page):
            bad.append(f"{path.name} is {wide} pixels too wide")
        bad += [f"{path.name}: contrast of {name!r} is {ratio}" for name, ratio in dim(page, WORDS)[:3]]
    context.close()
    assert bad == []


@pytest.mark.browser
def test_the_keyboard_reaches_search_navigation_and_content_in_this_order(site: Path, browser: Any) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto((site / "guides" / "rebuild.html").as_uri())
    where = """() => {
      const one = document.activeElement;
      return one.matches(".sidebar-search") ? "search" : one.closest(".sidebar-tree") ? "navigation"
        : one.closest("article") ? "content" : one.closest(".skip-to-content") ? "skip" : "else";
    }"""
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        if (place := page.evaluate(where)) not in reached:
            reached.append(place)
    assert [one for one in reached if one in ("search", "navigation", "content")] == [
        "search",
        "navigation",
        "content",
    ]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


@pytest.mark.browser
def test_search_finds_a_page_without_a_server(site: Path, browser: Any) -> None:
    page = browser.new_context().new_page()
    page.goto((site / "search.html").as_uri() + "?q=takedown")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("takedown" in words.lower() for words in found)
