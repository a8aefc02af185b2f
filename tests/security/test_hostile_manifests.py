"""Manifests, recipes and lists of a stranger: they are refused in words, and nothing outside is touched."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import STRANGE, a_line, sealed

from collectors import manifest, permissions
from collectors.folder import sidecar
from collectors.folder.sidecar import SidecarBroken
from collectors.manifest import ManifestBroken
from collectors.permissions import PermissionsBroken
from collectors.storage.remote_store import RemoteStore
from collectors.storage.stores import Store
from curation.dataset import synthetic
from curation.dataset.synthetic import SyntheticBroken
from curation.hub import blocked, rows
from curation.hub.blocked import BlocklistBroken
from curation.hub.rows import NotReadable, Place
from curation.screening import decisions
from curation.screening.decisions import ReviewBroken
from universe_gan.shell.cli import run
from universe_gan.shell.datasets import published
from universe_gan.shell.datasets.published import NotFollowable
from universe_gan.shell.exits import Exit
from universe_gan.shell.output import Output
from universe_gan.shell.recipes import recipe
from universe_gan.shell.recipes.recipe import RecipeWrong

RECIPE = '[collect]\nsubject = "nebula"\n[collect.commons]\ncategories = ["Nebulae"]\n'

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "inside",
    [
        {"file.sha256": "../../../victim"},
        {"file.sha256": "a" * 63 + "\n"},
        {"file.sha256": "A" * 64},
        {"file.bytes": 10**30},
        {"file.bytes": -1},
        {"file.width": 2**31},
        {"original.height": -1},
        {"original.sha1": "../x"},
        {"original.bytes": 1e400},
        {"uid": f"commons:{STRANGE}"},
        {"uid": "commons:M\u0430rs"},  # a Cyrillic a
        {"uid": "../commons:M1"},
        {"uid": "commons:a/../b"},
        {"uid": "commons:" + "M" * 300},
        {"rights.class": "free"},
        {"title": 5},
        {"a_new_field": "x"},
    ],
    ids=str,
)
def test_a_record_that_no_source_would_make_is_refused_at_the_door(
    tmp_path: Path, inside: dict[str, Any]
) -> None:
    with pytest.raises(ManifestBroken) as caught:
        manifest.read(sealed(tmp_path / "evil.jsonl", a_line(inside=inside)))
    assert caught.value.line in (1, 2)


def test_what_is_refused_above_is_fine_without_the_attack(tmp_path: Path) -> None:
    assert len(manifest.read(sealed(tmp_path / "fine.jsonl", a_line())).records) == 1


def test_a_rebuild_deletes_and_reads_nothing_outside_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check of stored files removes what has other bytes than its name: an absolute name was enough."""
    monkeypatch.chdir(tmp_path)
    victim = tmp_path / "precious.txt"
    victim.write_text("mine")
    (tmp_path / "evil.toml").write_text(RECIPE)
    sealed(tmp_path / "evil.jsonl", a_line(inside={"file.sha256": str(victim)}))
    assert run(["collect", "evil.toml", "--locked"]) == Exit.INPUT
    assert "file.sha256" in capsys.readouterr().err
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x", "", "ab", "g" * 64, "a" * 64 + "/.."])
def test_a_store_holds_nothing_but_hashes(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        Store(tmp_path).path(name)
    elsewhere = RemoteStore(tmp_path, "memory://store", by_content=True)
    for reach in (elsewhere.path, elsewhere.drop, lambda name: elsewhere.put(name, b"x")):
        with pytest.raises(ValueError, match="no SHA-256"):
            reach(name)


@pytest.mark.parametrize(
    "text",
    [DEEP, '{"a":' * 100_000, "[" + "9" * 5000 + "]", '{"kind": NaN}', "\ud800", "x" * (2**22 + 9), "null"],
    ids=["deep", "deep object", "long number", "NaN", "surrogate", "long line", "null"],
)
def test_a_line_that_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    path = sealed(tmp_path / "evil.jsonl")
    with path.open("ab") as file:
        file.write(text.encode(errors="surrogatepass") + b"\n")
    with pytest.raises(ManifestBroken) as caught:
        manifest.read(path)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("read", "refusal"),
    [
        (decisions.read, ReviewBroken),
        (synthetic.read, SyntheticBroken),
        (blocked.read, BlocklistBroken),
        (lambda path: permissions.read(path, datetime.date(2026, 1, 1)), PermissionsBroken),
        (sidecar.read, SidecarBroken),
    ],
    ids=["review", "synthetic", "blocked", "permissions", "sidecar"],
)
@pytest.mark.parametrize(
    "text", [DEEP, "a = " + DEEP, '{"sha256": "../../x"}', "\x00", STRANGE, '{"file": "../../x"}']
)
def test_a_list_beside_a_manifest_is_refused_too(
    tmp_path: Path, read: Callable[[Path], object], refusal: type[Exception], text: str
) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(refusal):
        read(path)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + DEEP,
        "a = " + "{a=" * 20_000,
        ".".join("a" * 2_000) + " = 1",
        f"[collect.{'.'.join('a' * 2000)}]",
        'title = "\x1b[2J"',
        "\x00",
        "collect = 5",
        "[[collect]]",
        '[collect]\nsubject="x"\nlimit=1e400\n[collect.commons]\ncategories=[]',
        '[collect]\nsubject="x"\n[collect.commons]\napi="http://["\ncategories=["a"]',
        '[collect]\nsubject="x"\n[collect.commons]\napi="file:///etc/passwd"\ncategories=["a"]',
    ],
)
def test_a_recipe_of_a_stranger_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "evil.toml").write_text(text)
    with pytest.raises(RecipeWrong):
        recipe.load(tmp_path / "evil.toml")
    assert run(["collect", str(tmp_path / "evil.toml")]) == Exit.INPUT
    assert not set(capsys.readouterr().err) & {"\x1b", "\x00"}


