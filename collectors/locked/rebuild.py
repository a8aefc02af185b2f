"""The exact rebuild: the files a manifest locks, each fetched from where it is today and verified.

What the lock says is the law; what the sources say today can only take away from it. A file that is not in
the store is looked for once more: its address may have changed, another file may have taken its place, its
author may have changed their mind.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import requests
from PIL import Image, UnidentifiedImageError

from collectors.arrivals import arrivals, demand_space
from collectors.choice import RIGHTS_REASONS, Wanted
from collectors.formats import FORMATS
from collectors.locked import departures as departing
from collectors.locked.changes import Change, Kind
from collectors.locked.departures import Departures, depart
from collectors.locked.rebuilt import Fate, Rebuilt, Returned
from collectors.locked.verify import drifted, look, side_by_side
from collectors.manifest import Manifest
from collectors.plan import Plan
from collectors.progress import Progress, Silent
from collectors.record import Reason, Record, StoredFile, Verdict
from collectors.source import Ask, Resolved, Sighting
from collectors.storage.workspace import Workspace
from collectors.web.crew import Crew
from collectors.web.download import Missed

__all__ = ["Fate", "Rebuilt", "Returned", "collect_locked"]

Now = Callable[[], datetime]


def collect_locked(
    plan: Plan,
    lock: Manifest,
    workspace: Workspace,
    session: requests.Session,
    wanted: Wanted,
    *,
    exact: bool = False,
    allow_missing: bool = False,
    every: bool = False,
    crew: Crew | None = None,
    progress: Progress | None = None,
    now: Now = lambda: datetime.now(UTC),
) -> Rebuilt:
    """Fetch the files a sealed manifest names and verify each against its SHA-256; the manifest stays.

    Sources are asked only about files that are not in the store, or about `every` one. `wanted` is the
    recipe's policy: what it refuses as the source describes it today is dropped. `exact` refuses a smaller
    rendition that a source makes with other bytes than before; else those are taken and told.
    `allow_missing` lets the dataset do without what cannot be had; without it that stays an open matter.
    A `crew` fetches the files on other machines.

    Raises:
        DiskFull, NoContact, HostBusy: as `collect`; and whatever a source raises for a key or an address.
    """
    desk = _Desk(plan, workspace, session, exact, progress or Silent(), now, crew)
    _drop_damaged(lock, desk)
    before = departing.read(workspace, lock)
    images: list[Returned] = []
    todo: list[Record] = []
    for record in lock.records:
        old = _in_store(record, before, desk)
        if record.file and old and not every and record.uid not in before.refused:
            images.append(old)
        elif record.file:
            todo.append(record)
    demand_space(
        workspace.root, sum(record.file.bytes for record in todo if record.file and not desk.has(record))
    )
    today = _look_again(desk, lock, todo, wanted)
    missing: list[Record] = []
    for record in todo:
        known = _without_fetching(record, today, _in_store(record, before, desk), wanted)
        images += [known] if known else []
        missing += [] if known else [record]
    images += _fetch(desk, missing, today)
    images = _with_twins(images, {record.uid: record for record in todo}, desk)
    departures = Departures(
        root_sha256=lock.header.root_sha256,
        refused={
            one.uid: Verdict(reason=one.reason, detail=one.detail)
            for one in images
            if one.fate is Fate.DROPPED or (one.fate is Fate.GONE and allow_missing)
        },
        files={one.uid: one.instead for one in images if one.instead},
    )
    departing.write(workspace, departures)
    return Rebuilt(
        lock=lock,
        manifest=depart(lock, departures),
        images=tuple(sorted(images, key=lambda one: one.uid)),
        fetched_bytes=desk.fetched_bytes,
        allow_missing=allow_missing,
    )


@dataclass
class _Desk:
    """What a rebuild works with, and what came so far."""

    plan: Plan
    workspace: Workspace
    session: requests.Session
    exact: bool
    progress: Progress
    now: Now
    crew: Crew | None = None
    fetched_bytes: int = 0

    def has(self, record: Record) -> bool:
        return record.file is not None and record.file.sha256 in self.workspace.originals


@dataclass(frozen=True)
class _Today:
    """What the sources say today, by uid; nothing about images that nobody was asked about."""

    seen: Mapping[str, Sighting] = field(default_factory=dict)
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)

    def of(self, record: Record) -> Record | None:
        sighting = self.seen.get(record.uid)
        return sighting.now if sighting else None

    def returned(
        self, record: Record, fate: Fate, reason: Reason | None = None, detail: str = ""
    ) -> Returned:
        changes = self.changes.get(record.uid, ())
        return Returned(
            uid=record.uid, title=record.title, fate=fate, reason=reason, detail=detail, changes=changes
        )


def _drop_damaged(lock: Manifest, desk: _Desk) -> None:
    """Read every stored file; one that no longer has the locked bytes is removed, to be fetched anew."""
    held = [record.file.sha256 for record in lock.records if record.file and desk.has(record)]
    with desk.progress.stage("check", len(held)) as stage:
        for sha256 in held:
            if not desk.workspace.originals.is_sound(sha256):
                desk.workspace.originals.drop(sha256)
            stage.advance()


def _in_store(record: Record, before: Departures, desk: _Desk) -> Returned | None:
    """The locked file if it is in the store, or the rendition that an earlier rebuild took in its place."""
    if desk.has(record):
        return _Today().returned(record, Fate.HERE)
    instead = before.files.get(record.uid)
    if instead and not desk.exact and instead.sha256 in desk.workspace.originals:
        drift = _Today().returned(record, Fate.RENDITION, detail="taken by an earlier rebuild")
        return drift.model_copy(update={"instead": instead})
    return None


def _look_again(desk: _Desk, lock: Manifest, records: Sequence[Record], wanted: Wanted) -> _Today:
    """Ask the sources about these records; copies are settled with everything else the lock holds."""
    if not records:
        return _Today()
    seen: dict[str, Sighting] = {}
    with desk.progress.stage("look again", len(records)) as stage:
        for sighting in look(
            desk.plan, desk.workspace, desk.session, records, progress=desk.progress, now=desk.now
        ):
            seen[sighting.uid] = sighting
            stage.advance()
    changes = {one.uid: one.changes for one in drifted(lock.records, seen, wanted)}
    settled = {record.uid: sighting for record, sighting in side_by_side(lock.records, seen)}
    return _Today(settled, changes)


def _without_fetching(
    record: Record, today: _Today, in_store: Returned | None, wanted: Wanted
) -> Returned | None:
    """What is clear before anything is fetched: refused as it stands today, in the store, or deleted."""
    verdict = wanted(today.of(record) or record)
    if verdict.reason is not None:
        return today.returned(record, Fate.DROPPED, verdict.reason, verdict.detail)
    if in_store:
        return in_store.model_copy(update={"changes": today.changes.get(record.uid, ())})
    sighting = today.seen.get(record.uid)
    if sighting is not None and sighting.now is None:
        return today.returned(record, Fate.GONE, Reason.GONE, sighting.detail)
    return None


def _with_twins(images: Sequence[Returned], asked: Mapping[str, Record], desk: _Desk) -> list[Returned]:
    """What cannot be had is here after all where an image of the very same bytes came."""
    here = {"fate": Fate.HERE, "reason": None, "detail": "its bytes came with another image"}
    return [
        one.model_copy(update=here) if one.fate is Fate.GONE and desk.has(asked[one.uid]) else one
        for one in images
    ]


def _fetch(desk: _Desk, records: Sequence[Record], today: _Today) -> Iterator[Returned]:
    """Fetch each from where it is today; what its source makes with other bytes now is fetched once more."""
    resolved = {one.uid: one for one in _addresses(desk, records, today)}
    nowhere = {uid for uid, one in resolved.items() if one.original is None}
    by_uid = {record.uid: record for record in records}
    for uid in nowhere:
        yield today.returned(by_uid[uid], Fate.GONE, Reason.GONE, resolved[uid].detail)
    here = [_addressed(record, resolved) for record in records if record.uid not in nowhere]
    drifting: list[Record] = []
    with desk.progress.stage("fetch", len(here)) as stage:
        for record, outcome in _arrivals(desk, here):
            stage.advance()
            locked = by_uid[record.uid]
            if isinstance(outcome, StoredFile):
                detail = resolved[record.uid].detail if record.uid in resolved else ""
                yield today.returned(locked, _fate(today, locked), detail=detail)
            elif outcome.reason is Reason.CHANGED and _is_rendition(locked) and not desk.exact:
                drifting.append(record)
            else:
                yield _missed(today, locked, outcome)
    for record, outcome in _arrivals(desk, [_unlocked(record) for record in drifting]):
        yield _drifted(desk, today, by_uid[record.uid], outcome)


def _addresses(desk: _Desk, records: Sequence[Record], today: _Today) -> Iterator[Resolved]:
    """Where files are that do not lie where the lock has them.

    The current file where its hash is the locked one; else the source is asked. Addresses that soon expire
    are asked for at the moment of the download (`arrivals`).
    """
    for source, settings in desk.plan.sources:
        own = [record for record in records if record.source == source.name]
        elsewhere: list[Record] = []
        for record in own:
            now = today.of(record)
            if now and now.original.sha1 and now.original.sha1 == record.original.sha1:
                original = record.original.model_copy(update={"url": now.original.url})
                yield Resolved(uid=record.uid, original=original)
            else:
                elsewhere.append(record)
        if elsewhere and source.resolve and not source.expires:
            ask = Ask(
                settings=settings,
                subject=desk.plan.settings.subject,
                session=desk.session,
                answers=desk.workspace.answers,
                now=desk.now,
                progress=desk.progress,
                base=desk.plan.base,
            )
            yield from source.resolve(ask, elsewhere)


def _addressed(record: Record, resolved: Mapping[str, Resolved]) -> Record:
    """The record with the address its file has today, the locked one where nobody knows another."""
    found = resolved.get(record.uid)
    return record.model_copy(update={"original": found.original}) if found and found.original else record


def _arrivals(desk: _Desk, records: Sequence[Record]) -> Iterator[tuple[Record, StoredFile | Missed]]:
    if not records:
        return
    for record, outcome in arrivals(
        desk.plan, desk.workspace, desk.session, records, desk.progress, desk.crew
    ):
        desk.fetched_bytes += outcome.bytes if isinstance(outcome, StoredFile) else 0
        yield record, outcome


def _fate(today: _Today, record: Record) -> Fate:
    """How a file that came byte for byte was had."""
    kinds = {change.kind for change in today.changes.get(record.uid, ())}
    if Kind.OVERWRITTEN in kinds:
        return Fate.ARCHIVED
    return Fate.RENAMED if Kind.RENAMED in kinds else Fate.SAME


def _missed(today: _Today, record: Record, missed: Missed) -> Returned:
    if missed.again:
        return today.returned(record, Fate.BUSY, missed.reason, missed.detail)
    fate = Fate.DROPPED if missed.reason in RIGHTS_REASONS else Fate.GONE
    return today.returned(record, fate, missed.reason, missed.detail)


def _is_rendition(record: Record) -> bool:
    return record.file is not None and record.file.rendition != "original"


def _unlocked(record: Record) -> Record:
    """The record with nothing that its bytes must be: a rendition's hash is not that of the original."""
    file = record.file
    assert file is not None
    original = record.original.model_copy(
        update={
            "sha1": None,
            "bytes": None,
            "mime": file.mime,
            "width": file.width,
            "height": file.height,
        }
    )
    return record.model_copy(update={"file": None, "original": original})


def _drifted(desk: _Desk, today: _Today, record: Record, outcome: StoredFile | Missed) -> Returned:
    """A rendition with other bytes is taken if it is as large as the locked one was."""
    locked = record.file
    assert locked is not None
    if isinstance(outcome, Missed):
        return _missed(today, record, outcome)
    size = _size(desk.workspace.originals.path(outcome.sha256))
    if size is None or (locked.width and locked.height and size != (locked.width, locked.height)):
        words = f"{size[0]} × {size[1]} px" if size else "no image"
        detail = f"its {locked.rendition} rendition is {words} now"
        return today.returned(record, Fate.GONE, Reason.CHANGED, detail)
    instead = outcome.model_copy(update={"rendition": locked.rendition, "width": size[0], "height": size[1]})
    detail = f"its {locked.rendition} rendition has other bytes now"
    return today.returned(record, Fate.RENDITION, detail=detail).model_copy(update={"instead": instead})


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height as the file's header tells them; `None`: it is no image."""
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(path, formats=FORMATS) as image,
        ):
            return image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, EOFError, SyntaxError, ValueError):
        return None
