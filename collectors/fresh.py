"""Files whose addresses hold for minutes only: each address is asked for just before its download."""

from collections.abc import Callable, Iterator, Sequence

from collectors.record import Reason, Record, StoredFile
from collectors.source import Ask, Source
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
            dead: list[Record] = []
            known = {record.uid: record for record in left}
            fresh, gone = _resolved(ask, source, left)
            yield from gone
            for copy, outcome in fetch(fresh) if fresh else ():
                if tries_left and isinstance(outcome, Missed) and outcome.reason in _PERHAPS_THE_ADDRESS:
                    dead.append(known[copy.uid])
                else:
                    yield known[copy.uid], outcome
            left = dead


_PERHAPS_THE_ADDRESS = (Reason.GONE, Reason.BUSY)
"""Outcomes that another address may change: this one was refused, or the host refused all of its kind."""


def _resolved(
    ask: Ask, source: Source, records: Sequence[Record]
) -> tuple[list[Record], list[tuple[Record, Outcome]]]:
    """Records with fresh addresses, and those there is none for."""
    known = {record.uid: record for record in records}
    fresh: list[Record] = []
    gone: list[tuple[Record, Outcome]] = []
    for resolved in source.resolve(ask, records) if source.resolve and records else ():
        record = known[resolved.uid]
        if resolved.original is None:
            gone.append((record, Missed(reason=Reason.GONE, detail=resolved.detail, again=False)))
        else:
            fresh.append(record.model_copy(update={"original": resolved.original}))
    return fresh, gone
