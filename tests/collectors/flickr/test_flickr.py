"""Flickr searched, looked at again and resolved: the thin half, over the real session, on loopback."""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import requests
from builders import a_nebula, encoded
from clockwork import Clock
from faulty import Cut, Page, Refuse, always, scripted, too_many
from flickr_server import KEY, LICENCES, SECRET, Fail, FlickrServer, a_photo, change
from pydantic import ValidationError

from collectors import manifest as manifests
from collectors.collect import collect
from collectors.flickr import SOURCE, FlickrRefused, FlickrSettings, NotFlickr, look_again, resolve, search
from collectors.flickr.api import HICCUPS, Flickr
from collectors.flickr.search import Limits
from collectors.plan import CollectSettings, Plan
from collectors.progress import Silent
from collectors.record import KEEP, Reason, Record, Skipped
from collectors.source import Ask, Finished, Found, KeyMissing, KeyRefused
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from collectors.web.polite import HostBusy, polite_session

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Listening(Silent):
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", KEY)
    monkeypatch.setenv("FLICKR_API_SECRET", f"{SECRET}\n")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> requests.Session:
    return polite_session(None, sleep=clock.sleep, clock=clock.now, now=clock.now, dice=lambda: 0.5)


@pytest.fixture
def ask(session: requests.Session, tmp_path: Path) -> Any:
    """Make an `Ask` for a server: `ask(server, text=(…))`."""

    def made(server: FlickrServer, **changes: Any) -> Ask:
        finished, progress = changes.pop("finished", {}), changes.pop("progress", Listening())
        asks = {"text": ("nebula",)} if not {"text", "tags", "user_ids", "groups"} & set(changes) else {}
        return Ask(
            settings=FlickrSettings(api=server.api, **asks, **changes),
            subject="nebula",
            session=session,
            answers=Store(tmp_path / "answers"),
            finished=finished,
            now=lambda: NOW,
            progress=progress,
        )

    return made


SMALL = Limits(per_page=5, cap=40, enough=35)
"""Flickr a hundred times smaller."""


def records(found: Iterable[Found]) -> list[Record]:
    return [one for one in found if isinstance(one, Record)]


def numbers(found: Iterable[Found]) -> list[int]:
    return [int(record.uid.partition(":")[2]) for record in records(found)]


def finished(found: Iterable[Found]) -> dict[str, tuple[str, ...]]:
    return {one.unit: one.leads_to for one in found if isinstance(one, Finished)}


# --- windows


def test_a_search_beyond_the_cap_yields_every_photo_once_in_the_order_of_upload(ask: Any) -> None:
    with FlickrServer(map(a_photo, range(1, 208)), cap=40) as server:
        found = list(search(ask(server), SMALL))
        assert numbers(found) == list(range(1, 208))
        read = [call for call in server.called("photos.search") if int(call["page"]) > 1]
        assert all(int(call["per_page"]) * int(call["page"]) <= 40 for call in read)
        # The cap is real: without windows the last results would come again and again.
        naive = Flickr(server.api, ask(server).session)
        span = {"license": "4", "min_upload_date": 0, "max_upload_date": 2**40, "sort": "date-posted-asc"}
        seen = [
            photo["id"]
            for page in range(1, 42)
            for photo in naive.page(page, text="nebula", per_page=5, extras="", **span).photos
        ]
        assert len(seen) == 205
        assert len(set(seen)) == 40


