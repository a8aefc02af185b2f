"""What a photo of Flickr's API amounts to: recorded answers, odd ones, and any at all."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from flickr_server import LICENCES, a_photo, change
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.flickr.photos import NoPhoto, as_sizes, from_info, from_sizes, parse, wrap
from collectors.licences import UNKNOWN, from_flickr_id, get, strictness
from collectors.record import Reason, Record
from collectors.rights import Confidence

RECORDED = Path(__file__).resolve().parents[3].parent / "shared" / "recorded" / "flickr"
API = "https://api.flickr.com/services/rest/"


def recorded(name: str) -> Path:
    if not RECORDED.is_dir():
        pytest.skip("the recorded answers are not here")
    return RECORDED / name


def cassette(name: str) -> dict[str, dict[str, Any]]:
    """Recorded answers by method, turned from XML to JSON as Flickr does: attributes and `_content`."""
    kept = yaml.safe_load(recorded(name).read_text(encoding="utf-8"))
    return {
        one["request"]["uri"].partition("method=flickr.")[2].partition("&")[0]: _json(
            ElementTree.fromstring(one["response"]["body"]["string"])
        )
        for one in kept["interactions"]
    }


REPEATED = {"license", "license_history", "tag", "url"}


def _json(element: ElementTree.Element) -> dict[str, Any]:
    said: dict[str, Any] = dict(element.attrib)
    for child in element:
        if child.tag in REPEATED:
            said.setdefault(child.tag, []).append(_json(child))
        else:
            said[child.tag] = _json(child)
    if element.text and element.text.strip():
        said["_content"] = element.text
    return said


def read(photo: Any, **beside: Any) -> Record:
    return parse(wrap(photo, api=API, query="text: nebula", licence=None, **beside), "nebula")


def row(id: str) -> dict[str, str]:
    name, url = LICENCES[id]
    return {"id": id, "name": name, "url": url}


# --- recorded


def test_every_recorded_photo_is_read() -> None:
    photos = json.loads(recorded("search_page.json").read_text(encoding="utf-8"))["photos"]["photo"]
    found = [read(photo) for photo in photos]
    assert len({record.uid for record in found}) == len(photos) == 30
    first = found[0]
    assert first.uid == "flickr:49514337848"
    assert first.title == "Warsy (église) • 7433"
    assert first.page == "https://www.flickr.com/photos/7478087@N06/49514337848/"
    assert (first.creator.name, first.creator.url) == (
        "markustrois",
        "https://www.flickr.com/people/7478087@N06/",
    )
    assert first.rights.expression == "CC-BY-NC-SA-2.0"
    assert first.rights.confidence is Confidence.STATED
    # Its original has 3178 × 4932 pixels, but only the size Large may be had.
    original = first.original
    assert (original.width, original.height, original.rendition) == (660, 1024, "large")
    assert (original.mime, original.taken) == ("image/jpeg", "2011-11-05 15:54:37")
    assert first.description.startswith("Warsy (Somme, France) - www.google.com/maps/")
    assert "Warsy" in first.credit_line
    assert "markustrois" in first.credit_line
    third = found[2]
    assert third.original.taken is None  # "datetakenunknown": "1"
    assert "Leer más – Ver Víd" in third.description


def test_the_recorded_table_of_licences_says_what_ours_says() -> None:
    rows = cassette("TestLicenseMethods.test_get_licenses.yml")["photos.licenses.getInfo"]
    table = {one["id"]: one for one in rows["licenses"]["license"]}
    assert sorted(map(int, table)) == list(range(17))
    for id, one in table.items():
        answer = wrap(a_photo(1, license=id), api=API, query="q", licence=one)
        rights = parse(answer, "nebula").rights
        assert rights.expression == from_flickr_id(id)
        assert rights.conflict is None


def test_the_recorded_history_is_dated_evidence_beside_the_recorded_photo() -> None:
    told = cassette("TestGetLicenseHistory.test_photo_with_changed_license.yml")
    info = told["photos.getInfo"]["photo"]
    sizes = {"url_l": "https://live.staticflickr.com/65535/54450311696_24280eeefa_b.jpg"}
    record = read(
        from_info(info, sizes), history=told["photos.licenses.getLicenseHistory"]["license_history"]
    )
    assert (record.uid, record.title) == (
        "flickr:54450311696",
        "[Portrait of a man holding the jaw of a shark]",
    )
    assert record.creator.name == "Auckland War Memorial Museum Tāmaki Paenga Hira"
    assert record.categories == ("fishing", "trip")
    assert record.original.taken == "2013-12-17 14:37:16"
    assert (record.rights.expression, record.rights.conflict) == ("LicenseRef-Flickr-NKCR", None)
    assert [(one.channel, one.value) for one in record.evidence] == [
        ("flickr", "7"),
        ("licence-history", "2025-04-14T02:34:50Z: All Rights Reserved → Public Domain Mark"),
        (
            "licence-history",
            "2025-04-17T15:58:25Z: Public Domain Mark → No known copyright restrictions",
        ),
    ]
    assert "shark" in record.description


# --- files


@pytest.mark.parametrize(
    ("changes", "rendition", "size", "mime"),
    [
        ({}, "original", (800, 600), "image/jpeg"),
        ({"url_o": None}, "large", (1024, 768), "image/jpeg"),
        (
            {"url_o": None, "url_k": "https://h/1_k.png", "width_k": 2048},
            "large 2048",
            (2048, None),
            "image/png",
        ),
        ({"url_o": "ftp://h/1_o.jpg"}, "large", (1024, 768), "image/jpeg"),
        ({"url_o": "http://[h/1_o.jpg"}, "large", (1024, 768), "image/jpeg"),
        ({"url_o": "https://h/a b.jpg"}, "large", (1024, 768), "image/jpeg"),
        (
            {"width_o": None, "height_o": None, "o_width": "9", "o_height": 8},
            "original",
            (9, 8),
            "image/jpeg",
        ),
        ({"width_o": 0, "height_o": "x"}, "original", (None, None), "image/jpeg"),
        ({"url_o": "https://h/1_o.tif?x=1"}, "original", (800, 600), "image/tiff"),
        ({"url_o": "https://h/1_o"}, "original", (800, 600), None),
    ],
)
def test_the_best_size_that_has_an_address_is_taken(
    changes: dict[str, Any], rendition: str, size: tuple[Any, Any], mime: str | None
) -> None:
    original = read(a_photo(1, **changes)).original
    assert (original.rendition, (original.width, original.height), original.mime) == (rendition, size, mime)
    assert original.revision == "s1"


def test_sizes_go_from_one_answer_into_the_shape_of_the_other() -> None:
    told = [
        {"label": "Large Square", "source": "https://h/q.jpg", "width": 150, "height": 150},
        {"label": "Large 2048", "source": "https://h/k.jpg", "width": "2048", "height": "1536"},
    ]
    original = read(a_photo(1, url_o=None, url_l=None) | from_sizes(told)).original
    assert (original.url, original.width, original.rendition) == ("https://h/k.jpg", 2048, "large 2048")
    assert read(a_photo(1, url_o=None, url_l=None) | as_sizes(original)).original == original


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, "2011-11-05 15:54:37"),
        ({"datetakenunknown": "1"}, None),
        ({"datetakengranularity": 4}, "2011-11"),
        ({"datetakengranularity": "6"}, "2011"),
        ({"datetakengranularity": "8"}, "circa 2011"),
        ({"datetaken": "0000-00-00 00:00:00"}, None),
        ({"datetaken": "yesterday"}, None),
        ({"datetaken": None}, None),
    ],
)
def test_a_date_is_told_as_exactly_as_its_owner_knows_it(changes: dict[str, Any], taken: str | None) -> None:
    assert read(a_photo(1, **changes)).original.taken == taken


# --- rights


@pytest.mark.parametrize(
    ("number", "licence", "history", "expression"),
    [
        ("4", None, None, "CC-BY-2.0"),
        (4, row("4"), None, "CC-BY-2.0"),
        ("16", None, None, "CC-BY-NC-ND-4.0"),
        ("17", None, None, UNKNOWN),
        ("17", {"id": "17", "name": "", "url": ""}, None, UNKNOWN),
        ("17", {"id": "17", "name": "Ask me", "url": "https://example.org/ask"}, None, UNKNOWN),
        ("4", {"id": "4", "name": "CC BY 9.9", "url": f"{LICENCES['4'][1]}fine/"}, None, UNKNOWN),
        ("x", None, None, UNKNOWN),
        (None, None, None, UNKNOWN),
        (True, None, None, UNKNOWN),
        ("-4", None, None, UNKNOWN),
        ("4", None, [change(5, "0", "4")], "CC-BY-2.0"),
        ("4", None, [change(9, "4", "0"), change(5, "0", "4")], "CC-BY-2.0 AND LicenseRef-AllRightsReserved"),
        ("4", None, [change(5, "4", "")], "CC-BY-2.0"),
        ("4", None, [{"date_change": "x", "new_license": "a mystery"}], "CC-BY-2.0"),
        ("17", None, [change(5, "0", "4")], UNKNOWN),
        ("10", row("9"), None, "CC-PDM-1.0"),
        ("9", None, [change(5, "0", "10")], "CC-PDM-1.0"),
        ("10", None, [change(5, "0", "8")], "CC-PDM-1.0"),
    ],
)
def test_rights_follow_from_number_table_and_history(
    number: Any, licence: Any, history: Any, expression: str
) -> None:
    answer = wrap(a_photo(1, license=number), api=API, query="q", licence=licence, history=history)
    record = parse(answer, "nebula")
    assert record.rights.expression == expression
    assert record.evidence[0].channel == "flickr"
    assert len({one.answer_sha256 for one in record.evidence}) == 1


def test_a_public_domain_mark_is_a_claim_whoever_set_it() -> None:
    answer = wrap(
        a_photo(1, license="10"), api=API, query="q", licence=row("10"), history=[change(5, "0", "10")]
    )
    rights = parse(answer, "nebula").rights
    assert (rights.expression, rights.cls.value, rights.conflict) == ("CC-PDM-1.0", "pd-claim", None)


@pytest.mark.parametrize(
    ("changes", "generated"),
    [
        ({}, None),
        ({"tags": "planet aiart"}, True),
        ({"tags": "Midjourney5"}, True),
        ({"tags": "airport faint aigle fair"}, None),
        ({"title": "Made with Stable Diffusion"}, True),
        ({"description": {"_content": "An <i>AI-generated</i> planet"}}, True),
        ({"description": {"_content": "Generated by a laser guide star"}}, None),
    ],
)
def test_an_owner_who_says_that_a_generator_made_it_is_believed(
    changes: dict[str, Any], generated: bool | None
) -> None:
    ai = read(a_photo(1, **changes)).ai
    assert (ai.generated, bool(ai.signals), ai.opted_out) == (generated, generated is True, None)


def test_an_owner_without_a_name_is_nobody() -> None:
    record = read(a_photo(1, ownername=" ", owner=None))
    assert (record.creator.name, record.creator.url, record.page) == (None, None, None)


def test_an_answer_stays_the_same_while_the_photo_does() -> None:
    first, second = (wrap(a_photo(1, views=views), api=API, query="q", licence=None) for views in ("7", "8"))
    assert first == second


# --- anything at all


@pytest.mark.parametrize(
    ("photo", "key", "reason"),
    [
        (a_photo(1, media="video"), "flickr:1", Reason.NOT_AN_IMAGE),
        (a_photo(1, url_o=None, url_l=None), "flickr:1", Reason.GONE),
        (a_photo(1, id="../etc/x y"), "flickr:.._etc_x_y", Reason.UNREADABLE),
        (a_photo(1, id=None), "flickr:?", Reason.UNREADABLE),
        ({}, "flickr:?", Reason.UNREADABLE),
        ([], "flickr:?", Reason.UNREADABLE),
        (None, "flickr:?", Reason.UNREADABLE),
    ],
)
def test_what_is_no_photo_says_which_and_why(photo: Any, key: str, reason: Reason) -> None:
    with pytest.raises(NoPhoto) as caught:
        read(photo)
    assert (caught.value.key, caught.value.reason) == (key, reason)
    assert caught.value.detail


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_content", "url", "name"]) | st.text(max_size=5), inner, max_size=3
        )
    ),
    max_leaves=6,
)
html = st.text("<>&;!/[]-abc\"'= \n", max_size=60)
names = st.sampled_from([*a_photo(1), "o_width", "url_k", "width_k", "pathalias"])


@given(st.dictionaries(names, anything | html, max_size=6), anything, anything)
@settings(max_examples=250, deadline=None)
def test_any_answer_gives_a_record_or_the_reason_why_not(
    changes: dict[str, Any], licence: Any, history: Any
) -> None:
    answer = {"api": API, "query": "q", "photo": a_photo(1) | changes, "licence": licence, "history": history}
    outcome = read_or_reason(answer)
    if isinstance(outcome, NoPhoto):
        assert outcome.key.startswith("flickr:")
        assert outcome.detail
    else:
        assert outcome.uid.startswith("flickr:")
        assert Record.model_validate_json(outcome.model_dump_json(by_alias=True)) == outcome


def read_or_reason(answer: dict[str, Any]) -> Record | NoPhoto:
    try:
        return parse(answer, "nebula")
    except NoPhoto as no:
        return no


@given(
    st.integers(0, 40).map(str) | anything,
    st.none() | st.fixed_dictionaries({"url": html | st.sampled_from([u for _, u in LICENCES.values()])}),
    st.none() | st.lists(st.builds(change, st.integers(1, 9), *[st.sampled_from([*LICENCES, ""])] * 2)),
)
@settings(max_examples=250, deadline=None)
def test_nothing_beside_a_number_makes_it_freer_than_it_is(number: Any, licence: Any, history: Any) -> None:
    answer = wrap(a_photo(1, license=number), api=API, query="q", licence=licence, history=history)
    rights = parse(answer, "nebula").rights
    stated = from_flickr_id(number) if isinstance(number, str | int) else None
    if stated is None:
        assert licence or rights.expression == UNKNOWN
    else:
        assert strictness(get(rights.expression))[:3] >= strictness(get(stated))[:3]


@given(
    anything, st.lists(st.dictionaries(st.sampled_from(["label", "source", "width"]), anything), max_size=3)
)
@settings(max_examples=100, deadline=None)
def test_any_answer_about_one_photo_goes_into_the_shape_of_a_search(info: Any, sizes: Any) -> None:
    photo = from_info(info if isinstance(info, dict) else {}, from_sizes(sizes))
    assert {"id", "license", "title", "owner"} <= photo.keys()
    with pytest.raises(NoPhoto):
        read(photo)
