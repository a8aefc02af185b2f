"""DeviantArt's OAuth2 API, asked as an application (client credentials) over our own session.

https://www.deviantart.com/developers/ · The API tells nothing of AI and little of licences; see `page`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from collectors.source import KeyRefused, read_keys
from collectors.web.polite import HostBusy
from collectors.web.retry import innermost

API = "https://www.deviantart.com/api/v1/oauth2"
KEYS = dict.fromkeys(
    ("DEVIANTART_CLIENT_ID", "DEVIANTART_CLIENT_SECRET"), "https://www.deviantart.com/developers/"
)

BATCH = 50
"""Deviations an answer of `browse`, and ids a call of `metadata`, at most."""

TOKEN_TRIES = 3
"""Requests for a token; between them the session's gate waits as the host asked."""


class NotDeviantArt(Exception):
    """What answers at this address is not DeviantArt's API."""

    def __init__(self, api: str, detail: str) -> None:
        super().__init__(f"{api}: {detail}")
        self.api, self.detail = api, detail


class DeviantArtRefused(Exception):
    """The API understood the question and refused it: status and its own words."""

    def __init__(self, path: str, status: int, detail: str) -> None:
        super().__init__(f"{path}: HTTP {status}: {detail}")
        self.path, self.status, self.detail = path, status, detail


@dataclass(frozen=True)
class Keys:
    client_id: str
    client_secret: str = field(repr=False)


def keys() -> Keys:
    """The application's credentials, from the environment. Raises `KeyMissing`."""
    return Keys(*read_keys(KEYS))


class Api:
    """The questions this tool asks. The access token lives in memory, and only as long as this object.

    Every question raises `DeviantArtRefused`, `NotDeviantArt` or `KeyRefused`, and what the session raises.
    """

    def __init__(self, address: str, site: str, session: requests.Session, keys: Keys) -> None:
        self.address, self.site = address.rstrip("/"), site.rstrip("/")
        self._session, self._keys = session, keys
        self._token: str | None = None

    def browse(self, kind: str, **question: Any) -> Iterator[list[dict[str, Any]]]:
        """Deviations by tag (`tags`, tag=…) or words (`newest`, q=…), newest first, a batch at a time.

        An answer says where it goes on by a cursor or by an offset, whichever this listing knows.
        """
        place: dict[str, Any] = {"offset": 0}
        while True:
            answer = self.ask(f"browse/{kind}", **question, limit=BATCH, **place)
            yield _deviations(answer)
            cursor, offset = answer.get("next_cursor"), answer.get("next_offset")
            if answer.get("has_more") is not True or (cursor is None and offset is None):
                return
            before, place = place, {"cursor": cursor} if cursor else {"offset": offset}
            if place == before:
                raise DeviantArtRefused(f"browse/{kind}", 200, f"it goes on at the same place: {place}")

    def deviation(self, uuid: str) -> dict[str, Any]:
        """One deviation, with the address of its file, which is good for minutes."""
        return self.ask(f"deviation/{uuid}")

    def download(self, uuid: str) -> dict[str, Any]:
        """The file as it was uploaded, where the artist offers it: `src` (good for minutes) and its size."""
        return self.ask(f"deviation/download/{uuid}")

    def metadata(self, uuids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Licence words, tags and description by UUID in lower case; nothing for what is gone.

        One id the API does not know may fail the whole question, and then the halves are asked.
        """
        if not uuids:
            return {}
        if len(uuids) > BATCH:
            return self.metadata(uuids[:BATCH]) | self.metadata(uuids[BATCH:])
        try:
            answer = self.ask("deviation/metadata", **{"deviationids[]": list(uuids)})
        except DeviantArtRefused as refused:
            if refused.status not in (400, 404):
                raise
            half = len(uuids) // 2
            return self.metadata(uuids[:half]) | self.metadata(uuids[half:]) if half else {}
        entries = answer.get("metadata")
        found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        return {str(entry.get("deviationid")).lower(): entry for entry in found}

    def ask(self, path: str, **params: Any) -> dict[str, Any]:
        """One question, one answer as it came; a token that ran out is replaced once."""
        fresh = self._token is None
        response = self._get(path, params)
        if response.status_code == 401 and not fresh:
            self._token = None
            response = self._get(path, params)
        if response.status_code == 401:
            raise KeyRefused("DeviantArt", _words(response))
        if response.status_code >= 400:
            if "json" not in response.headers.get("Content-Type", ""):
                raise NotDeviantArt(self.address, f"HTTP {response.status_code} {response.reason}")
            raise DeviantArtRefused(path, response.status_code, _words(response))
        return self._object(response)

    def _get(self, path: str, params: Mapping[str, Any]) -> requests.Response:
        if self._token is None:
            self._token = self._new_token()
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._session.get(f"{self.address}/{path}", params=params, headers=headers)

    def _new_token(self) -> str:
        """Client credentials for a token (https://www.deviantart.com/developers/authentication).

        By POST, which keeps the secret out of addresses and logs. A redirect is not followed, because the
        secret would go along.
        """
        form = {"grant_type": "client_credentials", **vars(self._keys)}
        for _ in range(TOKEN_TRIES):
            try:
                address = f"{self.site}/oauth2/token"
                response = self._session.post(address, data=form, allow_redirects=False)
            except requests.RequestException as error:
                detail = innermost(error)
                continue
            detail = f"HTTP {response.status_code}"
            if response.status_code == 200:
                token = self._object(response, quote=False).get("access_token")
                if isinstance(token, str) and token:
                    return token
                raise NotDeviantArt(self.address, "its token endpoint gives no access_token")
            if response.status_code in (400, 401):
                raise KeyRefused("DeviantArt", _words(response))
            if response.status_code == 404:
                raise NotDeviantArt(self.address, "it has no token endpoint /oauth2/token")
        raise HostBusy(urlsplit(self.site).netloc, None, f"no token after {TOKEN_TRIES} tries: {detail}")

    def _object(self, response: requests.Response, *, quote: bool = True) -> dict[str, Any]:
        """The JSON object of an answer; `quote`: say how another answer begins. Raises `NotDeviantArt`."""
        began = f": {response.text[:80]!r}" if quote else ""
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            raise NotDeviantArt(self.address, f"the answer is not JSON{began}") from None
        if not isinstance(answer, dict):
            raise NotDeviantArt(self.address, f"the answer is not an object{began}")
        return answer


def _deviations(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    results = answer.get("results")
    return [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []


def _words(response: requests.Response) -> str:
    """What the API says of its refusal: `{"error": "invalid_client", "error_description": "…"}`."""
    try:
        said = response.json()
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return f"HTTP {response.status_code} {response.reason}"
    return ": ".join(str(said[name]) for name in ("error", "error_description") if said.get(name))[:300]
