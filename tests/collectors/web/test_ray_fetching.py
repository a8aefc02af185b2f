"""Downloads by two workers of a real Ray cluster: the same files, at the pace that one process would keep."""

import contextlib
import hashlib
import io
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from builders import a_record
from faulty import ALL_FAULTS, Asked, Cut, Fault, FaultServer, Refuse, Slow, scripted, seeded, too_many
from nasa_server import Item, NasaServer

ray = pytest.importorskip("ray", reason="Ray is not installed (the extra `cluster`)")

from collectors.cluster import connect  # noqa: E402
from collectors.progress import Silent  # noqa: E402
from collectors.record import Record, StoredFile  # noqa: E402
from collectors.storage.stores import Store  # noqa: E402
from collectors.web.download import Missed, fetch_all  # noqa: E402
from collectors.web.polite import Manners, Pace  # noqa: E402
from collectors.web.reach import AND_THIS_MACHINE  # noqa: E402
from collectors.web.workers import fetching  # noqa: E402
from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402

HOUSE = Path(__file__).parents[3]
NO_PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for workers in /proc")
LOOPBACK = "127.0.0.1"
PLAIN_FAULTS = (too_many("0.2"), Refuse(503), Cut(), Slow(0.05))
"""What can be told without a hash, which NASA does not state."""


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """One cluster of two for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (HOUSE, HOUSE / "tests"))))
        with connect(None, 2):
            yield


class Notes(Silent):
    """Progress that keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def photo(number: int, size: int = 20_000) -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x10JFIF" + random.Random(number).randbytes(size)


def photos(count: int) -> dict[str, bytes]:
    return {f"/{number}.jpg": photo(number) for number in range(count)}


def wanted(server: FaultServer) -> list[Record]:
    """A record of each file of a server."""
    return [
        a_record(
            number=number,
            file=None,
            original={
                "url": server.base + path,
                "sha1": hashlib.sha1(data).hexdigest(),
                "bytes": len(data),
                "mime": "image/jpeg",
            },
        )
        for number, (path, data) in enumerate(server.files.items())
    ]


def fetched(
    server: FaultServer, root: Path, pace: Pace, notes: Notes | None = None
) -> Mapping[str, StoredFile | Missed]:
    """What two workers bring of all files of a server; every file once, and as it is."""
    records, store, paces = wanted(server), Store(root / "originals"), {LOOPBACK: pace}
    manners = Manners(None, paces, AND_THIS_MACHINE)
    with fetching(2, manners, notes or Silent()) as (session, crew):
        came = list(fetch_all(records, session, store, root / "parts", paces=paces, crew=crew))
    assert sorted(record.uid for record, _ in came) == sorted(record.uid for record in records)
    for record, outcome in came:
        assert isinstance(outcome, StoredFile), outcome
        assert hashlib.sha1(store.read(outcome.sha256)).hexdigest() == record.original.sha1
    assert sorted(store.names()) == sorted(outcome.sha256 for _, outcome in came)  # type: ignore[union-attr]
    return {record.uid: outcome for record, outcome in came}


