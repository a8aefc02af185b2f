"""What is to be made larger: files, folders of them, folders that this tool wrote, and built datasets.

Nothing is decoded here; of a dataset only the small columns are read, and a picture's bytes when its turn
comes.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from collectors.storage.files import sha256_of
from universe_gan import pictures
from universe_gan.pictures import NotOurs
from universe_gan.upscaling.images import SUFFIXES

CARRIED = (
    "title",
    "page",
    "creator",
    "credit_line",
    "license",
    "license_class",
    "license_url",
    "share_alike",
    "derivatives",
    "ai_generated",
)
"""Columns of a dataset that go with a picture where they are there: credit travels."""


class NothingToUpscale(Exception):
    """A place that holds no picture, or no place at all."""

    def __init__(self, asked: str, problem: str = "holds no picture") -> None:
        super().__init__(f"{asked} {problem}")
        self.asked, self.problem = asked, problem


@dataclass(frozen=True)
class Job:
    """One picture."""

    label: str
    """As the user knows it."""
    name: str
    """Of the result, below the target folder, without suffix."""
    source: Path | Callable[[], bytes]
    """The file, or what gives its bytes."""
    about: Mapping[str, Any]
    """What is known of where it comes from."""

    def open(self) -> tuple[Path | bytes, str]:
        """The file or its bytes, and their SHA-256. Raises `OSError`."""
        if isinstance(self.source, Path):
            return self.source, sha256_of(self.source)
        data = self.source()
        return data, hashlib.sha256(data).hexdigest()


def of_paths(paths: Sequence[Path]) -> list[Job]:
    """Files, and all pictures in folders.

    Of a folder with a `pictures.jsonl` those that it names, with what it says of them.

    Raises:
        NothingToUpscale: a folder without a picture, or nothing of that name.
    """
    known = {folder: _said(folder) for folder in {path.parent for path in paths}}
    found: list[Job] = []
    for path in paths:
        if path.is_dir():
            found += _of_folder(path)
        elif path.is_file():
            about = known[path.parent].get(path.name, {"file": path.name})
            found.append(Job(str(path), path.stem, path, about))
        else:
            raise NothingToUpscale(str(path), "does not exist")
    return _each_once(found)


def _said(folder: Path) -> dict[str, dict[str, Any]]:
    """What a `pictures.jsonl` of ours says of the pictures beside it, by name."""
    try:
        return {str(line["file"]): line for line in pictures.lines(folder)}
    except NotOurs:
        return {}


def _of_folder(folder: Path) -> list[Job]:
    known = _said(folder)
    if not known:
        files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        names = (path.relative_to(folder) for path in sorted(files))
        shown = (name for name in names if not any(part.startswith(".") for part in name.parts))
        known = {name.as_posix(): {"file": name.as_posix()} for name in shown}
    if not known:
        raise NothingToUpscale(str(folder))
    return [
        Job(str(folder / name), str(Path(name).with_suffix("")), folder / name, line)
        for name, line in known.items()
    ]


def of_dataset(folder: Path) -> list[Job]:
    """The squares of a built dataset. Raises `NothingToUpscale`."""
    tables = sorted((folder / "data").glob("*.parquet")) or sorted(folder.glob("*.parquet"))
    found = [job for path in tables for job in _of_table(path, folder)]
    if not found:
        raise NothingToUpscale(str(folder))
    return _each_once(found)


def _of_table(path: Path, folder: Path) -> Iterator[Job]:
    table = pq.ParquetFile(path)
    names = table.schema_arrow.names
    wanted = [name for name in ("uid", *CARRIED) if name in names]
    if "image" not in names:
        return
    for group in range(table.num_row_groups):
        rows = table.read_row_group(group, columns=wanted).to_pylist() if wanted else []
        rows = rows or [{}] * table.metadata.row_group(group).num_rows
        for number, row in enumerate(rows):
            uid = str(row.get("uid") or f"{path.stem}-{group}-{number}")
            known = {key: value for key, value in row.items() if value is not None}
            name = re.sub(r"[^\w.-]+", "-", uid)
            about = {"file": uid, "dataset": folder.name, **known}
            yield Job(uid, name, partial(_bytes, path, group, number), about)


def _bytes(path: Path, group: int, number: int) -> bytes:
    data: bytes = _images(path, group)[number].as_py()["bytes"]
    return data


@lru_cache(maxsize=2)
def _images(path: Path, group: int) -> Any:
    return pq.ParquetFile(path).read_row_group(group, columns=["image"]).column(0)


def _each_once(found: Sequence[Job]) -> list[Job]:
    """Two pictures whose results would bear one name keep their suffix, and then a number, in it."""
    taken: dict[str, Job] = {}
    for job in found:
        name, number = job.name, 2
        if name in taken and isinstance(job.source, Path):
            name = f"{name}{job.source.suffix}"
        while name in taken:
            name, number = f"{job.name}-{number}", number + 1
        taken[name] = Job(job.label, name, job.source, job.about)
    return list(taken.values())
