"""One pace per host for a whole cluster: the limiters of all hosts in one process, which every worker asks.

A client is a process that asks hosts: a worker, or the driver. One that is lost is buried: the places it held
are free again, and if it lives on where nobody sees it, its next request is told to stay away.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from collectors.web.gate import Limiter, Limits, Wait
from collectors.web.pace import Pace, pace_for

Call = Callable[..., Any]
"""A method of the keeper by its name, with its arguments: done there, its result handed back."""


class Keeper:
    """Whoever holds the limiters. No call waits, so that one thread serves all clients in turn."""

    def __init__(self, paces: Mapping[str, Pace], **limiter: Any) -> None:
        """`paces` as `polite_session` takes them; `limiter`: what else a `Limiter` takes."""
        self._paces, self._limiter = paces, {**limiter, "hold": 0.0}
        self._hosts: dict[str, Limiter] = {}
        self._buried: set[str] = set()
        self._notes: list[str] = []

    def ask(self, host: str, client: str, lease: str) -> Wait | None:
        """As `Limits.ask`; the buried are told to stay away."""
        if client in self._buried:
            return Wait(math.inf, paused=True)
        return self._of(host).ask(f"{client} {lease}")

    def leave(self, host: str, client: str, lease: str) -> None:
        """As `Limits.leave`."""
        self._of(host).leave(f"{client} {lease}")

    def pause(self, host: str, seconds: float) -> bool:
        """As `Limits.pause`."""
        return self._of(host).pause(seconds)

    def slower(self, host: str) -> None:
        """As `Limits.slower`."""
        self._of(host).slower()

    def faster(self, host: str) -> None:
        """As `Limits.faster`."""
        self._of(host).faster()

    def spend(self, host: str, size: int) -> float:
        """As `Limits.spend`."""
        return self._of(host).spend(size)

    def bury(self, client: str) -> None:
        """Free every place of a client that is lost."""
        self._buried.add(client)
        for limiter in self._hosts.values():
            for lease in limiter.leases():
                if lease.partition(" ")[0] == client:
                    limiter.leave(lease)

    def note(self, text: str) -> None:
        """Keep a line for the user."""
        self._notes.append(text)

    def notes(self) -> list[str]:
        """Hand out the lines that came since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def _of(self, host: str) -> Limiter:
        if host not in self._hosts:
            self._hosts[host] = Limiter(pace_for(host, self._paces), **self._limiter)
        return self._hosts[host]


class KeptLimits:
    """The limits of one host as a client of the keeper has them; see `Limits`."""

    def __init__(self, call: Call, client: str, host: str) -> None:
        self._call, self._client, self._host = call, client, host

    def ask(self, lease: str) -> Wait | None:
        wait: Wait | None = self._call("ask", self._host, self._client, lease)
        return wait

    def leave(self, lease: str) -> None:
        self._call("leave", self._host, self._client, lease)

    def pause(self, seconds: float) -> bool:
        return bool(self._call("pause", self._host, seconds))

    def slower(self) -> None:
        self._call("slower", self._host)

    def faster(self) -> None:
        self._call("faster", self._host)

    def spend(self, size: int) -> float:
        return float(self._call("spend", self._host, size))


def limits_from(call: Call, client: str) -> Callable[[str], Limits]:
    """What `polite_session` takes as `limits`, for a client of the keeper; its name has no spaces."""
    return lambda host: KeptLimits(call, client, host)
