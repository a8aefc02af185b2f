"""Files whose addresses hold for minutes only: each address is asked for just before its download."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from collectors.record import Reason, Record, StoredFile
from collectors.sources import Ask, Source
from collectors.web.download import Missed

AT_ONCE = 8
"""Addresses asked for before their files are fetched; few, so that none expires while it waits."""

TRIES = 2
"""Fresh addresses for one file: the first may have died before its turn came, or with a broken connection."""

Outcome = StoredFile | Missed
Fetch = Callable[[Sequence[Record]], Iterator[tuple[Record, Outcome]]]


def fetch_resolved(
    ask: Ask, source: Source, records: Sequence[Record], fetch: Fetch
) -> Iterator[tuple[Record, Outcome]]:
    """Yield every record once, as it was given, with the outcome of fetching it from a fresh address.

    Raises what the source's `resolve` and `fetch` raise.
    """
    for start in range(0, len(records), AT_ONCE):
        left = list(records[start : start + AT_ONCE])
        for tries_left in reversed(range(TRIES)):
            again: list[Record] = []
            for record, outcome in _fetched_once(ask, source, left, fetch):
                if isinstance(outcome, _Dead) and tries_left:
                    again.append(record)
                else:
                    yield record, outcome.missed if isinstance(outcome, _Dead) else outcome
            left = again


@dataclass(frozen=True)
class _Dead:
    """The address did not bring the file; another one may."""

    missed: Missed


def _fetched_once(
    ask: Ask, source: Source, records: Sequence[Record], fetch: Fetch
) -> Iterator[tuple[Record, Outcome | _Dead]]:
    assert source.resolve or not records, "a source whose addresses expire must be able to resolve them"
    known = {record.uid: record for record in records}
    fresh: list[Record] = []
    for resolved in source.resolve(ask, records) if source.resolve and records else ():
        record = known[resolved.uid]
        if resolved.original is None:
            yield record, Missed(reason=Reason.GONE, detail=resolved.detail, again=False)
        else:
            fresh.append(record.model_copy(update={"original": resolved.original}))
    for copy, outcome in fetch(fresh) if fresh else ():
        dead = isinstance(outcome, Missed) and outcome.reason in (Reason.GONE, Reason.BUSY)
        yield known[copy.uid], _Dead(outcome) if dead and isinstance(outcome, Missed) else outcome
