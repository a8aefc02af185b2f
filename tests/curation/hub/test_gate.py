"""The last look before publishing, row by row."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NC, ND, a_judgement, a_manifest, a_record

from collectors.record import KEEP, Reason, Record, Verdict
from curation.dataset.columns import COLUMNS, Row
from curation.dataset.write import BuiltDataset
from curation.hub.gate import (
    HELD_AGAINST_THE_MANIFEST,
    BuildChanged,
    MayNotBePublished,
    check_files,
    check_rows,
    objection,
)
from curation.settings import PolicySettings

POLICY = PolicySettings()


def row_of(record: Record) -> dict[str, Any]:
    said = Row(record, a_judgement(record), None)
    return {column.name: column.value(said) for column in COLUMNS if column.name != "image"}


def free(record: Record) -> Verdict:
    return KEEP


def asked(record: Record, policy: PolicySettings = POLICY, *, named: bool = False) -> str | None:
    return objection(row_of(record), record, policy, free, named=named)


def test_a_row_that_is_its_record_and_allowed_may_go() -> None:
    assert asked(a_record(number=1)) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rights": ND}, "CC-BY-ND-4.0 (nd) is not in [policy] allow"),
        ({"rights": NC}, "refuses its licence"),
        ({"rights": {}}, "no licence is stated"),
        ({"ai": {"opted_out": True}}, "opted out of use by AI"),
        ({"ai": {"generated": True}}, "made by a generator"),
        ({"creator": {"name": None}}, "nobody is named"),
        ({"evidence": ()}, "there is no evidence for its licence"),
        ({"file": None}, "the manifest holds no such image"),
    ],
)
def test_what_may_not_go_is_told_with_the_reason(changes: dict[str, Any], words: str) -> None:
    assert words in (asked(a_record(number=1, **changes)) or "")


def test_a_written_permission_stands_in_for_evidence() -> None:
    permission = {"scope": ("train", "publish"), "date": "2026-01-02", "proof": "https://example.org/letter"}
    assert asked(a_record(number=1, rights=ND, evidence=(), permission=permission)) is None
    only_training = permission | {"scope": ("train",)}
    assert asked(a_record(number=1, rights=ND, permission=only_training)) is not None


def test_a_reference_is_asked_whether_it_may_be_named() -> None:
    naming = PolicySettings(reference=("nd",))
    record = a_record(number=1, rights=ND)
    assert asked(record, naming, named=True) is None
    assert asked(record, naming, named=False) is not None
    assert asked(record, POLICY, named=True) is not None
    assert asked(a_record(number=1), naming, named=True) is not None, "it belongs among the pictures"


def test_a_takedown_stops_a_row_that_was_built_before() -> None:
    record = a_record(number=1)
    down = Verdict(reason=Reason.TAKEN_DOWN, detail="this image")
    told = objection(row_of(record), record, POLICY, lambda record: down, named=False)
    assert told == f"{Reason.TAKEN_DOWN.words}: this image"


@pytest.mark.parametrize("column", HELD_AGAINST_THE_MANIFEST)
def test_every_column_of_rights_is_held_against_the_manifest(column: str) -> None:
    record = a_record(number=1)
    row = row_of(record)
    assert column in row, "a column was renamed: the gate would not see it"
    row[column] = "something else"
    told = objection(row, record, POLICY, free, named=False)
    assert told is not None
    assert f"its {column} is 'something else'" in told


def write(folder: Path, *records: Record, drop: tuple[str, ...] = (), part: str = "data") -> None:
    rows = [row_of(record) for record in records]
    table = pa.Table.from_pylist([{k: v for k, v in row.items() if k not in drop} for row in rows])
    table = table.append_column("image", pa.array([b"x"] * len(rows)))
    (folder / part).mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / part / "train-00000-of-00001.parquet")


def test_every_row_of_every_file_is_asked_and_all_are_named(tmp_path: Path) -> None:
    records = [a_record(number=n) for n in range(1, 5)]
    bad = [a_record(number=5, ai={"opted_out": True}), a_record(number=6, rights=NC)]
    write(tmp_path, *records)
    assert check_rows(tmp_path, a_manifest(records), POLICY, free) == 4
    write(tmp_path, *records, bad[0])
    write(tmp_path, bad[1], part="metadata")
    with pytest.raises(MayNotBePublished) as raised:
        check_rows(tmp_path, a_manifest([*records, *bad]), POLICY, free)
    assert [one.uid for one in raised.value.refusals] == [one.uid for one in bad]


@pytest.mark.parametrize("column", ["uid", "license", "credit_line", "source_sha256"])
def test_a_file_without_a_column_of_rights_is_refused(tmp_path: Path, column: str) -> None:
    record = a_record(number=1)
    write(tmp_path, record, drop=(column,))
    with pytest.raises(MayNotBePublished) as raised:
        check_rows(tmp_path, a_manifest([record]), POLICY, free)
    assert f"no column {column}" in raised.value.refusals[0].what


@pytest.mark.parametrize("purpose", ["train", "private"])
def test_only_a_dataset_made_for_publishing_is_published(tmp_path: Path, purpose: Any) -> None:
    with pytest.raises(MayNotBePublished) as raised:
        check_rows(tmp_path, a_manifest([]), PolicySettings(purpose=purpose), free)
    assert raised.value.purpose == purpose


def test_files_are_those_that_were_built(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"card")
    sha256 = "4e8f7f1f9b0c4d2f9a1f5f0f3f6b0b7b4e8f7f1f9b0c4d2f9a1f5f0f3f6b0b7b"
    built = BuiltDataset.model_validate(
        {
            "path": tmp_path,
            "rows": 0,
            "splits": {},
            "bytes": 4,
            "files": [
                {"path": "README.md", "bytes": 4, "sha256": sha256},
                {"path": "gone", "bytes": 1, "sha256": sha256},
            ],
            "root_sha256": sha256,
        }
    )
    (tmp_path / "new").write_bytes(b"?")
    with pytest.raises(BuildChanged) as raised:
        check_files(built, tmp_path)
    assert set(raised.value.paths) == {"README.md", "gone", "new"}
