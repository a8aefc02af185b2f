"""The walk through a category tree: what is asked, in which order, and what is not asked again."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import ValidationError

from collectors.commons import SOURCE, CategoryMissing, CommonsSettings, bare, search
from collectors.commons.mediawiki import NotAWiki, Wiki, WikiRefused
from collectors.record import Reason, Record, Skipped
from collectors.source import Ask, Finished, Found
from collectors.storage.stores import Store

API = "http://127.0.0.1:9/w/api.php"
COMMONS = "https://commons.wikimedia.org/w/api.php"
Answer = Callable[[dict[str, Any]], Any]


class Session(requests.Session):
    """A session whose answers are made here; it remembers every question."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self.urls: list[str] = []

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        params = dict(options["params"])
        self.asked.append(params)
        self.urls.append(f"{method} {url}")
        said = self.answer(params)
        response = requests.Response()
        response.url = url
        response.status_code, said = said if isinstance(said, tuple) else (200, said)
        response.reason = "As Made Up"
        response._content = said if isinstance(said, bytes) else json.dumps(said).encode()
        return response


class SmallWiki:
    """A wiki in memory that answers as MediaWiki 1.39 does, two files a batch."""

    def __init__(self, tree: dict[str, list[str]], files: dict[str, list[str]]) -> None:
        self.tree, self.files = tree, files
        self.ids = {
            name: n for n, name in enumerate(dict.fromkeys(f for some in files.values() for f in some), 1)
        }

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        if "titles" in params:
            return self.roots(params["titles"].split("|"))
        if "gcmtitle" in params:
            return self.batch(params["gcmtitle"].removeprefix("Category:"), int(params.get("gcmcontinue", 0)))
        if "cmtitle" in params:
            members = self.tree.get(params["cmtitle"].removeprefix("Category:"), [])
            return {
                "batchcomplete": True,
                "query": {"categorymembers": [{"ns": 14, "title": f"Category:{name}"} for name in members]},
            }
        return {"batchcomplete": True, "query": {"general": {"wikiid": "small_Wiki"}}}

    def roots(self, titles: Iterable[str]) -> dict[str, Any]:
        pages = []
        for title in titles:
            size = len(self.tree.get(title[9:], [])) + len(self.files.get(title[9:], []))
            known = title[9:] in self.tree or title[9:] in self.files
            pages.append(
                {"title": title, "categoryinfo": {"size": size}} | ({} if known else {"missing": True})
            )
        return {"batchcomplete": True, "query": {"pages": pages, "general": {"wikiid": "small_Wiki"}}}

    def batch(self, category: str, start: int) -> dict[str, Any]:
        names = self.files.get(category, [])
        answer: dict[str, Any] = {"batchcomplete": True}
        if names[start : start + 2]:
            answer["query"] = {"pages": [self.page(name) for name in names[start : start + 2]]}
        if names[start + 2 :]:
            answer["continue"] = {"gcmcontinue": str(start + 2), "continue": "gcmcontinue||"}
        return answer

    def page(self, name: str) -> dict[str, Any]:
        return {
            "pageid": self.ids[name],
            "ns": 6,
            "title": f"File:{name}",
            "imagerepository": "local",
            "imageinfo": [{"url": f"http://127.0.0.1:9/{name}", "sha1": "0" * 40, "extmetadata": []}],
            "categories": [
                {"title": f"Category:{category}", "hidden": False}
                for category, names in self.files.items()
                if name in names
            ],
        }


TREE = {
    "Nebulae": ["Dark", "Logos", "Bright"],
    "Dark": ["Deep"],
    "Bright": ["Nebulae", "Dark"],
    "Deep": ["Deeper"],
}
FILES = {
    "Nebulae": ["a.jpg", "b.jpg", "c.jpg"],
    "Dark": ["d.jpg", "a.jpg"],
    "Bright": ["e.jpg"],
    "Logos": ["logo.png"],
    "Deep": ["f.jpg"],
    "Deeper": ["g.jpg"],
}


@pytest.fixture
def small() -> SmallWiki:
    return SmallWiki(TREE, FILES)


def an_ask(session: requests.Session, tmp_path: Path, **changes: Any) -> Ask:
    finished = changes.pop("finished", {})
    settings = CommonsSettings(**{"api": API, "categories": ["Nebulae"]} | changes)
    return Ask(
        settings=settings,
        subject="nebula",
        session=session,
        answers=Store(tmp_path / "answers"),
        finished=finished,
        now=lambda: datetime(2026, 11, 1, tzinfo=UTC),
    )


def told(found: Iterable[Found]) -> list[str]:
    """Files by name, finished categories in brackets, refused files with a minus."""
    words = {
        Record: lambda one: one.title,
        Finished: lambda one: f"[{one.unit}]",
        Skipped: lambda one: f"-{one.key}",
    }
    return [words[type(one)](one) for one in found]


