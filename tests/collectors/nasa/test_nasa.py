"""NASA's image library: what is asked, what is told, and what is not asked again; over the real session."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from clockwork import Clock
from faulty import Cut, Fault, Page, Refuse, for_path, scripted, seeded, too_many
from hypothesis import given
from hypothesis import strategies as st
from nasa_server import Item, NasaServer, escaped
from pydantic import ValidationError

from collectors import collect as collecting
from collectors.nasa import SOURCE, NasaRefused, NasaSettings, NotNasa, look_again, resolve, search
from collectors.nasa.files import address, original
from collectors.nasa.items import BrokenItem, NoFile, described, nasa_id, parse, uid, wrap
from collectors.nasa.library import CAP
from collectors.nasa.slices import CENTRES, Slice
from collectors.plan import CollectSettings, Plan
from collectors.record import Reason, Record, Skipped, Verdict
from collectors.rights import LicenceClass
from collectors.search import search as search_all
from collectors.source import Ask, Finished, Found
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from collectors.web.polite import HostBusy, polite_session

RECORDED = Path(__file__).resolve().parents[3].parent / "shared" / "recorded" / "nasa"
API = "https://images-api.nasa.gov"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Notes:
    """Progress that only keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def a_session(tries: int = 6) -> requests.Session:
    clock = Clock()
    return polite_session(None, sleep=clock.sleep, clock=clock.now, dice=random.Random(1).random, tries=tries)


def an_ask(server: NasaServer, tmp_path: Path, **changes: Any) -> Ask:
    finished = {one.unit: one.leads_to for one in changes.pop("told", ()) if isinstance(one, Finished)}
    progress = changes.pop("progress", Notes())
    session = changes.pop("session", None) or a_session()
    settings = NasaSettings(**{"api": server.base, "query": ("planet",)} | changes)
    return Ask(
        settings=settings,
        subject="planet",
        session=session,
        answers=Store(tmp_path / "answers"),
        finished=finished,
        now=lambda: NOW,
        progress=progress,
    )


def a_plan(server: NasaServer, tmp_path: Path, **changes: Any) -> Plan:
    settings = NasaSettings(**{"api": server.base, "query": ("planet",)} | changes)
    return Plan(
        name="planets",
        base=tmp_path,
        manifest=tmp_path / "planets.jsonl",
        settings=CollectSettings(subject="planet", min_side=1),
        sources=[(SOURCE, settings)],
        recipe_sha256="0" * 64,
        tool="test",
    )


def keys(found: Iterable[Found]) -> list[str]:
    """Uids of what was told, in order; refused ones with a minus."""
    return [
        one.uid if isinstance(one, Record) else f"-{one.key}"
        for one in found
        if not isinstance(one, Finished)
    ]


def many(count: int, start: int = 0, **fields: Any) -> list[Item]:
    return [Item(f"F{number}", title="filler", **fields) for number in range(start, start + count)]


def recorded(name: str) -> Any:
    path = RECORDED / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return json.loads(path.read_text(encoding="utf-8"))


# What a record is made of


def test_an_image_is_told_with_its_original_its_rights_and_its_kept_answer(tmp_path: Path) -> None:
    item = Item(
        "PIA1",
        title="Jupiter",
        description="A planet.",
        keywords=("Jupiter", "Juno"),
        files=("large.jpg", "orig.tif"),
    )
    with NasaServer([item]) as server:
        ask = an_ask(server, tmp_path, kind="real")
        found = list(search(ask))
        record = found[0]
        assert isinstance(record, Record)
        assert record.original.url == f"{server.base}/image/PIA1/PIA1~orig.tif"
    assert (record.uid, record.source, record.subject, record.kind) == ("nasa:PIA1", "nasa", "planet", "real")
    assert (record.original.mime, record.original.rendition) == ("image/tiff", "original")
    assert record.page == "https://images.nasa.gov/details/PIA1"
    assert record.rights.expression == "JPL-image"
    assert record.credit_line == (
        "“Jupiter” by NASA/JPL-Caltech, "
        "via NASA Image and Video Library (https://images.nasa.gov/details/PIA1), "
        "JPL image use policy (https://www.jpl.nasa.gov/jpl-image-use-policy)"
    )
    assert record.categories == ("Jupiter", "Juno")
    assert record.found_by.query == "planet"
    kept = ask.answers.answer(record.evidence[0].answer_sha256 or "")
    again = SOURCE.parse(kept, "planet")
    assert (again.rights, again.creator, again.credit_line) == (
        record.rights,
        record.creator,
        record.credit_line,
    )
    assert [one.value for one in again.evidence] == [one.value for one in record.evidence]
    assert record.seen.first == "2026-11-01T00:00:00Z"


