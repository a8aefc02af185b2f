"""One pace for a cluster, without one: several clients, one keeper, and a clock that only they move."""

import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from builders import a_record
from clockwork import Clock

from collectors.record import Reason, Record, StoredFile
from collectors.storage.stores import Store
from collectors.web.crew import LIVES, PLACES, Crew, Lost
from collectors.web.gate import LONGEST_PAUSE, Gate
from collectors.web.keeper import Keeper, KeptLimits
from collectors.web.pace import HostBusy, Pace, pace_for
from collectors.web.transfer import Missed

HOST = "pictures.example"
SHA = "0" * 64


class Cluster:
    """A keeper, and gates of clients that ask it, all in one thread and one time."""

    def __init__(self, **pace: Any) -> None:
        self.clock = Clock()
        self.paces = {HOST: Pace(**pace)}
        self.keeper = Keeper(self.paces, clock=self.clock.now)
        self.calls: list[str] = []

    def call(self, name: str, *arguments: Any) -> Any:
        self.calls.append(name)
        return getattr(self.keeper, name)(*arguments)

    def gate(self, client: str, sleep: Callable[[float], None] | None = None) -> Gate:
        limits = KeptLimits(self.call, client, HOST)
        return Gate(HOST, pace_for(HOST, self.paces), limits, sleep=sleep or self.clock.sleep)


def test_requests_of_several_clients_are_apart_as_those_of_one_would_be() -> None:
    cluster = Cluster(in_flight=3, per_second=4)
    gates = [cluster.gate(f"worker-{number}") for number in range(3)]
    times = []
    for turn in range(12):
        gate = gates[turn * 5 % 3]
        lease = gate.enter()
        times.append(cluster.clock.now())
        gate.leave(lease)
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([0.25] * 11)


