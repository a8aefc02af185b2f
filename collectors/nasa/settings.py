"""What a recipe may say to NASA's library: `[collect.nasa]`."""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from collectors.frozen import SourceSettings
from collectors.nasa.library import PUBLIC
from collectors.web.pace import wished_paces
from collectors.web.polite import Pace

_API = re.compile(r"https?://[^/?#\s@]+(?:/[^?#\s]*)?")


class NasaSettings(SourceSettings):
    """`[collect.nasa]`: which words to look for, where and when, and which images to leave out."""

    api: str = PUBLIC
    """Address of the API."""
    query: tuple[str, ...] = Field(min_length=1)
    """Words to search for, each entry a search of its own; an image found by several counts for the first."""
    centers: tuple[str, ...] = ()
    """Only images of these NASA centres, by the API's names (`JPL`, `GSFC`, …); default: all."""
    years: tuple[int, int] | None = None
    """Only images of these years, the first and the last; default: all."""
    include: tuple[str, ...] = ()
    """Take only images whose title or keywords match one of these globs (case does not matter)."""
    exclude: tuple[str, ...] = ()
    """Leave out images whose title or keywords match one of these globs."""
    metadata: Literal["auto", "off"] = "auto"
    """Read the copyright marks inside the file too; `auto`: of images whose words leave them free."""
    pace: float | None = Field(default=None, gt=0)
    """Requests a second to a server that is not in the table of public hosts."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests at a time to such a server."""

    @field_validator("api")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not _API.fullmatch(value):
            raise ValueError(f"is not the address of an API ({PUBLIC})")
        return value.rstrip("/")

    @field_validator("query", "centers")
    @classmethod
    def _are_words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not word.strip() for word in value):
            raise ValueError("holds an empty entry")
        return tuple(dict.fromkeys(word.strip() for word in value))

    @field_validator("years")
    @classmethod
    def _are_in_order(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value and not 1000 <= value[0] <= value[1] <= 9999:
            raise ValueError("is not a first and a last year")
        return value


def paces(settings: NasaSettings) -> Mapping[str, Pace]:
    """The pace wished for an address that is not in the table of public hosts."""
    return wished_paces((settings.api,), settings.pace, settings.in_flight)
