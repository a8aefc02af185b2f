"""Words for failures of recipes, of the order of stages, and of what is written before them."""

import difflib
from pathlib import Path

from universe_gan.shell.datasets.published import NotFollowable
from universe_gan.shell.datasets.stages import StageMissing
from universe_gan.shell.demo import DemoInTheWay
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table
from universe_gan.shell.recipes.recipe import RecipeMissing, RecipeWrong
from universe_gan.shell.recipes.starting import NameWrong, PatternMissing, RecipeExists


def _recipe_wrong(error: RecipeWrong) -> Failure:
    count = len(error.problems)
    cures = {str(error.path): "edit the file"} if error.own else {}
    if len(error.own) < count:
        cures["--set"] = "correct the --set"
    has = "has" if len(cures) == 1 else "have"
    head = f"{' and '.join(cures)} {has} {count} mistake{'s' if count > 1 else ''}"
    return Failure(
        "\n  ".join([head, *error.problems]),
        f"{' and '.join(cures.values())}; `universe-gan init --show` prints every setting",
        Exit.INPUT,
    )


def _recipe_missing(error: RecipeMissing) -> Failure:
    name = Path(error.asked).stem
    near = difflib.get_close_matches(name, [path.stem for path in Path("manifests").glob("*.toml")], n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    pattern = f" --from {name}" if name in error.known else ""
    return Failure(
        f"there is no recipe {error.asked}{hint}; shipped recipes: {', '.join(error.known)}",
        f"`universe-gan init {name}{pattern}` writes one into manifests/",
        Exit.INPUT,
    )


TABLE: Table = {
    RecipeWrong: _recipe_wrong,
    RecipeMissing: _recipe_missing,
    PatternMissing: lambda error: Failure(
        f"there is no recipe {error.asked} to start from; there are: {', '.join(error.known)}",
        "give --from one of these names, the path of a .toml file, or hf://datasets/user/name",
        Exit.INPUT,
    ),
    RecipeExists: lambda error: Failure(
        f"{error.path} exists already and was not touched",
        "choose another name, or edit that file",
        Exit.INPUT,
    ),
    NameWrong: lambda error: Failure(
        f"{error.name!r} cannot be the name of a recipe",
        "use letters without accents, digits, '.', '_' and '-', at most 64",
        Exit.INPUT,
    ),
    DemoInTheWay: lambda error: Failure(
        f"{error.path} exists and is not a demo folder; it was not touched",
        "choose another folder: `universe-gan demo --to FOLDER`",
        Exit.INPUT,
    ),
    StageMissing: lambda error: Failure(
        f"{error.missing} is not there yet", f"run `{error.command}` first", Exit.INPUT
    ),
    NotFollowable: lambda error: Failure(
        "\n  ".join([f"{error.where} cannot be made again from what it carries", *error.problems]),
        "ask whoever published it; nothing was written",
        Exit.INPUT,
    ),
}
