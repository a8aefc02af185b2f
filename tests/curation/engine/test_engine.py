"""The engine: in order, bounded, alive after a crash, quiet on Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from curation import engine
from curation.engine import WorkerDied, local, run
from curation.engine.local import AHEAD


def square(number: int) -> int:
    return number * number


def slow_when_even(number: int) -> int:
    time.sleep(0.02 if number % 2 == 0 else 0)
    return number


def shot(number: int, victims: tuple[int, ...]) -> int:
    """Dies as a decoder does that reads beyond its memory."""
    if number in victims:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def shot_once(number: int, mark: Path) -> int:
    """Dies the first time, as under a kernel that ran out of memory."""
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fails(number: int) -> int:
    if number == 5:
        raise LookupError(number)
    return number


def process(number: int) -> int:
    return os.getpid()


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def advance(self, count: int = 1) -> None:
        self.count += count

    def expect(self, total: int) -> None:
        raise AssertionError(total)


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    stage = Counter()
    assert list(run(slow_when_even, range(20), workers=workers, stage=stage)) == list(range(20))
    assert stage.count == 20


def test_one_worker_is_this_process_and_more_are_others() -> None:
    assert set(run(process, range(3), workers=1)) == {os.getpid()}
    assert os.getpid() not in set(run(process, range(3), workers=2))


def test_no_more_is_taken_than_can_be_worked_on() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with closing(run(square, items(), workers=2)) as results:  # type: ignore[type-var]
        assert next(results) == 0
        assert len(taken) <= 2 * AHEAD + 1


def test_an_item_that_kills_its_worker_is_reported_and_the_others_are_done() -> None:
    victims = (2, 3, 11)
    results = run(partial(shot, victims=victims), range(16), workers=2, died=lambda number: -number)
    assert list(results) == [-number if number in victims else number for number in range(16)]


def test_an_item_whose_worker_died_once_is_tried_again(tmp_path: Path) -> None:
    assert list(run(partial(shot_once, mark=tmp_path / "mark"), range(9), workers=2)) == list(range(9))


def test_a_pool_that_broke_before_an_item_was_handed_over_loses_nothing() -> None:
    """Slow handing over: the pool is broken long before the later items are taken."""

    def slowly() -> Iterator[int]:
        for number in range(8):
            time.sleep(0.15 if number > 1 else 0)
            yield number

    results = run(partial(shot, victims=(0,)), slowly(), workers=2, died=lambda item: -1)
    assert list(results) == [-1, *range(1, 8)]


def test_without_a_word_on_the_dead_it_is_an_error_that_names_the_item() -> None:
    with pytest.raises(WorkerDied) as caught:
        list(run(partial(shot, victims=(4,)), range(9), workers=2))
    assert caught.value.item == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_function_raises_comes_through_in_order(workers: int) -> None:
    results = run(fails, range(9), workers=workers)
    seen = []
    with pytest.raises(LookupError):
        seen.extend(results)
    assert seen == [0, 1, 2, 3, 4]


def test_workers_that_no_item_needed_are_not_waited_for() -> None:
    begun = time.monotonic()
    assert list(run(square, [3], workers=4)) == [9]
    assert time.monotonic() - begun < local.STARTING, "each that never started was waited for"


def test_nothing_to_do_is_nothing_done() -> None:
    assert list(run(square, [], workers=4)) == []


PROGRAM = """
import sys, time
from curation.engine import run
if __name__ == "__main__":
    print("ready", flush=True)
    try:
        list(run(time.sleep, [30] * 8, workers=2))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.exit(130)
"""


def children(parent: int) -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.add(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found | {deeper for child in found for deeper in children(child)}


def gone(processes: set[int]) -> bool:
    return not any(
        Path(f"/proc/{number}/stat").exists()
        and Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        for number in processes
    )


def wait_for(condition: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_interrupted_or_killed_nothing_is_left_running(tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    root = str(Path(engine.__file__).parents[2])
    started = subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(children(started.pid)) >= 4)  # server, tracker, two workers
    family = children(started.pid)
    if number == signal.SIGINT:
        os.killpg(started.pid, number)  # as the terminal does
    else:
        started.kill()
    out, err = started.communicate(timeout=20)
    assert started.returncode == code
    assert err == "" if number == signal.SIGINT else "Traceback" not in err
    assert ("interrupted" in out) == (number == signal.SIGINT)
    wait_for(lambda: gone(family))


def threads(name: str) -> str | None:
    return os.environ.get(name)


def test_workers_calculate_on_one_core_each_and_we_do_as_we_did() -> None:
    before = dict(os.environ)
    names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
    expected = [before.get(name, "1") for name in names]
    assert list(engine.run(threads, names, workers=2)) == expected
    assert dict(os.environ) == before
