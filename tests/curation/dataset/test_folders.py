"""Folders that are swapped in whole."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.storage.files import DiskFull
from curation.dataset import folders
from curation.dataset.folders import folder_written_whole, settle

KILLED = """
import os, signal, sys
from pathlib import Path
from curation.dataset import folders

path, step = Path(sys.argv[1]), sys.argv[2]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if step == "before the swap":
    folders._swap = die
elif step == "after the swap":
    settle, calls = folders.settle, []
    folders.settle = lambda path: die() if calls else (calls.append(1), settle(path))
elif step == "between two renames":
    folders._exchange = lambda *_: False
    rename = Path.rename
    Path.rename = lambda self, target: die() if self.name.endswith(".part") else rename(self, target)
with folders.folder_written_whole(path) as folder:
    (folder / "a").write_text("new")
    (folder / "b").write_text("new")
    if step == "while writing":
        die()
"""


def content(path: Path) -> dict[str, str]:
    return {found.name: found.read_text() for found in path.iterdir()}


def write(path: Path, word: str) -> None:
    with folder_written_whole(path) as folder:
        (folder / "a").write_text(word)
        (folder / "b").write_text(word)


def test_a_folder_appears_and_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "dataset"
    write(path, "old")
    assert content(path) == {"a": "old", "b": "old"}
    write(path, "new")
    assert content(path) == {"a": "new", "b": "new"}
    assert [found.name for found in path.parent.iterdir()] == ["dataset"]


def test_an_error_while_writing_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "dataset"
    write(path, "old")
    with pytest.raises(ZeroDivisionError), folder_written_whole(path) as folder:
        (folder / "a").write_text("new")
        raise ZeroDivisionError
    assert content(path) == {"a": "old", "b": "old"}
    assert [found.name for found in tmp_path.iterdir()] == ["dataset"]


def test_a_full_disk_is_said_in_our_words(tmp_path: Path) -> None:
    path = tmp_path / "dataset"
    write(path, "old")
    with (
        pytest.raises(DiskFull),
        folder_written_whole(path) as folder,
        (folder / "a").open("w") as _,
        Path("/dev/full").open("w") as full,
    ):
        full.write("x" * 10_000)
        full.flush()
    assert content(path) == {"a": "old", "b": "old"}


@pytest.mark.parametrize(
    ("step", "left", "settled"),
    [
        ("while writing", "old", "old"),
        ("before the swap", "old", "old"),
        ("after the swap", "new", "new"),
        ("between two renames", None, "old"),
    ],
)
def test_a_kill_leaves_the_old_folder_or_the_new_one(
    tmp_path: Path, step: str, left: str | None, settled: str
) -> None:
    path = tmp_path / "dataset"
    write(path, "old")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), step], check=False)
    assert ended.returncode == -signal.SIGKILL
    if left is None:
        assert not path.exists()
    else:
        assert content(path) == {"a": left, "b": left}
    settle(path)
    assert content(path) == {"a": settled, "b": settled}
    assert [found.name for found in tmp_path.iterdir()] == ["dataset"]


def test_where_names_cannot_be_exchanged_the_old_folder_steps_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    path = tmp_path / "dataset"
    write(path, "old")
    write(path, "new")
    assert content(path) == {"a": "new", "b": "new"}
    assert [found.name for found in tmp_path.iterdir()] == ["dataset"]
