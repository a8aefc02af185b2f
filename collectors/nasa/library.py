"""The questions we ask NASA's image library, over our own session: a page of a search, files, metadata.

https://images.nasa.gov/docs/images.nasa.gov_api_docs.pdf
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from collectors.nasa.files import address, metadata_address
from collectors.nasa.items import too_deep
from collectors.web.polite import HostBusy, RedirectRefused

PUBLIC = "https://images-api.nasa.gov"

PAGE_SIZE = 100
LAST_PAGE = 100
CAP = PAGE_SIZE * LAST_PAGE
"""Results of one question that the API shows, whatever their number."""

HICCUPS = 4
"""How often a question is asked whose answer is no JSON."""

ENOUGH = 3
"""Images in a row of which nothing can be read before the host is called busy."""

_NOT_THERE = frozenset({400, 404, 410})


class NotNasa(Exception):
    """What answers at this address is not the API of NASA's image library."""

    def __init__(self, api: str, detail: str) -> None:
        super().__init__(f"{api}: {detail}")
        self.api, self.detail = api, detail


class NasaRefused(Exception):
    """The API understood the question and refused it: the status and its own words."""

    def __init__(self, api: str, status: int, reason: str) -> None:
        super().__init__(f"{api}: HTTP {status}: {reason}")
        self.api, self.status, self.reason = api, status, reason


class CapReached(Exception):
    """A page behind the last that the API shows."""


class NotThere(Exception):
    """The library has nothing under an id."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unreadable(NotThere):
    """There may be something, and it cannot be read: an odd image, or the first sign of a host in trouble."""


class _NotJson(Exception):
    """An answer that should have been a JSON object and was not."""


@dataclass(frozen=True)
class Page:
    """One page of a search."""

    items: Sequence[Any]
    """As they came; nothing is checked yet."""
    total: int | None
    """Hits of the whole question; `None`: not said."""


class Library:
    """One library, asked over a session that keeps the host's pace and waits when it is told to.

    Every question raises what the session raises (`NoContact`, `HostBusy`), and as it says itself.
    """

    def __init__(self, api: str, session: requests.Session) -> None:
        self.api, self._session = api, session
        self.host = urlsplit(api).netloc
        self._answered = False
        self._in_a_row: Counter[str] = Counter()

    def page(self, question: Mapping[str, str], number: int) -> Page:
        """A page of the images a question finds.

        Raises:
            CapReached: the API shows no page with this number.
            NasaRefused: it refused the question.
            NotNasa: something else answers.
            HostBusy: no JSON came, though it has answered before.
        """
        asked = {**question, "media_type": "image", "page": str(number), "page_size": str(PAGE_SIZE)}
        try:
            answer = self._object(f"{self.api}/search", asked)
        except requests.HTTPError as error:
            status, reason = error.response.status_code, _reason(error.response)
            if status == 400 and re.search(r"maximum\s+number", reason, re.IGNORECASE):
                raise CapReached from error
            raise NasaRefused(self.api, status, reason) from error
        except _NotJson as error:
            raise self._no_json(str(error)) from error
        collection = answer.get("collection")
        if not isinstance(collection, Mapping) or not isinstance(collection.get("items"), list):
            raise self._no_json(f"no collection with items: {str(answer)[:80]}")
        self._answered = True
        metadata = collection.get("metadata")
        total = metadata.get("total_hits") if isinstance(metadata, Mapping) else None
        sound = isinstance(total, int) and not isinstance(total, bool) and total >= 0
        return Page(collection["items"], total if sound else None)

    def files(self, nasa_id: str) -> list[str]:
        """The addresses of all files of an image, as they came.

        Raises:
            NotThere, Unreadable: there is no such image, or its list cannot be read.
            HostBusy: the lists of several images in a row could not be read.
        """
        try:
            answer = self._about_image("asset", nasa_id)
        except requests.HTTPError as error:
            detail = f"HTTP {error.response.status_code}: {_reason(error.response)}"
            raise NotThere(detail) from error
        collection = answer.get("collection")
        items = collection.get("items") if isinstance(collection, Mapping) else None
        if not isinstance(items, list):
            raise self._unread("asset", f"no list of files: {str(answer)[:80]}")
        self._in_a_row["asset"] = 0
        found = [item.get("href") for item in items if isinstance(item, Mapping)]
        return [href for href in found if isinstance(href, str)]

    def metadata(self, nasa_id: str, assets: Sequence[str]) -> dict[str, Any] | None:
        """The metadata embedded in an image's original, by ExifTool's names; `None` where there are none.

        The API answers with the address where they lie, which the list of files may name as well.

        Raises:
            Unreadable: there may be some, and they cannot be read.
            HostBusy: those of several images in a row could not be read.
        """
        where = metadata_address(assets, self.api)
        try:
            if where is None:
                answer = self._about_image("metadata", nasa_id)
                where = address(str(answer.get("location", "")), self.api)
                if where is None:
                    raise Unreadable(f"no address of its metadata: {str(answer)[:80]}")
            answer = self._about_image("metadata", nasa_id, where)
        except requests.HTTPError:
            return None
        if too_deep(answer):
            raise Unreadable("its metadata are nested too deep")
        self._in_a_row["metadata"] = 0
        return answer

    def _about_image(self, what: str, nasa_id: str, url: str | None = None) -> dict[str, Any]:
        """An answer about one image. What fails for this one alone must not hold up the others.

        Raises:
            requests.HTTPError: there is nothing of the kind.
            Unreadable, HostBusy: see `_unread`; or the host asked us to stay away.
        """
        try:
            return self._object(url or f"{self.api}/{what}/{quote(nasa_id, safe='', errors='replace')}", {})
        except requests.HTTPError as error:
            if error.response.status_code in _NOT_THERE:
                raise
            raise self._unread(
                what, f"HTTP {error.response.status_code}: {_reason(error.response)}"
            ) from error
        except _NotJson as error:
            raise self._unread(what, str(error)) from error
        except HostBusy as error:
            if error.seconds is not None:
                raise
            raise self._unread(what, error.detail) from error

    def _unread(self, what: str, detail: str) -> Exception:
        """One image that cannot be read is an oddity, several in a row are a host in trouble."""
        self._in_a_row[what] += 1
        if self._in_a_row[what] >= ENOUGH:
            return HostBusy(self.host, None, detail)
        return Unreadable(f"its {what} cannot be read: {detail}")

    def _object(self, url: str, params: Mapping[str, str]) -> dict[str, Any]:
        """A JSON object, asked for again a few times where a cache sends something else.

        Raises:
            requests.HTTPError: the answer is a refusal.
            _NotJson: no object came, or the address leads nowhere.
        """
        problem = "no answer"
        for _ in range(HICCUPS):
            try:
                response = self._session.get(url, params=params)
            except (requests.TooManyRedirects, RedirectRefused, ValueError) as error:
                raise _NotJson(str(error)) from error
            response.raise_for_status()
            try:
                answer = json.loads(response.content)
            except (ValueError, RecursionError):
                start = response.content[:80].decode(errors="replace")
                problem = f"not JSON: {' '.join(start.split())}"
                continue
            if isinstance(answer, dict):
                return answer
            problem = f"not an object: {str(answer)[:80]}"
        raise _NotJson(problem)

    def _no_json(self, detail: str) -> Exception:
        return HostBusy(self.host, None, detail) if self._answered else NotNasa(self.api, detail)


def _reason(response: requests.Response) -> str:
    """The words of a refusal: `{"reason": …}`, or the start of whatever came."""
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = None
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return " ".join(str(reason or response.reason or "").split())[:200]
