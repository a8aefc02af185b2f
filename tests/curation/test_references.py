"""Reference rows: images that may be trained on and not handed on are named without their pixels."""

import csv
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from builders import (
    BY,
    CC0,
    NC,
    ND,
    SA,
    UNKNOWN,
    a_judgement,
    a_manifest,
    a_nebula,
    a_record,
    encoded,
    stored,
)
from hypothesis import given
from hypothesis import strategies as st

from collectors import licences
from collectors.record import Record, Verdict
from collectors.rights import LicenceClass
from collectors.storage.workspace import Workspace
from curation.auditing.audit import audit, write
from curation.dataset.write import BuiltDataset, build
from curation.policy import check_settings, consequence, may_fetch, may_publish, may_reference
from curation.settings import FREE, CurateSettings, PolicySettings, PublishSettings

REFERRING = PolicySettings(reference=("nd", "nc"))
CLOSED = BY | {"expression": "LicenseRef-AllRightsReserved", "chosen": "LicenseRef-AllRightsReserved"}
CLOSED |= {"class": "closed", "commercial": False, "derivatives": False}


def built(folder: Path, *records: Record, references: bool = True, policy: Any = REFERRING) -> BuiltDataset:
    workspace = Workspace(folder)
    fetched = [
        stored(record, workspace.originals, encoded(a_nebula(number, (20, 20))))
        for number, record in enumerate(records)
    ]
    judged = [
        a_judgement(one, width=20, height=20, box=(0, 0, 20, 20))
        if (verdict := may_publish(one, policy)).keep
        else a_judgement(one, verdict=verdict)
        for one in fetched
    ]
    small = CurateSettings(size=16)
    return build(
        a_manifest(fetched),
        judged,
        workspace,
        small,
        policy=policy,
        publish=PublishSettings(references=references),
    )


@pytest.fixture
def dataset(tmp_path: Path) -> BuiltDataset:
    return built(
        tmp_path, a_record(number=1, rights=SA), a_record(number=2, rights=ND), a_record(number=3, rights=NC)
    )


def test_anybody_can_load_the_references_and_the_default_holds_no_null_image(
    dataset: BuiltDataset, tmp_path: Path
) -> None:
    cache = str(tmp_path / "cache")
    default = datasets.load_dataset(str(dataset.path), cache_dir=cache, split="train")
    named = datasets.load_dataset(str(dataset.path), "references", cache_dir=cache, split="train")
    assert default["uid"][:] == ["commons:M1"]
    assert all(image is not None for image in default["image"])
    assert named["uid"][:] == ["commons:M2", "commons:M3"]
    assert list(named["image"]) == [None, None]
    assert named["license"][:] == ["CC-BY-ND-4.0", "CC-BY-NC-4.0"]
    assert all(named["source_sha256"])
    assert all(named["page"])
    assert default.features == named.features


def test_the_card_declares_them_and_says_how_to_fetch(dataset: BuiltDataset) -> None:
    card = (dataset.path / "README.md").read_text()
    assert (
        "- config_name: references\n  data_files:\n  - split: train\n    path: references/train-*\n" in card
    )
    assert "2 more images may be trained on, but not handed on" in card
    assert "seen, 1 is here and 2 are references." in card
    assert "`source_sha256`" in card
    assert (dataset.rows, dataset.references) == (1, 2)


def test_the_card_speaks_of_one_reference_as_one(tmp_path: Path) -> None:
    made = built(tmp_path, a_record(number=1, rights=SA), a_record(number=2, rights=ND))
    card = (made.path / "README.md").read_text()
    assert "1 more image may be trained on, but not handed on" in card
    assert "Of 2 images seen, 1 is here and 1 is a reference." in card


def test_without_references_nothing_speaks_of_them(tmp_path: Path) -> None:
    records = [a_record(number=1, rights=SA), a_record(number=2, rights=ND)]
    silent = built(tmp_path / "silent", *records, references=False)
    plain = built(tmp_path / "plain", *records, policy=PolicySettings())
    for one in (silent, plain):
        assert not (one.path / "references").exists()
        assert "config_name: references" not in (one.path / "README.md").read_text()
    assert silent.root_sha256 == plain.root_sha256


