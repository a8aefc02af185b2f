"""Originals into the store: many hosts at once, each within its own limits; or from this disk.

Every host has a lane with its files in order. A bounded crew of threads serves the lanes, so that a host that
pauses holds up only its own lane, and the generator hands the outcomes out as they come.
"""

import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import urlsplit

import requests

from collectors.progress import Progress, Silent
from collectors.record import Reason, Record, StoredFile
from collectors.storage.stores import ChangedMeanwhile, Store
from collectors.web.crew import Crew
from collectors.web.expected import Expected
from collectors.web.pace import Pace, Stopped, host_name, pace_for, rest, stopped_by
from collectors.web.signatures import HEAD
from collectors.web.transfer import MAX_BYTES, Missed, Withheld, fetch

__all__ = ["Missed", "copy_local", "fetch_all"]

THREADS = 64
"""Downloads of this process at a time; more hosts than that take turns."""

ENOUGH = 3
"""Files in a row that a host was too busy for, or withheld without giving any, before it is left alone."""

FAREWELL = 1.0
"""Seconds that threads get to put their work down when the caller stops."""

Outcome = StoredFile | Missed
Sleep = Callable[[float], None]


def fetch_all(
    records: Iterable[Record],
    session: requests.Session,
    store: Store,
    parts: Path,
    *,
    paces: Mapping[str, Pace] | None = None,
    crew: Crew | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
    sleep: Sleep = rest,
    dice: Callable[[], float] = random.random,
) -> Iterator[tuple[Record, Outcome]]:
    """Fetch originals into the store and yield every record once with its outcome, as they come.

    `paces` are those the session was made with. A `crew` fetches on other machines; without one it is done in
    threads of this process, with the session. Closing the generator, or Ctrl-C, stops the threads; what
    came so far stays in `parts` and is resumed by the next call. A file that a host withholds (403) is
    `GONE`, unless the host withholds everything: then it is `BUSY` and worth another run.

    Raises:
        DiskFull: there is no room; everything that was yielded is safe.
        NoContact: from the session.
    """
    lanes = _lanes(records, paces or {})
    run = _Run(lanes, progress or Silent())

    def one(record: Record) -> StoredFile | Missed | Withheld:
        if crew is not None:
            return crew.fetch(record, store, parts, max_bytes)
        return fetch(record, session, store, parts, max_bytes=max_bytes, sleep=sleep, dice=dice)

    most = crew.places if crew is not None else THREADS
    hands = min(most, sum(min(lane.in_flight, len(lane.jobs)) for lane in lanes))
    threads = [
        threading.Thread(target=run.work, args=(one,), name=f"fetch-{number}", daemon=True)
        for number in range(hands)
    ]
    try:
        for thread in threads:
            thread.start()
        yield from run.outcomes(hands)
    finally:
        run.stop()
        until = time.monotonic() + FAREWELL
        for thread in threads:
            if thread.ident:
                thread.join(max(0.0, until - time.monotonic()))


@dataclass
class _Lane:
    """The files of one host, those with the same address together."""

    host: str
    in_flight: int
    jobs: deque[list[Record]]
    active: int = 0
    served: int = 0
    busy: int = 0
    """Files in a row that ended with the host being busy."""
    withheld: list[tuple[Record, int]] = field(default_factory=list)


def _lanes(records: Iterable[Record], paces: Mapping[str, Pace]) -> list[_Lane]:
    hosts: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        url = record.original.url
        hosts.setdefault(_host(url), {}).setdefault(url, []).append(record)
    return [
        _Lane(host, pace_for(host, paces).in_flight, deque(addresses.values()))
        for host, addresses in hosts.items()
    ]


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


