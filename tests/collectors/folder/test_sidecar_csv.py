"""The sidecar as a CSV table: the same fields, every mistake with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.folder import sidecar, sidecar_csv
from collectors.folder.sidecar import Credit, SidecarBroken

TABLE = """file,title,page,creator,licence,how_known,taken,categories,ai_opted_out
orion/m42.jpg,"Orion, the ""Great"" Nebula",https://e.org/m42,Ada,CC-BY-4.0,her page,2011,Nebula; M 42;,FALSE
m8.jpg,,,,CC0-1.0,,,,
"""


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "credits.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistakes(folder: Path, text: str | bytes) -> list[tuple[int | None, str]]:
    with pytest.raises(SidecarBroken) as caught:
        sidecar.read(table(folder, text))
    return list(caught.value.mistakes)


def test_a_row_says_what_a_line_of_json_says(tmp_path: Path) -> None:
    said = {
        "file": "orion/m42.jpg",
        "title": 'Orion, the "Great" Nebula',
        "page": "https://e.org/m42",
        "creator": "Ada",
        "licence": "CC-BY-4.0",
        "how_known": "her page",
        "taken": "2011",
        "categories": ["Nebula", "M 42"],
        "ai_opted_out": False,
    }
    lines = tmp_path / "credits.jsonl"
    lines.write_text(json.dumps(said) + '\n{"file": "m8.jpg", "licence": "CC0-1.0"}\n')
    assert sidecar.read(table(tmp_path, TABLE)) == sidecar.read(lines)


def test_an_empty_cell_is_not_known(tmp_path: Path) -> None:
    credit = sidecar.read(table(tmp_path, TABLE))[1]
    assert (credit.title, credit.categories, credit.ai_opted_out) == (None, (), None)
    assert credit.model_fields_set == {"file", "licence"}


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    excel = "\ufefffile,ai_generated\r\na.jpg,TRUE\r\n,\r\nb.jpg,\r\n"
    credits = sidecar.read(table(tmp_path, excel))
    assert [(one.file, one.ai_generated) for one in credits] == [("a.jpg", True), ("b.jpg", None)]


@pytest.mark.parametrize(("separator", "words"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_with_other_separators_is_told_so(tmp_path: Path, separator: str, words: str) -> None:
    found = mistakes(tmp_path, TABLE.splitlines()[0].replace(",", separator) + "\n")
    assert found == [(1, f"the columns are separated by {words}; save the table with commas")]


def test_mistakes_of_the_header_are_named_once(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "name,License,title,title,\na.jpg,CC0-1.0,,,\n") == [
        (1, "name is not a field"),
        (1, "License is not a field (did you mean licence?)"),
        (1, "title stands there twice"),
        (1, "a column has no name"),
        (1, "the column file is missing"),
    ]


def test_every_mistake_of_the_rows_is_named_with_the_line_the_row_begins_in(tmp_path: Path) -> None:
    text = (
        "file,description,page,ai_opted_out\n"
        'a.jpg,"two\nlines",,\n'
        "../b.jpg,,ftp://x,perhaps\n"
        "c.jpg,too few\n"
        ",no name,,\n"
        "a.jpg,,,\n"
    )
    assert mistakes(tmp_path, text) == [
        (4, "file = '../b.jpg' leads out of the folder"),
        (4, "page = 'ftp://x' is not an http or https address"),
        (4, "ai_opted_out = 'perhaps' is not true or false"),
        (5, "2 cells, the header has 4"),
        (6, "file is empty (leave it out where it is not known)"),
        (7, "file = 'a.jpg' stands in line 2 already"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"file,creator\na.jpg,Ada\nb.jpg,Jos\xe9\n", 3, "not UTF-8"),
        (b'file,title\na.jpg,"never closed\n', 2, "not CSV"),
        (b'file,title\na.jpg,"closed" and more\n', 2, "not CSV"),
        (b"file,title\na.jpg," + b"x" * 200_000, 2, "not CSV"),
    ],
)
def test_bytes_that_are_no_table_are_a_mistake_of_their_line(
    tmp_path: Path, text: bytes, line: int, words: str
) -> None:
    ((number, problem),) = mistakes(tmp_path, text)
    assert number == line
    assert problem.startswith(words)


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    assert sidecar.read(table(tmp_path, "")) == []


@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_a_mistake_and_never_a_crash(content: bytes) -> None:
    for line, row in sidecar_csv.rows(b"file,title\n" + content, Credit.model_fields):
        assert line >= 1
        assert isinstance(row, str) or "file" in row
