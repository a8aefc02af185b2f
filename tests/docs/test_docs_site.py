"""The built site: it builds without a warning, nothing in it is broken, and it asks no network."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from browsing import CONTRAST
from documented import ROOT

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


class _Page(HTMLParser):
    """What a page links to, what it loads, and the anchors it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.unnamed: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if said.get("id"):
            self.anchors.add(str(said["id"]))
        if tag == "a" and said.get("href"):
            self.links.append(str(said["href"]))
        elif tag == "link" and said.get("href"):
            self.loads.append(str(said["href"]))
        elif said.get("src"):
            self.loads.append(str(said["src"]))
        if tag == "img" and not said.get("alt"):
            self.unnamed.append(str(said.get("src")))


def test_no_link_and_no_anchor_is_broken_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    assert len(pages) > 30
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loads]:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                if link in page.loads and address.scheme != "data":
                    broken.append(f"{path.name} loads {link}")
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            if not target.is_file():
                broken.append(f"{path.name}: {link} is not there")
            elif address.fragment and target.suffix == ".html":
                anchor = unquote(address.fragment)
                if target in pages and anchor not in pages[target].anchors:
                    broken.append(f"{path.name}: {link} has no such anchor")
        broken += [f"{path.name}: {name} has no words for those who do not see it" for name in page.unnamed]
    assert broken == []


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
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > PHONE["width"]:
            bad.append(f"{path.name} is {wide} pixels wide")
        dim = [found for found in page.evaluate(CONTRAST, WORDS) if found[1] < 4.5]
        bad += [f"{path.name}: contrast of {name!r} is {ratio}" for name, ratio in dim[:3]]
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
