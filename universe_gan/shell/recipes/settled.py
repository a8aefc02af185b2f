"""Settings of the commands that use a model: flag, else `--set`, else the recipe behind it, else default."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from collectors.frozen import Frozen
from universe_gan.shell.output import Output
from universe_gan.shell.recipes import recipe
from universe_gan.study_settings import ColourSettings, GenerateSettings
from universe_gan.upscaling.settings import UpscaleSettings

S = TypeVar("S", bound=Frozen)

SECTION: Mapping[type[Frozen], str] = {
    GenerateSettings: "generate",
    ColourSettings: "colour",
    UpscaleSettings: "upscale",
}


def settings(
    kind: type[S],
    output: Output,
    asked: str,
    flags: Mapping[str, Any],
    overrides: Sequence[str] = (),
) -> S:
    """The section of that kind as it counts for what was named; a flag that is `None` was not given.

    A line tells the recipe where another word than its own name led there. Raises `RecipeWrong`.
    """
    section = SECTION[kind]
    if path := behind(asked):
        found = getattr(recipe.load(path, overrides), section)
        if path != recipe.find(asked):
            output.line(f"settings  [{section}] of {path}")
    else:
        found = recipe.alone(section, asked, overrides)
    assert isinstance(found, kind)
    return found.model_copy(update={name: value for name, value in flags.items() if value is not None})


def behind(asked: str) -> Path | None:
    """The recipe that was named, or the one whose dataset the named run, checkpoint or picture comes from.

    `None`: none, or it is not here.
    """
    path = recipe.find(asked)
    if path.suffix == ".toml" and path.is_file():
        return path
    return next((one for one in _learned_by(Path(asked)) if one.is_file()), None)


def _learned_by(asked: Path) -> Iterator[Path]:
    """Where the recipe may lie whose dataset was learned from: beside the dataset's workspace, or here."""
    name, source = _learned(asked)
    dataset = Path(source)
    if name and (dataset.parent.name, dataset.name) == (name, "dataset"):  # else without a recipe
        if len(dataset.parents) > 2:
            home = dataset.parents[2]
            yield from (home / "manifests" / f"{name}.toml", home / f"{name}.toml")
        yield recipe.find(name)


def _learned(asked: Path) -> tuple[str, str]:
    """Name and source of a run, of its checkpoint, or of pictures that it drew; empty: not known."""
    folder = asked if asked.is_dir() else asked.parent
    try:
        if (folder / "run.json").is_file():
            about = json.loads((folder / "run.json").read_bytes())
            return str(about["name"]), str(about["origin"]["source"])
        if (folder / "pictures.jsonl").is_file():
            with (folder / "pictures.jsonl").open("rb") as lines:
                line = json.loads(lines.readline())
            return str(line["run"]), str(line["dataset"])
    except (ValueError, KeyError, TypeError):
        pass  # whoever opens it says what is wrong with it
    return "", ""
