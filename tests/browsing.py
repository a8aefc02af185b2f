"""A real browser for tests of pages: started once a module, and a page that notes what it must not do."""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
CONTRAST = """
(words) => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return numbers.map((v, at) => (at < 3 ? v * scale : v));
  };
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let up = element; up; up = up.parentElement) {
      const rgb = parse(getComputedStyle(up).backgroundColor);
      if (rgb.length < 4 || rgb[3] > 0.9) return rgb;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll(words)].map((element) => {
    const pair = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const [bright, dim] = pair.sort((x, y) => y - x);
    return [element.className || element.tagName, Math.round(((bright + 0.05) / (dim + 0.05)) * 100) / 100];
  });
}
"""
"""WCAG 2 contrast of every kind of words against the nearest ground that is not see-through."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    name = "playwright.sync_api"
    api = import_module(name) if _required() else pytest.importorskip(name)
    if not CHROMIUM.exists():
        if _required():
            pytest.fail(f"a browser is required here, and {CHROMIUM} is not installed")
        pytest.skip(f"{CHROMIUM} is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


def _required() -> bool:
    return "browser" in os.environ.get("UNIVERSE_GAN_REQUIRE", "")


class Opened:
    """A page, and everything it did that a report must not do."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.bad: list[str] = []
        self.page = browser.new_context(**options).new_page()
        self.page.on("console", lambda message: self.bad.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.bad.append(f"error: {error}"))
        self.page.on(
            "dialog", lambda dialog: (self.bad.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        self.page.on("request", lambda request: self._note(request.url, address))
        self.page.goto(address)

    def _note(self, url: str, address: str) -> None:
        if not url.startswith("data:") and url.split("#")[0] != address.split("#")[0]:
            self.bad.append(f"request: {url}")

    def shown(self) -> list[str]:
        """The uids in view, in the order of the page."""
        tiles = self.page.locator("[data-uid]:visible")
        return [str(uid) for uid in tiles.evaluate_all("all => all.map((one) => one.dataset.uid)")]

    def settle(self) -> None:
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
