"""Wikimedia Commons, or any MediaWiki: the files of a category tree. This half asks; `commons_pages` reads.

Asked through the query API, 50 file pages at a time, over mwclient's connection and our own session
(https://www.mediawiki.org/wiki/API:Categorymembers, https://www.mediawiki.org/wiki/API:Imageinfo).
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import mwclient
import mwclient.errors
import requests
from pydantic import Field, field_validator

from collectors.commons_pages import (
    MissingFile,
    matching,
    merged,
    parse,
    parse_page,
    without_namespace,
    wrap,
)
from collectors.frozen import Frozen
from collectors.polite import PACES, Pace, pace_for
from collectors.record import Reason, Skipped
from collectors.sources import Ask, Finished, Found, Source

BATCH = 50
"""File pages an answer; more makes the server split the batch."""

TITLES_A_CALL = 50

FILES: Mapping[str, Any] = {
    "generator": "categorymembers",
    "gcmtype": "file",
    "gcmlimit": BATCH,
    "prop": "imageinfo|categories|revisions",
    "iiprop": "url|size|mime|mediatype|sha1|timestamp|user|extmetadata",
    "iiextmetadatalanguage": "en",
    "clprop": "hidden",
    "cllimit": "max",
    "rvprop": "ids|timestamp",
    "redirects": 1,
}
"""What is asked of every file.

Never `iiprop=metadata` (it splits batches) nor `iiurlwidth` (one 0×0 file fails its whole batch).
"""


class CommonsSettings(Frozen):
    """`[collect.commons]`: which categories of which wiki, and which branches to leave out."""

    api: str = "https://commons.wikimedia.org/w/api.php"
    """Address of `api.php`; any MediaWiki."""
    categories: tuple[str, ...] = Field(min_length=1)
    """Categories to start from, with or without `Category:`."""
    depth: int = Field(default=3, ge=0)
    """Levels of subcategories below them; 0: only the categories themselves."""
    include: tuple[str, ...] = ()
    """Take only files whose title, categories or path match one of these globs (case does not matter)."""
    exclude: tuple[str, ...] = ()
    """Leave out files whose title or visible categories match a glob; a matching category cuts its branch."""
    pace: float | None = Field(default=None, gt=0)
    """Requests a second to a wiki that is not in the table of public hosts."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests at a time to such a wiki."""

    @field_validator("api")
    @classmethod
    def _is_an_api(cls, value: str) -> str:
        if not _API.fullmatch(value):
            raise ValueError("is not the address of an api.php (https://wiki.example.org/w/api.php)")
        return value

    @field_validator("categories")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not bare(name) or re.search(r"[#<>\[\]{}|]", name):
                raise ValueError(f"{name!r} cannot be the name of a category")
        return value


