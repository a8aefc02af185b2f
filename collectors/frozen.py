"""The shape of every record here: frozen, and strict about names."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A hash, which is also the name of a file in a store: nothing else may stand there."""


class Frozen(BaseModel):
    """Data that never change after they were checked; a field nobody declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, validate_default=True)


class Settings(Frozen):
    """A section of a recipe; the docstring under a field is what `init --show` prints above it."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class SourceSettings(Settings):
    """A source's own table in a recipe; every source has these settings beside its own."""

    kind: Literal["real", "fictive"] | None = None
    """Whether its images show real things; the groups that `[collect] shares` speaks of."""
