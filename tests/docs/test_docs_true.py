"""What pages say exists: commands, options, settings, extras, functions, environment variables, files."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from documented import LANGUAGES, NEEDS, ROOT, SHELLS, blocks, commands, pages
from pydantic import BaseModel

from collectors.sources import table
from universe_gan.shell.cli import cli
from universe_gan.shell.recipes.sections import SECTIONS

PAGES = pages()
OTHERS = frozenset(
    {
        "--standalone",
        "--nproc-per-node",
        "--nnodes",
        "--rdzv-backend",
        "--rdzv-endpoint",
        "--logdir",
        "--quick",
        "--compile",
        "--head",
        "--port",
        "--check",
    }
)
"""Options of other programs that pages name: torchrun, tensorboard, benchmarks, pip, ray."""


def known_options() -> set[str]:
    return {option for command in cli.commands.values() for option in options_of(command)}


def options_of(command: click.Command) -> set[str]:
    own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return own | {"--help", "-h", "--version"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language in ("setup", "serve"):
            continue
        assert block.language in LANGUAGES, (
            f"{block.place}: {block.language!r} is none of {sorted(LANGUAGES)}"
        )
        assert block.needs <= NEEDS, f"{block.place}: {set(block.needs)}"
        if block.language == "python":
            ast.parse(block.text)
        elif block.language == "json":
            assert [json.loads(value) for value in _values(block.text)]
        elif block.language == "toml":
            assert list(_unknown(tomllib.loads(block.text))) == [], block.place


def _values(text: str) -> list[str]:
    """One value, or one a line."""
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return text.splitlines()
    return [text]


def _unknown(recipe: dict[str, object]) -> Iterator[str]:
    """Sections and settings of a piece of a recipe that do not exist; `[[permission]]` has its own file."""
    added = {"collect.observatory"}  # the source that docs/extend/source.md adds
    for name, section in recipe.items():
        if name == "permission":
            continue
        if name not in SECTIONS:
            yield f"[{name}]"
        elif isinstance(section, dict):
            for key, value in section.items():
                source = table().get(key) if name == "collect" else None
                if source and isinstance(value, dict):
                    yield from (f"[{name}.{key}] {one}" for one in value if not _has(source.settings, one))
                elif not _has(SECTIONS[name], key) and f"{name}.{key}" not in added:
                    yield f"[{name}] {key}"


def _has(model: type[BaseModel], key: str) -> bool:
    return key in model.model_fields


def written_commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Every call of this tool that a page shows, run or not, with its place."""
    for block in blocks(page):
        if block.language in SHELLS:
            for command in commands(block):
                words = shlex.split(command.line, comments=True)
                for name in ("universe-gan", "universe_gan"):
                    if name in words:
                        yield block.place, words[words.index(name) + 1 :]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    for place, words in written_commands(page):
        assert words[0] in {*cli.commands, "--help", "--version"}, f"{place}: no command {words[0]}"
        if words[0] not in cli.commands:
            continue
        options = options_of(cli.commands[words[0]])
        used = {word.split("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
        assert used <= options, f"{place}: {words[0]} has no {used - options}"
        for at, word in enumerate(words):
            if word == "--set" and page.name not in ("model.md", "filter.md", "recipes.md"):
                assert is_setting(words[at + 1].split("=")[0]), f"{place}: no setting {words[at + 1]}"


def is_setting(path: str) -> bool:
    """Is `section.key`, or `section.inner.key`, one of a recipe?"""
    first, *rest = path.split(".")
    model: object = SECTIONS.get(first)
    if first == "collect" and rest and rest[0] in table():
        model, rest = table()[rest[0]].settings, rest[1:]
    for key in rest:
        if not (isinstance(model, type) and issubclass(model, BaseModel) and _has(model, key)):
            return False
        model = model.model_fields[key].annotation
    return bool(rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_option_named_in_a_sentence_exists(page: Path) -> None:
    prose = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    code = " ".join(re.findall(r"`([^`\n]+)`", prose))
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", code))
    benchmarks = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    of_benchmarks = set(re.findall(r'"(--[a-z][\w-]*)"', benchmarks))
    assert named <= known_options() | OTHERS | of_benchmarks


def test_every_extra_and_target_named_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for extras in re.findall(r"universe-gan\[([\w,]+)\]", text):
            assert set(extras.split(",")) <= project["optional-dependencies"].keys(), page
        shown = [
            command.line for block in blocks(page) if block.language in SHELLS for command in commands(block)
        ]
        for line in [*shown, *re.findall(r"`(make \w+)`", text)]:
            if target := re.match(r"make (\w+)", line):
                assert f"\n{target[1]}: " in makefile, f"{page}: {target[0]}"


@pytest.mark.parametrize("name", ["architecture.md", "reference/python.md"])
def test_every_function_that_is_named_is_there(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:collectors|curation|universe_gan)(?:\.\w+)+", text))
    assert len(named) > 20
    assert [one for one in sorted(named) if not _resolves(one)] == []


@pytest.mark.parametrize("floor", ["collectors", "curation", "universe_gan"])
def test_the_architecture_names_every_room_and_no_file_that_is_gone(floor: str) -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    part = text.partition(f"**`{floor}/`**")[2].partition("\n**")[0]
    named = {name for quoted in re.findall(r"`([^`]+)`", part) for name in quoted.split()}
    inside = ROOT / floor
    there = {path.relative_to(inside).as_posix() for path in inside.rglob("*")}
    there |= {path.name for path in (inside / "shell").glob("*")}
    assert named
    assert {name for name in named if name.rstrip("/") not in there} == set()
    rooms = {path.parent.name for path in inside.glob("*/*.py")}
    assert {f"{room}/" for room in rooms} <= named


def _resolves(dotted: str) -> bool:
    """Does a module, or something in one, have this name? Packages that are not installed are not asked."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if error.name and error.name.split(".")[0] != parts[0]:
                pytest.skip(f"{error.name} is not installed")
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_every_environment_variable_that_is_read_is_explained() -> None:
    explained = (ROOT / "docs/reference/environment.md").read_text(encoding="utf-8")
    read = {key for source in table().values() for key in source.keys}
    for floor in ("collectors", "curation", "universe_gan"):
        for path in (ROOT / floor).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            read |= set(re.findall(r"os\.environ(?:\.get\(|\.pop\(|\[)\s*\"([A-Z_]+)\"", text))
    assert {"FLICKR_API_KEY", "SOURCE_DATE_EPOCH", "RAY_ADDRESS"} <= read
    missing = [name for name in sorted(read) if f"`{name}`" not in explained]
    assert missing == [], "docs/reference/environment.md does not explain it"


def test_the_reference_says_what_help_says() -> None:
    import sys

    sys.path.insert(0, str(ROOT / "docs"))
    try:
        written = import_module("written")
    finally:
        sys.path.remove(str(ROOT / "docs"))
    page = written.commands()
    for name, command in cli.commands.items():
        _, _, rest = page.partition(f"## {name}\n")
        section = rest.partition("\n## ")[0]
        context = click.Context(command, info_name=name, max_content_width=100_000, terminal_width=100_000)
        told = command.get_help(context).partition("\nOptions:\n")[2]
        for line in filter(str.strip, told.splitlines()):
            option, _, words = line.strip().partition("  ")
            if line.startswith(" " * 10):  # words of an option too long to stand beside it
                option, words = "", option
            assert not option or f"`{option}`" in section, f"{name}: {line}"
            assert written.escaped(words.strip()) in section, f"{name}: {line}"


def test_the_settings_page_holds_every_setting() -> None:
    page = (import_module("written")).settings()
    for name, model in SECTIONS.items():
        for key, found in model.model_fields.items():
            inner = found.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                assert f"## [{name}.{key}]" in page
            else:
                assert f"\n`{key}`\n" in page
    assert page.count("\n## [") >= len(SECTIONS) + len(table())


def test_the_citation_names_this_version() -> None:
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == import_module("universe_gan").__version__
    assert cited["license"] == "MIT"
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()


def test_the_pictures_are_small_and_credited() -> None:
    pictures = sorted((ROOT / "docs/images").glob("*.webp"))
    credits = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    assert sum(picture.stat().st_size for picture in pictures) < 200_000
    assert [picture.name for picture in pictures if f"`{picture.name}`" not in credits] == []
