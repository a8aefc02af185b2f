"""Asking a wiki again by page id: what is asked, what comes of each answer, which version is locked."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import a_record
from test_commons import COMMONS, Session

from collectors.commons import AnotherWiki, CommonsSettings, look_again, resolve
from collectors.commons.again import locate
from collectors.record import Record
from collectors.source import Ask
from collectors.storage.stores import Store

SHA1 = "a" * 40


def an_ask(session: Session, folder: Path, **changes: Any) -> Ask:
    settings = CommonsSettings(**{"api": COMMONS, "categories": ["Nebulae"], "structured": "off"} | changes)
    return Ask(
        settings=settings,
        subject="nebula",
        session=session,
        answers=Store(folder),
        now=lambda: datetime(2026, 11, 20, tzinfo=UTC),
    )


def a_page(pageid: int, **changes: Any) -> dict[str, Any]:
    return {
        "pageid": pageid,
        "ns": 6,
        "title": f"File:Nebula {pageid}.jpg",
        "imagerepository": "local",
        "imageinfo": [{"url": f"https://upload.wikimedia.org/{pageid}.jpg", "sha1": SHA1, "extmetadata": []}],
        "categories": [],
    } | changes


def pages_of(params: dict[str, Any], pages: dict[int, dict[str, Any]]) -> dict[str, Any]:
    asked = [int(one) for one in str(params["pageids"]).split("|")]
    found = [pages.get(pageid, {"pageid": pageid, "missing": True}) for pageid in asked]
    return {"batchcomplete": True, "query": {"pages": [page for page in found if page]}}


def records(*numbers: int) -> list[Record]:
    return [a_record(number=number, original={"sha1": SHA1}) for number in numbers]


def test_fifty_files_are_asked_for_at_once_by_the_id_of_their_page(tmp_path: Path) -> None:
    everything = {number: a_page(number) for number in range(1, 121)}
    session = Session(lambda params: pages_of(params, everything))
    seen = list(look_again(an_ask(session, tmp_path), records(*everything)))
    assert [sighting.uid for sighting in seen] == [f"commons:M{number}" for number in everything]
    assert [len(question["pageids"].split("|")) for question in session.asked] == [50, 50, 20]
    assert all("generator" not in question for question in session.asked)
    assert all("extmetadata" in question["iiprop"] for question in session.asked)


def test_a_batch_in_parts_is_put_together_before_it_is_read(tmp_path: Path) -> None:
    whole = a_page(1, categories=[{"title": "Category:CC-BY-4.0", "hidden": True}])
    parts = [
        {
            "query": {
                "pages": [{name: whole[name] for name in ("pageid", "ns", "title", "imagerepository")}]
            },
            "continue": {"iicontinue": "x", "continue": "||categories"},
        },
        {"query": {"pages": [{"pageid": 1, "imageinfo": whole["imageinfo"]}]}}
        | {"continue": {"clcontinue": "y", "continue": "||imageinfo"}},
        {"batchcomplete": True, "query": {"pages": [{"pageid": 1, "categories": whole["categories"]}]}},
    ]
    session = Session(lambda params: parts[len(session.asked) - 1])
    (sighting,) = look_again(an_ask(session, tmp_path), records(1))
    assert sighting.now
    assert (sighting.now.rights.expression, sighting.now.original.sha1) == ("CC-BY-4.0", SHA1)


def test_what_was_deleted_holds_no_file_or_is_no_file_page_any_more_is_told_apart(tmp_path: Path) -> None:
    pages = {1: a_page(1), 3: a_page(3, imageinfo=[{"filemissing": True}])}
    session = Session(lambda params: pages_of(params, pages))
    seen = {one.uid: one for one in look_again(an_ask(session, tmp_path), records(1, 2, 3))}
    assert seen["commons:M1"].now
    assert (seen["commons:M2"].now, seen["commons:M2"].detail) == (None, "its page was deleted")
    assert (seen["commons:M3"].now, seen["commons:M3"].detail) == (None, "the page holds no file")
    assert len(session.asked) == 1


def test_a_file_that_was_merged_into_another_is_told_as_that_one_under_its_uid(tmp_path: Path) -> None:
    """An id that redirects is answered with the page it leads to, which carries an id of its own."""

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        return pages_of(params, {1: a_page(1), 2: a_page(9)})

    session = Session(answer)
    seen = {one.uid: one.now for one in look_again(an_ask(session, tmp_path), records(1, 2))}
    assert {uid: now.title for uid, now in seen.items() if now} == {
        "commons:M1": "Nebula 1.jpg",
        "commons:M2": "Nebula 9.jpg",
    }
    assert {uid: now.uid for uid, now in seen.items() if now} == {uid: uid for uid in seen}
    assert [question["pageids"] for question in session.asked] == ["1|2", "2"]


def test_the_answer_is_kept_as_that_of_a_search_is(tmp_path: Path) -> None:
    session = Session(lambda params: pages_of(params, {1: a_page(1)}))
    ask = an_ask(session, tmp_path)
    (sighting,) = look_again(ask, records(1))
    assert sighting.now
    kept = ask.answers.answer(sighting.now.evidence[0].answer_sha256 or "")
    assert kept["path"] == ["Emission nebulae", "Orion Nebula"]
    assert sighting.now.evidence[0].at == "2026-11-20T00:00:00Z"


def test_the_kind_of_the_recipe_goes_to_what_is_seen_again(tmp_path: Path) -> None:
    session = Session(lambda params: pages_of(params, {1: a_page(1)}))
    (sighting,) = look_again(an_ask(session, tmp_path, kind="real"), records(1))
    assert sighting.now
    assert sighting.now.kind == "real"


@pytest.mark.parametrize("uid", ["wiki-other:M1", "commons:1", "commons:Mx"])
@pytest.mark.parametrize("question", [look_again, resolve])
def test_a_record_of_another_wiki_is_refused(tmp_path: Path, question: Any, uid: str) -> None:
    session = Session(lambda params: {"batchcomplete": True})
    with pytest.raises(AnotherWiki) as caught:
        list(question(an_ask(session, tmp_path), [a_record(uid=uid)]))
    assert (caught.value.uid, session.asked) == (uid, [])


def a_version(sha1: str, when: int, **changes: Any) -> dict[str, Any]:
    return {
        "sha1": sha1,
        "timestamp": f"2024-01-{when:02}T00:00:00Z",
        "url": f"https://upload.wikimedia.org/archive/{when}!N.jpg?utm_source=x",
    } | changes


def test_the_locked_version_is_found_in_a_history_that_comes_in_parts(tmp_path: Path) -> None:
    history = [a_version(f"{number:040}", number) for number in range(28, 1, -1)] + [a_version(SHA1, 1)]
    steps = [history[:10], history[10:20], history[20:]]

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        step = int(params.get("iistart", 0))
        said: dict[str, Any] = {"query": {"pages": [{"pageid": 1, "imageinfo": steps[step]}]}}
        if step < 2:
            return said | {"continue": {"iistart": str(step + 1), "continue": "||"}}
        return said | {"batchcomplete": True}

    session = Session(answer)
    (found,) = resolve(an_ask(session, tmp_path), records(1))
    assert found.original
    assert found.original.url == "https://upload.wikimedia.org/archive/1!N.jpg"
    assert (found.original.sha1, found.original.revision) == (SHA1, "2024-01-01T00:00:00Z")
    assert found.detail == "overwritten; the archived version of 2024-01-01T00:00:00Z"
    assert [question["pageids"] for question in session.asked] == [1, 1, 1]
    assert all(question["iilimit"] == "max" for question in session.asked)


@pytest.mark.parametrize(
    ("versions", "detail"),
    [
        ([], "deleted"),
        ([a_version("b" * 40, 2)], "no version has the locked SHA-1 any more"),
        (
            [a_version("b" * 40, 2), {"sha1": SHA1, "timestamp": "2024-01-01T00:00:00Z", "filehidden": True}],
            "the wiki hides the version that is locked",
        ),
        ([{"filemissing": True}], "no version has the locked SHA-1 any more"),
    ],
)
def test_where_no_version_can_be_had_it_is_said_why(versions: list[dict[str, Any]], detail: str) -> None:
    found = locate(records(1)[0], versions)
    assert (found.original, found.detail) == (None, detail)


def test_a_version_that_was_put_back_is_the_current_one() -> None:
    versions = [a_version(SHA1.upper(), 3), a_version("b" * 40, 2), a_version(SHA1, 1)]
    found = locate(records(1)[0], versions)
    assert found.original
    assert (found.original.url.rpartition("/")[2], found.detail) == ("3!N.jpg", "")


def test_a_record_without_a_hash_has_no_locked_version() -> None:
    record = a_record(original={"sha1": None})
    assert locate(record, [a_version(SHA1, 1)]).original is None
