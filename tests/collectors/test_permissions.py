"""An artist's written yes: what is accepted, and that every mistake is named."""

import datetime
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.permissions import PermissionsBroken, deviation_id, find, read

TODAY = datetime.date(2026, 11, 2)
GOOD = {
    "author": '"ada-lane"',
    "scope": '["train", "publish"]',
    "date": "2026-03-01",
    "proof": '"https://example.org/letters/12"',
}


def written(folder: Path, *entries: dict[str, str | None]) -> Path:
    path = folder / "permissions.toml"
    tables = []
    for entry in entries:
        lines = [f"{key} = {value}" for key, value in (GOOD | entry).items() if value is not None]
        tables.append("\n".join(["[[permission]]", *lines]))
    path.write_text("\n\n".join(tables), encoding="utf-8")
    return path


def problems(path: Path) -> str:
    with pytest.raises(PermissionsBroken) as broken:
        read(path, TODAY)
    assert broken.value.path == path
    return "\n".join(broken.value.problems)


def test_a_permission_is_found_by_work_and_by_author_and_the_work_wins(tmp_path: Path) -> None:
    address = '"https://www.deviantart.com/ada-lane/art/A-red-planet-145564099"'
    granted = read(
        written(
            tmp_path, {}, {"author": None, "deviation": address, "scope": '["train"]', "until": "2028-12-31"}
        ),
        TODAY,
    )
    of_author = find(granted, "Ada-Lane", ["7"])
    of_work = find(granted, "Ada-Lane", ["145564099"])
    assert of_author
    assert (of_author.scope, of_author.date, of_author.until) == (("train", "publish"), "2026-03-01", None)
    assert of_author.proof == "https://example.org/letters/12"
    assert of_work
    assert (of_work.scope, of_work.until) == (("train",), "2028-12-31")
    assert find(granted, "bo", ["7"]) is None
    assert find(granted, None, []) is None


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"author": None}, "names neither author nor deviation"),
        ({"deviation": "7"}, "names an author and a deviation"),
        ({"author": '"ada lane"'}, "is not the name of an artist"),
        ({"author": "7"}, "is not the name of an artist"),
        ({"author": None, "deviation": '"a planet"'}, "is not a number, a UUID or an address"),
        ({"author": None, "deviation": "true"}, "is not a number, a UUID or an address"),
        ({"scope": None}, "scope is missing"),
        ({"scope": '"train"'}, "scope is missing"),
        ({"scope": "[]"}, "scope is missing"),
        ({"scope": '["train", "sell"]'}, "scope has 'sell', which is none of train, publish"),
        ({"scope": "[[1]]"}, "scope has [1]"),
        ({"scope": '["publish"]'}, "alone permits nothing"),
        ({"date": None}, "date is missing"),
        ({"date": '"last year"'}, "is not a date"),
        ({"date": "2026-11-03"}, "lies in the future"),
        ({"until": "2026-11-01"}, "expired: until = 2026-11-01"),
        ({"until": "2026-02-01"}, "lies before date"),
        ({"until": '"soon"'}, "is not a date"),
        ({"proof": None}, "proof is missing"),
        ({"proof": '"she said so"'}, "is neither"),
        ({"proof": '"sha256:12"'}, "is neither"),
        ({"file": '"letter.txt"'}, "file goes with proof = sha256"),
        ({"proof": f'"sha256:{"0" * 64}"'}, "file is missing"),
        ({"proof": f'"sha256:{"0" * 64}"', "file": '"no.txt"'}, "is not there"),
        ({"proof": f'"sha256:{"0" * 64}"', "file": '"../no.txt"'}, "leads out of the folder"),
        ({"proof": f'"sha256:{"0" * 64}"', "file": '"permissions.toml"'}, "has the hash"),
        ({"scop": '["train"]'}, "scop is not a setting"),
    ],
    ids=str,
)
def test_each_mistake_is_named_with_its_entry(
    entry: dict[str, str | None], words: str, tmp_path: Path
) -> None:
    said = problems(written(tmp_path, {"author": '"somebody-else"'}, entry))
    assert words in said
    assert "permission 2" in said
    assert "permission 1" not in said


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, {"date": "2027-01-01"}, {"scope": "[]", "proof": None}, {"author": '"x"'})
    said = problems(path)
    assert said.count("permission 1 (ada-lane)") == 1
    assert said.count("permission 2 (ada-lane)") == 2
    assert "permission 3" not in said


def test_the_last_day_still_counts(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, {"until": str(TODAY), "date": f'"{TODAY}"'}), TODAY)) == 1


def test_a_letter_kept_beside_proves_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "ada.eml").write_bytes(b"Yes, with pleasure. Ada")
    proof = f"sha256:{hashlib.sha256(b'Yes, with pleasure. Ada').hexdigest()}"
    path = written(tmp_path, {"proof": f'"{proof}"', "file": '"ada.eml"'})
    assert read(path, TODAY)[0].permission.proof == proof
    (tmp_path / "ada.eml").write_bytes(b"No.")
    assert "has the hash" in problems(path)


def test_two_words_about_the_same_work_contradict_each_other(tmp_path: Path) -> None:
    work: dict[str, str | None] = {"author": None}
    path = written(
        tmp_path, {}, {"author": '"ADA-lane"'}, work | {"deviation": "7"}, work | {"deviation": '"7"'}
    )
    said = problems(path)
    assert "author ada-lane stands here twice" in said
    assert "deviation 7 stands here twice" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[permission", "not TOML"),
        ("[permission]\nauthor = 'a'", "two brackets"),
        ("[[permissions]]\nauthor = 'a'", "permissions is not known here"),
        ("permission = [1]", "is not a table"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "permissions.toml"
    path.write_text(text, encoding="utf-8")
    assert words in problems(path)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    assert "no such file" in problems(tmp_path / "permissions.toml")
    (tmp_path / "permissions.toml").write_bytes(b"\xff\xfe")
    assert "not TOML" in problems(tmp_path / "permissions.toml")


@pytest.mark.parametrize(
    ("said", "id"),
    [
        ("145564099", "145564099"),
        ("007", "7"),
        (" 7 ", "7"),
        ("C195BDA2-FD97-05E3-697F-7437ACFAC194", "c195bda2-fd97-05e3-697f-7437acfac194"),
        ("https://www.deviantart.com/a/art/Cope-145564099", "145564099"),
        ("https://www.deviantart.com/a/art/Cope-145564099/?q=9#c8", "145564099"),
        ("https://www.deviantart.com/deviation/7", "7"),
        ("https://www.deviantart.com/a/art/Cope", None),
        ("https://www.deviantart.com/a/art/Cope145564099", None),
        ("Cope-145564099", None),
        ("٧", None),
        ("-7", None),
        ("", None),
    ],
)
def test_a_deviation_is_its_number_its_uuid_or_an_address(said: str, id: str | None) -> None:
    assert deviation_id(said) == id


@given(st.text())
def test_no_text_crashes_the_reader_of_ids(said: str) -> None:
    assert deviation_id(said) is None or deviation_id(said) == deviation_id(deviation_id(said) or "")