def test_the_tree_is_walked_breadth_first_and_each_file_told_once(small: SmallWiki, tmp_path: Path) -> None:
    found = list(search(an_ask(Session(small), tmp_path, exclude=["logo*"])))
    assert told(found) == [
        *("a.jpg", "b.jpg", "c.jpg", "[Nebulae]"),
        *("d.jpg", "[Dark]"),
        *("e.jpg", "[Bright]"),
        *("f.jpg", "[Deep]"),
        *("g.jpg", "[Deeper]"),
    ]
    deepest = next(one for one in found if isinstance(one, Record) and one.title == "g.jpg")
    assert deepest.found_by.path == ("Nebulae", "Dark", "Deep", "Deeper")
    assert deepest.found_by.query == "Nebulae"
    assert deepest.uid == "wiki-small-wiki:M8"


@pytest.mark.parametrize(
    ("depth", "last"), [(0, "[Nebulae]"), (1, "[Bright]"), (2, "[Deep]"), (3, "[Deeper]"), (9, "[Deeper]")]
)
def test_the_walk_ends_at_its_depth(small: SmallWiki, tmp_path: Path, depth: int, last: str) -> None:
    session = Session(small)
    assert told(search(an_ask(session, tmp_path, depth=depth, exclude=["logo*"])))[-1] == last
    if depth == 0:
        assert not any("cmtitle" in question for question in session.asked)


def test_an_excluded_category_cuts_its_branch_and_an_excluded_title_is_counted(
    small: SmallWiki, tmp_path: Path
) -> None:
    session = Session(small)
    found = list(search(an_ask(session, tmp_path, exclude=["dark", "LOGO*", "b.*"])))
    # a.jpg and d.jpg are in the excluded category too, so they are no longer wanted.
    assert told(found) == [
        *("-wiki-small-wiki:M1", "-wiki-small-wiki:M2", "c.jpg", "[Nebulae]"),
        *("e.jpg", "[Bright]"),
    ]
    refused = [one for one in found if isinstance(one, Skipped)]
    assert {one.reason for one in refused} == {Reason.EXCLUDED_NAME}
    assert "'b.*'" in refused[1].detail
    assert not any(question.get("gcmtitle") == "Category:Dark" for question in session.asked)


def test_include_takes_titles_categories_and_whole_branches(small: SmallWiki, tmp_path: Path) -> None:
    found = told(search(an_ask(Session(small), tmp_path, include=["deep", "e.*"])))
    assert [name for name in found if name.endswith(".jpg")] == ["e.jpg", "f.jpg", "g.jpg"]


def test_finished_categories_are_passed_without_asking(small: SmallWiki, tmp_path: Path) -> None:
    calm = list(search(an_ask(Session(small), tmp_path, exclude=["logo*"])))
    finished = {one.unit: one.leads_to for one in calm if isinstance(one, Finished)}
    assert finished["Nebulae"] == ("Dark", "Logos", "Bright")
    kept = {name: finished[name] for name in ("Nebulae", "Dark")}
    session = Session(small)
    resumed = told(search(an_ask(session, tmp_path, exclude=["logo*"], finished=kept)))
    assert resumed == told(calm)[6:]
    assert not any("Category:Dark" in question.values() for question in session.asked)
    everything = Session(small)
    assert list(search(an_ask(everything, tmp_path, exclude=["logo*"], finished=finished))) == []
    assert everything.asked == []


def test_every_kept_answer_gives_its_record_again(small: SmallWiki, tmp_path: Path) -> None:
    ask = an_ask(Session(small), tmp_path)
    records = [one for one in search(ask) if isinstance(one, Record)]
    assert len(records) == 8
    for record in records:
        again = SOURCE.parse(ask.answers.answer(record.evidence[0].answer_sha256 or ""), "nebula")
        assert (again.uid, again.rights, again.original) == (record.uid, record.rights, record.original)


def test_roots_are_walked_side_by_side_under_the_wikis_own_names(tmp_path: Path) -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        said = SmallWiki(TREE, FILES)(
            params | {"titles": "Category:Bright|Category:Dark"} if "titles" in params else params
        )
        if "titles" in params:
            said["query"]["normalized"] = [{"from": "Category:dark", "to": "Category:Old dark"}]
            said["query"]["redirects"] = [{"from": "Category:Old dark", "to": "Category:Dark"}]
        return said

    ask = an_ask(Session(answer), tmp_path, categories=["Category:Bright", "dark", "Bright"], depth=0)
    found = list(search(ask))
    assert told(found) == ["e.jpg", "[Bright]", "d.jpg", "a.jpg", "[Dark]"]
    assert [one.found_by.query for one in found if isinstance(one, Record)] == ["Bright", "Dark", "Dark"]


