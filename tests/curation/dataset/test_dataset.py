"""The dataset on disk: what it holds, that it comes back without us, that its bytes are always the same."""

import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from builders import BY, CC0, ND, SA, a_judgement, a_manifest, a_nebula, a_record, encoded, stored
from PIL import Image

from collectors.manifest import Manifest
from collectors.record import Reason, Record, Verdict
from collectors.storage.workspace import Workspace
from curation.dataset import shards
from curation.dataset import write as dataset
from curation.dataset.columns import COLUMNS, file_name, schema
from curation.dataset.write import BuiltDataset, NothingKept, build
from curation.imaging.crop import render
from curation.judged import Judged, OriginalsMissing
from curation.outcome import NotJudged
from curation.settings import CurateSettings, PolicySettings

SMALL = CurateSettings(size=32)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


def a_row(workspace: Workspace, number: int, **changes: Any) -> tuple[Record, Judged]:
    """A record whose file lies in the workspace, and its verdict."""
    verdict = changes.pop("verdict", Verdict())
    record = stored(
        a_record(number=number, **changes), workspace.originals, encoded(a_nebula(number, (48, 40)))
    )
    return record, a_judgement(record, width=48, height=40, box=(4, 0, 44, 40), verdict=verdict)


def built(
    workspace: Workspace, rows: Sequence[tuple[Record, Judged]], **changes: Any
) -> tuple[BuiltDataset, Manifest]:
    manifest = a_manifest(record for record, _ in rows)
    options = {"policy": PolicySettings(), "settings": SMALL} | changes
    settings = options.pop("settings")
    return build(manifest, [judged for _, judged in rows], workspace, settings, **options), manifest


def read(workspace: Workspace) -> list[dict[str, Any]]:
    shards = sorted((workspace.dataset / "data").iterdir())
    return [row for shard in shards for row in pq.read_table(shard).to_pylist()]


LOAD = """
import json, sys
from datasets import load_dataset

asked = json.loads(sys.argv[1])
rows = load_dataset(*asked[0], **asked[1], split="train")
image = rows[0]["image"]
print(json.dumps({
    "features": {name: repr(feature) for name, feature in rows.features.items()},
    "image": [type(image).__mro__[1].__name__, image.size, image.mode],
    "rows": [{k: v for k, v in row.items() if k != "image"} for row in rows],
}))
"""