def test_the_fuller_answer_gives_pixels_and_its_rounded_size_is_not_believed() -> None:
    item = recorded("search_v1.1_iss026-s-001.json")["collection"]["items"][0]
    assets = [link["href"].replace("https:", "http:") for link in item["links"]]
    record = parse(wrap(item, api=API, query="patch", assets=assets), "planet")
    assert record.original.url == "https://images-assets.nasa.gov/image/iss026-s-001/iss026-s-001~orig.jpg"
    assert (record.original.width, record.original.height, record.original.bytes) == (4000, 3926, None)


def test_the_recorded_list_of_files_confirms_an_original_that_the_search_did_not_name() -> None:
    assets = [one["href"] for one in recorded("asset_PIA12348.json")["collection"]["items"]]
    best = original([], assets, {}, API, "2009-11-10T00:00:00Z")
    assert best is not None
    assert best.url == "https://images-assets.nasa.gov/image/PIA12348/PIA12348~orig.jpg"
    assert (best.mime, best.rendition, best.taken) == ("image/jpeg", "original", "2009-11-10T00:00:00Z")


@pytest.mark.parametrize(
    ("files", "name", "rendition"),
    [
        (["a~thumb.jpg", "a~orig.TIF", "a~large.jpg"], "a~orig.TIF", "original"),
        (["a~orig.jpg", "a~orig.tif"], "a~orig.tif", "original"),
        (["a~orig.pdf", "a~medium.jpg", "a~large.png"], "a~large.png", "large"),
        (["a~small.jpg", "a~thumb.jpg", "a~huge.jpg"], "a~small.jpg", "small"),
        (["a~orig.mp4", "collection.json", "metadata.json"], None, None),
        (["a~orig.jp%67"], "a~orig.jp%67", "original"),
    ],
)
def test_the_original_is_preferred_and_else_the_largest(
    files: list[str], name: str | None, rendition: str | None
) -> None:
    best = original([], [f"http://images-assets.nasa.gov/image/a/{one}" for one in files], {}, API, "")
    assert (best.url.rpartition("/")[2], best.rendition) == (name, rendition) if best else name is None


@pytest.mark.parametrize(
    ("href", "url"),
    [
        (
            "http://images-assets.nasa.gov/image/A B/A B~orig.jpg",
            "https://images-assets.nasa.gov/image/A%20B/A%20B~orig.jpg",
        ),
        (
            "http://images-assets.nasa.gov/a%20b/50%~orig.jpg",
            "https://images-assets.nasa.gov/a%20b/50%25~orig.jpg",
        ),
        ("http://mirror.example.org/é~orig.jpg", "https://mirror.example.org/%C3%A9~orig.jpg"),
        ("file:///etc/passwd", None),
        ("//images-assets.nasa.gov/a.jpg", None),
        ("http://[broken/a.jpg", None),
        ("http://host:port/a.jpg", None),
        ("", None),
    ],
)
def test_addresses_are_made_right_or_refused(href: str, url: str | None) -> None:
    assert address(href, API) == url