def workers() -> list[int]:
    """The processes of this cluster that fetch."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"_Fetcher" in (folder / "cmdline").read_bytes() and _is_ours(folder):
                found.append(int(folder.name))
    return found


def _is_ours(folder: Path) -> bool:
    """Whether a process descends from this one."""
    pid = int(folder.name)
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def test_two_workers_never_ask_a_host_more_at_a_time_than_it_bears(tmp_path: Path) -> None:
    with FaultServer(photos(18), latency=0.2) as server:
        fetched(server, tmp_path, Pace(in_flight=3))
    assert 1 < server.most_at_once <= 3
    assert len(server.asked) == 18


def test_two_workers_together_keep_the_distance_between_requests(tmp_path: Path) -> None:
    with FaultServer(photos(12)) as server:
        fetched(server, tmp_path, Pace(in_flight=6, per_second=5))
    since = [asked.at - server.asked[0].at for asked in server.asked]
    assert all(
        at > 0.2 * number - 0.5 for number, at in enumerate(since)
    )  # the first may come late, by this much


def test_bytes_flow_to_all_workers_together_as_fast_as_the_host_allows(tmp_path: Path) -> None:
    with FaultServer(photos(10)) as server:
        began = time.monotonic()
        fetched(server, tmp_path, Pace(in_flight=4, bits_per_second=800_000))
        assert time.monotonic() - began > 9 * 20_000 * 8 / 800_000


def test_what_one_worker_is_told_stops_all_of_them(tmp_path: Path) -> None:
    notes = Notes()
    with FaultServer(photos(12), plan=scripted(None, None, too_many("2")), latency=0.05) as server:
        fetched(server, tmp_path, Pace(in_flight=1), notes)
    refused, after = server.asked[2].at, server.asked[3].at
    assert after - refused >= 2
    assert [note for note in notes.notes if "pause of 2 s" in note and "429" in note]


def test_every_fault_of_a_line_is_survived_there_too(tmp_path: Path) -> None:
    with FaultServer(photos(20), plan=seeded(7, 0.3, ALL_FAULTS, in_a_row=1)) as server:
        fetched(server, tmp_path, Pace(in_flight=4))
    assert server.most_at_once <= 4


class Killer:
    """A plan that kills a worker at the so-many-th file from now, and makes files slow."""

    def __init__(self, number: int | None) -> None:
        self._left, self.killed = number, list[int]()

    def __call__(self, asked: Asked) -> Fault | None:
        if self._left is None or not asked.is_file:
            return None
        self._left -= 1
        if self._left == 0:
            self.killed.append(workers()[0])
            os.kill(self.killed[0], signal.SIGKILL)
        return Slow(0.2) if self._left >= 0 else None


@NO_PROC
def test_a_worker_that_is_killed_costs_no_file_and_no_place(tmp_path: Path) -> None:
    killer = Killer(6)
    with FaultServer(photos(16), plan=killer, latency=0.05) as server:
        fetched(server, tmp_path, Pace(in_flight=4))
    assert len(killer.killed) == 1
    assert server.most_at_once <= 4 + 2  # the server still answers those who are gone
    assert 16 < len(server.asked) <= 20  # what the dead had begun was begun again, and nothing else


def recipe(folder: Path, server: NasaServer) -> Path:
    path = folder / "manifests" / "worlds.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f'[collect]\nsubject = "planet"\n'
        f'[collect.nasa]\napi = "{server.base}"\nquery = ["planet"]\nin_flight = 2\n'
    )
    return path


def tell(*words: str) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        return run(list(words)), said.getvalue()


@pytest.mark.parametrize("kill", [False, pytest.param(True, marks=NO_PROC)], ids=["calm", "one-killed"])
def test_the_manifest_is_the_same_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: bool
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    items = [Item(f"PIA{number}", data=photo(number)) for number in range(9)]
    made: dict[str, bytes] = {}
    with NasaServer(items) as server:
        for engine in ("local", "ray"):
            path, killer = recipe(tmp_path / engine, server), Killer(4 if kill and engine == "ray" else None)
            faults = seeded(3, 0.2, PLAIN_FAULTS, in_a_row=1)
            server.plan = lambda asked: killer(asked) or faults(asked)  # noqa: B023 (called in this turn only)
            server.most_at_once = 0
            code, said = tell(
                "collect", str(path), "--engine", engine, "--data", str(path.parents[1] / "data")
            )
            assert code == Exit.DONE, said
            assert len(killer.killed) == (kill and engine == "ray")
            assert server.most_at_once <= 2 + 2 * len(killer.killed)  # questions and files, of all
            made[engine] = path.with_suffix(".jsonl").read_bytes()
    assert made["ray"] == made["local"]
    assert made["ray"].count(b"\n") == 1 + len(items)


def test_what_a_manifest_locks_is_fetched_there_too(tmp_path: Path) -> None:
    with NasaServer([Item(f"PIA{number}", data=photo(number)) for number in range(4)]) as server:
        path = recipe(tmp_path, server)
        assert tell("collect", str(path), "--data", str(tmp_path / "first"))[0] == Exit.DONE
        sealed = path.with_suffix(".jsonl").read_bytes()
        code, said = tell(
            "collect", str(path), "--locked", "--engine", "ray", "--data", str(tmp_path / "second")
        )
        assert code == Exit.DONE, said
    assert path.with_suffix(".jsonl").read_bytes() == sealed
    first, second = (Store(next((tmp_path / name).glob("*/originals"))) for name in ("first", "second"))
    assert sorted(second.names()) == sorted(first.names())
