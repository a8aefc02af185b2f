"""A published set serves strangers: `datasets` gives pixels and rights back where our code is not."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import BY, CC0, ND, SA, a_judgement, a_manifest, a_nebula, a_record, encoded, stored
from PIL import Image

from collectors import manifest as manifests
from collectors.record import Record
from collectors.storage.workspace import Workspace
from curation.dataset.columns import COLUMNS, WORDS
from curation.dataset.facts import Origin
from curation.dataset.write import BuiltDataset, build
from curation.imaging.crop import render
from curation.judged import Judged
from curation.settings import CurateSettings, PolicySettings

SETTINGS = CurateSettings(size=24)
BOX = (6, 0, 46, 40)
TESTED = (2, 5)
REFERRED = 6
RIGHTS = (SA, BY, CC0, SA, BY, ND)


class Published:
    """Three pictures to train on, two held out, one reference; and what they were made from."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder)
        pictures = [encoded(a_nebula(n, (52, 40))) for n in range(1, 7)]
        self.records: list[Record] = [
            stored(a_record(number=n, rights=RIGHTS[n - 1]), self.workspace.originals, picture)
            for n, picture in enumerate(pictures, start=1)
        ]
        judged: list[Judged] = [
            a_judgement(one, width=52, height=40, box=BOX, split="test" if n in TESTED else "train")
            for n, one in enumerate(self.records, start=1)
        ]
        self.manifest = a_manifest(self.records)
        self.built: BuiltDataset = build(
            self.manifest,
            judged,
            self.workspace,
            SETTINGS,
            policy=PolicySettings(reference=("nd",)),
            origin=Origin(recipe='[collect]\nsubject = "nebula"\n'),
        )

    def pixels(self, record: Record) -> str:
        """What a stranger should see, rendered anew from the original."""
        assert record.file is not None
        data = render(self.workspace.originals.path(record.file.sha256), BOX, SETTINGS)
        (self.workspace.root / "square").write_bytes(data)
        with Image.open(self.workspace.root / "square") as image:
            return hashlib.sha256(image.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(tmp_path_factory.mktemp("published"))


STRANGER = '''
import hashlib, json, sys

class NotHere:
    """Our code may be installed beside `datasets`; here it is not."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("collectors", "curation", "universe_gan"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotHere())
for name in ("collectors", "curation", "universe_gan"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{name} can be imported")

from datasets import get_dataset_config_names, load_dataset

folder, streaming = sys.argv[1], sys.argv[2] == "streaming"

def plain(row):
    image = row.pop("image", "no such column")
    if hasattr(image, "tobytes"):
        image = [image.mode, image.size, hashlib.sha256(image.tobytes()).hexdigest()]
    return {**row, "image": image}

told = {}
for config in sorted(get_dataset_config_names(folder)):
    splits = load_dataset(folder, config, streaming=streaming)
    told[config] = {
        "rows": {split: [plain(row) for row in rows] for split, rows in splits.items()},
        "features": {name: repr(kind) for name, kind in next(iter(splits.values())).features.items()},
        "sizes": {split: [rows.info.splits[split].num_examples, rows.info.splits[split].num_bytes]
                  for split, rows in splits.items()},
    }
print(json.dumps(told))
'''


def told(folder: Path, how: str, home: Path) -> dict[str, Any]:
    """What a Python that cannot import our code reads from the folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    script = home / "stranger.py"
    script.write_text(STRANGER)
    ended = subprocess.run(
        [sys.executable, "-I", str(script), str(folder), how],
        env={**kept, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home / "hf")},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return answer


@pytest.fixture(scope="module", params=["loaded", "streaming"])
def read(request: pytest.FixtureRequest, published: Published, tmp_path_factory: Any) -> dict[str, Any]:
    return told(published.built.path, request.param, tmp_path_factory.mktemp(request.param))


def test_every_configuration_has_its_splits_and_rows(read: dict[str, Any]) -> None:
    found = {
        config: {split: [row["uid"][-1] for row in rows] for split, rows in one["rows"].items()}
        for config, one in read.items()
    }
    with_pixels = {"train": ["1", "3", "4"], "test": ["2", "5"]}
    assert found == {"default": with_pixels, "metadata": with_pixels, "references": {"train": ["6"]}}


def test_the_pixels_are_those_of_the_originals(read: dict[str, Any], published: Published) -> None:
    seen = {row["uid"]: row["image"] for rows in read["default"]["rows"].values() for row in rows}
    assert seen == {
        record.uid: ["RGB", [24, 24], published.pixels(record)]
        for n, record in enumerate(published.records, start=1)
        if n != REFERRED
    }
    assert [row["image"] for row in read["references"]["rows"]["train"]] == [None]


def test_the_rights_and_their_dated_evidence_are_all_there(
    read: dict[str, Any], published: Published
) -> None:
    for config, one in read.items():
        names = [column.name for column in (WORDS if config == "metadata" else COLUMNS)]
        assert list(one["features"]) == names
        for row in (row for rows in one["rows"].values() for row in rows):
            record = published.records[int(row["uid"][-1]) - 1]
            rights = record.rights
            assert (row["license"], row["license_expression"]) == (rights.chosen, rights.expression)
            assert (row["share_alike"], row["derivatives"]) == (rights.share_alike, rights.derivatives)
            assert (row["creator"], row["page"]) == (record.creator.name, record.page)
            (evidence,) = map(json.loads, row["rights_evidence"])
            assert evidence == record.evidence[0].model_dump(mode="json")


def test_the_metadata_hold_the_same_rows_without_pixels(read: dict[str, Any]) -> None:
    for split, rows in read["default"]["rows"].items():
        slim = read["metadata"]["rows"][split]
        assert [row | {"image": None} for row in slim] == [row | {"image": None} for row in rows]
        assert {row["image"] for row in slim} == {"no such column"}


def shards_of(published: Published, info: dict[str, Any]) -> list[Path]:
    folder = {"default": "data"}.get(info["config_name"], info["config_name"])
    return sorted((published.built.path / folder).iterdir())


def test_the_card_says_what_datasets_counts_itself(read: dict[str, Any], published: Published) -> None:
    card = yaml.safe_load((published.built.path / "README.md").read_text().split("---\n")[1])
    for info in card["dataset_info"]:
        config = read[info["config_name"]]
        sizes = {one["name"]: [one["num_examples"], one["num_bytes"]] for one in info["splits"]}
        assert {split: size[0] for split, size in sizes.items()} == {
            split: len(rows) for split, rows in config["rows"].items()
        }
        for split, (_, bytes_) in config["sizes"].items():
            assert sizes[split][1] == pytest.approx(bytes_, rel=0.02)
        assert info["dataset_size"] == sum(size[1] for size in sizes.values())
        shards = shards_of(published, info)
        assert info["download_size"] == sum(shard.stat().st_size for shard in shards)


def test_the_features_on_the_card_are_those_in_the_files(published: Published) -> None:
    from datasets import Features
    from pyarrow import parquet

    card = yaml.safe_load((published.built.path / "README.md").read_text().split("---\n")[1])
    for info in card["dataset_info"]:
        (shard, *_) = shards_of(published, info)
        theirs = Features.from_arrow_schema(parquet.read_schema(shard))
        assert Features._from_yaml_list(info["features"]) == theirs


def test_recipe_and_manifest_are_published_as_they_are(published: Published) -> None:
    folder = published.built.path / "manifest"
    assert manifests.read(folder / "nebulae.jsonl") == published.manifest
    assert (folder / "nebulae.toml").read_text() == '[collect]\nsubject = "nebula"\n'


def test_no_row_weighs_more_than_two_megabytes(published: Published) -> None:
    files = [file for file in published.built.files if file.path.startswith("data/")]
    assert sum(file.bytes for file in files) / published.built.rows < 2_000_000
