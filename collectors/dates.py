"""Dates of records: what is said again as it was said before keeps the date it was first seen on."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from collectors import manifest as manifests
from collectors.manifest import ManifestBroken, ManifestTooNew
from collectors.record import Record, Seen


def as_first_seen(records: Iterable[Record], path: Path) -> Iterator[Record]:
    """The records, those that the manifest at `path` holds word for word with the dates they have there.

    So collecting again changes a manifest, and the dataset made from it, only where something changed. When
    an image was last found in order is what `verify --update` writes.
    """
    before = _known(path)
    for record in records:
        old = before.get(record.uid)
        if old is None:
            yield record
        elif _undated(old) == _undated(record):
            yield old
        else:
            seen = record.seen.model_copy(update={"first": min(old.seen.first, record.seen.first)})
            yield record.model_copy(update={"seen": seen})


def _known(path: Path) -> Mapping[str, Record]:
    """The records of the manifest that is there; none where it is missing or cannot be relied on."""
    try:
        return {record.uid: record for record in manifests.read(path).records}
    except (FileNotFoundError, ManifestBroken, ManifestTooNew):
        return {}


def _undated(record: Record) -> Record:
    evidence = tuple(one.model_copy(update={"at": None}) for one in record.evidence)
    return record.model_copy(update={"evidence": evidence, "seen": Seen(first="")})
