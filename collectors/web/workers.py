"""The crew of downloads on a Ray cluster, and the one process there that keeps the pace of every host.

    with fetching(workers, manners, progress) as (session, crew):      # inside `cluster.connect`
        collect(plan, workspace, session, wanted, crew=crew)

No key leaves the driver: sources are asked there, and files are public. What workers are told (the operator's
address, the records) travels as data, which Ray's dashboard and logs do not show; names of tasks say nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from collectors.carried import Carried
from collectors.progress import Progress, Silent
from collectors.record import Record, StoredFile
from collectors.storage.files import DiskFull
from collectors.storage.filesystems import StoreRefused, StoreUnreachable, StoreUnusable
from collectors.storage.stores import Store
from collectors.web.crew import PLACES, Crew, Lost
from collectors.web.keeper import Call, Keeper, limits_from
from collectors.web.polite import Manners, NoContact, go_on
from collectors.web.transfer import Missed, Withheld, fetch

LOOK_UP = 0.2
"""Seconds after which somebody who waits for a worker looks whether to stop."""

LISTEN = 1.0
"""Seconds between two looks at what the workers have to say."""

SHARE = 0.01
"""Of a CPU: fetching takes next to none, but machines that offer none want no work."""


class KeeperLost(Exception):
    """The process that keeps the pace is gone; without it no host may be asked."""


@contextmanager
def fetching(size: int, manners: Manners, progress: Progress) -> Iterator[tuple[requests.Session, Crew]]:
    """A session for the driver and a crew of so many workers, which share one pace per host.

    Their calls raise, besides what `polite_session` and `transfer.fetch` say:
        KeeperLost: see there.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    here = On(ray.get_runtime_context().get_node_id(), soft=False)
    keeper = ray.remote(Keeper).options(num_cpus=0, scheduling_strategy=here).remote(manners.paces)
    call = _calls(keeper)
    hired = ray.remote(_Fetcher).options(
        num_cpus=SHARE, max_concurrency=PLACES, scheduling_strategy="SPREAD", max_restarts=0
    )
    crew = Crew(
        size, lambda name: _Hired(hired.remote(keeper, name, manners)), lambda name: call("bury", name)
    )
    over = threading.Event()
    listener = threading.Thread(target=_listen, args=(call, progress, over), name="keeper", daemon=True)
    listener.start()
    try:
        yield manners.session(progress, limits_from(call, "driver")), crew
    finally:
        over.set()
        crew.dismiss()
        listener.join(LISTEN)
        ray.kill(keeper)


def _calls(keeper: Any) -> Call:
    """How a client calls the keeper. Raises `KeeperLost`."""
    import ray

    def call(name: str, *arguments: Any) -> Any:
        try:
            return ray.get(getattr(keeper, name).remote(*arguments))
        except ray.exceptions.RayActorError as error:
            raise KeeperLost from error

    return call


def _listen(call: Call, progress: Progress, over: threading.Event) -> None:
    """Tell the user what workers note."""
    last = False
    while not last:
        last = over.wait(LISTEN)
        try:
            for text in call("notes"):
                progress.note(text)
        except KeeperLost:  # whoever asks a host says so
            return


class _Fetcher:
    """In a worker: its session, and as many threads as Ray gives it."""

    def __init__(self, keeper: Any, name: str, manners: Manners) -> None:
        call = _calls(keeper)
        self._session = manners.session(_Notes(call), limits_from(call, name))

    def fetch(self, record: Record, store: Store, parts: Path, max_bytes: int) -> object:
        try:
            return fetch(record, self._session, store, parts, max_bytes=max_bytes)
        except (DiskFull, NoContact, KeeperLost, StoreRefused, StoreUnreachable, StoreUnusable) as error:
            return Carried.of(error)


class _Notes(Silent):
    """Progress of a worker: its notes reach the user by way of the keeper."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def note(self, text: str) -> None:
        self._call("note", text)


class _Hired:
    """In the driver: a worker that is an actor of Ray."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def fetch(
        self, record: Record, store: Store, parts: Path, max_bytes: int
    ) -> StoredFile | Missed | Withheld:
        import ray

        answer = self._actor.fetch.remote(record, store, parts, max_bytes)
        while True:
            try:
                came = ray.get(answer, timeout=LOOK_UP)
                break
            except ray.exceptions.GetTimeoutError:
                go_on()
            except ray.exceptions.RayTaskError:  # nobody foresaw it
                raise
            except ray.exceptions.RayError as error:
                raise Lost from error
        if isinstance(came, Carried):
            raise came.error()
        found: StoredFile | Missed | Withheld = came
        return found

    def dismiss(self) -> None:
        import ray

        ray.kill(self._actor)
