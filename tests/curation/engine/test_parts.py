"""The window over parts: what is handed out when, and what is tried again; with workers made of paper."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pytest

from collectors.carried import Carried
from curation.engine import WorkerDied
from curation.engine.parts import AHEAD, LOSSES, PART, PART_BYTES, QUEUED, WAITING, Answer, Loss, Window

WORKERS = 2


class Paper:
    """Workers that do a part when they are waited for: the newest first, so that order has to be made."""

    def __init__(
        self, weight: int = 10, fate: Callable[[Sequence[Any], int], Loss | None] = lambda *_: None
    ) -> None:
        """`weight`: bytes of an item's result; `fate`: of a part that was handed out so many times before."""
        self.weight, self.fate = weight, fate
        self.given: list[list[Any]] = []
        self.open: dict[int, list[Any]] = {}
        self.done: dict[int, list[Any]] = {}
        self.stopped: set[int] = set()
        self.heaviest = 0

    def start(self, items: Sequence[Any]) -> int:
        self.given.append(list(items))
        self.open[len(self.given)] = list(items)
        return len(self.given)

    def settled(self, tickets: Sequence[int], *, wait: bool) -> Collection[int]:
        assert set(tickets) == set(self.open)
        if not wait:
            return []
        ended = sorted(self.open)[-1:]
        self.done |= {ticket: self.open.pop(ticket) for ticket in ended}
        self.heaviest = max(self.heaviest, sum(map(len, self.done.values())) * self.weight)
        return ended

    def weigh(self, ticket: int) -> int | Loss:
        items = self.done[ticket]
        if loss := self.fate(items, self.given[: ticket - 1].count(items)):
            del self.done[ticket]
            return loss
        return self.weight * len(items)

    def take(self, ticket: int) -> Answer | Loss:
        items = self.done.pop(ticket)
        wrong = [number for number, item in enumerate(items) if item == "bad"]
        return Answer(items[: wrong[0]], Carried.of(LookupError("bad"))) if wrong else Answer(items)

    def stop(self, tickets: Collection[int]) -> None:
        self.stopped = set(tickets)


def unending() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def test_results_come_in_the_order_of_the_items_whoever_is_ready_first() -> None:
    assert list(Window(Paper(), WORKERS).run(range(1000))) == list(range(1000))


def test_nothing_is_asked_where_there_is_nothing_to_do() -> None:
    paper = Paper()
    assert list(Window(paper, WORKERS).run([])) == []
    assert paper.given == []


def test_few_items_are_shared_out_among_all_workers() -> None:
    paper = Paper()
    assert list(Window(paper, WORKERS).run(range(9))) == list(range(9))
    assert {len(items) for items in paper.given} == {1}


def test_only_so_much_is_taken_before_the_first_result() -> None:
    taken = []
    results = Window(Paper(), WORKERS).run(taken.append(number) or number for number in unending())
    next(results)
    assert len(taken) <= (AHEAD + QUEUED) * WORKERS * PART
    results.close()


def test_one_slow_part_lets_the_others_go_on_up_to_the_window() -> None:
    paper = Paper()
    results = Window(paper, WORKERS).run(unending())
    next(results)  # the first part is the last to be done: those behind it are handed out meanwhile
    assert len(paper.given) == AHEAD * WORKERS
    results.close()


def test_results_that_wait_weigh_no_more_than_allowed() -> None:
    paper = Paper(weight=1_000_000)
    results = Window(paper, WORKERS).run(unending())
    assert [next(results) for _ in range(300)] == list(range(300))
    assert max(len(items) for items in paper.given[WORKERS:]) == PART_BYTES // 1_000_000
    assert WAITING // 2 < paper.heaviest <= WAITING + WORKERS * PART * 1_000_000  # the first, not weighed yet
    results.close()


def test_a_result_heavier_than_all_that_may_wait_still_comes() -> None:
    paper = Paper(weight=2 * WAITING)
    assert list(Window(paper, WORKERS).run(range(20))) == list(range(20))


def test_what_was_handed_out_is_stopped_when_nobody_wants_the_rest() -> None:
    paper = Paper()
    results = Window(paper, WORKERS).run(unending())
    for _ in range(PART + 1):
        next(results)
    results.close()
    assert paper.stopped >= set(paper.open)
    assert paper.open


def deadly(items: Sequence[Any], before: int) -> Loss | None:
    return Loss.CRASHED if 70 in items else None


def test_the_item_on_which_workers_die_is_found_and_the_others_of_its_part_are_unharmed() -> None:
    paper = Paper(fate=deadly)
    results = Window(paper, WORKERS, died=lambda item: f"{item} died").run(range(1000))
    assert list(results) == [*range(70), "70 died", *range(71, 1000)]
    assert sum(70 in items for items in paper.given) == 2
    assert [70] in paper.given


def test_without_a_word_on_the_dead_it_is_an_error_at_its_place() -> None:
    seen = []
    with pytest.raises(WorkerDied) as caught:
        seen.extend(Window(Paper(fate=deadly), WORKERS).run(range(1000)))
    assert caught.value.item == 70
    assert seen == list(range(70))


def test_a_worker_that_dies_once_costs_nothing() -> None:
    paper = Paper(fate=lambda items, before: Loss.CRASHED if len(items) > 1 and 70 in items else None)
    assert list(Window(paper, WORKERS, died=str).run(range(200))) == list(range(200))


def test_lost_machines_are_no_fault_of_an_item_until_there_are_too_many() -> None:
    unlucky = Paper(fate=lambda items, before: Loss.LOST if before < LOSSES else None)
    assert list(Window(unlucky, WORKERS, died=str).run(range(200))) == list(range(200))
    assert {len(items) for items in unlucky.given} != {1}
    taking_all_down = Paper(fate=lambda items, before: Loss.LOST if 7 in items else None)
    results = Window(taking_all_down, WORKERS, died=lambda item: -item).run(range(200))
    assert list(results) == [-item if item == 7 else item for item in range(200)]


def test_an_answer_lost_after_it_was_weighed_is_made_again() -> None:
    paper = Paper()
    lost = []

    def take(ticket: int) -> Answer | Loss:
        items = paper.done.pop(ticket)
        if 5 in items and not lost:
            lost.append(ticket)
            return Loss.LOST
        return Answer(items)

    paper.take = take  # type: ignore[method-assign]
    assert list(Window(paper, WORKERS).run(range(200))) == list(range(200))
    assert lost


def test_what_the_function_raises_comes_after_the_results_before_it() -> None:
    items = [*range(100), "bad", *range(100), "bad"]
    seen: list[Any] = []
    with pytest.raises(LookupError):
        seen.extend(Window(Paper(), WORKERS).run(items))
    assert seen == list(range(100))
