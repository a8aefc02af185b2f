"""Takedowns: what is asked for goes with its copies, stays away in every disguise, and the Hub is told."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hub_server import HubServer
from PIL import Image

from collectors import manifest as manifests
from collectors.storage.workspace import Workspace
from curation.dataset import synthetic
from curation.imaging import features
from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit

BLOCKED = Path("manifests/sample.blocked.jsonl")
ORION, COPY = "folder:m42-orion.jpg", "folder:copies%2Fm42-orion-copy.jpg"
PICTURES = Path("manifests/images")


def records() -> dict[str, Any]:
    return {one.uid: one for one in manifests.read(Path("manifests/sample.jsonl")).records}


def rows() -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted(Path("data/sample/dataset/metadata").glob("*.parquet")):
        found |= {row["uid"]: row for row in pq.read_table(path, partitioning=None).to_pylist()}
    return found


def takedown(*words: str) -> int:
    return run(["takedown", "sample", *words])


def rebuild() -> None:
    assert run(["build", "sample", "-q", "--workers", "1"]) == Exit.DONE


def dropped(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    capsys.readouterr()
    assert run(["build", "sample", "--json", "-q", "--workers", "1"]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    return {**told["collect"]["reasons"], "curated": told["curate"]["reasons"].get("taken-down", 0)}


def add(
    name: str,
    picture: Image.Image,
    creator: str = "Somebody Else",
    licence: str = "CC-BY-4.0",
    **how: Any,
) -> str:
    """Lay another picture into the sample's folder, with a line of credits."""
    picture.save(PICTURES / name, **how)
    line = {
        "file": name,
        "title": "Another upload",
        "creator": creator,
        "page": f"https://example.org/{name}",
        "licence": licence,
        "how_known": "stated on its page",
    }
    with Path("manifests/credits.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    return f"folder:{name}"


def test_a_dry_run_says_what_would_go_and_writes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("manifests/sample.jsonl").read_bytes()
    assert takedown(ORION, "-n", "--json") == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["matches"] == [ORION]
    assert COPY in told["copies"]
    assert not told["written"]
    assert Path("manifests/sample.jsonl").read_bytes() == before
    assert not BLOCKED.exists()


def test_an_image_goes_by_whatever_names_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, row = records()["folder:ic1396.jpg"], rows()["folder:ic1396.jpg"]
    assert record.file
    names = [record.uid, record.file.sha256, row["image_sha256"]]
    if record.page:
        names += [record.page, record.page.replace("https://", "http://www.").rstrip("/") + "/"]
    for name in names:
        capsys.readouterr()
        assert takedown(name, "-n", "--json") == Exit.DONE
        assert json.loads(capsys.readouterr().out)["matches"] == [record.uid], name
    assert takedown("no such image") == Exit.INPUT
    assert "no image of the manifest is no such image" in capsys.readouterr().err
    assert takedown("Orion") == Exit.INPUT, "a part of a title is no name"
    assert "near: folder:" in capsys.readouterr().err


def test_what_was_taken_down_leaves_manifest_dataset_and_disk_and_is_remembered_without_pixels(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = records()[ORION]
    assert takedown(ORION, "--reason", "asked by its author") == Exit.DONE
    assert "build manifests/sample.toml" in capsys.readouterr().err
    assert {ORION, COPY}.isdisjoint(records())
    assert not (Path("data/sample/originals") / record.file.sha256[:2] / record.file.sha256).exists()
    lines = [json.loads(line) for line in BLOCKED.read_text().splitlines()]
    assert {line["uid"] for line in lines} >= {ORION, COPY}
    assert all(line["reason"] == "asked by its author" for line in lines)
    assert BLOCKED.stat().st_size < 50_000 * len(lines), "local features of at most 300 places"
    assert run(["status", "sample", "--json"]) == Exit.DONE
    rebuild()
    assert ORION not in rows()
    assert "m42-orion" not in Path("data/sample/dataset/ATTRIBUTION.md").read_text()
    published = Path("data/sample/dataset/manifest/sample.jsonl").read_text()
    assert ORION not in published
    assert manifests.read(Path("manifests/sample.jsonl")).header.skipped["taken-down"] >= 2
    capsys.readouterr()
    assert takedown(ORION) == Exit.DONE
    assert "was taken down already" in capsys.readouterr().out


def test_the_same_file_under_another_name_and_the_same_picture_in_every_orientation_stay_away(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = Image.open(PICTURES / "m42-orion.jpg").convert("RGB")
    original = (PICTURES / "m42-orion.jpg").read_bytes()
    assert takedown(ORION) == Exit.DONE
    rebuild()
    kept = set(rows())
    again = {
        add("smaller.jpg", picture.resize((picture.width * 3 // 4, picture.height * 3 // 4)), quality=60),
        add("turned.jpg", picture.transpose(Image.Transpose.ROTATE_90), quality=80),
        add("mirrored.png", picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        add("upside-down.webp", picture.transpose(Image.Transpose.ROTATE_180), quality=85),
    }
    if features.available():
        width, height = picture.size
        part = picture.crop((width // 8, height // 10, width * 9 // 10, height * 7 // 8))
        again.add(add("crop.jpg", part.resize((width, height)), quality=85))
    same = add("same.jpg", picture)
    (PICTURES / "same.jpg").write_bytes(original)
    assert dropped(capsys)["curated"] == len(again)
    assert set(rows()) == kept
    assert same not in records(), "the same bytes are not even fetched"
    with Path("data/sample/verdicts.jsonl").open() as file:
        verdicts = {one["uid"]: one["verdict"] for one in map(json.loads, file)}
    assert {verdicts[uid]["reason"] for uid in again} == {"taken-down"}
    assert "turned by 90°" in verdicts["folder:turned.jpg"]["detail"]


def test_other_pictures_are_not_mistaken_for_what_was_taken_down(home: Path) -> None:
    before = set(rows())
    assert takedown(ORION) == Exit.DONE
    rebuild()
    assert set(rows()) == before - {ORION}


def test_an_author_goes_with_everything_now_and_later(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by = records()["folder:ic1396.jpg"].creator
    theirs = {uid for uid, one in records().items() if one.creator.name == by.name}
    assert takedown(by.name.upper(), "--copies", "keep") == Exit.USAGE
    assert takedown(by.name, "--reason", "wants out") == Exit.DONE
    assert theirs.isdisjoint(records())
    add("new.jpg", Image.effect_noise((400, 300), 80).convert("RGB"), creator=by.name)
    capsys.readouterr()
    assert run(["collect", "sample", "--json"]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["reasons"]["taken-down"] == len(theirs) + 1
    assert theirs.isdisjoint(records())
    assert "folder:new.jpg" not in records()


def test_what_was_refused_and_never_fetched_can_be_taken_down_too(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = add("hers.png", Image.effect_noise((400, 400), 80).convert("RGB"), "Ada Lane", "CC-BY-NC-4.0")
    other = add("also-hers.png", Image.effect_noise((400, 400), 60).convert("RGB"), "Ada Lane")
    rebuild()
    assert records()[refused].file is None
    assert records()[other].file is not None
    capsys.readouterr()
    assert takedown(refused, "-n", "--json") == Exit.DONE
    assert json.loads(capsys.readouterr().out)["matches"] == [refused]
    assert takedown("Ada Lane") == Exit.DONE
    assert {refused, other}.isdisjoint(records())
    assert dropped(capsys)["taken-down"] == 2


def test_a_copy_of_other_people_may_stay_where_one_upload_was_at_fault(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = Image.open(PICTURES / "ngc1579.jpg").convert("RGB")
    other = add("other-upload.jpg", picture, licence="Public domain", quality=60)
    rebuild()
    assert other not in rows()
    capsys.readouterr()
    assert takedown("folder:ngc1579.jpg", "--copies", "keep") == Exit.DONE
    assert "a copy: stays" in capsys.readouterr().out
    rebuild()
    assert other in rows()
    assert "folder:ngc1579.jpg" not in rows()
    third = add("third-upload.jpg", picture.transpose(Image.Transpose.ROTATE_270), creator="A Third")
    assert dropped(capsys)["curated"] == 1, "later re-uploads are blocked all the same"
    assert third not in rows()


def test_the_hub_shows_it_no_more_and_what_remains_is_listed_with_the_calls_that_purge_it(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = next(uid for uid, row in rows().items() if row["alternates"])
    assert run(["publish", "sample", "--repo", "ada/nebulae", "-q"]) == Exit.DONE
    repo = hub.repos["ada/nebulae"]
    secret = next(blob.sha256 for path, blob in repo.main.files.items() if path.startswith("data/train"))
    capsys.readouterr()
    assert takedown(shown, "--publish") == Exit.DONE
    out, err = capsys.readouterr()
    assert repo.pulls == {}, "a takedown does not wait for a merge"
    for path, blob in repo.main.files.items():
        if path.endswith(".parquet"):
            assert (
                shown not in pq.read_table(io.BytesIO(blob.data), columns=["uid"]).column("uid").to_pylist()
            )
        else:
            assert shown.removeprefix("folder:").encode() not in blob.data
    assert "1 removed" in out
    assert "still on the Hub: 2 earlier commits; refs/tags/v" in err
    calls = [line.strip() for line in err.splitlines() if line.startswith("    ")]
    assert secret in repo.objects
    tags = len([ref for ref in repo.refs if "tags" in ref])
    purge(calls)
    assert secret not in repo.objects
    assert len([ref for ref in repo.refs if "tags" in ref]) == tags - 1
    assert repo.main.parent is None
    assert all(blob.sha256 in repo.objects for blob in repo.main.files.values() if blob.lfs)


def test_with_json_a_takedown_that_publishes_gives_one_object(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["publish", "sample", "--repo", "ada/nebulae", "-q"]) == Exit.DONE
    capsys.readouterr()
    shown = min(rows())
    assert takedown(shown, "--publish", "--json") == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["matches"] == [shown]
    assert [one["uid"] for one in told["proposal"]["rows"]["removed"]] == [shown]
    assert told["published"]["revision"] == hub.repos["ada/nebulae"].main.oid


def purge(calls: list[str]) -> None:
    """Run the printed lines, as a user would, on the Hub of the environment."""
    import os

    import huggingface_hub

    endpoint = os.environ["HF_ENDPOINT"]
    code = "\n".join(calls).replace("HfApi()", f"HfApi(endpoint={endpoint!r})")
    assert "permanently_delete_lfs_files" in code
    exec(code, {"huggingface_hub": huggingface_hub})


def test_a_takedown_between_build_and_publish_stops_the_publishing(
    home: Path, hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert takedown(ORION) == Exit.DONE
    assert run(["publish", "sample", "--repo", "ada/nebulae"]) == Exit.INPUT
    assert "older than the recipe, the manifest or a takedown" in capsys.readouterr().err


def test_a_broken_blocklist_stops_everything_that_needs_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    BLOCKED.write_text('{"uid": "folder:a.jpg", "date": "2026-11-22"}\n{"uid": 3}\n')
    for command in ("collect", "curate"):
        assert run([command, "sample"]) == Exit.INPUT
        assert "sample.blocked.jsonl, line 2" in capsys.readouterr().err


def test_a_locked_rebuild_leaves_out_what_is_on_the_blocklist(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("manifests/sample.jsonl", "before.jsonl")
    assert takedown(ORION) == Exit.DONE
    shutil.copy("before.jsonl", "manifests/sample.jsonl")
    shutil.rmtree("data/sample")
    assert run(["collect", "sample", "--locked"]) == Exit.SOME_FAILED
    assert "taken down" in capsys.readouterr().out


def accepted(number: int, **changed: Any) -> synthetic.Synthetic:
    """A generated picture on the sample's list, drawn by a model that learned from a set called `f…`."""
    sha256 = Workspace(Path("data/sample")).synthetic.add(f"picture {number}".encode())
    fields: dict[str, Any] = {
        "sha256": sha256,
        "drawn_sha256": f"{number:064x}",
        "rank": number,
        "accepted": "best",
        "quality": 1.0,
        "novelty": 1.0,
        "run": "sample",
        "model": "lightweight",
        "seed": number,
        "checkpoint_sha256": "c" * 64,
        "dataset": "sample (not published)",
        "dataset_fingerprint": "f" * 64,
    }
    return synthetic.Synthetic.model_validate(fields | changed)


def test_generated_pictures_are_named_whose_model_may_have_learned_from_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = Path("manifests/sample.synthetic.jsonl")
    synthetic.write(listed, [accepted(1)])
    learned_here(Path("runs/0001-sample"), "a" * 64)
    assert takedown(ORION, "-n") == Exit.DONE
    said = capsys.readouterr()
    assert "sample cccccccccccc" in said.out
    assert "--synthetic drops them" in said.err + said.out
    assert "0001-sample may have learned from it" in said.err + said.out
    assert not BLOCKED.exists()

    assert takedown(ORION, "--json") == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["runs"] == ["runs/0001-sample"]
    assert told["synthetic"][0]["pictures"] == [synthetic.read(listed)[0].uid]
    line = json.loads(BLOCKED.read_text().splitlines()[0])
    assert line["learned"] == ["a" * 64, "f" * 64]

    drawn_later = accepted(2, checkpoint_sha256="d" * 64, dataset_fingerprint="a" * 64)
    trained_after = accepted(3, checkpoint_sha256="e" * 64, dataset_fingerprint="b" * 64)
    synthetic.write(listed, [*synthetic.read(listed), drawn_later, trained_after])
    assert run(["audit", "sample", "--json"]) == Exit.DONE
    found = json.loads(capsys.readouterr().out)["descended"]
    assert [one["checkpoint_sha256"][:1] for one in found] == ["c", "d"]
    assert ORION in found[0]["taken_down"]

    assert takedown(ORION, "--synthetic") == Exit.DONE
    assert "2 generated pictures dropped" in capsys.readouterr().out
    assert synthetic.read(listed) == (trained_after,)
    assert list(Workspace(Path("data/sample")).synthetic.names()) == [trained_after.sha256]
    assert run(["audit", "sample", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["descended"] == []


def learned_here(run_folder: Path, fingerprint: str) -> None:
    run_folder.mkdir(parents=True)
    origin = {"source": str(Path("data/sample/dataset").resolve()), "fingerprint": fingerprint}
    (run_folder / "run.json").write_text(json.dumps({"name": "elsewhere", "origin": origin}))


def test_without_generated_pictures_nothing_more_is_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert takedown(ORION, "--synthetic") == Exit.DONE
    said = capsys.readouterr()
    assert "enerated" not in said.out + said.err
    assert "learned" not in BLOCKED.read_text()
