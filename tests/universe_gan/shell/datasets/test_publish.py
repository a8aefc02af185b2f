"""Publishing, with the real `huggingface_hub` and `datasets` against a Hub on loopback."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_repositories import Blob, Repo, User
from hub_server import HubServer

from curation.dataset.diff import read_rows
from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit

TOKEN = "hf_aSecretThatNobodyMaySee"
DATASET = Path("data/sample/dataset")
RECIPE = Path("manifests/sample.toml")


def publish(*flags: str) -> int:
    return run(["publish", "sample", "--repo", "ada/nebulae", *flags])


def kept() -> int:
    """Rows of the demo's dataset."""
    return len(read_rows(Path("data/sample/dataset")))


def files_of(hub: HubServer, repo: str = "ada/nebulae") -> dict[str, bytes]:
    return {path: blob.data for path, blob in hub.repos[repo].main.files.items()}


def built() -> dict[str, bytes]:
    return {
        path.relative_to(DATASET).as_posix(): path.read_bytes()
        for path in DATASET.rglob("*")
        if path.is_file()
    }


def edit_recipe(old: str, new: str) -> None:
    text = RECIPE.read_text()
    assert old in text
    RECIPE.write_text(text.replace(old, new))


def retitled() -> None:
    """Another card, the same rows."""
    edit_recipe('title = "', 'title = "Second edition of ')
    assert run(["curate", "sample", "-q", "--workers", "1"]) == Exit.DONE


