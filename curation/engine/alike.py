"""Whether another machine would do the same work as this one: same code, same libraries, same files.

The bytes of a dataset depend on all three, so a worker that differs is a mistake to be told at once, not a
thousand images that "cannot be read".
"""

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from uuid import uuid4

LIBRARIES = ("pillow", "numpy", "scipy", "pyarrow", "imagehash", "opencv-python-headless")
"""What decodes, measures, compares, cuts and writes."""
CODECS = ("jpg", "libjpeg_turbo", "zlib", "libtiff", "webp", "littlecms2", "avif")


class WorkersDiffer(Exception):
    """A machine of the cluster has other software than this one, so that its results would differ."""

    def __init__(self, machine: str, differences: Mapping[str, tuple[str, str]]) -> None:
        """`differences`: what is here and what is there, by name."""
        super().__init__(machine, differences)
        self.machine, self.differences = machine, differences


class FolderUnseen(Exception):
    """A machine of the cluster does not see a folder that everything is read from or written to."""

    def __init__(self, machine: str, folder: Path) -> None:
        super().__init__(machine, folder)
        self.machine, self.folder = machine, folder


@dataclass(frozen=True)
class Witness:
    """A file by which a folder is known."""

    path: Path
    word: str


@dataclass(frozen=True)
class Standard:
    """What every worker is held against before its first item."""

    software: tuple[tuple[str, str], ...]
    witnesses: tuple[Witness, ...]
    directory: Path
    """Where relative paths begin."""


@contextmanager
def standard(folders: Sequence[Path]) -> Iterator[Standard]:
    """This machine, with a witness in each of the folders as long as it lasts."""
    witnesses = [Witness(folder / f".seen-{uuid4().hex[:12]}", uuid4().hex) for folder in folders]
    try:
        for one in witnesses:
            one.path.write_text(one.word)
        yield Standard(tuple(software().items()), tuple(witnesses), Path.cwd())
    finally:
        for one in witnesses:
            one.path.unlink(missing_ok=True)


def check(wanted: Standard) -> None:
    """Hold this process against the standard, and begin relative paths where it does.

    Raises:
        WorkersDiffer, FolderUnseen: it is not fit for the work.
    """
    here = software()
    wrong = {name: (word, here.get(name, "missing")) for name, word in wanted.software}
    if wrong := {name: pair for name, pair in wrong.items() if pair[0] != pair[1]}:
        raise WorkersDiffer(platform.node(), wrong)
    with suppress(OSError):  # absolute paths need no such folder
        os.chdir(wanted.directory)
    for one in wanted.witnesses:
        try:
            seen = one.path.read_text()
        except OSError:
            seen = ""
        if seen != one.word:
            raise FolderUnseen(platform.node(), wanted.directory / one.path.parent)


@cache
def software() -> Mapping[str, str]:
    """The versions on which results depend, by name, and a hash over the code of this tool."""
    from PIL import features

    found = {"Python": platform.python_version(), "processor": platform.machine(), "universe-gan": _code()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    for name in CODECS:
        found[f"Pillow's {name}"] = str(features.version(name))
    return found


def _code() -> str:
    """Over the rooms that workers run: two checkouts of one version may differ."""
    digest = hashlib.sha256()
    house = Path(__file__).parents[2]
    for room in ("collectors", "curation"):
        for path in sorted((house / room).rglob("*.py")):
            digest.update(path.relative_to(house).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"code {digest.hexdigest()[:12]}"
