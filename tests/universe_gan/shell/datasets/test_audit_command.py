"""`audit` at the command line: verdicts in words, files beside them, and two manifests compared."""

import json
import shutil
from pathlib import Path

import pytest

from collectors import manifest as manifests
from universe_gan.shell.cli import run
from universe_gan.shell.demo import set_up
from universe_gan.shell.exits import Exit


@pytest.fixture
def collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample, collected and not yet audited."""
    set_up(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["collect", "sample", "-q"]) == Exit.DONE
    return tmp_path


def test_the_audit_says_for_what_the_whole_may_be_used(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "sample"]) == Exit.DONE
    out = capsys.readouterr().out
    assert "publish   yes  All" in out
    assert "may be published under these terms, with the attribution list" in out
    folder = collected / "data" / "sample" / "audit"
    for name in ("audit.html", "attribution.md", "attribution.csv", "attribution.spdx.json"):
        assert (folder / name).is_file()


def test_two_manifests_are_compared_in_words_and_as_json(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, older = Path("manifests/sample.jsonl"), Path("older.jsonl")
    shutil.copy(path, older)
    whole = manifests.read(path)
    header = whole.header
    sealed = manifests.seal(
        whole.records[1:],
        name=header.name,
        subject=header.subject,
        recipe_sha256=header.recipe_sha256,
        tool=header.tool,
        skipped=header.skipped,
    )
    manifests.write(sealed, path)
    capsys.readouterr()
    assert run(["audit", "sample", "--diff", str(older), "--json"]) == Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert [one["uid"] for one in value["removed"]] == [whole.records[0].uid]
    assert (value["added"], value["altered"], value["same"]) == ([], [], len(whole.records) - 1)
    assert run(["audit", "sample", "--diff", str(older)]) == Exit.DONE
    assert "0 added, 1 removed, 0 changed" in capsys.readouterr().out
    assert (collected / "data" / "sample" / "audit" / "diff.md").is_file()


def test_what_is_no_manifest_cannot_be_compared_with(
    collected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("older.jsonl").write_text("{}\n")
    assert run(["audit", "sample", "--diff", "older.jsonl"]) == Exit.INPUT
    assert "not the header of a universe-gan manifest" in capsys.readouterr().err
    assert run(["audit", "sample", "--diff", "nowhere.jsonl"]) == Exit.USAGE


def test_copies_under_other_terms_are_told_by_curate_and_found_by_the_next_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(tmp_path)
    monkeypatch.chdir(tmp_path)
    [credits] = tmp_path.rglob("credits.jsonl")
    lines = [json.loads(line) for line in credits.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line["file"] == "copies/lbn438-turned.jpg":
            line["licence"], line["licence_url"] = "CC0-1.0", None
    credits.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert run(["collect", "sample", "-q"]) == Exit.DONE
    assert run(["audit", "sample"]) == Exit.DONE
    words, page = "A copy of it is published under other terms", tmp_path / "data/sample/audit/audit.md"
    assert words not in page.read_text("utf-8")
    capsys.readouterr()
    assert run(["curate", "sample"]) == Exit.DONE
    assert "note: 1 of them have copies under other terms: folder:" in capsys.readouterr().err
    assert run(["audit", "sample"]) == Exit.DONE
    assert words in page.read_text("utf-8")
    capsys.readouterr()
    assert run(["audit", "sample", "--json"]) == Exit.DONE
    notes = json.loads(capsys.readouterr().out)["notes"]
    [note] = [one for one in notes if one["concern"] == "copy-conflict"]
    assert note["what"].endswith(" here")
    assert "CC0-1.0" in note["what"]
