"""A download under way: its bytes on disk, their hashes, and what it takes to go on after a cut or a kill."""

import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from collectors.storage.files import DiskFull, canonical_json, write_whole
from collectors.web.signatures import HEAD

_PIECE = 1 << 20

_UNLOCKABLE = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
"""What file systems without locks answer; there, nothing keeps a second writer out."""


class PartTaken(Exception):
    """Another process, of this machine or of one that shares the disk, fetches this very file."""


class Part:
    """The bytes of one address that came so far, in `<sha256 of the address>.part`; a context manager.

    The address itself is not written down: some carry a token.

    Leaving it closes the file and keeps it; `discard` forgets the bytes.

    Raises:
        DiskFull: there is no room for the file, or for more of it; what is there stays whole.
        PartTaken: somebody else has it open; the lock is the kernel's, so the dead hold none.
    """

    def __init__(self, folder: Path, url: str) -> None:
        name = hashlib.sha256(url.encode()).hexdigest()
        self.path, self._about = folder / f"{name}.part", folder / f"{name}.json"
        self._folder, self._name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        self._sha1, self._sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
        self.size, self.head = 0, b""
        self._take_in(os.fstat(self._file.fileno()).st_size)

    def _open(self) -> io.FileIO:
        while True:
            file = self._opened()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.close()
                raise PartTaken(self.path) from error
            except OSError as error:
                if error.errno not in _UNLOCKABLE:
                    raise
            if self._is_at_its_place(file):
                return file
            file.close()  # whoever had it has just finished it and moved it into the store

    def _is_at_its_place(self, file: io.FileIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _opened(self) -> io.FileIO:
        try:
            return io.FileIO(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")
        except OSError as error:
            self._if_full(error)
            raise

    def _take_in(self, size: int) -> None:
        """Hash what an earlier run left."""
        while self.size < size and (data := self._file.read(min(_PIECE, size - self.size))):
            self._count(data)

    def _count(self, data: bytes) -> None:
        if len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]
        self._sha1.update(data)
        self._sha256.update(data)
        self.size += len(data)

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._if_full(error)
            raise
        self._count(data)

    def _if_full(self, error: OSError) -> None:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(self._folder, shutil.disk_usage(self._folder).free) from error

    @property
    def sha1(self) -> str:
        return self._sha1.hexdigest()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def begin(self, validators: Mapping[str, str]) -> None:
        """Forget all bytes; keep the `ETag` and `Last-Modified` of those that come, `{}`: not needed."""
        self.discard()
        if validators:
            write_whole(self._about, canonical_json({"of": self._name, **validators}))

    def discard(self) -> None:
        """Forget all bytes."""
        self._about.unlink(missing_ok=True)
        if self.size:
            self._file.seek(0)
            self._file.truncate()
        self._sha1, self._sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
        self.size, self.head = 0, b""

    def validator(self) -> str | None:
        """What `If-Range` may carry (RFC 9110 §13.1.5): a strong ETag, else a date; `None`: not known."""
        try:
            about = json.loads(self._about.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(about, dict) or about.get("of") != self._name:
            return None
        etag, date = about.get("ETag"), about.get("Last-Modified")
        return etag if etag and not etag.startswith("W/") else date

    def finish(self) -> None:
        """Bring the bytes to the disk, so that the file may be moved to its final place."""
        os.fdatasync(self._file.fileno())
        self._about.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove everything from the disk."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.size == 0:
            self.drop()  # while it is still locked: the next makes a new one
        self._file.close()
