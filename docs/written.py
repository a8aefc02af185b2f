"""Pages that are made from the code: every command, every setting, the exit codes, and files of the root.

They are written before each build and not committed, so that they cannot say anything else than the code.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from collectors.sources import table
from collectors.web.pace import PACES
from universe_gan.shell.cli import cli
from universe_gan.shell.exits import WORDS
from universe_gan.shell.recipes.sections import SECTIONS
from universe_gan.shell.recipes.template import in_toml

ROOT_PAGES = {
    "CHANGELOG": "changelog",
    "CONTRIBUTING": "contributing",
    "SECURITY": "security",
    "LICENSES": "licences",
}
"""Files of the repository's root, and what they are called as pages below `project/`."""


def write_all(docs: Path) -> None:
    """Write every such page into the folder of the documentation, where it changed."""
    made = {
        "reference/commands.md": commands(),
        "reference/settings.md": settings(),
        "reference/exits.md": exits(),
        "reference/paces.md": paces(),
    }
    for name, page in ROOT_PAGES.items():
        source = docs.parent / f"{name}.md"
        if source.is_file():
            made[f"project/{page}.md"] = _of_the_root(source.read_text(encoding="utf-8"))
    for name, text in made.items():
        path = docs / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def commands() -> str:
    """The page of all commands, from click's own records: what `--help` says."""
    lines = [
        "# Commands",
        "",
        "Made from the same records as `universe-gan COMMAND --help`. [Exit codes](exits.md) hold for all.",
        "",
    ]
    for name, command in cli.commands.items():
        lines += _command(name, command)
    return "\n".join(lines)


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=click.Context(cli, info_name="universe-gan"))
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## {name}\n\n```text\nuniverse-gan {name} {usage}\n```\n"
    for paragraph in (command.help or "").replace("\b", "").split("\n\n"):
        yield f"{escaped(' '.join(paragraph.split()))}\n"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record:
            yield f"`{record[0]}`\n: {escaped(record[1]) or 'No more is said of it.'}\n"


def settings() -> str:
    """The page of all settings of a recipe, from the models that check it."""
    lines = [
        "# Settings",
        "",
        "Every section and setting of a recipe, from the models that check it. `universe-gan init --show`",
        "prints the same as a commented recipe. On the command line: `--set section.key=value`.",
        "",
    ]
    for name, model in SECTIONS.items():
        lines += _section(name, model)
        if name == "collect":
            for source in table().values():
                lines += _section(f"collect.{source.name}", source.settings, source.title)
    return "\n".join(lines)


def _section(name: str, model: type[BaseModel], title: str | None = None) -> Iterator[str]:
    yield f"## [{name}]\n"
    if title:
        yield f"{title}.\n"
    below = {}
    for key, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            below[key] = kind
            continue
        required = field.default is PydanticUndefined
        value = "must be set" if required else f"default `{in_toml(field.default)}`"
        if not required and field.default is None:
            value = "not set by default"
        words = escaped(" ".join((field.description or "").split()))
        choices = ", ".join(f"`{in_toml(one)}`" for one in _choices(kind))
        yield f"`{key}`\n: {value}{f'; one of {choices}' if choices else ''}\n\n  {words}\n"
    for key, inner in below.items():
        yield from _section(f"{name}.{key}", inner)


def _choices(kind: Any) -> tuple[Any, ...]:
    """The values of a `Literal`, alone or beside `None`."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return tuple(one for part in get_args(kind) for one in _choices(part))
    return ()


def exits() -> str:
    """The page of exit codes."""
    rows = "\n".join(f"`{int(code)}`\n: {words[0].upper()}{words[1:]}.\n" for code, words in WORDS.items())
    head = "Every command ends with one of these, so that a script or CI can decide what to do."
    return f"# Exit codes\n\n{head}\n\n{rows}"


def escaped(text: str) -> str:
    """Help texts as Markdown: what looks like HTML or emphasis is meant as it stands; `code` stays code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if part[:1] == "`" else re.sub(r"([<>*_\[\]|\\])", r"\\\1", part) for part in parts)


def _of_the_root(text: str) -> str:
    """A file of the repository's root as a page one folder down; files that are no pages are only named."""
    pages = {f"{name}.md": f"{page}.md" for name, page in ROOT_PAGES.items()}

    def moved(match: re.Match[str]) -> str:
        words, target = match[1], match[2]
        path, hash_, anchor = target.partition("#")
        if "://" in target or not path:
            return match[0]
        if path in pages:
            return f"[{words}]({pages[path]}{hash_}{anchor})"
        if path.startswith("docs/"):
            return f"[{words}](../{path.removeprefix('docs/')}{hash_}{anchor})"
        return f"`{path}`" if words.strip("`") == path else f"{words} (`{path}`)"

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", moved, text)


def paces() -> str:
    """The page of what each public host bears."""
    lines = [
        "# Paces",
        "",
        "One pace per host holds for the whole process, whatever asks. A recipe cannot change these.",
        "",
    ]
    for host, pace in PACES.items():
        limits = [f"{pace.in_flight} at a time"]
        if pace.per_second:
            limits.append(f"{pace.per_second:.2g} requests a second")
        if pace.bits_per_second:
            limits.append(f"{pace.bits_per_second / 1e6:g} Mbit/s of files")
        if pace.adaptive:
            limits.append("half of it after each “too many requests”, won back slowly")
        lines.append(f"`{host}`\n: {', '.join(limits)}.\n")
    return "\n".join(lines)
