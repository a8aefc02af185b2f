"""The questions we ask Flickr: flickrapi names and signs them, our own session carries them.

https://www.flickr.com/services/api/ · https://www.flickr.com/services/api/auth.oauth.html
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from collectors.source import KeyRefused, read_keys
from collectors.web.polite import HostBusy

REST = "https://api.flickr.com/services/rest/"
KEYS = dict.fromkeys(("FLICKR_API_KEY", "FLICKR_API_SECRET"), "https://www.flickr.com/services/apps/create/")

HICCUPS = 4
"""How often a question is asked that Flickr answers with "not available now" or with no JSON."""

SIGNATURES = 3
"""How often one question is signed anew."""

GONE: Mapping[int, str] = {1: "deleted, or not public any more", 2: "private now"}
"""What the codes of `flickr.photos.getInfo` and `getSizes` say of a photo that is not there."""

_UNAVAILABLE = frozenset({0, 10, 105})
_ABOUT_THE_KEY = frozenset({96, 97, 98, 99, 100})
_SIGN_AGAIN = frozenset({"nonce_used", "timestamp_refused"})


class NotFlickr(Exception):
    """What answers at this address is not the API of Flickr, or it changed its shape."""

    def __init__(self, api: str, detail: str) -> None:
        super().__init__(f"{api}: {detail}")
        self.api, self.detail = api, detail


class FlickrRefused(Exception):
    """Flickr understood the question and refused it: its code and its own words."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {code}: {message}")
        self.method, self.code, self.message = method, code, message


@dataclass(frozen=True)
class Page:
    """One page of a search."""

    total: int
    """Photos that fit the question, as Flickr counts them."""
    pages: int
    photos: tuple[Any, ...]
    """As they came."""


class Flickr:
    """Flickr, asked over a session that keeps the host's pace and waits when it is told to.

    Every question raises `NotFlickr`, `FlickrRefused`, `KeyRefused` or `HostBusy` (see `ask`), and what the
    session raises. Making one asks nothing. Raises `KeyMissing`.
    """

    def __init__(self, api: str, session: requests.Session) -> None:
        import flickrapi  # 35 ms, and most recipes need it not

        self.api = api
        self._keys = keys()
        # At level DEBUG these would write the key and every signature into the log.
        for name in ("flickrapi", "oauthlib", "requests_oauthlib"):
            logging.getLogger(name).setLevel(logging.INFO)
        self._flickr = flickrapi.FlickrAPI(*self._keys, format="json", store_token=False)
        self._flickr.REST_URL = api
        self._flickr.flickr_oauth.session = _Line(session)
        self._answers = False

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One question, one answer as it came; `method` without the leading `flickr.`.

        Raises:
            NotFlickr: no JSON, no such address, or JSON of something else.
            HostBusy: Flickr says it is not available, or sends no JSON though it did before.
            KeyRefused: the key, or what it signed, is not accepted.
            FlickrRefused: any other error of the API.
        """
        for _ in range(HICCUPS):
            try:
                answer = self._ask(method, params)
            except _Hiccup as error:
                hiccup = error
            else:
                self._answers = True
                return answer
        if self._answers or hiccup.is_flickr:
            raise HostBusy(urlsplit(self.api).hostname or self.api, None, hiccup.detail) from hiccup
        raise NotFlickr(self.api, hiccup.detail) from hiccup

    def _ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            # Unparsed: flickrapi's own parsers fail in many ways on what is not an answer of Flickr.
            answer = _decoded(self._flickr.do_flickr_call(f"flickr.{method}", **params))
        except _Status as status:
            if status.problem or status.code == 401:
                raise KeyRefused("Flickr", status.problem or f"HTTP {status.code}") from None
            raise NotFlickr(self.api, f"HTTP {status.code} {status.reason}".strip()) from None
        if not isinstance(answer, dict) or answer.get("stat") not in ("ok", "fail"):
            raise NotFlickr(self.api, f"the answer has no stat: {_start(str(answer))}")
        if answer["stat"] == "ok":
            return answer
        code, message = whole_number(answer.get("code")), self._without_keys(str(answer.get("message", "")))
        if code in _UNAVAILABLE:
            raise _Hiccup(f"{method}: {code}: {message}", is_flickr=True)
        if code in _ABOUT_THE_KEY:
            raise KeyRefused("Flickr", f"{code}: {message}")
        raise FlickrRefused(method, -1 if code is None else code, message)

    def _without_keys(self, text: str) -> str:
        for secret in self._keys:
            text = text.replace(secret, "…")
        return text

    def page(self, number: int, **query: Any) -> Page:
        """A page of `photos.search`; counted from 1."""
        found = self.ask("photos.search", page=number, **query).get("photos")
        photos = found.get("photo") if isinstance(found, dict) else None
        total = whole_number(found.get("total")) if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(photos, list) or total is None:
            raise NotFlickr(self.api, "photos.search: there is no list `photo` with a `total` in the answer")
        return Page(total=total, pages=whole_number(found.get("pages")) or 0, photos=tuple(photos))

    def licences(self) -> dict[str, dict[str, str]]:
        """Flickr's table of licences today, `id`, `name` and `url` by id; empty where it cannot be read."""
        told = self.ask("photos.licenses.getInfo").get("licenses")
        rows = told.get("license") if isinstance(told, dict) else None
        table = [
            {name: str(row.get(name, "")) for name in ("id", "name", "url")}
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, dict)
        ]
        return {row["id"]: row for row in table if row["id"].isdecimal()}

    def history(self, photo: str) -> list[dict[str, Any]]:
        """Every change of a photo's licence, in the order told; empty for a photo that is gone meanwhile."""
        try:
            told = self.ask("photos.licenses.getLicenseHistory", photo_id=photo).get("license_history")
        except FlickrRefused as refused:
            if refused.code in GONE:
                return []
            raise
        steps = told if isinstance(told, list) else [told]
        return [step for step in steps if isinstance(step, dict)]

    def info(self, photo: str) -> dict[str, Any]:
        """What Flickr says of one photo."""
        return self._part(self.ask("photos.getInfo", photo_id=photo), "photo")

    def sizes(self, photo: str) -> list[dict[str, Any]]:
        """Every size of one photo that may be had, the smallest first."""
        told = self._part(self.ask("photos.getSizes", photo_id=photo), "sizes").get("size")
        return [size for size in told if isinstance(size, dict)] if isinstance(told, list) else []

    def _part(self, answer: Mapping[str, Any], name: str) -> dict[str, Any]:
        part = answer.get(name)
        if not isinstance(part, dict):
            raise NotFlickr(self.api, f"there is no object `{name}` in the answer: {_start(str(answer))}")
        return part


