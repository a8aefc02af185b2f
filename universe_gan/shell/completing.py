"""Shell completion: what may stand where, by the words that `--help` shows there.

Click does the talking with the shell (https://click.palletsprojects.com/shell-completion/): on each press of
TAB the shell starts the tool, so nothing heavy is imported here either.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from click.shell_completion import CompletionItem, get_completion_class
from click.types import StringParamType

SHELLS = ("bash", "zsh", "fish")


def script(command: click.Command, shell: str) -> str:
    """What a shell has to run to complete `universe-gan`."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    return kind(command, {}, "universe-gan", "_UNIVERSE_GAN_COMPLETE").source().strip()


class Named(StringParamType):
    """Names of recipes and runs that are here, where the metavar speaks of them; else files."""

    def __init__(self, *, shipped: bool = False) -> None:
        self.shipped = shipped
        """Whether recipes that come with the tool may be named too."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names that begin so; where none does, the shell proposes files."""
        shown, names = param.metavar or "", list[str]()
        if "RECIPE" in shown:
            names += sorted(path.stem for path in Path("manifests").glob("*.toml"))
        if self.shipped:
            from universe_gan.shell.recipes.recipe import shipped

            names += shipped()
        if "RUN" in shown:
            runs = Path(ctx.params.get("runs") or "runs")
            names += sorted(str(path.parent) for path in runs.glob("*/run.json"))
        begun = [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]
        return begun or [CompletionItem(incomplete, type="file")]


class Setting(StringParamType):
    """`section.key=value` of the sections that the metavar speaks of."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Keys that begin so; after the `=`, the values of settings that have a few."""
        section = (param.metavar or "").partition(".")[0]
        key, equals, value = incomplete.partition("=")
        known = {name: field for name, field in _settings() if section in ("SECTION", name.split(".")[0])}
        if not equals:
            return [
                CompletionItem(f"{name}=", help=_first_sentence(field.description or ""))
                for name, field in known.items()
                if name.startswith(key)
            ]
        values = _values(known[key].annotation) if key in known else ()
        return [CompletionItem(f"{key}={one}") for one in values if one.startswith(value)]


def _settings() -> Iterator[tuple[str, Any]]:
    from collectors.sources import table
    from universe_gan.shell.recipes.sections import SECTIONS

    for name, model in SECTIONS.items():
        yield from _fields(name, model)
    for name, source in table().items():
        yield from _fields(f"collect.{name}", source.settings)


def _fields(path: str, model: Any) -> Iterator[tuple[str, Any]]:
    for key, field in model.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            yield from _fields(f"{path}.{key}", field.annotation)
        else:
            yield f"{path}.{key}", field


def _values(kind: Any) -> tuple[str, ...]:
    if kind is bool:
        return ("true", "false")
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def _first_sentence(words: str) -> str:
    return " ".join(words.split()).partition(". ")[0].replace("`", "")


NAMED, SHIPPED, SETTING = Named(), Named(shipped=True), Setting()
