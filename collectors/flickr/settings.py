"""What a recipe asks of Flickr: its settings, the queries they amount to, the span of upload times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from collectors.flickr.api import REST
from collectors.frozen import SourceSettings
from collectors.web.pace import wished_paces
from collectors.web.polite import Pace

FLICKR_BEGAN = datetime(2004, 1, 1, tzinfo=UTC)

CONTENTS: Mapping[str, int] = {"photo": 0, "screenshot": 1, "art": 2, "virtual": 3}
"""https://www.flickr.com/services/api/flickr.photos.search.html, `content_types`."""

Name = Annotated[str, Field(min_length=1)]


class FlickrSettings(SourceSettings):
    """`[collect.flickr]`: which photos of Flickr to look for. Needs a key of its API in the environment."""

    api: str = REST
    """Address of the REST API."""
    text: tuple[Name, ...] = ()
    """Searches in titles, descriptions and tags; words with a minus before them must not occur."""
    tags: tuple[Name, ...] = ()
    """Searches by tag; commas join tags that a photo must all have (`"planet,painting"`)."""
    user_ids: tuple[Name, ...] = ()
    """Only photos of these members (`7478087@N06`); without text and tags: all their photos."""
    groups: tuple[Name, ...] = ()
    """Only photos in the pools of these groups (`40961104@N00`); without text and tags: the whole pools."""
    licences: tuple[Annotated[int, Field(ge=0, le=999)], ...] = Field(
        default=(4, 5, 7, 8, 9, 10, 11, 12), min_length=1
    )
    """Licences to ask for, as Flickr numbers them: 4 CC BY 2.0, 5 CC BY-SA 2.0, 7 no known restrictions,
    8 US government, 9 CC0, 10 public domain, 11 CC BY 4.0, 12 CC BY-SA 4.0; 1-3, 6, 13-16 are NC or ND."""
    content: tuple[Literal["photo", "screenshot", "art", "virtual"], ...] = Field(
        default=("photo",), min_length=1
    )
    """What their owners say they are: `photo`, `art` (drawings, renderings), `virtual`, `screenshot`."""
    since: date | None = None
    """First day of upload (UTC); default: the beginning of Flickr."""
    until: date | None = None
    """Last day of upload (UTC); default: the moment the search begins."""
    include: tuple[str, ...] = ()
    """Take only photos whose title or tags match one of these globs (case does not matter)."""
    exclude: tuple[str, ...] = ()
    """Leave out photos whose title or tags match one of these globs."""
    history: Literal["auto", "all", "off"] = "auto"
    """Ask for the dates of licence changes, one more question a photo; `auto`: for CC0 and the public domain
    mark, and in `verify` wherever the licence changed."""
    pace: float | None = Field(default=None, gt=0)
    """Requests a second to an address that is not in the table of public hosts."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests at a time to such an address."""

    @field_validator("api")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/?#@\s]+/[^?#\s]*", value):
            raise ValueError("is not the address of an API (https://api.flickr.com/services/rest/)")
        return value

    @field_validator("groups")
    @classmethod
    def _asks_something(cls, groups: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        """Checked with the last of the four, so that other mistakes in the table are named as well."""
        if not groups and not any(others.data.get(one, "wrong") for one in ("text", "tags", "user_ids")):
            raise PydanticCustomError(
                "nothing_asked", "names nothing to look for: set text, tags, user_ids or groups"
            )
        return groups

    @field_validator("until")
    @classmethod
    def _in_order(cls, until: date | None, others: ValidationInfo) -> date | None:
        since = others.data.get("since")
        if since and until and since > until:
            raise ValueError(f"it is before since = {since}")
        return until


@dataclass(frozen=True)
class Query:
    """One search of a recipe."""

    label: str
    """`text: exoplanet · user: 7478087@N06`; also the group that limits are shared between."""
    params: Mapping[str, str]


@dataclass(frozen=True)
class Window:
    """A span of upload times, Unix seconds, both ends within."""

    first: int
    last: int

    def halves(self) -> tuple["Window", "Window"]:
        middle = (self.first + self.last) // 2
        return Window(self.first, middle), Window(middle + 1, self.last)

    def __str__(self) -> str:
        return f"{iso(self.first)}/{iso(self.last)}"


def queries(settings: FlickrSettings) -> list[Query]:
    """Every search of a recipe: each text and each tag entry, within each member and group that are named."""
    words = [Query(f"text: {one}", {"text": one}) for one in settings.text]
    words += [Query(f"tags: {one}", {"tags": one, "tag_mode": "all"}) for one in settings.tags]
    places = [Query(f"user: {one}", {"user_id": one}) for one in settings.user_ids]
    places += [Query(f"group: {one}", {"group_id": one}) for one in settings.groups]
    both = [
        Query(f"{word.label} · {place.label}", {**word.params, **place.params})
        for word in words
        for place in places
    ]
    return list({query.label: query for query in both or words or places}.values())


def window(settings: FlickrSettings, began: int) -> Window | None:
    """The whole span of a search that began at a time; `None`: it lies in the future."""
    since = datetime.combine(settings.since, datetime.min.time(), UTC) if settings.since else FLICKR_BEGAN
    last = began
    if settings.until:
        after = datetime.combine(settings.until, datetime.min.time(), UTC) + timedelta(days=1)
        last = min(began, int(after.timestamp()) - 1)
    first = int(since.timestamp())
    return Window(first, last) if first <= last else None


def iso(seconds: int) -> str:
    """Unix seconds as ISO 8601 UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def paces(settings: FlickrSettings) -> Mapping[str, Pace]:
    """The pace wished for an address that is not in the table of public hosts."""
    return wished_paces((settings.api,), settings.pace, settings.in_flight)
