"""The sample that ships with the tool, set up as a project of the user's own."""

import shutil
from importlib import resources
from pathlib import Path

NAME = "sample"


class DemoInTheWay(Exception):
    """The folder for the demo holds something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a demo folder")
        self.path = path


def set_up(target: Path) -> Path:
    """Copy the sample's images and recipe to `target`, and return the recipe's path.

    A demo folder of an earlier run is brought up to date; anything else is left alone.

    Raises:
        DemoInTheWay: `target` exists and holds no demo.
    """
    recipe = target / "manifests" / f"{NAME}.toml"
    if target.exists() and not recipe.is_file() and any(target.iterdir()):
        raise DemoInTheWay(target)
    with resources.as_file(resources.files("universe_gan") / NAME) as sample:
        shutil.copytree(sample, target / "manifests", dirs_exist_ok=True)
    return recipe
