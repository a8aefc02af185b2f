"""The sidecar: read strictly, every mistake named with its line."""

import json
from pathlib import Path

import pytest

from collectors.folder import sidecar
from collectors.folder.sidecar import Credit, SidecarBroken

GOOD = {
    "file": "orion/m42.jpg",
    "title": "Orion Nebula",
    "page": "https://example.org/m42",
    "creator": "Ada Lane",
    "creator_url": "https://example.org/ada",
    "licence": "CC-BY-4.0",
    "licence_url": "https://creativecommons.org/licenses/by/4.0/",
    "how_known": "her own page says so",
    "taken": "2011-03-17",
    "description": "Emission nebula in Orion.",
    "categories": ["Emission nebula"],
    "ai_opted_out": False,
    "ai_generated": False,
}


def written(folder: Path, *lines: object) -> Path:
    path = folder / "credits.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def mistakes(folder: Path, *lines: object) -> list[tuple[int | None, str]]:
    with pytest.raises(SidecarBroken) as caught:
        sidecar.read(written(folder, *lines))
    return list(caught.value.mistakes)


def test_a_full_line_comes_back_as_it_was_written(tmp_path: Path) -> None:
    (credit,) = sidecar.read(written(tmp_path, GOOD))
    assert credit.model_dump(mode="json", exclude_unset=True) == GOOD


def test_what_a_line_does_not_say_is_not_known(tmp_path: Path) -> None:
    (credit,) = sidecar.read(written(tmp_path, {"file": "a.jpg"}))
    assert (credit.licence, credit.creator, credit.ai_opted_out) == (None, None, None)


def test_blank_lines_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "credits.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"file": "a.jpg"}\r\n\r\n{"file": "b.jpg"}')
    assert [credit.file for credit in sidecar.read(path)] == ["a.jpg", "b.jpg"]


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    (credit,) = sidecar.read(written(tmp_path, {"file": "a.jpg", "title": "one\u2028two\x85three"}))
    assert credit.title == "one\u2028two\x85three"


def test_every_mistake_of_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        GOOD,
        {"file": "b.jpg", "license": "CC0-1.0"},
        "{not json",
        {"title": "no file"},
        {"file": "c.jpg", "page": "ftp://example.org/c", "categories": "nebula"},
    )
    assert [number for number, _ in found] == [2, 3, 4, 5, 5]
    words = [problem for _, problem in found]
    assert words[0] == "license is not a field (did you mean licence?)"
    assert words[1].startswith("not JSON")
    assert words[2] == "file is missing"
    assert "page = 'ftp://example.org/c' is not an http or https address" in words[3:]
    assert "categories = 'nebula' is not a list" in words[3:]


def test_the_first_mistake_is_the_error_itself(tmp_path: Path) -> None:
    path = written(tmp_path, {"file": "a.jpg"}, "[]")
    with pytest.raises(SidecarBroken) as caught:
        sidecar.read(path)
    error = caught.value
    assert (error.path, error.line, error.problem) == (path, 2, "not a JSON object")
    assert str(error) == f"{path}, line 2: not a JSON object"


def test_the_message_lists_the_mistakes_and_counts_those_it_leaves_out(tmp_path: Path) -> None:
    lines: list[object] = [{"file": f"{number}.jpg", "licence": ""} for number in range(25)]
    with pytest.raises(SidecarBroken) as caught:
        sidecar.read(written(tmp_path, *lines))
    first, *shown, last = str(caught.value).splitlines()
    assert first.endswith("credits.jsonl has 25 mistakes")
    assert shown[0] == "  line 1: licence is empty (leave it out where it is not known)"
    assert (len(shown), last) == (20, "  … and 5 more")
    assert len(caught.value.mistakes) == 25


@pytest.mark.parametrize(
    "file",
    ["../secret.jpg", "a/../../b.jpg", "/etc/passwd", "C:/windows/a.jpg", "a\\b.jpg", "a\0.jpg", ".", ""],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    ((number, problem),) = mistakes(tmp_path, {"file": file})
    assert number == 1
    assert problem.startswith("file ")


def test_a_name_is_kept_in_its_plain_form(tmp_path: Path) -> None:
    (credit,) = sidecar.read(written(tmp_path, {"file": "./a//b.jpg"}))
    assert credit.file == "a/b.jpg"


def test_two_lines_for_one_file_are_a_mistake_however_it_is_spelt(tmp_path: Path) -> None:
    found = mistakes(tmp_path, {"file": "caf\u00e9.jpg"}, {"file": "b.jpg"}, {"file": "cafe\u0301.jpg"})
    assert found == [(3, "file = 'cafe\u0301.jpg' stands in line 1 already")]


def test_a_field_that_stands_twice_in_a_line_is_a_mistake(tmp_path: Path) -> None:
    line = '{"file": "a.jpg", "licence": "CC-BY-ND-4.0", "licence": "CC0-1.0"}'
    assert mistakes(tmp_path, line) == [(1, "licence stands there twice")]


@pytest.mark.parametrize("value", [0, 1, "true", "no"])
def test_yes_and_no_are_not_guessed_from_other_values(tmp_path: Path, value: object) -> None:
    ((_, problem),) = mistakes(tmp_path, {"file": "a.jpg", "ai_opted_out": value})
    assert problem == f"ai_opted_out = {value!r} is not true or false"


@pytest.mark.parametrize("taken", ["17.3.2011", "2011-13", "2011-02-40", "yesterday", 2011])
def test_a_date_that_cannot_be_read_is_a_mistake(tmp_path: Path, taken: object) -> None:
    ((_, problem),) = mistakes(tmp_path, {"file": "a.jpg", "taken": taken})
    assert problem.startswith("taken = ")


def test_an_empty_text_is_not_a_way_to_say_unknown(tmp_path: Path) -> None:
    ((_, problem),) = mistakes(tmp_path, {"file": "a.jpg", "licence": ""})
    assert problem == "licence is empty (leave it out where it is not known)"


def test_bytes_that_are_no_utf8_are_a_mistake_of_their_line(tmp_path: Path) -> None:
    path = tmp_path / "credits.jsonl"
    path.write_bytes(b'{"file": "a.jpg"}\n{"file": "b.jpg", "creator": "Jos\xe9"}\n')
    with pytest.raises(SidecarBroken) as caught:
        sidecar.read(path)
    assert caught.value.line == 2


def test_nesting_without_end_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    ((number, problem),) = mistakes(tmp_path, "[" * 200_000)
    assert number == 1
    assert problem.startswith("not JSON")


def test_a_derived_picture_names_another_line(tmp_path: Path) -> None:
    pair = [{"file": "a.jpg"}, {"file": "small.jpg", "derived_from": "a.jpg"}]
    assert sidecar.read(written(tmp_path, *pair))[1].derived_from == "a.jpg"
    found = mistakes(
        tmp_path,
        {"file": "a.jpg", "derived_from": "a.jpg"},
        {"file": "b.jpg", "derived_from": "gone.jpg"},
    )
    assert found == [
        (1, "derived_from names the file itself"),
        (2, "derived_from = 'gone.jpg' is not a file of this sidecar"),
    ]


def test_a_missing_sidecar_is_named_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(SidecarBroken) as caught:
        sidecar.read(tmp_path / "credits.jsonl")
    assert caught.value.line is None
    assert "no such file" in str(caught.value)


def test_the_fields_are_the_ones_that_are_documented() -> None:
    assert set(GOOD) | {"derived_from"} == set(Credit.model_fields)
