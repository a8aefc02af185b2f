"""A finished dataset to an address that fsspec knows: whole for whoever reads, and nothing sent twice.

    s3://bucket/nebulae/data/train-00000-of-00002.parquet   …
    s3://bucket/nebulae/sent.json                           what lies there, and whether that is all

`sent.json` is rewritten twice: first it says that the dataset is not whole and which files stay, then, when
everything is there, that it is. Shards go first. Killed in the middle, the same command goes on.
"""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from collectors.frozen import Frozen
from collectors.progress import Progress, Silent
from collectors.storage.files import canonical_json
from collectors.storage.filesystems import checked, filesystem, told, written
from curation.dataset.write import BuiltDataset, BuiltFile

MARK = "sent.json"


class Sent(Frozen):
    """What it took."""

    url: str
    files: int
    """Sent now."""
    bytes: int
    unchanged: int
    removed: int


def send(dataset: BuiltDataset, url: str, progress: Progress | None = None) -> Sent:
    """Make the folder at the address the same as the built dataset.

    Only what `sent.json` names is ever removed there.

    Raises:
        StoreUnusable, StoreRefused, StoreUnreachable: as `collectors.storage.filesystems`.
    """
    url = checked(url)
    system = filesystem(urlsplit(url).scheme)
    there = _there(url)
    known = {file.path: file.sha256 for file in dataset.files}
    same = {path: sha256 for path, sha256 in there.items() if known.get(path) == sha256}
    todo = sorted((file for file in dataset.files if file.path not in same), key=_shards_first)
    gone = sorted(there.keys() - known.keys())
    if todo or gone:
        _mark(url, same, whole=False)
    with (progress or Silent()).stage("send", len(todo)) as stage:
        for file in todo:
            with written(url, f"{url}/{file.path}"):
                system.put_file(str(dataset.path / file.path), f"{url}/{file.path}")
            stage.advance()
    for path in gone:
        with told(f"{url}/{path}"):
            system.rm_file(f"{url}/{path}")
    _mark(url, known, whole=True)
    return Sent(
        url=url,
        files=len(todo),
        bytes=sum(file.bytes for file in todo),
        unchanged=len(same),
        removed=len(gone),
    )


def _shards_first(file: BuiltFile) -> tuple[bool, str]:
    return not file.path.endswith(".parquet"), file.path


def _there(url: str) -> dict[str, str]:
    """SHA-256 by path of what lies there for certain; nothing where `sent.json` does not say."""
    try:
        with told(url):
            said = json.loads(filesystem(urlsplit(url).scheme).cat_file(f"{url}/{MARK}"))
        files = said["files"]
        return {path: sha256 for path, sha256 in files.items() if _is_inside(path)}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _is_inside(path: str) -> bool:
    """Whether a path somebody wrote into `sent.json` stays in the folder."""
    return not path.startswith("/") and ".." not in path.split("/")


def _mark(url: str, files: Mapping[str, str], *, whole: bool) -> None:
    with written(url, f"{url}/{MARK}"):
        filesystem(urlsplit(url).scheme).pipe_file(
            f"{url}/{MARK}", canonical_json({"files": dict(files), "whole": whole})
        )
