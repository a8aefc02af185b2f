"""Datasets that lie in a store: audited there as in a folder, and what is none is refused in words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

boto3 = pytest.importorskip("boto3", reason="boto3 (of moto) is not installed")
pytest.importorskip("s3fs", reason="s3fs is not installed")
pytest.importorskip("moto.server", reason="moto's server is not installed")

from buckets import bucket, serving  # noqa: E402

from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402

ROWS = {
    "image": [b"pixels" * 100_000] * 2,
    "license": ["CC-BY-4.0", "CC-BY-ND-4.0"],
    "creator": ["Ada Lane", None],
    "page": ["https://example.org/1", "https://example.org/2"],
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def s3(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    with bucket(endpoint, tmp_path / "cache", monkeypatch) as client:
        yield client


@pytest.fixture
def dataset(s3: Any, tmp_path: Path) -> Path:
    """A stranger's dataset in a folder, and the same in the bucket."""
    folder = tmp_path / "theirs"
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.table(ROWS), folder / "data" / "train.parquet", compression="none")
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    for path in (folder / "data" / "train.parquet", folder / "README.md"):
        s3.upload_file(str(path), "sky", f"theirs/{path.relative_to(folder).as_posix()}")
    return folder


def audited(where: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run(["audit", where, "--json"]) == Exit.VIOLATIONS
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_an_audit_in_a_store_says_what_it_says_of_the_same_folder(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far, near = audited("s3://sky/theirs/", capsys), audited(str(dataset), capsys)
    assert far.pop("where") == "s3://sky/theirs"
    assert near.pop("where") == str(dataset)
    assert far == near
    assert (far["rows"], far["card_licence"]) == (2, "cc-by-4.0")
    assert {one["trouble"] for one in far["found"]} == {
        "card",
        "evidence-not-carried",
        "no-credit",
        "no-derivatives",
    }
    assert audited(f"file://{dataset}", capsys)["rows"] == 2


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://sky/nothing", "nothing lies there"),
        ("s3://nobody-made-it/x", "bucket does not exist"),
        ("s3://sky/theirs/README.md", "that is one file"),
        ("s3://ada:secret@sky/theirs", "carries no key"),
        ("https://sky.example.org/theirs", "no store"),
        ("foo://sky/theirs", "nothing is known of this protocol"),
    ],
)
def test_what_is_no_dataset_is_refused_in_words(
    dataset: Path, capsys: pytest.CaptureFixture[str], address: str, words: str
) -> None:
    assert run(["audit", address]) == Exit.INPUT
    said = capsys.readouterr().err
    assert words in said
    assert "fix:" in said
    assert "secret" not in said


def test_a_dataset_of_which_not_everything_has_arrived_is_not_audited(
    s3: Any, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.put_object(Bucket="sky", Key="theirs/sent.json", Body=b'{"files": {}, "whole": false}')
    assert run(["audit", "s3://sky/theirs"]) == Exit.INPUT
    assert "curate --output" in capsys.readouterr().err
