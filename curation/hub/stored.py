"""A dataset in a store that fsspec leads to, as `curate --output` puts it there: read, never changed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

from collectors.storage.filesystems import checked, filesystem, told
from curation.dataset.sending import MARK
from curation.hub import rows
from curation.hub.rows import NotReadable, Place

_PAGES = ("http", "https")
"""Hosts are asked politely or not at all (`collectors.web`), so no library of fsspec asks them."""


def is_address(text: str) -> bool:
    """Whether this is the address of a store, `s3://BUCKET/FOLDER`, and no path and nothing on the Hub."""
    return "://" in text and not text.startswith("hf://")


def stored(url: str) -> Place:
    """The dataset in a folder of a store.

    Raises:
        NotReadable: it holds none, or not yet all of it.
        StoreUnusable, StoreRefused, StoreUnreachable: as `collectors.storage.filesystems`.
    """
    protocol = urlsplit(url).scheme
    if protocol in _PAGES:
        raise NotReadable(url, "a web page is no store; a dataset on the Hub is hf://datasets/user/name")
    url = checked(url)
    if protocol == "file":
        return rows.folder(Path(urlsplit(url).path))
    system = filesystem(protocol)
    with reading(url):
        found = system.find(url, detail=True)
    root = system._strip_protocol(url).rstrip("/")
    if root in found:
        raise NotReadable(url, "that is one file; a manifest is audited beside its recipe, on this disk")
    files = {path.removeprefix(f"{root}/"): int(info["size"]) for path, info in found.items()}
    if not files:
        raise NotReadable(url, "nothing lies there")

    def open_(path: str) -> IO[bytes]:
        return cast(IO[bytes], system.open(f"{root}/{path}", "rb", cache_type="none"))

    place = Place(url, None, files, open_, far=True)
    _demand_whole(place)
    return place


@contextmanager
def reading(address: str) -> Iterator[None]:
    """Failures on the way through a store in our words; without effect for any other place.

    Raises:
        NotReadable: what was listed is gone.
        StoreRefused, StoreUnreachable: as `collectors.storage.filesystems`.
    """
    if not is_address(address):
        yield
        return
    try:
        with told(address):
            yield
    except FileNotFoundError as error:
        raise NotReadable(address, f"it is not there: {error}") from error


def _demand_whole(place: Place) -> None:
    """Raises `NotReadable` where `sent.json` says that files are still to come."""
    with reading(place.where):
        text = place.text(MARK)
    try:
        said = json.loads(text) if text else {}
    except ValueError:
        return
    if isinstance(said, dict) and said.get("whole") is False:
        raise NotReadable(
            place.where,
            "not all of it has arrived (sent.json): run `curate --output` again, which sends the rest",
        )