def test_a_server_without_https_keeps_its_addresses() -> None:
    assert address("http://127.0.0.1:8/a b.jpg", "http://127.0.0.1:8") == "http://127.0.0.1:8/a%20b.jpg"


def test_the_size_of_the_original_may_come_from_its_metadata(tmp_path: Path) -> None:
    metadata = {"File:ImageWidth": 5000, "File:ImageHeight": "4000", "XMP:Marked": False}
    with NasaServer(
        [Item("A", metadata=metadata), Item("B", metadata=metadata, metadata_listed=False)]
    ) as server:
        found = [one for one in search(an_ask(server, tmp_path)) if isinstance(one, Record)]
        asked = [path for path in server.paths() if "metadata" in path]
    assert [(one.original.width, one.original.height) for one in found] == [(5000, 4000)] * 2
    assert asked == ["/image/A/metadata.json", "/metadata/B", "/image/B/metadata.json"]


def test_metadata_are_asked_for_only_where_they_can_still_change_something(tmp_path: Path) -> None:
    flagged = {"Photoshop:CopyrightFlag": True}
    items = [
        Item("free", metadata=flagged),
        Item("review", metadata=flagged, secondary_creator="NASA/ESA"),
        Item("closed", metadata=flagged, title="planet © Don Davis"),
    ]
    with NasaServer(items) as server:
        found = [one for one in search(an_ask(server, tmp_path)) if isinstance(one, Record)]
        asked = [path for path in server.paths() if "metadata" in path]
    assert [one.rights.cls for one in found] == [
        LicenceClass.CLOSED,
        LicenceClass.UNKNOWN,
        LicenceClass.CLOSED,
    ]
    assert asked == ["/image/free/metadata.json"]
    with NasaServer(items) as server:
        found = [one for one in search(an_ask(server, tmp_path, metadata="off")) if isinstance(one, Record)]
        assert not any("metadata" in path for path in server.paths())
    assert found[0].rights.expression == "JPL-image"


def test_metadata_that_cannot_be_read_leave_an_image_for_review(tmp_path: Path) -> None:
    with NasaServer([Item("A", metadata=[1, 2]), Item("B")]) as server:
        found = [one for one in search(an_ask(server, tmp_path)) if isinstance(one, Record)]
    assert [one.rights.expression for one in found] == ["NOASSERTION", "JPL-image"]
    assert any("its metadata cannot be read" in one.value for one in found[0].evidence)


# The walk through pages, years and centres


def test_every_page_is_asked_once_and_every_image_told_once(tmp_path: Path) -> None:
    items = many(250, secondary_creator="NASA")
    with NasaServer([*items, items[3]]) as server:
        found = list(search(an_ask(server, tmp_path, query=("filler", "F1"), exclude=["filler"])))
        asked = server.searches()
    assert [one["page"] for one in asked] == ["1", "2", "3", "1", "2"]
    assert all(one["media_type"] == "image" and one["page_size"] == "100" for one in asked)
    assert len(keys(found)) == len(set(keys(found))) == 250
    assert [one.unit for one in found if isinstance(one, Finished)][2:4] == [
        "q=filler&page=3 of 251 hits",
        "q=filler",
    ]


def test_a_question_with_more_results_than_are_shown_is_cut_into_years(tmp_path: Path) -> None:
    years = {1910: 5, 1990: 4000, 2003: 6000, 2026: 700, 2027: 3}
    items = [
        one for n, (year, count) in enumerate(years.items()) for one in many(count, 10_000 * n, year=year)
    ]
    notes = Notes()
    with NasaServer(items) as server:
        ask = an_ask(server, tmp_path, query=("filler",), exclude=["filler"], progress=notes)
        found = keys(search(ask))
        asked = server.searches()
    assert len(found) == len(set(found)) == len(items) > CAP
    assert notes.notes == []
    spans = {(one.get("year_start"), one.get("year_end")) for one in asked}
    assert {(None, None), (None, "1957"), ("1958", "1958"), ("2003", "2003"), ("2026", None)} <= spans
    assert len([one for one in asked if one.get("year_start") == "2003"]) == 60