@pytest.fixture
def evil(tmp_path: Path) -> Callable[..., Place]:
    """A published dataset with this recipe and this manifest, as if it lay on a Hub at that address."""

    def make(text: str, *lines: dict[str, Any], endpoint: str | None = None) -> Place:
        folder = tmp_path / "dataset"
        (folder / "manifest").mkdir(parents=True)
        (folder / "manifest" / "evil.toml").write_text(text)
        sealed(folder / "manifest" / "evil.jsonl", *lines)
        found = rows.folder(folder)
        return Place(found.where, None, found.files, found.open, endpoint)

    return make


@pytest.mark.parametrize(
    "api",
    ["http://127.0.0.1:8080/w/api.php", "http://169.254.169.254/api.php", "https://wiki.internal/w/api.php",
     "http://[::ffff:10.0.0.1]/api.php", "http://2130706433/api.php", "http://localhost/api.php"],
)  # fmt: skip
def test_a_recipe_from_the_public_hub_may_not_ask_private_hosts(evil: Callable[..., Place], api: str) -> None:
    text = RECIPE + f'api = "{api}"\n'
    with pytest.raises(NotFollowable, match="no public network"):
        published.fetch(evil(text, a_line(), endpoint="https://huggingface.co"), "mine")


def test_a_recipe_from_a_hub_of_ones_own_may(evil: Callable[..., Place]) -> None:
    text = RECIPE + 'api = "http://127.0.0.1:8080/w/api.php"\n'
    found = evil(text, a_line(), endpoint="http://127.0.0.1:9000")
    assert published.fetch(found, "mine")[0] == text


@pytest.mark.parametrize("path", ["/etc", "../..", "~/.ssh"])
def test_a_recipe_of_a_stranger_may_not_read_the_disk(evil: Callable[..., Place], path: str) -> None:
    text = f'[collect]\nsubject = "x"\n[collect.folder]\npath = "{path}"\n'
    with pytest.raises(NotFollowable, match="leads out"):
        published.fetch(evil(text, a_line()), "mine")


def test_a_link_out_of_a_dataset_on_this_disk_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "README.md").symlink_to(tmp_path / "secret")
    (tmp_path / "set" / "up").symlink_to(tmp_path)
    (tmp_path / "set" / "own").write_text("here")
    assert list(rows.folder(tmp_path / "set").files) == ["own"]


def test_a_row_group_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    """A few kilobytes of Parquet may hold any number of equal words."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.DictionaryArray.from_arrays(pa.array([0] * (rows.GROUP_ROWS + 1), pa.int32()), ["CC0-1.0"])
    pq.write_table(pa.table({"license": column}), tmp_path / "a.parquet", row_group_size=rows.GROUP_ROWS + 1)
    assert (tmp_path / "a.parquet").stat().st_size < 20_000
    with pytest.raises(NotReadable, match="a row group of"):
        list(rows.groups(rows.folder(tmp_path)))


def test_no_word_of_a_stranger_reaches_the_terminal_as_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = Output(verbose=True)
    output.keep_log(tmp_path / "log.txt")
    for speak in (output.line, output.say, output.detail, output.note, output.error):
        speak(f"{STRANGE} by {speak.__name__}")
    output.table("t", ["title"], [[STRANGE]])
    Output(json=True).result({"title": STRANGE})
    shown = "".join(capsys.readouterr()) + (tmp_path / "log.txt").read_text()
    assert not {char for char in shown if char != "\n" and not char.isprintable()}
    assert shown.count("\\x1b[2J") >= 6
    assert '{"title": "\\u001b]0;owned' in shown


def test_json_says_the_same_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).result({"title": STRANGE, "words": 'é "quoted" \\ '})
    assert json.loads(capsys.readouterr().out) == {"title": STRANGE, "words": 'é "quoted" \\ '}
