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
  const strength = (element) => {
    let share = 1;
    for (let up = element; up; up = up.parentElement) share *= Number(getComputedStyle(up).opacity);
    return share;
  };
  return [...document.querySelectorAll(words)].map((element) => {
    const below = ground(element);
    const ink = parse(getComputedStyle(element).color);
    const share = (ink[3] ?? 1) * strength(element);
    const shown = below.slice(0, 3).map((v, at) => share * ink[at] + (1 - share) * v);
    const pair = [light(shown), light(below)];
    const [bright, dim] = pair.sort((x, y) => y - x);
    return [element.className || element.tagName, Math.round(((bright + 0.05) / (dim + 0.05)) * 100) / 100];
  });
}
"""
"""WCAG 2 contrast of every kind of words against the nearest ground that is not see-through."""
LEAST = 4.5
"""https://www.w3.org/TR/WCAG22/#contrast-minimum"""
REACHED = """
() => {
  const one = document.activeElement;
  if (one === document.body || "reached" in one.dataset) return false;
  one.dataset.reached = "";
  return true;
}
"""
OPERABLE = """
() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, label, [onclick], [role=button], [role=link]"
)].filter((one) => {
  const twin = one.tagName === "LABEL" ? one.control : null; // its words do what its field does
  const group = one.type === "radio" && document.querySelector(`[name="${one.name}"][data-reached]`);
  return one.checkVisibility({ visibilityProperty: true }) && !one.disabled && !twin && !group
    && !one.closest("[aria-hidden=true]") && !("reached" in one.dataset);
}).map((one) => [one.tagName.toLowerCase(), one.innerText || one.name || one.className].join(" ").trim())
"""
"""What answers to the mouse, is in sight and was not reached; labels go with their field, radios together."""


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


def dim(page: Any, words: str) -> list[tuple[str, float]]:
    """Words, by CSS selector, that are hard to tell from their ground: what they are, and the contrast."""
    return [(name, ratio) for name, ratio in page.evaluate(CONTRAST, words) if ratio < LEAST]


def wider(page: Any) -> int:
    """By how many pixels the page is wider than its window; 0: it fits."""
    return max(0, int(page.evaluate("document.documentElement.scrollWidth - innerWidth")))


def unreached(page: Any, most: int = 2000) -> list[str]:
    """What the mouse can do on this page and the Tab key never comes to.

    The key is pressed until it leaves the page or comes round; where something holds it fast, all that lies
    behind is unreached.
    """
    page.evaluate("document.activeElement.blur()")
    for _ in range(most):
        page.keyboard.press("Tab")
        if not page.evaluate(REACHED):
            break
    return [str(one) for one in page.evaluate(OPERABLE)]
