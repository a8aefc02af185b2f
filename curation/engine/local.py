"""Processes of this machine: as many as wanted, replaced when one of them dies."""

import logging
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_all_start_methods, get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Semaphore
from typing import Generic, TypeVar

from collectors.carried import Carried
from curation.engine.deaths import WorkerDied

Item = TypeVar("Item")
Result = TypeVar("Result")

STARTING = 5.0
"""Seconds a worker may take to start before stopping no longer waits for it."""

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Where NumPy's libraries read how many threads they may start."""

AHEAD = 4
"""Items handed out for each worker beyond the oldest unfinished one: one slow item never stops the others."""


def run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    died: Callable[[Item], Result] | None,
) -> Iterator[Result]:
    """As `engine.run`; at most `workers` x `AHEAD` items are taken before the first result is."""
    waiting = iter(items)
    flying: deque[tuple[Item, Future[Result | Carried]]] = deque()
    pool = _Pool(workers, function)
    try:
        while True:
            try:
                while len(flying) < AHEAD * workers:
                    item = next(waiting)
                    flying.append((item, pool.submit(item)))
            except StopIteration:
                if not flying:
                    return
            try:
                result = _opened(flying[0][1].result())
            except BrokenProcessPool:
                pool.stop()
                yield from _once_more(function, flying, died)
                flying.clear()
                pool = _Pool(workers, function)
            else:
                flying.popleft()
                yield result
    finally:
        pool.stop()


def _once_more(
    function: Callable[[Item], Result],
    flying: Iterable[tuple[Item, "Future[Result | Carried]"]],
    died: Callable[[Item], Result] | None,
) -> Iterator[Result]:
    """The results of what was in flight when a worker died; what is unfinished runs again, one at a time."""
    pool = _Pool(1, function)
    try:
        for item, future in flying:
            if future.done() and not isinstance(future.exception(), BrokenProcessPool):
                yield _opened(future.result())
                continue
            try:
                yield _opened(pool.submit(item).result())
            except BrokenProcessPool:
                pool.stop()
                if died is None:
                    raise WorkerDied(item) from None
                yield died(item)
                pool = _Pool(1, function)
    finally:
        pool.stop()


def _carrying(function: Callable[[Item], Result], item: Item) -> Result | Carried:
    """In a worker: the result, or what was raised, which would lose its facts on the way home."""
    try:
        return function(item)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it
        return Carried.of(error)


def _opened(result: Result | Carried) -> Result:
    if isinstance(result, Carried):
        raise result.error()
    return result


class _Pool(Generic[Item, Result]):
    """Worker processes on a leash: when this end of the pipe closes, by us or by our death, they exit."""

    def __init__(self, workers: int, function: Callable[[Item], Result]) -> None:
        self._function = function
        context = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
        context.set_forkserver_preload([__name__, _home(function)])
        end, self._leash = context.Pipe(duplex=False)
        self._end, self._launched = end, False
        self._begun = context.Semaphore(0)
        self._pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(end, self._begun))

    def submit(self, item: Item) -> "Future[Result | Carried]":
        """Hand an item over; a pool that just broke answers with a future that failed with it."""
        try:
            # A worker may start here. It inherits the mask until it ignores Ctrl-C, and the environment.
            with _interrupts_held(), _one_thread_each():
                self._launched = True
                return self._pool.submit(_carrying, self._function, item)
        except BrokenProcessPool as broken:
            future: Future[Result | Carried] = Future()
            future.set_exception(broken)
            return future

    def stop(self) -> None:
        """Stop the workers now, finished or not. May be called twice.

        A worker that is still starting is waited for: without us it would die of what it no longer finds.
        """
        if self._launched:
            self._launched = False
            for _ in range(len(self._pool._processes or ())):  # started as items came, maybe not all workers
                self._begun.acquire(timeout=STARTING)
        self._leash.close()
        self._end.close()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _home(function: Callable[..., object]) -> str:
    while isinstance(function, partial):
        function = function.func
    return function.__module__


@contextmanager
def _interrupts_held() -> Iterator[None]:
    resource_tracker.ensure_running()  # it would let interrupts through while it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let workers that start now calculate on one core: with a process on every core already, threads that
    wait for each other cost ten times what they bring. What the user has set stays."""
    mine = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(mine, "1"))
    try:
        yield
    finally:
        for name in mine:
            del os.environ[name]


def _begin(leash: Connection, begun: Semaphore) -> None:
    """First thing in a worker: leave Ctrl-C to the parent, end with it, silence the decoders' chatter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begun.release()
    threading.Thread(target=_end_with, args=(leash,), daemon=True).start()
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"PIL(\.|$)")


def _end_with(leash: Connection) -> None:
    try:
        leash.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