def test_a_refusal_in_the_middle_cuts_into_years_and_a_full_year_into_centres(tmp_path: Path) -> None:
    items = [
        *many(150, 0, year=2002),
        *many(180, 1000, year=2003, center="JPL"),
        *many(120, 2000, year=2003, center="GSFC"),
    ]
    notes = Notes()
    with NasaServer(items, last_page=2) as server:
        ask = an_ask(
            server, tmp_path, query=("filler",), years=(2002, 2003), exclude=["filler"], progress=notes
        )
        found = list(search(ask))
        asked = server.searches()
    assert len(keys(found)) == len(set(keys(found))) == 450
    assert notes.notes == []
    assert [one.get("center") for one in asked if one.get("center")][:1] == [CENTRES[0]]
    units = [one.unit for one in found if isinstance(one, Finished)]
    assert units[-2:] == [
        "q=filler&year_start=2003&year_end=2003",
        "q=filler&year_start=2002&year_end=2003",
    ]


def test_what_stays_out_of_reach_is_said(tmp_path: Path) -> None:
    items = [
        *many(250, 0, year=2003, center="JPL"),
        *many(10, 1000, year=2003, center=None),
        *many(7, 2000, year=None),
    ]
    notes = Notes()
    with NasaServer(items, last_page=2) as server:
        ask = an_ask(server, tmp_path, query=("filler",), exclude=["filler"], progress=notes)
        found = keys(search(ask))
    assert len(found) == len(set(found)) >= 200
    assert notes.notes == [
        f"NASA, filler, 2003, JPL: only the first {CAP} of 250 are shown",
        "NASA, filler, 2003: 10 of 260 have no centre that we know and cannot be listed",
        "NASA, filler: 7 of 267 have no year and cannot be listed",
    ]


def test_centres_and_years_of_the_recipe_narrow_every_question(tmp_path: Path) -> None:
    items = [
        Item(f"{center}{year}", center=center, year=year)
        for center in ("JPL", "KSC", "HQ")
        for year in (1999, 2000, 2005)
    ]
    with NasaServer(items) as server:
        found = keys(search(an_ask(server, tmp_path, centers=("JPL", "HQ"), years=(1999, 2000))))
    assert found == ["nasa:JPL1999", "nasa:JPL2000", "nasa:HQ1999", "nasa:HQ2000"]


def test_the_parts_of_a_slice_cover_it_without_overlap() -> None:
    years = Slice("planet").parts(2026)
    assert (years[0].first, years[0].last) == (None, 1957)
    assert (years[-1].first, years[-1].last) == (2026, None)
    assert [one.first for one in years[1:]] == list(range(1958, 2027))
    assert [one.centre for one in years[5].parts(2026)] == list(CENTRES)
    assert [one.centre for one in Slice("planet", 2003, 2003).parts(2026)] == list(CENTRES)
    assert years[5].parts(2026)[0].parts(2026) == []
    assert Slice("planet", None, None, "JPL").parts(2026)[3].words == "planet, 1960, JPL"
    assert len({one.unit for one in (*years, Slice("planet"), *years[0].parts(2026))}) == len(
        years
    ) + 1 + len(CENTRES)


# Killed and run again


def test_a_resumed_search_passes_what_is_finished(tmp_path: Path) -> None:
    items = [Item(f"P{number}") for number in range(230)]
    with NasaServer(items) as server:
        calm = list(search(an_ask(server, tmp_path)))
        before = len(server.asked)
        told = calm[: calm.index(next(one for one in calm if isinstance(one, Finished))) + 31]
        rest = list(search(an_ask(server, tmp_path, told=told)))
        asked = server.paths()[before:]
    assert keys(rest) == keys(calm)[100:]
    assert [path for path in asked if "/asset/P" in path] == [
        f"/asset/P{number}" for number in range(100, 230)
    ]
    with NasaServer(items) as server:
        assert list(search(an_ask(server, tmp_path, told=calm))) == []
        assert server.asked == []


