"""`init`: a recipe to edit, from nothing, from a shipped one or from one of the user's own."""

from collections.abc import Sequence
from pathlib import Path

from collectors.storage.files import write_whole
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output
from universe_gan.shell.recipes import template
from universe_gan.shell.recipes.recipe import NAME, Recipe, find, load, shelf, shipped


class NameWrong(Exception):
    """A name that no recipe may have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} cannot be the name of a recipe")
        self.name = name


class PatternMissing(Exception):
    """There is no recipe of that name to start from."""

    def __init__(self, asked: str, known: Sequence[str]) -> None:
        super().__init__(f"no recipe {asked} to start from")
        self.asked, self.known = asked, tuple(known)


class RecipeExists(Exception):
    """A recipe that would have been overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists")
        self.path = path


def new_path(name: str) -> Path:
    """Where a new recipe of this name goes. Raises `NameWrong`, `RecipeExists`."""
    name = name.removesuffix(".toml")
    if not NAME.match(name):
        raise NameWrong(name)
    path = Path("manifests") / f"{name}.toml"
    if path.exists():
        raise RecipeExists(path)
    return path


def pattern_path(asked: str) -> Path:
    """The recipe to start a new one from: one of the user's own, by name or path, or a shipped one.

    Raises `PatternMissing`, and `RecipeWrong` where it is broken itself.
    """
    for path in (find(asked), shelf() / f"{asked}.toml"):
        if path.is_file():
            load(path)
            return path
    own = {path.stem for path in Path("manifests").glob("*.toml")}
    raise PatternMissing(asked, sorted({*own, *shipped()}))


def init(output: Output, name: str | None, *, show: bool, pattern: str | None) -> Exit:
    """Write a recipe, or show every setting."""
    if show or name is None:
        output.line(template.every_setting())
        return Exit.DONE
    path = new_path(name)
    old = pattern_path(pattern) if pattern else None
    write_whole(path, old.read_text(encoding="utf-8") if old else template.starter(name))
    output.line(f"wrote {path}" + (f"  a copy of {old}" if old else ""))
    if old:
        _tell_pattern(output, load(path), old)
    output.result({"recipe": str(path)})
    output.say(f"next: edit it, then {tool()} collect {path} --dry-run")
    return Exit.DONE


def _tell_pattern(output: Output, new: Recipe, old: Path) -> None:
    """What a copy of somebody's recipe has to be changed in."""
    if new.publish.repo:
        output.say(f"note: like that one it publishes to {new.publish.repo}: change [publish] repo")
    if new.path.parent.resolve() != old.parent.resolve():
        for source, _ in new.plan.sources:
            if source.open_local:
                output.say(f"note: paths in [collect.{source.name}] start from {new.path.parent} now")
