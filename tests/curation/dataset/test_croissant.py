"""Croissant: MLCommons' own reader finds nothing wrong and reads every configuration by the description."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from builders import BY, CC0, ND, SA, a_judgement, a_manifest, a_nebula, a_record, encoded, stored

from collectors.record import Verdict
from collectors.storage.workspace import Workspace
from curation.dataset.columns import COLUMNS, WORDS
from curation.dataset.write import BuiltDataset, build
from curation.settings import CurateSettings, PolicySettings, PublishSettings

mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed (extra: test)")


def built(folder: Path, **publish: Any) -> BuiltDataset:
    """Three pictures to train on, one held out, one that is only referred to."""
    workspace = Workspace(folder)
    records = [
        stored(a_record(number=n, rights=rights), workspace.originals, encoded(a_nebula(n, (32, 32))))
        for n, rights in enumerate((SA, BY, CC0, SA, ND), start=1)
    ]
    splits = ("train", "test", "train", "train", None)
    judged = [
        a_judgement(one, width=32, height=32, box=(0, 0, 32, 32), split=split, verdict=Verdict())
        for one, split in zip(records, splits, strict=True)
    ]
    return build(
        a_manifest(records),
        judged,
        workspace,
        CurateSettings(size=16),
        policy=PolicySettings(reference=("nd",)),
        publish=PublishSettings(**publish),
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> BuiltDataset:
    return built(tmp_path_factory.mktemp("data"), title='A "set" with <marks>')


def read(dataset: BuiltDataset) -> Any:
    return mlcroissant.Dataset(jsonld=dataset.path / "croissant.json")


def text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("repo", [None, "ada/nebulae"])
def test_mlcommons_own_reader_finds_nothing_wrong(tmp_path: Path, repo: str | None) -> None:
    found = read(built(tmp_path, repo=repo)).metadata
    assert found.ctx.issues.errors == set()
    # Who publishes knows the day; a date here would make equal datasets differ.
    assert [issue for issue in found.ctx.issues.warnings if "datePublished" not in issue] == []
    assert found.url == (f"https://huggingface.co/datasets/{repo}" if repo else None)


def test_every_row_and_column_is_read_by_the_description(dataset: BuiltDataset) -> None:
    rows = [{k.split("/")[1]: text(v) for k, v in row.items()} for row in read(dataset).records("default")]
    assert [(row["uid"], row["split"]) for row in rows] == [
        ("commons:M2", "test"),
        ("commons:M1", "train"),
        ("commons:M3", "train"),
        ("commons:M4", "train"),
    ]
    assert {row["image"].size for row in rows} == {(16, 16)}
    assert rows[0]["license"] == "CC-BY-4.0"
    assert rows[0].keys() == {"split", *(column.name for column in COLUMNS)}
    (evidence,) = rows[0]["rights_evidence"]
    assert json.loads(evidence)["at"] == "2026-11-02T10:00:00Z"


@pytest.mark.parametrize(("config", "uids"), [("metadata", "2134"), ("references", "5")])
def test_configurations_without_pixels_are_read_too(dataset: BuiltDataset, config: str, uids: str) -> None:
    rows = list(read(dataset).records(config))
    assert [text(row[f"{config}/uid"]) for row in rows] == [f"commons:M{n}" for n in uids]
    assert rows[0].keys() == {f"{config}/split", *(f"{config}/{column.name}" for column in WORDS)}


def test_the_splits_are_those_of_the_hub(dataset: BuiltDataset) -> None:
    rows = list(read(dataset).records("default_splits"))
    assert rows == [{"default_splits/split_name": "train"}, {"default_splits/split_name": "test"}]


def test_every_shard_is_listed_with_its_hash_and_size(dataset: BuiltDataset) -> None:
    told = json.loads((dataset.path / "croissant.json").read_text())
    files = {one["contentUrl"]: one for one in told["distribution"] if one["@type"] == "cr:FileObject"}
    there = sorted(path.relative_to(dataset.path).as_posix() for path in dataset.path.rglob("*.parquet"))
    assert sorted(files) == there
    assert len(there) == 5
    for name, one in files.items():
        data = (dataset.path / name).read_bytes()
        assert one["sha256"] == hashlib.sha256(data).hexdigest()
        assert one["contentSize"] == f"{len(data)} B"


def test_nothing_names_a_repository_nobody_gave(dataset: BuiltDataset, tmp_path: Path) -> None:
    def own(value: Any) -> set[str]:
        """Addresses that are neither vocabulary nor licences."""
        vocabulary = ("@context", "conformsTo", "license")
        told = {key: inside for key, inside in value.items() if key not in vocabulary}
        return {word for word in json.dumps(told).split('"') if word.startswith("http")}

    assert own(json.loads((dataset.path / "croissant.json").read_text())) == set()
    named = json.loads((built(tmp_path, repo="ada/nebulae").path / "croissant.json").read_text())
    assert "https://huggingface.co/datasets/ada/nebulae" in own(named)


def test_licences_are_those_of_the_pictures(dataset: BuiltDataset) -> None:
    told = json.loads((dataset.path / "croissant.json").read_text())
    assert told["license"] == [
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "https://creativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ]
    assert told["name"] == 'A "set" with <marks>'
