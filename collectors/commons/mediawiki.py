"""The questions we ask a MediaWiki, through its query API, over mwclient's connection and our own session.

https://www.mediawiki.org/wiki/API:Categorymembers · https://www.mediawiki.org/wiki/API:Imageinfo
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import mwclient
import mwclient.errors
import requests

from collectors.commons.pages import merged, without_namespace
from collectors.web.polite import HostBusy

COMMONS = "https://commons.wikimedia.org/w/api.php"

API = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#@\s]+)(?P<path>/(?:[^?#\s]*/)?)api(?P<ext>\.\w+)?")
"""An address of `api.php`, in the parts mwclient wants."""

BATCH = 50
"""File pages an answer; more makes the server split the batch."""

HICCUPS = 4
"""How often a question is asked whose answer is no JSON."""

ROOTS_A_CALL = 10
"""Their names stand in the address, which may not become too long."""

ABOUT: Mapping[str, Any] = {
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

FILES: Mapping[str, Any] = {
    "generator": "categorymembers",
    "gcmtype": "file",
    "gcmlimit": BATCH,
    **ABOUT,
}
"""What is asked of the files of a category, with `gcmtitle`."""

VERSIONS: Mapping[str, Any] = {
    "prop": "imageinfo",
    "iiprop": "url|size|mime|sha1|timestamp|archivename",
    "iilimit": "max",
}
"""What is asked of every version of one file, the archived ones included."""


class NotAWiki(Exception):
    """What answers at this address is not the API of a MediaWiki."""

    def __init__(self, api: str, detail: str) -> None:
        super().__init__(f"{api}: {detail}")
        self.api, self.detail = api, detail


class NotJson(NotAWiki):
    """An answer that should have been JSON and was not."""


class WikiRefused(Exception):
    """The wiki understood the question and refused it: its code and its own words."""

    def __init__(self, api: str, code: str, info: str) -> None:
        super().__init__(f"{api}: {code}: {info}")
        self.api, self.code, self.info = api, code, info


class Wiki:
    """One wiki, asked over a session that keeps the host's pace and waits when it is told to.

    Every question raises `NotAWiki` or `WikiRefused` (see `ask`), and what the session raises.
    """

    def __init__(self, api: str, session: requests.Session) -> None:
        parts = API.fullmatch(api)
        if parts is None:
            raise NotAWiki(api, "this is not the address of an api.php")
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
        self.is_commons = self.host == urlsplit(COMMONS).hostname
        self._answers = False
        self._slug = "commons" if self.is_commons else None

    @property
    def slug(self) -> str:
        """First half of the uids: `commons`, or `wiki-` and the wiki's own id, whatever its address.

        Two wikis may have the same id (`$wgDBname`), but one recipe asks only one wiki.
        """
        if self._slug is None:
            self._slug = _slug(self.ask(meta="siteinfo", siprop="general"))
        return self._slug

    def ask(self, action: str = "query", **params: Any) -> dict[str, Any]:
        """One question, one answer as it came.

        A wiki, or a cache before it, may now and then send a web page or half an answer with status 200; that
        is asked again a few times.

        Raises:
            NotAWiki: no JSON, no such address, or JSON of something else.
            HostBusy: no JSON, though this wiki has answered before.
            WikiRefused: the answer is an API error.
        """
        for _ in range(HICCUPS):
            try:
                answer = self._ask(action, params)
            except NotJson as error:
                problem = error
            else:
                self._answers = True
                return answer
        if self._answers:
            raise HostBusy(self.host, None, problem.detail) from problem
        raise NotAWiki(self.api, problem.detail) from problem

    def _ask(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._site.raw_api(action, "GET", retry_on_error=False, **_ALWAYS, **params)
        except requests.HTTPError as error:
            raise NotAWiki(self.api, f"HTTP {error.response.status_code} {error.response.reason}") from error
        except mwclient.errors.APIDisabledError as error:
            raise NotAWiki(self.api, "its API is switched off") from error
        except mwclient.errors.InvalidResponse as error:
            raise NotJson(self.api, f"the answer is not JSON: {_start(error.response_text or '')}") from error
        except mwclient.errors.MaximumRetriesExceeded as error:
            raise WikiRefused(self.api, "maxlag", "the wiki's database is behind") from error
        if not isinstance(answer, dict):
            raise NotAWiki(self.api, f"the answer is not an object: {_start(str(answer))}")
        if isinstance(answer.get("error"), dict):
            said = answer["error"]
            raise WikiRefused(self.api, str(said.get("code")), str(said.get("info", "")))
        if not answer.keys() & {"query", "batchcomplete", "continue", "entities"}:
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
            before, latest = latest, answer.get("continue") or {}
            if not latest:
                return
            if latest == before:
                raise WikiRefused(self.api, "continue", f"it goes on at the same place: {dict(latest)}")

    def files(self, category: str) -> Iterator[list[dict[str, Any]]]:
        """The file pages of a category, whole, batch by batch in the category's order."""
        for batch in merged(self.answers(gcmtitle=f"Category:{category}", **FILES)):
            yield [page for page in batch if page.get("ns") == 6 and "pageid" in page]

    def pages(self, pageids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The file pages with these ids, whole, by the id that was asked for; none for what is deleted.

        An id survives renaming. Where it has become a redirect (a file merged into another), the page that it
        leads to is told, which carries an id of its own.
        """
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(pageids), BATCH):
            asked = pageids[start : start + BATCH]
            answered = self._pages(asked)
            found |= {pageid: answered[pageid] for pageid in asked if pageid in answered}
            for pageid in asked:
                # One at a time, because a batch does not say which of its ids led where.
                if pageid not in answered and (target := list(self._pages([pageid]).values())):
                    found[pageid] = target[0]
        return {pageid: page for pageid, page in found.items() if page.get("ns") == 6}

    def _pages(self, pageids: Sequence[int]) -> dict[int, dict[str, Any]]:
        ids = "|".join(map(str, pageids))
        batches = merged(self.answers(pageids=ids, **ABOUT))
        return {page["pageid"]: page for batch in batches for page in batch if "pageid" in page}

    def versions(self, pageid: int) -> list[dict[str, Any]]:
        """Every version of a file, the newest first; none where the page is deleted or holds no file.

        One file a question: of several files the server would tell only the first versions
        (https://www.mediawiki.org/wiki/API:Imageinfo).
        """
        batches = merged(self.answers(pageids=pageid, redirects=1, **VERSIONS))
        return [info for batch in batches for page in batch for info in page.get("imageinfo", ())]

    def subcategories(self, category: str) -> Iterator[str]:
        """Names of the subcategories, in the category's order."""
        question = {"list": "categorymembers", "cmtitle": f"Category:{category}", "cmtype": "subcat"}
        for answer in self.answers(**question, cmprop="title", cmlimit="max"):
            members = answer.get("query", {}).get("categorymembers", ())
            yield from (without_namespace(member["title"]) for member in members)

    def categories(self, names: Sequence[str]) -> Iterator[tuple[str, int] | None]:
        """For each name: the wiki's own spelling of it (redirects followed) and its size, or `None`."""
        for start in range(0, len(names), ROOTS_A_CALL):
            some = [f"Category:{name}" for name in names[start : start + ROOTS_A_CALL]]
            question = {"titles": "|".join(some), "prop": "info|categoryinfo", "redirects": "1"}
            answer = self.ask(**question, meta="siteinfo", siprop="general")
            self._slug = self._slug or _slug(answer)
            query = answer.get("query", {})
            steps = (*query.get("normalized", ()), *query.get("redirects", ()))
            moved = {step["from"]: step["to"] for step in steps}
            pages = {page["title"]: page for page in query.get("pages", ())}
            yield from (_category(title, moved, pages) for title in some)

    def statements(self, pageids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The structured data of up to 50 files by page id; none for a file that was deleted meanwhile.

        https://www.mediawiki.org/wiki/Extension:WikibaseMediaInfo/Data_Model/JSON
        """
        if not pageids:
            return {}
        ids = "|".join(f"M{pageid}" for pageid in pageids)
        try:
            entities = self.ask("wbgetentities", ids=ids, props="claims").get("entities", {})
        except WikiRefused as refused:
            if refused.code != "no-such-entity":
                raise
            # One missing file fails them all, and the answer does not reliably say which.
            half = len(pageids) // 2
            if not half:
                return {}
            return self.statements(pageids[:half]) | self.statements(pageids[half:])
        found = {pageid: entities.get(f"M{pageid}", {}).get("statements") for pageid in pageids}
        # No statements arrive as [] instead of {} (phab:T222159).
        return {pageid: said for pageid, said in found.items() if isinstance(said, dict)}


_ALWAYS = {"formatversion": 2, "maxlag": 5}


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


def _slug(answer: Mapping[str, Any]) -> str:
    wikiid = str(answer.get("query", {}).get("general", {}).get("wikiid", "unknown"))
    return "wiki-" + (re.sub(r"[^a-z0-9]+", "-", wikiid.lower()).strip("-") or "unknown")


def _start(text: str) -> str:
    return re.sub(r"\s+", " ", text)[:80]
