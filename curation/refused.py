"""Copies of images that were refused for their rights: laxer terms do not get them in by another door.

Refused images are never downloaded for this. But what lies on this disk anyway (a folder of pictures, or what
the dataset names without pixels) is held against the others. A copy of it under terms that contradict the
refused one's is refused as well: at most one of the two claims is right.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from collectors.record import Reason, Record, StoredFile, Verdict
from collectors.storage.stores import Store
from curation.duplicates.edges import Edge
from curation.duplicates.terms import OF_AUTHORS, agree

AtHand = Callable[[Record], Path | None]
"""Where the original of a record lies on this disk, if it does; nothing is fetched."""

STATED = frozenset({Reason.LICENCE_REFUSED, Reason.OPTED_OUT})
"""Refusals by what somebody said. Where nothing was said (no licence, no credit), a copy may well say it."""


def nothing_at_hand(record: Record) -> Path | None:
    """For callers that know of no files but those of the manifest."""
    return None


def refused_here(
    refused: Iterable[tuple[Record, Verdict]], originals: Store, at_hand: AtHand
) -> dict[str, tuple[Record, Path]]:
    """The refused images whose file is on this disk, by uid; their records name that file.

    A file that is no longer the one its record describes is passed over.
    """
    found = {}
    for record, verdict in refused:
        if verdict.reason not in STATED:
            continue
        if record.file is not None:
            if record.file.sha256 in originals:
                found[record.uid] = record, originals.path(record.file.sha256)
        elif (path := at_hand(record)) is not None and (file := _file(record, path)) is not None:
            found[record.uid] = record.model_copy(update={"file": file}), path
    return found


def verdict(copy: Record, refused: Record, why: Verdict, edge: Edge) -> Verdict | None:
    """Why a copy of a refused image may not stay; `None`: it may, on a claim of its own.

    It may with its author's written permission. Otherwise an opt-out is one of the picture, whoever uploads
    it; and a refused licence gives way to terms that go together with it and to an author's own source.
    """
    if copy.permission is not None:
        return None
    if why.reason is not Reason.OPTED_OUT and (
        agree(copy.rights, refused.rights) or (copy.source in OF_AUTHORS and refused.source not in OF_AUTHORS)
    ):
        return None
    claims = f"{copy.rights.chosen} here, {refused.rights.chosen} by {refused.uid}"
    said = why.detail if why.reason is Reason.OPTED_OUT else claims
    return Verdict(reason=Reason.COPY_OF_REFUSED, detail=f"{said}; {edge.words}", twin=refused.uid)


def _file(record: Record, path: Path) -> StoredFile | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if record.original.sha1 != hashlib.sha1(data, usedforsecurity=False).hexdigest():
        return None
    mime = record.original.mime or "application/octet-stream"
    return StoredFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), mime=mime)


def paths(here: Mapping[str, tuple[Record, Path]]) -> dict[str, Path]:
    """Where the file of each hash lies."""
    return {record.file.sha256: path for record, path in here.values() if record.file is not None}
