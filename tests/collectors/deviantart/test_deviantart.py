"""DeviantArt: what is found, what its pages say, and why next to nothing comes in without a written yes."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from builders import a_nebula, encoded
from clockwork import Clock
from deviantart_server import CLIENT_ID, CLIENT_SECRET, DeviantArtServer, Work, in_javascript
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collectors import manifest as manifests
from collectors.collect import Collected, collect
from collectors.deviantart import SOURCE, DeviantArtSettings, NotDeviantArt, PageChanged, read_page
from collectors.deviantart.deviations import number_of, parse, stable
from collectors.locked.rebuild import collect_locked
from collectors.locked.rebuilt import Fate
from collectors.plan import CollectSettings, Plan
from collectors.progress import Silent
from collectors.record import Reason, Record, Skipped
from collectors.rights import LicenceClass
from collectors.search import search as search_plan
from collectors.source import Ask, Finished, Found, KeyMissing, KeyRefused
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from collectors.web.polite import HostBusy, polite_session
from curation.policy import consequence, may_fetch, may_publish
from curation.settings import PolicySettings

RECORDED = Path(__file__).resolve().parents[3].parent / "shared" / "recorded" / "deviantart"
COPE = RECORDED / "pachunka.deviantart.com.art-cope-145564099.html"
NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
recorded = pytest.mark.skipif(not COPE.exists(), reason="the recorded answers are not here")


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVIANTART_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("DEVIANTART_CLIENT_SECRET", CLIENT_SECRET)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_picture(number: int) -> bytes:
    return encoded(a_nebula(number))


def a_session(clock: Clock) -> requests.Session:
    return polite_session(None, {}, sleep=clock.sleep, clock=clock.now, now=clock.now, dice=lambda: 1.0)


def an_ask(server: DeviantArtServer, tmp_path: Path, clock: Clock, **settings: Any) -> Ask:
    options = {name: settings.pop(name) for name in ("finished", "progress") if name in settings}
    return Ask(
        settings=DeviantArtSettings(api=f"{server.base}/api/v1/oauth2", **settings),
        subject="planet",
        session=a_session(clock),
        answers=Store(tmp_path / "answers"),
        now=lambda: NOW,
        base=tmp_path,
        **options,
    )


def found_by(ask: Ask) -> list[Found]:
    return list(SOURCE.search(ask))


def records(found: Sequence[Found]) -> dict[str, Record]:
    return {one.uid: one for one in found if isinstance(one, Record)}


def skipped(found: Sequence[Found]) -> dict[str, Skipped]:
    return {one.key: one for one in found if isinstance(one, Skipped)}


def permit(folder: Path, *entries: str) -> None:
    text = "\n".join(f"[[permission]]\n{entry}\n" for entry in entries)
    (folder / "permissions.toml").write_text(text, encoding="utf-8")


YES = 'scope = ["train", "publish"]\ndate = 2026-03-01\nproof = "https://example.org/letters/12"'


# The page


@recorded
def test_of_a_recorded_page_only_the_record_of_its_own_deviation_is_read() -> None:
    page = read_page(COPE.read_text(encoding="utf-8"), "145564099")
    assert page["number"] == "145564099"
    assert page["uuid"] == "c195bda2-fd97-05e3-697f-7437acfac194"
    assert (page["title"], page["author"]) == ("Cope", "pachunka")
    assert (page["license"], page["ai_use_disallowed"], page["ai_generated"]) == ("none", True, False)
    assert page["opt_out"] == ["meta robots: noimageai"]
    assert page["media"]["bytes"] == 165096
    assert "token" not in json.dumps(page)


@recorded
def test_the_other_deviations_of_a_recorded_page_cannot_be_read_from_it() -> None:
    html = COPE.read_text(encoding="utf-8")
    beside = json.loads((RECORDED / f"{COPE.stem}.deviations.json").read_text(encoding="utf-8"))
    others = {str(one["deviationId"]) for one in beside} - {"145564099"}
    assert len(others) > 30
    for number in sorted(others)[::8]:
        with pytest.raises(PageChanged) as changed:
            read_page(html, number)
        assert number in str(changed.value)


@recorded
def test_every_recorded_work_under_creative_commons_is_opted_out() -> None:
    beside = json.loads((RECORDED / f"{COPE.stem}.deviations.json").read_text(encoding="utf-8"))
    free = [one for one in beside if one["license"] != "none"]
    assert free
    assert all(one["isAiUseDisallowed"] for one in free)


@recorded
def test_the_recorded_metadata_withholds_every_right() -> None:
    said = json.loads((RECORDED / "api_deviation_metadata.json").read_text(encoding="utf-8"))["metadata"][0]
    answer = an_answer() | {"page": {"unread": "it says No License"}}
    answer["metadata"] = {"license": said["license"], "description": said["description"], "tags": []}
    record = parse(answer, "planet")
    assert record.rights.chosen == "LicenseRef-AllRightsReserved"
    assert record.rights.cls is LicenceClass.CLOSED
    assert record.ai.opted_out is None


def a_page(**changes: Any) -> str:
    entity = {"deviationId": 7, "license": "by", "isAiUseDisallowed": False, "isAiGenerated": False} | changes
    state = {"@@entities": {"deviation": {"7": entity}}}
    return f"<html><script>window.__INITIAL_STATE__ = JSON.parse({in_javascript(state)});</script></html>"


@pytest.mark.parametrize(
    ("html", "looked_for"),
    [
        ("", "script with window.__INITIAL_STATE__"),
        ("<html><script>var x = 1</script></html>", "script with window.__INITIAL_STATE__"),
        ("<script>window.__INITIAL_STATE__ = JSON.parse(</script>", "JSON in window.__INITIAL_STATE__"),
        ('<script>window.__INITIAL_STATE__ = JSON.parse("[1]")</script>', "object in"),
        ('<script>window.__INITIAL_STATE__ = JSON.parse("{}")</script>', "@@entities.deviation.7"),
        (a_page(deviationId=8), "@@entities.deviation.7"),
        (a_page(license=None), "@@entities.deviation.7.license"),
        (a_page(license=["by"]), "@@entities.deviation.7.license"),
        (f"<script>window.__INITIAL_STATE__ = {'[' * 100_000}</script>", "JSON in window.__INITIAL_STATE__"),
    ],
)
def test_a_page_that_changed_its_shape_says_what_was_looked_for(html: str, looked_for: str) -> None:
    with pytest.raises(PageChanged) as changed:
        read_page(html, "7")
    assert looked_for in changed.value.looked_for
    assert "deviation 7" in str(changed.value)


def test_html_that_a_parser_may_reject_is_a_page_that_changed() -> None:
    with pytest.raises(PageChanged):
        read_page("<![foo[", "7")


@pytest.mark.parametrize("value", [None, "true", "false", 0, 1, [], {}])
def test_a_mark_that_is_neither_true_nor_false_is_not_known(value: Any) -> None:
    page = read_page(a_page(isAiUseDisallowed=value, isAiGenerated=value), "7")
    assert (page["ai_use_disallowed"], page["ai_generated"]) == (None, None)


def test_a_state_that_is_an_object_and_not_a_string_is_read_as_well() -> None:
    html = '<script>window.__INITIAL_STATE__ = {"@@entities": {"deviation": {"7": {"deviationId": 7, '
    assert read_page(f'{html}"license": "by"}}}}}}}};window.x = 1</script>', "7")["license"] == "by"


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
some_key = st.sampled_from(["deviationId", "license", "author", "media", "isDeleted", "url", "title", "x"])


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_html_crashes_the_reader(html: str) -> None:
    for wrapped in (html, f"<script>window.__INITIAL_STATE__ = JSON.parse({html}", f"<meta {html}>"):
        with pytest.raises(PageChanged):
            read_page(wrapped, "7")


@given(st.dictionaries(some_key, any_json), any_json, any_json)
def test_no_state_crashes_the_reader_or_opens_a_right(
    entity: dict[str, Any], extended: Any, users: Any
) -> None:
    state = {"@@entities": {"deviation": {"7": entity}, "deviationExtended": {"7": extended}, "user": users}}
    html = f"<script>window.__INITIAL_STATE__ = JSON.parse({in_javascript(state)})</script>"
    try:
        page = read_page(html, "7")
    except PageChanged:
        return
    record = parse(an_answer() | {"page": page}, "planet")
    assert record.ai.opted_out is None
    assert record.rights.cls in (LicenceClass.UNKNOWN, LicenceClass.CLOSED)


@given(
    st.dictionaries(st.sampled_from(["url", "deviationid", "author", "content", "is_deleted"]), any_json),
    any_json,
)
def test_no_answer_of_the_api_crashes_the_run(deviation: dict[str, Any], metadata: Any) -> None:
    from collectors.deviantart.deviations import picture, reserved, wrap

    told = metadata if isinstance(metadata, dict) else {}
    number_of(deviation.get("url"))
    reserved(told)
    file = picture(deviation.get("content")) or {"url": "https://example.org/a.png"}
    answer = wrap(
        deviation | {"url": "/a-7"}, told, {"unread": "x"}, file, site="https://a.example", query="q"
    )
    assert parse(answer, "planet").uid == "deviantart:7"


# One answer → one record


def an_answer(**page: Any) -> dict[str, Any]:
    return {
        "site": "https://www.deviantart.com",
        "query": "tags planet",
        "deviation": {
            "number": "7",
            "uuid": "da000000-0000-0000-0000-000000000007",
            "url": "https://www.deviantart.com/ada-lane/art/A-red-planet-7",
            "title": "A red planet",
            "author": "ada-lane",
            "published": "1760000000",
        },
        "metadata": {"license": "", "description": "<p>Oil on <i>glass</i></p>", "tags": ["planet", "red"]},
        "page": {"license": "none"} | page,
        "file": {"url": "https://images.example/f/7.png", "width": 900, "height": 700, "bytes": 5},
    }


@pytest.mark.parametrize(
    ("code", "id"),
    [
        ("none", "LicenseRef-AllRightsReserved"),
        ("by", "CC-BY-3.0"),
        ("by-sa", "CC-BY-SA-3.0"),
        ("by-nd", "CC-BY-ND-3.0"),
        ("by-nc", "CC-BY-NC-3.0"),
        ("by-nc-sa", "CC-BY-NC-SA-3.0"),
        ("by-nc-nd", "CC-BY-NC-ND-3.0"),
        ("by-free", "NOASSERTION"),
        ("cc0", "NOASSERTION"),
        ("", "NOASSERTION"),
    ],
)
def test_the_codes_of_a_page_are_creative_commons_3(code: str, id: str) -> None:
    assert parse(an_answer(license=code), "planet").rights.chosen == id


def test_a_page_and_an_api_that_disagree_leave_the_stricter_word_standing() -> None:
    answer = an_answer(license="by")
    answer["metadata"]["license"] = "No License"
    rights = parse(answer, "planet").rights
    assert rights.chosen == "LicenseRef-AllRightsReserved"
    assert rights.conflict is not None


def test_a_record_credits_its_artist_and_names_its_evidence() -> None:
    answer = an_answer(license="by-sa", ai_use_disallowed=False, opt_out=[])
    record = parse(answer, "planet")
    assert record.uid == "deviantart:7"
    assert record.creator.url == "https://www.deviantart.com/ada-lane"
    assert record.credit_line == (
        "“A red planet” by ada-lane, "
        "via DeviantArt (https://www.deviantart.com/ada-lane/art/A-red-planet-7), "
        "CC BY-SA 3.0 (https://creativecommons.org/licenses/by-sa/3.0/)"
    )
    assert record.description == "Oil on glass"
    assert ("page", "license", "by-sa") in [(one.channel, one.field, one.value) for one in record.evidence]
    assert ("page", "isAiUseDisallowed", "false") in [
        (one.channel, one.field, one.value) for one in record.evidence
    ]


def test_a_token_never_enters_an_address_that_is_kept() -> None:
    assert stable("https://i.example/f/a/b.jpg/v1/fill/w_9/x.jpg?token=ey&ts=1#x").endswith("/w_9/x.jpg")


@pytest.mark.parametrize(
    ("ai", "opted_out"),
    [
        ({"ai_use_disallowed": True}, True),
        ({"ai_use_disallowed": False}, False),
        ({}, None),
        ({"ai_use_disallowed": False, "opt_out": ["meta robots: noai"]}, True),
        ({"opt_out": ["X-Robots-Tag: noai"]}, True),
    ],
)
def test_an_opt_out_is_true_false_or_not_stated(ai: dict[str, Any], opted_out: bool | None) -> None:
    assert parse(an_answer(license="by", **ai), "planet").ai.opted_out is opted_out


@pytest.mark.parametrize("purpose", ["publish", "train", "private"])
def test_what_is_not_stated_counts_as_opted_out(purpose: Any) -> None:
    record = parse(an_answer(license="by"), "planet")
    policy = PolicySettings(purpose=purpose, unknown="review")
    for verdict in (may_publish(record, policy), may_fetch(record, policy)):
        assert verdict.reason is Reason.OPTED_OUT
        assert "DeviantArt opts works out" in verdict.detail
    elsewhere = record.model_copy(update={"source": "commons"})
    assert may_publish(elsewhere, policy).keep


def test_silence_is_not_fetched_for_review_either() -> None:
    record = parse(an_answer(license="something"), "planet")
    assert may_fetch(record, PolicySettings(unknown="review")).reason is Reason.OPTED_OUT


# The search


def test_every_deviation_of_a_tag_is_found_once_whatever_the_paging(tmp_path: Path, clock: Clock) -> None:
    works = [Work(number, license="by", data=b"x") for number in range(1, 64)]
    for cursors in (False, True):
        with DeviantArtServer(works, cursors=cursors) as server:
            ask = an_ask(server, tmp_path, clock, tags=["planet"], newest=["red planet"], limit=500)
            assert len(records(found_by(ask))) == 63
            assert sum("browse/tags" in path for path in server.asked) == 2
            assert len(server.pages()) == 63, "no page is read twice"
            assert server.tokens == 1


def test_no_more_is_looked_at_than_the_recipe_allows_a_query(tmp_path: Path, clock: Clock) -> None:
    works = [Work(number, license="by", data=b"x") for number in range(1, 61)]
    with DeviantArtServer(works, page_size=10) as server:
        found = found_by(an_ask(server, tmp_path, clock, tags=["planet"], limit=15))
        assert len(records(found)) == 15
        assert len(server.pages()) == 15


def test_a_page_is_not_read_where_nothing_in_it_could_let_the_image_in(tmp_path: Path, clock: Clock) -> None:
    with DeviantArtServer([Work(1, data=b"x"), Work(2, license="by", data=b"x")]) as server:
        found = records(found_by(an_ask(server, tmp_path, clock, tags=["planet"])))
        assert [path.rpartition("-")[2] for path in server.pages()] == ["2"]
    closed = found["deviantart:1"]
    assert closed.ai.opted_out is None
    assert closed.ai.signals == ("page not read: the API says “No License”",)
    verdict = may_publish(closed, PolicySettings())
    assert verdict.reason is Reason.LICENCE_REFUSED


def test_what_the_page_says_becomes_the_record(tmp_path: Path, clock: Clock) -> None:
    work = Work(1, license="by-nc-nd", ai_use_disallowed=True, robots="noimageai", data=b"x")
    with DeviantArtServer([work]) as server:
        ask = an_ask(server, tmp_path, clock, tags=["planet"], kind="fictive")
        record = records(found_by(ask))["deviantart:1"]
        assert record.original.url == f"{server.base}/shown/1-v1.png"
    assert record.rights.chosen == "CC-BY-NC-ND-3.0"
    assert record.kind == "fictive"
    assert record.ai.signals == (
        "isAiUseDisallowed = true",
        "isAiGenerated = false",
        "meta robots: noimageai",
    )
    answer = ask.answers.answer(record.evidence[0].answer_sha256 or "")
    assert SOURCE.parse(answer, "planet").rights == record.rights


def test_a_header_of_the_page_opts_out_whatever_its_marks_say(tmp_path: Path, clock: Clock) -> None:
    said = {"X-Robots-Tag": "noai, noimageai"}
    works = [
        Work(1, license="by", ai_use_disallowed=False, page_headers=said, data=b"x"),
        Work(2, license="by", ai_use_disallowed=False, data=b"x"),
    ]
    with DeviantArtServer(works) as server:
        found = records(found_by(an_ask(server, tmp_path, clock, tags=["planet"])))
    assert [found[f"deviantart:{number}"].ai.opted_out for number in (1, 2)] == [True, False]
    assert "X-Robots-Tag: noai" in may_publish(found["deviantart:1"], PolicySettings()).detail
    assert may_publish(found["deviantart:2"], PolicySettings()).keep


def test_robots_txt_keeps_us_from_pages_and_that_is_an_opt_out(tmp_path: Path, clock: Clock) -> None:
    rules = "User-agent: *\nDisallow: /ada-lane/\n"
    with DeviantArtServer([Work(1, license="by", data=b"x")], robots=rules) as server:
        record = records(found_by(an_ask(server, tmp_path, clock, tags=["planet"])))["deviantart:1"]
        assert server.pages() == []
    assert record.ai.opted_out is True
    assert "robots.txt" in may_publish(record, PolicySettings()).detail


def test_texts_deleted_works_and_changed_pages_are_left_out_with_their_reason(
    tmp_path: Path, clock: Clock
) -> None:
    works = [
        Work(1, kind="literature"),
        Work(2, license="by", data=b"x", sold=True),
        Work(3, license="by", page="<html>Please wait</html>", data=b"x"),
        Work(4, license="by", data=b"x"),
    ]
    with DeviantArtServer(works) as server:
        found = found_by(an_ask(server, tmp_path, clock, tags=["planet"], deviations=["99", "4"]))
    out = skipped(found)
    assert out["deviantart:1"].reason is Reason.NOT_AN_IMAGE
    assert out["deviantart:99"].reason is Reason.GONE
    assert "pay" in out["deviantart:2"].detail
    assert out["deviantart:3"].reason is Reason.NO_LICENCE
    assert "window.__INITIAL_STATE__" in out["deviantart:3"].detail
    assert set(records(found)) == {"deviantart:4"}


def test_a_site_that_gives_no_token_is_busy(tmp_path: Path, clock: Clock) -> None:
    with DeviantArtServer([]) as server:
        ask = an_ask(server, tmp_path, clock, tags=["planet"])
    with pytest.raises(HostBusy, match="no token after 3 tries"):
        found_by(ask)


def test_pages_that_all_changed_stop_the_search(tmp_path: Path, clock: Clock) -> None:
    works = [Work(number, license="by", page="<html>New!</html>", data=b"x") for number in range(1, 30)]
    with DeviantArtServer(works) as server:
        with pytest.raises(PageChanged):
            found_by(an_ask(server, tmp_path, clock, tags=["planet"]))
        assert len(server.pages()) == 5


def test_an_answer_cannot_send_us_to_another_site(tmp_path: Path, clock: Clock) -> None:
    with DeviantArtServer([Work(1, license="by", data=b"x")]) as server, DeviantArtServer([]) as elsewhere:
        ask = an_ask(server, tmp_path, clock, tags=["planet"], site=server.base)
        server.base, base = elsewhere.base, server.base
        found = found_by(ask)
        server.base = base
        assert elsewhere.asked == []
    assert skipped(found)["deviantart:1"].reason is Reason.NO_LICENCE


@pytest.mark.parametrize("form", ["number", "address", "uuid"])
def test_a_deviation_may_be_named_in_three_ways(form: str, tmp_path: Path, clock: Clock) -> None:
    work = Work(7, license="by-sa", tags=(), data=b"x")
    with DeviantArtServer([work]) as server:
        named = {"number": "7", "address": f"{server.base}{work.path}?q=1", "uuid": work.uuid}[form]
        found = records(found_by(an_ask(server, tmp_path, clock, deviations=[named])))
    assert found["deviantart:7"].rights.chosen == "CC-BY-SA-3.0"


# Keys, limits, blocks


def test_a_missing_key_is_named(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEVIANTART_CLIENT_SECRET")
    with DeviantArtServer([]) as server:
        with pytest.raises(KeyMissing) as missing:
            found_by(an_ask(server, tmp_path, clock, tags=["planet"]))
        assert server.asked == []
    assert list(missing.value.missing) == ["DEVIANTART_CLIENT_SECRET"]
    assert missing.value.missing["DEVIANTART_CLIENT_SECRET"].startswith(
        "https://www.deviantart.com/developers"
    )


def test_a_refused_key_is_not_repeated_in_the_words(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVIANTART_CLIENT_SECRET", "wrong-secret")
    with DeviantArtServer([]) as server, pytest.raises(KeyRefused) as refused:
        found_by(an_ask(server, tmp_path, clock, tags=["planet"]))
    assert "invalid" in str(refused.value)
    assert "wrong-secret" not in str(refused.value)


def test_a_token_that_runs_out_is_replaced_in_the_middle(tmp_path: Path, clock: Clock) -> None:
    works = [Work(number, license="by", data=b"x") for number in range(1, 31)]
    with DeviantArtServer(works, page_size=5, token_lives=3) as server:
        assert len(records(found_by(an_ask(server, tmp_path, clock, tags=["planet"])))) == 30
        assert server.tokens > 2
    assert not any(CLIENT_SECRET in path or "token-" in path for path in server.asked)


def test_a_rate_limit_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    works = [Work(number, license="by", data=b"x") for number in range(1, 31)]
    with DeviantArtServer(works, page_size=5, limit_every=4) as server:
        assert len(records(found_by(an_ask(server, tmp_path, clock, tags=["planet"])))) == 30
    assert 3.0 in clock.slept


def test_a_blocked_request_gives_the_host_five_minutes(tmp_path: Path, clock: Clock) -> None:
    with DeviantArtServer([Work(1, license="by", data=b"x")]) as server:
        server.block = 1
        assert len(records(found_by(an_ask(server, tmp_path, clock, tags=["planet"])))) == 1
        assert clock.slept == [300.0]
        server.block = 99
        with pytest.raises(HostBusy):
            found_by(an_ask(server, tmp_path, clock, tags=["planet"]))


def test_a_server_that_is_none_is_named(tmp_path: Path, clock: Clock) -> None:
    with DeviantArtServer([]) as server:
        ask = an_ask(server, tmp_path, clock, tags=["planet"], site=f"{server.base}/elsewhere")
        with pytest.raises(NotDeviantArt, match="token"):
            found_by(ask)


@pytest.mark.parametrize(
    "settings",
    [{"api": "deviantart.com"}, {"deviations": ["planet"]}, {"limit": 0}, {"site": "x"}, {"tag": ["a"]}],
    ids=str,
)
def test_wrong_settings_are_refused_at_the_door(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DeviantArtSettings.model_validate(settings)


# Permissions


def test_a_written_yes_gets_an_image_in_and_travels_with_it(tmp_path: Path, clock: Clock) -> None:
    works = [
        Work(1, author="Ada-Lane", data=b"x", robots="noai"),
        Work(2, author="somebody", data=b"x"),
        Work(3, author="ada-lane", data=b"x", ai_generated=True),
    ]
    permit(tmp_path, f'author = "ada-lane"\n{YES}')
    with DeviantArtServer(works) as server:
        found = records(found_by(an_ask(server, tmp_path, clock, tags=["planet"])))
    verdicts = {uid: may_publish(record, PolicySettings()) for uid, record in found.items()}
    assert verdicts["deviantart:1"].keep
    assert found["deviantart:1"].permission is not None
    assert found["deviantart:1"].permission.proof == "https://example.org/letters/12"
    assert found["deviantart:1"].credit_line.endswith(", by the artist's written permission of 2026-03-01")
    assert consequence(found["deviantart:1"], PolicySettings()) == (
        "By written permission: train and publish. Name the author."
    )
    assert verdicts["deviantart:2"].reason is Reason.LICENCE_REFUSED
    assert verdicts["deviantart:3"].reason is Reason.AI_GENERATED


def test_a_permission_for_one_work_brings_that_work_without_a_search(tmp_path: Path, clock: Clock) -> None:
    works = [Work(1, data=b"x", tags=()), Work(2, data=b"x", tags=())]
    permit(tmp_path, f"deviation = 2\n{YES}")
    with DeviantArtServer(works) as server:
        found = records(found_by(an_ask(server, tmp_path, clock)))
    assert set(found) == {"deviantart:2"}


def test_a_permission_for_training_does_not_allow_publishing(tmp_path: Path, clock: Clock) -> None:
    for_training = YES.replace('["train", "publish"]', '["train"]')
    permit(tmp_path, f"deviation = 1\n{for_training}")
    with DeviantArtServer([Work(1, data=b"x")]) as server:
        record = records(found_by(an_ask(server, tmp_path, clock)))["deviantart:1"]
    assert may_publish(record, PolicySettings(purpose="train")).keep
    assert may_publish(record, PolicySettings(purpose="publish")).reason is Reason.OPTED_OUT


def test_an_author_nobody_met_is_named_at_the_end_also_after_a_kill(tmp_path: Path, clock: Clock) -> None:
    permit(tmp_path, f'author = "ada-lane"\n{YES}', f'author = "adda-lane"\n{YES}')
    with DeviantArtServer([Work(1, data=b"x")]) as server:
        notes = Notes()
        found = found_by(an_ask(server, tmp_path, clock, tags=["planet"], progress=notes))
        assert len(notes.notes) == 1
        assert "'adda-lane'" in notes.notes[0]
        finished = {one.unit: one.leads_to for one in found if isinstance(one, Finished)}
        later = Notes()
        ask = an_ask(server, tmp_path, clock, tags=["planet"], progress=later, finished=finished)
        assert [one for one in found_by(ask) if not isinstance(one, Finished)] == []
        assert later.notes == notes.notes


# The whole way


def a_plan(server: DeviantArtServer, folder: Path, **settings: Any) -> Plan:
    return Plan(
        name="planets",
        base=folder,
        manifest=folder / "planets.jsonl",
        settings=CollectSettings(subject="planet", min_side=10),
        sources=[(SOURCE, DeviantArtSettings(api=f"{server.base}/api/v1/oauth2", **settings))],
        recipe_sha256="0" * 64,
        tool="test",
    )


def a_run(plan: Plan, clock: Clock, data: str = "data") -> Collected:
    return collect(
        plan,
        Workspace(plan.base / data),
        a_session(clock),
        lambda record: may_fetch(record, PolicySettings()),
        now=lambda: NOW,
    )


@pytest.fixture
def gallery() -> Iterator[DeviantArtServer]:
    """Twelve permitted works, one that is free, and three that are not to be had."""
    works = [Work(n, data=a_picture(n), file_headers={"X-Robots-Tag": "noai"}) for n in range(1, 13)]
    works += [
        Work(20, "bo", license="by", ai_use_disallowed=False, data=a_picture(20), upload=a_picture(21)),
        Work(30, "bo", license="by", ai_use_disallowed=True, data=a_picture(30)),
        Work(31, "bo", license="by", ai_use_disallowed=None, data=a_picture(31)),
        Work(32, "bo", license="none", data=a_picture(32)),
    ]
    with DeviantArtServer(works) as server:
        yield server


def test_links_that_expire_are_asked_for_just_before_each_download(
    gallery: DeviantArtServer, tmp_path: Path, clock: Clock
) -> None:
    permit(tmp_path, f'author = "ada-lane"\n{YES}')
    result = a_run(a_plan(gallery, tmp_path, tags=["planet"]), clock)
    assert (result.taken, result.pending) == (13, 0)
    assert result.reasons == {Reason.OPTED_OUT: 2, Reason.LICENCE_REFUSED: 1}
    manifest = manifests.read(tmp_path / "planets.jsonl")
    text = (tmp_path / "planets.jsonl").read_text(encoding="utf-8")
    assert "token=" not in text
    assert '"permission":{' in text
    files = {record.uid: record.file for record in manifest.records if record.file}
    assert files["deviantart:20"]
    assert files["deviantart:20"].sha256 == hashlib.sha256(a_picture(21)).hexdigest(), "the upload is better"
    assert files["deviantart:3"]
    assert files["deviantart:3"].sha256 == hashlib.sha256(a_picture(3)).hexdigest()


def test_a_file_whose_host_says_noai_stays_away_unless_its_artist_permitted_it(
    gallery: DeviantArtServer, tmp_path: Path, clock: Clock
) -> None:
    gallery.works[20].file_headers = {"X-Robots-Tag": "noai"}
    result = a_run(a_plan(gallery, tmp_path, tags=["planet"]), clock)
    assert [(one.key, one.reason) for one in result.missed] == [("deviantart:20", Reason.OPTED_OUT)]
    permit(tmp_path, f'author = "ada-lane"\n{YES}')
    assert a_run(a_plan(gallery, tmp_path, tags=["planet"]), clock).taken == 12


def test_a_link_that_died_before_its_turn_is_asked_for_once_more(
    gallery: DeviantArtServer, tmp_path: Path, clock: Clock
) -> None:
    permit(tmp_path, f'author = "ada-lane"\n{YES}')
    real, seen = gallery._link, set()

    def dead_at_first(work: Work, name: str, data: bytes) -> dict[str, Any]:
        link = real(work, name, data)
        if sum("/api/v1/oauth2/deviation/" in path for path in gallery.asked) > 2 and work.number not in seen:
            seen.add(work.number)
            gallery.links[link["src"].rpartition("=")[2]] = 0
        return link

    gallery._link = dead_at_first  # type: ignore[method-assign]
    result = a_run(a_plan(gallery, tmp_path, tags=["planet"]), clock)
    assert len(seen) > 5
    assert (result.taken, result.missed, result.pending) == (13, [], 0)


def test_a_rebuild_asks_for_fresh_links_and_brings_the_same_bytes(
    gallery: DeviantArtServer, tmp_path: Path, clock: Clock
) -> None:
    permit(tmp_path, f'author = "ada-lane"\n{YES}')
    plan = a_plan(gallery, tmp_path, tags=["planet"])
    a_run(plan, clock)
    lock = manifests.read(plan.manifest)
    gallery.links.clear()
    gallery.works[4].deleted = True
    gallery.works[5].data, gallery.works[5].version = a_picture(99), 2
    gallery.works[6].ai_generated = True
    elsewhere = Workspace(tmp_path / "elsewhere")
    rebuilt = collect_locked(
        plan,
        lock,
        elsewhere,
        a_session(clock),
        lambda record: may_fetch(record, PolicySettings()),
        now=lambda: NOW,
    )
    here = {
        record.uid for record in lock.records if record.file and record.file.sha256 in elsewhere.originals
    }
    expected = {f"deviantart:{number}" for number in (1, 2, 3, 7, 8, 9, 10, 11, 12, 20)}
    assert here == expected
    fates = {one.uid: one.fate for one in rebuilt.images}
    assert (fates["deviantart:1"], fates["deviantart:4"]) == (Fate.SAME, Fate.GONE)
    assert fates["deviantart:6"] is Fate.DROPPED


def test_a_new_permission_is_seen_by_the_next_run(
    gallery: DeviantArtServer, tmp_path: Path, clock: Clock
) -> None:
    plan = a_plan(gallery, tmp_path, tags=["planet"])
    assert a_run(plan, clock).taken == 1
    asked = len(gallery.asked)
    assert a_run(plan, clock).taken == 1
    assert len(gallery.asked) == asked, "nothing changed, so nothing is asked"
    permit(tmp_path, f'author = "ada-lane"\n{YES}')
    assert a_run(plan, clock).taken == 13


def test_a_search_that_was_killed_goes_on_with_the_next_query(tmp_path: Path, clock: Clock) -> None:
    works = [Work(n, license="by", tags=("a" if n < 5 else "b",), data=b"x") for n in range(1, 10)]
    with DeviantArtServer(works) as server:
        plan = a_plan(server, tmp_path, tags=["a", "b"])
        workspace = Workspace(tmp_path / "data")
        server.works[7].page = None
        broken = {n: server.works[n].page for n in range(5, 10)}
        for n in broken:
            server.works[n].page = "<html>Down</html>"
        with pytest.raises(PageChanged):
            search_plan(plan, workspace, a_session(clock), refresh=False, progress=Silent(), now=lambda: NOW)
        for n in broken:
            server.works[n].page = None
        server.asked.clear()
        told, _ = search_plan(
            plan, workspace, a_session(clock), refresh=False, progress=Silent(), now=lambda: NOW
        )
    assert not any("tag=a" in path for path in server.asked)
    assert len(told) == 9


def test_the_locked_file_is_found_again_and_another_one_is_told_apart(
    gallery: DeviantArtServer, tmp_path: Path, clock: Clock
) -> None:
    ask = an_ask(gallery, tmp_path, clock, tags=["planet"])
    known = records(found_by(ask))
    gallery.works[30].deleted = True
    gallery.works[20].upload = None
    assert SOURCE.resolve
    told = {one.uid: one for one in SOURCE.resolve(ask, list(known.values()))}
    fresh = told["deviantart:31"].original
    assert fresh
    assert stable(fresh.url) == known["deviantart:31"].original.url
    assert re.search(r"\?token=\w+$", fresh.url)
    assert told["deviantart:30"].original is None
    assert "deleted" in told["deviantart:30"].detail
    assert told["deviantart:20"].original
    assert "overwritten" in told["deviantart:20"].detail


def test_a_permission_holds_on_another_machine_until_it_ends_and_is_withdrawn_by_its_file(
    tmp_path: Path, clock: Clock
) -> None:
    permit(tmp_path, f"deviation = 1\n{YES}", f"deviation = 2\nuntil = 2026-12-31\n{YES}")
    with DeviantArtServer([Work(1, data=b"x"), Work(2, data=b"x")]) as server:
        ask = an_ask(server, tmp_path, clock)
        known = list(records(found_by(ask)).values())
        elsewhere = replace(ask, base=tmp_path / "elsewhere")
        later = replace(elsewhere, now=lambda: datetime(2027, 1, 1, tzinfo=UTC))

        def permitted(ask: Ask) -> list[bool]:
            assert SOURCE.look_again
            return [bool(one.now and one.now.permission) for one in SOURCE.look_again(ask, known)]

        assert permitted(elsewhere) == [True, True]
        assert permitted(later) == [True, False]
        permit(tmp_path, f"deviation = 2\n{YES}")
        assert permitted(ask) == [False, True]


def test_looking_again_tells_what_changed_and_costs_one_question_for_fifty(
    gallery: DeviantArtServer, tmp_path: Path, clock: Clock
) -> None:
    permit(tmp_path, f'author = "ada-lane"\n{YES}')
    ask = an_ask(gallery, tmp_path, clock, tags=["planet"], kind="fictive")
    known = records(found_by(ask))
    gallery.works[5].deleted = True
    gallery.works[20].ai_use_disallowed = True
    gallery.works[31].license = "by-nc-nd"
    gallery.asked.clear()
    assert SOURCE.look_again
    seen = {one.uid: one for one in SOURCE.look_again(ask, list(known.values()))}
    assert seen.keys() == known.keys()
    assert seen["deviantart:5"].now is None
    assert seen["deviantart:20"].now
    assert seen["deviantart:20"].now.ai.opted_out is True
    assert seen["deviantart:31"].now
    assert seen["deviantart:31"].now.rights.chosen == "CC-BY-NC-ND-3.0"
    for uid in ("deviantart:1", "deviantart:32"):
        now = seen[uid].now
        assert now
        for name in ("rights", "ai", "permission", "original", "title", "creator", "credit_line", "kind"):
            assert getattr(now, name) == getattr(known[uid], name), name
    assert len(gallery.pages()) == 14, "all but the deleted one and the one nobody may have"
