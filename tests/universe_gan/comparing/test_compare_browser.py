"""The comparison in a real browser: no errors or requests, keyboard, contrast, phone, no script."""

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Opened, dim, unreached, wider

pytest.importorskip("torch", reason="PyTorch is not installed")

from test_compare import HOSTILE, a_column, a_comparison, a_judge, looked, noise

from universe_gan.comparing import page
from universe_gan.comparing.figures import Column

pytestmark = pytest.mark.browser

WORDS = "th, .figures td, small, p, li, figcaption, summary, dt, dd, kbd, .kicker, .alarm, .none, h1, h2"
SEEDS = 14


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    judge = a_judge()
    copies = noise(SEEDS, 5)
    copies[3] = judge.train[8]
    columns = looked(
        judge,
        Column("real", "real", "real", judge.train),
        a_column(f"{HOSTILE} raw", copies, "one", generation=0),
        a_column("one coloured", noise(SEEDS - 4, 6), "one", "coloured", generation=0),
        a_column("two raw", noise(SEEDS, 7, 90), "two", generation=1),
    )
    place = tmp_path_factory.mktemp("page")
    page.write(a_comparison(judge, columns), place / "compare.html", place / "compare.json")
    return (place / "compare.html").as_uri()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opened]:
    page = Opened(browser, address, viewport={"width": 1300, "height": 900})
    yield page
    page.page.context.close()
    assert page.bad == []


def test_it_opens_without_errors_requests_or_injected_markup(opened: Opened) -> None:
    found = opened.page
    assert found.locator("script").count() == 1
    assert found.locator("img:not([src^='data:'])").count() == 0
    assert "<script>" in found.locator("h1").inner_text()
    found.wait_for_function("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    assert found.locator("svg polyline").count() >= 4


def test_a_seed_is_chosen_by_keyboard_and_mouse_and_shown_large(opened: Opened) -> None:
    found = opened.page
    lens = found.locator("#lens figure")
    assert found.locator("#lens").is_hidden()
    found.keyboard.press("ArrowRight")
    assert lens.count() == 4
    assert "seed 0" in lens.nth(1).inner_text()
    found.keyboard.press("ArrowLeft")
    assert "seed 13" in lens.nth(1).inner_text()
    assert lens.count() == 3  # nothing was coloured at that seed, and the sheet says so
    assert found.locator(".none").first.inner_text() == "not made"
    found.locator(".sheet tr").nth(1).locator("td").nth(2).click()
    assert "seed 2" in lens.nth(1).inner_text()
    assert found.locator(".chosen").count() == 4


def test_a_copy_is_asked_about_and_the_best_has_a_star(opened: Opened) -> None:
    first = opened.page.locator(".pairs li").first
    assert "a copy?" in first.inner_text()
    assert "seed 3" in first.inner_text()
    assert opened.page.locator(".pairs li.copy").count() == 1
    star = opened.page.locator(".figures .best").first
    assert "★" in star.inner_text()
    assert star.evaluate("(e) => getComputedStyle(e).textAlign") == "right"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_can_be_read_in_light_and_dark(browser: Any, address: str, scheme: str) -> None:
    opened = Opened(browser, address, color_scheme=scheme, viewport={"width": 1300, "height": 900})
    opened.page.keyboard.press("ArrowRight")
    opened.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert opened.page.locator(WORDS).count() > 100
    assert dim(opened.page, WORDS) == []
    assert unreached(opened.page) == []
    opened.page.context.close()


@pytest.mark.parametrize("width", [360, 1300])
def test_nothing_is_wider_than_the_window_and_tables_scroll_alone(
    browser: Any, address: str, width: int
) -> None:
    opened = Opened(browser, address, viewport={"width": width, "height": 740})
    assert wider(opened.page) == 0
    for region in opened.page.locator(".scroll").all():
        assert region.get_attribute("tabindex") == "0"
    opened.page.context.close()


def test_it_can_be_read_without_its_script(browser: Any, address: str) -> None:
    opened = Opened(browser, address, java_script_enabled=False)
    assert opened.page.locator(".walk").is_hidden()
    assert opened.page.locator(".figures").first.is_visible()
    assert opened.bad == []
    opened.page.context.close()
