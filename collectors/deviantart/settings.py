"""What a recipe may say to DeviantArt: `[collect.deviantart]`."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from collectors.deviantart.api import API
from collectors.frozen import SourceSettings
from collectors.permissions import deviation_id
from collectors.web.pace import Pace, wished_paces

_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")


class DeviantArtSettings(SourceSettings):
    """`[collect.deviantart]`: where to look, and whose written permissions hold."""

    api: str = API
    """Address of the OAuth2 API."""
    site: str | None = None
    """Where pages and tokens come from; default: the host of `api`."""
    tags: tuple[str, ...] = ()
    """Tags whose deviations are looked at, newest first."""
    newest: tuple[str, ...] = ()
    """Search words whose newest deviations are looked at."""
    deviations: tuple[str, ...] = ()
    """Deviations by number, UUID or address; those that `permissions` names are looked at anyway."""
    permissions: str = Field(default="permissions.toml", min_length=1)
    """Artists' written permissions (see `collectors.permissions`); relative to the recipe."""
    limit: int = Field(default=200, ge=1)
    """Deviations looked at for each tag or search; a page a second."""
    pace: float | None = Field(default=None, gt=0)
    """Requests a second to hosts that are not in the table of public hosts."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests at a time to such hosts."""

    @field_validator("api", "site")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError("is not an address such as https://www.deviantart.com/api/v1/oauth2")
        return value

    @field_validator("deviations")
    @classmethod
    def _are_deviations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [repr(one) for one in value if deviation_id(one) is None]:
            raise ValueError(
                f"{' and '.join(wrong)}: not a number, a UUID or an address that ends in a number"
            )
        return value

    @property
    def home(self) -> str:
        """Where pages and tokens come from, without a slash at its end."""
        parts = urlsplit(self.api)
        return (self.site or f"{parts.scheme}://{parts.netloc}").rstrip("/")


def beside(settings: DeviantArtSettings, base: Path) -> Sequence[Path]:
    """The files that belong to the recipe."""
    return [base / settings.permissions]


def paces(settings: DeviantArtSettings) -> Mapping[str, Pace]:
    """The pace wished for addresses that are not in the table of public hosts."""
    return wished_paces((settings.api, settings.home), settings.pace, settings.in_flight)
