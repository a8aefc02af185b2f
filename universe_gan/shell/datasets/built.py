"""The dataset that the last `curate` built, for whoever publishes it or learns from it."""

import json
from pathlib import Path

from pydantic import ValidationError

from collectors.storage.workspace import Workspace
from curation.dataset.write import BuiltDataset
from universe_gan.shell.datasets import stages
from universe_gan.shell.datasets.stages import StageMissing
from universe_gan.shell.datasets.state import State
from universe_gan.shell.recipes.recipe import Recipe


class StageStale(Exception):
    """What a stage made is older than what it is made from."""

    def __init__(self, made: Path, command: str) -> None:
        super().__init__(f"{made} is out of date; `{command}` makes it anew")
        self.made, self.command = made, command


def built_by(recipe: Recipe) -> BuiltDataset:
    """What the last `curate` built, read while nobody changes it; several may read at a time.

    Raises `StageMissing`, `StageStale`, `WorkspaceBusy`.
    """
    workspace = Workspace(recipe.data)
    with workspace.reading():
        return read_built(recipe, workspace)


def read_built(recipe: Recipe, workspace: Workspace) -> BuiltDataset:
    """What the last `curate` built. Raises `StageMissing`, `StageStale`."""
    command = f"universe-gan build {recipe.path}"
    manifest = stages.read_manifest(recipe)
    try:
        told = json.loads(workspace.built.read_text(encoding="utf-8"))
        built = BuiltDataset.model_validate({**told, "path": workspace.dataset})
    except (FileNotFoundError, ValueError, TypeError) as error:
        if isinstance(error, ValidationError) or workspace.dataset.is_dir():
            raise StageStale(workspace.dataset, command) from error
        raise StageMissing(workspace.dataset, command) from error
    note = State(workspace).read().get("curate", {})
    if (note.get("root"), note.get("settings")) != (
        manifest.header.root_sha256,
        recipe.made_with("curate"),
    ):
        raise StageStale(workspace.dataset, command)
    return built
