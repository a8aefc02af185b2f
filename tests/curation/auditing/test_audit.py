"""The licence audit: counts, violations, notes, and files that are safe to open."""

import csv
import io
import json
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import BY, CC0, NASA, NC, ND, SA, UNKNOWN, a_manifest, a_record
from hypothesis import given
from hypothesis import strategies as st

from collectors import licences
from collectors import manifest as manifests
from collectors.licences.table import PD_UNKNOWN_BASIS
from collectors.manifest import Header, Manifest, ManifestBroken
from collectors.record import Record
from collectors.rights import LicenceClass
from curation.auditing import audit_page
from curation.auditing.audit import Audit, Concern, audit, to_csv, to_json, to_markdown, write
from curation.markup import plain
from curation.purposes import collisions
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
    assert result.noted == {}
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
    assert result.noted == {"for-review": ("commons:M1",)}
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
    assert noted.noted == {"opted-out": ("commons:M1",)}


def test_conflicts_and_inferred_licences_are_notes() -> None:
    torn = BY | {"conflict": "a says CC-BY-4.0; b says CC-BY-4.0"}
    result = audited(a_record(number=1, rights=torn), a_record(number=2, rights=NASA))
    assert result.violations == ()
    assert result.noted == {"conflict": ("commons:M1",), "inferred-only": ("commons:M2",)}
    assert result.of(Concern.INFERRED_ONLY)[0].what == "LicenseRef-PD-USGov-NASA was read from extmetadata"


def test_a_public_domain_on_no_stated_ground_is_noted_and_allowed() -> None:
    groundless = CC0 | dict.fromkeys(("expression", "chosen"), PD_UNKNOWN_BASIS)
    record = a_record(rights=groundless)
    result = audited(record)
    assert result.noted["no-grounds"] == ("commons:M1",)
    assert result.violations == ()


def test_a_crop_that_may_not_be_published_is_noted_whatever_the_purpose() -> None:
    private = audited(a_record(rights=ND), purpose="private", allow=("nd",))
    assert private.violations == ()
    assert private.noted == {"no-crop": ("commons:M1",)}
    published = audited(a_record(rights=ND), allow=(*FREE, "nd"))
    assert found(published) == [("commons:M1", "not-allowed")]
    assert published.noted == {"no-crop": ("commons:M1",)}


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
    assert to_csv(result, a_manifest([])).count("\n") == 1
    assert json.loads(to_json(result, a_manifest([])))["images"] == []


# Files


def rows_of(*records: Record) -> list[dict[str, str]]:
    table = to_csv(audited(*records), a_manifest(records))
    return list(csv.DictReader(io.StringIO(table, newline="")))


def test_the_table_has_a_row_an_image() -> None:
    refused = {"reason": "no-licence", "detail": "no readable licence"}
    first, second = rows_of(
        a_record(number=1, rights=ND), a_record(number=2, rights=UNKNOWN, file=None, refused=refused)
    )
    assert first["uid"] == "commons:M1"
    assert (first["licence"], first["cls"], first["derivatives"]) == ("CC-BY-ND-4.0", "nd", "no")
    assert (first["policy"], first["concerns"]) == ("licence-refused", "not-allowed, no-crop")
    assert first["policy_detail"] == "CC-BY-ND-4.0 (nd) is not in [policy] allow"
    assert (second["derivatives"], second["sha256"]) == ("", "")
    assert (second["refused"], second["refused_detail"]) == ("no-licence", "no readable licence")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r+", "  -", "＝"])
def test_no_cell_of_the_table_is_a_formula(sign: str) -> None:
    evil = f'{sign}HYPERLINK("https://example.org";"M 42")'
    [row] = rows_of(a_record(title=evil, credit_line=evil, creator={"name": evil}))
    assert row["title"][0] == row["creator"][0] == row["credit_line"][0] == "'"


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_title_and_name_is_one_cell_of_the_table(title: str, name: str) -> None:
    [row] = rows_of(a_record(title=title, creator={"name": name}))
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
    records = a_record(number=1, rights=NC), a_record(number=2, rights=SA, title="File:\u2028\n.jpg")
    result = audited(*records)
    text = to_json(result, a_manifest(records))
    value = json.loads(text)
    assert sum(line.startswith('    {"uid"') for line in text.split("\n")) == 2, "an image is a line"
    assert [one["concern"] for one in value["violations"]] == ["not-allowed"]
    assert [image["uid"] for image in value.pop("images")] == ["commons:M1", "commons:M2"]
    assert Audit.model_validate(value) == result


