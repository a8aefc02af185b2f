"""From a manifest to verdicts: every reason, the copy that stays, the same answer however it was reached."""

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import BY, CC0, NC, ND, SA, a_manifest, a_record, stored
from PIL import Image
from skies import a_sky

from collectors import manifest as manifests
from collectors.manifest import Manifest
from collectors.record import Reason, Record, Verdict
from collectors.storage.workspace import Workspace
from curation import engine
from curation.curate import OriginalsMissing, VerdictsBroken, _examine, curate, read_verdicts
from curation.engine.alike import FolderUnseen
from curation.imaging import crop
from curation.imaging.examine import Examined, folders
from curation.judged import Judged
from curation.screening.screen import screen
from curation.settings import CurateSettings, PolicySettings

SMALL = CurateSettings(size=64)


def png(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def a_mixed_bag(workspace: Workspace) -> Manifest:
    """One image for each thing that can become of one."""
    sky, second = a_sky(1, 160, 120), a_sky(2, 140)
    tall = sky.transpose(Image.Transpose.ROTATE_90)
    files: list[tuple[dict[str, Any], bytes]] = [
        (SA, png(sky)),
        (CC0, png(sky.resize((120, 90), Image.Resampling.LANCZOS))),  # smaller, but freer: it stays
        (BY, png(tall)),
        (BY, png(sky, compress_level=1)),  # the first one's pixels in other bytes
        (BY, png(second)),
        (BY, png(second)),  # the same bytes under another name
        (BY, png(a_sky(3, 160, 60))),
        (BY, png(Image.fromarray(np.full((90, 90, 3), 9, np.uint8)))),
        (BY, png(a_sky(4, 90))[:4000]),
        (ND, png(a_sky(5, 90))),
    ]
    records = [
        stored(a_record(number=number, rights=rights), workspace.originals, data)
        for number, (rights, data) in enumerate(files, start=1)
    ]
    never = Verdict(reason=Reason.LICENCE_REFUSED, detail="CC-BY-NC-4.0 (nc) is not in [policy] allow")
    records.append(a_record(number=90, rights=NC, file=None, refused=never))
    return a_manifest(records)


def judge(
    manifest: Manifest, workspace: Workspace, settings: CurateSettings = SMALL, **options: Any
) -> dict[str, Judged]:
    verdicts = curate(manifest, workspace, PolicySettings(), settings, **options)
    assert verdicts == read_verdicts(workspace.verdicts)
    assert [one.uid for one in verdicts] == sorted(record.uid for record in manifest.records)
    return {one.uid.removeprefix("commons:"): one for one in verdicts}


def test_everything_has_its_one_verdict(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    judged = judge(a_mixed_bag(workspace), workspace)
    reasons = {uid: one.verdict.reason for uid, one in judged.items()}
    assert reasons == {
        "M1": None,
        "M2": Reason.DUPLICATE,
        "M3": Reason.DUPLICATE,
        "M4": Reason.DUPLICATE,
        "M5": None,
        "M6": Reason.DUPLICATE,
        "M7": Reason.TOO_SMALL,
        "M8": Reason.BLANK,
        "M9": Reason.UNREADABLE,
        "M10": Reason.LICENCE_REFUSED,
        "M90": Reason.LICENCE_REFUSED,
    }
    assert judged["M7"].verdict.detail == "160 x 60, at least 64 on both sides"
    assert judged["M10"].width is None  # what may not be published is compared at most
    assert judged["M90"].verdict.detail == "CC-BY-NC-4.0 (nc) is not in [policy] allow"


def test_of_copies_that_contradict_each_other_the_strictest_stays_and_knows_the_others(
    tmp_path: Path,
) -> None:
    workspace = Workspace(tmp_path)
    judged = judge(a_mixed_bag(workspace), workspace)
    kept = judged["M1"]
    assert kept.alternates == ("commons:M2", "commons:M3", "commons:M4")
    assert kept.notes == ("a copy is under CC-BY-4.0", "a copy is under CC0-1.0")
    assert kept.conflict == (
        "CC-BY-4.0 by commons:M3 and 1 more, CC-BY-SA-4.0 here; CC0-1.0 by commons:M2, CC-BY-SA-4.0 here"
    )
    assert (kept.width, kept.height, kept.box) == (160, 120, (20, 0, 140, 120))
    turned = judged["M3"]
    assert (turned.verdict.twin, turned.box) == ("commons:M1", None)
    assert turned.verdict.detail.startswith("turned by 90° left (distance ")
    assert judged["M4"].verdict.twin == "commons:M1"
    assert (judged["M6"].verdict.twin, judged["M6"].verdict.detail) == ("commons:M5", "same bytes")
    assert judged["M1"].pixels_sha256 == judged["M4"].pixels_sha256
    assert judged["M1"].phash == judged["M4"].phash


def of_two_copies(folder: Path, second: dict[str, Any]) -> str:
    """Which of two files with the same pixels stays; the first is under a stated CC BY."""
    workspace = Workspace(folder)
    files = [png(a_sky(1, 100)), png(a_sky(1, 100), compress_level=1)]
    records = [
        stored(a_record(**({"number": number, "rights": BY} | changes)), workspace.originals, data)
        for number, (changes, data) in enumerate(zip(({}, second), files, strict=True), start=1)
    ]
    (kept,) = (uid for uid, one in judge(a_manifest(records), workspace).items() if one.verdict.keep)
    return kept


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        ({}, "M2"),  # the file with more bytes
        ({"rights": CC0}, "M1"),  # they contradict each other
        ({"rights": BY | {"confidence": "inferred"}}, "M1"),
        ({"rights": CC0 | {"conflict": "CC0 by its template, BY by its text"}}, "M1"),
        ({"rights": BY | {"conflict": "BY by its template, SA by its text"}}, "M1"),
        ({"rights": SA}, "M2"),
    ],
)
def test_of_equal_pictures_the_firmer_licence_stays_and_the_stricter_of_two_that_contradict(
    tmp_path: Path, second: dict[str, Any], kept: str
) -> None:
    assert of_two_copies(tmp_path, second) == kept


