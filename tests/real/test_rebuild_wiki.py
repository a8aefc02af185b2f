"""A dataset from a real MediaWiki whose files are renamed, overwritten, deleted and put under other terms."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from real.mediawiki import RealWiki
from real.wiki_contents import page, photo

from collectors import manifest as manifests
from collectors.commons import CommonsSettings, look_again, resolve
from collectors.source import Ask
from collectors.storage.stores import Store
from collectors.web.polite import polite_session
from curation.dataset.diff import diff, read_rows
from universe_gan.shell.exits import Exit

pytestmark = pytest.mark.mediawiki

ROOT = Path(__file__).parents[2]
CATEGORY = "Nebulae that change"

RECIPE = """
[collect]
subject  = "nebula"
min_side = 64

[collect.commons]
api        = "{api}"
categories = ["{category}"]
depth      = 0

[curate]
size = 64
"""

FILES = {
    "Stays.jpg": "cc-by-4.0",
    "Renamed.jpg": "cc-by-4.0",
    "Overwritten.jpg": "cc-by-sa-4.0",
    "Both.jpg": "cc-zero",
    "Loosened.jpg": "cc-by-sa-4.0",
    "Tightened.jpg": "cc-by-4.0",
    "Deleted.jpg": "cc-zero",
}


def text(licence: str) -> str:
    return page(licence, categories=(CATEGORY,))


@dataclass(frozen=True)
class Project:
    """A recipe in a folder, and the command line in it."""

    home: Path

    def run(self, *arguments: str, data: str = "data") -> tuple[int, dict[str, Any], str]:
        """The exit code, what `--json` printed, and stderr."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        environment.pop("UNIVERSE_GAN_CONTACT", None)
        done = subprocess.run(
            [sys.executable, "-m", "universe_gan", *arguments, "--json", "--data", data],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    @property
    def lock(self) -> manifests.Manifest:
        return manifests.read(self.home / "manifests" / "changing.jsonl")

    def dataset(self, data: str = "data") -> dict[str, bytes]:
        folder = self.home / data / "changing" / "dataset"
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def built(wiki: RealWiki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A dataset of files that only these tests touch, built while all was well."""
    for number, (name, licence) in enumerate(FILES.items()):
        wiki.upload(name, photo(7000 + number, (160, 120)), text(licence))
    wait_for(wiki, len(FILES))
    home = tmp_path_factory.mktemp("changing")
    (home / "manifests").mkdir()
    recipe = RECIPE.format(api=wiki.api, category=CATEGORY)
    (home / "manifests" / "changing.toml").write_text(recipe)
    project = Project(home)
    code, value, err = project.run("build", "changing")
    assert code == Exit.DONE, err
    assert value["curate"]["kept"] == len(FILES)
    yield project
    for name in (*FILES, "Renamed anew.jpg", "Both anew.jpg"):
        if "missing" not in wiki.ask(action="query", titles=f"File:{name}")["query"]["pages"][0]:
            wiki.act("delete", title=f"File:{name}")


@pytest.fixture(scope="module")
def moved(wiki: RealWiki, built: Project) -> Project:
    """The same, after changes that leave every locked byte within reach."""
    for name in ("Overwritten.jpg", "Both.jpg"):
        wiki.upload(name, photo(8000 + len(name), (200, 150)))
    time.sleep(1.1)  # versions are named by the second
    wiki.upload("Overwritten.jpg", photo(8100, (220, 150)))
    for name in ("Renamed", "Both"):
        wiki.act("move", **{"from": f"File:{name}.jpg", "to": f"File:{name} anew.jpg"})
    wiki.act("edit", title="File:Loosened.jpg", text=text("cc-zero"))
    return built


@pytest.fixture(scope="module")
def worse(wiki: RealWiki, moved: Project) -> Project:
    """The same, after changes that take images away."""
    wiki.act("delete", title="File:Deleted.jpg")
    wiki.act("edit", title="File:Tightened.jpg", text=text("cc-by-nc-2.0"))
    return moved


def wait_for(wiki: RealWiki, count: int) -> None:
    """Until the category knows its files: MediaWiki writes that after it has answered."""
    for _ in range(100):
        found = wiki.ask(action="query", list="categorymembers", cmtitle=f"Category:{CATEGORY}", cmlimit=50)
        if len(found["query"]["categorymembers"]) == count:
            return
        time.sleep(0.1)
    raise AssertionError("the category never filled up")


def test_nothing_has_changed_and_verify_says_so(built: Project) -> None:
    before = (built.home / "manifests" / "changing.jsonl").read_bytes()
    answers = sorted(path.name for path in (built.home / "data" / "changing" / "answers").rglob("*"))
    code, value, err = built.run("verify", "changing")
    assert code == Exit.DONE, err
    assert (value["looked_at"], value["images"], value["unasked"]) == (len(FILES), [], [])
    assert (built.home / "manifests" / "changing.jsonl").read_bytes() == before
    assert sorted(path.name for path in (built.home / "data" / "changing" / "answers").rglob("*")) == answers


def test_a_whole_tree_with_copies_and_contradictions_raises_no_false_alarm(
    wiki: RealWiki, tmp_path: Path
) -> None:
    """Also in an empty workspace, where no answer of the first time is kept."""
    (tmp_path / "manifests").mkdir()
    recipe = RECIPE.format(api=wiki.api, category="Nebulae").replace("depth      = 0", "depth = 5")
    (tmp_path / "manifests" / "changing.toml").write_text(recipe)
    project = Project(tmp_path)
    code, value, err = project.run("collect", "changing")
    assert code == Exit.DONE, err
    assert any(record.rights.conflict for record in project.lock.records if record.file)
    code, value, err = project.run("verify", "changing", data="empty")
    assert code == Exit.DONE, err
    assert value["images"] == []
    assert value["looked_at"] == project.lock.header.files > 50
    code, value, err = project.run("collect", "changing", "--locked", data="empty")
    assert code == Exit.DONE, err
    assert value["fates"] == {"same": project.lock.header.files}


def test_renamed_and_overwritten_files_make_the_same_dataset_in_an_empty_workspace(moved: Project) -> None:
    code, value, err = moved.run("build", "changing", "--locked", data="elsewhere")
    assert code == Exit.DONE, err
    assert fates(value["collect"]) == {
        "Renamed.jpg": "renamed",
        "Overwritten.jpg": "archived",
        "Both.jpg": "archived",
        "Loosened.jpg": "same",
    }
    assert moved.dataset("elsewhere") == moved.dataset()
    loosened = image(value["collect"], "Loosened.jpg")
    assert [(one["kind"], one["before"], one["after"]) for one in loosened["changes"]] == [
        ("rights-loosened", "CC-BY-SA-4.0", "CC0-1.0")
    ]


def test_a_second_rebuild_asks_nothing(moved: Project) -> None:
    code, value, err = moved.run("collect", "changing", "--locked")
    assert code == Exit.DONE, err
    assert value["fates"] == {"here": len(FILES)}
    assert (value["fetched_bytes"], value["images"]) == (0, [])
    assert "look again" not in err


def test_the_archived_version_has_the_locked_bytes_under_the_new_name(
    wiki: RealWiki, moved: Project, tmp_path: Path
) -> None:
    """Overwritten twice, and once overwritten and renamed: each is found in the history of its page."""
    records = {record.title: record for record in moved.lock.records}
    ask = an_ask(wiki, tmp_path)
    some = [records["Overwritten.jpg"], records["Both.jpg"], records["Renamed.jpg"]]
    for record, found in zip(some, resolve(ask, some), strict=True):
        assert found.original, found.detail
        data = ask.session.get(found.original.url).content
        assert hashlib.sha1(data).hexdigest() == record.original.sha1
        assert found.original.sha1 == record.original.sha1
        assert ("archived" in found.detail) == (record.title != "Renamed.jpg")


def test_a_renamed_file_keeps_its_uid_and_has_a_new_page(
    wiki: RealWiki, moved: Project, tmp_path: Path
) -> None:
    record = next(record for record in moved.lock.records if record.title == "Renamed.jpg")
    (sighting,) = look_again(an_ask(wiki, tmp_path), [record])
    assert sighting.now
    assert (sighting.now.uid, sighting.now.title) == (record.uid, "Renamed anew.jpg")
    assert sighting.now.original.sha1 == record.original.sha1
    assert sighting.now.found_by == record.found_by


def test_verify_tells_each_change_and_what_matters(moved: Project) -> None:
    code, value, err = moved.run("verify", "changing")
    assert code == Exit.VIOLATIONS, err
    assert value["counts"] == {"overwritten": 2, "rights-loosened": 1, "renamed": 2}
    assert value["matters"] == 2
    audit = moved.home / "data" / "changing" / "audit"
    assert json.loads((audit / "drift.json").read_text())["counts"] == value["counts"]
    assert "**2 images need a decision.**" in (audit / "drift.md").read_text()


def test_update_dates_what_is_in_order_and_keeps_the_root(moved: Project) -> None:
    before = moved.lock
    code, _, err = moved.run("verify", "changing", "--update")
    assert code == Exit.VIOLATIONS, err
    dated = {record.title for record in moved.lock.records if record.seen.last_verified}
    assert dated == {*FILES} - {"Overwritten.jpg", "Both.jpg"}
    assert moved.lock.header.root_sha256 == before.header.root_sha256
    assert moved.run("build", "changing", "--locked", data="dated")[0] == Exit.DONE
    folders = (moved.home / data / "changing" / "dataset" for data in ("data", "dated"))
    found = diff(*map(read_rows, folders))
    assert (found.added, found.removed) == ((), ())
    assert {one.column for row in found.changed for one in row.columns} == {"last_verified"}
    assert {row.title for row in found.changed} == dated


def test_deleted_and_tightened_images_are_never_quietly_missing(worse: Project) -> None:
    code, value, err = worse.run("build", "changing", "--locked", data="fewer")
    assert code == Exit.SOME_FAILED, err
    found = fates(value["collect"])
    assert (found["Deleted.jpg"], found["Tightened.jpg"]) == ("gone", "dropped")
    assert image(value["collect"], "Tightened.jpg")["reason"] == "licence-refused"
    assert worse.dataset("fewer") == {}
    assert "--allow-missing" in err


def test_allow_missing_makes_a_smaller_dataset_that_counts_them(worse: Project) -> None:
    lock = worse.lock
    code, value, err = worse.run("build", "changing", "--locked", "--allow-missing", data="fewer")
    assert code == Exit.DONE, err
    assert value["curate"]["kept"] == len(FILES) - 2
    assert value["curate"]["reasons"]["gone"] == 1
    assert value["curate"]["reasons"]["licence-refused"] == 1
    assert value["collect"]["lock_sha256"] == lock.header.root_sha256 != value["collect"]["root_sha256"]
    card = worse.dataset("fewer")["README.md"].decode()
    assert f"Of {len(FILES)} images seen, {len(FILES) - 2} are here." in card
    assert "| `gone` | 1 |" in card
    missing = [one.uid for one in lock.records if one.title in ("Deleted.jpg", "Tightened.jpg")]
    assert f"Missing: {', '.join(f'`{uid}`' for uid in missing)}." in card
    assert "byte for byte" not in card
    assert worse.lock == lock
    # Later stages go by the same smaller manifest, and status does not call them out of date.
    assert worse.run("curate", "changing", data="fewer")[0] == Exit.DONE
    _, standing, _ = worse.run("status", "manifests/changing.toml", data="fewer")
    assert {row["name"]: row["stands"] for row in standing["recipes"][0]["stages"]}["curate"] == "done"


def test_what_was_dropped_once_is_asked_about_again_and_stays_out(worse: Project) -> None:
    code, value, err = worse.run("collect", "changing", "--locked", "--verify")
    assert code == Exit.SOME_FAILED, err
    assert fates(value)["Tightened.jpg"] == "dropped"
    deleted = image(value, "Deleted.jpg")
    assert (deleted["fate"], deleted["changes"][0]["kind"]) == ("here", "deleted")
    code, value, err = worse.run("collect", "changing", "--locked")
    assert code == Exit.SOME_FAILED, err
    assert fates(value) == {"Tightened.jpg": "dropped"}
    worse.run("collect", "changing", "--locked", "--allow-missing")
    code, value, _ = worse.run("curate", "changing")
    assert value["kept"] == len(FILES) - 1


def test_verify_lists_what_is_deleted_or_refused_today(worse: Project) -> None:
    code, value, err = worse.run("verify", "changing")
    assert code == Exit.VIOLATIONS, err
    kinds = {one["title"]: [change["kind"] for change in one["changes"]] for one in value["images"]}
    assert kinds["Deleted.jpg"] == ["deleted"]
    assert kinds["Tightened.jpg"] == ["refused", "rights-tightened"]
    assert value["matters"] == 4


def an_ask(wiki: RealWiki, folder: Path) -> Ask:
    return Ask(
        settings=CommonsSettings(api=wiki.api, categories=(CATEGORY,)),
        subject="nebula",
        session=polite_session(None, {}),
        answers=Store(folder),
    )


def fates(collected: dict[str, Any]) -> dict[str, str]:
    return {image["title"]: image["fate"] for image in collected["images"]}


def image(collected: dict[str, Any], title: str) -> dict[str, Any]:
    return next(image for image in collected["images"] if image["title"] == title)
