"""Which of the images that were found are worth fetching; decided before anything is downloaded."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from collectors.plan import CollectSettings
from collectors.record import Reason, Record, Verdict
from collectors.shares import Kind, allot, count_kinds, shortage

RIGHTS_REASONS = frozenset(
    {Reason.NO_LICENCE, Reason.LICENCE_REFUSED, Reason.NO_CREDIT, Reason.OPTED_OUT, Reason.AI_GENERATED}
)
"""Refusals that are listed in the manifest, so that an audit can count them; others are only counted."""

RASTER = frozenset({"image/jpeg", "image/png", "image/tiff", "image/webp", "image/gif", "image/bmp"})

Wanted = Callable[[Record], Verdict]
"""The recipe's policy, handed in from above: may this image be fetched?"""


def sort_out(
    records: Iterable[Record], settings: CollectSettings, wanted: Wanted, reasons: Counter[Reason]
) -> tuple[list[Record], list[Record]]:
    """Split records into those worth fetching and those refused for their rights; count every refusal.

    Decided from what the source says, before anything is downloaded.
    """
    candidates: list[Record] = []
    refused: list[Record] = []
    for record in records:
        verdict = wanted(record)
        if verdict.keep:
            verdict = worth_fetching(record, settings)
        if verdict.reason is None:
            candidates.append(record)
            continue
        reasons[verdict.reason] += 1
        if verdict.reason in RIGHTS_REASONS:
            refused.append(record.model_copy(update={"refused": verdict}))
    return candidates, refused


def worth_fetching(record: Record, settings: CollectSettings) -> Verdict:
    """Judge type and size as the source states them; what it does not state is judged after the download."""
    original = record.original
    if original.mime is not None and original.mime not in RASTER:
        return Verdict(reason=Reason.NOT_AN_IMAGE, detail=original.mime)
    width, height = original.width, original.height
    if width is not None and height is not None:
        if min(width, height) < (settings.min_side or 1):
            return Verdict(
                reason=Reason.TOO_SMALL, detail=f"{width} × {height} px, the floor is {settings.min_side}"
            )
        if width * height > settings.max_megapixels * 1e6:
            return Verdict(reason=Reason.TOO_LARGE, detail=f"{width * height / 1e6:.0f} megapixels")
    if original.bytes is not None and original.bytes > settings.max_megabytes * 1e6:
        return Verdict(reason=Reason.TOO_LARGE, detail=f"{original.bytes / 1e6:.0f} MB")
    return Verdict()


def choose(
    candidates: Sequence[Record],
    limit: int | None,
    never: Mapping[str, Any],
    shares: Mapping[Kind, float] | None = None,
) -> list[Record]:
    """The first `limit` candidates, shared out between the queries they were found by.

    With `shares` (kind → part of the whole) the limit is first allotted to the kinds; where one share cannot
    be filled, the others are cut to keep the ratio, and images without a kind are not chosen. Within a query
    the order is that of a hash of the uid: no letter of the alphabet comes first, and a few new files at the
    source change only a few places. Files that will never come (`never`, by uid) make room.
    """
    possible = [record for record in candidates if record.uid not in never]
    if shares is None:
        return _in_turns(possible)[:limit]
    parts = allot(shares, count_kinds(record.kind for record in possible), limit)
    return [
        record
        for kind, part in parts.items()
        for record in _in_turns(record for record in possible if record.kind == kind)[:part]
    ]


def missing_share(
    candidates: Iterable[Record],
    limit: int | None,
    never: Mapping[str, Any],
    shares: Mapping[Kind, float] | None,
) -> str | None:
    """What to tell the user when `choose` had to cut a share to keep the ratio; `None`: nothing was cut."""
    if shares is None:
        return None
    kinds = count_kinds(record.kind for record in candidates if record.uid not in never)
    return shortage(shares, kinds, limit)


def _in_turns(records: Iterable[Record]) -> list[Record]:
    """One record of each query after the other, until all queries are empty."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.source, record.found_by.query), []).append(record)
    for group in groups.values():
        group.sort(key=lambda record: hashlib.sha256(record.uid.encode()).digest())
    turns = zip_longest(*(groups[key] for key in sorted(groups)))
    return [record for turn in turns for record in turn if record is not None]
