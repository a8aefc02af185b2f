"""The report in a real browser: badges, filters, keyboard, contrast; no errors, requests, injected markup."""

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Opened, dim, unreached, wider
from test_report import HOSTILE, a_collection

from collectors.storage.workspace import Workspace
from curation.reporting import report
from curation.settings import PolicySettings

pytestmark = pytest.mark.browser

WORDS = (
    ".badge, .mark, .meta, .name, .reason, .reason b, .soft, .kicker, .legend li, td, th, summary, .ribbon, "
    ".empty, .count, .chips label, .choice label, footer p, details dt, .lede"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    workspace = Workspace(tmp_path_factory.mktemp("report"))
    manifest, judged = a_collection(workspace)
    path = report.write(manifest, judged, workspace, policy=PolicySettings(), title=HOSTILE, workers=1)
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opened]:
    page = Opened(browser, address, viewport={"width": 1300, "height": 900})
    yield page
    page.page.context.close()
    assert page.bad == []


ALL = [f"commons:M{n}" for n in (6, 1, 2, 3, 4, 5)]


def test_it_opens_without_errors_requests_or_injected_markup(opened: Opened) -> None:
    page = opened.page
    assert opened.shown() == ALL
    assert page.locator("script").count() == 1
    assert page.locator("img:not([src^='data:'])").count() == 0
    assert page.locator("[onclick], [onerror], a[href^='javascript']").count() == 0
    assert "onerror=alert(1)" in page.locator("h1").inner_text()
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")


def test_badges_say_the_licence_in_words_and_colour_and_pictures_lead_to_the_source(opened: Opened) -> None:
    tile = opened.page.locator("[data-uid='commons:M1']")
    badge = tile.locator(".badge")
    assert badge.inner_text().startswith("CC BY-SA 4.0")
    assert "share-alike" in (badge.text_content() or "")
    other = opened.page.locator("[data-uid='commons:M2'] .badge")
    colours = [one.evaluate("(e) => getComputedStyle(e).backgroundColor") for one in (badge, other)]
    assert colours[0] != colours[1]
    link = tile.locator(".frame a")
    assert link.get_attribute("href") == "https://commons.wikimedia.org/wiki/File:Nebula_1.jpg"
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_a_dropped_copy_is_grey_and_right_of_its_twin(opened: Opened) -> None:
    kept, copy = (opened.page.locator(f"[data-uid='commons:M{n}']") for n in (1, 2))
    first, second = kept.bounding_box(), copy.bounding_box()
    assert first["y"] == second["y"]
    assert first["x"] + first["width"] <= second["x"] < first["x"] + 2 * first["width"]
    assert "grayscale(1)" in copy.locator(".frame a img").evaluate("(e) => getComputedStyle(e).filter")
    assert kept.locator(".frame a img").evaluate("(e) => getComputedStyle(e).filter") == "none"


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("#show=kept", [6, 1]),
        ("#show=dropped", [2, 3, 4]),
        ("#show=refused", [5]),
        ("#class=sa", [6, 1]),
        ("#class=by&class=pd", [2, 3, 4]),
        ("#reason=too-small", [3]),
        ("#mark=conflict", [6]),
        ("#mark=any", [6, 4]),
        ("#q=nebula+3", [3]),
        ("#q=ADA+LANE", [1, 2, 3, 4, 5]),
        ("#q=commons:m4", [4]),
        ("#show=kept&class=by", []),
        ("#reason=no-such-reason&show=nonsense", [6, 1, 2, 3, 4, 5]),
        ("#pictures", [6, 1, 2, 3, 4, 5]),
    ],
)
def test_the_address_opens_a_filtered_view(
    browser: Any, address: str, fragment: str, expected: list[int]
) -> None:
    opened = Opened(browser, address + fragment)
    assert opened.shown() == [f"commons:M{number}" for number in expected]
    assert opened.page.locator("#count").inner_text() == f"{len(expected)} of 6 images"
    assert opened.page.locator("#nothing").is_visible() == (not expected)
    assert opened.bad == []
    opened.page.context.close()


def test_filters_work_by_mouse_and_are_kept_in_the_address(opened: Opened) -> None:
    page = opened.page
    page.locator("#filters").get_by_text("left out").click()
    page.select_option("[name=reason]", "duplicate")
    opened.settle()
    assert opened.shown() == ["commons:M2"]
    assert page.url.endswith("#show=dropped&reason=duplicate")
    page.fill("[name=q]", "nowhere")
    opened.settle()
    assert opened.shown() == []
    assert page.get_by_text("Nothing matches these filters.").is_visible()
    page.get_by_role("button", name="Show everything").click()
    opened.settle()
    assert opened.shown() == ALL
    page.evaluate("location.hash = 'class=pd'")
    page.wait_for_function("document.querySelector('#count b').textContent === '2'")
    assert page.locator("[name=class][value=pd]").is_checked()


def test_everything_can_be_done_with_the_keyboard(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("/")
    page.keyboard.type("nebula 2")
    opened.settle()
    assert opened.shown() == ["commons:M2"]
    page.keyboard.press("Escape")
    opened.settle()
    assert opened.shown() == ALL
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    opened.settle()
    assert opened.shown() == ["commons:M6", "commons:M1"]
    page.locator("[data-uid='commons:M1'] summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("[data-uid='commons:M1'] dd").first.is_visible()


def test_the_tab_key_comes_to_everything_the_mouse_can_use(opened: Opened) -> None:
    assert unreached(opened.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_can_be_read_in_light_and_dark(browser: Any, address: str, scheme: str) -> None:
    opened = Opened(browser, address, color_scheme=scheme, viewport={"width": 1300, "height": 900})
    assert opened.page.locator(WORDS).count() > 50
    assert dim(opened.page, WORDS) == []
    opened.page.context.close()


def test_groups_of_copies_in_a_row_are_of_one_height(browser: Any, address: str) -> None:
    opened = Opened(browser, address, viewport={"width": 1700, "height": 900})
    boxes = opened.page.evaluate(
        "[...document.querySelectorAll('#copies .family')].map(one => one.getBoundingClientRect())"
        ".map(box => [Math.round(box.top), Math.round(box.height)])"
    )
    assert boxes
    assert len(set(map(tuple, boxes))) == len({top for top, _ in boxes})
    opened.page.context.close()


def test_it_fits_a_phone(browser: Any, address: str) -> None:
    opened = Opened(browser, address, viewport={"width": 360, "height": 740})
    assert wider(opened.page) == 0
    assert opened.shown() == ALL
    opened.page.context.close()


def test_it_can_be_read_without_its_script(browser: Any, address: str) -> None:
    opened = Opened(browser, address, java_script_enabled=False)
    assert opened.page.locator("#filters").is_hidden()
    assert opened.page.locator("[data-uid='commons:M1'] .name").is_visible()
    assert opened.bad == []
    opened.page.context.close()