def test_under_equal_terms_the_larger_copy_stays(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    small, large = a_sky(1, 200).resize((90, 90), Image.Resampling.LANCZOS), a_sky(1, 200)
    records = [
        stored(a_record(number=number, rights=BY), workspace.originals, png(image))
        for number, image in enumerate((small, large), start=1)
    ]
    judged = judge(a_manifest(records), workspace)
    assert judged["M1"].verdict.twin == "commons:M2"


def test_duplicates_may_stay_where_the_recipe_says_so(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    judged = judge(a_mixed_bag(workspace), workspace, CurateSettings(size=64, duplicates=False))
    assert {uid for uid, one in judged.items() if one.verdict.keep} == {"M1", "M2", "M3", "M4", "M5", "M6"}


def test_the_floor_and_the_ceiling_are_the_recipes(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_mixed_bag(workspace)
    low = judge(manifest, workspace, CurateSettings(size=64, min_side=60))
    assert low["M7"].verdict.keep
    tight = judge(manifest, workspace, CurateSettings(size=64, max_megapixels=0.015))
    assert tight["M1"].verdict.reason is Reason.TOO_LARGE
    assert (tight["M1"].width, tight["M1"].height, tight["M1"].phash) == (160, 120, None)
    assert tight["M2"].verdict.keep


def test_workers_and_order_change_nothing(tmp_path: Path) -> None:
    alone, many = Workspace(tmp_path / "a"), Workspace(tmp_path / "b")
    manifest = a_mixed_bag(alone)
    a_mixed_bag(many)
    judge(manifest, alone, workers=1)
    shuffled = manifest.model_copy(update={"records": manifest.records[::-1]})
    judge(shuffled, many, workers=3)
    assert many.verdicts.read_bytes() == alone.verdicts.read_bytes()
    squares = [sorted(path.name for path in place.root.rglob("squares/*/*")) for place in (alone, many)]
    assert squares[0] == squares[1] != []


def test_nothing_is_decoded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_mixed_bag(workspace)
    judge(manifest, workspace)
    first = workspace.verdicts.read_bytes()

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(crop, "decode", refuse)
    judge(manifest, workspace)
    assert workspace.verdicts.read_bytes() == first
    with pytest.raises(AssertionError, match="decoded again"):
        judge(manifest, workspace, CurateSettings(size=64, max_megapixels=1))


def test_the_square_lies_ready_as_the_dataset_wants_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_mixed_bag(workspace)
    judged = judge(manifest, workspace)
    for record in manifest.records:
        one = judged[record.uid.removeprefix("commons:")]
        if one.verdict.keep and record.file and one.box:
            key = crop.square_key(record.file.sha256, one.box, SMALL)
            path = workspace.originals.path(record.file.sha256)
            assert folders(workspace).squares.read(key) == crop.render(path, one.box, SMALL)


def test_a_torn_journal_and_lost_thumbnails_are_made_good(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_mixed_bag(workspace)
    judge(manifest, workspace)
    first = workspace.verdicts.read_bytes()
    lines = workspace.examined.read_bytes()
    strange = b'{"sha256":"f","measure":"older","colour":"red"}\n'
    workspace.examined.write_bytes(strange + lines[: len(lines) // 2])
    next(folders(workspace).thumbnails.root.rglob("*/*")).unlink()
    judge(manifest, workspace)
    assert workspace.verdicts.read_bytes() == first


def test_missing_originals_are_named_before_anything_is_done(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_mixed_bag(workspace)
    lost = next(record for record in manifest.records if record.uid == "commons:M5")
    assert lost.file is not None
    workspace.originals.path(lost.file.sha256).unlink()
    with pytest.raises(OriginalsMissing) as caught:
        judge(manifest, workspace)
    assert caught.value.uids == ("commons:M5", "commons:M6")
    assert not workspace.examined.exists()


def test_an_image_that_kills_the_decoder_is_unreadable_and_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    manifest = a_mixed_bag(workspace)
    lost = next(record for record in manifest.records if record.uid == "commons:M5").file
    assert lost is not None

    def crashing(function: Any, items: Iterable[str], *, died: Any, **_: Any) -> Iterable[Examined]:
        return (died(item) if item == lost.sha256 else function(item) for item in items)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "run", crashing)
        crashed = judge(manifest, workspace)
    assert crashed["M5"].verdict.reason is Reason.UNREADABLE
    assert crashed["M5"].verdict.detail == "the decoder crashed or ran out of memory"
    assert judge(manifest, workspace)["M5"].verdict.keep


def test_an_empty_manifest_gives_no_verdicts(tmp_path: Path) -> None:
    assert judge(a_manifest([]), Workspace(tmp_path)) == {}


@pytest.mark.parametrize("line", ["{", '{"uid": 3}', "[]"])
def test_a_broken_line_of_verdicts_is_named(tmp_path: Path, line: str) -> None:
    workspace = Workspace(tmp_path)
    judge(a_mixed_bag(workspace), workspace)
    with workspace.verdicts.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(VerdictsBroken) as caught:
        read_verdicts(workspace.verdicts)
    assert caught.value.line == 12


def test_a_star_in_noise_is_not_blank_and_noise_is() -> None:
    noise = Examined(sha256="a", measure="", width=900, height=900, detail=8, peak=5.2)
    assert screen(noise, CurateSettings()).reason is Reason.BLANK
    assert screen(noise.model_copy(update={"peak": 14.0}), CurateSettings()).keep


PROGRAM = """
import sys
from pathlib import Path
from collectors import manifest
from collectors.storage.workspace import Workspace
from curation.curate import curate
from curation.settings import CurateSettings, PolicySettings
if __name__ == "__main__":
    root = Path(sys.argv[1])
    settings = CurateSettings(size=64)
    curate(manifest.read(root / "m.jsonl"), Workspace(root), PolicySettings(), settings, workers=2)
"""


def many(workspace: Workspace) -> list[Record]:
    return [
        stored(
            a_record(number=number, rights=BY), workspace.originals, png(a_sky(number % 20, 200 + number % 3))
        )
        for number in range(1, 31)
    ]


def test_killed_anywhere_and_run_again_the_verdicts_are_the_same(tmp_path: Path) -> None:
    calm, rough = Workspace(tmp_path / "calm"), Workspace(tmp_path / "rough")
    manifest = a_manifest(many(calm))
    many(rough)
    manifests.write(manifest, rough.root / "m.jsonl")
    (tmp_path / "program.py").write_text(PROGRAM)
    judge(manifest, calm, workers=2)
    command = [sys.executable, str(tmp_path / "program.py"), str(rough.root)]
    root = str(Path(engine.__file__).parents[2])
    for lines in (1, 8, 20):
        started = subprocess.Popen(command, env={"PYTHONPATH": root}, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while started.poll() is None and time.monotonic() < end:
            if rough.examined.exists() and rough.examined.read_bytes().count(b"\n") >= lines:
                break
            time.sleep(0.005)
        started.send_signal(signal.SIGKILL)
        started.wait()
    before = rough.examined.read_bytes().count(b"\n")
    subprocess.run(command, env={"PYTHONPATH": root}, check=True)
    assert rough.verdicts.read_bytes() == calm.verdicts.read_bytes()
    examined = [json.loads(line)["sha256"] for line in rough.examined.read_bytes().splitlines()]
    assert len(examined) == len(set(examined)) >= before >= 1


def test_a_refused_picture_that_another_machine_does_not_see_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "sky")
    sha256 = workspace.originals.add(png(a_sky(1, 100)))
    away = tmp_path / "home of ada" / "refused.png"
    with pytest.raises(FolderUnseen) as told:
        _examine(sha256, {sha256: away}, workspace, SMALL)
    assert told.value.folder == away.parent
    assert _examine(sha256, {}, workspace, SMALL).width == 100
