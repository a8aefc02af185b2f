"""The command line: what a user sees, also when something is wrong; every exit code has its test."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collectors import manifest as manifests
from collectors.storage.workspace import Workspace, WorkspaceBusy
from universe_gan.shell.cli import run
from universe_gan.shell.demo import set_up
from universe_gan.shell.exits import Exit
from universe_gan.shell.models.courses import course

AT_ONE_TIME = {"SOURCE_DATE_EPOCH": "1790000000"}
"""Evidence is dated, in every row too; datasets collected at the same time can be compared byte for byte."""

COMMONS = """
[collect]
subject = "nebula"
[collect.commons]
categories = ["Planetary nebulae"]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo that ran to its end, in a folder of its own. Tests copy it before they change anything."""
    home = tmp_path_factory.mktemp("built")
    done = cli_process(home, "demo", "--no-models")
    assert done.returncode == 0, done.stderr
    (home / "stdout.txt").write_text(done.stdout)
    (home / "stderr.txt").write_text(done.stderr)
    return home


LARGE = ("folder:ic1396.jpg", "folder:m42-orion.jpg")
"""Two pictures of the sample that are kept."""


@pytest.fixture
def demo(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished demo to change; the current folder is the one that holds `manifests/`."""
    shutil.copytree(built / "demo", tmp_path / "demo")
    monkeypatch.chdir(tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample's recipe and images, nothing run yet."""
    set_up(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cli_process(home: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "universe_gan", *arguments],
        cwd=home,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "NO_COLOR": "1", **AT_ONE_TIME},
    )


def wrong(home: Path, text: str, name: str = "wrong") -> str:
    (home / "manifests").mkdir(exist_ok=True)
    (home / "manifests" / f"{name}.toml").write_text(text)
    return f"manifests/{name}.toml"


def test_the_demo_ends_with_where_everything_lies_and_what_comes_next(built: Path) -> None:
    out, err = (built / "stdout.txt").read_text(), (built / "stderr.txt").read_text()
    for made in (
        "demo/data/sample/dataset",
        "demo/data/sample/audit/audit.md",
        "demo/data/sample/report.html",
    ):
        assert made in out
        assert (built / made).exists()
    assert "next:" in err
    for reason in ("duplicate", "unreadable", "no-licence"):
        assert reason in out


def test_the_demo_can_be_run_again_and_makes_the_same_bytes(built: Path, demo: Path) -> None:
    before = {path: path.read_bytes() for path in Path("data/sample/dataset").rglob("*") if path.is_file()}
    assert cli_process(demo.parent, "demo", "--no-models").returncode == 0
    after = {path: path.read_bytes() for path in Path("data/sample/dataset").rglob("*") if path.is_file()}
    assert before == after
    assert any(path.suffix == ".parquet" for path in before)


def test_a_demo_elsewhere_on_the_disk_gives_the_same_dataset(built: Path, tmp_path: Path) -> None:
    assert cli_process(tmp_path, "demo", "--no-models", "--to", "other place").returncode == 0
    ours = built / "demo" / "data" / "sample" / "dataset"
    theirs = tmp_path / "other place" / "data" / "sample" / "dataset"
    for path in ours.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (theirs / path.relative_to(ours)).read_bytes(), path


def test_the_demo_does_not_write_into_a_folder_that_is_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("years of work")
    assert run(["demo"]) == Exit.INPUT
    assert "demo exists and is not a demo folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["thesis.txt"]


def test_json_is_one_object_on_stdout(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "sample", "--json"]) == Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert value["collect"]["taken"] < value["curate"]["judged"]
    assert value["collect"]["taken"] > value["curate"]["kept"] > 0
    assert value["audit"]["violations"] == []


