"""Files that appear whole or not at all, and a journal that survives a kill at any moment."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4


class DiskFull(Exception):
    """There is no room left for a file."""

    def __init__(self, path: Path, free: int, needed: int | None = None) -> None:
        super().__init__(path, free, needed)  # what pickle gives back to us when a worker raises this
        self.path, self.free, self.needed = path, free, needed

    def __str__(self) -> str:
        return f"no space left at {self.path}: {self.free} bytes free"


def canonical_json(value: Any) -> bytes:
    """The one way we spell a JSON value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal, read in pieces. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def written_whole(path: Path, *, shared: bool = False) -> Iterator[IO[bytes]]:
    """Open `path` for writing so that it appears complete or not at all.

    Writes go to `path` + `.part`, are flushed to the disk and renamed; an exception leaves the old file.
    `shared`: several processes may write this file at a time, each in a part of its own.

    Raises:
        DiskFull: the disk has no room; the old file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}{'.' + uuid4().hex[:8] if shared else ''}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(path.parent, shutil.disk_usage(path.parent).free) from error
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes | str, *, shared: bool = False) -> None:
    """Write a whole file, or nothing; `shared` as `written_whole`. Raises `DiskFull`."""
    with written_whole(path, shared=shared) as file:
        file.write(data.encode() if isinstance(data, str) else data)


class Journal:
    """An append-only log, one JSON object a line; a torn last line is dropped on reading.

    Raises:
        DiskFull: on `append`, when the disk has no room.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole line, in the order they were written."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def append(self, value: Mapping[str, Any]) -> None:
        """Add a line. It survives a kill of this process at any later moment."""
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(canonical_json(value) + b"\n")
            self._file.flush()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(self.path.parent, shutil.disk_usage(self.path.parent).free) from error
            raise

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> IO[bytes]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("r+b" if self.path.exists() else "w+b")
        whole = _end_of_last_whole_line(file)
        file.truncate(whole)
        file.seek(whole)
        return file


def _end_of_last_whole_line(file: IO[bytes]) -> int:
    position = file.seek(0, os.SEEK_END)
    while position > 0:
        step = min(65536, position)
        file.seek(position - step)
        newline = file.read(step).rfind(b"\n")
        if newline >= 0:
            return position - step + newline + 1
        position -= step
    return 0