def test_the_root_hash_holds_the_references_too(dataset: BuiltDataset, tmp_path: Path) -> None:
    fewer = built(tmp_path / "fewer", a_record(number=1, rights=SA), a_record(number=2, rights=ND))
    assert fewer.root_sha256 != dataset.root_sha256


def test_the_same_images_give_the_same_bytes(dataset: BuiltDataset, tmp_path: Path) -> None:
    records = [a_record(number=1, rights=SA), a_record(number=2, rights=ND), a_record(number=3, rights=NC)]
    assert built(tmp_path / "again", *records).files == dataset.files


def test_no_pixel_of_a_reference_is_in_any_file(dataset: BuiltDataset) -> None:
    (part,) = (dataset.path / "references").glob("*.parquet")
    table = pq.read_table(part)
    for column in ("image", "image_sha256", "crop_left"):
        assert table[column].null_count == 2


# Who becomes a reference


def test_what_may_be_referred_to_is_fetched_and_not_published() -> None:
    for rights in (ND, NC):
        record = a_record(rights=rights)
        assert may_fetch(record, REFERRING).keep
        assert not may_publish(record, REFERRING).keep
        assert not may_fetch(record, PolicySettings()).keep
    assert "a reference row without pixels" in consequence(a_record(rights=ND), REFERRING)


def test_what_is_published_is_no_reference() -> None:
    assert not may_reference(a_record(rights=SA), REFERRING).keep
    assert not may_reference(a_record(rights=NC), PolicySettings(allow=("nc",), reference=("nc",))).keep


def test_an_image_without_a_name_to_credit_may_still_be_referred_to() -> None:
    nobody = a_record(rights=BY, creator={"name": None})
    assert may_reference(nobody, REFERRING).keep
    assert not may_publish(nobody, REFERRING).keep


@pytest.mark.parametrize(
    "changes",
    [
        {"rights": CLOSED},
        {"rights": UNKNOWN},
        {"rights": ND, "ai": {"opted_out": True}},
        {"rights": ND, "ai": {"generated": True}},
        {"rights": ND, "source": "deviantart", "ai": {"opted_out": None}},
        {
            "rights": CLOSED,
            "ai": {"opted_out": True},
            "permission": {"scope": ["train"], "date": "2026-03-01", "proof": "https://example.org/letter"},
        },
        {"rights": ND | {"expression": "CC-BY-ND-4.0 AND LicenseRef-AllRightsReserved"}},
    ],
)
def test_what_is_closed_unknown_or_opted_out_is_never_a_reference(changes: dict[str, Any]) -> None:
    generous = PolicySettings(allow=(*FREE, "closed"), reference=("nd", "nc", "closed"))
    for policy in (REFERRING, generous):
        assert not may_reference(a_record(**changes), policy).keep


@pytest.mark.parametrize("purpose", ["train", "private"])
def test_only_what_is_published_has_references(purpose: Any) -> None:
    policy = PolicySettings(purpose=purpose, reference=("nd",))
    assert not may_reference(a_record(rights=ND), policy).keep


def test_refuse_wins_over_reference() -> None:
    assert not may_reference(a_record(rights=ND), PolicySettings(reference=("nd",), refuse=("nd",))).keep


@given(
    st.sampled_from(sorted(licences.TABLE)),
    st.sets(st.sampled_from([*LicenceClass, *sorted(licences.TABLE)])),
    st.sets(st.sampled_from([*LicenceClass, *sorted(licences.TABLE)])),
    st.sampled_from([True, False, None]),
)
def test_a_reference_is_named_by_the_recipe_and_granted_by_a_licence(
    id: str, allow: set[str], reference: set[str], out: bool | None
) -> None:
    licence = licences.get(id)
    rights = SA | {"expression": id, "chosen": id, "class": licence.cls}
    record = a_record(rights=rights, ai={"opted_out": out})
    policy = PolicySettings(allow=tuple(sorted(allow)), reference=tuple(sorted(reference)))
    if may_reference(record, policy).keep:
        assert {id, licence.cls.value} & (allow | reference)
        assert licence.cls not in (LicenceClass.CLOSED, LicenceClass.UNKNOWN)
        assert not out
        assert not may_publish(record, policy).keep