class _Run:
    """What the threads share: the lanes, the way out, and the word to stop."""

    def __init__(self, lanes: list[_Lane], progress: Progress) -> None:
        self._lanes, self._progress = deque(lanes), progress
        self._change = threading.Condition()
        self._stop = threading.Event()
        self._results: SimpleQueue[tuple[Record, Outcome] | BaseException | None] = SimpleQueue()

    def outcomes(self, hands: int) -> Iterator[tuple[Record, Outcome]]:
        """Hand out what the threads bring until all of them are done; raise what one of them raised."""
        while hands:
            result = self._results.get()
            if result is None:
                hands -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result

    def stop(self) -> None:
        """Let every thread put its work down."""
        self._stop.set()
        with self._change:
            self._change.notify_all()

    def work(self, one: Callable[[Record], StoredFile | Missed | Withheld]) -> None:
        """The life of a thread: take a job, do it, until there are no more."""
        with stopped_by(self._stop):
            try:
                while taken := self._take():
                    lane, job = taken
                    try:
                        self._do(lane, job, one)
                    finally:
                        self._done(lane)
            except Stopped:
                pass
            except BaseException as error:  # noqa: BLE001 (raised again where the outcomes are handed out)
                self._results.put(error)
            finally:
                self._results.put(None)

    def _take(self) -> tuple[_Lane, list[Record]] | None:
        """The next job of a lane with a free place, lanes in turn; `None`: no more, or the word came."""
        with self._change:
            while not self._stop.is_set():
                waiting = False
                for _ in range(len(self._lanes)):
                    lane = self._lanes[0]
                    self._lanes.rotate(-1)
                    if lane.jobs and lane.active < lane.in_flight:
                        lane.active += 1
                        return lane, lane.jobs.popleft()
                    waiting = waiting or bool(lane.jobs)
                if not waiting:
                    return None
                self._change.wait()
            return None

    def _do(
        self, lane: _Lane, job: list[Record], one: Callable[[Record], StoredFile | Missed | Withheld]
    ) -> None:
        """Fetch the file of a job; records that expect the very same file share one download."""
        known: dict[Expected, StoredFile | Missed | Withheld] = {}
        for record in job:
            expected = Expected.of(record)
            if expected not in known:
                known[expected] = one(record)
            self._tell(lane, record, known[expected])

    def _tell(self, lane: _Lane, record: Record, outcome: StoredFile | Missed | Withheld) -> None:
        with self._change:
            if isinstance(outcome, Withheld):
                lane.withheld.append((record, outcome.status))
                lane.busy = 0
            else:
                lane.served += isinstance(outcome, StoredFile)
                busy = isinstance(outcome, Missed) and outcome.reason is Reason.BUSY
                lane.busy = lane.busy + 1 if busy else 0
                self._results.put((record, outcome))
                if busy and isinstance(outcome, Missed) and lane.busy >= ENOUGH:
                    self._leave_alone(lane, outcome.detail)
            if lane.served:
                self._settle(lane)
            elif len(lane.withheld) >= ENOUGH:
                self._leave_alone(lane, f"it refuses everything: HTTP {lane.withheld[-1][1]}")

    def _leave_alone(self, lane: _Lane, detail: str) -> None:
        """Ask this host nothing more in this run."""
        if lane.jobs:
            self._progress.note(f"{host_name(lane.host)} is left alone for now: {detail}")
        while lane.jobs:
            for record in lane.jobs.popleft():
                self._results.put((record, Missed(reason=Reason.BUSY, detail=detail, again=True)))

    def _done(self, lane: _Lane) -> None:
        with self._change:
            lane.active -= 1
            if not lane.active and not lane.jobs:
                self._settle(lane)
            self._change.notify_all()

    def _settle(self, lane: _Lane) -> None:
        """Say of withheld files what the others taught: only these are withheld, or everything is."""
        blocked = not lane.served and len(lane.withheld) >= ENOUGH
        for record, status in lane.withheld:
            reason, detail = (Reason.BUSY, "it refuses everything: ") if blocked else (Reason.GONE, "")
            missed = Missed(reason=reason, detail=f"{detail}HTTP {status}", again=blocked)
            self._results.put((record, missed))
        lane.withheld.clear()


@dataclass
class _Measured:
    """A file on this disk, read once."""

    size: int
    head: bytes
    sha1: str
    sha256: str


def copy_local(path: Path, record: Record, store: Store) -> Outcome:
    """Put a file of this disk into the store, verified as a download is. The file itself is only read.

    Raises:
        DiskFull: there is no room for the copy.
    """
    expected = Expected.of(record)
    if expected.locked and expected.locked.sha256 in store:
        return expected.locked
    try:
        measured = _measure(path)
        if problem := expected.problem(measured):
            reason = Reason.CHANGED if expected.locked else Reason.DAMAGED
            return Missed(reason=reason, detail=problem, again=False)
        if measured.sha256 not in store:
            store.copy(path, measured.sha256)
    except ChangedMeanwhile:
        return Missed(reason=Reason.DAMAGED, detail="it changed while it was copied", again=True)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        return Missed(reason=Reason.GONE, detail=f"{path.name}: {error.strerror}", again=False)
    return expected.stored(measured)


def _measure(path: Path) -> _Measured:
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(0)
        while data := file.read(1 << 20):
            sha1.update(data)
            sha256.update(data)
        return _Measured(file.tell(), head, sha1.hexdigest(), sha256.hexdigest())
