"""The work on a Ray cluster: tasks of Ray's core, with a window of our own over them.

Ray Data was tried first and does not do: a picture on which its worker dies is tried again for ever (measured
with Ray 2.60: 300 items, one deadly, 16 results after 188 s and no end; the 300 harmless took 10 s), and
nothing says which it was. A window of parts over plain tasks, the pattern that Ray's own guide gives for
bounded work in flight, keeps the order, weighs what waits, and finds the deadly item.
"""

import logging
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from collectors.carried import Carried
from collectors.cluster import Cluster, connect
from curation import engine
from curation.engine import alike
from curation.engine.alike import Standard, WorkersDiffer
from curation.engine.parts import QUEUED, Answer, Loss, Window


@contextmanager
def joined(
    address: str | None = None, workers: int | None = None, folders: Sequence[Path] = ()
) -> Iterator[Cluster]:
    """Let `engine.run` work on the cluster at `address`, or on one of our own, as long as this lasts.

    `folders`: what every machine must see under the same paths. At most about `workers` items are worked on
    at a time (default: one for each CPU of the cluster).

    Raises:
        RayMissing, ClusterMissing: no cluster.
        WorkersDiffer, FolderUnseen: a machine of it is not fit for the work; nothing was done.
    """
    with connect(address, workers) as cluster, alike.standard(folders) as wanted:
        if cluster.address is not None:
            _check_all(wanted)

        def run(
            function: Callable[[Any], Any],
            items: Iterable[Any],
            workers: int,
            died: Callable[[Any], Any] | None,
            /,
        ) -> Iterator[Any]:
            queued = QUEUED if cluster.workers >= cluster.cpus else 1  # more CPUs than may be used
            tasks = _Tasks(function, wanted, ours=cluster.address is None)
            window = Window(tasks, min(workers, cluster.workers), queued, died)
            return window.run(items)

        with engine.using(run):
            yield cluster


def _check_all(wanted: Standard) -> None:
    """Hold every machine against the standard; those that join later are when they get their first part."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    look = ray.remote(num_cpus=0, max_retries=2)(_look)
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    looks = [look.options(scheduling_strategy=On(node["NodeID"], soft=True)).remote(wanted) for node in nodes]
    for node, one in zip(nodes, looks, strict=True):
        unfit = _gotten(one, node["NodeManagerHostname"])
        if isinstance(unfit, Carried):
            raise unfit.error()


def _look(wanted: Standard) -> Carried | None:
    try:
        alike.check(wanted)
    except (alike.WorkersDiffer, alike.FolderUnseen) as error:
        return Carried.of(error)
    return None


class _Tasks:
    """Parts as tasks of Ray; a ticket is the pair of references to an answer's weight and to the answer."""

    def __init__(self, function: Callable[[Any], Any], wanted: Standard, *, ours: bool) -> None:
        """`ours`: the cluster ends with us."""
        import ray

        self._ray, self._ours = ray, ours
        self._work = ray.remote(num_cpus=1, num_returns=2, max_retries=0)(_work)
        self._function, self._wanted = ray.put(function), ray.put(wanted)

    def start(self, items: Sequence[Any]) -> Any:
        return tuple(self._work.remote(self._function, self._wanted, list(items)))

    def settled(self, tickets: Sequence[Any], *, wait: bool) -> Collection[Any]:
        by_weight = {weight: (weight, answer) for weight, answer in tickets}
        if wait:
            self._ray.wait(list(by_weight), num_returns=1, fetch_local=False)
        ended, _ = self._ray.wait(list(by_weight), num_returns=len(by_weight), timeout=0, fetch_local=False)
        return [by_weight[one] for one in ended]

    def weigh(self, ticket: Any) -> int | Loss:
        weight: int | Loss = _gotten(ticket[0])
        return weight

    def take(self, ticket: Any) -> Answer | Loss:
        answer: Answer | Loss = _gotten(ticket[1])
        return answer

    def stop(self, tickets: Collection[Any]) -> None:
        """Let nothing run on. A cluster of our own is about to end, and with it what it does.

        There nothing is cancelled: where a task ends at this very moment, Ray 2.60 aborts the process that
        cancels it ("Tried to complete task that was not pending").
        """
        for _, answer in () if self._ours else tickets:
            self._ray.cancel(answer, force=True)


def _gotten(reference: Any, machine: str = "a worker") -> Any:
    """What a task returned, or how it was lost. Raises `WorkersDiffer` where this tool is not there."""
    import ray
    from ray import exceptions

    try:
        return ray.get(reference)
    except exceptions.WorkerCrashedError:
        return Loss.CRASHED
    except exceptions.RayTaskError as error:  # `_work` returns what functions raise, so it did not even begin
        there = str(error.cause).strip().splitlines()
        raise WorkersDiffer(machine, {"universe-gan": ("installed", there[-1] if there else "?")}) from error
    except exceptions.RayError:
        return Loss.LOST


def _work(function: Callable[[Any], Any], wanted: Standard, items: Sequence[Any]) -> tuple[int, Answer]:
    """In a worker: the results of a part, and how many bytes they are."""
    from ray import cloudpickle

    answer = _answer(function, wanted, items)
    return len(cloudpickle.dumps(answer)), answer


def _answer(function: Callable[[Any], Any], wanted: Standard, items: Sequence[Any]) -> Answer:
    results: list[Any] = []
    try:
        _begin(wanted)
        for item in items:
            results.append(function(item))
    except Exception as error:  # noqa: BLE001 - whatever it is, the driver raises it
        return Answer(results, Carried.of(error))
    return Answer(results)


@cache
def _begin(wanted: Standard) -> None:
    """First thing in a worker: look around, silence the decoders' chatter."""
    alike.check(wanted)
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
