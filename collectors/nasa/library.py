"""The questions we ask NASA's image library, over our own session: a page of a search, files, metadata.

https://images.nasa.gov/docs/images.nasa.gov_api_docs.pdf
"""

import json
import re
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
    """The library has nothing under an id, or nothing that can be read."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


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
        self._unreadable = 0

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
            NotThere: there is no such image, or its list cannot be read.
            NasaRefused: another refusal.
            HostBusy: the lists of several images in a row could not be read.
        """
        try:
            answer = self._object(f"{self.api}/asset/{quote(nasa_id, safe='', errors='replace')}", {})
        except requests.HTTPError as error:
            status, reason = error.response.status_code, _reason(error.response)
            if status in _NOT_THERE:
                raise NotThere(f"HTTP {status}: {reason}") from error
            raise NasaRefused(self.api, status, reason) from error
        except _NotJson as error:
            raise self._nothing_to_read(f"its list of files: {error}") from error
        collection = answer.get("collection")
        items = collection.get("items") if isinstance(collection, Mapping) else None
        if not isinstance(items, list):
            raise self._nothing_to_read(f"no list of files: {str(answer)[:80]}")
        self._unreadable = 0
        found = [item.get("href") for item in items if isinstance(item, Mapping)]
        return [href for href in found if isinstance(href, str)]

    def metadata(self, nasa_id: str, assets: Sequence[str]) -> dict[str, Any] | None:
        """The metadata embedded in an image's original, by ExifTool's names; `None` where there are none.

        The API answers with the address where they lie, which the list of files may name as well.

        Raises:
            NotThere: there are some, and they cannot be read.
        """
        where = metadata_address(assets, self.api)
        try:
            if where is None:
                answer = self._object(f"{self.api}/metadata/{quote(nasa_id, safe='', errors='replace')}", {})
                location = answer.get("location")
                if not isinstance(location, str):
                    return _flat(answer)
                where = address(location, self.api)
                if where is None:
                    raise NotThere(f"its metadata lie at {location[:80]!r}")
            return _flat(self._object(where, {}))
        except requests.HTTPError as error:
            if error.response.status_code in _NOT_THERE:
                return None
            raise NotThere(f"its metadata: HTTP {error.response.status_code}") from error
        except _NotJson as error:
            raise NotThere(f"its metadata: {error}") from error

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
                problem = f"not JSON: {' '.join(response.text[:80].split())}"
                continue
            if isinstance(answer, dict):
                return answer
            problem = f"not an object: {str(answer)[:80]}"
        raise _NotJson(problem)

    def _no_json(self, detail: str) -> Exception:
        return HostBusy(self.host, None, detail) if self._answered else NotNasa(self.api, detail)

    def _nothing_to_read(self, detail: str) -> Exception:
        self._unreadable += 1
        many = self._unreadable >= ENOUGH
        return HostBusy(self.host, None, detail) if many else NotThere(detail)


def _flat(answer: dict[str, Any]) -> dict[str, Any]:
    if too_deep(answer):
        raise NotThere("its metadata are nested too deep")
    return answer


def _reason(response: requests.Response) -> str:
    """The words of a refusal: `{"reason": …}`, or the start of whatever came."""
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = None
    reason = answer.get("reason") if isinstance(answer, dict) else None
    return " ".join(str(reason or response.reason or "").split())[:200]
