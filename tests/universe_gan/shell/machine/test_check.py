"""`check`: what the machine has, held against a recipe; its JSON is for bug reports."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hub_server import HubServer
from PIL import features

from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit
from universe_gan.shell.machine import SCHEMA, accounts, installed, room
from universe_gan.shell.recipes.recipe import load

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "reference" / "check.md"
SECRETS = {
    "UNIVERSE_GAN_CONTACT": "ada@secret.example.org",
    "FLICKR_API_KEY": "a-flickr-key",
    "FLICKR_API_SECRET": "a-flickr-secret",
    "DEVIANTART_CLIENT_SECRET": "a-deviantart-secret",
    "HF_TOKEN": "hf_aSecretThatNobodyMaySee",
    "HF_ENDPOINT": "http://ada:a-password@127.0.0.1:9",
}
NEW = datetime(2026, 11, 1, tzinfo=UTC)

Asked = dict[str, dict[str, Any]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both shipped recipes, and nothing in the environment."""
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    monkeypatch.chdir(tmp_path)
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def asked(capsys: pytest.CaptureFixture[str], *words: str, code: Exit = Exit.DONE) -> Asked:
    """The findings by name."""
    capsys.readouterr()
    assert run(["check", *words, "--json"]) == code
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)["findings"]}


def test_json_holds_what_a_bug_report_needs_and_no_secret(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert run(["check", "planets", "--json"]) == Exit.DONE
    text = capsys.readouterr().out
    value = json.loads(text)
    assert set(value) == {"schema", "tool", "recipe", "findings"}
    assert (value["schema"], value["recipe"]) == (SCHEMA, "planets")
    for finding in value["findings"]:
        assert set(finding) == {"name", "level", "what", "cure", "facts"}
        assert all(isinstance(one, str | int | float | bool | None) for one in finding["facts"].values())
    assert not [secret for secret in (*SECRETS.values(), "a-password", "secret.example") if secret in text]
    assert str(Path.home()) not in text
    assert str(project) not in text


def test_every_finding_and_fact_is_documented(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = asked(capsys)
    assert f'"{SCHEMA}"' in page
    assert [name for name in found if f"| `{name}` |" not in page] == []
    own = ("python", "memory", "disk", "contact", "clock")
    assert [(name, fact) for name in own for fact in found[name]["facts"] if f"`{fact}`" not in page] == []


def test_native_codecs_are_named_with_their_versions(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = asked(capsys)["codecs"]["facts"]
    for name in (
        "libjpeg-turbo",
        "zlib",
        "libwebp",
        "libtiff",
        "OpenJPEG",
        "libavif",
        "Little CMS",
        "Arrow C++",
    ):
        assert facts[name][0].isdigit(), name
    assert facts["libjpeg-turbo"] == features.version("libjpeg_turbo")


def test_a_codec_that_is_missing_is_named_by_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "webp")
    found = installed.codecs()
    assert found.level == "note"
    assert "without WebP" in found.what
    assert found.facts["libwebp"] is None


def test_keys_are_asked_of_the_sources_that_the_recipe_uses(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(capsys, "nebulae")["keys"]["facts"] == {}
    found = asked(capsys, "planets")["keys"]
    assert found["level"] == "note"
    assert "export FLICKR_API_KEY=… FLICKR_API_SECRET=…" in found["cure"]
    monkeypatch.setenv("FLICKR_API_KEY", "a-flickr-key")
    monkeypatch.setenv("FLICKR_API_SECRET", "a-flickr-secret")
    assert asked(capsys, "planets")["keys"]["level"] == "ok"


def test_a_disk_too_small_for_the_recipe_is_exit_7(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = SimpleNamespace(free=10 * 10**9)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda place: usage)
    found = asked(capsys, "nebulae", code=Exit.MACHINE)["disk"]
    assert found["level"] == "bad"
    assert 13e9 < found["facts"]["needed_bytes"] < 16e9
    assert "--data moves it" in found["cure"]
    assert asked(capsys)["disk"]["level"] == "note"
    assert asked(capsys, "planets")["disk"]["level"] == "ok"


def test_what_is_here_already_is_not_needed_again(home: Path) -> None:
    recipe = load(home / "manifests" / "sample.toml")
    needed, words = room._needed(recipe)
    assert "by its manifest" in words
    assert needed is not None
    shutil.rmtree(recipe.data)
    everything, _ = room._needed(recipe)
    assert everything is not None
    assert needed < everything < 100e6


def test_little_memory_asks_for_fewer_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.os, "cpu_count", lambda: 64)
    monkeypatch.setattr(room, "_memory", lambda: (int(8e9), None))
    found = room.memory(None)
    assert (found.level, "--workers 12" in found.cure) == ("note", True)
    monkeypatch.setattr(room, "_memory", lambda: (int(256e9), int(200e9)))
    assert room.memory(None).level == "ok"
    monkeypatch.setattr(room, "_memory", lambda: (None, None))
    assert room.memory(None).level == "ok"


@pytest.mark.parametrize(
    ("minutes", "level", "words"), [(0, "ok", "so does"), (20, "note", "20 minutes behind")]
)
def test_the_clock_is_held_against_a_server(minutes: int, level: str, words: str) -> None:
    found = installed.clock(NEW + timedelta(minutes=minutes), now=NEW)
    assert found.level == level
    assert words in found.what
    assert found.facts["off_seconds"] == -60 * minutes


def test_a_clock_from_before_the_installation_is_wrong() -> None:
    assert installed.clock(None).level == "ok"
    found = installed.clock(None, now=datetime(1970, 1, 2, tzinfo=UTC))
    assert (found.level, found.facts["compared"]) == ("note", "installation")


def test_nobody_is_asked_without_a_token_unless_online(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert accounts.hub() == (accounts.hub()[0], None)
    assert hub.asked == []
    found, date = accounts.hub(online=True)
    assert found.facts == {"public": False, "token": False, "answers": True}
    assert date is not None
    assert abs(datetime.now(UTC) - date) < timedelta(minutes=1)


def test_rights_are_held_against_the_repository_of_the_recipe(home: Path, hub: HubServer) -> None:
    def may(repo: str) -> tuple[str, object]:
        found, _ = accounts.hub(load(home / "manifests" / "sample.toml", [f"publish.repo={repo}"]))
        return found.level, found.facts["may_write"]

    assert may("ada/nebulae") == ("ok", True)
    assert may("starlab/nebulae") == ("ok", True)
    assert may("museum/nebulae") == ("note", False)
    assert may("bob/nebulae") == ("note", False)


def test_one_broken_manifest_hides_no_other_recipe(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy("manifests/sample.toml", "manifests/another.toml")
    Path("manifests/another.jsonl").write_text("{}\n")
    shutil.copy("manifests/sample.toml", "manifests/later.toml")
    header, rest = Path("manifests/sample.jsonl").read_text().split("\n", 1)
    Path("manifests/later.jsonl").write_text(json.dumps({**json.loads(header), "format": 99}) + "\n" + rest)
    assert run(["status"]) == Exit.INPUT
    told = capsys.readouterr()
    assert "next: " in told.out
    assert "universe-gan collect manifests/another.toml" in told.err
    assert "pip install --upgrade universe-gan" in told.err
    assert run(["status", "another", "sample", "nowhere", "--json"]) == Exit.INPUT
    value = json.loads(capsys.readouterr().out)
    assert [one["recipe"] for one in value["recipes"]] == ["manifests/sample.toml"]
    assert [one["recipe"] for one in value["wrong"]] == ["manifests/another.toml", "manifests/nowhere.toml"]


def test_status_names_a_command_in_every_state(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def next_one() -> str:
        capsys.readouterr()
        assert run(["status", "--json"]) == Exit.DONE
        value = json.loads(capsys.readouterr().out)
        return value["next"] or value["recipes"][0]["next"]

    seen = [next_one()]
    for lost in (
        "data/sample/report.html",
        "data/sample/dataset",
        "data/sample/originals",
        "data/sample/audit",
    ):
        path = Path(lost)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        seen.append(next_one())
    Path("data/sample/state.json").write_text('{"audit": 3, "review": []}')
    seen.append(next_one())
    Path("manifests/sample.jsonl").unlink()
    seen.append(next_one())
    Path("manifests/sample.toml").unlink()
    seen.append(next_one())
    assert [one.split()[0] for one in seen] == [
        *("review", "report", "curate", "collect", "collect", "collect", "collect", "init"),
    ]
