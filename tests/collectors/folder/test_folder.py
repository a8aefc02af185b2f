"""The folder source: pictures on this disk, with the sidecar that says whose they are."""

import hashlib
import json
import os
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from collectors import folder
from collectors.folder import FolderSettings, OutsideFolder, SidecarBroken
from collectors.record import Original, Reason, Record, Skipped
from collectors.rights import Confidence, LicenceClass
from collectors.source import Ask
from collectors.storage.stores import Store

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
BY = {"licence": "CC-BY-4.0", "how_known": "the author wrote to us"}


class Home:
    """A recipe's folder with `images/` and `credits.jsonl`."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.images = base / "images"
        self.images.mkdir()
        self.answers = Store(base / "answers")
        self.lines: list[dict[str, Any]] = []

    def picture(self, file: str, size: tuple[int, int] = (40, 30), **said: Any) -> Path:
        """Put a picture in the folder, with a line where anything is said of it."""
        path = self.images / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise(size, 40).convert("RGB").save(path)
        if said:
            self.line(file, **said)
        return path

    def line(self, file: str, **said: Any) -> None:
        self.lines.append({"file": file, **said})

    def search(self, **settings: str) -> list[Record | Skipped]:
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        (self.base / "credits.jsonl").write_text(text, encoding="utf-8")
        ask = Ask(
            settings=FolderSettings(**{"path": "images", **settings}),
            subject="nebula",
            session=requests.Session(),
            answers=self.answers,
            now=lambda: NOW,
            base=self.base,
        )
        found = list(folder.search(ask))
        assert all(isinstance(one, Record | Skipped) for one in found)
        return [one for one in found if isinstance(one, Record | Skipped)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def record(found: list[Record | Skipped]) -> Record:
    (one,) = found
    assert isinstance(one, Record)
    return one


def skipped(found: list[Record | Skipped]) -> Skipped:
    (one,) = found
    assert isinstance(one, Skipped)
    return one


def test_a_picture_with_a_line_becomes_a_record_with_everything_the_line_says(home: Home) -> None:
    path = home.picture(
        "orion/m42.jpg",
        (64, 48),
        title="Orion Nebula",
        page="https://www.example.org/m42",
        creator="Ada Lane",
        creator_url="https://example.org/ada",
        taken="2011-03",
        description="Emission nebula.",
        categories=["Emission nebula"],
        **BY,
    )
    one = record(home.search())
    assert one.uid == "folder:orion%2Fm42.jpg"
    assert (one.source, one.subject, one.title) == ("folder", "nebula", "Orion Nebula")
    assert one.page == "https://www.example.org/m42"
    assert (one.found_by.query, one.found_by.path) == ("images", ("orion",))
    assert one.original == Original(
        url="orion/m42.jpg",
        sha1=hashlib.sha1(path.read_bytes()).hexdigest(),
        bytes=path.stat().st_size,
        width=64,
        height=48,
        mime="image/jpeg",
        taken="2011-03",
    )
    assert (one.creator.name, one.creator.url) == ("Ada Lane", "https://example.org/ada")
    assert (one.description, one.categories) == ("Emission nebula.", ("Emission nebula",))
    assert one.seen.first == "2026-11-22T16:00:00Z"
    for part in ("Orion Nebula", "Ada Lane", "example.org", "https://www.example.org/m42", "4.0"):
        assert part in one.credit_line


def test_the_licence_and_how_it_is_known_are_evidence(home: Home) -> None:
    home.picture("a.jpg", page="https://example.org/a", **BY)
    one = record(home.search())
    assert (one.rights.expression, one.rights.cls) == ("CC-BY-4.0", LicenceClass.BY)
    assert one.rights.confidence is Confidence.STATED
    assert {(e.channel, e.field, e.value) for e in one.evidence} == {
        ("sidecar", "licence", "CC-BY-4.0"),
        ("sidecar", "how_known", "the author wrote to us"),
    }
    assert {(e.url, e.at) for e in one.evidence} == {("https://example.org/a", "2026-11-22T16:00:00Z")}


def test_a_licence_that_nobody_can_place_counts_as_inferred(home: Home) -> None:
    home.picture("a.jpg", licence="Creative Commons Attribution 4.0")
    assert record(home.search()).rights.confidence is Confidence.INFERRED


def test_an_exact_id_or_address_is_a_statement(home: Home) -> None:
    home.picture("a.jpg", licence="CC-BY-4.0")
    assert record(home.search()).rights.confidence is Confidence.STATED


@pytest.mark.parametrize(
    ("said", "expression"),
    [
        ({"licence": "CC BY-SA 3.0"}, "CC-BY-SA-3.0"),
        ({"licence": "CC0-1.0"}, "CC0-1.0"),
        ({"licence": "Public domain"}, "LicenseRef-PD-unknown-basis"),
        ({"licence_url": "https://creativecommons.org/licenses/by/2.0/deed.de"}, "CC-BY-2.0"),
        ({"licence": "CC0-1.0", "licence_url": "https://example.org/terms"}, "CC0-1.0"),
        ({"licence_url": "https://example.org/terms"}, "NOASSERTION"),
        ({"licence": "take it, friend"}, "NOASSERTION"),
        ({}, "NOASSERTION"),
    ],
)  # fmt: skip
def test_a_licence_may_be_an_id_words_or_an_address(
    home: Home, said: dict[str, str], expression: str
) -> None:
    home.picture("a.jpg", how_known="a letter", **said)
    assert record(home.search()).rights.expression == expression


def test_words_that_cannot_be_read_are_not_overruled_by_an_address(home: Home) -> None:
    home.picture(
        "a.jpg",
        licence="CC BY 4.0, but not for machines",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        how_known="her page",
    )
    rights = record(home.search()).rights
    assert rights.cls is LicenceClass.UNKNOWN
    assert rights.conflict is not None
    assert "licence in the sidecar" in rights.conflict


def test_a_licence_and_an_address_that_disagree_are_a_conflict_and_the_stricter_counts(home: Home) -> None:
    home.picture(
        "a.jpg",
        licence="CC0-1.0",
        licence_url="https://creativecommons.org/licenses/by-nc/4.0/",
        how_known="two pages",
    )
    rights = record(home.search()).rights
    assert rights.chosen == "CC-BY-NC-4.0"
    assert rights.conflict is not None
    assert "CC0-1.0" in rights.conflict


def test_a_picture_without_a_line_has_no_licence(home: Home) -> None:
    home.picture("a.jpg")
    found = record(home.search())
    assert (found.uid, found.rights.expression) == ("folder:a.jpg", "NOASSERTION")
    assert found.original.bytes


def test_other_files_and_hidden_ones_are_no_pictures_that_were_seen(home: Home) -> None:
    home.picture(".hidden/a.jpg")
    home.picture("._b.jpg")
    (home.images / "README.txt").write_text("hello")
    assert home.search() == []


def test_the_sidecar_may_lie_in_the_folder_itself(home: Home) -> None:
    home.picture("a.png", **BY)
    (home.images / "own.jsonl").write_text(json.dumps({"file": "a.png", **BY}))
    assert record(home.search(sidecar="images/own.jsonl")).uid == "folder:a.png"


def test_a_line_without_a_licence_and_without_a_file_is_listed_for_the_audit(home: Home) -> None:
    home.line("ic405.jpg", creator="Peter", how_known="he names no licence")
    one = record(home.search())
    assert one.rights.cls is LicenceClass.UNKNOWN
    assert (one.original.url, one.original.sha1, one.file) == ("ic405.jpg", None, None)


def test_a_line_under_a_closed_licence_and_without_a_file_is_listed_too(home: Home) -> None:
    home.line("a.jpg", licence="All rights reserved", how_known="the page's footer")
    assert record(home.search()).rights.cls is LicenceClass.CLOSED


def test_a_licensed_line_whose_file_is_not_there_is_gone(home: Home) -> None:
    home.line("a.jpg", **BY)
    found = skipped(home.search())
    assert (found.key, found.reason) == ("folder:a.jpg", Reason.GONE)


def test_pictures_come_in_the_order_of_their_paths_whatever_the_order_of_the_lines(home: Home) -> None:
    for file in ("c.jpg", "a/z.jpg", "b.jpg", "a.jpg"):
        home.picture(file, **BY)
    keys = [one.uid for one in home.search() if isinstance(one, Record)]
    home.lines.reverse()
    assert keys == [one.uid for one in home.search() if isinstance(one, Record)]
    assert keys == ["folder:a.jpg", "folder:a%2Fz.jpg", "folder:b.jpg", "folder:c.jpg"]


def test_a_uid_does_not_change_when_other_pictures_come_or_go(home: Home) -> None:
    home.picture("m.jpg", **BY)
    before = record(home.search()).uid
    home.picture("a.jpg", **BY)
    home.picture("z.jpg", **BY)
    assert before in {one.uid for one in home.search() if isinstance(one, Record)}


@pytest.mark.parametrize(
    "file", ["M 42.jpg", "a/b/c.jpg", "Ünïcödé.jpg", "100%.jpg", "a:b?.jpg", "x" * 400, "é" * 200 + "/a.jpg"]
)
def test_every_path_gives_a_uid_that_a_record_accepts(file: str) -> None:
    made = folder.uid(file)
    assert Record.model_validate(
        {
            "uid": made,
            "source": "folder",
            "subject": "nebula",
            "title": "t",
            "page": None,
            "found_by": {"query": "images"},
            "original": {"url": file},
            "seen": {"first": ""},
        }
    ).uid == made  # fmt: skip


def test_different_paths_give_different_uids() -> None:
    paths = ["a/b.jpg", "a%2Fb.jpg", "a_b.jpg", "a b.jpg", "x" * 400, "x" * 399, "x" * 399 + "y", "A/b.jpg"]
    assert len({folder.uid(path) for path in paths}) == len(paths)


def test_two_spellings_of_an_accent_are_one_file(home: Home) -> None:
    home.picture("cafe\u0301.jpg")
    home.line("caf\u00e9.jpg", **BY)
    one = record(home.search())
    assert one.uid == folder.uid("cafe\u0301.jpg") == "folder:caf%C3%A9.jpg"
    assert (home.images / one.original.url).is_file()


def test_a_file_name_that_is_no_utf8_is_counted_and_stops_nothing(home: Home) -> None:
    home.picture("a.jpg", **BY)
    raw = os.fsencode(home.images) + b"/caf\xe9.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"x")
    found = home.search()
    assert [one.reason for one in found if isinstance(one, Skipped)] == [Reason.NO_LICENCE]
    assert json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False).encode()


def test_a_file_that_is_no_image_keeps_the_type_of_its_name_and_no_size(home: Home) -> None:
    (home.images / "film.mp4").write_bytes(b"not really a film")
    home.line("film.mp4", **BY)
    original = record(home.search()).original
    assert (original.mime, original.width, original.height) == ("video/mp4", None, None)


def test_the_type_is_read_from_the_file_and_not_from_its_name(home: Home) -> None:
    Image.new("RGB", (8, 8)).save(home.images / "a.jpg", format="PNG")
    home.line("a.jpg", **BY)
    assert record(home.search()).original.mime == "image/png"


def test_a_picture_that_claims_to_be_enormous_is_not_decoded_and_its_size_stays_open(home: Home) -> None:
    path = home.picture("huge.png", **BY)
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    original = record(home.search()).original
    assert (original.width, original.bytes) == (None, len(data))


def test_what_the_owner_says_of_ai_is_kept(home: Home) -> None:
    home.picture("a.jpg", ai_opted_out=True, ai_generated=False, **BY)
    ai = record(home.search()).ai
    assert (ai.opted_out, ai.generated) == (True, False)
    assert ai.signals == ("sidecar: ai_opted_out = true", "sidecar: ai_generated = false")


def test_the_kept_answer_gives_the_same_rights_again_offline(home: Home) -> None:
    home.picture("a.jpg", page="https://example.org/a", creator="Ada Lane", **BY)
    one = record(home.search())
    (sha256,) = {evidence.answer_sha256 for evidence in one.evidence}
    assert sha256 is not None
    again = folder.parse(home.answers.answer(sha256), "nebula")
    for name in ("uid", "rights", "creator", "credit_line", "ai", "original", "found_by"):
        assert getattr(again, name) == getattr(one, name)
    assert {e.answer_sha256 for e in again.evidence} == {sha256}


def test_a_line_that_says_nothing_of_rights_still_names_its_answer(home: Home) -> None:
    home.picture("a.jpg", title="no word about rights")
    (evidence,) = record(home.search()).evidence
    assert evidence.field == "file"
    assert evidence.answer_sha256 is not None
    assert evidence.answer_sha256 in home.answers


def test_the_same_folder_read_later_gives_the_same_answers(home: Home) -> None:
    home.picture("a.jpg", **BY)
    first = record(home.search())
    assert record(home.search()).evidence == first.evidence
    assert len([path for path in home.answers.root.rglob("*") if path.is_file()]) == 1


def test_where_nothing_names_the_author_the_credit_says_so_little_and_breaks_nothing(home: Home) -> None:
    home.picture("my_own_m42.jpg", **BY)
    one = record(home.search())
    assert one.title == "my own m42"
    assert one.credit_line.startswith("“my own m42”, via own collection")


def test_a_missing_folder_is_told_before_anything_else(home: Home) -> None:
    with pytest.raises(SidecarBroken) as caught:
        home.search(path="pictures")
    assert caught.value.line is None
    assert "pictures" in caught.value.problem


def test_a_broken_line_stops_the_search_with_its_number(home: Home) -> None:
    home.picture("a.jpg", license="CC0-1.0")
    with pytest.raises(SidecarBroken) as caught:
        home.search()
    assert caught.value.line == 1


def linked(home: Home, name: str, target: Path) -> None:
    (home.images / name).symlink_to(target)
    home.line(name, **BY)


def test_a_link_out_of_the_folder_is_not_followed(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    Image.new("RGB", (8, 8)).save(secret)
    linked(home, "innocent.jpg", secret)
    found = skipped(home.search())
    assert found.reason is Reason.NOT_AN_IMAGE
    assert "link" in found.detail


def test_a_link_within_the_folder_is_a_picture_like_any_other(home: Home) -> None:
    path = home.picture("a.jpg", **BY)
    linked(home, "b.jpg", path)
    assert [type(one) for one in home.search()] == [Record, Record]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_counted_reason(home: Home) -> None:
    home.picture("a.jpg", **BY).chmod(0)
    assert skipped(home.search()).reason is Reason.UNREADABLE


def opened(home: Home, url: str) -> Path:
    return folder.open_local(FolderSettings(path="images"), home.base, Original(url=url))


def test_an_original_is_opened_where_it_lies(home: Home) -> None:
    path = home.picture("a/b.jpg", **BY)
    assert opened(home, "a/b.jpg") == path


@pytest.mark.parametrize("url", ["../credits.jsonl", "/etc/passwd", "a/../../x.jpg"])
def test_a_manifest_cannot_make_us_read_outside_the_folder(home: Home, url: str) -> None:
    with pytest.raises(OutsideFolder) as caught:
        opened(home, url)
    assert caught.value.file == url


def test_the_row_in_the_table_of_sources_is_complete() -> None:
    source = folder.SOURCE
    parse: Callable[..., Record] = source.parse
    assert (source.name, source.settings, parse) == ("folder", FolderSettings, folder.parse)
    assert source.open_local is folder.open_local
    assert source.keys == {}
