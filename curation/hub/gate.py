"""The last look before publishing: every row as it lies in the files, held against policy and manifest.

The build decided already. This asks again, of the bytes that would leave the house: a file exchanged by hand,
a policy that changed since, or a takedown in between must not slip out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from collectors.frozen import Frozen
from collectors.manifest import Manifest
from collectors.record import Record, Verdict
from collectors.storage.files import sha256_of
from curation.dataset import synthetic
from curation.dataset.columns import COLUMNS, Row
from curation.dataset.synthetic import Synthetic
from curation.dataset.write import BuiltDataset
from curation.judged import Judged
from curation.policy import may_publish, may_reference
from curation.settings import PolicySettings

HELD_AGAINST_THE_MANIFEST = (
    "source",
    "page",
    "creator",
    "creator_url",
    "credit_line",
    "license",
    "license_expression",
    "license_class",
    "license_url",
    "attribution_required",
    "share_alike",
    "commercial_use",
    "derivatives",
    "rights_confidence",
    "rights_conflict",
    "rights_evidence",
    "restrictions",
    "ai_opted_out",
    "permission",
    "source_url",
    "source_sha256",
)
"""Columns of a row that must say what the record says."""
_NEEDED = ("uid", "license", "license_class", "credit_line", "source_sha256")


class BuildChanged(Exception):
    """Files of the built dataset that are no longer what was built."""

    def __init__(self, folder: Path, paths: Iterable[str]) -> None:
        self.folder, self.paths = folder, tuple(paths)
        super().__init__(f"{folder}: {', '.join(self.paths)}")


class MayNotBePublished(Exception):
    """Rows that may not leave the house, or a purpose that forbids it for all."""

    def __init__(self, refusals: "Iterable[Refusal]", purpose: str = "publish") -> None:
        self.refusals, self.purpose = tuple(refusals), purpose
        super().__init__(f"{len(self.refusals)} rows may not be published (purpose {purpose})")


class Refusal(Frozen):
    """One row that may not be published, and why."""

    uid: str
    what: str


def check_files(built: BuiltDataset, folder: Path) -> None:
    """Hash every file again. Raises `BuildChanged` with those that changed, went or came."""
    promised = {file.path: file.sha256 for file in built.files}
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    wrong = sorted(promised.keys() ^ there.keys())
    wrong += [
        path for path in sorted(promised.keys() & there.keys()) if sha256_of(there[path]) != promised[path]
    ]
    if wrong:
        raise BuildChanged(folder, wrong)


def check_rows(
    folder: Path,
    manifest: Manifest,
    policy: PolicySettings,
    taken_down: Callable[[Record], Verdict],
    accepted: Sequence[Synthetic] = (),
) -> int:
    """Ask every row of every Parquet file once more; returns how many real pictures there are.

    Generated ones (`synthetic/`) must be those of the list, and say what it says.

    Raises:
        MayNotBePublished: with every row that is forbidden, unproven, or not what the manifest says.
    """
    if policy.purpose != "publish":
        raise MayNotBePublished((), policy.purpose)
    records = {record.uid: record for record in manifest.records}
    refusals: dict[str, Refusal] = {}
    pictures = 0
    refusals |= {refusal.uid: refusal for refusal in strangers(folder, accepted)}
    for path in sorted(folder.rglob("*.parquet")):
        if path.relative_to(folder).parts[0] == synthetic.CONFIG:
            continue
        named = path.relative_to(folder).parts[0] == "references"
        for row in rows(path):
            pictures += row.pop("__picture") and not named
            what = objection(row, records.get(row["uid"] or ""), policy, taken_down, named=named)
            if what:
                refusals.setdefault(row["uid"], Refusal(uid=row["uid"] or "(no uid)", what=what))
    if refusals:
        raise MayNotBePublished(refusals[uid] for uid in sorted(refusals, key=str))
    return pictures


def strangers(folder: Path, accepted: Sequence[Synthetic]) -> Iterator[Refusal]:
    """Rows of generated pictures that nobody accepted, or that say something else of them."""
    known = {one.sha256: one for one in accepted}
    names = [column.name for column in synthetic.COLUMNS[1:]]
    for path in sorted((folder / synthetic.CONFIG).glob("*.parquet")):
        for row in pq.read_table(path, columns=names, partitioning=None).to_pylist():
            if not synthetic.stands_for(row, known):
                yield Refusal(uid=row["uid"], what="it is not what the list of accepted pictures says")


def objection(
    row: Mapping[str, Any],
    record: Record | None,
    policy: PolicySettings,
    taken_down: Callable[[Record], Verdict],
    *,
    named: bool,
) -> str | None:
    """Why a row may not be published; `None`: it may. `named`: it is a reference without pixels."""
    if record is None or record.file is None:
        return "the manifest holds no such image"
    verdict = taken_down(record)
    if verdict.keep:
        verdict = may_reference(record, policy) if named else may_publish(record, policy)
    if not verdict.keep:
        assert verdict.reason
        return f"{verdict.reason.words}: {verdict.detail}" if verdict.detail else verdict.reason.words
    if not record.evidence and record.permission is None:
        return "there is no evidence for its licence"
    said = Row(record, Judged(uid=record.uid, verdict=verdict), None)
    for column in COLUMNS:
        if column.name in HELD_AGAINST_THE_MANIFEST and column.name in row:
            ours = column.value(said)
            if row[column.name] != ours:
                return f"its {column.name} is {row[column.name]!r}, and {ours!r} in the manifest"
    return None


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file without their pictures, a row group at a time."""
    wanted = ("uid", *HELD_AGAINST_THE_MANIFEST)
    with pq.ParquetFile(path) as parquet:
        names = [name for name in wanted if name in parquet.schema_arrow.names]
        missing = [name for name in _NEEDED if name not in names]
        if missing:
            raise MayNotBePublished([Refusal(uid=path.name, what=f"it has no column {missing[0]}")])
        has_pictures = "image" in parquet.schema_arrow.names
        for number in range(parquet.num_row_groups):
            table: pa.Table = parquet.read_row_group(number, columns=names)
            yield from ({**row, "__picture": has_pictures} for row in table.to_pylist())
