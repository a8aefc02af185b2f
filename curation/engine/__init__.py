"""Map a function over items on all cores: results in order, bounded in flight, safe from workers that die.

Curation calls one function here and does not know where the work is done: in processes of this machine
(`local`), or, inside `cluster.joined`, on a Ray cluster. Everything passed must be picklable: top-level
functions (or `functools.partial` of them), plain data in, plain data out. What a function writes must be
whole or not there, and the same each time, for an item may be worked on twice.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from collectors.progress import Stage
from curation.engine import local
from curation.engine.deaths import WorkerDied

__all__ = ["Engine", "WorkerDied", "run", "using"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Who does the work where more than one worker is wanted."""

    def __call__(
        self,
        function: Callable[[Any], Any],
        items: Iterable[Any],
        workers: int,
        died: Callable[[Any], Any] | None,
        /,
    ) -> Iterator[Any]:
        """As `run`."""
        ...


_engine: Engine = local.run


def run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int = 1,
    stage: Stage | None = None,
    died: Callable[[Item], Result] | None = None,
) -> Iterator[Result]:
    """Yield `function(item)` for every item, in the order of the items.

    One worker means this process. More mean a pool of processes, here or on a cluster: where one dies (a
    decoder crashed, the kernel ran out of memory), another takes over and the unfinished items are tried once
    more, one at a time; the one on which a worker dies again becomes `died(item)`.

    Few items are taken before the first result is. Closing the iterator, or Ctrl-C, stops the workers at once
    and quietly; they also stop when this process is killed.

    Raises:
        WorkerDied: a worker died twice on an item and there is no `died`.
        What `function` raises: the first in the order of the items; the rest is not finished.
    """
    results = map(function, items) if workers <= 1 else _engine(function, items, workers, died)
    for result in results:
        if stage is not None:
            stage.advance()
        yield result


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Let another engine do the work that is begun inside."""
    global _engine
    before, _engine = _engine, engine
    try:
        yield
    finally:
        _engine = before
