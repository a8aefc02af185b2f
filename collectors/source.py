"""What a source is: how it is asked, which key it needs, whose terms hold, what it gives back."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from collectors.frozen import Frozen
from collectors.progress import Progress, Silent
from collectors.record import Original, Record, Skipped
from collectors.storage.stores import Store
from collectors.web.pace import is_loopback
from collectors.web.polite import Pace


class KeyMissing(Exception):
    """Sources want keys, and the environment does not hold them."""

    def __init__(self, missing: Mapping[str, str], host: str | None = None) -> None:
        super().__init__("; ".join(f"{name} is not set; it comes from {at}" for name, at in missing.items()))
        self.missing = dict(missing)
        """Where each variable's value is to be had, an address."""
        self.host = host
        """One that is to be asked and that wants a contact (`NoContact`); `None`: none is, or not known."""


class KeyRefused(Exception):
    """A source does not take the key it was given; `detail` is what it said, never the key."""

    def __init__(self, source: str, detail: str) -> None:
        super().__init__(f"{source} refused its key: {detail}")
        self.source, self.detail = source, detail


class Finished(Frozen):
    """A unit of asking (a category, a time window) that need not be asked again after a kill."""

    unit: str
    leads_to: tuple[str, ...] = ()
    """Units found in it, so that a resumed walk can go on without asking."""


Found = Record | Skipped | Finished


class Sighting(Frozen):
    """What a source says of a known record now."""

    uid: str
    now: Record | None
    """The record as it would be collected today (`file` left out); `None`: it is not there any more."""
    detail: str = ""
    """For what is not there: deleted, private, a redirect to nothing."""


class Resolved(Frozen):
    """Where the locked bytes of a record are to be had now."""

    uid: str
    original: Original | None
    """`None`: nowhere; `detail` says why."""
    detail: str = ""
    """`renamed to …`, `overwritten, archived revision of 2024-…`, `deleted`, a fresh address."""


@dataclass(frozen=True)
class Ask:
    """Everything a source needs to ask its questions."""

    settings: Any
    """The source's own settings model, already validated."""
    subject: str
    session: requests.Session
    answers: Store
    """Raw answers go here; `Evidence.answer_sha256` names them."""
    finished: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Units an earlier, interrupted run finished, with what they lead to."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    progress: Progress = field(default_factory=Silent)
    base: Path = Path()
    """The recipe's folder, which relative paths in it start from."""


@dataclass(frozen=True)
class Source:
    """One row of the table."""

    name: str
    title: str
    settings: type[Frozen]
    search: Callable[[Ask], Iterator[Found]]
    """Everything the settings ask for, in an order that depends on nothing but the source's content."""
    parse: Callable[[Mapping[str, Any], str], Record]
    """A kept raw answer and the subject → the record it amounts to (for `relicense`)."""
    terms: str
    """Address of the terms of use."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that must be set, each with the address where its value is to be had."""
    paces: Callable[[Any], Mapping[str, Pace]] = lambda settings: {}
    """Settings → the pace of each host they name that is not in the table of `polite`."""
    look_again: Callable[[Ask, Sequence[Record]], Iterator[Sighting]] | None = None
    """Ask for the metadata of known records again, cheaply (for `verify`). `None`: nothing to ask."""
    resolve: Callable[[Ask, Sequence[Record]], Iterator[Resolved]] | None = None
    """Where the locked bytes of known records are to be had now (for `--locked`): addresses expire, files are
    renamed and overwritten. `None`: the address in the manifest is good for ever."""
    notice: str | None = None
    """A sentence the source's terms want to see on the dataset card."""
    expires: bool = False
    """Whether addresses hold for minutes only: then `resolve` is asked just before each download."""
    beside: Callable[[Any, Path], Sequence[Path]] = lambda settings, base: ()
    """Settings and the recipe's folder → files next to the recipe whose content decides what is found."""
    open_local: Callable[[Any, Path, Original], Path] | None = None
    """For sources on this disk: settings, base folder, original → the file. `None`: fetched by address."""


def read_keys(keys: Mapping[str, str]) -> list[str]:
    """The values of these environment variables, in their order. Raises `KeyMissing` for all that lack."""
    values = {name: os.environ.get(name, "").strip() for name in keys}
    if missing := {name: at for name, at in keys.items() if not values[name]}:
        raise KeyMissing(missing)
    return list(values.values())


def demand_keys(sources: Iterable[Source], addresses: Iterable[str]) -> None:
    """Raises `KeyMissing` for all of these sources at once: called before any is asked, so nobody waits.

    `addresses`: all that will be asked.
    """
    try:
        read_keys({name: at for source in sources for name, at in source.keys.items()})
    except KeyMissing as error:
        hosts = (urlsplit(address).hostname or "" for address in addresses)
        raise KeyMissing(error.missing, next((one for one in hosts if not is_loopback(one)), None)) from None
