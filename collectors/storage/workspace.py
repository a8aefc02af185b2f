"""The workspace `data/NAME/`: everything that can be made again, and one command at a time in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from collectors.storage import filesystems, remote_store
from collectors.storage.files import Journal, write_whole
from collectors.storage.stores import Store


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


class KeptElsewhere(Exception):
    """A workspace whose files are kept in another place than the one that was named."""

    def __init__(self, root: Path, url: str, known: str) -> None:
        super().__init__(f"the files of {root} are kept in {known}, not in {url}")
        self.root, self.url, self.known = root, url, known


JOURNAL = "collect.jsonl"
ADDRESS = "store.url"
"""The file of a workspace that says where its files are kept."""


def keep_at(root: Path, url: str) -> None:
    """Have the files of the workspace in this folder kept at an address, from its beginning on.

    Raises:
        StoreUnusable: the address cannot be one.
        KeptElsewhere: they are kept somewhere else already.
    """
    url = filesystems.checked(url)
    known = _address_in(root)
    if known == url:
        return
    if not _is_blank(root):
        raise KeptElsewhere(root, url, known or str(root))
    write_whole(root / ADDRESS, f"{url}\n")


def _is_blank(root: Path) -> bool:
    """Whether nothing was made in this workspace yet."""
    made = {path.name for path in root.iterdir()} if root.is_dir() else set()
    asked = len(list(Journal(root / JOURNAL).read()))  # the first line only repeats the question
    return made <= {"lock", "log.txt", ADDRESS, JOURNAL} and asked < 2


def _address_in(root: Path) -> str | None:
    try:
        return filesystems.checked((root / ADDRESS).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None


class Workspace:
    """The folder `data/NAME/`: everything that can be made again."""

    def __init__(self, root: Path) -> None:
        """Raises `StoreUnusable` where its files are kept at an address that cannot be used."""
        self.root = root
        self.elsewhere = _address_in(root)
        """The address of the store that keeps its files (`keep_at`); `None`: they are here."""
        self.originals = self.store("originals", by_content=True)
        self.answers = self.store("answers", by_content=True)
        self.synthetic = self.store("synthetic", by_content=True)
        """Generated pictures that were accepted; drawn again from run and seed where this folder is lost."""
        self.parts = root / "parts"
        """Downloads that are not finished yet."""
        self.journal = root / JOURNAL
        self.examined = root / "examined.jsonl"
        self.verdicts = root / "verdicts.jsonl"
        self.dataset = root / "dataset"
        self.built = root / "built.json"
        """What the dataset consisted of when it was built, file by file."""
        self.audit = root / "audit"
        self.report = root / "report.html"
        self.log = root / "log.txt"

    def store(self, name: str, *, by_content: bool = False) -> Store:
        """One of its stores, a folder here or at the address; `by_content`: names are hashes of the bytes."""
        if self.elsewhere is None:
            return Store(self.root / name)
        return remote_store.at(f"{self.elsewhere}/{name}", by_content=by_content)

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
            self._lock(file, fcntl.LOCK_EX)
            file.truncate(0)
            file.write(f"process {os.getpid()}\n")
            file.flush()
            try:
                yield
            except BaseException:
                self._withdraw(new)
                raise
            finally:
                file.truncate(0)  # whoever holds it next may not say so: `reading` writes nothing

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep out who would change this workspace, while several read it at a time. Raises `WorkspaceBusy`.

        Nothing is made: where there is no workspace, there is nothing to be kept as it is.
        """
        try:
            opened = (self.root / "lock").open()
        except FileNotFoundError:
            yield
            return
        with opened as file:
            self._lock(file, fcntl.LOCK_SH)
            yield

    def _lock(self, file: TextIO, how: int) -> None:
        """Take the kernel's lock on this file, which ends when it is closed. Raises `WorkspaceBusy`."""
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise WorkspaceBusy(self.root, file.read().strip() or "another command") from None

    def _withdraw(self, new: list[Path]) -> None:
        """Remove these folders again, as long as nothing was made in them."""
        if not new or not _is_blank(self.root):
            return
        for path in self.root.iterdir():
            path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody else works there
            for folder in new:
                folder.rmdir()
