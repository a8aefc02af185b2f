"""Files are whole or absent, journals survive a torn line, one command works at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from collectors.storage.files import DiskFull, Journal, canonical_json, write_whole, written_whole
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace, WorkspaceBusy


def test_a_file_is_replaced_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_whole(target, "old")
    with pytest.raises(RuntimeError), written_whole(target) as file:
        file.write(b"half of the ne")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_two_that_write_the_same_shared_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with written_whole(target, shared=True) as one:
        one.write(b"the same ")
        write_whole(target, "the same bytes", shared=True)
        assert target.read_text() == "the same bytes"
        one.write(b"bytes")
    assert target.read_text() == "the same bytes"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_leaves_the_old_file_and_says_how_much_is_free(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_whole(target, "old")
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / "file.part").symlink_to("/dev/full")
    with pytest.raises(DiskFull) as caught:
        write_whole(target, b"x" * 100_000)
    assert caught.value.free > 0
    assert target.read_text() == "old"


def test_a_torn_last_line_is_dropped_and_the_next_line_starts_clean(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "log.jsonl")
    journal.append({"n": 1})
    journal.append({"n": 2})
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"n": 3, "cut')
    assert [line["n"] for line in journal.read()] == [1, 2]
    again = Journal(journal.path)
    again.append({"n": 4})
    again.close()
    assert [line["n"] for line in again.read()] == [1, 2, 4]


def test_a_journal_that_is_one_torn_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"x" * 200_000)
    journal = Journal(path)
    journal.append({"n": 1})
    journal.close()
    assert path.read_bytes() == b'{"n":1}\n'


def test_the_store_keeps_equal_bytes_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.add(b"same") == store.add(b"same")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_an_answer_hashes_the_same_whatever_the_order_of_its_keys(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.add_answer({"a": 1, "ü": 2}) == store.add_answer({"ü": 2, "a": 1})
    assert canonical_json({"ü": [1]}) == '{"ü":[1]}'.encode()


def test_a_second_command_is_kept_out_and_told_by_whom(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.locked():
        code = (
            "import sys; from pathlib import Path; from collectors.storage.workspace import Workspace\n"
            "with Workspace(Path(sys.argv[1])).locked(): pass"
        )
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
        assert other.returncode == 1
        assert "WorkspaceBusy" in other.stderr
        assert "process" in other.stderr
    with workspace.locked():
        pass


def test_the_lock_of_a_killed_command_is_gone(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from collectors.storage.workspace import Workspace\n"
        "with Workspace(Path(sys.argv[1])).locked(): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    with Workspace(tmp_path).locked():
        pass


def test_being_busy_is_an_error_of_its_own(tmp_path: Path) -> None:
    with Workspace(tmp_path).locked(), pytest.raises(WorkspaceBusy), Workspace(tmp_path).locked():
        pass


def test_several_read_at_a_time_and_keep_out_who_would_change_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.locked():
        pass
    with workspace.reading(), Workspace(tmp_path).reading():
        with pytest.raises(WorkspaceBusy) as caught, Workspace(tmp_path).locked():
            pass
        assert caught.value.holder == "another command"  # not the one before, which has ended
    with workspace.locked(), pytest.raises(WorkspaceBusy, match="process"), Workspace(tmp_path).reading():
        pass


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with Workspace(tmp_path / "none").reading():
        pass
    assert list(tmp_path.iterdir()) == []
