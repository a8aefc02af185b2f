"""The licence audit: counts, violations, notes, and files that are safe to open."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from builders import BY, CC0, NASA, NC, ND, SA, UNKNOWN, a_manifest, a_record
from hypothesis import given
from hypothesis import strategies as st

from collectors.record import Record
from collectors.rights import LicenceClass
from curation.audit import Audit, Concern, audit, to_csv, to_json, to_markdown, write
from curation.markup import plain
from curation.settings import FREE, PolicySettings

PUBLISH = PolicySettings()


def audited(*records: Record, **settings: Any) -> Audit:
    return audit(a_manifest(records), PolicySettings(**settings))


def found(audit: Audit) -> list[tuple[str, str]]:
    return [(one.uid, one.concern.value) for one in audit.violations]


def test_free_images_with_credit_are_in_order() -> None:
    result = audited(
        a_record(number=1, rights=SA), a_record(number=2, rights=BY), a_record(number=3, rights=CC0)
    )
    assert result.violations == ()
    assert result.findings() == {}
    assert (result.total, result.files) == (3, 3)
    assert [row.policy for row in result.rows] == ["allowed"] * 3


def test_licences_and_classes_are_counted() -> None:
    refused = {"reason": "licence-refused", "detail": "no"}
    result = audited(
        a_record(number=1, rights=SA),
        a_record(number=2, rights=SA),
        a_record(number=3, rights=BY),
        a_record(number=4, rights=NC, file=None, refused=refused),
        a_record(number=5, rights=UNKNOWN, file=None),
    )
    rows = [(row.licence, row.cls.value, row.images, row.files, row.allowed) for row in result.rows]
    assert rows == [
        ("CC-BY-SA-4.0", "sa", 2, 2, 2),
        ("CC-BY-4.0", "by", 1, 1, 1),
        ("CC-BY-NC-4.0", "nc", 1, 0, 0),
        ("NOASSERTION", "unknown", 1, 0, 0),
    ]
    assert result.rows[2].policy == "refused: CC-BY-NC-4.0 (nc) is not in [policy] allow"
    assert [(row.cls, row.images) for row in result.classes] == [
        (LicenceClass.BY, 1),
        (LicenceClass.SA, 2),
        (LicenceClass.NC, 1),
        (LicenceClass.UNKNOWN, 1),
    ]
    assert result.refused == {"licence-refused": 1, "not fetched": 1}
    assert result.violations == (), "what was refused and not fetched breaks nothing"


@pytest.mark.parametrize("rights", [NC, ND, UNKNOWN])
def test_a_file_without_an_allowed_licence_is_a_violation(rights: dict[str, Any]) -> None:
    assert found(audited(a_record(rights=rights))) == [("commons:M1", "not-allowed")]
    assert found(audited(a_record(rights=rights, file=None))) == []


def test_a_file_fetched_for_review_is_a_note_while_the_recipe_says_so() -> None:
    result = audited(a_record(rights=UNKNOWN), unknown="review")
    assert result.violations == ()
    assert result.findings() == {"for-review": ("commons:M1",)}
    assert found(audited(a_record(rights=UNKNOWN), unknown="refuse")) == [("commons:M1", "not-allowed")]


@pytest.mark.parametrize(
    "missing", [{"creator": {"name": None}}, {"creator": {"name": "  "}}, {"credit_line": ""}]
)
def test_missing_credit_is_a_violation_where_the_licence_asks_for_it(missing: dict[str, Any]) -> None:
    assert found(audited(a_record(rights=BY, **missing))) == [("commons:M1", "missing-credit")]
    assert found(audited(a_record(rights=CC0, **missing))) == []
    assert found(audited(a_record(rights=BY, file=None, **missing))) == []


def test_an_opted_out_file_is_a_violation_and_is_named_once() -> None:
    out = {"opted_out": True, "signals": ["tdm-reservation: 1"]}
    result = audited(a_record(ai=out))
    assert found(result) == [("commons:M1", "opted-out")]
    assert result.violations[0].what == "tdm-reservation: 1"
    noted = audited(a_record(ai=out, file=None))
    assert noted.violations == ()
    assert noted.findings() == {"opted-out": ("commons:M1",)}


def test_conflicts_and_inferred_licences_are_notes() -> None:
    torn = BY | {"conflict": "a says CC-BY-4.0; b says CC-BY-4.0"}
    result = audited(a_record(number=1, rights=torn), a_record(number=2, rights=NASA))
    assert result.violations == ()
    assert result.findings() == {"conflict": ("commons:M1",), "inferred-only": ("commons:M2",)}
    assert result.of(Concern.INFERRED_ONLY)[0].what == "LicenseRef-PD-USGov-NASA was read from extmetadata"


def test_a_crop_that_may_not_be_published_is_noted_whatever_the_purpose() -> None:
    private = audited(a_record(rights=ND), purpose="private", allow=("nd",))
    assert private.violations == ()
    assert private.findings() == {"no-crop": ("commons:M1",)}
    published = audited(a_record(rights=ND), allow=(*FREE, "nd"))
    assert found(published) == [("commons:M1", "not-allowed")]
    assert published.findings() == {"no-crop": ("commons:M1",)}


def test_rights_that_no_longer_follow_from_the_licence_are_noted() -> None:
    result = audited(a_record(rights=ND | {"class": "by", "derivatives": True}))
    assert found(result) == [("commons:M1", "not-allowed")]
    [note] = result.of(Concern.OUTDATED)
    assert note.what == (
        "class is by in the manifest, nd by CC-BY-ND-4.0; "
        "derivatives is yes in the manifest, no by CC-BY-ND-4.0"
    )


def test_other_rights_that_the_source_warns_of_are_noted() -> None:
    result = audited(a_record(rights=BY | {"restrictions": ["trademarked", "insignia"]}))
    assert result.of(Concern.RESTRICTED)[0].what == "trademarked, insignia"


def test_a_manifest_without_records_is_audited_too() -> None:
    result = audited()
    assert (result.total, result.violations, result.rows) == (0, (), ())
    assert "No violations" in to_markdown(result)
    assert to_csv(result).count("\n") == 1


# Files


def rows_of(result: Audit) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(result))))


def test_the_table_has_a_row_an_image() -> None:
    refused = {"reason": "no-licence", "detail": "no readable licence"}
    result = audited(
        a_record(number=1, rights=ND), a_record(number=2, rights=UNKNOWN, file=None, refused=refused)
    )
    first, second = rows_of(result)
    assert first["uid"] == "commons:M1"
    assert (first["licence"], first["cls"], first["derivatives"]) == ("CC-BY-ND-4.0", "nd", "no")
    assert (first["policy"], first["concerns"]) == ("licence-refused", "not-allowed, no-crop")
    assert first["policy_detail"] == "CC-BY-ND-4.0 (nd) is not in [policy] allow"
    assert (second["derivatives"], second["sha256"]) == ("", "")
    assert (second["refused"], second["refused_detail"]) == ("no-licence", "no readable licence")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r+", "  -", "＝"])
def test_no_cell_of_the_table_is_a_formula(sign: str) -> None:
    evil = f'{sign}HYPERLINK("https://example.org";"M 42")'
    [row] = rows_of(audited(a_record(title=evil, credit_line=evil, creator={"name": evil})))
    assert row["title"][0] == row["creator"][0] == row["credit_line"][0] == "'"


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_title_and_name_is_one_cell_of_the_table(title: str, name: str) -> None:
    result = audited(a_record(title=title, creator={"name": name}))
    [row] = csv.DictReader(io.StringIO(to_csv(result), newline=""))
    assert row["title"].removeprefix("'") == plain(title).removeprefix("'")
    assert row["creator"].removeprefix("'") == plain(name).removeprefix("'")


def test_the_page_shows_foreign_words_as_words() -> None:
    evil = "](https://evil.example) | <script>alert(1)</script>\n# not a heading"
    torn = BY | {"conflict": evil}
    page = to_markdown(audited(a_record(title=evil, rights=torn, page="javascript:alert(1)")))
    assert "<script>" not in page
    assert "\n# not" not in page
    assert "](javascript" not in page
    assert "](https://evil" not in page


def test_the_page_puts_violations_first() -> None:
    page = to_markdown(audited(a_record(number=1, rights=NC), a_record(number=2, rights=NASA)))
    assert page.startswith("# Licence audit of nebulae\n\n2 images, 2 with a file.")
    assert page.index("## 1 violations") < page.index("## Licences") < page.index("## Its licence was read")


def test_a_long_list_of_notes_is_cut_and_says_so() -> None:
    records = [a_record(number=number, rights=NASA) for number in range(1, 61)]
    page = to_markdown(audited(*records))
    assert "- and 10 more, in `audit.csv`" in page


def test_the_json_holds_everything_with_the_violations() -> None:
    result = audited(a_record(number=1, rights=NC), a_record(number=2, rights=SA))
    value = json.loads(to_json(result))
    assert [one["concern"] for one in value["violations"]] == ["not-allowed"]
    assert [image["uid"] for image in value["images"]] == ["commons:M1", "commons:M2"]
    assert Audit.model_validate(value) == result


def test_the_three_files_are_written_and_are_the_same_every_time(tmp_path: Path) -> None:
    result = audited(a_record(number=1, rights=NC), a_record(number=2, rights=NASA))
    write(result, tmp_path / "audit")
    first = {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()}
    assert sorted(first) == ["audit.csv", "audit.json", "audit.md"]
    write(audited(a_record(number=2, rights=NASA), a_record(number=1, rights=NC)), tmp_path / "audit")
    assert {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()} == first
