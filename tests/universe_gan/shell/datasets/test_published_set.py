"""From the command line: two datasets compared, a published manifest rebuilt, an honest card."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from builders import a_nebula, encoded

from curation.hub import readback, rows
from universe_gan.shell.cli import run
from universe_gan.shell.datasets import curating
from universe_gan.shell.datasets.published import _review as published_review
from universe_gan.shell.datasets.published import fetch
from universe_gan.shell.exits import Exit

RECIPE = """
[collect]
subject = "nebula"
min_side = 32

[collect.folder]
path = "images"

[policy]
reference = ["nd"]

[curate]
size = 32
duplicates = false
held_out = 0

[curate.screen]
diagram = 1
text = 1
frame = 1
collage = 1
blurred = 1
"""
LICENCES = {"a": "CC-BY-4.0", "b": "CC-BY-SA-4.0", "c": "CC0-1.0", "d": "CC-BY-4.0", "n": "CC-BY-ND-4.0"}


def write(home: Path, licences: dict[str, str]) -> None:
    """Pictures and their sidecar; a picture keeps its pixels whatever its licence."""
    (home / "images").mkdir(exist_ok=True)
    lines = []
    for name, licence in licences.items():
        picture = a_nebula(ord(name), (64, 48))
        (home / "images" / f"{name}.png").write_bytes(encoded(picture))
        said = {"file": f"{name}.png", "title": f"Nebula {name}", "creator": "Ada Lane", "licence": licence}
        lines.append(json.dumps(said | {"page": f"https://example.org/{name}", "how_known": "I took it"}))
    (home / "credits.jsonl").write_text("\n".join(lines) + "\n")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe, and the dataset that was built of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    (tmp_path / "small.toml").write_text(RECIPE)
    write(tmp_path, LICENCES)
    assert run(["build", "small.toml", "-q", "--workers", "1"]) == Exit.DONE
    return tmp_path


@pytest.fixture
def dataset(home: Path) -> Path:
    return home / "data" / "small" / "dataset"


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: Exit = Exit.DONE) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_new_build_says_what_differs_from_an_older_one_rights_first(
    home: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(dataset, home / "old")
    write(home, {"a": "CC-BY-4.0", "b": "CC-BY-4.0", "d": "CC-BY-4.0", "e": "CC0-1.0", "n": "CC-BY-ND-4.0"})
    flags = ["--refresh", "--diff", "old", "--workers", "1"]
    told = answer(capsys, "build", "small.toml", *flags)["curate"]["diff"]
    assert [one["uid"] for one in told["added"]] == ["folder:e.png"]
    assert [one["uid"] for one in told["removed"]] == ["folder:c.png"]
    (changed,) = told["changed"]
    assert changed["uid"] == "folder:b.png"
    assert changed["columns"][0] == {"column": "license", "before": "CC-BY-SA-4.0", "after": "CC-BY-4.0"}
    assert told["same"] == 3
    page = (home / "data" / "small" / "audit" / "dataset-diff.md").read_text()
    assert "1 added, 1 removed, 1 changed (1 in their rights, 0 in their pixels), 3 as before" in page


def test_the_dataset_that_is_replaced_can_be_the_one_to_compare_with(
    home: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["curate", "small.toml", "--diff", str(dataset), "--set", "curate.size=40"]) == Exit.DONE
    out = capsys.readouterr().out
    assert "0 added, 0 removed, 4 changed (0 in their rights, 4 in their pixels), 1 as before" in out
    assert "other pixels" in out


def test_what_cannot_be_compared_with_stops_before_anything_is_written(
    home: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "empty").mkdir()
    before = (dataset / "README.md").stat().st_mtime_ns
    assert run(["build", "small.toml", "--diff", "empty"]) == Exit.INPUT
    err = capsys.readouterr().err
    assert "empty cannot be compared with: no Parquet file is there" in err
    assert "fix: give --diff the folder of a built dataset" in err
    assert (dataset / "README.md").stat().st_mtime_ns == before


def test_references_are_not_counted_as_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "curate", "small.toml")
    assert told["reasons"] == {}
    assert told["dataset"]["references"] == 1
    card = (home / "data" / "small" / "dataset" / "README.md").read_text()
    assert "Of 5 images seen, 4 are here and 1 is a reference." in card
    assert "`licence-refused`" not in card
    stands = {
        row["name"]: row["facts"] for row in answer(capsys, "status", "small.toml")["recipes"][0]["stages"]
    }
    assert stands["curate"] == "4 of 5 fetched images kept, 1 reference"


def test_the_published_manifest_and_recipe_make_the_same_set_again(home: Path, dataset: Path) -> None:
    assert (dataset / "manifest" / "small.jsonl").read_bytes() == (home / "small.jsonl").read_bytes()
    assert (dataset / "manifest" / "small.toml").read_text() == RECIPE
    elsewhere = home / "elsewhere"
    shutil.copytree(dataset / "manifest", elsewhere)
    for name in ("images", "credits.jsonl"):  # a folder on a disk is not published
        (elsewhere / name).symlink_to(home / name)
    assert run(["build", str(elsewhere / "small.toml"), "--locked", "-q", "--workers", "1"]) == Exit.DONE
    again = elsewhere / "data" / "small" / "dataset"
    names = sorted(path.relative_to(dataset) for path in dataset.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [name for name in names if (dataset / name).read_bytes() != (again / name).read_bytes()] == []


def test_heavy_rows_are_noted(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["curate", "small.toml"]) == Exit.DONE
    assert "a row weighs" not in capsys.readouterr().err
    monkeypatch.setattr(curating, "HEAVY_ROW", 100)
    assert run(["curate", "small.toml"]) == Exit.DONE
    assert "a row weighs 0.0 MB on average" in capsys.readouterr().err


def test_what_a_person_decided_is_published_with_the_manifest(home: Path, dataset: Path) -> None:
    digest = hashlib.sha256((home / "images" / "a.png").read_bytes()).hexdigest()
    decided = {
        "sha256": digest,
        "decision": "keep",
        "reason": "",
        "uid": "folder:a.png",
        "date": "2026-11-22",
    }
    (home / "small.review.jsonl").write_text(json.dumps(decided) + "\n")
    assert run(["curate", "small.toml", "-q", "--workers", "1"]) == Exit.DONE
    published = dataset / "manifest" / "small.review.jsonl"
    assert published.read_bytes() == (home / "small.review.jsonl").read_bytes()
    assert "[manifest/small.review.jsonl](manifest/small.review.jsonl)" in (dataset / "README.md").read_text()
    found = rows.folder(dataset)
    assert readback.manifest_path(found) == "manifest/small.jsonl"
    text, _, _ = fetch(found, "again")
    assert text == RECIPE
    assert published_review(found) == published.read_text()


def test_settings_given_beside_the_recipe_are_part_of_how_to_make_it_again(home: Path, dataset: Path) -> None:
    assert run(["curate", "small.toml", "-q", "--set", 'publish.title="A set"']) == Exit.DONE
    card = (dataset / "README.md").read_text()
    assert "$ universe-gan build manifest/small.toml --locked --set 'publish.title=\"A set\"'\n" in card


def test_a_set_with_images_missing_says_which_and_does_not_promise_the_same_bytes(
    home: Path, dataset: Path
) -> None:
    whole = (dataset / "README.md").read_text()
    assert "byte for byte" in whole
    assert "missing" not in whole.split("## Columns")[0]
    shutil.rmtree(home / "data")
    (home / "images" / "b.png").unlink()
    flags = ["--locked", "--allow-missing", "-q", "--workers", "1"]
    assert run(["build", "small.toml", *flags]) == Exit.DONE
    card = (dataset / "README.md").read_text()
    assert "**Missing here, of the pictures that the manifest names: 1.**" in card
    assert "Missing: `folder:b.png`." in card
    assert "byte for byte" not in card
    assert (dataset / "manifest" / "small.jsonl").read_bytes() == (home / "small.jsonl").read_bytes()
