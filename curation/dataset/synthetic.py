"""Generated pictures that somebody accepted: `manifests/NAME.synthetic.jsonl`, one a line, and their rows.

They stand in a configuration of their own, `synthetic`, in the training split only: whoever loads the dataset
gets real pictures unless asking for these by name, and the rows of the real ones stay byte for byte what they
were. Each says which run, seed and checkpoint drew it, and what the generator had learned from.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from collectors.frozen import Frozen
from collectors.storage.files import canonical_json, write_whole
from collectors.storage.stores import Store
from curation.dataset.columns import Column
from curation.dataset.shards import PICTURES, Part, Shards

CONFIG = "synthetic"
"""Name of the configuration, and of its folder in the dataset."""


class SyntheticBroken(Exception):
    """A list of generated pictures that cannot be relied on, with every mistake in it."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        super().__init__(f"{path}: {'; '.join(problems)}")
        self.path, self.problems = path, tuple(problems)


class SyntheticMissing(Exception):
    """Accepted pictures whose files are not in the workspace: they have to be drawn again."""

    def __init__(self, missing: "Sequence[Synthetic]") -> None:
        super().__init__(f"{len(missing)} accepted generated pictures are not here")
        self.missing = tuple(missing)


class Synthetic(Frozen):
    """One accepted picture and its lineage."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the bytes in the dataset."""
    drawn_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the file as it was drawn: who draws it again can tell whether it is the same."""
    rank: int = Field(ge=1)
    """Its place in the ranking it was accepted from."""
    accepted: Literal["best", "by hand"]
    """By its rank, or by a person who looked at it."""
    quality: float
    novelty: float
    run: str
    model: str
    seed: int = Field(ge=0)
    truncation: float = 1.0
    checkpoint_sha256: str
    generation: int = Field(default=0, ge=0)
    """Of the generator: 0 where it had seen real pictures only."""
    dataset: str
    """What it had learned from, and at which revision; places on somebody's disk are not told."""
    dataset_revision: str | None = None
    dataset_fingerprint: str
    licences: Mapping[str, int] = {}
    """Pictures it had learned from, by licence."""
    steps: tuple[str, ...] = ()
    """What was done to it after it was drawn: `colour`, `upscale`."""

    @property
    def uid(self) -> str:
        return f"generated:{self.sha256}"


def path_beside(manifest: Path) -> Path:
    """`manifests/nebulae.jsonl` → `manifests/nebulae.synthetic.jsonl`."""
    return manifest.with_name(f"{manifest.stem}.synthetic.jsonl")


def read(path: Path) -> tuple[Synthetic, ...]:
    """The accepted pictures, by hash; none where there is no file. Raises `SyntheticBroken`."""
    if not path.is_file():
        return ()
    problems: list[str] = []
    found: dict[str, Synthetic] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            one = Synthetic.model_validate(json.loads(line))
        except ValidationError as error:
            problems += [f"line {number}: {_words(detail)}" for detail in error.errors()]
        except (ValueError, RecursionError) as error:
            problems.append(f"line {number}: not JSON: {error}")
        else:
            if one.sha256 in found:
                problems.append(f"line {number}: a second line on {one.sha256[:12]}…")
            found[one.sha256] = one
    if problems:
        raise SyntheticBroken(path, problems)
    return tuple(found[sha256] for sha256 in sorted(found))


def write(path: Path, accepted: Iterable[Synthetic]) -> None:
    """Write the list, sorted by hash, whole or not at all. Raises `DiskFull`."""
    ordered = sorted(accepted, key=lambda one: one.sha256)
    lines = (canonical_json(one.model_dump(mode="json")) + b"\n" for one in ordered)
    write_whole(path, b"".join(lines))


def demand(accepted: Iterable[Synthetic], store: Store) -> None:
    """Raise `SyntheticMissing` unless every picture is here and whole."""
    if missing := [one for one in accepted if not store.is_sound(one.sha256)]:
        raise SyntheticMissing(missing)


def write_rows(accepted: Sequence[Synthetic], store: Store, folder: Path) -> tuple[Part | None, list[bytes]]:
    """The configuration's shards in a dataset's folder, and each row's words for the dataset's hash."""
    if not accepted:
        return None, []
    shards = Shards(folder, CONFIG, CONFIG, "train", COLUMNS, PICTURES)
    words = []
    with shards:
        for one in accepted:
            values = {column.name: column.value(one) for column in COLUMNS}
            words.append(canonical_json(values) + b"\n")
            data = store.read(one.sha256)
            shards.add({**values, "image": {"bytes": data, "path": f"{one.sha256}.png"}}, len(data))
    return shards.part, words


def _licences(one: Synthetic) -> list[str]:
    return [f"{licence}: {count}" for licence, count in sorted(one.licences.items())]


COLUMNS: tuple[Column[Synthetic], ...] = (
    Column("image", "image", "the generated picture", lambda one: None),
    Column("uid", "string", "`generated:` and the SHA-256 of its bytes", lambda one: one.uid),
    Column("ai_generated", "bool", "always true here", lambda one: True),
    Column("generation", "int32", "0: its generator had seen real pictures only", lambda one: one.generation),
    Column("model", "string", "the kind of generator", lambda one: one.model),
    Column("run", "string", "name of the training run that drew it", lambda one: one.run),
    Column("seed", "int64", "what it was drawn from", lambda one: one.seed),
    Column("truncation", "float64", "how far from the average it was drawn", lambda one: one.truncation),
    Column("steps", "strings", "what was done to it afterwards", lambda one: list(one.steps)),
    Column("checkpoint_sha256", "string", "of the generator's file", lambda one: one.checkpoint_sha256),
    Column("dataset", "string", "what the generator had learned from", lambda one: one.dataset),
    Column("dataset_revision", "string", "of that dataset on the Hub", lambda one: one.dataset_revision),
    Column(
        "dataset_fingerprint",
        "string",
        "hash of the pictures it learned from",
        lambda one: one.dataset_fingerprint,
    ),
    Column("training_licences", "strings", "licences of those pictures, with their number", _licences),
    Column("rank", "int32", "its place in the ranking it was accepted from", lambda one: one.rank),
    Column("quality", "float64", "realism when it was ranked", lambda one: one.quality),
    Column(
        "novelty",
        "float64",
        "distance to the nearest training picture; 1: that of held-out real ones",
        lambda one: one.novelty,
    ),
    Column("accepted", "string", "as one of the `best`, or `by hand`", lambda one: one.accepted),
    Column("image_sha256", "string", "SHA-256 of the bytes in `image`", lambda one: one.sha256),
)


def stands_for(row: Mapping[str, Any], accepted: Mapping[str, Synthetic]) -> bool:
    """Whether a row says of a listed picture just what the list says."""
    one = accepted.get(str(row.get("image_sha256")))
    if one is None:
        return False
    return all(row.get(column.name) == column.value(one) for column in COLUMNS[1:])


def counts(accepted: Iterable[Synthetic]) -> Iterator[tuple[str, int]]:
    """Pictures by the generation of their generator, the first first."""
    generations = [one.generation for one in accepted]
    yield from ((str(one), generations.count(one)) for one in sorted(set(generations)))


def _words(detail: Any) -> str:
    field = ".".join(str(step) for step in detail["loc"])
    return f"{field + ': ' if field else ''}{detail['msg']}"