def keys() -> tuple[str, str]:
    """The key and its secret, from the environment. Raises `KeyMissing`."""
    key, secret = read_keys(KEYS)
    return key, secret


def whole_number(value: Any) -> int | None:
    """A number, which Flickr writes as 30 or "30"; `None` for anything else."""
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


class _Line:
    """What flickrapi takes for its own requests session.

    It sends a GET where flickrapi says POST: all our questions only read, and a GET may be asked again after
    a cut or a 429. The signature goes with it in a header, so that no key stands in an address; one that the
    server saw before the cut is made anew. Redirects are not followed, because the header would go along.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session

    def post(self, url: str, data: Mapping[str, Any], auth: Any, timeout: Any = None) -> requests.Response:
        """The answer with status 200. Raises `_Status`, so that flickrapi never logs what came instead."""
        for _ in range(SIGNATURES):
            response = self._session.get(url, params=data, auth=auth, allow_redirects=False)
            found = re.match(r"(?:.*&)?oauth_problem=(\w+)", response.text[:4000].strip(), re.DOTALL)
            problem = found[1] if found else None
            if problem not in _SIGN_AGAIN:
                break
        if response.status_code != 200 or problem:
            raise _Status(response.status_code, response.reason or "", problem)
        return response


class _Status(Exception):
    """Another status than 200."""

    def __init__(self, code: int, reason: str, problem: str | None) -> None:
        super().__init__(f"HTTP {code}")
        self.code, self.reason, self.problem = code, reason, problem


class _Hiccup(Exception):
    """An answer that may be better the next time."""

    def __init__(self, detail: str, *, is_flickr: bool) -> None:
        super().__init__(detail)
        self.detail, self.is_flickr = detail, is_flickr


def _decoded(content: bytes) -> Any:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        words = f"the answer is not JSON: {_start(content.decode(errors='replace'))}"
        raise _Hiccup(words, is_flickr=False) from error
    if re.search(rb"\\u[dD][89a-fA-F]", content):
        # Half a character (people cut titles in the middle) can be read but not written.
        answer = json.loads(json.dumps(answer, ensure_ascii=False).encode(errors="replace"))
    return answer


def _start(text: str) -> str:
    return re.sub(r"\s+", " ", text)[:80]
