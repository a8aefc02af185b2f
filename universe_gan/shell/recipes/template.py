"""Recipes written for the user: every setting explained, or a start for a new one."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from collectors.sources import table
from universe_gan.shell.recipes.sections import SECTIONS


def every_setting() -> str:
    """Every setting of a recipe as commented TOML, made from the models that check it."""
    return "\n".join(_all_sections())


def starter(name: str) -> str:
    """A recipe to edit: the settings everybody changes, and all others as comments."""
    head = textwrap.dedent(f"""\
        # Recipe {name}: what to collect, what is allowed, what the images are like.
        # Lines that begin with '#' show a setting and its default.
        # Try it without downloading anything: universe-gan collect manifests/{name}.toml --dry-run
        """)
    values = {
        ("collect", "subject"): '"nebula"',
        ("collect", "limit"): "100",
        ("collect.commons", "categories"): '["Planetary nebulae"]',
    }
    return head + "\n" + "\n".join(_all_sections(values, only={"commons"})) + "\n"


def _all_sections(
    values: dict[tuple[str, str], str] | None = None, only: set[str] | None = None
) -> Iterator[str]:
    for name, model in SECTIONS.items():
        yield from _section(name, model, values or {})
        if name == "collect":
            for source in table().values():
                if only is None or source.name in only:
                    yield f"# {source.title}; terms: {source.terms}"
                    yield from _section(f"collect.{source.name}", source.settings, values or {})


def _section(name: str, model: type[BaseModel], values: dict[tuple[str, str], str]) -> Iterator[str]:
    yield f"[{name}]"
    inner = _inner_sections(model)
    for key, field in model.model_fields.items():
        if key in inner:
            continue
        words = " ".join((field.description or "").replace("`", "").split())
        yield from (f"# {line}" for line in textwrap.wrap(words, 100))
        if (name, key) in values:
            yield f"{key} = {values[name, key]}"
        elif field.default is PydanticUndefined:
            yield f"{key} = …" if not values else f"# {key} = …"
        else:
            yield f"# {key} = {in_toml(field.default)}"
    yield ""
    for key, below in inner.items():
        yield from _section(f"{name}.{key}", below, values)


def _inner_sections(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    kinds = {key: field.annotation for key, field in model.model_fields.items()}
    return {
        key: kind for key, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, BaseModel)
    }


def in_toml(value: Any) -> str:
    """A value as a recipe spells it; `None` in words."""
    if value is None:
        return "…   (not set)"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(in_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
