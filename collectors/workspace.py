"""Where things lie on disk: files written whole, a store by content, one command at a time."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


class WorkspaceBusy(Exception):
    """Another command works in this workspace."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is in use by {holder}")
        self.path, self.holder = path, holder


class WorkspaceUnusable(Exception):
    """The folder for the workspace cannot be made or written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class DiskFull(Exception):
    """There is no room left for a file."""

    def __init__(self, path: Path, free: int, needed: int | None = None) -> None:
        super().__init__(f"no space left at {path}: {free} bytes free")
        self.path, self.free, self.needed = path, free, needed


def canonical_json(value: Any) -> bytes:
    """The one way we spell a JSON value: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing so that it appears complete or not at all.

    Writes go to `path` + `.part`, are flushed to the disk and renamed; an exception leaves the old file.

    Raises:
        DiskFull: the disk has no room; the old file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
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


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a whole file, or nothing. Raises `DiskFull`."""
    with written_whole(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


class Store:
    """Files under the name of their SHA-256, so that nothing is kept twice and nothing is kept damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the file with this hash lies or would lie."""
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
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False

    def drop(self, sha256: str) -> None:
        """Remove a file that is not what it should be."""
        self.path(sha256).unlink(missing_ok=True)

    def read(self, sha256: str) -> bytes:
        """The bytes. Raises `FileNotFoundError`."""
        return self.path(sha256).read_bytes()

    def add(self, data: bytes) -> str:
        """Store bytes and return their SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in self:
            write_whole(self.path(sha256), data)
        return sha256

    def adopt(self, part: Path, sha256: str) -> None:
        """Move a finished, verified file on the same disk into the store under its hash."""
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)

    def add_answer(self, answer: Mapping[str, Any]) -> str:
        """Store a raw API answer in canonical form and return its SHA-256."""
        return self.add(canonical_json(answer))

    def answer(self, sha256: str) -> dict[str, Any]:
        """Read an answer back. Raises `FileNotFoundError`."""
        value: dict[str, Any] = json.loads(self.read(sha256))
        return value


class Workspace:
    """The folder `data/NAME/`: everything that can be made again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.originals = Store(root / "originals")
        self.answers = Store(root / "answers")
        self.synthetic = Store(root / "synthetic")
        """Generated pictures that were accepted; drawn again from run and seed where this folder is lost."""
        self.parts = root / "parts"
        """Downloads that are not finished yet."""
        self.journal = root / "collect.jsonl"
        self.examined = root / "examined.jsonl"
        self.verdicts = root / "verdicts.jsonl"
        self.dataset = root / "dataset"
        self.built = root / "built.json"
        """What the dataset consisted of when it was built, file by file."""
        self.audit = root / "audit"
        self.report = root / "report.html"
        self.log = root / "log.txt"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second command out of this workspace. Raises `WorkspaceBusy`, `WorkspaceUnusable`.

        The lock is the kernel's (flock), so a killed command never leaves one behind. A command that fails
        before it made anything leaves no folder behind that was not there.
        """
        new = [path for path in (self.root, *self.root.parents) if not path.exists()]
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            opened = (self.root / "lock").open("a+")
        except OSError as error:
            raise WorkspaceUnusable(self.root, error.strerror or str(error)) from error
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise WorkspaceBusy(self.root, file.read().strip() or "another command") from None
            file.truncate(0)
            file.write(f"process {os.getpid()}\n")
            file.flush()
            try:
                yield
            except BaseException:
                self._withdraw(new)
                raise

    def _withdraw(self, new: list[Path]) -> None:
        """Remove these folders again, as long as nothing was made in them."""
        empty = (self.root / "lock", self.log, self.journal)
        found = len(list(Journal(self.journal).read())) - 1  # the first line only repeats the question
        if not new or found > 0 or set(self.root.iterdir()) - set(empty):
            return
        for path in empty:
            path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody else works there
            for folder in new:
                folder.rmdir()


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
