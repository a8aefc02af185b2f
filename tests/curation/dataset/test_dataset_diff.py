"""What changed between two datasets: rights before all else, and pixels only by their hash."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.dataset.columns import COLUMNS
from curation.dataset.diff import (
    EVIDENCE,
    PIXELS,
    RIGHTS,
    NoRows,
    diff,
    lines,
    part_of,
    read_rows,
    to_markdown,
)


def a_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "uid": f"commons:M{number}",
        "title": f"Nebula {number}",
        "page": f"https://commons.wikimedia.org/wiki/File:Nebula_{number}.jpg",
        "license": "CC-BY-4.0",
        "share_alike": False,
        "image_sha256": f"{number:064}",
        "alternates": [],
        "part": "train",
    } | changes


def rows(*some: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["uid"]: row for row in some}


def test_rows_that_came_and_went_are_named() -> None:
    found = diff(rows(a_row(1), a_row(2)), rows(a_row(2), a_row(3, part="test")))
    assert [(one.uid, one.part, one.licence) for one in found.added] == [("commons:M3", "test", "CC-BY-4.0")]
    assert [one.uid for one in found.removed] == ["commons:M1"]
    assert (found.changed, found.same) == ((), 1)


def test_changed_rights_come_first_and_say_what_they_were() -> None:
    old = rows(a_row(1), a_row(2), a_row(3))
    new = rows(
        a_row(1, title="Another name"),
        a_row(2),
        a_row(3, license="CC-BY-SA-4.0", share_alike=True),
    )
    found = diff(old, new)
    assert [one.uid for one in found.changed] == ["commons:M3", "commons:M1"]
    assert [one.column for one in found.changed[0].columns] == ["license", "share_alike"]
    assert [one.uid for one in found.rights] == ["commons:M3"]
    (first, second) = lines(found)
    assert first == (
        "commons:M3",
        "rights",
        "license: CC-BY-4.0 → CC-BY-SA-4.0; share_alike: no → yes",
    )
    assert second == ("commons:M1", "changed", "title: Nebula 1 → Another name")
    assert found.words == "0 added, 0 removed, 2 changed (1 in their rights, 0 in their pixels), 1 as before"


def test_a_permission_that_is_not_known_any_more_is_no_no() -> None:
    found = diff(rows(a_row(1)), rows(a_row(1, share_alike=None)))
    assert [one.words for one in found.changed[0].columns] == ["share_alike: no → not known"]


def test_pixels_and_the_side_of_the_split_are_told() -> None:
    found = diff(rows(a_row(1)), rows(a_row(1, image_sha256="f" * 64, part="test")))
    assert [one.words for one in found.changed[0].columns] == ["other pixels", "part: train → test"]
    assert found.changed[0].pixels
    assert not found.changed[0].rights


def test_columns_that_only_one_of_them_has_change_no_row() -> None:
    old = {uid: {k: v for k, v in row.items() if k != "alternates"} for uid, row in rows(a_row(1)).items()}
    found = diff(old, rows(a_row(1)))
    assert (found.new_columns, found.gone_columns, found.same) == (("alternates",), (), 1)
    assert diff(rows(a_row(1)), old).gone_columns == ("alternates",)


def test_the_same_is_the_same_and_against_nothing_all_is_new() -> None:
    some = rows(a_row(1), a_row(2))
    assert diff(some, some).same == 2
    assert list(lines(diff(some, some))) == []
    assert len(diff({}, some).added) == len(diff(some, {}).removed) == 2
    assert diff({}, some).new_columns == ()


def test_the_columns_that_count_as_rights_exist() -> None:
    assert {*RIGHTS, PIXELS, EVIDENCE} <= {column.name for column in COLUMNS}


def test_the_page_for_people_shows_hostile_titles_as_text() -> None:
    hostile = "<script>alert(1)</script> | [x](javascript:y)"
    text = to_markdown(diff(rows(a_row(1)), rows(a_row(1, title=hostile))))
    assert "<script>" not in text
    assert "| [commons:M1](https://commons.wikimedia.org/" in text


# Reading


def written(path: Path, *some: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = [{k: v for k, v in row.items() if k != "part"} | {"image": {"bytes": b"x"}} for row in some]
    pq.write_table(pa.Table.from_pylist(values), path)
    return path


def test_a_folder_of_any_parquet_files_is_read_with_its_parts_and_without_pictures(tmp_path: Path) -> None:
    one, two = a_row(1), a_row(2, part="test")
    written(tmp_path / "data" / "train-00000-of-00001.parquet", one)
    written(tmp_path / "data" / "test-00000-of-00001.parquet", two)
    assert read_rows(tmp_path) == rows(one, two)
    assert read_rows(tmp_path / "data" / "train-00000-of-00001.parquet") == rows(one)


def test_where_there_is_metadata_nothing_else_is_opened_but_references(tmp_path: Path) -> None:
    written(tmp_path / "metadata" / "train-00000-of-00001.parquet", a_row(1))
    written(tmp_path / "references" / "train-00000-of-00001.parquet", a_row(2))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-00000-of-00001.parquet").write_bytes(b"not Parquet")
    assert {uid: row["part"] for uid, row in read_rows(tmp_path).items()} == {
        "commons:M1": "train",
        "commons:M2": "references",
    }


@pytest.mark.parametrize("content", [None, b"PAR1 but no more", {"name": "x"}])
def test_what_holds_no_rows_is_refused_with_the_reason(tmp_path: Path, content: Any) -> None:
    if isinstance(content, bytes):
        (tmp_path / "a.parquet").write_bytes(content)
    elif content:
        pq.write_table(pa.Table.from_pylist([content]), tmp_path / "a.parquet")
    with pytest.raises(NoRows) as caught:
        read_rows(tmp_path)
    assert caught.value.problem


def test_parts_are_read_from_names_as_the_hub_writes_them() -> None:
    assert part_of(Path("data/test-00000-of-00002.parquet")) == "test"
    assert part_of(Path("references/train-00000-of-00001.parquet")) == "references"
    assert part_of(Path("anything.parquet")) == "anything"