def test_a_category_that_is_not_there_is_named(small: SmallWiki, tmp_path: Path) -> None:
    with pytest.raises(CategoryMissing) as caught:
        list(search(an_ask(Session(small), tmp_path, categories=["Nebulae", "Nebulä"])))
    assert (caught.value.category, caught.value.api) == ("Nebulä", API)


def test_a_category_with_members_and_no_page_is_there(tmp_path: Path) -> None:
    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if "titles" not in params:
            return SmallWiki({}, {"Stars": ["s.jpg"]})(params)
        page = {"title": "Category:Stars", "missing": True, "categoryinfo": {"size": 1}}
        return {"query": {"pages": [page], "general": {"wikiid": "w"}}}

    assert told(search(an_ask(Session(answer), tmp_path, categories=["Stars"]))) == ["s.jpg", "[Stars]"]


def test_an_empty_category_is_no_error_and_a_note_says_so(tmp_path: Path) -> None:
    notes: list[str] = []

    class Noted:
        def note(self, text: str) -> None:
            notes.append(text)

    ask = replace(
        an_ask(Session(SmallWiki({"Empty": []}, {})), tmp_path, categories=["Empty"]), progress=Noted()
    )  # type: ignore[arg-type]
    assert told(search(ask)) == ["[Empty]"]
    assert "Empty" in notes[0]


def test_each_continuation_carries_the_question_and_only_the_latest_continue() -> None:
    steps = [
        {
            "query": {"pages": [{"pageid": 1, "ns": 6}]},
            "continue": {"iicontinue": "x", "continue": "||categories"},
        },
        {"batchcomplete": True, "query": {"pages": [{"pageid": 1, "imageinfo": [{"url": "u"}]}]}}
        | {"continue": {"gcmcontinue": "y", "continue": "gcmcontinue||"}},
        {"batchcomplete": True, "query": {"pages": [{"pageid": 2, "ns": 6, "imageinfo": [{"url": "v"}]}]}},
    ]
    session = Session(lambda params: steps[len(session.asked) - 1])
    pages = [page for batch in Wiki(API, session).files("Nebulae") for page in batch]
    assert [page["imageinfo"] for page in pages] == [[{"url": "u"}], [{"url": "v"}]]
    first, second, third = session.asked
    assert {k: v for k, v in second.items() if k not in first} == {
        "iicontinue": "x",
        "continue": "||categories",
    }
    # mwclient's own generators would still send iicontinue here, and lose imageinfo.
    assert {k: v for k, v in third.items() if k not in first} == {
        "gcmcontinue": "y",
        "continue": "gcmcontinue||",
    }
    assert all(question[name] == first[name] for question in session.asked for name in first)


def test_what_is_asked_is_what_the_rules_of_commons_allow(small: SmallWiki, tmp_path: Path) -> None:
    session = Session(small)
    list(search(an_ask(session, tmp_path)))
    assert all(question["maxlag"] == 5 and question["formatversion"] == 2 for question in session.asked)
    for question in session.asked:
        if "gcmtitle" in question:
            assert question["gcmlimit"] == 50
            assert "metadata" not in question["iiprop"].split("|")
            assert not any(name.startswith("iiurl") for name in question)


class WithStatements(SmallWiki):
    """The small wiki with structured data; asked for a file that is gone, it refuses the whole question."""

    gone: frozenset[str] = frozenset()

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("action") != "wbgetentities":
            return super().__call__(params)
        ids = params["ids"].split("|")
        if self.gone & set(ids):
            return {"error": {"code": "no-such-entity", "info": "Could not find an entity"}}
        value = {"datavalue": {"value": {"id": "Q20007257"}}}
        by = {"P275": [{"mainsnak": value, "rank": "normal"}]}
        return {"entities": {one: {"statements": by if one != "M2" else []} for one in ids}, "success": 1}


def test_on_commons_structured_data_is_asked_for_batch_by_batch(tmp_path: Path) -> None:
    wiki = WithStatements(TREE, FILES)
    wiki.gone = frozenset({"M3"})
    session = Session(wiki)
    ask = an_ask(session, tmp_path, api=COMMONS, depth=0)
    records = [one for one in search(ask) if isinstance(one, Record)]
    expressions = {record.uid: record.rights.expression for record in records}
    assert expressions == {
        "commons:M1": "CC-BY-4.0",
        "commons:M2": "NOASSERTION",
        "commons:M3": "NOASSERTION",
    }
    asked = [question["ids"] for question in session.asked if question["action"] == "wbgetentities"]
    assert asked == ["M1|M2", "M3"]
    kept = ask.answers.answer(records[0].evidence[0].answer_sha256 or "")
    assert kept["statements"] == {"P275": ["Q20007257"]}
    assert SOURCE.parse(kept, "nebula").rights == records[0].rights


