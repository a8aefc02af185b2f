"""What a recipe may say about drawing pictures, their colours and the whole study."""

from typing import Literal

from pydantic import Field, field_validator

from collectors.frozen import Settings
from universe_gan.seeds import SeedsWrong, read_seeds

Model = Literal["lightweight", "stylegan2"]


class GenerateSettings(Settings):
    """`[generate]`: which pictures `generate` draws of a model, and a study of each of its models."""

    seeds: str = "0-35"
    """Which pictures are drawn: `7`, `0-35` or `1,5,20-29`; the same seed is the same picture."""
    truncation: float = Field(default=1.0, gt=0, le=2)
    """Below 1: fewer odd pictures, less variety."""

    @field_validator("seeds")
    @classmethod
    def _named(cls, seeds: str) -> str:
        try:
            read_seeds(seeds)
        except SeedsWrong as error:
            raise ValueError(error.problem) from error
        return seeds


class ColourSettings(Settings):
    """`[colour]`: how near `colour` and a study bring pictures to the tones and colours of real ones."""

    strength: float = Field(default=1.0, ge=0, le=1)
    """0 leaves them as they are, 1 is the whole change."""
    neighbours: int = Field(default=3, ge=1)
    """Real pictures, those most like it, that each is matched to."""
    extractor: str | None = None
    """Find these by features of content: `lite0`, `plain` …; default: by tone and colour."""


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
