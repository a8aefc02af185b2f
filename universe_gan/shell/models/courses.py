"""What is to be learned from what: a recipe, a dataset on the Hub or a folder, as the user named it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from universe_gan.shell.datasets.built import built_by
from universe_gan.shell.recipes import recipe
from universe_gan.training.settings import TrainSettings


@dataclass(frozen=True)
class Course:
    """What is to be learned from what."""

    name: str
    source: str
    """Hub id or folder, as `data.prepare` takes it."""
    settings: TrainSettings
    asked: str
    """As the user named it."""


def course(asked: str, overrides: Sequence[str], data: Path | None, kimg: float | None) -> Course:
    """Read what the user named: a recipe, else a folder, else a dataset on the Hub.

    Raises:
        RecipeWrong, RecipeMissing: as `recipe.load`.
        StageMissing, StageStale: the recipe's dataset is not built, or no longer what the recipe says.
    """
    if kimg is not None:
        overrides = (*overrides, f"train.kimg={kimg}")
    if name := without_recipe(asked):
        return Course(name, asked, recipe.train_settings(asked, overrides), asked)
    loaded = recipe.load(recipe.find(asked), overrides, data)
    return Course(loaded.name, str(built_by(loaded).path), loaded.train, asked)


def without_recipe(asked: str) -> str | None:
    """The name of what is trained on where it is a folder or a dataset on the Hub; `None`: it is a recipe."""
    path = recipe.find(asked)
    on_hub = asked.startswith("hf://") or ("/" in asked and path.suffix not in (".toml", ".jsonl"))
    if path.is_file() or not (Path(asked).is_dir() or on_hub):
        return None
    whole = str(Path(asked).resolve()) if Path(asked).is_dir() else asked.partition("@")[0]
    return re.sub(r"[^\w.-]+", "-", whole.rstrip("/").rsplit("/", 1)[-1]).strip("-.") or "pictures"
