"""What a recipe may say about drawing pictures and about the study as a whole: `[generate]` and `[study]`."""

from typing import Literal

from pydantic import Field, field_validator

from collectors.frozen import Settings

Model = Literal["lightweight", "stylegan2"]


class GenerateSettings(Settings):
    """`[generate]`: which pictures are drawn from a trained model."""

    seeds: str = "0-35"
    """Which pictures: `7`, `0-35` or `1,5,20-29`; the same seed is the same picture."""
    truncation: float = Field(default=1.0, gt=0, le=2)
    """Below 1: fewer odd pictures, less variety."""


class StudySettings(Settings):
    """`[study]`: what `universe-gan study` does from the dataset to the comparison."""

    models: tuple[Model, ...] = ("lightweight", "stylegan2")
    """Which are trained and compared; each with the settings of `[train]`."""
    enlarge: int = Field(default=36, ge=1)
    """How many pictures of each model are made larger, those of the first seeds."""

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: tuple[Model, ...]) -> tuple[Model, ...]:
        if not models or len(set(models)) < len(models):
            raise ValueError("name one model or several, each once")
        return models
