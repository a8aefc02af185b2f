"""A Ray cluster to work on: a running one by its address, or a small one of our own on this machine.

    with connect("head.example:6379", workers=None) as cluster:
        ray.get([work.remote(part) for part in parts])      # `import ray` inside, it takes half a second

Everything that works with Ray connects here, so that it is as quiet, as closed and as clear about what is
missing everywhere: no usage statistics, no dashboard, nothing of Ray's on stdout, no port of our own cluster
open to other machines. A cluster of our own ends with this process, however that ends.
"""

import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

STORE = 100_000_000
"""Bytes of shared memory for Ray's objects on a cluster of our own; it spills to the disk beyond."""

ANSWERS = 5.0
"""Seconds in which the head of a running cluster must answer; Ray itself would try for ten minutes."""


class RayMissing(Exception):
    """Ray is not installed here."""


class ClusterMissing(Exception):
    """No cluster answers at that address, or none could be started here."""

    def __init__(self, address: str | None, problem: str) -> None:
        super().__init__(f"{address or 'this machine'}: {problem}")
        self.address, self.problem = address, problem
        """`None`: one of our own was to start on this machine."""


class ClusterSmall(Exception):
    """The cluster has fewer places than workers are wanted."""

    def __init__(self, wanted: int, there: int, what: str) -> None:
        super().__init__(f"{wanted} workers wanted, {there} {what} there")
        self.wanted, self.there, self.what = wanted, there, what


@dataclass(frozen=True)
class Cluster:
    """What there is to work on; machines may come and go meanwhile."""

    address: str | None
    """`None`: a cluster of our own."""
    workers: int
    """Tasks of one CPU that shall run at a time: what was asked for, else as many as there are CPUs."""
    cpus: int
    gpus: int


@contextmanager
def connect(address: str | None = None, workers: int | None = None) -> Iterator[Cluster]:
    """Be a driver of the cluster at `address` (default: RAY_ADDRESS), or of one of our own with so many CPUs.

    Within another `connect` of this process it is the same cluster once more. On leaving, all that this
    process still has running there is stopped. Ctrl-C and SIGTERM do what they did before.

    Raises:
        RayMissing: it comes with the extra `cluster`.
        ClusterMissing: nothing answers there.
    """
    address = address or os.environ.get("RAY_ADDRESS") or None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # who asked is told
    if address is None:  # as Ray does on macOS: it listens on the loopback alone; read when it is imported
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ray\.")
    try:
        import ray
    except ImportError as error:
        raise RayMissing from error
    if ray.is_initialized():
        yield _measured(address, workers)
        return
    with _silent():
        _init(address, workers)
        try:
            yield _measured(address, workers)
        finally:
            ray.shutdown()


_REFUSED = (ConnectionError, RuntimeError, ValueError, TimeoutError)


def _init(address: str | None, workers: int | None) -> None:
    import ray

    _knock(address)
    own = {"num_cpus": workers or os.cpu_count(), "object_store_memory": STORE, "include_dashboard": False}
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else own)
        )
    except Exception as error:
        if type(error) is not Exception and not isinstance(error, _REFUSED):
            raise
        problem = str(error).strip().splitlines() or [type(error).__name__]
        raise ClusterMissing(address, problem[0]) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _knock(address: str | None) -> None:
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), ANSWERS).close()
        except (OSError, OverflowError) as error:
            raise ClusterMissing(address, str(error)) from error


def _measured(address: str | None, workers: int | None) -> Cluster:
    import ray

    has = ray.cluster_resources()
    cpus = int(has.get("CPU", 0))
    return Cluster(address, workers or max(cpus, 1), cpus, int(has.get("GPU", 0)))


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Ray from printing on stdout, where results go, that a worker was lost: who asked is told."""
    from ray._private import worker

    printing = worker.print_to_stdstream
    worker.print_to_stdstream = lambda *_, **__: None
    try:
        yield
    finally:
        worker.print_to_stdstream = printing
