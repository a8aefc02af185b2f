"""A mistake in a recipe, in words: what was written there, and what may stand there."""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails


def in_words(detail: ErrorDetails, model: type[BaseModel], path: tuple[str, ...], also: Sequence[str]) -> str:
    """One mistake in a section, as one line; `also` are further names that may stand there."""
    inner, model = _innermost(model, [str(step) for step in detail["loc"]])
    path, key = (*path, *inner[:-1]), inner[-1] if inner else ""
    where = place((*path, key)) if key else f"[{'.'.join(path)}]"
    given, ctx = detail.get("input"), detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return f"{where} is not a setting{did_you_mean(key, [*model.model_fields, *also])}"
        case "nothing_asked":
            return f"[{'.'.join(path)}] {detail['msg']}"
        case "missing":
            return f"{where} is missing"
        case "greater_than_equal":
            return f"{where} = {given!r} is too small: {ctx['ge']:g} at least"
        case "greater_than":
            return f"{where} = {given!r} is too small: more than {ctx['gt']:g}"
        case "less_than_equal":
            return f"{where} = {given!r} is too large: {ctx['le']:g} at most"
        case "less_than":
            return f"{where} = {given!r} is too large: less than {ctx['lt']:g}"
        case "finite_number":
            return f"{where} = {given!r} is not a finite number"
        case "string_too_short" | "too_short":
            return f"{where} is empty"
        case "string_pattern_mismatch":
            return f"{where} = {given!r} is not of the form user/name"
        case "dict_type":
            return f"{where} = {given!r} is not a table: {{ name = … }}"
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return f"{where} = {given!r} is not a whole number"
        case "float_parsing" | "float_type":
            return f"{where} = {given!r} is not a number"
        case "bool_parsing" | "bool_type":
            return f"{where} = {given!r} is not true or false"
        case "string_type":
            return f"{where} = {given!r} is not text in quotes"
        case "tuple_type" | "list_type":
            return f'{where} = {given!r} is not a list: ["…"]'
        case "literal_error":
            words = re.findall(r"'([^']+)'", str(ctx.get("expected", "")))
            return f"{where} = {given!r} is none of {', '.join(words)}{did_you_mean(str(given), words)}"
        case _:
            shown = given if isinstance(given, date) else repr(given)
            return f"{where} = {shown}: {detail['msg'].removeprefix('Value error, ')}"


def _innermost(model: type[BaseModel], steps: list[str]) -> tuple[list[str], type[BaseModel]]:
    """The sections walked through to a mistake with its key, and the model of the last section."""
    for depth, step in enumerate(steps):
        field = model.model_fields.get(step)
        below = field.annotation if field else None
        if not (isinstance(below, type) and issubclass(below, BaseModel)):
            return steps[: depth + 1], model
        model = below
    return steps, model


def place(path: tuple[str, ...]) -> str:
    """`("collect", "commons", "depth")` → `[collect.commons] depth`."""
    return f"[{'.'.join(path[:-1])}] {path[-1]}" if len(path) > 1 else path[0]


def did_you_mean(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """` (did you mean …?)`, where something known is near."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""
