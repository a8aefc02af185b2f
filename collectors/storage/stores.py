"""Stores: files under the name of their SHA-256, in a folder of this disk.

`remote_store` keeps them elsewhere, behind the same methods. A store is small, can be compared and
pickled: workers on other machines are handed the store and a name, never a path.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.storage.files import canonical_json, sha256_of, write_whole, written_whole


class ChangedMeanwhile(Exception):
    """Somebody writes to the file that was to be copied."""


class FileDamaged(Exception):
    """A file of a store on this disk that was not what its name says; it was removed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} was not what its name says"


_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Store:
    """Files under the name of their SHA-256, so that nothing is kept twice and nothing is kept damaged."""

    root: Path

    def path(self, sha256: str) -> Path:
        """Where the file lies on this disk, or would lie; to write there is the store's own business.

        Raises:
            ValueError: that is no hash.
        """
        if not _HASH.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no SHA-256")
        return self.root / sha256[:2] / sha256

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def size(self, sha256: str) -> int | None:
        """Bytes of the file; `None`: it is not here."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def is_sound(self, sha256: str) -> bool:
        """Whether the file is here and still has the bytes of its name; reads all of it."""
        try:
            return sha256_of(self.path(sha256)) == sha256
        except FileNotFoundError:
            return False

    def sound(self, sha256: str) -> Path:
        """Where the file lies, once all of it was read and is what its name says; else it is removed.

        Raises:
            FileNotFoundError: there is no such file.
            FileDamaged: it was not; whoever made it can make it again.
        """
        place = self.path(sha256)
        if sha256_of(place) != sha256:
            self.drop(sha256)
            raise FileDamaged(place)
        return place

    def drop(self, sha256: str) -> None:
        """Remove a file that is not what it should be."""
        self.path(sha256).unlink(missing_ok=True)

    def read(self, sha256: str) -> bytes:
        """The bytes. Raises `FileNotFoundError`."""
        return self.path(sha256).read_bytes()

    def names(self) -> Iterator[str]:
        """Every file's name, in no order."""
        return (found.name for found in self.root.glob("??/*") if found.suffix != ".part")

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes under a name: whole or not at all. Raises `DiskFull`.

        Somebody else may do the same at the same time: a worker that was given up need not be dead.
        """
        write_whole(self.path(name), data, shared=True)

    def add(self, data: bytes) -> str:
        """Store bytes and return their SHA-256. Raises `DiskFull`."""
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in self:
            self.put(sha256, data)
        return sha256

    def adopt(self, part: Path, sha256: str) -> None:
        """Move a finished, verified file on the same disk into the store under its hash."""
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)

    def copy(self, file: Path, sha256: str) -> None:
        """Take in a copy of a file of this disk, which must have this hash.

        Raises:
            ChangedMeanwhile: it has not, or no longer.
            DiskFull: there is no room for the copy.
        """
        copied(file, self.path(sha256), sha256)

    def add_answer(self, answer: Mapping[str, Any]) -> str:
        """Store a raw API answer in canonical form and return its SHA-256."""
        return self.add(canonical_json(answer))

    def answer(self, sha256: str) -> dict[str, Any]:
        """Read an answer back. Raises `FileNotFoundError`."""
        value: dict[str, Any] = json.loads(self.read(sha256))
        return value


def copied(file: Path, target: Path, sha256: str) -> None:
    """Copy a file, whole or not at all, if it has this hash. Raises `ChangedMeanwhile`, `DiskFull`."""
    digest = hashlib.sha256()
    with file.open("rb") as source, written_whole(target) as copy:
        while data := source.read(1 << 20):
            digest.update(data)
            copy.write(data)
        if digest.hexdigest() != sha256:
            raise ChangedMeanwhile
