"""Workspaces whose files lie in S3 (moto's server on loopback): same datasets, kills, machines, words."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

boto3 = pytest.importorskip("boto3", reason="boto3 (of moto) is not installed")
s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
moto = pytest.importorskip("moto.server", reason="moto's server is not installed")

from buckets import bucket, forget, keys, serving  # noqa: E402

from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402

ORIGINALS = 41
"""Files of the sample's manifest that are not equal bytes."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def s3(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with bucket(endpoint, tmp_path / "cache", monkeypatch) as client:
        yield client


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def build(home: Path, data: str, *more: str) -> int:
    return run(["build", "manifests/sample.toml", "--locked", "--data", data, "--workers", "1", "-q", *more])


def test_killed_in_the_middle_it_goes_on_and_makes_the_same_byte_for_byte(home: Path, s3: Any) -> None:
    command = [sys.executable, "-m", "universe_gan", "build", "manifests/sample.toml", "--locked"]
    child = subprocess.Popen(
        [*command, "--data", "far", "--workers", "1", "-q", "--store", "s3://sky/nebulae"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 90
    while len(keys(s3, "nebulae/thumbnails/")) < 5 and time.monotonic() < until:
        time.sleep(0.05)
    child.kill()
    assert child.wait() == -9
    assert 5 <= len(keys(s3, "nebulae/thumbnails/")) < 30
    assert build(home, "far", "--output", "s3://sky/out") == 0
    made = files(Path("far/sample/dataset"))
    assert made == files(Path("data/sample/dataset"))
    assert not (home / "far/sample/originals").exists()
    assert len(keys(s3, "nebulae/originals/")) == ORIGINALS
    assert keys(s3, "out/") == made.keys() | {"sent.json"}
    for name in ("data/train-00000-of-00001.parquet", "README.md"):
        assert s3.get_object(Bucket="sky", Key=f"out/{name}")["Body"].read() == made[name]
    import datasets

    rows = datasets.load_dataset("parquet", data_files="s3://sky/out/data/train-*.parquet", split="train")
    assert len(rows) == 31

    shutil.rmtree("far")  # another machine: it has the manifest, and neither cache nor pictures
    shutil.rmtree("manifests/images")
    shutil.rmtree(home.parent / "cache")
    forget()
    alone = ["curate", "manifests/sample.toml", "--data", "new", "--workers", "1", "-q"]
    assert run([*alone, "--store", "s3://sky/nebulae"]) == 0
    assert files(Path("new/sample/dataset")) == made


def test_what_lies_there_already_is_not_sent_again_and_what_left_is_removed(
    home: Path, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    send = ["curate", "manifests/sample.toml", "--output", "s3://sky/out", "--json", "-q"]
    assert run(send) == 0
    first = json.loads(capsys.readouterr().out)["sent"]
    assert (first["files"], first["unchanged"]) == (len(files(Path("data/sample/dataset"))), 0)
    mark = json.loads(s3.get_object(Bucket="sky", Key="out/sent.json")["Body"].read())
    mark["files"]["data/train-00009-of-00009.parquet"] = "0" * 64
    mark["files"]["../../elsewhere"] = "0" * 64
    s3.put_object(Bucket="sky", Key="out/sent.json", Body=json.dumps(mark))
    s3.put_object(Bucket="sky", Key="out/data/train-00009-of-00009.parquet", Body=b"of an older dataset")
    s3.put_object(Bucket="sky", Key="out/mine.txt", Body=b"somebody else's")
    s3.put_object(Bucket="sky", Key="elsewhere", Body=b"somebody else's")
    assert run([*send, "--set", "publish.references=false"]) == 0
    again = json.loads(capsys.readouterr().out)["sent"]
    assert again["removed"] == 1
    assert again["unchanged"] > again["files"]
    assert {"mine.txt", "sent.json"} < keys(s3, "out/")
    assert keys(s3, "elsewhere") == {""}
    assert keys(s3, "out/") - {"mine.txt", "sent.json"} == files(Path("data/sample/dataset")).keys()


def test_damage_in_the_store_is_named(home: Path, s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    originals = home / "data/sample/originals"
    for path in originals.glob("??/*"):
        s3.put_object(Bucket="sky", Key=f"nebulae/originals/{path.parent.name}/{path.name}", Body=b"damaged")
    curate = ["curate", "manifests/sample.toml", "--data", "far", "--workers", "1", "-q"]
    assert run([*curate, "--store", "s3://sky/nebulae"]) == Exit.INPUT
    assert "is not what its name says" in capsys.readouterr().err


def test_a_missing_bucket_and_a_store_that_does_not_answer_are_told(
    home: Path, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("build", "curate"):  # one that writes first, and one that reads first
        words = [command, "manifests/sample.toml", "--data", "bad", "--workers", "1", "-q"]
        assert run([*words, "--store", "s3://nobody-made-it/x"]) == Exit.INPUT
        assert "make the bucket first" in capsys.readouterr().err
    assert build(home, "bad", "--store", "s3://ada:aSecretThatNobodyMaySee@sky/x") == Exit.INPUT
    assert "aSecretThatNobodyMaySee" not in capsys.readouterr().err
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    forget()
    assert build(home, "bad", "--store", "s3://sky/nebulae") == Exit.BUSY
    told = capsys.readouterr().err
    assert "does not answer" in told
    assert "aSecretThatNobodyMaySee" not in told


def test_keys_that_the_store_does_not_know_are_told(
    home: Path, s3: Any, endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    requests.post(f"{endpoint}/moto-api/reset-auth", data="0", timeout=10)  # from now on it looks at keys
    try:
        code = build(home, "shut", "--store", "s3://sky/nebulae")
    finally:
        requests.post(f"{endpoint}/moto-api/reset-auth", data="inf", timeout=10)
    assert code == Exit.CREDENTIAL
    told = capsys.readouterr().err
    assert "does not let us in" in told
    assert "AWS_ACCESS_KEY_ID" in told
    assert "aSecretThatNobodyMaySee" not in told


def test_a_server_that_goes_away_in_the_middle_is_told(
    home: Path, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    forget()
    boto3.client("s3").create_bucket(Bucket="brief")
    real, sent = s3fs.S3FileSystem.put_file, []

    def put_file(self: Any, *arguments: Any, **more: Any) -> Any:
        sent.append(arguments)
        if len(sent) == 5:
            server.stop()
        return real(self, *arguments, **more)

    monkeypatch.setattr(s3fs.S3FileSystem, "put_file", put_file)
    assert build(home, "brief", "--store", "s3://brief/x") == Exit.BUSY
    assert len(sent) == 5
    assert "does not answer" in capsys.readouterr().err