_API = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)(?P<path>/(?:[^?#\s]*/)?)api(?P<ext>\.\w+)?")


class CategoryMissing(Exception):
    """A category of the recipe that the wiki does not have."""

    def __init__(self, category: str, api: str) -> None:
        super().__init__(f"{api} has no category {category!r}")
        self.category, self.api = category, api


class NotAWiki(Exception):
    """What answers at this address is not the API of a MediaWiki."""

    def __init__(self, api: str, detail: str) -> None:
        super().__init__(f"{api}: {detail}")
        self.api, self.detail = api, detail


class WikiRefused(Exception):
    """The wiki understood the question and refused it: its code and its own words."""

    def __init__(self, api: str, code: str, info: str) -> None:
        super().__init__(f"{api}: {code}: {info}")
        self.api, self.code, self.info = api, code, info


def search(ask: Ask) -> Iterator[Found]:
    """Yield every file of the category tree once, breadth first, and after each category that it is finished.

    A file in several categories, or behind a redirect, is told at the first place of the walk that holds it.
    A resumed walk passes finished categories without asking; a file that stood in one of them may be told
    again at a later place, and the first word about it counts.

    Raises:
        CategoryMissing: a root category does not exist.
        NotAWiki, WikiRefused: the address or the question is wrong.
        NoContact, HostBusy: from the session (`polite`).
    """
    settings: CommonsSettings = ask.settings
    wiki = Wiki(settings.api, ask.session)
    roots = _roots(wiki, ask)
    queue: deque[tuple[str, ...]] = deque((root,) for root in roots)
    known = set(roots)
    told: set[int] = set()
    while queue:
        path = queue.popleft()
        deeper = len(path) <= settings.depth
        children = ask.finished.get(path[-1])
        if children is None:
            yield from _files(wiki, ask, path, told)
            children = tuple(wiki.subcategories(path[-1])) if deeper else ()
            yield Finished(unit=path[-1], leads_to=children)
        for child in children if deeper else ():
            if child not in known and not matching(settings.exclude, [child]):
                known.add(child)
                queue.append((*path, child))


def _files(wiki: "Wiki", ask: Ask, path: tuple[str, ...], told: set[int]) -> Iterator[Found]:
    """The files of the last category of the path that were not told before."""
    settings: CommonsSettings = ask.settings
    for page in wiki.files(path[-1]):
        if page["pageid"] in told:
            continue
        told.add(page["pageid"])
        answer = wrap(page, api=settings.api, wiki=wiki.slug, path=path)
        try:
            record = parse_page(answer, ask.subject, at=ask.now())
        except MissingFile as missing:
            yield Skipped(key=missing.uid, reason=Reason.GONE, detail=missing.detail)
            continue
        names = [record.title, *record.categories]
        if pattern := matching(settings.exclude, names):
            yield Skipped(key=record.uid, reason=Reason.EXCLUDED_NAME, detail=f"matches exclude {pattern!r}")
        elif settings.include and not matching(settings.include, [*names, *path]):
            yield Skipped(key=record.uid, reason=Reason.EXCLUDED_NAME, detail="matches nothing in include")
        else:
            ask.answers.add_answer(answer)
            yield record


def _roots(wiki: "Wiki", ask: Ask) -> list[str]:
    """The recipe's categories under the names the wiki gives them. Raises `CategoryMissing`."""
    names = [bare(name) for name in ask.settings.categories]
    if all(name in ask.finished for name in names):
        return list(dict.fromkeys(names))
    roots: list[str] = []
    for name, page in zip(names, wiki.categories(names), strict=True):
        if page is None:
            raise CategoryMissing(name, wiki.api)
        root, size = page
        if not size:
            ask.progress.note(f"Category {root} is empty on {wiki.host}; it may point to another name")
        roots.append(root)
    return list(dict.fromkeys(roots))


class Wiki:
    """The questions we ask a MediaWiki, over a session that keeps its pace and waits when it is told to."""

    def __init__(self, api: str, session: requests.Session) -> None:
        parts = _API.fullmatch(api)
        assert parts, "CommonsSettings has checked the address"
        self.api, self.host = api, parts["host"]
        # do_init=False asks nothing yet. Retries and timeouts are the session's business, not mwclient's.
        self._site = mwclient.Site(
            parts["host"],
            path=parts["path"],
            ext=parts["ext"] or "",
            scheme=parts["scheme"],
            pool=session,
            do_init=False,
            max_retries=0,
            connection_options={"timeout": None},
        )
        self._slug = "commons" if self.host == "commons.wikimedia.org" else None

    @property
    def slug(self) -> str:
        """First half of the uids: `commons`, or `wiki-` and the wiki's own id, whatever its address.

        Two wikis may have the same id (`$wgDBname`), but one recipe asks only one wiki.
        """
        if self._slug is None:
            self._slug = _slug(self.ask(meta="siteinfo", siprop="general"))
        return self._slug

    def ask(self, **params: Any) -> dict[str, Any]:
        """One question, one answer as it came.

        Raises:
            NotAWiki: no JSON, no such address, or JSON of something else.
            WikiRefused: the answer is an API error.
        """
        try:
            answer = self._site.raw_api(
                "query", "GET", retry_on_error=False, formatversion=2, maxlag=5, **params
            )
        except requests.HTTPError as error:
            raise NotAWiki(self.api, f"HTTP {error.response.status_code} {error.response.reason}") from error
        except mwclient.errors.APIDisabledError as error:
            raise NotAWiki(self.api, "its API is switched off") from error
        except mwclient.errors.InvalidResponse as error:
            raise NotAWiki(self.api, f"the answer is not JSON: {_start(str(error))}") from error
        except mwclient.errors.MaximumRetriesExceeded as error:
            raise WikiRefused(self.api, "maxlag", "the wiki's database is behind") from error
        if not isinstance(answer, dict):
            raise NotAWiki(self.api, f"the answer is not an object: {_start(str(answer))}")
        if isinstance(answer.get("error"), dict):
            raise WikiRefused(
                self.api, str(answer["error"].get("code")), str(answer["error"].get("info", ""))
            )
        if not answer.keys() & {"query", "batchcomplete", "continue"}:
            raise NotAWiki(self.api, f"the answer has no query: {_start(str(answer))}")
        return answer

    def answers(self, **params: Any) -> Iterator[dict[str, Any]]:
        """Every answer to a question that takes several.

        The question stays as it is and only the *latest* `continue` goes with it: a stale parameter of an
        earlier part would make the server leave fields out (https://www.mediawiki.org/wiki/API:Continue).
        """
        latest: Mapping[str, Any] = {}
        while True:
            answer = self.ask(**{**params, **latest})
            yield answer
            latest = answer.get("continue") or {}
            if not latest:
                return

    def files(self, category: str) -> Iterator[dict[str, Any]]:
        """The file pages of a category, whole, in the category's order."""
        for batch in merged(self.answers(gcmtitle=f"Category:{category}", **FILES)):
            yield from (page for page in batch if page.get("ns") == 6 and "pageid" in page)

    def subcategories(self, category: str) -> Iterator[str]:
        """Names of the subcategories, in the category's order."""
        question = {"list": "categorymembers", "cmtitle": f"Category:{category}", "cmtype": "subcat"}
        for answer in self.answers(**question, cmprop="title", cmlimit="max"):
            yield from (
                bare(member["title"]) for member in answer.get("query", {}).get("categorymembers", ())
            )

    def categories(self, names: Sequence[str]) -> Iterator[tuple[str, int] | None]:
        """For each name: the wiki's own spelling of it (redirects followed) and its size, or `None`."""
        for start in range(0, len(names), TITLES_A_CALL):
            some = names[start : start + TITLES_A_CALL]
            titles = "|".join(f"Category:{name}" for name in some)
            answer = self.ask(
                titles=titles, prop="info|categoryinfo", redirects=1, meta="siteinfo", siprop="general"
            )
            self._slug = self._slug or _slug(answer)
            query = answer.get("query", {})
            moved = {
                step["from"]: step["to"]
                for step in (*query.get("normalized", ()), *query.get("redirects", ()))
            }
            pages = {page["title"]: page for page in query.get("pages", ())}
            for name in some:
                yield _category(f"Category:{name}", moved, pages)


def _category(
    title: str, moved: Mapping[str, str], pages: Mapping[str, Mapping[str, Any]]
) -> tuple[str, int] | None:
    for _ in range(len(moved) + 1):
        title = moved.get(title, title)
    page = pages.get(title, {})
    size = int(page.get("categoryinfo", {}).get("size", 0))
    # A category may have members and no page of its own.
    if not page or page.get("invalid") or (page.get("missing") and not size):
        return None
    return without_namespace(title), size


def bare(name: str) -> str:
    """What a person may write for a category → its name: `category:Dark_matter` → `Dark matter`."""
    name = re.sub(r"[\s_]+", " ", name).strip()
    return re.sub(r"^:?category ?: ?", "", name, flags=re.IGNORECASE).strip()


def _slug(answer: Mapping[str, Any]) -> str:
    wikiid = str(answer.get("query", {}).get("general", {}).get("wikiid", "unknown"))
    return "wiki-" + (re.sub(r"[^a-z0-9]+", "-", wikiid.lower()).strip("-") or "unknown")


def _start(text: str) -> str:
    return re.sub(r"\s+", " ", text)[:80]


def _paces(settings: CommonsSettings) -> Mapping[str, Pace]:
    host = urlsplit(settings.api).hostname or ""
    wished = {"per_second": settings.pace, "in_flight": settings.in_flight}
    known = {name: value for name, value in wished.items() if value is not None}
    if host in PACES or not known:
        return {}
    return {host: pace_for(host, {}).model_copy(update=known)}


SOURCE = Source(
    name="commons",
    title="Wikimedia Commons",
    settings=CommonsSettings,
    search=search,
    parse=parse,
    terms="https://commons.wikimedia.org/wiki/Commons:Reusing_content_outside_Wikimedia",
    paces=_paces,
)