def test_the_files_are_written_and_are_the_same_every_time(tmp_path: Path) -> None:
    def written(*records: Record) -> dict[str, bytes]:
        manifest = a_manifest(records)
        write(audit(manifest, PUBLISH), manifest, tmp_path / "audit")
        return {path.name: path.read_bytes() for path in (tmp_path / "audit").iterdir()}

    first, second = a_record(number=1, rights=NC), a_record(number=2, rights=NASA)
    files = written(first, second)
    assert sorted(files) == [
        "attribution.csv",
        "attribution.md",
        "attribution.spdx.json",
        "audit.csv",
        "audit.html",
        "audit.json",
        "audit.md",
    ]
    assert written(second, first) == files


# What the whole may be used for


def purposes(result: Audit) -> dict[str, bool]:
    return {one.purpose: one.may for one in result.purposes}


def said(result: Audit, purpose: str) -> Any:
    return next(one for one in result.purposes if one.purpose == purpose)


def test_a_whole_of_free_images_may_serve_every_purpose_on_terms() -> None:
    result = audited(
        a_record(number=1, rights=SA), a_record(number=2, rights=BY), a_record(number=3, rights=CC0)
    )
    assert purposes(result) == {"train": True, "publish": True, "private": True}
    publish = said(result, "publish")
    assert publish.words.startswith(
        "All 3 images may be published under these terms, with the attribution list: each has"
    )
    assert [words.partition(":")[0] for words in publish.terms] == ["Credit", "Share alike"]
    assert publish.terms[0].startswith(
        "Credit: 2 images must be shown with title, author, source and licence"
    )
    assert publish.against == ()


def test_what_stands_in_the_way_of_a_purpose_is_counted() -> None:
    allow = (*FREE, "nd", "nc")
    result = audited(
        a_record(number=1, rights=ND),
        a_record(number=2, rights=BY, creator={"name": None}),
        a_record(number=3, rights=NC),
        allow=allow,
    )
    assert purposes(result) == {"train": True, "publish": False, "private": True}
    publish = said(result, "publish")
    assert publish.words == (
        "The whole, as it is, not: 2 of 3 images stand in the way. The other 1 may be published."
    )
    assert set(publish.against) == {
        "1 × licence-refused: CC-BY-ND-4.0 does not allow a crop to be published",
        "1 × no-credit: CC BY 4.0: no creator",
    }
    assert any(words.startswith("No derivatives: of 1 image") for words in said(result, "train").terms)
    assert any(words.startswith("Non-commercial: 1 image ") for words in said(result, "train").terms)


def test_an_opt_out_stands_in_the_way_of_every_purpose() -> None:
    result = audited(a_record(number=1), a_record(number=2, ai={"opted_out": True}))
    assert purposes(result) == {"train": False, "publish": False, "private": False}


def test_nothing_fetched_may_serve_nothing() -> None:
    result = audited(a_record(file=None))
    assert purposes(result) == {"train": False, "publish": False, "private": False}
    assert said(result, "train").words.startswith("Nothing was fetched")


def test_a_written_permission_is_a_term_of_its_own_and_no_licence() -> None:
    letter = {"scope": ["train", "publish"], "date": "2026-03-01", "proof": "https://example.org/letter"}
    closed = {"expression": "LicenseRef-AllRightsReserved", "chosen": "LicenseRef-AllRightsReserved"}
    result = audited(a_record(number=1, rights=closed | {"class": "closed"}, permission=letter))
    assert purposes(result)["publish"]
    assert said(result, "publish").terms == (
        "By letter: 1 image by their author's written permission, in its scope.",
    )


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["CC-BY-SA-4.0"], []),
        (["CC0-1.0", "CC-BY-4.0"], ["A collection under 2 licences"]),
        (["CC-BY-SA-2.0", "CC-BY-SA-4.0", "LAL-1.3"], ["A collection under 3 licences"]),
        (["CC-BY-SA-3.0", "GFDL-1.2-or-later"], ["A collection", "Share-alike licences that exclude"]),
        (["CC-BY-SA-1.0", "CC-BY-SA-4.0"], ["A collection", "Share-alike licences that exclude"]),
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], ["A c", "CC BY-SA 4.0 beside CC BY-NC 4.0", "CC BY-NC 4.0 among"]),
        (["CC-BY-4.0", "CC-BY-ND-4.0"], ["A collection", "CC BY-ND 4.0: shared unchanged or not at all"]),
    ],
)  # fmt: skip
def test_licences_that_do_not_go_together_are_explained(ids: list[str], words: list[str]) -> None:
    told = collisions(map(licences.get, ids))
    assert [one[: len(begin)] for one, begin in zip(told, words, strict=True)] == words