def test_all_mistakes_of_a_recipe_are_shown_in_the_documented_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = wrong(
        tmp_path,
        "[collect]\nsubject = 'x'\ncomons = 1\nlimit = 'many'\n[collect.folder]\npath = 'x'\n[trian]",
    )
    assert run(["collect", path]) == Exit.INPUT
    assert capsys.readouterr().err.splitlines() == [
        "error: manifests/wrong.toml has 3 mistakes",
        "  [trian] is not a section (did you mean train?)",
        "  [collect] limit = 'many' is not a whole number",
        "  [collect] comons is not a setting (did you mean commons?)",
        "  fix: edit the file; `universe-gan init --show` prints every setting",
    ]
    assert not (tmp_path / "data").exists()


def test_a_secret_in_a_recipe_stops_everything_and_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = wrong(tmp_path, COMMONS + "api_key = 'hunter2'")
    assert run(["collect", path]) == Exit.INPUT
    err = capsys.readouterr().err
    assert "api_key looks like a secret" in err
    assert "hunter2" not in err


def test_without_a_contact_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNIVERSE_GAN_CONTACT", raising=False)
    assert run(["collect", wrong(tmp_path, COMMONS)]) == Exit.CREDENTIAL
    err = capsys.readouterr().err
    assert "commons.wikimedia.org may only be asked by somebody who can be reached" in err
    assert "export UNIVERSE_GAN_CONTACT=" in err


def test_all_keys_that_lack_are_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FLICKR_API_KEY", "DEVIANTART_CLIENT_ID", "DEVIANTART_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLICKR_API_SECRET", "x")
    monkeypatch.setenv("UNIVERSE_GAN_CONTACT", "ada@example.org")
    both = COMMONS + '[collect.flickr]\ntags = ["nebula"]\n[collect.deviantart]\ntags = ["nebula"]\n'
    assert run(["collect", wrong(tmp_path, both)]) == Exit.CREDENTIAL
    err = capsys.readouterr().err
    assert "FLICKR_API_KEY, DEVIANTART_CLIENT_ID, DEVIANTART_CLIENT_SECRET are not set\n" in err
    assert "export FLICKR_API_KEY=… (from https://www.flickr.com/services/apps/create/); " in err
    assert "export DEVIANTART_CLIENT_ID=… DEVIANTART_CLIENT_SECRET=… (from https://www.deviantart.com" in err
    assert "UNIVERSE_GAN_CONTACT" not in err


@pytest.mark.parametrize(("api", "wanted"), [("https://api.flickr.com", True), ("http://127.0.0.1:9", False)])
def test_a_contact_that_lacks_beside_keys_is_named_with_them(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    api: str,
    wanted: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FLICKR_API_KEY", "FLICKR_API_SECRET", "UNIVERSE_GAN_CONTACT"):
        monkeypatch.delenv(name, raising=False)
    text = (
        f'[collect]\nsubject = "nebula"\n[collect.flickr]\ntags = ["nebula"]\napi = "{api}/services/rest/"\n'
    )
    assert run(["collect", wrong(tmp_path, text)]) == Exit.CREDENTIAL
    err = capsys.readouterr().err
    assert "FLICKR_API_KEY, FLICKR_API_SECRET are not set" in err
    assert ("no valid contact is set, without which api.flickr.com may not be asked" in err) is wanted
    assert ("export UNIVERSE_GAN_CONTACT=" in err) is wanted


def test_a_missing_recipe_names_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["build", "nothing"]) == Exit.INPUT
    err = capsys.readouterr().err
    assert "there is no recipe manifests/nothing.toml" in err
    assert "nebulae" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["colect"],
        ["collect"],
        ["init"],
        ["collect", "x", "--locked", "-n"],
        ["build", "x", "--locked", "--refresh"],
        ["collect", "x", "--exact"],
        ["build", "x", "--allow-missing"],
        ["collect", "x", "--verify"],
    ],
)
def test_a_wrong_command_line_is_usage(arguments: list[str], fresh: Path) -> None:
    arguments = ["sample" if word == "x" else word for word in arguments]
    assert run(arguments) == Exit.USAGE


