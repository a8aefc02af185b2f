"""What one recipe asks the collectors for."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from collectors.frozen import Settings
from collectors.shares import TOLERANCE, Kind
from collectors.source import Source
from collectors.storage.files import canonical_json


class CollectSettings(Settings):
    """`[collect]`: how many images of what, and which sizes are worth a download."""

    subject: str = Field(min_length=1)
    """What the images show; a column of the dataset."""
    limit: int | None = Field(default=None, ge=1)
    """Images to take, shared out evenly between the categories or searches; default: all."""
    shares: dict[Kind, Annotated[float, Field(gt=0, le=1)]] | None = None
    """Parts of the limit by the `kind` of the sources, `{ real = 0.4, fictive = 0.6 }`; default: no ratio."""
    min_side: int | None = Field(default=None, ge=1)
    """Shortest side in pixels, as the source states it; default: what [curate] will ask for."""
    max_megapixels: float = Field(default=400, gt=0)
    """Width × height beyond which an image is not fetched."""
    max_megabytes: float = Field(default=200, gt=0)
    """File size beyond which an image is not fetched."""

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares: dict[Kind, float] | None) -> dict[Kind, float] | None:
        if shares is not None and abs(sum(shares.values()) - 1) > TOLERANCE:
            raise ValueError(f"the shares add up to {sum(shares.values()):g}, not to 1")
        return shares


@dataclass(frozen=True)
class Plan:
    """One recipe, understood: what to ask of whom, and under which name the result goes."""

    name: str
    base: Path
    """The recipe's folder."""
    manifest: Path
    settings: CollectSettings
    sources: Sequence[tuple[Source, Any]]
    """Each source with its own settings, in the recipe's order."""
    recipe_sha256: str
    tool: str

    @property
    def addresses(self) -> list[str]:
        """Every address that the recipe names in the tables of its sources."""
        return [one for _, settings in self.sources for one in _addresses(settings.model_dump(mode="json"))]

    @property
    def question(self) -> str:
        """Hash of what is asked of the sources; limits and policy do not change it.

        The content of files beside the recipe that decide what is found (`Source.beside`) is part of it.
        """
        asked: dict[str, Any] = {
            source.name: settings.model_dump(mode="json") for source, settings in self.sources
        }
        for source, settings in self.sources:
            files = [path for path in source.beside(settings, self.base) if path.is_file()]
            if files:
                asked[source.name]["beside"] = [
                    hashlib.sha256(path.read_bytes()).hexdigest() for path in files
                ]
        return hashlib.sha256(canonical_json([self.settings.subject, asked])).hexdigest()


def _addresses(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _addresses(one)
    elif isinstance(value, str) and "://" in value:
        yield value
