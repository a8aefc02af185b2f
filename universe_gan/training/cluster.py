"""Ray Train: the same work in every worker of a cluster, as `torchrun` does it on one machine.

    cluster.run(Job(work, folder=Path("runs/ray"), workers=4), out=sys.stdout, err=sys.stderr)

Ray starts the workers, joins them to a process group (`ranks.joined` finds it) and starts all of them again
when one is lost. Words, outcome and the wish to stop travel through files in a folder that every machine
sees: the words come out here as the first worker says them, once, and no port but Ray's own is open.
"""

import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

from collectors.cluster import Cluster, ClusterSmall, connect

RETRIES = 3
"""How often all workers are started again after one was lost."""
PATIENCE = 3
"""Ctrl-C so many times ends the command without waiting for the workers to save."""
_EVERY = 0.2
_PRECEDENCE = 1.0
"""Seconds that a failure of the first worker may come later than the same of another, and is told instead."""
_WHOLE = frozenset({0, 130})
"""Exit codes with which all workers end together: done, and stopped by the user."""


class ClusterLost(Exception):
    """The work did not come to an end on the cluster, though it was started again and again."""

    def __init__(self, problem: str, details: str) -> None:
        super().__init__(problem)
        self.problem, self.details = problem, details


@dataclass(frozen=True)
class Job:
    """What every worker does."""

    work: "Callable[[Attempt], int]"
    """Returns an exit code, the same in every worker; what it raises makes Ray start all of them again."""
    folder: Path
    """A place for what the workers say, seen by all machines; left as it was found."""
    workers: int
    address: str | None = None
    """A running cluster; default: one of our own on this machine, reachable from nowhere else."""
    gpus: bool = True
    """Whether each worker gets a GPU where the cluster has any."""


@dataclass(frozen=True)
class Attempt:
    """What a worker knows of its job."""

    folder: Path

    @property
    def is_first(self) -> bool:
        """Whether no worker was lost so far; asked before `begin`."""
        return not (self.folder / "begun").exists()

    def begin(self) -> None:
        """From now on, an attempt is not the first."""
        (self.folder / "begun").touch()

    def stopping(self) -> bool:
        """Whether the user asked to stop."""
        return (self.folder / "stop").exists()


def run(job: Job, out: TextIO, err: TextIO) -> int:
    """Do the work in all workers, pass on what the first of them says, return its exit code.

    Raises:
        ClusterMissing, ClusterSmall, RayMissing: nothing was started.
        ClusterLost: it ended without a result.
    """
    with _joined(job) as cluster, _place(job.folder.resolve()) as place:
        fit = _Fit(job, cluster, place)
        with _asking(place / "stop"):
            said = [_Words(place / "out", out), _Words(place / "err", err)]
            fit.start()
            going = True
            while going:
                fit.join(_EVERY)
                going = fit.is_alive()
                for words in said:
                    words.pass_on()
        code = place / "code"
        if not code.is_file():
            problem = str(fit.problem).strip().splitlines() or ["Ray ended without a word"]
            raise ClusterLost(problem[-1], "".join(traceback.format_exception(fit.problem)))
        return int(code.read_text())


def _joined(job: Job) -> AbstractContextManager[Cluster]:
    """A driver of the cluster; where it is our own, the workers also find each other on the loopback."""
    if not (job.address or os.environ.get("RAY_ADDRESS")):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    return connect(job.address, max(job.workers, os.cpu_count() or 1))


@contextmanager
def _place(folder: Path) -> Iterator[Path]:
    place = folder / uuid4().hex[:12]
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # another job's place is in it
            folder.rmdir()


class _Fit(threading.Thread):
    """Ray's trainer; the main thread is free for Ctrl-C, which Ray would answer with an end unsaved."""

    def __init__(self, job: Job, cluster: Cluster, place: Path) -> None:
        super().__init__(daemon=True)
        self._gpus = job.gpus and cluster.gpus >= 1
        there, kind = (cluster.gpus, "GPUs") if self._gpus else (cluster.cpus, "CPUs")
        if there < job.workers:
            raise ClusterSmall(job.workers, there, kind)
        self._job, self._at = job, place
        self.problem: Exception | None = None

    def run(self) -> None:
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer

        trainer = TorchTrainer(
            _worker,
            train_loop_config={"work": self._job.work, "place": str(self._at), "argv": sys.argv},
            scaling_config=ScalingConfig(num_workers=self._job.workers, use_gpu=self._gpus),
            run_config=RunConfig(
                name="ray", storage_path=str(self._at), failure_config=FailureConfig(max_failures=RETRIES)
            ),
        )
        try:
            trainer.fit()
        except Exception as error:  # noqa: BLE001 - whatever it is, the main thread raises it
            self.problem = error


def _worker(config: dict[str, Any]) -> None:
    """What Ray calls in every worker: the work, unless an earlier attempt already came to an end."""
    import torch
    from ray.train import get_context
    from ray.train.torch import get_device

    place = Path(config["place"])
    if (place / "code").exists():
        return
    device = get_device()
    if isinstance(device, torch.device) and device.type == "cuda":
        os.environ["LOCAL_RANK"] = str(device.index or 0)  # Ray may number the GPUs of a worker otherwise
    sys.argv = config["argv"]
    first = get_context().get_world_rank() == 0
    said, told = ((place / name).open("a") if first else StringIO() for name in ("out", "err"))
    with said, told, redirect_stdout(said), redirect_stderr(told):
        code = int(config["work"](Attempt(place)))
        if not first and code not in _WHOLE:
            time.sleep(_PRECEDENCE)
            if not (place / "code").exists():
                (place / "err").write_text(str(getattr(told, "getvalue", str)()))
    if first or code not in _WHOLE:
        (place / "code").write_text(str(code))
    if code not in _WHOLE:
        raise _Ended(code)  # the others may wait for us: let Ray stop them


class _Ended(Exception):
    """This worker failed in a way that is the same however often it is tried."""


class _Words:
    """What is written into a file by somebody else, passed on as it grows."""

    def __init__(self, path: Path, to: TextIO) -> None:
        self._path, self._to, self._read = path, to, 0

    def pass_on(self) -> None:
        if self._path.is_file():
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self._to.write(whole.decode())
            self._to.flush()


@contextmanager
def _asking(stop: Path) -> Iterator[None]:
    """While this lasts, Ctrl-C and SIGTERM ask the workers to save and stop."""
    asked = 0

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        asked += 1
        stop.touch()
        if asked >= PATIENCE or not (stop.parent / "begun").exists():
            raise KeyboardInterrupt

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