@given(st.sets(st.sampled_from(sorted(licences.TABLE)), max_size=6))
def test_every_set_of_licences_is_explained_whatever_its_order(ids: set[str]) -> None:
    used = [licences.get(id) for id in ids]
    assert collisions(used) == collisions(reversed(used))
    assert (collisions(used) == ()) is (len(used) < 2)


# The page of evidence


def page_of(manifest: Manifest, folder: Path) -> str:
    write(audit(manifest, PUBLISH), manifest, folder)
    return (folder / "audit.html").read_text()


def test_the_page_shows_each_images_evidence_and_nothing_runs_in_it(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    record = a_record(
        title=evil, rights=NC | {"conflict": evil}, creator={"name": evil, "url": "javascript:1"}
    )
    manifest = a_manifest([record, a_record(number=2)])
    page = page_of(manifest, tmp_path)
    assert "<script" not in page
    assert "javascript:" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#39;none&#39;" in page
    assert "script-src &#39;none&#39;" in page
    for part in ("extmetadata · LicenseUrl", "https://creativecommons.org/licenses/by-sa/4.0", record.uid):
        assert part in page
    assert page.count("<details>") == 2
    listed = page.partition('id="images"')[2]
    assert listed.index(">violation<") < listed.index(">allowed<")


def test_a_long_page_is_cut_after_what_matters_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_page, "MOST", 2)
    records = [
        a_record(number=1, file=None),
        a_record(number=2),
        a_record(number=3),
        a_record(number=4, rights=NC),
    ]
    page = page_of(a_manifest(records), tmp_path)
    assert [uid in page for uid in ("commons:M4", "commons:M2", "commons:M3", "commons:M1")] == [
        True,
        True,
        False,
        False,
    ]
    assert "And 2 more, in <code>audit.csv</code>." in page


# Manifests on the disk


def test_a_manifest_on_the_disk_gives_the_files_of_one_in_memory(tmp_path: Path) -> None:
    rights = (SA, NC, NASA, BY | {"conflict": "a; b"}, CC0)
    manifest = a_manifest([a_record(number=n, rights=rights[n % 5]) for n in range(1, 20)])
    manifests.write(manifest, tmp_path / "m.jsonl")
    there = manifests.stream(tmp_path / "m.jsonl")
    assert audit(there, PUBLISH) == audit(manifest, PUBLISH)
    write(audit(there, PUBLISH), there, tmp_path / "a")
    write(audit(manifest, PUBLISH), manifest, tmp_path / "b")
    for one in (tmp_path / "a").iterdir():
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes()


def test_no_file_is_written_from_a_manifest_whose_seal_breaks_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    manifests.write(a_manifest([a_record(number=n) for n in (1, 2, 3)]), path)
    found = audit(manifests.stream(path), PUBLISH)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(ManifestBroken, match="promises 3"):
        write(found, manifests.stream(path), tmp_path / "audit")
    assert list((tmp_path / "audit").iterdir()) == []


def test_an_audit_holds_a_few_records_at_a_time_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_page, "MOST", 20)
    model = a_record(number=1, rights=NASA)

    @dataclass(frozen=True)
    class Counted:
        """A manifest that knows how many of its records somebody still holds."""

        header: Header
        most: list[int]

        @property
        def records(self) -> Iterator[Record]:
            alive: list[weakref.ref[Record]] = []
            for number in range(1_000):
                record = model.model_copy(update={"uid": f"commons:M{number:05}"})
                alive = [*(one for one in alive if one() is not None), weakref.ref(record)]
                self.most.append(len(alive))
                yield record

    listing = Counted(a_manifest([model]).header, [])
    found = audit(listing, PolicySettings(purpose="train"))
    assert len(found.noted["inferred-only"]) == len(listing.most) == 1_000
    assert max(listing.most) <= 3
    write(found, listing, tmp_path / "audit")
    assert max(listing.most) <= 20 + 3, "those that the page shows"