def test_what_nobody_may_fetch_cannot_be_named_as_a_reference() -> None:
    for name in ("closed", "unknown", "NOASSERTION", "LicenseRef-AllRightsReserved"):
        (problem,) = check_settings(PolicySettings(reference=(name,)))
        assert "nobody may fetch" in problem
    assert check_settings(PolicySettings(reference=("nd", "CC-BY-NC-4.0"))) == []
    (typo,) = check_settings(PolicySettings(reference=("mc",)))
    assert "neither a licence class nor an id" in typo


def test_the_audit_sees_a_reference_and_no_violation() -> None:
    manifest = a_manifest([a_record(number=1, rights=CC0), a_record(number=2, rights=ND)])
    result = audit(manifest, REFERRING)
    assert result.violations == ()
    assert result.noted["reference"] == ("commons:M2",)
    publish, train = (
        next(one for one in result.purposes if one.purpose == purpose) for purpose in ("publish", "train")
    )
    assert (publish.may, publish.of, train.may, train.of) == (True, 1, True, 2)
    assert publish.terms[-1].startswith("Besides 1 reference: named without pixels")
    assert audit(manifest, PolicySettings()).violations != ()


def test_a_verdict_made_by_hand_does_not_hand_on_pixels(tmp_path: Path) -> None:
    """The policy is asked again when the dataset is written."""
    workspace = Workspace(tmp_path)
    images = [encoded(a_nebula(number, (20, 20))) for number in (1, 2)]
    records = [
        stored(a_record(number=number, rights=rights), workspace.originals, image)
        for number, (rights, image) in enumerate(zip((SA, ND), images, strict=True), start=1)
    ]
    judged = [a_judgement(one, verdict=Verdict(), width=20, height=20, box=(0, 0, 20, 20)) for one in records]
    made = build(a_manifest(records), judged, workspace, CurateSettings(size=16), policy=REFERRING)
    assert (made.rows, made.references) == (1, 1)
    (part,) = (made.path / "references").glob("*.parquet")
    assert pq.read_table(part)["image"].null_count == 1


def test_the_pages_call_a_reference_what_it_is(tmp_path: Path) -> None:
    records = [a_record(number=1, rights=CC0), a_record(number=2, rights=ND)]
    workspace = Workspace(tmp_path)
    manifest = a_manifest(
        [stored(one, workspace.originals, encoded(a_nebula(n, (20, 20)))) for n, one in enumerate(records)]
    )
    write(audit(manifest, REFERRING), manifest, workspace.audit)
    page = (workspace.audit / "audit.html").read_text()
    assert "<span>reference</span>" in page
    assert "policy refuses" not in page
    _, row = csv.DictReader((workspace.audit / "audit.csv").read_text().splitlines())
    assert (row["policy"], row["concerns"]) == ("reference", "reference, no-crop")
    assert row["policy_detail"] == "CC-BY-ND-4.0 (nd) is not in [policy] allow"
    for file in workspace.audit.iterdir():
        assert "licence-refused" not in file.read_text(), file.name


def test_the_table_of_licences_tells_references_from_what_is_refused() -> None:
    records = [a_record(number=n, rights=one) for n, one in enumerate([ND, ND, NC, SA, UNKNOWN])]
    records.append(a_record(number=5, rights=ND, ai={"opted_out": True, "signals": ["noai"]}))
    said = {row.licence: row.policy for row in audit(a_manifest(records), REFERRING).rows}
    assert said == {
        "CC-BY-ND-4.0": "2 references, 1 refused: noai",
        "CC-BY-NC-4.0": "reference: named without pixels",
        "CC-BY-SA-4.0": "allowed",
        "NOASSERTION": "refused: no readable licence",
    }
