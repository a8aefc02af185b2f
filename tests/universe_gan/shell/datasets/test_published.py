"""What is published is read back: audited, ours or a stranger's, and made again from what it carries."""

import hashlib
import io
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_repositories import Blob, Repo
from hub_server import HubServer

from curation.dataset.diff import read_rows
from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit

OURS = "hf://datasets/ada/nebulae"
THEIRS = "hf://datasets/eve/pictures"


def kept() -> int:
    """Rows of the demo's dataset."""
    return len(read_rows(Path("data/sample/dataset")))


def published(hub: HubServer) -> Repo:
    assert run(["publish", "sample", "--repo", "ada/nebulae", "-q"]) == Exit.DONE
    return hub.repos["ada/nebulae"]


def audit(capsys: pytest.CaptureFixture[str], where: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(["audit", where, "--json"])
    return code, json.loads(capsys.readouterr().out)


def troubles(told: dict[str, Any]) -> dict[str, int]:
    return {one["trouble"]: one["rows"] for one in told["found"]}


def strangers(
    hub: HubServer, rows: dict[str, list[Any]], card: str = "---\nlicense: cc-by-4.0\n---\n"
) -> int:
    """Publish a table with pictures that somebody else made; returns the size of its file."""
    count = len(next(iter(rows.values())))
    noise = random.Random(1)
    pictures = [{"bytes": noise.randbytes(200_000), "path": f"{n}.png"} for n in range(count)]
    file = io.BytesIO()
    pq.write_table(pa.table({"image": pictures, **rows}), file, row_group_size=4)
    repo = hub.repos["eve/pictures"] = Repo("eve/pictures", private=False)
    files = {"README.md": Blob(card.encode(), False), "data/train-00000.parquet": Blob(file.getvalue(), True)}
    repo.commit("refs/heads/main", "add", files, None)
    return len(file.getvalue())


def change(repo: Repo, **files: bytes | None) -> None:
    """Somebody's commit: `manifest__sample.jsonl` stands for `manifest/sample.jsonl`."""
    new = dict(repo.main.files)
    for name, data in files.items():
        path = name.replace("__", "/").replace("_DOT_", ".")
        if data is None:
            new.pop(path)
        else:
            new[path] = Blob(data, path.endswith(".parquet"))
    repo.commit("refs/heads/main", "change", new, repo.main.oid)


def test_a_dataset_of_ours_is_audited_from_the_hub_without_reading_a_picture(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = published(hub)
    before = len(hub.asked)
    code, told = audit(capsys, OURS)
    assert code == Exit.DONE
    assert told["rows"] == kept()
    assert told["revision"] == repo.main.oid
    assert told["found"] == []
    assert sum(told["classes"].values()) == kept()
    assert (
        f"sealed, 43 files; {kept()} of them are rows here, {43 - kept()} were left out" in told["manifest"]
    )
    read = [one.path for one in hub.asked[before:] if "resolve" in one.path]
    assert read
    assert not [path for path in read if "/data/" in path]
    code, same = audit(capsys, "data/sample/dataset")
    assert (code, same["licences"]) == (Exit.DONE, told["licences"])
    assert run(["audit", f"{OURS}@nowhere"]) == Exit.INPUT
    assert "no revision 'nowhere'" in capsys.readouterr().err


def test_rows_that_were_changed_after_publishing_are_found(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = published(hub)
    path = "metadata/train-00000-of-00001.parquet"
    table = pq.read_table(io.BytesIO(repo.main.files[path].data))
    rows = table.to_pylist()
    rows[0]["license"] = "CC0-1.0"
    rows[1]["uid"] = "folder:smuggled.jpg"
    rows[2]["rights_evidence"] = []
    rows[3]["ai_opted_out"] = True
    rows[4] |= {"license": "CC-BY-4.0", "creator": None, "credit_line": None}
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    change(repo, **{path.replace("/", "__"): file.getvalue()})
    code, told = audit(capsys, OURS)
    assert code == Exit.VIOLATIONS
    assert troubles(told) == {
        "no-credit": 1,
        "opted-out": 1,
        "no-evidence": 1,
        "not-in-the-manifest": 1,
        "differs-from-the-manifest": 2,
    }


def test_a_manifest_that_was_tampered_with_is_no_proof(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = published(hub)
    manifest = repo.main.files["manifest/sample.jsonl"].data
    change(repo, manifest__sample_DOT_jsonl=manifest.replace(b"CC-BY-4.0", b"CC0-1.0"))
    code, told = audit(capsys, OURS)
    assert code == Exit.VIOLATIONS
    assert "manifest-broken" in troubles(told)
    assert run(["init", "again", "--from", OURS]) == Exit.INPUT
    assert "its seal does not fit" in capsys.readouterr().err
    assert not Path("manifests/again.toml").exists()
    assert not Path("manifests/again.jsonl").exists()


def test_a_set_without_licences_is_told_so_with_what_was_looked_for(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    size = strangers(hub, {"label": list(range(12))})
    before = len(hub.asked)
    code, told = audit(capsys, THEIRS)
    assert code == Exit.VIOLATIONS
    (found,) = [one for one in told["found"] if one["trouble"] == "no-licence-column"]
    assert "looked for license, licence" in found["what"]
    assert "found label" in found["what"]
    assert "no-source" in troubles(told)
    assert sum(one.sent for one in hub.asked[before:]) < size / 10
    assert run(["audit", THEIRS]) == Exit.VIOLATIONS
    assert "violation  no column says under which licence" in capsys.readouterr().out


def test_a_strangers_set_is_read_by_the_names_others_use(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns as in CommonCatalog (https://huggingface.co/datasets/common-canvas/commoncatalog-cc-by)."""
    cc = "https://creativecommons.org/licenses"
    rows = {
        "photoid": [1, 2, 3, 4, 5],
        "licensename": [
            "Attribution License",
            "CC BY-NC 2.0",
            "CC BY 2.0",
            "all rights reserved",
            "who knows",
        ],
        "licenseurl": [f"{cc}/by/2.0/", f"{cc}/by-nc/2.0/", f"{cc}/by/2.0/", None, None],
        "unickname": ["Ada", "Ada", None, "Ada", "Ada"],
        "pageurl": ["https://example.org/1"] * 5,
    }
    size = strangers(hub, rows)
    before = len(hub.asked)
    code, told = audit(capsys, THEIRS)
    assert code == Exit.VIOLATIONS
    assert {one["licence"]: one["rows"] for one in told["licences"]}["CC-BY-2.0"] == 2
    assert told["columns"]["creator"] == "unickname"
    found = troubles(told)
    assert found["no-credit"] == 1
    assert found["no-licence"] + found.get("closed", 0) == 2
    assert found["card"] >= 1, "the card says CC BY for pictures that forbid commercial use"
    assert "evidence-not-carried" in found
    assert sum(one.sent for one in hub.asked[before:]) < size / 10


def test_what_holds_no_rows_is_said(home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    repo = hub.repos["eve/pictures"] = Repo("eve/pictures", private=False)
    repo.commit("refs/heads/main", "add", {"a.tar": Blob(b"x", True)}, None)
    assert run(["audit", THEIRS]) == Exit.INPUT
    assert "no Parquet file, only .tar" in capsys.readouterr().err
    assert run(["audit", "hf://datasets/eve"]) == Exit.INPUT
    assert "write hf://datasets/user/name" in capsys.readouterr().err
    (home / "empty").mkdir()
    assert run(["audit", "empty"]) == Exit.INPUT
    table = pa.table({"license": ["CC0-1.0"]})
    file = io.BytesIO()
    pq.write_table(table, file)
    repo.commit(
        "refs/convert/parquet", "bot", {"default/train/0000.parquet": Blob(file.getvalue(), True)}, None
    )
    assert run(["audit", THEIRS]) == Exit.VIOLATIONS
    assert "1 row of 1 file" in capsys.readouterr().out


def test_a_published_dataset_is_made_again_from_what_it_carries(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    published(hub)
    assert run(["init", "again", "--from", OURS]) == Exit.DONE
    assert "next: " in (err := capsys.readouterr().err)
    assert "collect manifests/again.toml --locked" in err
    assert run(["build", "again", "--locked", "-q", "--workers", "1"]) == Exit.DONE
    for part in ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"):
        one, other = (Path(f"data/{name}/dataset") / part for name in ("sample", "again"))
        assert hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()
    assert run(["init", "again", "--from", OURS]) == Exit.INPUT
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (
            b'[collect]\nsubject = "x"\n[collect.folder]\npath = "/etc"\n',
            "leads out of the recipe's own folder",
        ),
        (
            b'[collect]\nsubject = "x"\n[collect.folder]\npath = "a"\nsidecar = "../../.netrc"\n',
            "leads out of",
        ),
        (b'[collect]\nsubject = "x"\n[collect.flickr]\napi_key = "abc"\n', "looks like a secret"),
        (b"\xff\xfe", "not TOML"),
        (b"[collect\n", "not TOML"),
    ],
)
def test_a_hostile_recipe_is_refused_and_nothing_is_written(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], recipe: bytes, words: str
) -> None:
    change(published(hub), manifest__sample_DOT_toml=recipe)
    there = sorted(Path("manifests").iterdir())
    assert run(["init", "again", "--from", OURS]) == Exit.INPUT
    assert words in capsys.readouterr().err
    assert sorted(Path("manifests").iterdir()) == there


def test_a_dataset_without_a_manifest_cannot_be_followed(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    strangers(hub, {"license": ["CC0-1.0"]})
    assert run(["init", "again", "--from", THEIRS]) == Exit.INPUT
    assert "carries no manifest/NAME.jsonl" in capsys.readouterr().err
    assert run(["init", "../evil", "--from", OURS]) == Exit.INPUT
    assert "cannot be the name of a recipe" in capsys.readouterr().err