def test_a_manifest_line_that_cannot_be_read_is_named(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = demo / "manifests" / "sample.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    lines[4] = b"{broken\n"
    manifest.write_bytes(b"".join(lines))
    assert run(["audit", "sample"]) == Exit.INPUT
    assert "manifests/sample.jsonl, line 5: not JSON" in capsys.readouterr().err


def test_a_manifest_of_a_newer_format_is_left_alone(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = demo / "manifests" / "sample.jsonl"
    header, *rest = manifest.read_bytes().splitlines(keepends=True)
    value = json.loads(header) | {"format": 99, "tool": "7.0"}
    newer = json.dumps(value).encode() + b"\n" + b"".join(rest)
    manifest.write_bytes(newer)
    assert run(["curate", "sample"]) == Exit.INPUT
    assert "has format 99 (by version 7.0)" in capsys.readouterr().err
    assert manifest.read_bytes() == newer


def test_no_space_on_disk_is_said_and_leaves_nothing_half(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (fresh / "manifests" / "sample.jsonl.part").symlink_to("/dev/full")
    assert run(["collect", "sample"]) == Exit.MACHINE
    assert "no space left at" in capsys.readouterr().err
    assert not (fresh / "manifests" / "sample.jsonl").exists()
    assert run(["collect", "sample"]) == Exit.DONE


def test_a_second_run_in_one_workspace_says_who_is_there(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Workspace(demo / "data" / "sample").locked():
        assert run(["curate", "sample"]) == Exit.BUSY
    assert f"is in use by process {os.getpid()}" in capsys.readouterr().err


def test_processes_that_train_together_find_the_dataset_at_the_same_time(demo: Path) -> None:
    with Workspace(demo / "data" / "sample").reading():  # as another process of torchrun does
        found = course("sample", (), None, None)
    assert Path(found.source).resolve() == demo / "data" / "sample" / "dataset"
    with Workspace(demo / "data" / "sample").locked(), pytest.raises(WorkspaceBusy):
        course("sample", (), None, None)


def test_a_stage_without_its_input_names_the_command_that_makes_it(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "sample"]) == Exit.INPUT
    assert "universe-gan collect manifests/sample.toml" in capsys.readouterr().err


def test_a_violated_policy_ends_with_its_exit_code(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "sample", "--set", 'policy.allow=["pd"]']) == Exit.VIOLATIONS
    assert "violation  folder:" in capsys.readouterr().out


def test_a_build_whose_audit_finds_a_violation_goes_to_its_end_and_says_so(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from universe_gan.shell.datasets import stages
    from universe_gan.shell.recipes.recipe import find, load

    real, strict = stages.run_audit, load(find("sample"), ('policy.allow=["pd"]',), None)
    monkeypatch.setattr(stages, "run_audit", lambda recipe, workspace: real(strict, workspace))
    (demo / "data" / "sample" / "report.html").unlink()
    assert run(["build", "sample", "--workers", "1"]) == Exit.VIOLATIONS
    assert (demo / "data" / "sample" / "report.html").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_a_whole_state_and_goes_on(fresh: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "universe_gan", "build", "sample"],
        cwd=fresh,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    deadline = time.monotonic() + 60
    while not (fresh / "data" / "sample" / "fetched.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED, err
    assert "Traceback" not in err
    assert "everything on disk is whole" in err
    assert run(["build", "sample"]) == Exit.DONE


def test_a_wrong_sidecar_is_told_before_anything_is_touched(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    credits = Path("manifests/credits.jsonl")
    credits.write_text(credits.read_text() + credits.read_text().splitlines()[0] + "\n")
    before = set(fresh.rglob("*"))
    assert run(["build", "sample"]) == Exit.INPUT
    assert "stands in line 1 already" in capsys.readouterr().err
    assert set(fresh.rglob("*")) == before
    Path("data/sample").mkdir(parents=True)
    assert run(["build", "sample"]) == Exit.INPUT
    assert Path("data/sample").is_dir()


@pytest.mark.parametrize("flags", ["", "--json"])
def test_a_reader_that_has_enough_ends_a_command_quietly(demo: Path, flags: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = to_file(write, "audit", "sample", "-q", *flags.split())
    assert (done.returncode, done.stderr) == (Exit.UNREAD, "")
    assert Path("data/sample/audit/audit.html").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("flags", ["", "--json"])
def test_output_that_cannot_be_written_is_said_in_words(demo: Path, flags: str) -> None:
    done = to_file(os.open("/dev/full", os.O_WRONLY), "status", *flags.split())
    assert done.returncode == Exit.MACHINE
    assert done.stderr.startswith("error: what this command prints cannot be written: No space left")
    assert "Traceback" not in done.stderr


def to_file(descriptor: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-m", "universe_gan", *arguments],
            stdout=descriptor,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
    finally:
        os.close(descriptor)


def test_status_names_the_next_command_at_every_stage(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in ("collect", "audit", "curate", "report"):
        assert run(["status"]) == Exit.DONE
        assert f" {stage} manifests/sample.toml" in capsys.readouterr().out.splitlines()[-1]
        assert run([stage, "sample"]) == Exit.DONE
        capsys.readouterr()
    assert run(["status", "--json"]) == Exit.DONE
    (one,) = json.loads(capsys.readouterr().out)["recipes"]
    assert one["next"] == "review manifests/sample.toml"
    assert one["otherwise"] == "publish manifests/sample.toml --repo USER/NAME --dry-run"
    assert [stage["stands"] for stage in one["stages"]] == ["done"] * 4 + ["waits"]
    Path("studies/sample-toy").mkdir(parents=True)
    Path("studies/sample-toy/study.json").write_text(
        '{"steps": {"build": {"made": "1"}, "train stylegan2": {}}}'
    )
    assert run(["status", "--json"]) == Exit.DONE
    (one,) = json.loads(capsys.readouterr().out)["recipes"]
    assert one["next"] == "review manifests/sample.toml"
    assert one["otherwise"] == "study manifests/sample.toml --toy", "what was broken off is offered"


def test_build_review_and_status_count_the_same_pictures(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["build", "sample", "--json"]) == Exit.DONE
    built = json.loads(capsys.readouterr().out)["curate"]
    assert run(["review", "sample", "--json"]) == Exit.DONE
    shown = json.loads(capsys.readouterr().out)
    assert (shown["undecided"], shown["doubtful"]) == (built["undecided"], len(built["doubtful"]))
    assert shown["undecided"] == Path("data/sample/review.html").read_text().count('class="card"')
    assert run(["curate", "sample"]) == Exit.DONE
    assert "1 picture to look at: 1 doubtful" in capsys.readouterr().out


def test_after_a_review_status_asks_for_nothing_but_publishing(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["build", "sample", "--json"]) == Exit.DONE
    (doubtful,) = json.loads(capsys.readouterr().out)["curate"]["doubtful"]
    records = manifests.read(Path("manifests/sample.jsonl")).records
    (sha,) = (one.file.sha256 for one in records if one.uid == doubtful and one.file)
    decision = {"sha256": sha, "decision": "keep", "date": "2026-01-01"}
    Path("saved.json").write_text(json.dumps({"format": "universe-gan review 1", "decisions": [decision]}))
    for command, then in (
        (["review", "sample", "--take", "saved.json"], "curate manifests/sample.toml"),
        (["curate", "sample"], "report manifests/sample.toml"),
        (["report", "sample"], "publish manifests/sample.toml --repo USER/NAME --dry-run"),
    ):
        assert run(command) == Exit.DONE
        capsys.readouterr()
        assert run(["status", "--json"]) == Exit.DONE
        assert json.loads(capsys.readouterr().out)["recipes"][0]["next"] == then


def test_status_finds_the_demo_from_the_folder_it_was_run_in(
    demo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(demo.parent)
    assert run(["status"]) == Exit.DONE
    assert "review demo/manifests/sample.toml" in capsys.readouterr().out
    (demo.parent / "empty").mkdir()
    monkeypatch.chdir(demo.parent / "empty")
    assert run(["status"]) == Exit.DONE
    said = capsys.readouterr()
    assert "neither here nor one folder down" in said.out
    assert "next: " in said.err
    assert "init NAME" in said.err


def test_status_knows_that_the_files_of_a_manifest_are_gone(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("data")
    assert run(["status"]) == Exit.DONE
    assert "collect manifests/sample.toml --locked" in capsys.readouterr().out
    assert run(["collect", "sample", "--locked"]) == Exit.DONE
    capsys.readouterr()
    assert run(["status"]) == Exit.DONE
    assert " audit manifests/sample.toml" in capsys.readouterr().out


def test_an_audit_after_curate_names_what_really_comes_next(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "sample"]) == Exit.DONE
    assert " curate " not in capsys.readouterr().err


def test_what_is_named_without_pixels_is_counted_as_such_everywhere(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["sample", "--set", 'policy.allow=["pd", "pd-claim"]', "--set", 'policy.reference=["by"]']
    assert run(["build", *given, "--json"]) == Exit.DONE
    built = json.loads(capsys.readouterr().out)
    counts = built["curate"]
    assert counts["references"] == counts["dataset"]["references"] == 16
    assert "licence-refused" not in counts["reasons"]
    assert (
        counts["kept"] + counts["references"] + sum(counts["reasons"].values()) == built["collect"]["taken"]
    )
    assert run(["curate", *given]) == Exit.DONE
    account = f"{counts['kept']} of 30 fetched images kept, 16 references: "
    dropped = ", ".join(f"{count} {reason}" for reason, count in counts["reasons"].items())
    assert f"{account}{dropped}\n" in capsys.readouterr().out
    assert run(["status", "sample"]) == Exit.DONE
    assert account in capsys.readouterr().out
    assert run(["audit", *given]) == Exit.DONE
    assert f"dataset   {account}{dropped}\n" in capsys.readouterr().out
    assert run(["collect", *given, "--locked", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["seen"] == built["collect"]["seen"] == 45


def test_relicense_reads_the_kept_answers_and_changes_nothing_without_a_reason(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (demo / "manifests" / "sample.jsonl").read_bytes()
    assert run(["relicense", "sample", "--json"]) == Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert (value["changes"], value["without_answer"]) == ([], [])
    assert (demo / "manifests" / "sample.jsonl").read_bytes() == before


def test_init_writes_a_recipe_that_loads_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from universe_gan.shell.recipes.recipe import load

    monkeypatch.chdir(tmp_path)
    assert run(["init", "mine"]) == Exit.DONE
    assert load(Path("manifests/mine.toml")).plan.settings.limit == 100
    text = Path("manifests/mine.toml").read_text()
    assert run(["init", "mine"]) == Exit.INPUT
    assert Path("manifests/mine.toml").read_text() == text
    assert run(["init", "big", "--from", "nebulae"]) == Exit.DONE
    assert load(Path("manifests/big.toml")).plan.settings.limit == 1600


def test_init_show_prints_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--show"]) == Exit.DONE
    out = capsys.readouterr().out
    for words in (
        "[collect]",
        "[collect.commons]",
        "[collect.folder]",
        "[policy]",
        "[curate]",
        "# depth = 3",
    ):
        assert words in out


def test_check_and_sources_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check"]) == Exit.DONE
    assert "universe-gan" in capsys.readouterr().out
    assert run(["sources", "--json"]) == Exit.DONE
    assert {source["name"] for source in json.loads(capsys.readouterr().out)["sources"]} == {
        "commons",
        "deviantart",
        "flickr",
        "folder",
        "nasa",
    }


def test_a_bug_keeps_its_traceback(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from universe_gan.shell.datasets import auditing

    def broken(*arguments: object, **options: object) -> Exit:
        raise ZeroDivisionError("one over nothing")

    monkeypatch.setattr(auditing, "audit", broken)
    assert run(["audit", "sample"]) == Exit.BUG
    err = capsys.readouterr().err
    assert "ZeroDivisionError: one over nothing" in err
    assert "please report" in err


def test_verify_reads_a_folder_again_and_tells_what_changed(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "sample"]) == Exit.DONE
    assert "0 changed, 0 matter" in capsys.readouterr().out
    manifest = manifests.read(demo / "manifests" / "sample.jsonl")
    record = next(record for record in manifest.records if record.file)
    (demo / "manifests" / "images" / record.original.url).unlink()
    assert run(["verify", "sample", "--json"]) == Exit.VIOLATIONS
    value = json.loads(capsys.readouterr().out)
    assert [(one["uid"], one["changes"][0]["kind"]) for one in value["images"]] == [(record.uid, "deleted")]
    report = (demo / "data" / "sample" / "audit" / "drift.md").read_text(encoding="utf-8")
    assert "## No longer at its source" in report


def test_a_locked_file_that_is_lost_is_an_open_matter_until_it_may_be_missing(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = manifests.read(demo / "manifests" / "sample.jsonl")
    record = next(record for record in manifest.records if record.file)
    assert record.file
    (demo / "manifests" / "images" / record.original.url).unlink()
    Workspace(demo / "data" / "sample").originals.path(record.file.sha256).unlink()
    assert run(["build", "sample", "--locked"]) == Exit.SOME_FAILED
    told = capsys.readouterr()
    assert record.uid in told.out
    assert "--allow-missing" in told.err
    assert run(["curate", "sample"]) == Exit.INPUT, "rows are never quietly missing"
    capsys.readouterr()
    assert run(["build", "sample", "--locked", "--allow-missing", "--json"]) == Exit.DONE
    value = json.loads(capsys.readouterr().out)
    assert value["collect"]["fates"]["gone"] == 1
    assert value["curate"]["reasons"]["gone"] == 1


def test_a_manifest_edited_by_hand_says_where_its_seal_is_broken(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = demo / "manifests" / "sample.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    edited = [line.replace('"attribution":true', '"attribution":false') for line in lines[:12]]
    assert edited != lines[:12]
    path.write_text("".join([*edited, *lines[12:]]), encoding="utf-8")
    for command in (["verify", "sample"], ["collect", "sample", "--locked"]):
        assert run(command) == Exit.INPUT
        err = capsys.readouterr().err
        assert "sample.jsonl, line 2: folder:copies%2Flbn438-turned.jpg was edited by hand" in err


def test_a_manifest_that_shrinks_or_was_broken_is_written_again_and_said(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo / "manifests" / "images" / "m78.jpg").unlink()
    shutil.rmtree(demo / "data" / "sample" / "originals")
    assert run(["collect", "sample"]) == Exit.DONE
    assert "the manifest named 43 files before and names 42 now" in capsys.readouterr().err
    (demo / "manifests" / "sample.jsonl").write_text("broken\n")
    assert run(["collect", "sample"]) == Exit.DONE
    assert run(["audit", "sample"]) == Exit.DONE


def test_originals_that_lost_their_bytes_are_fetched_again_and_never_make_a_row(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(demo / "data" / "sample")
    first, second = (
        one for one in manifests.read(Path("manifests/sample.jsonl")).records if one.uid in LARGE
    )
    assert first.file
    assert second.file
    longer, other = (workspace.originals.path(one.file.sha256) for one in (first, second) if one.file)
    with longer.open("ab") as file:
        file.write(b"x")
    assert run(["collect", "sample", "-q"]) == Exit.DONE
    assert workspace.originals.is_sound(first.file.sha256), "of another size: nobody has to read it to know"
    before = {path.name: path.read_bytes() for path in (workspace.dataset / "data").iterdir()}
    other.write_bytes(bytes(reversed(other.read_bytes())))
    shutil.rmtree(workspace.root / "squares")
    capsys.readouterr()
    assert run(["curate", "sample", "-q"]) == Exit.INPUT
    assert f"{other.relative_to(demo)} was not what its name says; it was removed" in capsys.readouterr().err
    assert run(["build", "sample", "-q"]) == Exit.DONE
    assert {path.name: path.read_bytes() for path in (workspace.dataset / "data").iterdir()} == before