@pytest.mark.parametrize("how", ["folder", "parquet"])
def test_load_dataset_gives_it_back_without_our_code(workspace: Workspace, tmp_path: Path, how: str) -> None:
    rows = [
        a_row(workspace, 1),
        a_row(workspace, 2, rights=CC0, creator={"name": None, "url": None}),
        a_row(workspace, 3),
    ]
    rows[2] = (rows[2][0], rows[2][1].model_copy(update={"alternates": ("commons:M8", "commons:M9")}))
    built(workspace, rows)
    folder = str(workspace.dataset)
    asked = ([folder], {}) if how == "folder" else (["parquet"], {"data_files": f"{folder}/data/*.parquet"})
    ended = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(asked)],
        env=os.environ
        | {
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(tmp_path / "hf"),
            "HF_DATASETS_CACHE": str(tmp_path / "cache"),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    answer = json.loads(ended.stdout)
    assert answer["image"][1:] == [[32, 32], "RGB"]
    assert answer["features"]["image"].startswith("Image(")
    assert answer["features"]["alternates"].startswith("List(Value('string'")
    assert answer["features"]["share_alike"] == "Value('bool')"
    assert list(answer["features"]) == [column.name for column in COLUMNS]
    first, second, third = answer["rows"]
    assert (first["uid"], first["license"], first["license_url"]) == (
        "commons:M1",
        "CC-BY-SA-4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
    )
    assert (second["creator"], second["share_alike"], second["attribution_required"]) == (None, False, False)
    assert third["alternates"] == ["commons:M8", "commons:M9"]


def test_the_note_for_datasets_is_the_one_that_datasets_writes() -> None:
    from datasets import Features, Image, List, Value

    kinds = {"image": Image(), "strings": List(Value("string"))}
    theirs = Features({column.name: kinds.get(column.type) or Value(column.type) for column in COLUMNS})
    assert schema().remove_metadata() == theirs.arrow_schema.remove_metadata()
    assert Features.from_arrow_schema(schema()) == theirs
    note, their_note = (
        json.loads(one.metadata[b"huggingface"])["info"]["features"]
        for one in (schema(), theirs.arrow_schema)
    )
    for name in [column.name for column in COLUMNS if column.type == "strings"]:
        assert note.pop(name)["_type"] == "Sequence"
        assert their_note.pop(name)["_type"] == "List"
    assert note == their_note


def test_a_row_says_everything_that_is_known(workspace: Workspace) -> None:
    rows = [a_row(workspace, 7)]
    built(workspace, rows)
    (row,) = read(workspace)
    record, judged = rows[0]
    assert record.file is not None
    data = row.pop("image")
    assert data["path"] == "commons-M7.png"
    assert Image.open(io.BytesIO(data["bytes"])).size == (32, 32)
    assert data["bytes"] == render(workspace.originals.path(record.file.sha256), (4, 0, 44, 40), SMALL)
    assert row == {
        "uid": "commons:M7",
        "source": "commons",
        "subject": "nebula",
        "kind": None,
        "title": "File:Nebula 7.jpg",
        "page": "https://commons.wikimedia.org/wiki/File:Nebula_7.jpg",
        "creator": "Ada Lane 7",
        "creator_url": "https://commons.wikimedia.org/wiki/User:Ada_Lane",
        "credit_line": record.credit_line,
        "license": "CC-BY-SA-4.0",
        "license_expression": "CC-BY-SA-4.0",
        "license_class": "sa",
        "license_url": "https://creativecommons.org/licenses/by-sa/4.0/",
        "license_name": "CC BY-SA 4.0",
        "attribution_required": True,
        "share_alike": True,
        "commercial_use": True,
        "derivatives": True,
        "rights_confidence": "stated",
        "rights_conflict": None,
        "restrictions": [],
        "rights_evidence": [json.dumps(record.evidence[0].model_dump(mode="json"), ensure_ascii=False)],
        "permission": None,
        "ai_opted_out": None,
        "ai_generated": None,
        "first_seen": "2026-11-02T10:00:00Z",
        "last_verified": None,
        "source_url": "https://upload.wikimedia.org/wikipedia/commons/a/ab/Nebula_7.jpg",
        "source_sha256": record.file.sha256,
        "source_width": 48,
        "source_height": 40,
        "source_mime": "image/png",
        "crop_left": 4,
        "crop_top": 0,
        "crop_right": 44,
        "crop_bottom": 40,
        "crop_method": "centre",
        "image_sha256": hashlib.sha256(data["bytes"]).hexdigest(),
        "phash": judged.phash,
        "taken": "2019-03-01",
        "found_by": "Emission nebulae > Orion Nebula",
        "alternates": [],
        "same_sky": [],
    }


def test_what_is_not_known_is_null_and_never_no(workspace: Workspace) -> None:
    built(
        workspace,
        [
            a_row(
                workspace,
                1,
                rights=SA | {"commercial": None},
                page=None,
                credit_line="",
                creator={"name": "Ada", "url": "javascript:alert(1)"},
                original={"url": "pictures/a.png", "taken": None},
            )
        ],
        policy=PolicySettings(purpose="train"),
    )
    (row,) = read(workspace)
    for name in ("commercial_use", "page", "credit_line", "creator_url", "source_url", "taken"):
        assert row[name] is None, name


def test_the_same_input_gives_the_same_bytes_however_it_is_made(workspace: Workspace, tmp_path: Path) -> None:
    rows = [a_row(workspace, number, rights=(SA, BY, CC0)[number % 3]) for number in range(1, 13)]
    first, _ = built(workspace, rows)
    again, _ = built(workspace, rows)
    elsewhere = Workspace(tmp_path / "elsewhere")
    other_way, _ = built(
        elsewhere,
        [a_row(elsewhere, int(r.uid.removeprefix("commons:M")), rights=r.rights) for r, _ in rows][::-1],
        workers=2,
    )
    assert first.files == again.files == other_way.files
    assert first.root_sha256 == other_way.root_sha256
    assert {file.path for file in first.files} == {
        "README.md",
        "LICENSE.md",
        "ATTRIBUTION.md",
        "croissant.json",
        "thumbnails.webp",
        "manifest/nebulae.jsonl",
        "data/train-00000-of-00001.parquet",
        "metadata/train-00000-of-00001.parquet",
    }
    for file in first.files:
        data = (workspace.dataset / file.path).read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert [row["uid"] for row in read(workspace)] == sorted(record.uid for record, _ in rows)


def in_splits(workspace: Workspace, *splits: str | None) -> list[tuple[Record, Judged]]:
    rows = [a_row(workspace, number) for number in range(1, len(splits) + 1)]
    return [
        (record, judged.model_copy(update={"split": split}))
        for (record, judged), split in zip(rows, splits, strict=True)
    ]


def test_held_out_images_stand_in_files_of_their_own(workspace: Workspace) -> None:
    result, _ = built(workspace, in_splits(workspace, "train", "test", None, "test", "train"))
    assert (result.rows, result.splits) == (5, {"train": 3, "test": 2})
    for config in ("data", "metadata"):
        found = {
            path.name: pq.read_table(path)["uid"].to_pylist()
            for path in sorted((workspace.dataset / config).iterdir())
        }
        assert found == {
            "test-00000-of-00001.parquet": ["commons:M2", "commons:M4"],
            "train-00000-of-00001.parquet": ["commons:M1", "commons:M3", "commons:M5"],
        }


def test_a_split_without_images_has_no_file(workspace: Workspace) -> None:
    result, _ = built(workspace, in_splits(workspace, "test", "test"))
    assert result.splits == {"test": 2}
    assert not list(workspace.dataset.rglob("train-*"))
    assert "split: train\n    path" not in (workspace.dataset / "README.md").read_text()


def test_an_image_that_changes_sides_changes_the_root_hash(workspace: Workspace) -> None:
    roots = {
        built(workspace, in_splits(workspace, "train", side))[0].root_sha256 for side in ("train", "test")
    }
    assert len(roots) == 2


def test_metadata_are_the_same_rows_less_the_picture(workspace: Workspace) -> None:
    built(workspace, [a_row(workspace, number) for number in (1, 2, 3)])
    (slim,) = (workspace.dataset / "metadata").iterdir()
    rows = [{name: row[name] for name in row if name != "image"} for row in read(workspace)]
    assert pq.read_table(slim).to_pylist() == rows
    assert slim.stat().st_size < 40_000


def test_every_change_of_a_row_changes_the_root_hash(workspace: Workspace) -> None:
    before, _ = built(workspace, [a_row(workspace, 1)])
    after, _ = built(workspace, [a_row(workspace, 1, creator={"name": "Somebody else"})])
    larger, _ = built(workspace, [a_row(workspace, 1)], settings=CurateSettings(size=40))
    assert len({before.root_sha256, after.root_sha256, larger.root_sha256}) == 3


def test_nothing_the_policy_forbids_is_published_whatever_the_verdicts_say(workspace: Workspace) -> None:
    rows = [a_row(workspace, 1), a_row(workspace, 2, rights=ND)]
    anything = {"allow": (*PolicySettings().allow, "nd")}
    assert built(workspace, rows, policy=PolicySettings(**anything))[0].rows == 1
    assert [row["uid"] for row in read(workspace)] == ["commons:M1"]
    assert built(workspace, rows, policy=PolicySettings(purpose="private", **anything))[0].rows == 2


def test_dropped_images_are_not_there(workspace: Workspace) -> None:
    dropped = Verdict(reason=Reason.DUPLICATE, twin="commons:M1")
    built(workspace, [a_row(workspace, 1), a_row(workspace, 2, verdict=dropped)])
    assert [row["uid"] for row in read(workspace)] == ["commons:M1"]


def test_an_empty_dataset_is_refused_with_the_reasons(workspace: Workspace) -> None:
    rows = [a_row(workspace, number, verdict=Verdict(reason=Reason.BLANK)) for number in (1, 2)]
    with pytest.raises(NothingKept) as caught:
        built(workspace, rows)
    assert caught.value.reasons == {Reason.BLANK: 2}
    assert not workspace.dataset.exists()


def test_verdicts_of_another_manifest_are_refused(workspace: Workspace) -> None:
    rows = [a_row(workspace, 1), a_row(workspace, 2)]
    with pytest.raises(NotJudged) as caught:
        build(a_manifest(r for r, _ in rows), [rows[0][1]], workspace, SMALL, policy=PolicySettings())
    assert caught.value.uids == ("commons:M2",)


def test_missing_originals_are_named_before_anything_is_written(workspace: Workspace) -> None:
    rows = [a_row(workspace, 1), a_row(workspace, 2)]
    assert rows[1][0].file is not None
    workspace.originals.path(rows[1][0].file.sha256).unlink()
    with pytest.raises(OriginalsMissing) as caught:
        built(workspace, rows)
    assert caught.value.uids == ("commons:M2",)
    assert not workspace.dataset.exists()


def test_a_square_is_rendered_once(workspace: Workspace) -> None:
    asked: list[Path] = []

    def counting(path: Path, box: tuple[int, int, int, int], settings: CurateSettings) -> bytes:
        asked.append(path)
        return render(path, box, settings)

    rows = [a_row(workspace, number) for number in (1, 2, 3)]
    built(workspace, rows, render=counting)
    built(workspace, rows, render=counting)
    assert len(asked) == 3
    built(workspace, [*rows[:2], a_row(workspace, 4)], render=counting)
    assert len(asked) == 4
    assert sum(found.is_file() for found in (workspace.root / "squares").rglob("*")) == 3


KILLED = """
import os, signal, sys
from pathlib import Path
import pickle
from curation.imaging import crop
from curation.dataset.write import build

manifest, judged, workspace, settings, policy, last = pickle.loads(Path(sys.argv[1]).read_bytes())
calls = []
def deadly(path, box, settings):
    calls.append(path)
    if len(calls) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return crop.render(path, box, settings)
build(manifest, judged, workspace, settings, policy=policy, render=deadly)
"""


def test_a_killed_build_leaves_the_old_dataset_and_goes_on_where_it_stood(
    workspace: Workspace, tmp_path: Path
) -> None:
    old, _ = built(workspace, [a_row(workspace, 1)])
    rows = [a_row(workspace, number) for number in range(1, 9)]
    job = tmp_path / "job"
    manifest = a_manifest(record for record, _ in rows)
    job.write_bytes(pickle.dumps((manifest, [j for _, j in rows], workspace, SMALL, PolicySettings(), 5)))
    ended = subprocess.run([sys.executable, "-c", KILLED, str(job)], check=False)
    assert ended.returncode == -signal.SIGKILL
    for file in old.files:
        assert hashlib.sha256((workspace.dataset / file.path).read_bytes()).hexdigest() == file.sha256

    rendered: list[Path] = []

    def counting(path: Path, box: tuple[int, int, int, int], settings: CurateSettings) -> bytes:
        rendered.append(path)
        return render(path, box, settings)

    done, _ = built(workspace, rows, render=counting)
    assert len(rendered) == 8 - 1 - 4  # one from the old dataset, four before the kill
    calm = Workspace(tmp_path / "calm")
    assert built(calm, [a_row(calm, number) for number in range(1, 9)])[0].files == done.files
    assert not workspace.dataset.with_name("dataset.part").exists()


def test_shards_and_row_groups_end_where_uids_say_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", 30_000)
    monkeypatch.setattr(dataset, "PICTURES", shards.Grouping(ends_at=4, rows=256, bytes=2**26))
    rows = [a_row(workspace, number) for number in range(1, 41)]
    result, _ = built(workspace, rows)
    names = [file.path for file in result.files if file.path.startswith("data/")]
    assert len(names) > 1
    assert names == [f"data/train-{n:05}-of-{len(names):05}.parquet" for n in range(len(names))]
    uids = [row["uid"] for row in read(workspace)]
    assert uids == sorted(record.uid for record, _ in rows)

    def ends() -> set[str]:
        last = set()
        for shard in sorted((workspace.dataset / "data").iterdir()):
            file = pq.ParquetFile(shard)
            for number in range(file.num_row_groups):
                last.add(file.read_row_group(number, columns=["uid"])["uid"][-1].as_py())
        return last

    before = ends()
    removed = next(uid for uid in uids if uid not in before)
    built(workspace, [row for row in rows if row[0].uid != removed])
    assert ends() == before


def test_pictures_are_stored_as_they_are_and_words_are_compressed(workspace: Workspace) -> None:
    built(workspace, [a_row(workspace, number) for number in (1, 2, 3)])
    (shard,) = (workspace.dataset / "data").iterdir()
    group = pq.ParquetFile(shard).metadata.row_group(0)
    used = {group.column(n).path_in_schema: group.column(n).compression for n in range(group.num_columns)}
    assert used.pop("image.bytes") == "UNCOMPRESSED"
    assert set(used.values()) == {"ZSTD"}


def test_names_of_pictures_suit_every_file_system() -> None:
    assert file_name("commons:M1", "png") == "commons-M1.png"
    assert file_name("nasa:a*b?c%", "webp") == "nasa-a%2Ab%3Fc%25.webp"
