"""Stores in S3 or wherever fsspec leads, with a cache on this disk.

Objects only ever appear, whole, under names that say what they are, so several machines may work in one
store at the same time: at worst both make the same bytes. What is there is listed once a folder and process;
an object that another machine adds later may be made again, which changes nothing.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from collectors.storage.files import sha256_of, write_whole
from collectors.storage.filesystems import filesystem, told, written
from collectors.storage.stores import Store, copied

CACHE_BYTES = 20_000_000_000
"""Bytes of a store that are kept on this disk; `UNIVERSE_GAN_CACHE_BYTES` says otherwise."""
IN_USE = 600.0
"""Seconds for which a file that was asked for stays in the cache, however full it is."""


class ObjectDamaged(Exception):
    """An object whose bytes are not those of its name."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url

    def __str__(self) -> str:
        return f"{self.url} is not what its name says"


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/universe-gan/stores` (https://specifications.freedesktop.org/basedir-spec/)."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    return home / "universe-gan" / "stores"


def at(url: str, *, by_content: bool = False) -> "RemoteStore":
    """The store at an address; `by_content`: names are hashes of the bytes, which are checked."""
    mark = hashlib.sha256(url.encode()).hexdigest()[:16]
    return RemoteStore(cache_folder() / mark, url, by_content)


@dataclass(frozen=True)
class RemoteStore(Store):
    """A store at an address; `root` is its cache on this disk.

    All methods raise `StoreRefused`, `StoreUnreachable` and, where there is no such bucket, `StoreUnusable`
    besides what `Store` says.
    """

    url: str
    by_content: bool = False

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in _listed(self, name[:2])

    def size(self, sha256: str) -> int | None:
        return _listed(self, sha256[:2]).get(sha256)

    def names(self) -> Iterator[str]:
        _demand_bucket(self.url)
        with told(self.url):
            for found in self._system.find(self.url):
                yield found.rpartition("/")[2]

    def path(self, sha256: str) -> Path:
        """Where the object lies on this disk, fetched if need be.

        Raises:
            FileNotFoundError: there is no such object.
            ObjectDamaged: its bytes are not those of its name.
            DiskFull: there is no room in the cache.
        """
        place = self._cached(sha256)
        if place.is_file():
            os.utime(place)
            return place
        self._keep(sha256, self._fetched(sha256))
        return place

    def sound(self, sha256: str) -> Path:
        """As `path`; a damaged copy in the cache is fetched again."""
        place = self._cached(sha256)
        if place.is_file() and sha256_of(place) != sha256:
            place.unlink()
        return self.path(sha256)

    def read(self, sha256: str) -> bytes:
        return self.path(sha256).read_bytes()

    def put(self, name: str, data: bytes) -> None:
        with written(self.url, self._object(name)):
            self._system.pipe_file(self._object(name), data)
        _listed(self, name[:2])[name] = len(data)
        self._keep(name, data)

    def adopt(self, part: Path, sha256: str) -> None:
        self._upload(part, sha256)
        place = self._cached(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(part, place)
        _make_room(self.root)

    def copy(self, file: Path, sha256: str) -> None:
        place = self._cached(sha256)
        copied(file, place, sha256)
        self._upload(place, sha256)
        _make_room(self.root)

    def is_sound(self, sha256: str) -> bool:
        """Whether the object is there and still has the bytes of its name; fetches all of it anew."""
        with suppress(FileNotFoundError):
            if hashlib.sha256(data := self._bytes(sha256)).hexdigest() == sha256:
                self._keep(sha256, data)
                return True
        return False

    def drop(self, sha256: str) -> None:
        with suppress(FileNotFoundError), told(self._object(sha256)):
            self._system.rm_file(self._object(sha256))
        _listed(self, sha256[:2]).pop(sha256, None)
        self._cached(sha256).unlink(missing_ok=True)

    @property
    def _system(self) -> Any:
        return filesystem(urlsplit(self.url).scheme)

    def _object(self, name: str) -> str:
        return f"{self.url}/{self._cached(name).relative_to(self.root).as_posix()}"

    def _cached(self, name: str) -> Path:
        return super().path(name)

    def _bytes(self, name: str) -> bytes:
        with told(self._object(name)):
            data: bytes = self._system.cat_file(self._object(name))
            return data

    def _fetched(self, name: str) -> bytes:
        data = self._bytes(name)
        if self.by_content and hashlib.sha256(data).hexdigest() != name:
            raise ObjectDamaged(self._object(name))
        return data

    def _upload(self, file: Path, name: str) -> None:
        with written(self.url, self._object(name)):
            self._system.put_file(str(file), self._object(name))
        _listed(self, name[:2])[name] = file.stat().st_size

    def _keep(self, name: str, data: bytes) -> None:
        write_whole(self._cached(name), data)
        _make_room(self.root)


@cache
def _listed(store: RemoteStore, folder: str) -> dict[str, int]:
    """Bytes by name of what lies in one of a store's 256 folders; asked once a process."""
    with told(store.url):
        try:
            found = store._system.ls(f"{store.url}/{folder}", detail=True)
        except FileNotFoundError:
            _demand_bucket(store.url)
            found = []
    return {one["name"].rpartition("/")[2]: one["size"] for one in found if one["type"] == "file"}


@cache
def _demand_bucket(url: str) -> None:
    """Tell a bucket that nobody made from an empty folder. Raises `StoreUnusable`."""
    parts = urlsplit(url)
    if parts.scheme in ("s3", "s3a"):  # elsewhere a folder is there once something lies in it
        with written(url, url):
            filesystem(parts.scheme).info(parts.netloc)


_added: dict[Path, int] = {}


def _make_room(root: Path) -> None:
    """Now and then, take the files out of a full cache that were not asked for the longest."""
    _added[root] = _added.get(root, 0) + 1
    if _added[root] % 64:
        return
    limit = int(os.environ.get("UNIVERSE_GAN_CACHE_BYTES", CACHE_BYTES))
    found = []
    for path in root.glob("??/*"):
        with suppress(FileNotFoundError):  # another process was quicker
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    full, now = sum(size for _, size, _ in found), time.time()
    for used, size, path in sorted(found):
        if full <= limit or now - used < IN_USE:
            return
        path.unlink(missing_ok=True)
        full -= size
