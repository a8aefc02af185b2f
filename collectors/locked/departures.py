"""Where a rebuild departs from its lock: rows that are not there any more, renditions made anew.

The manifest stays the lock it is; what curation works on is the lock with these departures.
"""

from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from collectors import manifest as manifests
from collectors.frozen import Frozen
from collectors.manifest import Listing, Manifest
from collectors.record import Record, StoredFile, Verdict
from collectors.storage.files import canonical_json, write_whole
from collectors.storage.workspace import Workspace

Lock = TypeVar("Lock", bound=Listing)


class Departures(Frozen):
    """What the last rebuild in this workspace could not have as it was locked (`rebuilt.json`)."""

    root_sha256: str
    """Of the lock; for any other manifest they mean nothing."""
    refused: dict[str, Verdict] = Field(default_factory=dict)
    """Uid → why the image is left out."""
    files: dict[str, StoredFile] = Field(default_factory=dict)
    """Uid → the file that is used instead of the locked one."""


def read(workspace: Workspace, lock: Listing) -> Departures:
    """The departures from this lock; none where the last rebuild was of another one."""
    none = Departures(root_sha256=lock.header.root_sha256)
    try:
        known = Departures.model_validate_json(_path(workspace).read_bytes())
    except (FileNotFoundError, ValidationError):
        return none
    return known if known.root_sha256 == none.root_sha256 else none


def write(workspace: Workspace, departures: Departures) -> None:
    """Remember them, or forget the file where there are none. Raises `DiskFull`."""
    if departures.refused or departures.files:
        write_whole(_path(workspace), canonical_json(departures.model_dump(mode="json")) + b"\n")
    else:
        forget(workspace)


def forget(workspace: Workspace) -> None:
    """From now on nothing departs from the lock."""
    _path(workspace).unlink(missing_ok=True)


def depart(lock: Lock, departures: Departures) -> Lock | Manifest:
    """The manifest a dataset is made from: the lock itself, or with fewer files and sealed anew.

    An image that is left out stays listed with its reason, so that every count of the dataset tells of it.
    """
    if departures.root_sha256 != lock.header.root_sha256 or not (departures.refused or departures.files):
        return lock
    header = lock.header
    return manifests.seal(
        [_departed(record, departures) for record in lock.records],
        name=header.name,
        subject=header.subject,
        recipe_sha256=header.recipe_sha256,
        tool=header.tool,
        skipped=header.skipped,
    )


def _departed(record: Record, departures: Departures) -> Record:
    if verdict := departures.refused.get(record.uid):
        return record.model_copy(update={"file": None, "refused": verdict})
    if file := departures.files.get(record.uid):
        return record.model_copy(update={"file": file})
    return record


def _path(workspace: Workspace) -> Path:
    return workspace.root / "rebuilt.json"
