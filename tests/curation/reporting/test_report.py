"""The report as a file: complete, self-contained, deaf to hostile words, the same every time."""

import base64
import hashlib
import os
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from builders import BY, CC0, NASA, SA, UNKNOWN, a_judgement, a_manifest, a_nebula, a_record, encoded, stored

from collectors.manifest import Manifest
from collectors.record import Reason, Verdict
from collectors.storage.workspace import Workspace
from curation.auditing.audit import audit
from curation.dataset.write import build
from curation.imaging.crop import Box
from curation.judged import Judged
from curation.outcome import outcomes
from curation.reporting import page, report, thumbnails
from curation.reporting.thumbnails import Pictures, thumbnail
from curation.reporting.tiles import families, tiles
from curation.settings import CurateSettings, PolicySettings

HOSTILE = (
    "</script><img src=x onerror=alert(1)><script>alert(2)</script>\" onclick='alert(3)' {{ 7*7 }} \u202egnp"
)


NO_PICTURES = Pictures({}, {})


class Page(HTMLParser):
    """Tags, their attributes and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inline: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("style", "script"):
            self.inline[self._inside] = self.inline.get(self._inside, "") + data
        else:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


def a_collection(workspace: Workspace) -> tuple[Manifest, list[Judged]]:
    """One of each fate: kept, a turned copy of it, too small, damaged, refused for its licence, hostile."""
    kept = stored(a_record(number=1), workspace.originals, encoded(a_nebula(1)))
    copy = stored(a_record(number=2, rights=BY), workspace.originals, encoded(a_nebula(1).rotate(90)))
    small = stored(a_record(number=3, rights=CC0), workspace.originals, encoded(a_nebula(3, (40, 30))))
    broken = stored(a_record(number=4, rights=NASA), workspace.originals, encoded(a_nebula(4)))
    refused = a_record(
        number=5,
        rights=UNKNOWN,
        file=None,
        refused=Verdict(reason=Reason.NO_LICENCE, detail="nothing is stated"),
    )
    hostile = stored(
        a_record(
            number=6,
            title=HOSTILE,
            page="javascript:alert(4)",
            creator={"name": HOSTILE, "url": "javascript:alert(5)"},
            rights=SA | {"conflict": HOSTILE},
            evidence=({"channel": "extmetadata", "field": "LicenseUrl", "value": HOSTILE},),
        ),
        workspace.originals,
        encoded(a_nebula(6)),
    )
    judged = [
        a_judgement(kept, width=160, height=120, box=(20, 0, 140, 120), alternates=(copy.uid,)),
        a_judgement(
            copy,
            verdict=Verdict(reason=Reason.DUPLICATE, detail="turned by 90°", twin=kept.uid),
            width=120,
            height=160,
        ),
        a_judgement(
            small, verdict=Verdict(reason=Reason.TOO_SMALL, detail="40 × 30 px"), width=40, height=30
        ),
        a_judgement(
            broken, verdict=Verdict(reason=Reason.UNREADABLE, detail="cut off"), width=None, height=None
        ),
        a_judgement(hostile, width=160, height=120, box=(20, 0, 140, 120)),
    ]
    manifest = a_manifest([kept, copy, small, broken, refused, hostile], skipped={"not-needed": 90})
    return manifest, judged


def written(workspace: Workspace, **options: Any) -> str:
    manifest, judged = a_collection(workspace)
    return report.write(
        manifest, judged, workspace, policy=PolicySettings(), workers=1, **options
    ).read_text()


def test_every_image_is_there_with_its_fate(workspace: Workspace) -> None:
    page = Page(written(workspace, title="Nebulae"))
    fates = {
        li["data-uid"]: (li["data-state"], li["data-reason"]) for li in page.all("li") if "data-uid" in li
    }
    assert fates == {
        "commons:M1": ("kept", ""),
        "commons:M2": ("dropped", "duplicate"),
        "commons:M3": ("dropped", "too-small"),
        "commons:M4": ("dropped", "unreadable"),
        "commons:M5": ("refused", "no-licence"),
        "commons:M6": ("kept", ""),
    }
    for words in (
        "a copy of “ Nebula 1.jpg ”",
        "turned by 90°",
        Reason.TOO_SMALL.words,
        "40 × 30 px",
        "cannot be decoded",
        "nothing is stated",
        Reason.NOT_NEEDED.words,
    ):
        assert words in page.text, words


def test_numbers_add_up(workspace: Workspace) -> None:
    page = Page(written(workspace))
    assert re.search(r"seen 96 fetched 5 kept 2 licences kept 1 originals", page.text)
    assert "2 kept 3 fetched and left out 91 not fetched" in page.text


def test_a_picture_for_all_that_can_be_seen_and_words_for_the_rest(workspace: Workspace) -> None:
    page = Page(written(workspace))
    pictures = [picture for picture in page.all("img") if "width" in picture]
    assert len({picture["src"] for picture in pictures}) == 4
    for picture in pictures:
        source = str(picture["src"])
        assert source.startswith("data:image/webp;base64,UklG")
        assert (picture["loading"], picture["decoding"]) == ("lazy", "async")


def test_copies_stand_beside_their_twin(workspace: Workspace) -> None:
    manifest, judged = a_collection(workspace)
    all_of_them = outcomes(manifest, judged, PolicySettings())
    shown = tuple(tiles(all_of_them, NO_PICTURES, frozenset()))
    assert [[tile.uid for tile in family] for family in families(shown, all_of_them)] == [
        ["commons:M1", "commons:M2"],
        ["commons:M6"],
    ]


def test_hostile_words_stay_words(workspace: Workspace) -> None:
    text = written(workspace, title=HOSTILE)
    page = Page(text)
    counts = Counter(tag for tag, _ in page.tags)
    assert counts["script"] == counts["style"] == 1
    assert all(str(image["src"]).startswith("data:") for image in page.all("img"))
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "\u202e" not in text


def test_only_the_web_is_linked_and_nothing_is_loaded(workspace: Workspace) -> None:
    page = Page(written(workspace))
    for link in page.all("a"):
        target = str(link["href"])
        assert target.startswith(("https://", "http://", "#")), target
        if not target.startswith("#"):
            assert link["rel"] == "noopener noreferrer"
    loaders = {"link", "iframe", "object", "embed", "base", "form-action", "video", "audio", "source"}
    assert not loaders & {tag for tag, _ in page.tags}
    assert not re.search(
        r"url\(|@import|fetch\(|XMLHttpRequest|import\(", page.inline["style"] + page.inline["script"]
    )


def test_the_security_policy_names_the_one_style_and_the_one_script(workspace: Workspace) -> None:
    page = Page(written(workspace))
    policy = next(str(meta["content"]) for meta in page.all("meta") if "http-equiv" in meta)
    for part, kind in (("style-src", "style"), ("script-src", "script")):
        digest = base64.b64encode(hashlib.sha256(page.inline[kind].encode()).digest()).decode()
        assert f"{part} 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not [attrs for _, attrs in page.tags if "style" in attrs]


def test_the_same_input_gives_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    first = written(workspace)
    assert written(workspace) == first
    assert written(Workspace(tmp_path / "elsewhere")) == first


def test_thumbnails_are_made_once(workspace: Workspace) -> None:
    asked: list[Path] = []

    def counting(path: Path, box: Box | None) -> bytes | None:
        asked.append(path)
        return thumbnail(path, box)

    written(workspace, make=counting)
    assert len(asked) == 6
    written(workspace, make=counting)
    assert len(asked) == 6


def test_finished_squares_spare_the_originals(workspace: Workspace) -> None:
    settings = CurateSettings(size=64)
    manifest, judged = a_collection(workspace)
    build(manifest, judged, workspace, settings, policy=PolicySettings())
    asked: list[Path] = []

    def counting(path: Path, box: Box | None) -> bytes | None:
        asked.append(path)
        return thumbnail(path, box)

    written(workspace, settings=settings, make=counting)
    squares = workspace.root / "squares"
    assert sum(squares in path.parents for path in asked) == 2
    assert len(asked) == 6


def test_a_decoder_that_crashes_costs_one_picture(workspace: Workspace) -> None:
    manifest, judged = a_collection(workspace)
    path = report.write(
        manifest, judged, workspace, policy=PolicySettings(), workers=2, make=_crash_on_the_small
    )
    page = Page(path.read_text())
    assert len({picture["src"] for picture in page.all("img") if "width" in picture}) == 3
    assert "no picture here" in page.text


def _crash_on_the_small(path: Path, box: Box | None) -> bytes | None:
    if len(path.read_bytes()) < 5_000:
        os._exit(11)
    return thumbnail(path, box)


def test_an_original_that_is_gone_leaves_words(workspace: Workspace) -> None:
    manifest, judged = a_collection(workspace)
    kept = manifest.records[0]
    assert kept.file is not None
    workspace.originals.path(kept.file.sha256).unlink()
    page = Page(report.write(manifest, judged, workspace, policy=PolicySettings(), workers=1).read_text())
    assert "no picture here" in page.text


def test_too_many_images_lose_their_thumbnails_and_the_page_says_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "MOST_KEPT", 1)
    monkeypatch.setattr(thumbnails, "MOST_DROPPED", 1)
    page = Page(written(workspace))
    assert len({picture["src"] for picture in page.all("img") if "width" in picture}) == 2
    assert "left out to keep this page small" in page.text
    assert "3 images have no thumbnail here" in page.text


def test_marks_carry_their_evidence(workspace: Workspace) -> None:
    manifest, judged = a_collection(workspace)
    shown = {
        tile.uid: tile
        for tile in tiles(outcomes(manifest, judged, PolicySettings()), NO_PICTURES, frozenset())
    }
    assert [mark.name for mark in shown["commons:M6"].marks] == ["conflict"]
    assert [mark.name for mark in shown["commons:M4"].marks] == ["inferred"]
    page = Page(written(workspace))
    assert "https://creativecommons.org/licenses/by-sa/4.0" in page.text
    assert "extmetadata · LicenseUrl" in page.text


def test_violations_of_the_audit_are_at_the_top(workspace: Workspace) -> None:
    manifest, _ = a_collection(workspace)
    strict = PolicySettings(allow=("by",))
    found = audit(manifest, strict)
    assert found.violations
    page = Page(written(workspace, audit=found))
    assert f"The audit found {len(found.violations)} violation" in page.text
    assert "The audit found" not in Page(written(workspace, audit=None)).text


def test_images_the_policy_does_not_publish_are_not_shown_as_kept(workspace: Workspace) -> None:
    manifest, judged = a_collection(workspace)
    path = report.write(manifest, judged, workspace, policy=PolicySettings(allow=("pd",)), workers=1)
    states = Counter(li["data-state"] for li in Page(path.read_text()).all("li") if "data-state" in li)
    assert states == {"dropped": 5, "refused": 1}


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (640_200_000, "640 MB"), (13_200_000_000, "13.2 GB")],
)
def test_sizes_are_said_in_short_numbers(count: int, words: str) -> None:
    assert page._size(count) == words
