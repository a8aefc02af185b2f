"""Globs over names, as recipes write them: whatever the case, `_` counts as a space."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from functools import lru_cache


def matching(globs: Sequence[str], names: Iterable[str]) -> str | None:
    """The first glob that fits a name, whatever the case (`_` counts as a space), or `None`."""
    any_of, each = _compiled(tuple(globs))
    hit = [name for name in map(_folded, names) if any_of.match(name)]
    if not hit:
        return None
    return next(glob for glob, pattern in each.items() if any(map(pattern.match, hit)))


@lru_cache(maxsize=16)
def _compiled(globs: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, re.Pattern[str]]]:
    """One pattern for all globs, because most names fit none, and one for each."""
    each = {glob: re.compile(translate(_folded(glob))) for glob in globs}
    return re.compile("|".join(one.pattern for one in each.values()) or r"(?!)"), each


def _folded(name: str) -> str:
    return name.replace("_", " ").casefold()