def test_one_file_that_is_gone_does_not_take_the_statements_of_the_others() -> None:
    wiki = WithStatements(TREE, FILES)
    wiki.gone = frozenset({"M4"})
    found = Wiki(COMMONS, Session(wiki)).statements([1, 3, 4, 5])
    assert sorted(found) == [1, 3, 5]


@pytest.mark.parametrize("changes", [{}, {"api": COMMONS, "structured": "off"}])
def test_structured_data_is_not_asked_for_elsewhere_or_when_it_is_off(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    session = Session(WithStatements(TREE, FILES))
    list(search(an_ask(session, tmp_path, **changes)))
    assert not any(question["action"] == "wbgetentities" for question in session.asked)


def test_a_server_that_goes_on_at_the_same_place_is_left() -> None:
    said = {"query": {"pages": []}, "continue": {"gcmcontinue": "x", "continue": "gcmcontinue||"}}
    session = Session(lambda params: said)
    with pytest.raises(WikiRefused) as caught:
        list(Wiki(API, session).files("Nebulae"))
    assert caught.value.code == "continue"
    assert len(session.asked) == 2


def test_subcategories_lose_their_namespace_in_any_language() -> None:
    said = {
        "batchcomplete": True,
        "query": {"categorymembers": [{"ns": 14, "title": "Kategorie:M 42: Nebel"}]},
    }
    assert list(Wiki(API, Session(lambda params: said)).subcategories("Nebel")) == ["M 42: Nebel"]


def test_commons_itself_needs_no_question_about_its_name() -> None:
    session = Session(lambda params: {})
    assert Wiki(COMMONS, session).slug == "commons"
    assert session.asked == []


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("http://127.0.0.1:8080/w/api.php", "GET http://127.0.0.1:8080/w/api.php"),
        ("https://wiki.example.org/api.php", "GET https://wiki.example.org/api.php"),
        ("https://example.org/a/b/api.php5", "GET https://example.org/a/b/api.php5"),
        ("http://[::1]:8080/api", "GET http://[::1]:8080/api"),
    ],
)
def test_any_api_address_is_asked_as_it_is(api: str, url: str) -> None:
    session = Session(lambda params: {"batchcomplete": True})
    Wiki(CommonsSettings(api=api, categories=("x",)).api, session).ask()
    assert session.urls == [url]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"<!DOCTYPE html><title>Welcome to nginx</title>", "not JSON"),
        (b"MediaWiki API is not enabled for this site.", "switched off"),
        ((404, b"not here"), "HTTP 404"),
        ((403, b"who are you"), "HTTP 403"),
        ([1, 2], "not an object"),
        ({"login": "please"}, "no query"),
        (b"", "not JSON"),
    ],
)
def test_what_is_no_wiki_is_told_apart(said: Any, words: str) -> None:
    with pytest.raises(NotAWiki) as caught:
        Wiki(API, Session(lambda params: said)).ask()
    assert caught.value.api == API
    assert words in caught.value.detail


def test_a_refusal_carries_the_wikis_own_words() -> None:
    said = {"error": {"code": "readapidenied", "info": "You need read permission", "docref": "…"}}
    session = Session(lambda params: said)
    with pytest.raises(WikiRefused) as caught:
        Wiki(API, session).ask()
    assert (caught.value.code, caught.value.info) == ("readapidenied", "You need read permission")
    assert len(session.asked) == 1


def test_mistakes_in_the_settings_are_found_at_the_door() -> None:
    with pytest.raises(ValidationError) as caught:
        CommonsSettings(api="commons.wikimedia.org", categories=("A|B", "Category: "), depth=-1, pace=0)
    assert {error["loc"][0] for error in caught.value.errors()} == {"api", "categories", "depth", "pace"}
    with pytest.raises(ValidationError):
        CommonsSettings(categories=())


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Category:Dark nebulae", "Dark nebulae"),
        (" category : Dark_nebulae ", "Dark nebulae"),
        ("Dark  nebulae", "Dark nebulae"),
        ("Categories: a list", "Categories: a list"),
    ],
)
def test_a_category_may_be_written_in_several_ways(written: str, name: str) -> None:
    assert bare(written) == name


def test_a_wish_for_the_pace_holds_only_for_hosts_outside_the_table() -> None:
    own = CommonsSettings(api="https://wiki.example.org/api.php", categories=("x",), pace=7)
    assert SOURCE.paces(own)["wiki.example.org"].per_second == 7
    assert SOURCE.paces(CommonsSettings(categories=("x",), pace=7, in_flight=9)) == {}
    assert SOURCE.paces(CommonsSettings(api="https://wiki.example.org/api.php", categories=("x",))) == {}
