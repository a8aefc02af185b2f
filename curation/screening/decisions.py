"""What a person decided in the review: `manifests/NAME.review.jsonl`, one file a line, obeyed by `curate`."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from collectors.frozen import Frozen
from collectors.storage.files import canonical_json, write_whole

FORMAT = "universe-gan review 1"
"""First member of the file that the page saves."""


class ReviewBroken(Exception):
    """A file of decisions that cannot be relied on, with every mistake in it."""

    def __init__(self, path: Path, problems: Collection[str]) -> None:
        super().__init__(f"{path}: {'; '.join(problems)}")
        self.path, self.problems = path, tuple(problems)


class Decision(Frozen):
    """One file that a person kept or dropped."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the original: the decision holds for these bytes, wherever they are found."""
    decision: Literal["keep", "drop"]
    reason: str = Field(default="", max_length=300)
    """In the person's own words."""
    uid: str = Field(default="", max_length=200)
    """For people who read the file; nothing depends on it."""
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")


Decisions = Mapping[str, Decision]
"""By SHA-256 of the original."""


def path_beside(manifest: Path) -> Path:
    """`manifests/nebulae.jsonl` → `manifests/nebulae.review.jsonl`."""
    return manifest.with_name(f"{manifest.stem}.review.jsonl")


def read(path: Path) -> dict[str, Decision]:
    """Decisions by SHA-256; none where there is no file. Raises `ReviewBroken`."""
    if not path.is_file():
        return {}
    problems: list[str] = []
    found: list[tuple[str, Decision]] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip() and (value := _json(line, f"line {number}", problems)) is not None:
            found += _checked(value, f"line {number}", problems)
    return _by_sha256(path, found, problems)


def taken(path: Path, known: Mapping[str, str]) -> dict[str, Decision]:
    """The decisions of a file that the page saved, checked; `known` are uids by SHA-256 of the manifest.

    The file looks like this:

        {"format": "universe-gan review 1", "decisions": [{"sha256": "…", "decision": "drop", "date": "…"}]}

    Raises:
        FileNotFoundError: there is no such file.
        ReviewBroken: with every mistake; a file of another collection is one.
    """
    problems: list[str] = []
    found: list[tuple[str, Decision]] = []
    value = _json(path.read_bytes(), "the file", problems)
    if isinstance(value, Mapping) and value.get("format") == FORMAT:
        listed = value.get("decisions")
        if not isinstance(listed, list):
            problems.append("decisions is not a list")
        for number, one in enumerate(listed if isinstance(listed, list) else (), start=1):
            found += _checked(one, f"decision {number}", problems)
    elif not problems:
        problems.append(f'it does not say "format": "{FORMAT}": the review page did not save it')
    strangers = [where for where, one in found if one.sha256 not in known]
    problems += [f"{where}: the manifest holds no file with this sha256" for where in strangers]
    decisions = _by_sha256(path, found, problems)
    return {sha: one.model_copy(update={"uid": known[sha]}) for sha, one in decisions.items()}


def merge(path: Path, new: Decisions) -> tuple[int, int]:
    """Write old and new decisions, sorted by SHA-256; of two on one file the new one counts.

    Returns how many were added and how many changed. Raises `ReviewBroken` (the old file), `DiskFull`.
    """
    old = read(path)
    added = [sha for sha in new if sha not in old]
    changed = [sha for sha in new if sha in old and old[sha].decision != new[sha].decision]
    together: dict[str, Decision] = {**old, **new}
    lines = (canonical_json(together[sha].model_dump(mode="json")) + b"\n" for sha in sorted(together))
    write_whole(path, b"".join(lines))
    return len(added), len(changed)


def _json(data: bytes, where: str, problems: list[str]) -> Any:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        problems.append(f"{where}: not JSON: {error}")
        return None
    if not isinstance(value, Mapping):
        problems.append(f"{where}: not an object in braces")
        return None
    return value


def _checked(value: Any, where: str, problems: list[str]) -> Iterator[tuple[str, Decision]]:
    """The decision with its place in the file, or nothing and a line for each mistake."""
    try:
        yield where, Decision.model_validate(value)
    except ValidationError as error:
        for detail in error.errors():
            field = ".".join(str(step) for step in detail["loc"])
            problems.append(f"{where}: {field + ': ' if field else ''}{detail['msg']}")


def _by_sha256(path: Path, found: Iterable[tuple[str, Decision]], problems: list[str]) -> dict[str, Decision]:
    decisions: dict[str, Decision] = {}
    for where, one in found:
        if one.sha256 in decisions:
            problems.append(f"{where}: a second decision on {one.sha256[:12]}…")
        decisions[one.sha256] = one
    if problems:
        raise ReviewBroken(path, problems)
    return decisions
