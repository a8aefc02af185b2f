"""One thing that was looked at on this machine."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from collectors.frozen import Frozen

Fact = str | int | float | bool | None
Level = Literal["ok", "note", "bad"]


class Finding(Frozen):
    """What was found, in words for people and in facts for programs."""

    name: str
    """What was looked at: a word that does not change from version to version."""
    level: Level
    """`note`: something does not work without it. `bad`: nothing does, or not what the recipe asks for."""
    what: str
    cure: str = ""
    """What to do about it; empty: nothing."""
    facts: Mapping[str, Fact] = Field(default_factory=dict)
    """Names and figures; `None`: not here, or not known. No secret, no address, no path of this machine."""
