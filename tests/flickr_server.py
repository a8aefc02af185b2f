"""Flickr's REST API on loopback, shaped after its documentation and recorded answers; faults as in `faulty`.

    with FlickrServer([a_photo(1), a_photo(2, license="10")]) as server:
        FlickrSettings(api=server.api, text=("nebula",))

It checks what Flickr checks: key and OAuth signature (RFC 5849), that no nonce comes twice, the format. It
keeps the cap on search results, and repeats earlier ones beyond it.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from faulty import Answer, Asked, FaultServer

KEY, SECRET = "0123456789abcdef0123456789abcdef", "fedcba9876543210"

HELP = (
    "https://www.flickrhelp.com/hc/en-us/articles/10710266545556-Using-Flickr-images-shared-by-other-members"
)
CC = "https://creativecommons.org"
LICENCES = {
    "0": ("All Rights Reserved", HELP),
    "4": ("CC BY 2.0", f"{CC}/licenses/by/2.0/"),
    "5": ("CC BY-SA 2.0", f"{CC}/licenses/by-sa/2.0/"),
    "7": ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "8": ("United States Government Work", "https://www.usa.gov/government-copyright"),
    "9": ("Public Domain Dedication (CC0)", f"{CC}/publicdomain/zero/1.0/"),
    "10": ("Public Domain Mark", f"{CC}/publicdomain/mark/1.0/"),
    "11": ("CC BY 4.0", f"{CC}/licenses/by/4.0/"),
    "12": ("CC BY-SA 4.0", f"{CC}/licenses/by-sa/4.0/"),
}
"""As `flickr.photos.licenses.getInfo` said in 2025-06, shortened."""


def a_photo(number: int, **changes: Any) -> dict[str, Any]:
    """An entry of a search, with the original in 800 × 600 and the size Large; uploaded a minute apart."""
    photo = {
        "id": str(number),
        "owner": "7478087@N06",
        "ownername": "Ada Lane",
        "secret": f"s{number}",
        "server": "65535",
        "title": f"Nebula {number}",
        "description": {"_content": f"Seen <b>twice</b>, no. {number}"},
        "license": "4",
        "dateupload": str(1_500_000_000 + 60 * number),
        "lastupdate": str(1_500_000_000 + 60 * number),
        "datetaken": "2011-11-05 15:54:37",
        "datetakengranularity": "0",
        "datetakenunknown": "0",
        "tags": "space nebula",
        "media": "photo",
        "ispublic": 1,
        "views": "7",
        "url_o": f"https://live.staticflickr.com/65535/{number}_o{number}_o.jpg",
        "width_o": 800,
        "height_o": "600",
        "url_l": f"https://live.staticflickr.com/65535/{number}_s{number}_b.jpg",
        "width_l": "1024",
        "height_l": 768,
    }
    return {name: value for name, value in (photo | changes).items() if value is not None}


def change(date: int, old: str, new: str) -> dict[str, Any]:
    """A step of a licence history between two licences, by number."""
    old_name, old_url = LICENCES.get(old, ("", ""))
    new_name, new_url = LICENCES.get(new, ("", ""))
    return {
        "date_change": str(date),
        "old_license": old_name,
        "old_license_url": old_url,
        "new_license": new_name,
        "new_license_url": new_url,
    }


@dataclass
class Fail(Exception):
    code: int
    message: str


@dataclass
class Contents:
    """What the server holds; tests change it between questions."""

    photos: dict[str, dict[str, Any]]
    licences: Mapping[str, tuple[str, str]] = field(default_factory=lambda: dict(LICENCES))
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    fails: dict[str, list[Fail]] = field(default_factory=dict)
    """Method → errors it gives before it works."""


class FlickrServer(FaultServer):
    """A context manager; `api` is the address for a recipe, `calls` what was asked so far."""

    def __init__(self, photos: Iterable[dict[str, Any]] = (), *, cap: int = 4000, **options: Any) -> None:
        super().__init__(**options)
        self.contents = Contents({photo["id"]: photo for photo in photos})
        self.cap = cap
        self.calls: list[dict[str, str]] = []
        self._nonces: set[str] = set()

    @property
    def api(self) -> str:
        return f"{self.base}/services/rest/"

    def called(self, method: str) -> list[dict[str, str]]:
        """The parameters of the calls of a method, in order."""
        return [call for call in self.calls if call["method"] == f"flickr.{method}"]

    def answer(self, asked: Asked, body: bytes, *, whole: bool) -> Answer:
        if urlsplit(asked.path).path != "/services/rest/":
            return super().answer(asked, body, whole=whole)
        params = dict(parse_qsl(urlsplit(asked.path).query, keep_blank_values=True))
        oauth = _oauth(asked.headers)
        if problem := self._problem(asked, params, oauth):
            return Answer(401, [("Content-Type", "text/plain")], problem.encode())
        self.calls.append(params)
        try:
            if oauth.get("oauth_consumer_key") != KEY:
                raise Fail(100, f"Invalid API Key ({oauth.get('oauth_consumer_key')} has invalid format)")
            if (params.get("format"), params.get("nojsoncallback")) != ("json", "1"):
                raise Fail(111, f'Format "{params.get("format")}" not found')
            said = {**self._method(params), "stat": "ok"}
        except Fail as fail:
            said = {"stat": "fail", "code": fail.code, "message": fail.message}
        return Answer(200, [("Content-Type", "application/json; charset=utf-8")], json.dumps(said).encode())

    def _problem(self, asked: Asked, params: Mapping[str, str], oauth: Mapping[str, str]) -> str | None:
        """What is wrong with a signature, in Flickr's words, or `None`."""
        if not oauth:
            return "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_consumer_key"
        if oauth["oauth_nonce"] in self._nonces:
            return "oauth_problem=nonce_used"
        self._nonces.add(oauth["oauth_nonce"])
        signed = {**params, **{name: value for name, value in oauth.items() if name != "oauth_signature"}}
        pairs = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in signed.items())
        words = (asked.method, self.api, "&".join(f"{k}={v}" for k, v in pairs))
        base = "&".join(quote(word, safe="~") for word in words)
        mac = hmac.new(f"{SECRET}&".encode(), base.encode(), hashlib.sha1)
        right = base64.b64encode(mac.digest()).decode()
        if oauth["oauth_consumer_key"] == KEY and oauth.get("oauth_signature") != right:
            return f"oauth_problem=signature_invalid&debug_sbs={base}"
        return None

    def _method(self, params: Mapping[str, str]) -> dict[str, Any]:
        method = params["method"].removeprefix("flickr.")
        if waiting := self.contents.fails.get(method):
            raise waiting.pop(0)
        methods = {
            "photos.search": self._search,
            "photos.licenses.getInfo": self._licences,
            "photos.licenses.getLicenseHistory": self._history,
            "photos.getInfo": self._info,
            "photos.getSizes": self._sizes,
        }
        if method not in methods:
            raise Fail(112, f'Method "{params["method"]}" not found')
        return methods[method](params)

    def _search(self, params: Mapping[str, str]) -> dict[str, Any]:
        if not {"text", "tags", "user_id", "group_id"} & set(params):
            raise Fail(3, "Parameterless searches have been disabled. Please use flickr.photos.getRecent.")
        assert params["sort"] == "date-posted-asc"
        fitting = [photo for photo in self.contents.photos.values() if self._fits(photo, params)]
        fitting.sort(key=lambda photo: (int(photo["dateupload"]), int(photo["id"])))
        size, number = int(params["per_page"]), int(params["page"])
        assert size <= 500
        pages = -(-len(fitting) // size)
        if size * number > self.cap:  # beyond the cap the last results come again and again
            number = self.cap // size
        some = fitting[size * (number - 1) : size * number]
        asked_for = {
            f"url_{one.removeprefix('url_')}" for one in params["extras"].split(",") if "url_" in one
        }
        shown = [
            {k: v for k, v in photo.items() if not k.startswith("url_") or k in asked_for} for photo in some
        ]
        found = {"page": int(params["page"]), "pages": pages, "perpage": size, "total": str(len(fitting))}
        return {"photos": {**found, "photo": shown}}

    def _fits(self, photo: Mapping[str, Any], params: Mapping[str, str]) -> bool:
        tags = photo.get("tags", "").split()
        return (
            photo["id"] not in self.contents.private
            and int(params["min_upload_date"]) <= int(photo["dateupload"]) <= int(params["max_upload_date"])
            and str(photo.get("license")) in params["license"].split(",")
            and params.get("text", "").casefold() in f"{photo.get('title')} {' '.join(tags)}".casefold()
            and all(tag in tags for tag in params.get("tags", "").split(",") if tag)
            and params.get("user_id") in (None, photo["owner"])
            and params.get("group_id") in (None, *photo.get("groups", ()))
        )

    def _licences(self, params: Mapping[str, str]) -> dict[str, Any]:
        rows = [{"id": int(id), "name": n, "url": u} for id, (n, u) in self.contents.licences.items()]
        return {"licenses": {"license": rows}}

    def _photo(self, params: Mapping[str, str]) -> dict[str, Any]:
        photo = self.contents.photos.get(params["photo_id"])
        if photo is None:
            raise Fail(1, f'Photo "{params["photo_id"]}" not found (invalid ID)')
        if photo["id"] in self.contents.private:
            raise Fail(2, "Permission denied")
        return photo

    def _history(self, params: Mapping[str, str]) -> dict[str, Any]:
        photo = self._photo(params)
        never = {**change(int(photo["dateupload"]), photo["license"], ""), "new_license": ""}
        return {"license_history": self.contents.history.get(photo["id"], [never])}

    def _info(self, params: Mapping[str, str]) -> dict[str, Any]:
        photo = self._photo(params)
        info = {name: photo[name] for name in ("id", "secret", "server", "license", "media")}
        tags = [{"id": f"1-{tag}", "raw": tag.title(), "_content": tag} for tag in photo["tags"].split()]
        return {
            "photo": {
                **info,
                "views": "381",
                "owner": {"nsid": photo["owner"], "username": photo["ownername"], "realname": "Ada B. Lane"},
                "title": {"_content": photo["title"]},
                "description": photo["description"],
                "visibility": {"ispublic": photo["ispublic"], "isfriend": 0, "isfamily": 0},
                "dates": {
                    "posted": photo["dateupload"],
                    "taken": photo["datetaken"],
                    "takengranularity": int(photo["datetakengranularity"]),
                    "takenunknown": photo["datetakenunknown"],
                    "lastupdate": photo["lastupdate"],
                },
                "tags": {"tag": tags},
            }
        }

    def _sizes(self, params: Mapping[str, str]) -> dict[str, Any]:
        photo = self._photo(params)
        labels = {"l": "Large", "k": "Large 2048", "o": "Original"}
        sizes = [
            {"label": "Square", "width": 75, "height": 75, "source": "https://live.staticflickr.com/s.jpg"}
        ]
        sizes += [
            {
                "label": label,
                "width": photo[f"width_{short}"],
                "height": photo[f"height_{short}"],
                "source": photo[f"url_{short}"],
                "media": "photo",
            }
            for short, label in labels.items()
            if f"url_{short}" in photo
        ]
        return {"sizes": {"canblog": 0, "candownload": 1, "size": sizes}}


def _oauth(headers: Mapping[str, str]) -> dict[str, str]:
    """The parameters of an `Authorization: OAuth …` header."""
    said = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    if not said.startswith("OAuth "):
        return {}
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', said)}
