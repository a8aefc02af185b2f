"""What a recipe may say to a MediaWiki: `[collect.commons]`."""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from collectors.commons.mediawiki import API, COMMONS
from collectors.frozen import SourceSettings
from collectors.web.pace import wished_paces
from collectors.web.polite import Pace


class CommonsSettings(SourceSettings):
    """`[collect.commons]`: which categories of which wiki, and which branches to leave out."""

    api: str = COMMONS
    """Address of `api.php`; any MediaWiki."""
    categories: tuple[str, ...] = Field(min_length=1)
    """Categories to start from, with or without `Category:`."""
    depth: int = Field(default=3, ge=0)
    """Levels of subcategories below them; 0: only the categories themselves."""
    include: tuple[str, ...] = ()
    """Take only files whose title, categories or path match one of these globs (case does not matter)."""
    exclude: tuple[str, ...] = ()
    """Leave out files whose title or visible categories match a glob; a matching category cuts its branch."""
    structured: Literal["auto", "off"] = "auto"
    """Ask for the licence statements of structured data too; `auto`: on Commons, which has them."""
    pace: float | None = Field(default=None, gt=0)
    """Requests a second to a wiki that is not in the table of public hosts."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests at a time to such a wiki."""

    @field_validator("api")
    @classmethod
    def _is_an_api(cls, value: str) -> str:
        if not API.fullmatch(value):
            raise ValueError("is not the address of an api.php (https://wiki.example.org/w/api.php)")
        return value

    @field_validator("categories")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [repr(name) for name in value if not bare(name) or re.search(r"[#<>\[\]{}|]", name)]
        if wrong:
            raise ValueError(f"{' and '.join(wrong)} cannot be the name of a category")
        return value


def bare(name: str) -> str:
    """What a person may write for a category → its name: `category:Dark_matter` → `Dark matter`."""
    name = re.sub(r"[\s_]+", " ", name).strip()
    return re.sub(r"^:?category ?: ?", "", name, flags=re.IGNORECASE).strip()


def paces(settings: CommonsSettings) -> Mapping[str, Pace]:
    """The pace wished for a wiki that is not in the table of public hosts."""
    return wished_paces((settings.api,), settings.pace, settings.in_flight)