def test_a_new_dataset_stands_on_the_hub_byte_for_byte_with_a_tag(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert publish() == Exit.DONE
    assert not any("upload raw bytes" in str(one.message) for one in warned)
    out, err = capsys.readouterr()
    repo = hub.repos["ada/nebulae"]
    assert {path: data for path, data in files_of(hub).items() if path != ".gitattributes"} == built()
    assert not repo.private
    assert [ref for ref in repo.refs if "tags" in ref] == [f"refs/tags/{tag_in(out)}"]
    assert re.fullmatch(r"v\d{4}\.\d{2}\.\d{2}-[0-9a-f]{8}", tag_in(out))
    assert f"{hub.endpoint}/datasets/ada/nebulae" in out
    assert repo.main.oid in out
    assert f'load_dataset("ada/nebulae", revision="{tag_in(out)}")' in err
    assert len(repo.commits) == 2, "one commit beside the initial one"


def tag_in(out: str) -> str:
    return re.findall(r"^tag\s+(\S+)$", out, re.MULTILINE)[-1]


def test_publishing_again_sends_nothing_and_says_so(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    sent, commits = hub.uploaded, len(hub.repos["ada/nebulae"].commits)
    capsys.readouterr()
    assert publish() == Exit.DONE
    assert "nothing to do: the Hub holds this build" in capsys.readouterr().out
    assert (hub.uploaded, len(hub.repos["ada/nebulae"].commits)) == (sent, commits)
    assert publish("-n") == Exit.DONE
    assert "nothing to do" in capsys.readouterr().out


def test_a_dry_run_shows_the_difference_and_sends_nothing(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish("-n", "--private") == Exit.DONE
    out = capsys.readouterr().out
    assert "private, to be made, as ada" in out
    assert f"{kept()} added, 0 removed" in out
    assert "0 there already" in out
    assert hub.repos == {}
    assert publish() == Exit.DONE
    edit_recipe("[policy]", '[policy]\nrefuse = ["CC0-1.0"]')
    assert run(["curate", "sample", "-q", "--workers", "1"]) == Exit.DONE
    sent = hub.uploaded
    capsys.readouterr()
    assert publish("-n", "--json") == Exit.DONE
    shown = json.loads(capsys.readouterr().out)["proposal"]
    assert len(shown["rows"]["removed"]) == 1
    assert shown["rows"]["added"] == []
    assert shown["pull_request"] is True
    assert hub.uploaded == sent
    assert {one["path"] for one in shown["send"]} >= {"README.md", "metadata/train-00000-of-00001.parquet"}


def test_a_change_becomes_a_pull_request_which_is_made_once_and_tagged_when_merged(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    repo, first = hub.repos["ada/nebulae"], hub.repos["ada/nebulae"].main.oid
    retitled()
    assert publish() == Exit.DONE
    assert repo.main.oid == first
    assert list(repo.pulls) == [1]
    assert b"Second edition" in repo.commits[repo.refs["refs/pr/1"]].files["README.md"].data
    capsys.readouterr()
    assert publish() == Exit.DONE
    assert "waits to be merged" in capsys.readouterr().out
    assert list(repo.pulls) == [1]
    repo.merge(1)
    assert publish() == Exit.DONE
    out = capsys.readouterr().out
    assert repo.refs[f"refs/tags/{tag_in(out)}"] == repo.main.oid
    assert len([ref for ref in repo.refs if "tags" in ref]) == 2


def test_never_asks_for_a_plain_commit(home: Path, hub: HubServer) -> None:
    assert publish() == Exit.DONE
    retitled()
    assert publish("--pull-request", "never", "--message", "New title", "--tag", "v2") == Exit.DONE
    repo = hub.repos["ada/nebulae"]
    assert repo.pulls == {}
    assert repo.main.title == "New title"
    assert repo.refs["refs/tags/v2"] == repo.main.oid


def test_somebody_elses_commit_in_between_is_never_overwritten(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    retitled()

    def faster(repo: Repo) -> None:
        files = {**repo.main.files, "notes.txt": Blob(b"mine", False)}
        repo.commit("refs/heads/main", "notes", files, repo.main.oid)

    hub.before_commit = faster
    assert publish("--pull-request", "never") == Exit.BUSY
    assert "somebody else committed to ada/nebulae" in capsys.readouterr().err
    assert b"Second edition" not in files_of(hub)["README.md"]
    assert publish("--pull-request", "never") == Exit.DONE
    assert files_of(hub)["notes.txt"] == b"mine"
    assert b"Second edition" in files_of(hub)["README.md"]


def test_after_a_cut_connection_the_same_command_goes_on_behind_what_arrived(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    test, train = (DATASET / f"data/{split}-00000-of-00001.parquet" for split in ("test", "train"))
    hub.cut_uploads_after = test.stat().st_size + train.stat().st_size // 2
    assert publish() == Exit.BUSY
    assert "what arrived is not sent twice" in capsys.readouterr().err
    assert list(files_of(hub)) == [".gitattributes"], "nothing is visible before the commit"
    hub.cut_uploads_after = None
    before = hub.uploaded
    assert publish() == Exit.DONE
    assert {path: data for path, data in files_of(hub).items() if path != ".gitattributes"} == built()
    again = hub.uploaded - before
    lfs = sum(len(blob.data) for blob in hub.repos["ada/nebulae"].main.files.values() if blob.lfs)
    assert again == lfs - test.stat().st_size
    whole = Counter(one.path for one in hub.asked if one.method == "PUT" and one.body == test.stat().st_size)
    assert whole[f"/lfs/ada/nebulae/{hashlib.sha256(test.read_bytes()).hexdigest()}"] == 1


@pytest.mark.parametrize(
    ("token", "repo", "words"),
    [
        ("", "ada/nebulae", "no token for"),
        ("hf_forged", "ada/nebulae", "does not know the token"),
        ("hf_reader", "ada/nebulae", "the token may only read"),
        (TOKEN, "eve/nebulae", "eve is not yours; you are ada and may write to ada, museum, starlab"),
        (TOKEN, "museum/nebulae", "you are only 'read' in museum"),
    ],
)
def test_who_may_not_write_is_told_so_before_anything_is_read(
    home: Path,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: str,
    repo: str,
    words: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    assert run(["publish", "sample", "--repo", repo]) == Exit.CREDENTIAL
    err = capsys.readouterr().err
    assert words in err
    assert "fix:" in err
    assert "check:" not in err, "no file was hashed yet"
    assert hub.repos == {}


def test_an_organisation_and_a_fine_grained_token_may_publish_where_they_are_let(
    home: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["publish", "sample", "--repo", "starlab/nebulae", "--private"]) == Exit.DONE
    assert hub.repos["starlab/nebulae"].private
    hub.users["hf_fine"] = User("ada", "fineGrained", scoped=("ada",))
    monkeypatch.setenv("HF_TOKEN", "hf_fine")
    assert publish() == Exit.DONE
    assert run(["publish", "sample", "--repo", "starlab/other"]) == Exit.CREDENTIAL
    assert "no write access to starlab" in capsys.readouterr().err


def test_a_refusal_with_a_valid_token_is_no_mystery(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fault(403, "/commit/")
    assert publish() == Exit.CREDENTIAL
    assert "you may not write to ada/nebulae" in capsys.readouterr().err


def test_a_card_that_the_hub_refuses_is_told(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fault(400, "/validate-yaml")
    assert publish() == Exit.INPUT
    assert "refuses ada/nebulae: Invalid metadata in README.md" in capsys.readouterr().err


def test_what_should_be_private_is_not_sent_to_a_public_repository(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    retitled()
    sent = hub.uploaded
    assert publish("--private") == Exit.INPUT
    assert "exists and is public" in capsys.readouterr().err
    assert hub.uploaded == sent


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_no_bug(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    hub.fault(status, "/api/datasets/ada/nebulae")
    assert publish() == Exit.BUSY
    told = capsys.readouterr().err
    assert "does not serve us now" in told
    assert "or correct HF_ENDPOINT" in told


def test_the_token_is_in_no_line_of_talk_error_or_log(
    home: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fault(403, "/commit/", times=1)
    hub.fault(500, "/auth-check/", times=1)
    monkeypatch.setattr(sys, "argv", ["universe-gan", "publish", "-v"])
    codes = {publish("-v") for _ in range(3)}
    assert codes == {Exit.CREDENTIAL, Exit.BUSY, Exit.DONE}
    publish("--json")
    said = "".join(capsys.readouterr()) + "".join(
        path.read_text(errors="replace") for path in Path("data/sample").glob("*.*") if path.is_file()
    )
    assert "Traceback" in said
    assert TOKEN not in said
    assert all(TOKEN not in one.path for one in hub.asked)


def test_files_changed_by_hand_are_not_published(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (DATASET / "LICENSE.md").write_text("All mine.")
    (DATASET / "extra.txt").write_text("?")
    assert publish() == Exit.INPUT
    err = capsys.readouterr().err
    assert "LICENSE.md" in err
    assert "extra.txt" in err
    assert hub.repos == {}


def falsify(shard: Path, column: str, value: object) -> str:
    """Change a row of a shard and make the receipt of the build agree; returns the row's uid."""
    table = pq.read_table(shard, partitioning=None)
    values = table.column(column).to_pylist()
    values[0] = value
    place = table.schema.get_field_index(column)
    pq.write_table(
        table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type)),
        shard,
    )
    receipt = json.loads(Path("data/sample/built.json").read_text())
    for one in receipt["files"]:
        if one["path"] == shard.relative_to(DATASET).as_posix():
            one |= {"sha256": hashlib.sha256(shard.read_bytes()).hexdigest(), "bytes": shard.stat().st_size}
    Path("data/sample/built.json").write_text(json.dumps(receipt))
    return str(table.column("uid")[0].as_py())


@pytest.mark.parametrize(
    ("column", "value"),
    [("license", "CC0-1.0"), ("creator", None), ("uid", "folder:smuggled.jpg"), ("rights_evidence", [])],
)
def test_rows_that_are_not_what_the_manifest_says_are_refused_by_name(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], column: str, value: object
) -> None:
    uid = falsify(DATASET / "data/train-00000-of-00001.parquet", column, value)
    assert publish() == Exit.VIOLATIONS
    err = capsys.readouterr().err
    assert "1 row may not be published" in err
    assert (uid if column != "uid" else "folder:smuggled.jpg") in err
    assert hub.repos == {}


@pytest.mark.parametrize("purpose", ["train", "private"])
def test_a_dataset_for_other_purposes_is_not_published(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str], purpose: str
) -> None:
    edit_recipe('purpose = "publish"', f'purpose = "{purpose}"')
    assert run(["curate", "sample", "-q", "--workers", "1"]) == Exit.DONE
    assert publish() == Exit.VIOLATIONS
    assert f"purpose is '{purpose}'" in capsys.readouterr().err


def test_what_is_not_built_or_is_out_of_date_is_not_published(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["publish", "sample", "--repo", "nebulae"]) == Exit.USAGE
    assert "is not user/name" in capsys.readouterr().err
    assert run(["publish", "sample"]) == Exit.INPUT
    assert "does not say where to publish" in capsys.readouterr().err
    edit_recipe("[policy]", '[policy]\nrefuse = ["CC0-1.0"]')
    assert publish() == Exit.INPUT
    assert "older than the recipe" in capsys.readouterr().err
    assert run(["publish", "sample", "--repo", "ada/nebulae", "--data", "elsewhere"]) == Exit.INPUT
    assert "is not there yet" in capsys.readouterr().err


def test_a_card_edited_by_hand_is_shown_before_it_is_replaced(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    repo = hub.repos["ada/nebulae"]
    card = Blob(repo.main.files["README.md"].data + b"\nSee also my blog.\n", False)
    repo.commit("refs/heads/main", "edit", {**repo.main.files, "README.md": card}, repo.main.oid)
    Path("manifests/sample.published.json").unlink()
    capsys.readouterr()
    assert publish("-n") == Exit.DONE
    err = capsys.readouterr().err
    assert "was not written by this build; it will be replaced" in err
    assert "+See also my blog." in err
    assert publish("--pull-request", "never") == Exit.DONE
    assert b"my blog" not in files_of(hub)["README.md"]


def test_files_of_an_older_build_go_and_files_of_others_stay(home: Path, hub: HubServer) -> None:
    repo = Repo("ada/nebulae", private=True)
    hub.repos["ada/nebulae"] = repo
    strangers = {
        ".gitattributes": Blob(b"", False),
        "data/old.parquet": Blob(b"PAR1", True),
        "notes.txt": Blob(b"n", False),
    }
    repo.commit("refs/heads/main", "old", strangers, None)
    assert publish("--pull-request", "never") == Exit.DONE
    assert "data/old.parquet" not in files_of(hub)
    assert files_of(hub)["notes.txt"] == b"n"
    assert repo.private


def test_status_knows_what_was_published(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    capsys.readouterr()
    assert run(["status", "sample", "--json"]) == Exit.DONE
    stage = json.loads(capsys.readouterr().out)["recipes"][0]["stages"][-1]
    assert (stage["name"], stage["stands"]) == ("publish", "done")
    assert "ada/nebulae at v" in stage["facts"]
    shutil.move("data", "away")
    assert run(["status", "sample", "--json"]) == Exit.DONE
    assert "ada/nebulae at v" in json.loads(capsys.readouterr().out)["recipes"][0]["stages"][-1]["facts"]
    shutil.move("away", "data")
    retitled()
    capsys.readouterr()
    assert run(["status", "sample", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["recipes"][0]["stages"][-1]["stands"] == "out of date"
    assert run(["report", "sample"]) == Exit.DONE
    capsys.readouterr()
    assert run(["status", "sample", "--json"]) == Exit.DONE
    one = json.loads(capsys.readouterr().out)["recipes"][0]
    assert one["otherwise"] == "publish manifests/sample.toml --repo ada/nebulae"


def test_a_recipe_that_leads_out_of_its_folder_is_warned_of_before_it_is_published(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move("manifests/images", "images")
    edit_recipe('path = "images"', 'path = "../images"')
    assert run(["build", "sample", "-q", "--workers", "1"]) == Exit.DONE
    capsys.readouterr()
    assert publish("-n") == Exit.DONE
    assert "nobody else can make this dataset again" in capsys.readouterr().err


LOAD = """
import hashlib, json, sys
import datasets
from datasets import Image

repo, tag = sys.argv[1:]
rows = datasets.load_dataset(repo, split="train", revision=tag).cast_column("image", Image(decode=False))
pixels = {row["uid"]: hashlib.sha256(row["image"]["bytes"]).hexdigest() for row in rows}
seen = {row["uid"]: (pixels[row["uid"]], row["license"], row["credit_line"]) for row in rows}
stream = datasets.load_dataset(repo, split="test", streaming=True)
seen |= {row["uid"]: (None, row["license"], row["image"].size[0]) for row in stream}
words = datasets.load_dataset(repo, "metadata")
print(json.dumps([seen, sum(part.num_rows for part in words.values()), sorted(words["train"].column_names)]))
"""


def test_anybody_loads_pinned_and_streams_it_without_this_tool(
    home: Path, hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish() == Exit.DONE
    tag = tag_in(capsys.readouterr().out)
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    for name in ("HF_TOKEN", "PYTHONPATH"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, "ada/nebulae", tag],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    seen, words, columns = json.loads(done.stdout)
    ours = [
        row
        for path in sorted((DATASET / "data").glob("*"))
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]
    assert len(seen) == words == len(ours)
    assert "image" not in columns
    for row in ours:
        pixels, licence, last = seen[row["uid"]]
        assert licence == row["license"]
        if pixels:
            assert (pixels, last) == (row["image_sha256"], row["credit_line"])
        else:
            assert last == 256
    assert all(one.token is None for one in hub.asked if "resolve" in one.path and "data/" in one.path)


def test_check_asks_the_hub_once_and_says_what_the_token_may(
    home: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from universe_gan.shell.machine import accounts
    from universe_gan.shell.machine.finding import Finding

    def look() -> Finding:
        return accounts.hub()[0]

    assert look().level == "ok"
    assert "ada, token may write" in look().what
    for token, words in (("hf_reader", "token may read"), ("hf_forged", "not known there"), ("", "no token")):
        monkeypatch.setenv("HF_TOKEN", token)
        found = look()
        assert words in found.what
        assert found.cure
        assert not token or token not in str(found)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "offline?" in look().what
