"""The sections of a recipe: which there are, and every mistake in them."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from collectors import shares
from collectors.frozen import Frozen
from collectors.plan import CollectSettings
from collectors.sources import table
from curation.policy import check_settings
from curation.settings import CurateSettings, PolicySettings, PublishSettings
from universe_gan.shell.recipes.mistakes import did_you_mean, in_words, place
from universe_gan.study_settings import ColourSettings, GenerateSettings, StudySettings
from universe_gan.training.settings import TrainSettings
from universe_gan.upscaling.settings import UpscaleSettings

SECTIONS: dict[str, type[Frozen]] = {
    "collect": CollectSettings,
    "policy": PolicySettings,
    "curate": CurateSettings,
    "publish": PublishSettings,
    "train": TrainSettings,
    "upscale": UpscaleSettings,
    "generate": GenerateSettings,
    "colour": ColourSettings,
    "study": StudySettings,
}

_SECRET = re.compile(r"(^|_)(api_?key|secret|token|password|passwd|credential|key)s?($|_)", re.IGNORECASE)


def check_sections(
    raw: Mapping[str, Any], problems: list[str]
) -> tuple[dict[str, Frozen | None], list[tuple[str, Frozen]]]:
    """The settings of each section (`None`: wrong) and of each source; adds every mistake to `problems`."""
    sources = table()
    settings: dict[str, Frozen | None] = {}
    chosen: list[tuple[str, Frozen]] = []
    for name in raw:
        if name not in SECTIONS:
            problems.append(f"[{name}] is not a section{did_you_mean(name, SECTIONS)}")
    for name, model in SECTIONS.items():
        section = raw.get(name, {})
        if not isinstance(section, Mapping):
            problems.append(f"{name} must be a section: [{name}]")
            continue
        own = dict(section)
        if name == "collect":
            for source in [key for key in own if key in sources]:
                checked = check_section(
                    sources[source].settings, own.pop(source), ("collect", source), problems
                )
                if checked is not None:
                    chosen.append((source, checked))
            if name in raw and not any(key in sources for key in section):
                problems.append(f"[collect] names no source: add [collect.{'], [collect.'.join(sources)}]")
        if name == "collect" and name not in raw:
            problems.append("[collect] is missing: it says what to collect and from where")
            continue
        also = tuple(sources) if name == "collect" else ()
        settings[name] = check_section(model, own, (name,), problems, also)
    problems += _shares_and_kinds(raw.get("collect"), sources)
    problems += [f"[policy] {problem}" for problem in check_settings(_names_alone(raw.get("policy")))]
    return settings, chosen


def _shares_and_kinds(collect: Any, sources: Collection[str]) -> list[str]:
    """What does not go together in `[collect]`, whatever else is wrong there."""
    if not isinstance(collect, Mapping):
        return []
    tables = {name: table for name, table in collect.items() if name in sources}
    if not all(isinstance(one, Mapping) for one in tables.values()):
        return []
    kinds = {name: table.get("kind") for name, table in tables.items()}
    return shares.mistakes(collect.get("shares"), kinds)


def _names_alone(policy: Any) -> PolicySettings:
    """The lists of names in `[policy]`, whatever else is wrong there."""
    given = policy if isinstance(policy, Mapping) else {}
    lists: dict[str, Any] = {
        key: tuple(name for name in given[key] if isinstance(name, str))
        for key in ("allow", "refuse", "reference")
        if isinstance(given.get(key), list)
    }
    return PolicySettings.model_construct(**lists)


def check_section(
    model: type[Frozen], values: Any, path: tuple[str, ...], problems: list[str], also: Sequence[str] = ()
) -> Frozen | None:
    """One section against its model; `also` are names that may stand there besides. `None`: it is wrong."""
    if not isinstance(values, Mapping):
        problems.append(f"{'.'.join(path)} must be a section: [{'.'.join(path)}]")
        return None
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems += [in_words(detail, model, path, also) for detail in error.errors()]
        return None


def apply(raw: dict[str, Any], overrides: Sequence[str]) -> Iterator[str]:
    """Put `section.key=value` into a recipe; yields the mistakes."""
    for override in overrides:
        key, equals, text = override.partition("=")
        parts = key.strip().split(".")
        if not equals or len(parts) < 2 or not all(parts):
            yield f"--set {override}: write section.key=value"
            continue
        table = raw
        for part in parts[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                yield f"--set {override}: {part} is not a section"
                break
            table = inner
        else:
            table[parts[-1]] = _value(text.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def too_deep(raw: Mapping[str, Any], most: int = 8) -> bool:
    """Whether tables and lists lie in each other deeper than in any recipe."""
    level: list[Any] = [raw]
    for _ in range(most):
        level = [
            inner
            for one in level
            if isinstance(one, Mapping | list)
            for inner in (one.values() if isinstance(one, Mapping) else one)
        ]
    return any(isinstance(one, Mapping | list) for one in level)


def secrets(raw: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys and addresses that give something away which a published recipe must not."""
    for key, value in raw.items():
        if isinstance(value, Mapping):
            yield from secrets(value, (*path, key))
        elif _SECRET.search(key):
            yield f"{place((*path, key))} looks like a secret; secrets belong in the environment"
        elif isinstance(value, str) and _holds_password(value):
            yield f"{place((*path, key))} holds a password; recipes are published with the dataset"


def _holds_password(text: str) -> bool:
    """Is it an address with `user:password@`?"""
    try:
        return urlsplit(text).password is not None
    except ValueError:
        return False


def leading_out(raw: Mapping[str, Any]) -> Iterator[str]:
    """Settings of the sources that read files from elsewhere than the recipe's own folder."""
    for source, settings in raw.get("collect", {}).items():
        if not isinstance(settings, Mapping):
            continue
        for key, value in settings.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and _leaves(one):
                    yield f"[collect.{source}] {key} = {one!r} leads out of the recipe's own folder"


def files_named(raw: Mapping[str, Any]) -> Iterator[str]:
    """Settings of the networks that name files: no dataset carries those, and some of them can run."""
    for section, key, known in (
        ("train", "extractor", ("auto", "lite0", "plain")),
        ("study", "extractor", ("auto", "lite0", "plain")),
        ("upscale", "weights", ("packaged", "official")),
    ):
        table = raw.get(section)
        value = table.get(key) if isinstance(table, Mapping) else None
        if value is not None and value not in known:
            yield f"[{section}] {key} = {value!r} is a file, and no dataset carries it"


def _leaves(value: str) -> bool:
    path = Path(value)
    return "://" not in value and (path.is_absolute() or ".." in path.parts or value.startswith("~"))
