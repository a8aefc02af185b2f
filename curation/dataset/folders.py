"""Whole folders, swapped in at one blow: what a reader finds is the old one or the new one, never a mix."""

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collectors.storage.files import DiskFull

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_SUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """A fresh folder beside `path` to write into; when the block ends well it takes the place of `path`.

    The work happens in `path.part`. Linux exchanges the two names in one step (renameat2), so `path` exists
    at every moment once it existed. Elsewhere the old folder steps aside to `path.old` first; whoever is
    killed between these two renames leaves a whole `path.old`, which the next call, or `settle`, puts back.
    An exception in the block leaves `path` as it was.

    Raises:
        DiskFull: the disk has no room; `path` is untouched.
    """
    settle(path)
    part = _beside(path, "part")
    try:
        part.mkdir(parents=True)
        yield part
        _sync_tree(part)
        _swap(part, path)
    except OSError as error:
        settle(path)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(path.parent, shutil.disk_usage(path.parent).free) from error
        raise
    except BaseException:
        settle(path)
        raise
    settle(path)


def settle(path: Path) -> None:
    """Clear away what a killed run left beside `path`; bring back the old folder if it stood aside."""
    part, old = _beside(path, "part"), _beside(path, "old")
    if old.exists():
        if path.exists():
            shutil.rmtree(old)
        else:
            old.rename(path)
    if part.exists():
        shutil.rmtree(part)


def _swap(part: Path, path: Path) -> None:
    if not path.exists():
        part.rename(path)
    elif not _exchange(part, path):
        path.rename(_beside(path, "old"))
        part.rename(path)
    _sync(path.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one step; `False` where the system or its file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_SUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _sync_tree(folder: Path) -> None:
    for found in sorted(folder.rglob("*")):
        _sync(found)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")
