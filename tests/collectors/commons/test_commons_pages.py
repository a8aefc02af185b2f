"""File pages of the MediaWiki API: parts put together, and what a page amounts to."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.commons.pages import (
    MissingFile,
    merged,
    parse,
    parse_page,
    without_namespace,
    without_tracking,
    wrap,
)
from collectors.matching import matching
from collectors.record import Record
from collectors.rights import Confidence
from collectors.storage.stores import Store

RECORDED = Path(__file__).resolve().parents[3].parent / "shared" / "recorded" / "wikimedia"
COMMONS = "https://commons.wikimedia.org/w/api.php"
ORION = "https://upload.wikimedia.org/wikipedia/commons/a/ab/Orion.jpg"


def recorded(name: str) -> dict[str, Any]:
    if not RECORDED.is_dir():
        pytest.skip("the recorded answers are not here")
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def a_page(**changes: Any) -> dict[str, Any]:
    """A whole page, shaped after the documented API (formatversion 2)."""
    info = {
        "url": f"{ORION}?utm_source=x&utm_content=original",
        "descriptionurl": "https://commons.wikimedia.org/wiki/File:Orion.jpg",
        "timestamp": "2019-03-02T10:00:00Z",
        "sha1": "a" * 40,
        "size": 1000,
        "width": 800,
        "height": 600,
        "mime": "image/jpeg",
        "extmetadata": fields(LicenseUrl="https://creativecommons.org/licenses/by/4.0", Artist="Ada"),
    }
    page = {
        "pageid": 42,
        "ns": 6,
        "title": "File:Orion.jpg",
        "imagerepository": "local",
        "imageinfo": [info | changes.pop("info", {})],
        "categories": [
            {"title": "Category:Emission nebulae", "hidden": False},
            {"title": "Category:CC-BY-4.0", "hidden": True},
        ],
        "revisions": [{"revid": 9, "timestamp": "2019-03-02T10:00:00Z"}],
    }
    return page | changes


def fields(**values: Any) -> dict[str, Any]:
    return {name: {"value": value, "source": "commons-desc-page"} for name, value in values.items()}


def read(page: dict[str, Any], *, wiki: str = "commons", at: datetime | None = None) -> Record:
    return parse_page(wrap(page, api=COMMONS, wiki=wiki, path=("Nebulae", "Orion")), "nebula", at)


@pytest.mark.parametrize(
    ("parts", "whole"), [((1, 2), "wmc_pretty1plus2.json"), ((1, 2, 3), "wmc_pretty123.json")]
)
def test_a_batch_that_was_split_comes_out_whole(parts: tuple[int, ...], whole: str) -> None:
    answers = [recorded(f"wmc_pretty{number}.json") for number in parts]
    expected = recorded(whole)["query"]["pages"]
    (batch,) = merged(answers)
    assert {str(page["pageid"]): page for page in batch} == expected


def test_pages_are_given_only_when_their_batch_is_complete() -> None:
    told: list[int] = []

    def arriving() -> Any:
        for number in (1, 2, 3):
            told.append(number)
            yield recorded(f"wmc_pretty{number}.json")

    next(merged(arriving()))
    assert told == [1, 2, 3]


def test_formatversion_2_is_merged_alike() -> None:
    first = {"query": {"pages": [{"pageid": 1, "imageinfo": [{"url": "u"}], "categories": [{"title": "A"}]}]}}
    second = {
        "batchcomplete": True,
        "query": {"pages": [{"pageid": 1, "categories": [{"title": "A"}, {"title": "B"}]}]},
    }
    (batch,) = merged([first, second])
    assert batch == [
        {"pageid": 1, "imageinfo": [{"url": "u"}], "categories": [{"title": "A"}, {"title": "B"}]}
    ]


def test_merging_leaves_the_answers_as_they_came() -> None:
    parts = [
        {"query": {"pages": [{"pageid": 1, "categories": [{"title": "A"}]}]}},
        {"batchcomplete": True, "query": {"pages": [{"pageid": 1, "categories": [{"title": "B"}]}]}},
    ]
    before = copy.deepcopy(parts)
    list(merged(parts))
    assert parts == before


def test_batches_are_kept_apart_and_empty_answers_are_no_pages() -> None:
    answers = [
        {"batchcomplete": True, "query": {"pages": [{"pageid": 1}]}},
        {"batchcomplete": True},
        {"batchcomplete": False, "query": {"pages": [{"pageid": 2}]}},
    ]
    assert list(merged(answers)) == [[{"pageid": 1}], [], [{"pageid": 2}]]


def test_every_recorded_file_becomes_a_record_with_a_licence_and_an_author() -> None:
    (batch,) = merged(recorded(f"wmc_pretty{number}.json") for number in (1, 2, 3))
    records = {record.title: record for record in map(read, batch)}
    assert len(records) == 9
    assert all(
        record.creator.name and record.rights.expression != "NOASSERTION" for record in records.values()
    )
    volcano = records["Minchinmavida Volcano.jpg"]
    # 57 of 162 recorded answers are "Public domain" without an address; they must not get lost.
    assert volcano.rights.expression == "LicenseRef-PD-unknown-basis"
    assert volcano.rights.confidence is Confidence.INFERRED
    assert volcano.creator.url == "https://en.wikipedia.org/wiki/it:User:Elvezio"
    heidelberg = records["2002-04-02 Hauptstraße, Heidelberg IMG 0404.jpg"]
    assert heidelberg.rights.chosen.endswith("CC-BY-SA-3.0-DE")
    assert heidelberg.creator.url == "https://commons.wikimedia.org/wiki/User:Hasenl%C3%A4ufer"
    assert "Photo: Eckhard Henkel / Wikimedia Commons" in heidelberg.credit_line


def test_the_recorded_answer_of_2026_loses_its_tracking_and_keeps_its_name() -> None:
    (batch,) = merged([recorded("imageinfo_2026_utm_fv2.json")])
    record = read(batch[0])
    assert record.uid == "commons:M46242676"
    assert record.original.url.endswith("%A8%D8%A9.jpg")
    assert record.rights.expression == "CC-BY-SA-4.0"
    assert (record.original.width, record.original.height, record.original.bytes) == (960, 540, 81503)


def test_a_page_becomes_a_record() -> None:
    record = read(a_page(), at=datetime(2026, 11, 1, 12, tzinfo=UTC))
    assert record.uid == "commons:M42"
    assert record.title == "Orion.jpg"
    assert record.page == "https://commons.wikimedia.org/wiki/File:Orion.jpg"
    assert (record.found_by.query, record.found_by.path) == ("Nebulae", ("Nebulae", "Orion"))
    assert record.original.url == ORION
    assert record.original.revision == "2019-03-02T10:00:00Z"
    assert record.categories == ("Emission nebulae",)
    assert record.rights.expression == "CC-BY-4.0"
    assert record.rights.conflict is None
    assert record.seen.first == "2026-11-01T12:00:00Z"
    assert {one.channel for one in record.evidence} == {"extmetadata", "categories"}
    assert all(one.url == "https://commons.wikimedia.org/w/index.php?oldid=9" for one in record.evidence)
    assert all(one.at == "2026-11-01T12:00:00Z" for one in record.evidence)


def test_the_kept_answer_alone_gives_the_record_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    answer = wrap(a_page(), api=COMMONS, wiki="commons", path=("Nebulae",))
    sha256 = store.add_answer(answer)
    asked = parse_page(answer, "nebula", datetime(2026, 11, 1, tzinfo=UTC))
    assert asked.evidence[0].answer_sha256 == sha256
    again = parse(store.answer(sha256), "nebula")
    undated = [one.model_copy(update={"at": None}) for one in asked.evidence]
    assert list(again.evidence) == undated
    assert again.rights == asked.rights
    assert again.credit_line == asked.credit_line


def test_the_place_in_a_batch_and_tracking_do_not_change_the_kept_answer() -> None:
    one, other = a_page(index=3), a_page(index=17, info={"url": ORION})
    assert wrap(one, api=COMMONS, wiki="commons", path=()) == wrap(
        other, api=COMMONS, wiki="commons", path=()
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"imageinfo": []},
        {"imageinfo": [{"filemissing": True}]},
        {"imageinfo": [{"timestamp": "2019-03-02T10:00:00Z"}]},
    ],
)
def test_a_page_without_a_file_is_missing_and_says_which(broken: dict[str, Any]) -> None:
    with pytest.raises(MissingFile) as caught:
        read(a_page(**broken))
    assert caught.value.uid == "commons:M42"


def test_empty_extmetadata_arrives_as_a_list_and_permits_nothing() -> None:
    record = read(a_page(info={"extmetadata": []}, categories=[]))
    assert record.rights.expression == "NOASSERTION"
    assert record.creator.name is None
    assert [one.value for one in record.evidence] == [""]
    assert record.evidence[0].answer_sha256


def test_a_size_of_zero_is_not_known() -> None:
    original = read(a_page(info={"width": 0, "height": 0, "size": 0})).original
    assert (original.width, original.height, original.bytes) == (None, None, None)


def test_the_categories_of_a_page_about_another_wikis_file_say_nothing_of_its_licence() -> None:
    record = read(a_page(imagerepository="shared", info={"extmetadata": []}))
    assert record.rights.expression == "NOASSERTION"
    assert record.categories == ()


def test_hidden_is_a_bare_word_in_formatversion_1() -> None:
    categories = [{"title": "Category:CC-BY-4.0", "hidden": ""}, {"title": "Category:Orion"}]
    assert read(a_page(categories=categories)).categories == ("Orion",)


def test_another_wiki_has_its_own_uids_and_its_own_name_in_the_credit() -> None:
    answer = wrap(a_page(), api="https://wiki.example.org/w/api.php", wiki="wiki-stars", path=("N",))
    record = parse(answer, "nebula")
    assert record.uid == "wiki-stars:M42"
    assert "via wiki.example.org" in record.credit_line


def test_the_words_an_author_demands_stand_in_the_credit() -> None:
    metadata = fields(
        LicenseShortName="CC BY 4.0", Artist="A. Lane", Attribution="Photo: <b>A. Lane</b> / ESO"
    )
    record = read(a_page(info={"extmetadata": metadata}))
    assert record.creator.name == "A. Lane"
    assert "Photo: A. Lane / ESO" in record.credit_line


@pytest.mark.parametrize(
    ("category", "generated"),
    [
        ("AI-generated images of space", True),
        ("Images generated by Midjourney", True),
        ("PD-algorithm", True),
        ("Created with GIMP", None),
        ("Nebulae generated by supernovae", None),
    ],
)
def test_a_category_may_say_that_a_machine_made_it(category: str, generated: bool | None) -> None:
    record = read(a_page(categories=[{"title": f"Category:{category}", "hidden": True}]))
    assert record.ai.generated is generated
    assert record.ai.signals == ((category,) if generated else ())


def test_tracking_goes_and_other_parameters_stay() -> None:
    assert without_tracking("https://h/a.jpg?utm_source=x&v=2&utm_content=y") == "https://h/a.jpg?v=2"
    assert without_tracking("https://h/a%3Fb.jpg") == "https://h/a%3Fb.jpg"


def test_namespaces_go_in_any_language_and_colons_stay() -> None:
    assert without_namespace("Datei:M 42: Orion.jpg") == "M 42: Orion.jpg"


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("*(software)*", "Nebula (software)", True),
        ("*LOGOS*", "Observatory logos", True),
        ("dark_nebulae", "Dark nebulae", True),
        ("dark", "Dark nebulae", False),
        ("*größe*", "Nebel der GRÖSSE", True),
        ("m 42*", "M_42.jpg", True),
    ],
)
def test_globs_fit_whatever_the_case(glob: str, name: str, fits: bool) -> None:
    assert matching([glob], ["something else", name]) == (glob if fits else None)
