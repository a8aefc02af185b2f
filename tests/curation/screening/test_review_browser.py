"""The review sheet in a real browser: keys, filter, download; the file is taken back and `curate` obeys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Opened, dim, unreached, wider
from builders import a_manifest, a_record, encoded, stored
from skies import a_sky
from test_screening import a_chart, lettered

from collectors.manifest import Manifest
from collectors.record import Reason
from collectors.storage.workspace import Workspace
from curation.curate import curate
from curation.screening import review
from curation.screening.decisions import taken
from curation.settings import CurateSettings, PolicySettings

pytestmark = pytest.mark.browser

SETTINGS = CurateSettings(size=64)
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest, Workspace]:
    workspace = Workspace(tmp_path_factory.mktemp("review"))
    pictures = [a_chart(), lettered(), lettered(words="IC 434 Horsehead"), a_sky(9, 200)]
    records = [
        stored(a_record(number=n, title=f"{n} {HOSTILE}"), workspace.originals, encoded(picture))
        for n, picture in enumerate(pictures, start=1)
    ]
    manifest = a_manifest(records)
    judged = curate(manifest, workspace, PolicySettings(), SETTINGS)
    path, waiting = review.write(
        manifest, judged, {}, workspace, settings=SETTINGS, title=HOSTILE, take="universe-gan review"
    )
    assert waiting.total == 3
    assert waiting.doubtful == sum(bool(one.doubts) for one in judged)
    return path, manifest, workspace


@pytest.fixture
def opened(browser: Any, sheet: tuple[Path, Manifest, Workspace]) -> Iterator[Opened]:
    page = Opened(browser, sheet[0].as_uri(), viewport={"width": 1200, "height": 900})
    yield page
    page.page.context.close()
    assert page.bad == []


def test_keys_decide_the_file_is_taken_back_and_curate_obeys(
    opened: Opened, sheet: tuple[Path, Manifest, Workspace], tmp_path: Path
) -> None:
    page, (_, manifest, workspace) = opened.page, sheet
    first, second, third = opened.shown()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("k")
    page.keyboard.press("d")
    page.keyboard.press("k")
    page.keyboard.press("u")
    assert page.locator("#count").inner_text() == "1 undecided, 2 to save"
    page.reload()
    assert page.locator("#count").inner_text() == "1 undecided, 2 to save"
    with page.expect_download() as download:
        page.get_by_role("button", name="Save decisions").click()
    file = tmp_path / "saved.json"
    download.value.save_as(file)
    known = {record.file.sha256: record.uid for record in manifest.records if record.file}
    decisions = taken(file, known)
    assert {one.uid: one.decision for one in decisions.values()} == {first: "keep", second: "drop"}
    judged = curate(manifest, workspace, PolicySettings(), SETTINGS, decisions=decisions)
    reasons = {one.uid: one.verdict.reason for one in judged}
    assert reasons[first] is None
    assert reasons[second] is Reason.REJECTED
    assert reasons[third] not in (None, Reason.REJECTED)


def test_it_can_be_filtered_by_reason_and_by_what_is_open(opened: Opened) -> None:
    page = opened.page
    everything = opened.shown()
    page.select_option("[name=topic]", "diagram")
    assert opened.shown() == ["commons:M1"]
    page.select_option("[name=topic]", "")
    page.locator(f"[data-uid='{everything[0]}'] [data-do=drop]").click()
    page.check("[name=open]")
    assert opened.shown() == everything[1:]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_words_can_be_read(
    browser: Any,
    sheet: tuple[Path, Manifest, Workspace],
    scheme: str,
) -> None:
    opened = Opened(browser, sheet[0].as_uri(), color_scheme=scheme, viewport={"width": 360, "height": 740})
    words = ".name, .reason, .reason b, dt, .lede, button:enabled, output"
    assert opened.page.locator(words).count() > 10
    assert dim(opened.page, words) == []
    assert unreached(opened.page) == []
    assert wider(opened.page) == 0
    assert opened.page.locator("#keys code").is_visible(), "a phone says too how decisions are taken back"
    assert opened.page.locator("#keys .walk").is_hidden()
    opened.page.context.close()
