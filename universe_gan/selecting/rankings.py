"""Two files beside generated pictures: what the machine thinks of them, and what a person said of each.

    ranking.jsonl    {file, rank, quality, novelty, diversity, nearest, plausible}, and {…, refused, why}
    decisions.jsonl  {file, decision: accept | reject | undecided, at}, a line a click

A ranking is written whole. Decisions are only ever added, as they come; the last one of a picture counts.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, ValidationError

from collectors.frozen import Frozen
from collectors.storage.files import Journal, canonical_json, write_whole

RANKING = "ranking.jsonl"
DECISIONS = "decisions.jsonl"
Decision = Literal["accept", "reject", "undecided"]


class RankingUnfit(Exception):
    """A ranking, or the decisions about it, that cannot be read, or a folder that has none."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class Candidate(Frozen):
    """A line of the ranking; what else it says is left alone."""

    model_config = ConfigDict(extra="ignore")

    file: str
    rank: int
    quality: float | None = None
    novelty: float | None = None
    diversity: float | None = None
    nearest: Any = None
    """What names the nearest training picture; `None`: not known."""
    refused: str | None = None
    """Why it is not for choosing: `copy`, `duplicate`."""


def write(folder: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the ranking whole, in this order. Raises `DiskFull`."""
    write_whole(folder / RANKING, b"".join(canonical_json(line) + b"\n" for line in lines))


def candidates(folder: Path) -> list[Candidate]:
    """Those to choose from whose picture is there, the best first. Raises `RankingUnfit`."""
    path = folder / RANKING
    if not path.is_file():
        raise RankingUnfit(path, "there is no such file")
    try:
        found = [Candidate.model_validate(line) for line in Journal(path).read()]
    except (ValidationError, ValueError) as error:
        raise RankingUnfit(path, "a line of it is no ranked picture") from error
    last = {one.file: one for one in found if Path(one.file).name == one.file}
    free = [one for one in last.values() if one.refused is None]
    there = [one for one in free if (folder / one.file).is_file()]
    if not there:
        raise RankingUnfit(path, "none of its pictures is there")
    return sorted(there, key=lambda one: (one.rank, one.file))


def decisions(folder: Path) -> dict[str, Decision]:
    """The last word on each picture, by file; what is undecided is left out. Raises `RankingUnfit`."""
    path = folder / DECISIONS
    try:
        last: dict[str, Decision] = {line["file"]: line["decision"] for line in Journal(path).read()}
    except (ValueError, KeyError, TypeError) as error:
        raise RankingUnfit(path, "a line of it is no decision") from error
    return {file: decision for file, decision in last.items() if decision != "undecided"}
