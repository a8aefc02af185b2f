"""Folders of pictures that a tool made: PNG files, and `pictures.jsonl` that says where each comes from.

    with Shelf(Path("generated/nebulae")) as shelf:
        shelf.add("seed-000007.png", data, {"synthetic": True, "seed": 7})

A line is written when its file is whole; a torn last line is what a kill left behind and counts for nothing.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors.formats import FORMATS
from collectors.storage.files import Journal, canonical_json, sha256_of, write_whole
from universe_gan.sheets import KEY

SIDECAR = "pictures.jsonl"


class NotOurs(Exception):
    """A `pictures.jsonl` that somebody else wrote, or a file that it does not know; neither is touched."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was not written by us")
        self.path = path


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    """What the sidecar says of pictures that still lie there, the last word on each, by name.

    Raises:
        NotOurs: the sidecar is somebody else's.
    """
    path = folder / SIDECAR
    known: dict[str, dict[str, Any]] = {}
    for text in path.read_bytes().splitlines(keepends=True) if path.is_file() else ():
        if text.startswith(b'{"') and not text.endswith(b"\n"):
            continue  # torn by a kill
        try:
            line = json.loads(text)
            known[line["file"]] = line
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NotOurs(path) from error
        if not isinstance(line["file"], str) or not _stays(line["file"]):
            raise NotOurs(path)
    yield from (known[name] for name in sorted(known) if (folder / name).is_file())


def _stays(name: str) -> bool:
    """Whether a name stays in the folder (`upscale` fills subfolders): what it names is opened, deleted."""
    parts = PurePosixPath(name).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and not {"\0", "\\"} & set(name)


def inside(path: Path) -> dict[str, Any] | None:
    """What a PNG says inside of where it comes from; `None`: nothing we understand. Raises `OSError`."""
    with Image.open(path, formats=FORMATS) as image:
        words = image.info.get(KEY)
    try:
        found = json.loads(words) if words else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def made_from(source: Mapping[str, Any], step: str, how: Mapping[str, Any], tool: str) -> dict[str, Any]:
    """What is said of a picture that was made from another: all that is said of that one, and the step.

    What the new one says of itself too (`file`, `sha256`, an earlier step of that name) goes into `source`.
    """
    own = {"file", "sha256", "source", "tool", step}
    before = {key: value for key, value in source.items() if key in own}
    kept = {key: value for key, value in source.items() if key not in own}
    return {**kept, "source": before, step: dict(how), "tool": tool}


def read(folder: Path, side: int | None = None) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
    """The pictures of a folder, (n, side, side, 3), and their lines, by name.

    `side`: all are brought to it by an antialiased bicubic; default: that of the first.

    Raises:
        NotOurs: as `lines`.
        OSError: a picture cannot be decoded.
    """
    known = list(lines(folder))
    pixels: list[NDArray[np.uint8]] = []
    for line in known:
        pixels.append(square(folder / line["file"], side))
        side = len(pixels[0])
    shape = (0, side or 1, side or 1, 3)
    return (np.stack(pixels) if pixels else np.zeros(shape, np.uint8)), known


def square(path: Path, side: int | None = None) -> NDArray[np.uint8]:
    """A picture as (side, side, 3), brought to it by an antialiased bicubic. Raises `OSError`.

    `side`: by default the shorter one of its own.
    """
    with Image.open(path, formats=FORMATS) as image:
        side = side or min(image.size)
        found = image.convert("RGB")
    if found.size != (side, side):
        found = found.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(found)


class Shelf:
    """A folder that pictures are put into; use it in `with`, which puts the lines in order at the end."""

    def __init__(self, folder: Path) -> None:
        """Raises `NotOurs` where another `pictures.jsonl` lies; nothing is written before the first `add`."""
        self.folder = folder
        self._known = {str(line["file"]): line for line in lines(folder)}
        self._journal = Journal(folder / SIDECAR)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def line(self, name: str) -> dict[str, Any] | None:
        """What is said of a picture that is there."""
        return self._known.get(name)

    def add(self, name: str, data: bytes, facts: Mapping[str, Any]) -> Path:
        """Write a file whole and then its line; one that we wrote before gives way.

        Raises:
            NotOurs: a file of that name lies there of which no line speaks, nor the file itself.
            DiskFull: no room; what is written is whole.
        """
        path = self._free(name)
        write_whole(path, data)
        self._say(name, hashlib.sha256(data).hexdigest(), facts)
        return path

    def adopt(self, name: str, facts: Mapping[str, Any]) -> Path:
        """Add the line of a file that something else has just written whole to `folder / name`."""
        path = self.folder / name
        self._say(name, sha256_of(path), facts)
        return path

    def _free(self, name: str) -> Path:
        path = self.folder / name
        if path.exists() and name not in self._known and not _says(path):  # a kill may come before the line
            raise NotOurs(path)
        return path

    def _say(self, name: str, sha256: str, facts: Mapping[str, Any]) -> None:
        line = {**facts, "file": name, "sha256": sha256}
        self._known[name] = line
        self._journal.append(line)

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()
        if kind is None and self._known:
            kept = [self._known[name] for name in sorted(self._known)]
            write_whole(self.folder / SIDECAR, b"".join(canonical_json(line) + b"\n" for line in kept))


def _says(path: Path) -> bool:
    try:
        return inside(path) is not None
    except (OSError, ValueError):  # the latter of text that Pillow finds too long
        return False