def test_windows_touch_without_overlapping_and_cover_the_whole_span(ask: Any) -> None:
    with FlickrServer(map(a_photo, range(1, 208)), cap=40) as server:
        list(search(ask(server, since="2017-07-01", until="2017-08-31"), SMALL))
        calls = server.called("photos.search")
    asked = {(int(call["min_upload_date"]), int(call["max_upload_date"])) for call in calls}
    leaves = sorted(one for one in asked if not any(one != other and inside(other, one) for other in asked))
    assert len(leaves) > 5
    assert leaves[0][0] == datetime(2017, 7, 1, tzinfo=UTC).timestamp()
    assert leaves[-1][1] == datetime(2017, 8, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert [last + 1 for _, last in leaves[:-1]] == [first for first, _ in leaves[1:]]


def inside(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


@pytest.mark.parametrize("told", [0, 1, 3, 40, 41, 100, 150])
def test_a_search_killed_anywhere_goes_on_and_asks_no_finished_window_again(ask: Any, told: int) -> None:
    with FlickrServer(map(a_photo, range(1, 151)), cap=40) as server:
        calm = list(search(ask(server), SMALL))
        server.calls.clear()
        before = list(islice(search(ask(server), SMALL), told))
        known = finished(before)
        server.calls.clear()
        # Later is another time, and photos came meanwhile.
        server.contents.photos["999"] = a_photo(999, dateupload=str(int(NOW.timestamp()) + 60))
        later = replace(ask(server, finished=known), now=lambda: NOW.replace(year=2027))
        after = list(search(later, SMALL))
    if told:
        assert list(dict.fromkeys(numbers(before) + numbers(after))) == numbers(calm)
        assert finished(before) | finished(after) == finished(calm)
        windows = {f"text: nebula {window(call)}" for call in server.called("photos.search")}
        assert not windows & known.keys()
    else:
        assert numbers(after) == [*numbers(calm), 999]


def window(call: dict[str, str]) -> str:
    ends = (datetime.fromtimestamp(int(call[f"{end}_upload_date"]), UTC) for end in ("min", "max"))
    return "/".join(end.strftime("%Y-%m-%dT%H:%M:%SZ") for end in ends)


def test_everything_finished_is_asked_nothing(ask: Any) -> None:
    with FlickrServer(map(a_photo, range(1, 80)), cap=40) as server:
        units = finished(search(ask(server), SMALL))
        server.calls.clear()
        assert list(search(ask(server, finished=units), SMALL)) == []
        assert server.calls == []


def test_more_photos_in_one_second_than_flickr_shows_are_told_to_the_user(ask: Any) -> None:
    progress = Listening()
    with FlickrServer((a_photo(n, dateupload="1500000000") for n in range(1, 60)), cap=40) as server:
        found = list(search(ask(server, progress=progress), SMALL))
    assert len(records(found)) == 40
    assert len(progress.notes) == 1
    assert "59 photos" in progress.notes[0]


class Forgetful(Store):
    """A store that keeps nothing, for thousands of answers nobody reads."""

    def add(self, data: bytes) -> str:
        return ""


def test_the_true_numbers_of_flickr_are_kept_to(ask: Any, tmp_path: Path) -> None:
    with FlickrServer(a_photo(n) for n in range(1, 4200)) as server:
        ids = numbers(search(replace(ask(server), answers=Forgetful(tmp_path))))
        calls = server.called("photos.search")
    assert ids == list(range(1, 4200))
    assert {call["per_page"] for call in calls} == {"500"}
    assert max(int(call["page"]) for call in calls) <= 8


def test_a_span_in_the_future_is_empty(ask: Any) -> None:
    with FlickrServer([a_photo(1)]) as server:
        assert records(search(ask(server, since="2027-01-01"), SMALL)) == []
        assert server.calls == []


# --- questions


def test_what_is_asked_is_what_the_recipe_says(ask: Any) -> None:
    photos = [
        a_photo(1, tags="planet painting", owner="1@N01", groups=("9@N09",)),
        a_photo(2, tags="planet", title="Mars & Vénus +1 ~ *", owner="1@N01"),
        a_photo(3, tags="planet painting", owner="2@N02"),
    ]
    with FlickrServer(photos) as server:
        by_tags = ask(server, tags=("planet,painting",), content=("art", "photo", "art"), licences=(5, 4, 4))
        assert numbers(search(by_tags)) == [1, 3]
        call = server.called("photos.search")[0]
        words = {"tag_mode": "all", "license": "4,5", "content_types": "2,0", "media": "photos"}
        assert words | {"safe_search": "1", "nojsoncallback": "1"} == {
            name: call[name] for name in (*words, "safe_search", "nojsoncallback")
        }
        assert {"license", "o_dims", "url_o", "url_k", "url_l"} <= set(call["extras"].split(","))
        # Names with spaces and signs go through the signature.
        assert numbers(search(ask(server, text=("Mars & Vénus +1 ~ *",)))) == [2]
        assert numbers(search(ask(server, user_ids=("1@N01",)))) == [1, 2]
        assert numbers(search(ask(server, groups=("9@N09",)))) == [1]
        both = list(search(ask(server, tags=("painting",), user_ids=("1@N01",), groups=("9@N09",))))
    assert numbers(both) == [1]
    assert {record.found_by.query for record in records(both)} == {"tags: painting · user: 1@N01"}
    labels = [unit.rsplit(" ", 1)[0] for unit in finished(both) if unit != "until"]
    assert labels == ["tags: painting · user: 1@N01", "tags: painting · group: 9@N09"]


def test_a_photo_of_two_searches_is_told_by_the_first(ask: Any) -> None:
    with FlickrServer([a_photo(1), a_photo(2, title="Comet", tags="space")]) as server:
        found = records(search(ask(server, text=("nebula",), tags=("space", "space"))))
    assert [(record.uid, record.found_by.query) for record in found] == [
        ("flickr:1", "text: nebula"),
        ("flickr:2", "tags: space"),
    ]


def test_names_that_match_are_left_out_and_counted(ask: Any) -> None:
    photos = [a_photo(1, tags="nebula starchart"), a_photo(2, title="Nebula LOGO"), a_photo(3)]
    with FlickrServer(photos) as server:
        found = list(search(ask(server, exclude=("star*", "*logo"))))
        chosen = list(search(ask(server, include=("starchart",))))
    refused = {one.key: one.reason for one in found if isinstance(one, Skipped)}
    assert refused == {"flickr:1": Reason.EXCLUDED_NAME, "flickr:2": Reason.EXCLUDED_NAME}
    assert numbers(found) == [3]
    assert numbers(chosen) == [1]


def test_what_is_no_photo_is_left_out_with_its_reason(ask: Any) -> None:
    photos = [
        a_photo(1, media="video"),
        a_photo(2, url_o=None, url_l=None),
        a_photo(3),
        a_photo(4, title="Nebula \ud83d"),
    ]
    with FlickrServer(photos) as server:
        found = list(search(ask(server, kind="fictive")))
    assert {one.key: one.reason for one in found if isinstance(one, Skipped)} == {
        "flickr:1": Reason.NOT_AN_IMAGE,
        "flickr:2": Reason.GONE,
    }
    # Half a character, from a title cut in the middle, is no reason to lose the photo.
    assert [(record.title, record.kind) for record in records(found)] == [
        ("Nebula 3", "fictive"),
        ("Nebula ?", "fictive"),
    ]


def test_entries_of_any_shape_do_not_end_a_search(ask: Any) -> None:
    entries = [None, 3, "x", [], {}, {"id": []}, {"id": "../x"}, a_photo(1, license={}), a_photo(2)]
    odd = {"stat": "ok", "photos": {"page": 1, "pages": "1", "total": len(entries), "photo": entries}}
    with FlickrServer(plan=scripted(Page(json.dumps(odd).encode(), "application/json"))) as server:
        found = list(search(ask(server)))
    assert numbers(found) == [1, 2]
    assert records(found)[0].rights.expression == "NOASSERTION"
    refused = [(one.key, one.reason) for one in found if isinstance(one, Skipped)]
    assert refused == [("flickr:?", Reason.UNREADABLE), ("flickr:.._x", Reason.UNREADABLE)]


def test_every_kept_answer_gives_its_record_again(ask: Any) -> None:
    with FlickrServer([a_photo(1), a_photo(2, license="10"), a_photo(3, license="7")]) as server:
        question = ask(server)
        found = records(search(question))
    assert len(found) == 3
    for record in found:
        again = SOURCE.parse(question.answers.answer(record.evidence[0].answer_sha256 or ""), "nebula")
        same = ("uid", "rights", "original", "creator", "credit_line", "categories", "found_by", "ai")
        assert [getattr(again, name) for name in same] == [getattr(record, name) for name in same]
        assert {one.answer_sha256 for one in again.evidence} == {record.evidence[0].answer_sha256}
        assert {one.at for one in record.evidence} == {"2026-11-01T00:00:00Z"}


# --- licences


def rights_of(found: Iterable[Found]) -> dict[str, tuple[str, str]]:
    return {r.uid: (r.rights.expression, r.rights.cls.value) for r in records(found)}


def test_each_number_means_its_licence_and_a_declared_public_domain_is_a_claim(ask: Any) -> None:
    ids = ("4", "5", "7", "8", "9", "10", "11", "12")
    with FlickrServer(a_photo(int(id), license=id) for id in ids) as server:
        assert rights_of(search(ask(server))) == {
            "flickr:4": ("CC-BY-2.0", "by"),
            "flickr:5": ("CC-BY-SA-2.0", "sa"),
            "flickr:7": ("LicenseRef-Flickr-NKCR", "nkcr"),
            "flickr:8": ("LicenseRef-USGov", "pd"),
            "flickr:9": ("CC0-1.0", "pd"),
            "flickr:10": ("CC-PDM-1.0", "pd-claim"),
            "flickr:11": ("CC-BY-4.0", "by"),
            "flickr:12": ("CC-BY-SA-4.0", "sa"),
        }
        assert len(server.called("photos.licenses.getInfo")) == 1


def test_a_number_nobody_knows_is_told_once_and_permits_nothing(ask: Any) -> None:
    progress = Listening()
    photos = [a_photo(1, license="17"), a_photo(2, license="17"), a_photo(3)]
    with FlickrServer(photos) as server:
        found = rights_of(search(ask(server, licences=(4, 17), progress=progress)))
    assert found["flickr:1"] == found["flickr:2"] == ("NOASSERTION", "unknown")
    assert found["flickr:3"] == ("CC-BY-2.0", "by")
    assert len(progress.notes) == 1
    assert "17" in progress.notes[0]


def test_the_table_of_today_explains_new_numbers_and_contradicts_old_ones(ask: Any) -> None:
    progress = Listening()
    with FlickrServer([a_photo(1, license="17"), a_photo(2, license="4"), a_photo(3, license="5")]) as server:
        server.contents.licences = LICENCES | {
            "17": ("CC BY 3.0", "https://creativecommons.org/licenses/by/3.0/"),
            "4": ("CC BY-ND 2.0", "https://creativecommons.org/licenses/by-nd/2.0/"),
            "5": ("Ask me", "https://www.flickr.com/ask"),
        }
        found = {
            r.uid: r.rights for r in records(search(ask(server, licences=(4, 5, 17), progress=progress)))
        }
    assert found["flickr:1"].expression == "CC-BY-3.0"
    assert found["flickr:2"].chosen == "CC-BY-ND-2.0"
    assert "licence-table says CC-BY-ND-2.0" in (found["flickr:2"].conflict or "")
    assert (found["flickr:3"].expression, found["flickr:3"].derivatives) == ("NOASSERTION", None)
    assert [note for note in progress.notes if "flickr:3" in note]


@pytest.mark.parametrize("broken", [Fail(112, "Method not found"), None])
def test_without_the_table_of_today_ours_holds_and_the_user_is_told(ask: Any, broken: Fail | None) -> None:
    progress = Listening()
    with FlickrServer([a_photo(1, license="12")]) as server:
        if broken:
            server.contents.fails["photos.licenses.getInfo"] = [broken]
        else:
            server.contents.licences = {}
        assert rights_of(search(ask(server, progress=progress))) == {"flickr:1": ("CC-BY-SA-4.0", "sa")}
    assert len(progress.notes) == 1
    assert "2025-06" in progress.notes[0]


@pytest.mark.parametrize(
    ("history", "asked"), [("off", []), ("auto", ["9", "10"]), ("all", ["4", "9", "10"])]
)
def test_the_dates_of_a_licence_are_evidence_where_they_are_asked_for(
    ask: Any, history: str, asked: list[str]
) -> None:
    photos = [a_photo(int(id), license=id) for id in ("4", "9", "10")]
    with FlickrServer(photos) as server:
        server.contents.history["10"] = [change(1744598090, "0", "4"), change(1744905505, "4", "10")]
        found = {record.uid: record for record in records(search(ask(server, history=history)))}
        calls = server.called("photos.licenses.getLicenseHistory")
    assert [call["photo_id"] for call in calls] == asked
    dated = [one.value for one in found["flickr:10"].evidence if one.channel == "licence-history"]
    assert dated == (
        []
        if history == "off"
        else [
            "2025-04-14T02:34:50Z: All Rights Reserved → CC BY 2.0",
            "2025-04-17T15:58:25Z: CC BY 2.0 → Public Domain Mark",
        ]
    )
    assert found["flickr:10"].rights.conflict is None
    assert found["flickr:9"].rights.expression == "CC0-1.0"


def test_a_history_that_ends_elsewhere_than_the_search_says_is_a_conflict(ask: Any) -> None:
    with FlickrServer([a_photo(1, license="9")]) as server:
        server.contents.history["1"] = [change(1744905505, "9", "0"), change(1744598090, "4", "9")]
        (record,) = records(search(ask(server)))
    assert record.rights.chosen == "LicenseRef-AllRightsReserved"
    assert record.rights.commercial is False
    assert "licence-history says LicenseRef-AllRightsReserved" in (record.rights.conflict or "")


def test_a_photo_that_goes_while_its_history_is_asked_for_stays_as_it_was_found(ask: Any) -> None:
    with FlickrServer([a_photo(1, license="9")]) as server:
        server.contents.fails["photos.licenses.getLicenseHistory"] = [Fail(1, "Photo not found")]
        assert rights_of(search(ask(server))) == {"flickr:1": ("CC0-1.0", "pd")}


# --- keys


@pytest.mark.parametrize("variable", SOURCE.keys)
@pytest.mark.parametrize("value", [None, "", " \n"])
def test_a_missing_key_is_named_before_anything_is_asked(
    ask: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    monkeypatch.delenv(variable) if value is None else monkeypatch.setenv(variable, value)
    with FlickrServer([a_photo(1)]) as server:
        with pytest.raises(KeyMissing) as caught:
            list(search(ask(server)))
        assert server.asked == []
    assert list(caught.value.missing) == [variable]
    assert caught.value.missing[variable].startswith("https://www.flickr.com/")


@pytest.mark.parametrize(
    ("variable", "words"),
    [("FLICKR_API_KEY", "100: Invalid API Key"), ("FLICKR_API_SECRET", "signature_invalid")],
)
def test_a_refused_key_is_no_ones_to_read(
    ask: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    words: str,
) -> None:
    monkeypatch.setenv(variable, "wrong0key1wrong2key3")
    with (
        FlickrServer([a_photo(1)]) as server,
        caplog.at_level(logging.DEBUG),
        pytest.raises(KeyRefused) as caught,
    ):
        list(search(ask(server)))
    assert caught.value.detail.startswith(words)
    said = f"{caught.value} {caught.value.__cause__} {caught.value.__context__!r} {caplog.text}"
    for secret in ("wrong0key1wrong2key3", KEY, SECRET):
        assert secret not in said


def test_keys_stand_in_no_address_log_or_kept_answer(
    ask: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with FlickrServer([a_photo(1), a_photo(2, license="10")]) as server, caplog.at_level(logging.DEBUG):
        assert len(records(search(ask(server)))) == 2
        addresses = " ".join(server.paths())
    kept = " ".join(path.read_text() for path in (tmp_path / "answers").rglob("*") if path.is_file())
    assert "Nebula 2" in kept
    for secret in (KEY, SECRET):
        assert secret not in addresses + caplog.text + kept


# --- a bad day


def test_faults_of_a_bad_day_change_nothing(ask: Any, clock: Clock) -> None:
    with FlickrServer(map(a_photo, range(1, 4))) as server:
        calm = list(search(ask(server)))
    faults = [too_many("3"), None, Cut(0.5), Refuse(500), Page(), None, Cut(0.2, reset=False)]
    with FlickrServer(map(a_photo, range(1, 4)), plan=scripted(*faults)) as server:
        found = list(search(ask(server, history="all")))
    assert numbers(found) == numbers(calm) == [1, 2, 3]
    assert 3.0 in clock.slept


def test_a_signature_the_server_saw_before_the_line_broke_is_made_anew(ask: Any) -> None:
    with FlickrServer([a_photo(1)], plan=scripted(Cut(0.5), None, None, Cut(0.5))) as server:
        assert numbers(search(ask(server))) == [1]
        nonces = [one.headers["Authorization"].partition('oauth_nonce="')[2][:12] for one in server.asked]
    assert nonces[0] == nonces[1] != nonces[2]


def test_a_service_that_is_not_available_is_asked_again_a_few_times(ask: Any) -> None:
    with FlickrServer([a_photo(1)]) as server:
        server.contents.fails["photos.search"] = [Fail(105, "Service currently unavailable")] * (HICCUPS - 1)
        assert numbers(search(ask(server))) == [1]
        server.contents.fails["photos.search"] = [Fail(10, "The search API is not available")] * 99
        with pytest.raises(HostBusy) as caught:
            list(search(ask(server)))
    assert caught.value.host == "127.0.0.1"
    assert "not available" in caught.value.detail


def test_what_a_busy_host_broke_off_goes_on_where_it_stood(ask: Any) -> None:
    with FlickrServer([a_photo(1), a_photo(2, title="Comet", tags="comet")]) as server:
        told: list[Found] = []

        def listen(found: Iterator[Found]) -> None:
            for one in found:
                told.append(one)
                if isinstance(one, Finished) and one.unit != "until":
                    server.plan = always(Refuse(503))

        with pytest.raises(HostBusy):
            listen(search(ask(server, text=("nebula", "comet"))))
        server.plan = always(None)  # type: ignore[arg-type]
        rest = list(search(ask(server, text=("nebula", "comet"), finished=finished(told))))
    assert (numbers(told), numbers(rest)) == ([1], [2])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Page(), "not JSON"),
        (Page(b"", "application/json"), "not JSON"),
        (Page(b"[1]", "application/json"), "no stat"),
        (Page(b'{"photos": {}}', "application/json"), "no stat"),
        (Page(b'{"stat": "ok"}', "application/json"), "photos.search"),
        (Page(b'{"stat": "ok", "photos": {"photo": {}, "total": 3}}', "application/json"), "photos.search"),
        (Page(b"[" * 100_000, "application/json"), "not JSON"),
        (Refuse(404), "HTTP 404"),
        (Refuse(403), "HTTP 403"),
        (Refuse(301, headers={"Location": "http://127.0.0.1:9/"}), "HTTP 301"),
    ],
)
def test_what_is_not_flickr_is_told_apart(ask: Any, fault: Page | Refuse, words: str) -> None:
    with FlickrServer(plan=always(fault)) as server:
        with pytest.raises(NotFlickr) as caught:
            list(search(ask(server)))
        assert all(one.path.startswith("/services/rest/") for one in server.asked)
        assert caught.value.api == server.api
    assert words in caught.value.detail


def test_a_refusal_carries_flickrs_own_words(ask: Any) -> None:
    with FlickrServer() as server:
        server.contents.fails["photos.search"] = [Fail(2, "Unknown user")]
        with pytest.raises(FlickrRefused) as caught:
            list(search(ask(server)))
    assert (caught.value.method, caught.value.code, caught.value.message) == (
        "photos.search",
        2,
        "Unknown user",
    )


# --- looking again


def test_a_photo_that_stayed_as_it_was_costs_one_question_and_says_the_same(ask: Any) -> None:
    with FlickrServer([a_photo(1), a_photo(2, url_o=None)]) as server:
        known = records(search(ask(server, kind="real")))
        server.calls.clear()
        seen = list(look_again(ask(server, kind="real"), known))
        methods = [call["method"] for call in server.calls]
    assert methods == ["flickr.photos.licenses.getInfo", "flickr.photos.getInfo", "flickr.photos.getInfo"]
    for before, sighting in zip(known, seen, strict=True):
        assert sighting.now is not None
        same = ("uid", "title", "rights", "original", "creator", "credit_line", "page", "found_by", "kind")
        assert [getattr(sighting.now, name) for name in same] == [getattr(before, name) for name in same]
    assert [record.original.rendition for record in known] == ["original", "large"]


def test_what_is_deleted_or_private_since_is_no_longer_there(ask: Any) -> None:
    with FlickrServer(map(a_photo, range(1, 5))) as server:
        known = records(search(ask(server)))
        del server.contents.photos["1"]
        server.contents.private.add("2")
        server.contents.photos["3"]["ispublic"] = 0
        seen = {one.uid: one for one in look_again(ask(server), known)}
    assert [seen[f"flickr:{n}"].now is None for n in range(1, 5)] == [True, True, True, False]
    assert "deleted" in seen["flickr:1"].detail
    assert "private" in seen["flickr:2"].detail
    assert "private" in seen["flickr:3"].detail


def test_a_licence_that_changed_since_is_told_with_the_day_it_changed(ask: Any) -> None:
    with FlickrServer([a_photo(1)]) as server:
        (known,) = records(search(ask(server)))
        server.contents.photos["1"]["license"] = "0"
        server.contents.history["1"] = [change(1744905505, "4", "0")]
        question = ask(server)
        (sighting,) = look_again(question, [known])
    assert sighting.now is not None
    assert sighting.now.rights.expression == "LicenseRef-AllRightsReserved"
    assert sighting.now.evidence[-1].value == "2025-04-17T15:58:25Z: CC BY 2.0 → All Rights Reserved"
    kept = question.answers.answer(sighting.now.evidence[-1].answer_sha256 or "")
    assert SOURCE.parse(kept, "nebula").rights == sighting.now.rights


def test_a_photo_that_was_replaced_shows_its_new_file(ask: Any) -> None:
    with FlickrServer([a_photo(1)]) as server:
        (known,) = records(search(ask(server)))
        new = "https://live.staticflickr.com/65535/1_new_o.png"
        server.contents.photos["1"] |= {"secret": "new", "url_o": new, "width_o": 900}
        (sighting,) = look_again(ask(server), [known])
    assert sighting.now is not None
    assert (sighting.now.original.url, sighting.now.original.width) == (new, 900)
    assert sighting.now.original.revision == "new" != known.original.revision


def test_an_error_that_is_no_absence_is_not_taken_for_one(ask: Any) -> None:
    with FlickrServer([a_photo(1)]) as server:
        known = records(search(ask(server)))
        for method, again in (("photos.getInfo", look_again), ("photos.getSizes", resolve)):
            server.contents.fails[method] = [Fail(116, "Bad URL found")]
            with pytest.raises(FlickrRefused):
                list(again(ask(server), known))


def test_the_locked_size_is_found_where_it_lies_now(ask: Any) -> None:
    with FlickrServer([a_photo(1), a_photo(2, url_o=None), a_photo(3), a_photo(4), a_photo(5)]) as server:
        known = records(search(ask(server)))
        photos = server.contents.photos
        photos["2"]["url_l"] = "https://live.staticflickr.com/65535/2_moved_b.jpg"
        del photos["3"]["url_o"]
        del photos["4"]
        server.contents.private.add("5")
        found = {one.uid: one for one in resolve(ask(server), known)}
    first = found["flickr:1"]
    assert (first.original, first.detail) == (known[0].original, "")
    moved = found["flickr:2"]
    assert moved.original is not None
    assert moved.original.url.endswith("2_moved_b.jpg")
    assert moved.detail == "another address"
    assert found["flickr:3"].original is None
    assert "original is not offered any more, only: large" in found["flickr:3"].detail
    assert [found[f"flickr:{n}"].original for n in (4, 5)] == [None, None]


# --- settings


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"text": ()}, ("groups",)),
        ({"since": "2020-01-02", "until": "2020-01-01"}, ("until",)),
        ({"api": "api.flickr.com"}, ("api",)),
        ({"licences": (-1,)}, ("licences", 0)),
        ({"licences": ()}, ("licences",)),
        ({"text": ("",)}, ("text", 0)),
        ({"content": ("video",)}, ("content", 0)),
        ({"pace": 0}, ("pace",)),
        ({"api_key": "x"}, ("api_key",)),
    ],
)
def test_mistakes_in_the_settings_are_found_at_the_door(
    changes: dict[str, Any], place: tuple[Any, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        FlickrSettings.model_validate({"text": ("nebula",)} | changes)
    assert caught.value.errors()[0]["loc"] == place


def test_a_wish_for_the_pace_holds_only_for_hosts_outside_the_table() -> None:
    own = FlickrSettings(api="https://mirror.example.org/rest/", text=("x",), pace=7, in_flight=2)
    assert SOURCE.paces(own)["mirror.example.org"].per_second == 7
    assert SOURCE.paces(FlickrSettings(text=("x",), pace=7, in_flight=9)) == {}
    assert SOURCE.paces(FlickrSettings(api="https://mirror.example.org/rest/", text=("x",))) == {}


def test_the_card_carries_the_sentence_flickrs_terms_want() -> None:
    assert SOURCE.notice == (
        "This product uses the Flickr API but is not endorsed or certified by SmugMug, Inc."
    )


# --- the whole way


@contextmanager
def with_files(count: int) -> Iterator[FlickrServer]:
    """A Flickr whose photos lie on the same server; the second has no original to offer."""
    with FlickrServer() as server:
        for number in range(1, count + 1):
            server.files[f"/files/{number}.png"] = encoded(a_nebula(number, (320, 300)))
            address = f"{server.base}/files/{number}.png"
            size = {"width_o": 320, "height_o": 300} if number != 2 else {"width_l": 320, "height_l": 300}
            short = "o" if number != 2 else "l"
            sizes = {"url_o": None, "url_l": None} | {f"url_{short}": address} | size
            server.contents.photos[str(number)] = a_photo(number, **sizes)
        yield server


def test_photos_are_collected_into_a_manifest_that_names_the_size(
    session: requests.Session, tmp_path: Path
) -> None:
    with with_files(3) as server:
        plan = Plan(
            name="nebulae",
            base=tmp_path,
            manifest=tmp_path / "nebulae.jsonl",
            settings=CollectSettings(subject="nebula"),
            sources=((SOURCE, FlickrSettings(api=server.api, text=("nebula",))),),
            recipe_sha256="0" * 64,
            tool="0.1.0",
        )
        result = collect(plan, Workspace(tmp_path / "data"), session, lambda record: KEEP, now=lambda: NOW)
    assert (result.taken, result.pending, result.missed) == (3, 0, [])
    sealed = manifests.read(plan.manifest)
    assert [(r.uid, r.file.rendition if r.file else None) for r in sealed.records] == [
        ("flickr:1", "original"),
        ("flickr:2", "large"),
        ("flickr:3", "original"),
    ]
    line = plan.manifest.read_text()
    assert KEY not in line
    assert (
        "“Nebula 1” by Ada Lane, via Flickr (https://www.flickr.com/photos/7478087@N06/1/), CC BY 2.0" in line
    )
