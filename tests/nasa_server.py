"""NASA's image library on loopback: searches with pages, filters and the cap, lists of files, metadata.

Shaped after the recorded answers and the documented API (https://images.nasa.gov/docs/images.nasa.gov_api_docs.pdf);
it misbehaves by plan as `faulty` does.

    with NasaServer([Item("PIA1", secondary_creator="NASA/JPL-Caltech")]) as server:
        … api = server.base
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from faulty import Answer, Asked, FaultServer, Plan

TOO_MANY = {"reason": "Maximum number of search results have been displayed. Please refine your search."}


@dataclass
class Item:
    """One image of the library; what is `None` is not stated."""

    nasa_id: str
    title: str = "A planet"
    description: str | None = None
    secondary_creator: str | None = "NASA/JPL-Caltech"
    photographer: str | None = None
    keywords: tuple[str, ...] = ("planet",)
    center: str | None = "JPL"
    year: int | None = 2003
    media_type: str = "image"
    version: str = "1.0"
    """Of the answer's shape: 1.1 has a link for every file, with its pixels."""
    files: tuple[str, ...] = ("orig.jpg", "large.jpg", "thumb.jpg")
    """What stands behind the tilde."""
    metadata: Any = None
    metadata_listed: bool = True
    """Whether the list of files names the metadata, or only `/metadata/` leads there."""
    data: bytes = b"\xff\xd8\xff\xe0 the bytes of a picture"
    more: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the search answer that the documentation does not know, or knows otherwise."""


class NasaServer(FaultServer):
    """A context manager; `base` is the address of the API, `asked` what was asked so far."""

    def __init__(
        self, items: Iterable[Item] = (), *, last_page: int = 100, plan: Plan = lambda asked: None
    ) -> None:
        super().__init__(plan=plan)
        self.items = list(items)
        self.last_page = last_page
        self.answers: dict[str, bytes] = {}
        """Answers in place of the right ones, by path."""

    def searches(self) -> list[dict[str, str]]:
        """The questions that were asked of `/search`, in order."""
        parts = [urlsplit(path) for path in self.paths()]
        return [
            {name: values[0] for name, values in parse_qs(one.query).items()}
            for one in parts
            if one.path == "/search"
        ]

    def answer(self, asked: Asked, body: bytes, *, whole: bool) -> Answer:
        parts = urlsplit(asked.path)
        path = unquote(parts.path)
        if path in self.answers:
            return Answer(200, [("Content-Type", "text/html")], self.answers[path])
        kind, _, rest = path.lstrip("/").partition("/")
        if kind == "search":
            return self._search({name: values[0] for name, values in parse_qs(parts.query).items()})
        item = next(
            (one for one in self.items if rest == one.nasa_id or rest.startswith(f"{one.nasa_id}/")), None
        )
        if item is None:
            return _json({"reason": f"Asset not found for nasa_id={rest}"}, 404)
        if kind == "asset":
            names = [*self._files(item), *(["metadata.json"] if _lists(item) else [])]
            items = [{"href": self._address(item, name)} for name in names]
            return _json({"collection": {"version": "1.0", "href": f"{self.base}{path}", "items": items}})
        if kind == "metadata":
            if item.metadata is None:
                return _json({"reason": "No metadata"}, 404)
            return _json({"location": self._address(item, "metadata.json")})
        return self._file(item, rest.removeprefix(f"{item.nasa_id}/"))

    def _search(self, asked: Mapping[str, str]) -> Answer:
        page, size = int(asked.get("page", 1)), int(asked.get("page_size", 100))
        if page > self.last_page:
            return _json(TOO_MANY, 400)
        found = [item for item in self.items if _fits(item, asked)]
        some = found[(page - 1) * size : page * size]
        collection = {
            "version": "1.1" if any(item.version == "1.1" for item in some) else "1.0",
            "href": f"{self.base}/search",
            "items": [self._described(item) for item in some],
            "metadata": {"total_hits": len(found)},
        }
        if page * size < len(found):
            collection["links"] = [
                {"rel": "next", "prompt": "Next", "href": f"{self.base}/search?page={page + 1}"}
            ]
        return _json({"collection": collection})

    def _described(self, item: Item) -> dict[str, Any]:
        stated = {
            "center": item.center,
            "title": item.title,
            "nasa_id": item.nasa_id,
            "date_created": f"{item.year}-06-01T00:00:00Z" if item.year else None,
            "keywords": list(item.keywords),
            "media_type": item.media_type,
            "secondary_creator": item.secondary_creator,
            "photographer": item.photographer,
            "description": item.description,
        }
        names = self._files(item)
        if item.version == "1.0":
            hrefs = [self._address(item, name) for name in names[-1:]]
            links: list[dict[str, Any]] = [
                {"href": href, "rel": "preview", "render": "image"} for href in hrefs
            ]
        else:
            links = [
                {
                    "href": self._address(item, name),
                    "rel": "canonical" if "~orig" in name else "alternate",
                    "render": "image",
                    "width": 4000 // 2**place,
                    "height": 3000 // 2**place,
                    "size": 212000,
                }
                for place, name in enumerate(names)
            ]
        known = {name: value for name, value in stated.items() if value is not None}
        return {
            "href": self._address(item, "collection.json"),
            "data": [known | dict(item.more)],
            "links": links,
        }

    def _file(self, item: Item, name: str) -> Answer:
        if name == "metadata.json" and item.metadata is not None:
            return _json(item.metadata)
        if name not in self._files(item):
            return Answer(404, [("Content-Type", "text/html")], b"<!DOCTYPE html><title>404</title>")
        return Answer(200, [("Content-Type", "binary/octet-stream")], item.data + name.encode())

    def _files(self, item: Item) -> list[str]:
        return [f"{item.nasa_id}~{name}" for name in item.files]

    def _address(self, item: Item, name: str) -> str:
        """As the library writes it: with spaces left as they are."""
        return f"{self.base}/image/{item.nasa_id}/{name}"


def _lists(item: Item) -> bool:
    return item.metadata is not None and item.metadata_listed


def _fits(item: Item, asked: Mapping[str, str]) -> bool:
    first, last = int(asked.get("year_start", 0)), int(asked.get("year_end", 9999))
    if (first, last) != (0, 9999) and (item.year is None or not first <= item.year <= last):
        return False
    words = (item.nasa_id, item.title, item.description or "", *item.keywords)
    return (
        asked.get("nasa_id", item.nasa_id) == item.nasa_id
        and asked.get("media_type", item.media_type) == item.media_type
        and asked.get("center", item.center) == item.center
        and asked.get("q", "").casefold() in " ".join(words).casefold()
    )


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(value).encode())


def escaped(nasa_id: str) -> str:
    """An id as one segment of a path."""
    return quote(nasa_id, safe="")
