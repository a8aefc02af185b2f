"""A training under way: one run for all its processes, from its last state on, stopped at a good moment."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from universe_gan.shell.models.needs import stopping
from universe_gan.shell.output import Output

if TYPE_CHECKING:
    from collectors.progress import Stage
    from universe_gan.training.learner import Learner
    from universe_gan.training.ranks import Ranks


class Run(Protocol):
    """The folder of a training, of a GAN or of an upscaler."""

    @property
    def path(self) -> Path: ...
    @property
    def latest(self) -> Path: ...


Some = TypeVar("Some", bound=Run)


@dataclass(frozen=True)
class Underway:
    """What a command needs while its learner learns."""

    stop: Callable[[], bool]
    """Whether Ctrl-C or SIGTERM came."""
    stage: "Stage | None"
    """Its progress, in the process that talks."""
    learner: "Learner"
    before: float
    """kimg that had been learned."""
    started: float

    @property
    def speed(self) -> float:
        """Pictures or crops a second, so far."""
        return (self.learner.kimg - self.before) * 1000 / max(time.monotonic() - self.started, 1e-9)

    @property
    def done(self) -> bool:
        """Whether all was learned that was asked for."""
        return self.learner.kimg >= self.learner.settings.kimg


def agreed(ranks: "Ranks", begin: Callable[[], Some], opened: Callable[[Path], Some]) -> Some:
    """The run, the same one in every process: the first begins it and tells the others where it is."""
    run = begin() if ranks.writes else None
    path = Path(ranks.told(str(run.path) if run else ""))
    return run or opened(path)


@contextmanager
def underway(output: Output, run: Run, learner: "Learner", unit: str) -> Iterator[Underway]:
    """Go on from the run's last checkpoint, if there is one, and say so; `unit`: what kimg counts.

    Several processes read the checkpoint from a folder that all of them see. Raises as `checkpoints.read`.
    """
    from universe_gan.training import checkpoints

    begun = run.latest.is_file()
    if begun:
        learner.load(*checkpoints.read(run.latest))
    before, last, talks = learner.kimg, learner.settings.kimg, learner.ranks.writes
    if talks:
        words = f"going on at {before:,g} of {last:,g} kimg" if begun else f"a new run of {last:,g} kimg"
        output.say(f"{run.path}: {words} (thousands of {unit} shown); Ctrl-C saves and stops")
    batch = learner.settings.batch
    left = max(0, math.ceil(last * 1000 / batch) * batch - round(before * 1000))  # whole batches are shown
    started = time.monotonic()
    with stopping() as stop, output.stage(f"{unit} shown", left) if talks else nullcontext() as stage:
        yield Underway(stop, stage, learner, before, started)


@contextmanager
def memory(short: Callable[[], Exception]) -> Iterator[None]:
    """Raise this where the memory of the device runs out."""
    import torch

    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise  # on the CPU, PyTorch says it in words only
        raise short() from error