def test_pages_are_asked_again_when_the_number_of_hits_changed(tmp_path: Path) -> None:
    items = [Item(f"P{number}") for number in range(120)]
    with NasaServer(items) as server:
        calm = list(search(an_ask(server, tmp_path)))
        finished = [one for one in calm if isinstance(one, Finished) and "page=" in one.unit]
        server.items.insert(0, Item("new"))
        assert keys(search(an_ask(server, tmp_path, told=finished))) == ["nasa:new", *keys(calm)]


def test_a_search_that_was_cut_off_ends_like_one_that_was_not(tmp_path: Path) -> None:
    items = [Item(f"P{number}", secondary_creator="NASA/ESA") for number in range(150)]
    with NasaServer(items) as server:
        calm = keys_of(server, tmp_path / "calm")
        server.asked.clear()
        server.plan = lambda asked: Refuse(500) if asked.number >= 120 else None
        with pytest.raises(HostBusy):
            keys_of(server, tmp_path / "cut", tries=2)
        server.plan = lambda asked: None
        server.asked.clear()
        assert keys_of(server, tmp_path / "cut") == calm
        assert [path for path in server.paths() if "/asset/" in path] == [
            f"/asset/P{number}" for number in range(100, 150)
        ]


def keys_of(server: NasaServer, folder: Path, tries: int = 6) -> list[str]:
    """Uids that the search of a whole plan finds."""
    records, skipped = search_all(
        a_plan(server, folder),
        Workspace(folder / "data"),
        a_session(tries),
        refresh=False,
        progress=collecting.Silent(),
        now=lambda: NOW,
    )
    assert not skipped
    return [record.uid for record in records]


def test_a_server_that_stumbles_is_asked_again_and_nothing_is_lost(tmp_path: Path) -> None:
    items = [Item(f"P{number}", metadata={"XMP:Marked": False}) for number in range(130)]
    faults: list[Fault] = [too_many("0.1"), too_many(), Refuse(500), Refuse(503, "1"), Cut(), Page()]
    with NasaServer(items) as server:
        calm = keys_of(server, tmp_path / "calm")
    with NasaServer(items, plan=seeded(7, 0.3, faults)) as server:
        assert keys_of(server, tmp_path / "faulty") == calm
        assert sum(one.fault is not None for one in server.asked) > 50


# What is not as it should be


def test_images_that_cannot_be_taken_are_told_with_the_reason(tmp_path: Path) -> None:
    items = [
        Item("video", media_type="image", more={"media_type": "video"}),
        Item("pdf", files=("orig.pdf",)),
        Item("logo", title="planet logo"),
        Item("chart", keywords=("planet", "Star_Chart")),
        Item("fine"),
    ]
    with NasaServer(items) as server:
        found = [
            one
            for one in search(an_ask(server, tmp_path, exclude=["*logo*", "star chart"]))
            if not isinstance(one, Finished)
        ]
    reasons = {one.key: one.reason for one in found if isinstance(one, Skipped)}
    assert reasons == {
        "nasa:video": Reason.NOT_AN_IMAGE,
        "nasa:pdf": Reason.NOT_AN_IMAGE,
        "nasa:logo": Reason.EXCLUDED_NAME,
        "nasa:chart": Reason.EXCLUDED_NAME,
    }
    assert keys(found)[-1] == "nasa:fine"
    with NasaServer(items) as server:
        assert [
            one for one in keys(search(an_ask(server, tmp_path, include=["*chart*"]))) if one[0] != "-"
        ] == ["nasa:chart"]


