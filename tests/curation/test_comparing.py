"""Copies, evidence and sides in the verdicts: the same from scratch, in steps, with any number of workers."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from builders import BY, CC0, ND, UNKNOWN, a_manifest, a_record, encoded, stored
from PIL import Image
from skies import a_sky

from collectors.manifest import Manifest
from collectors.progress import Silent
from collectors.record import Reason
from collectors.storage.workspace import Workspace
from curation import comparing
from curation.curate import curate
from curation.duplicates import compared
from curation.duplicates.edges import EdgeKind
from curation.imaging import features
from curation.judged import Judged
from curation.settings import CurateSettings, PolicySettings

PLAIN = CC0 | {"confidence": "inferred"}
SMALL = CurateSettings(size=64, held_out=0.3)


def pictures(numbers: range) -> dict[int, Image.Image]:
    """Skies of which every third is an earlier one, turned round or mirrored."""
    views = (Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT)
    return {
        number: a_sky(number - 1, 120).transpose(views[number % 2]) if number % 3 == 2 else a_sky(number, 120)
        for number in numbers
    }


def a_collection(workspace: Workspace, numbers: range) -> Manifest:
    return a_manifest(
        stored(a_record(number=number + 1, rights=BY), workspace.originals, encoded(image))
        for number, image in pictures(numbers).items()
    )


def judged(
    manifest: Manifest, workspace: Workspace, settings: CurateSettings = SMALL, **options: Any
) -> dict[str, Judged]:
    found = curate(manifest, workspace, PolicySettings(), settings, **options)
    return {one.uid.removeprefix("commons:"): one for one in found}


def test_a_copy_carries_its_evidence_and_why_the_other_was_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    sky = a_sky(1, 120)
    turned = sky.transpose(Image.Transpose.ROTATE_90)
    records = [
        stored(a_record(number=1, rights=PLAIN), workspace.originals, encoded(sky)),
        stored(a_record(number=2, rights=CC0), workspace.originals, encoded(turned)),
        stored(a_record(number=3, rights=PLAIN), workspace.originals, encoded(sky)),
    ]
    found = judged(a_manifest(records), workspace)
    edge = found["M1"].edge
    assert edge
    assert (edge.first, edge.second, edge.kind) == ("commons:M2", "commons:M1", EdgeKind.VERIFIED)
    assert (found["M1"].verdict.reason, found["M1"].verdict.twin) == (Reason.DUPLICATE, "commons:M2")
    assert found["M1"].verdict.detail == edge.words
    assert edge.words.startswith("turned by 90° right (distance ")
    assert found["M3"].edge == edge.model_copy(update={"second": "commons:M3"})
    for name in ("M1", "M3"):
        assert found[name].notes == ("commons:M2 was kept: licence better known (stated against inferred)",)
        assert (found[name].split, found[name].box) == (None, None)
    assert found["M2"].conflict is None
    assert (found["M2"].split, found["M2"].alternates) == ("train", ("commons:M1", "commons:M3"))


def test_a_turned_upload_under_laxer_terms_does_not_beat_its_author(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    sky = a_sky(1, 120)
    turned = sky.resize((240, 240)).transpose(Image.Transpose.ROTATE_90)
    records = [
        stored(a_record(number=1, rights=BY), workspace.originals, encoded(sky)),
        stored(a_record(number=2, rights=CC0), workspace.originals, encoded(turned)),
        stored(a_record(number=3, rights=CC0), workspace.originals, encoded(sky)),
    ]
    found = judged(a_manifest(records), workspace)
    assert [name for name, one in found.items() if one.verdict.keep] == ["M1"]
    assert found["M1"].conflict == "CC0-1.0 by commons:M2 and 1 more, CC-BY-4.0 here"
    for name in ("M2", "M3"):
        words = "commons:M1 was kept: stricter of the terms copies claim (CC-BY-4.0 against CC0-1.0)"
        assert found[name].notes == (words,)


def refused(
    workspace: Workspace, tmp_path: Path, copy: dict[str, Any], closed: dict[str, Any] = ND, **options: Any
) -> dict[str, Judged]:
    """A picture that was refused, whose file lies in a folder, and a tilted copy of it."""
    sky = a_sky(1, 240)
    file = tmp_path / "whole.png"
    file.write_bytes(encoded(sky))
    sha1 = hashlib.sha1(file.read_bytes()).hexdigest()
    verdict = {"reason": Reason.LICENCE_REFUSED, "detail": "no derivatives"}
    about: dict[str, Any] = {"file": None, "refused": verdict, "original": {"sha1": sha1}} | options
    records = [
        a_record(number=1, rights=closed, **about),
        stored(a_record(number=2, rights=copy), workspace.originals, encoded(sky.rotate(4))),
        stored(a_record(number=3, rights=BY), workspace.originals, encoded(a_sky(2, 240))),
    ]
    where = {records[0].uid: file}
    return judged(a_manifest(records), workspace, at_hand=lambda record: where.get(record.uid))


needs_features = pytest.mark.skipif(
    not features.available(), reason="OpenCV is not installed: the extra [verify]"
)


@needs_features
def test_a_tilted_copy_of_a_refused_picture_is_refused_as_well(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    found = refused(workspace, tmp_path, BY)
    one = found["M2"]
    assert (one.verdict.reason, one.verdict.twin) == (Reason.COPY_OF_REFUSED, "commons:M1")
    assert one.verdict.detail.startswith("CC-BY-4.0 here, CC-BY-ND-4.0 by commons:M1; turned by -4°")
    assert one.edge
    assert (one.split, one.box) == (None, None)
    assert found["M1"].verdict.reason is Reason.LICENCE_REFUSED
    assert found["M3"].verdict.keep
    assert list(workspace.originals.root.rglob("*.png")) == []  # the refused file was not taken over


@needs_features
def test_a_copy_of_a_refused_picture_stays_where_the_refusal_says_nothing_of_its_own_claim(
    tmp_path: Path,
) -> None:
    silent = {"refused": {"reason": Reason.NO_LICENCE}}
    assert refused(Workspace(tmp_path / "a"), tmp_path, BY, UNKNOWN, **silent)["M2"].verdict.keep
    assert refused(Workspace(tmp_path / "b"), tmp_path, BY, BY)["M2"].verdict.keep  # the same terms
    changed = {"original": {"sha1": "0" * 40}}  # another file by now
    assert refused(Workspace(tmp_path / "c"), tmp_path, BY, **changed)["M2"].verdict.keep
    opted_out = {"refused": {"reason": Reason.OPTED_OUT, "detail": "noai"}}
    found = refused(Workspace(tmp_path / "d"), tmp_path, BY, BY, **opted_out)["M2"]
    assert found.verdict.reason is Reason.COPY_OF_REFUSED
    assert found.verdict.detail.startswith("noai; ")


def test_every_kept_image_has_a_side_and_copies_that_may_stay_share_one(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_collection(workspace, range(18))
    dropped = judged(manifest, workspace)
    kept = {name: one.split for name, one in dropped.items() if one.verdict.keep}
    assert len(kept) == 12
    assert set(kept.values()) == {"train", "test"}
    every = judged(manifest, workspace, SMALL.model_copy(update={"duplicates": False}))
    assert all(one.verdict.keep and one.edge is None for one in every.values())
    assert {name: every[name].split for name in kept} == kept
    twins = {name: one.verdict.twin for name, one in dropped.items() if one.verdict.twin}
    assert all(
        every[name].split == every[twin.removeprefix("commons:")].split for name, twin in twins.items()
    )
    assert len(twins) == 6
    whole = judged(manifest, workspace, CurateSettings(size=64, held_out=0, duplicates=False))
    assert {one.split for one in whole.values()} == {"train"}


def test_new_images_are_held_against_the_old_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    grown, scratch = Workspace(tmp_path / "grown"), Workspace(tmp_path / "scratch")
    judged(a_collection(grown, range(9)), grown)
    journal = grown.root / "compared.jsonl"
    before = journal.read_bytes()
    judged(a_collection(grown, range(9)), grown)
    assert journal.read_bytes() == before != b""
    known = {line["sha256"] for line in map(json.loads, grown.examined.read_bytes().splitlines())}
    judged(a_collection(grown, range(18)), grown)
    assert journal.read_bytes().startswith(before)
    for line in map(json.loads, journal.read_bytes()[len(before) :].splitlines()):
        files = line["joined"] if "joined" in line else [line["first"], line["second"]]
        assert not known.issuperset(files)
    judged(a_collection(scratch, range(18)), scratch)
    assert grown.verdicts.read_bytes() == scratch.verdicts.read_bytes()
    judged(a_collection(grown, range(3, 15)), grown)  # and fewer again
    fewer = Workspace(tmp_path / "fewer")
    judged(a_collection(fewer, range(3, 15)), fewer)
    assert grown.verdicts.read_bytes() == fewer.verdicts.read_bytes()


def test_comparing_on_several_workers_and_after_a_torn_journal_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, many = Workspace(tmp_path / "alone"), Workspace(tmp_path / "many")
    judged(a_collection(alone, range(12)), alone)
    monkeypatch.setattr(compared, "FEW", 1)
    monkeypatch.setattr(compared, "BATCH", 1)
    judged(a_collection(many, range(12)), many, workers=2)
    assert many.verdicts.read_bytes() == alone.verdicts.read_bytes()
    journal = many.root / "compared.jsonl"
    whole = journal.read_bytes()
    assert whole == (alone.root / "compared.jsonl").read_bytes()
    journal.write_bytes(whole[: len(whole) // 2])
    judged(a_collection(many, range(12)), many, workers=2)
    assert many.verdicts.read_bytes() == alone.verdicts.read_bytes()


class Listening(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_without_opencv_the_command_says_what_it_misses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_collection(workspace, range(3))
    progress = Listening()
    monkeypatch.setattr("curation.imaging.features.available", lambda: False)
    found = judged(manifest, workspace, progress=progress)
    assert progress.notes == [comparing.WITHOUT_FEATURES]
    assert found["M3"].verdict.twin == "commons:M2"


@needs_features
def test_a_recipe_may_turn_parts_off_and_only_whole_copies_are_found(tmp_path: Path) -> None:
    sky = a_sky(1, 240)
    tilted, turned = sky.rotate(4), sky.transpose(Image.Transpose.ROTATE_90)
    found, said = {}, {}
    for parts in (True, False):
        workspace, progress = Workspace(tmp_path / str(parts)), Listening()
        manifest = a_manifest(
            stored(a_record(number=number, rights=BY), workspace.originals, encoded(image))
            for number, image in enumerate((sky, tilted, turned), 1)
        )
        settings = SMALL.model_copy(update={"match_parts": parts})
        verdicts = judged(manifest, workspace, settings, progress=progress)
        found[parts] = sum(one.verdict.keep for one in verdicts.values())
        said[parts] = progress.notes
        assert any(workspace.root.glob("features/*")) is parts
    assert found == {True: 1, False: 2}
    assert said == {True: [], False: []}  # the recipe wants it so: nothing to say