def test_no_more_are_inside_than_the_host_bears_whoever_they_are() -> None:
    cluster = Cluster(in_flight=2)
    held = [(gate := cluster.gate(name), gate.enter()) for name in ("worker-0", "worker-1")]
    waited = []

    def until_one_leaves(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            held[0][0].leave(held[0][1])

    cluster.gate("driver", until_one_leaves).enter()
    assert len(waited) == 3


def test_a_pause_that_one_is_told_of_holds_for_all() -> None:
    cluster = Cluster(in_flight=2)
    told, other = cluster.gate("worker-0"), cluster.gate("worker-1")
    assert told.pause(7)
    assert not other.pause(6.5)  # the echo of the same is no news
    other.enter()
    assert cluster.clock.slept == [7]


def test_a_host_that_wants_a_long_rest_is_not_waited_for_and_the_place_is_free() -> None:
    cluster = Cluster(in_flight=1)
    cluster.gate("worker-0").pause(LONGEST_PAUSE + 1)
    with pytest.raises(HostBusy):
        cluster.gate("worker-1").enter()
    cluster.clock.sleep(LONGEST_PAUSE + 1)
    cluster.gate("worker-2").enter()


def test_a_host_that_is_asked_too_often_slows_down_for_all() -> None:
    cluster = Cluster(in_flight=2, per_second=1, adaptive=True)
    cluster.gate("worker-0").slower()
    other = cluster.gate("worker-1")
    began = cluster.clock.now()
    other.enter()
    other.enter()
    assert cluster.clock.now() - began == pytest.approx(2)


def test_all_bodies_together_flow_as_fast_as_the_host_allows() -> None:
    cluster = Cluster(in_flight=2, bits_per_second=8000)
    cluster.gate("worker-0").spend(500)
    cluster.gate("worker-1").spend(1500)
    assert sum(cluster.clock.slept) == pytest.approx(2)


def test_what_a_host_does_not_limit_costs_no_call() -> None:
    cluster = Cluster(in_flight=2)
    gate = cluster.gate("worker-0")
    lease = gate.enter()
    gate.spend(1_000_000)
    gate.faster()
    gate.leave(lease)
    assert cluster.calls == ["ask", "leave"]


def test_the_places_of_the_dead_are_free_but_their_turn_is_not_given_again() -> None:
    cluster = Cluster(in_flight=1, per_second=0.5)
    dead = cluster.gate("worker-1")
    dead.enter()
    cluster.keeper.bury("worker-1")
    began = cluster.clock.now()
    cluster.gate("worker-2").enter()
    assert cluster.clock.now() - began == pytest.approx(2)


def test_the_living_keep_their_places_when_one_is_buried_whose_name_is_alike() -> None:
    cluster = Cluster(in_flight=1)
    cluster.gate("worker-11").enter()
    cluster.keeper.bury("worker-1")
    assert cluster.keeper.ask(HOST, "worker-2", "0") is not None


def test_one_that_was_taken_for_dead_and_is_not_stays_away() -> None:
    cluster = Cluster(in_flight=1)
    cluster.keeper.bury("worker-1")
    with pytest.raises(HostBusy):
        cluster.gate("worker-1").enter()
    cluster.gate("worker-2").enter()


def test_each_note_is_handed_out_once() -> None:
    keeper = Keeper({})
    keeper.note("a pause")
    assert [keeper.notes(), keeper.notes()] == [["a pause"], []]


class Hired:
    """A worker whose answers a test decides."""

    def __init__(self, name: str, answer: Callable[[str], StoredFile | Missed]) -> None:
        self.name, self._answer = name, answer
        self.dismissed = False

    def fetch(self, record: Record, store: Store, parts: Path, max_bytes: int) -> StoredFile | Missed:
        return self._answer(self.name)

    def dismiss(self) -> None:
        self.dismissed = True


class Company:
    """A crew whose workers do what `answer` says, and who was hired and buried."""

    def __init__(self, size: int, answer: Callable[[str], StoredFile | Missed]) -> None:
        self.hired: list[Hired] = []
        self.buried: list[str] = []
        self._answer = answer
        self.crew = Crew(size, self._hire, self.buried.append)

    def _hire(self, name: str) -> Hired:
        self.hired.append(Hired(name, self._answer))
        return self.hired[-1]

    def fetch(self) -> object:
        return self.crew.fetch(a_record(file=None), Store(Path("originals")), Path("parts"), 1000)


FILE = StoredFile(sha256=SHA, bytes=1, mime="image/jpeg")


def test_another_worker_takes_over_what_a_lost_one_had() -> None:
    def answer(name: str) -> StoredFile:
        if name == "worker-0":
            raise Lost
        return FILE

    company = Company(1, answer)
    assert company.fetch() == FILE
    assert company.fetch() == FILE
    assert company.buried == ["worker-0"]
    assert [(one.name, one.dismissed) for one in company.hired] == [("worker-0", True), ("worker-1", False)]


def test_a_file_that_costs_worker_after_worker_is_left_for_another_run() -> None:
    def answer(name: str) -> StoredFile:
        raise Lost

    company = Company(2, answer)
    missed = company.fetch()
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.BUSY, True)
    assert len(company.buried) == len(company.hired) == LIVES


def test_a_worker_that_several_lose_at_once_is_replaced_once() -> None:
    together = threading.Barrier(PLACES)

    def answer(name: str) -> StoredFile:
        if name == "worker-0":
            together.wait(10)
            raise Lost
        return FILE

    company = Company(1, answer)
    threads = [threading.Thread(target=company.fetch) for _ in range(PLACES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert company.buried == ["worker-0"]
    assert len(company.hired) == 2


def test_work_goes_to_the_worker_with_the_least_to_do() -> None:
    together = threading.Barrier(4)
    busy: list[str] = []

    def answer(name: str) -> StoredFile:
        busy.append(name)
        together.wait(10)
        return FILE

    company = Company(2, answer)
    threads = [threading.Thread(target=company.fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(busy) == ["worker-0", "worker-0", "worker-1", "worker-1"]
    company.crew.dismiss()
    assert all(one.dismissed for one in company.hired)