def test_an_image_without_a_list_of_files_is_gone(tmp_path: Path) -> None:
    plan = for_path("/asset/A", scripted(Refuse(404, body=b'{"reason": "Asset not found"}')))
    with NasaServer([Item("A"), Item("B")], plan=plan) as server:
        first, second, *_ = search(an_ask(server, tmp_path))
    assert isinstance(first, Skipped)
    assert (first.key, first.reason) == ("nasa:A", Reason.GONE)
    assert "Asset not found" in first.detail
    assert isinstance(second, Record)


def test_one_unreadable_list_is_a_skipped_image_and_many_are_a_busy_host(tmp_path: Path) -> None:
    with NasaServer([Item(f"P{number}") for number in range(9)]) as server:
        server.answers["/asset/P1"] = b"<!DOCTYPE html>"
        server.answers["/asset/P2"] = b'{"collection": {"items": 3}}'
        found = keys(search(an_ask(server, tmp_path)))
        assert found[:4] == ["nasa:P0", "-nasa:P1", "-nasa:P2", "nasa:P3"]
        server.answers["/asset/P3"] = b"[" * 100_000
        with pytest.raises(HostBusy):
            list(search(an_ask(server, tmp_path)))


@pytest.mark.parametrize("status", [403, 500])
def test_an_image_that_the_server_chokes_on_does_not_hold_up_the_others(status: int, tmp_path: Path) -> None:
    items = [Item("A"), Item("B", metadata={"XMP:Marked": False}), Item("C")]
    plan = lambda asked: Refuse(status) if asked.path in ("/asset/A", "/image/B/metadata.json") else None  # noqa: E731
    with NasaServer(items, plan=plan) as server:
        first, second, third, *_ = search(an_ask(server, tmp_path))
    assert isinstance(first, Skipped)
    assert (first.key, first.reason) == ("nasa:A", Reason.GONE)
    assert f"HTTP {status}" in first.detail
    assert isinstance(second, Record)
    assert second.rights.cls is LicenceClass.UNKNOWN
    assert isinstance(third, Record)
    assert third.rights.expression == "JPL-image"


def test_a_server_that_chokes_on_everything_is_left_alone(tmp_path: Path) -> None:
    plan = lambda asked: Refuse(500) if "/asset/" in asked.path else None  # noqa: E731
    with NasaServer([Item(f"P{number}") for number in range(9)], plan=plan) as server:
        with pytest.raises(HostBusy):
            list(search(an_ask(server, tmp_path, session=a_session(2))))
        assert len({path for path in server.paths() if "/asset/" in path}) == 3


BROKEN: list[Any] = [
    3,
    {},
    {"data": []},
    {"data": ["PIA1"]},
    {"data": [{"title": "no id"}]},
    {"data": [{"nasa_id": "", "title": "x"}]},
    {"data": [{"nasa_id": {"$ne": 1}}]},
]


