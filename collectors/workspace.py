"""The workspace `data/NAME/`: everything that can be made again, and one command at a time in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from collectors.files import Journal
from collectors.stores import Store


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