def test_items_that_are_not_as_documented_are_skipped_by_id_or_place(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    wrong = {"data": [{"nasa_id": "PIA9", "title": {"en": "x"}, "keywords": 7}]}
    items = [*BROKEN, wrong, {"data": [{"nasa_id": "deep", "x": deep}]}]
    with NasaServer([Item("fine", title="planet \ud800")]) as server:
        server.answers["/search"] = json.dumps(
            {
                "collection": {
                    "items": [*items, server._described(server.items[0])],
                    "metadata": {"total_hits": "9"},
                }
            }
        ).encode()
        found = []
        for one in search(an_ask(server, tmp_path)):
            found.append(one)
            if isinstance(one, Finished):
                break
    skipped = [one for one in found if isinstance(one, Skipped)]
    assert [one.key for one in skipped[: len(BROKEN)]] == [
        f"planet, page 1, item {n}" for n in range(1, len(BROKEN) + 1)
    ]
    assert all(one.reason is Reason.NO_LICENCE and "not as documented" in one.detail for one in skipped)
    assert skipped[len(BROKEN)].key == "nasa:PIA9"
    assert "title" in skipped[len(BROKEN)].detail
    assert "keywords" in skipped[len(BROKEN)].detail
    assert keys(found)[-1] == "nasa:fine"


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><title>Hello</title>", b"[1]", b'{"login": 1}', b"[" * 100_000, b""]
)
def test_what_is_not_the_library_is_told_apart(body: bytes, tmp_path: Path) -> None:
    with NasaServer() as server:
        server.answers["/search"] = body
        with pytest.raises(NotNasa) as caught:
            list(search(an_ask(server, tmp_path)))
    assert caught.value.api == server.base


def test_a_refused_question_carries_the_servers_words(tmp_path: Path) -> None:
    refusal = Refuse(400, body=b'{"reason": "Invalid search parameters"}')
    with NasaServer(plan=scripted(refusal)) as server, pytest.raises(NasaRefused) as caught:
        list(search(an_ask(server, tmp_path)))
    assert (caught.value.status, caught.value.reason) == (400, "Invalid search parameters")


@given(st.text(min_size=1, max_size=400))
def test_every_id_makes_a_uid_that_leads_back_to_it(name: str) -> None:
    # Halves of characters are replaced before a record is made.
    name = name.encode(errors="replace").decode()
    item = {"data": [{"nasa_id": name}], "links": []}
    record = parse(wrap(item, api=API, query="x", assets=["http://a.nasa.gov/a~orig.jpg"]), "planet")
    assert record.uid == uid(name)
    assert nasa_id(record) == name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELD = st.sampled_from(
    ["nasa_id", "title", "description", "keywords", "media_type", "date_created", "photographer"]
)
ITEM = st.fixed_dictionaries(
    {"data": st.lists(st.dictionaries(FIELD, JSON, max_size=7) | JSON, max_size=2) | JSON, "links": JSON}
)


@given(
    ITEM | JSON,
    st.lists(st.text(max_size=30) | st.just("http://a/a~orig.jpg")),
    st.dictionaries(st.text(), JSON),
)
def test_no_answer_makes_the_reader_crash(item: Any, assets: list[str], metadata: dict[str, Any]) -> None:
    try:
        described(item)
        record = parse(wrap(item, api=API, query="x", assets=assets, metadata=metadata), "planet")
    except (BrokenItem, NoFile):
        return
    assert Record.model_validate_json(record.model_dump_json(by_alias=True)) == record


# Looking again, finding files again, and the whole chain


def test_looking_again_says_what_changed_and_what_is_gone(tmp_path: Path) -> None:
    items = [Item("A"), Item("B"), Item("C"), Item("D e/é"), Item("E" * 300)]
    with NasaServer(items) as server:
        ask = an_ask(server, tmp_path)
        records = [one for one in search(ask) if isinstance(one, Record)]
        assert [one.now for one in look_again(ask, records)] == records
        server.items[0].description = "Copyright Don Davis"
        server.items[1].files = ()
        del server.items[2]
        seen = {one.uid: one for one in look_again(ask, records)}
    assert len(seen) == 5
    changed = seen["nasa:A"].now
    assert changed is not None
    assert changed.rights.cls is LicenceClass.CLOSED
    assert seen["nasa:B"].now is None
    assert "no raster image" in seen["nasa:B"].detail
    assert (seen["nasa:C"].now, seen["nasa:C"].detail) == (None, "no longer in the library")
    assert seen[uid("D e/é")].now is not None


def test_what_cannot_be_read_today_is_neither_changed_nor_gone(tmp_path: Path) -> None:
    notes = Notes()
    with NasaServer([Item("A"), Item("B", metadata={"XMP:Marked": False}), Item("C")]) as server:
        ask = an_ask(server, tmp_path, progress=notes)
        records = [one for one in search(ask) if isinstance(one, Record)]
        server.answers["/asset/A"] = b"<!DOCTYPE html>"
        server.answers["/image/B/metadata.json"] = b"<!DOCTYPE html>"
        server.items[2].more = {"title": {"en": "A planet"}}
        assert list(look_again(ask, records)) == []
        assert [note.split(" could")[0] for note in notes.notes] == [
            "NASA, nasa:A",
            "NASA, nasa:B",
            "NASA, nasa:C",
        ]
        addresses = [one.original and one.original.url for one in resolve(ask, records)]
    assert addresses == [record.original.url for record in records]


def test_files_are_found_again_by_the_list_of_files(tmp_path: Path) -> None:
    with NasaServer([Item("A B"), Item("C"), Item("D")]) as server:
        ask = an_ask(server, tmp_path)
        records = [one for one in search(ask) if isinstance(one, Record)]
        moved = records[0].model_copy(
            update={
                "original": records[0].original.model_copy(
                    update={"url": "https://old.example.org/x/A%20B~orig.jpg"}
                )
            }
        )
        server.items[1].files = ("orig.tif",)
        del server.items[2]
        first, second, third = resolve(ask, [moved, *records[1:]])
        assert first.original is not None
        assert first.original.url == f"{server.base}/image/{escaped('A B')}/A%20B~orig.jpg"
        assert first.detail.startswith("now at ")
    assert (second.original, second.detail) == (None, "C~orig.jpg is not among its 1 files")
    assert third.original is None
    assert third.detail.startswith("deleted: HTTP 404")


def test_a_whole_collection_fetches_only_what_may_be_fetched(tmp_path: Path) -> None:
    items = [
        Item("own"),
        Item("small", files=("large.jpg", "thumb.jpg")),
        Item("reserved", description="© Don Davis"),
        Item("esa", secondary_creator="ESA/Hubble"),
        Item("with space "),
    ]

    def wanted(record: Record) -> Verdict:
        free = record.rights.expression == "JPL-image"
        return Verdict() if free else Verdict(reason=Reason.LICENCE_REFUSED, detail=record.rights.chosen)

    with NasaServer(items) as server:
        plan = a_plan(server, tmp_path)
        done = collecting.collect(plan, Workspace(tmp_path / "data"), a_session(), wanted, now=lambda: NOW)
        fetched = {path for path in server.paths() if path.startswith("/image/")}
    assert done.manifest is not None
    files = {record.uid: record.file for record in done.manifest.records}
    assert {uid: file.rendition for uid, file in files.items() if file} == {
        "nasa:own": "original",
        "nasa:small": "large",
        "nasa:with%20space%20": "original",
    }
    assert set(files) == {"nasa:own", "nasa:small", "nasa:with%20space%20", "nasa:reserved", "nasa:esa"}
    assert fetched == {
        "/image/own/own~orig.jpg",
        "/image/small/small~large.jpg",
        "/image/with%20space%20/with%20space%20~orig.jpg",
    }


# Settings


def test_mistakes_in_the_settings_are_found_at_the_door() -> None:
    with pytest.raises(ValidationError) as caught:
        NasaSettings(
            api="images-api.nasa.gov", query=("planet", " "), years=(2020, 1990), pace=0, metadata="on"
        )  # type: ignore[arg-type]
    assert {error["loc"][0] for error in caught.value.errors()} == {
        "api",
        "query",
        "years",
        "pace",
        "metadata",
    }
    with pytest.raises(ValidationError):
        NasaSettings(query=())


def test_settings_are_read_as_they_are_meant() -> None:
    settings = NasaSettings(
        api="https://mirror.example.org/nasa/", query=(" mars ", "mars"), pace=3, in_flight=2
    )
    assert (settings.api, settings.query) == ("https://mirror.example.org/nasa", ("mars",))
    pace = SOURCE.paces(settings)["mirror.example.org"]
    assert (pace.per_second, pace.in_flight) == (3, 2)
    assert SOURCE.paces(NasaSettings(query=("mars",), pace=9)) == {}
