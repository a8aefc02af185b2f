"""The story of collecting: search, choose, fetch, seal; killed anywhere, it goes on where it stood.

Three things are remembered on the way, in append-only journals of the workspace: what the sources said
(`collect.jsonl`, valid as long as the same is asked), which files were fetched (`fetched.jsonl`, valid for
ever, because files lie under their hash), and which will never come. The manifest comes last, in one piece.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from collectors import manifest as manifests
from collectors.cellar import Cellar, identity
from collectors.choice import RIGHTS_REASONS, Wanted, choose, sort_out
from collectors.copies import settle_copies
from collectors.fresh import fetch_resolved
from collectors.manifest import Manifest
from collectors.plan import Plan
from collectors.progress import Progress, Silent
from collectors.record import Reason, Record, Skipped, StoredFile
from collectors.search import search
from collectors.sources import Ask, Source
from collectors.web.download import Missed, copy_local, fetch_all
from collectors.web.polite import Pace
from collectors.workspace import DiskFull, Workspace


@dataclass
class Collected:
    """What a run came to."""

    manifest: Manifest | None = None
    """`None` while files are still to come."""
    reasons: Counter[Reason] = field(default_factory=Counter)
    """Images that were seen and not taken, by reason."""
    seen: int = 0
    taken: int = 0
    fetched_bytes: int = 0
    """Bytes that came over the network in this run."""
    planned_bytes: int = 0
    """Bytes the sources announce for what is not here yet."""
    missed: list[Skipped] = field(default_factory=list)
    """Files that were wanted and did not come."""
    pending: int = 0
    """Of those, how many the same command will try again."""


class NothingFound(Exception):
    """The sources hold no image for what the recipe asks."""

    def __init__(self, asked: Sequence[str]) -> None:
        super().__init__(f"nothing found: {', '.join(asked)}")
        self.asked = tuple(asked)


def collect(
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    wanted: Wanted,
    *,
    refresh: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Collected:
    """Search the sources, choose what the recipe wants, fetch it and seal the manifest.

    `refresh` forgets earlier answers and asks again. `dry_run` asks and chooses, then stops.

    Raises:
        NothingFound: the sources know no image at all for this recipe.
        DiskFull: the announced sizes do not fit on the disk, or it filled up on the way.
        NoContact, HostBusy: from `polite`; and whatever a source raises for a category it does not have.
    """
    progress = progress or Silent()
    records, skipped = search(plan, workspace, session, refresh=refresh, progress=progress, now=now)
    if not records and not skipped:
        raise NothingFound([name for source, settings in plan.sources for name in _asked(source, settings)])
    result = Collected(seen=len(records) + len(skipped))
    result.reasons.update(skip.reason for skip in skipped)
    candidates, refused = sort_out(settle_copies(records), plan.settings, wanted, result.reasons)

    cellar = Cellar(workspace, plan.question, hopeful=refresh)
    chosen = choose(candidates, plan.settings.limit, cellar.never)
    result.planned_bytes = sum(record.original.bytes or 0 for record in chosen if not cellar.find(record))
    if dry_run:
        result.taken = len(chosen)
        result.reasons[Reason.NOT_NEEDED] += len(candidates) - len(chosen)
        return result
    _demand_space(workspace.root, result.planned_bytes)
    chosen = fetch(plan, workspace, session, candidates, cellar, result, progress)
    if result.pending:
        return result
    files = [record.model_copy(update={"file": cellar.find(record)}) for record in chosen]
    result.manifest = manifests.seal(
        [*files, *refused],
        name=plan.name,
        subject=plan.settings.subject,
        recipe_sha256=plan.recipe_sha256,
        tool=plan.tool,
        skipped=Counter({str(r): n for r, n in result.reasons.items() if n and r not in RIGHTS_REASONS}),
    )
    manifests.write(result.manifest, plan.manifest)
    return result


def collect_locked(
    plan: Plan,
    locked: Manifest,
    workspace: Workspace,
    session: requests.Session,
    *,
    progress: Progress | None = None,
) -> Collected:
    """Fetch exactly the files a sealed manifest names, and verify each against its SHA-256.

    Nothing is searched and the manifest is not changed; what cannot be had as it was is in `missed`.

    Raises:
        DiskFull, NoContact: as `collect`.
    """
    progress = progress or Silent()
    listed = [record for record in locked.records if record.file]
    todo = [record for record in listed if record.file and record.file.sha256 not in workspace.originals]
    result = Collected(manifest=locked, seen=len(locked.records), taken=len(listed) - len(todo))
    result.planned_bytes = sum(record.file.bytes for record in todo if record.file)
    _demand_space(workspace.root, result.planned_bytes)
    with progress.stage("fetch", len(listed)) as stage:
        stage.advance(len(listed) - len(todo))
        for record, outcome in _arrivals(plan, workspace, session, todo, progress):
            stage.advance()
            if isinstance(outcome, StoredFile):
                result.taken += 1
                result.fetched_bytes += outcome.bytes
            else:
                _note_missed(result, record, outcome)
    return result


def fetch(
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    candidates: Sequence[Record],
    cellar: Cellar,
    result: Collected,
    progress: Progress,
) -> list[Record]:
    """Fetch until the limit is filled or nothing more can be had; return the chosen records.

    A file that will never come makes room for the next candidate, so the outcome does not depend on timing.
    """
    waiting: dict[str, Missed] = {}
    limit = plan.settings.limit
    chosen = choose(candidates, limit, cellar.never)
    with progress.stage("fetch", len(chosen)) as stage:
        stage.advance(sum(1 for record in chosen if cellar.find(record)))
        copies = Counter(identity(record) for record in chosen)
        while batch := _next_batch(chosen, cellar, waiting):
            for record, outcome in _arrivals(plan, workspace, session, batch, progress):
                if isinstance(outcome, StoredFile):
                    cellar.add(record, outcome)
                    result.fetched_bytes += outcome.bytes
                    stage.advance(copies[identity(record)])
                elif outcome.again:
                    waiting[record.uid] = outcome
                else:
                    cellar.give_up(record, outcome)
            chosen = choose(candidates, limit, cellar.never)
            copies = Counter(identity(record) for record in chosen)
            stage.expect(len(chosen))
    by_uid = {record.uid: record for record in candidates}
    for uid, missed in {**cellar.never, **waiting}.items():
        if uid in by_uid:
            _note_missed(result, by_uid[uid], missed)
    result.taken = sum(1 for record in chosen if cellar.find(record))
    result.reasons[Reason.NOT_NEEDED] += sum(1 for uid in by_uid if uid not in cellar.never) - len(chosen)
    return chosen


def _next_batch(chosen: Sequence[Record], cellar: Cellar, waiting: Mapping[str, Missed]) -> list[Record]:
    """What is chosen and not here yet, byte-identical files once."""
    missing = [record for record in chosen if record.uid not in waiting and not cellar.find(record)]
    return list({identity(record): record for record in reversed(missing)}.values())[::-1]


def _arrivals(
    plan: Plan, workspace: Workspace, session: requests.Session, records: Sequence[Record], progress: Progress
) -> Iterator[tuple[Record, StoredFile | Missed]]:
    """Files as they come: from this disk first, then over the network, every host at its own pace."""
    remote: list[Record] = []
    local = {
        source.name: (source.open_local, settings) for source, settings in plan.sources if source.open_local
    }
    for record in records:
        open_local, settings = local.get(record.source, (None, None))
        if open_local is None:
            remote.append(record)
        else:
            yield (
                record,
                copy_local(open_local(settings, plan.base, record.original), record, workspace.originals),
            )
    paces: dict[str, Pace] = {}
    for source, settings in plan.sources:
        paces.update(source.paces(settings))

    def over_the_network(some: Sequence[Record]) -> Iterator[tuple[Record, StoredFile | Missed]]:
        return fetch_all(
            some,
            session,
            workspace.originals,
            workspace.parts,
            paces=paces,
            max_bytes=int(plan.settings.max_megabytes * 1e6),
            progress=progress,
        )

    short_lived = {source.name for source, _ in plan.sources if source.expires and source.resolve}
    lasting = [record for record in remote if record.source not in short_lived]
    yield from over_the_network(lasting) if lasting else ()
    for source, settings in plan.sources:
        some = [record for record in remote if record.source == source.name and source.name in short_lived]
        ask = Ask(
            settings=settings,
            subject=plan.settings.subject,
            session=session,
            answers=workspace.answers,
            progress=progress,
            base=plan.base,
        )
        yield from fetch_resolved(ask, source, some, over_the_network)


def _note_missed(result: Collected, record: Record, missed: Missed) -> None:
    result.reasons[missed.reason] += 1
    result.missed.append(Skipped(key=record.uid, reason=missed.reason, detail=missed.detail))
    result.pending += missed.again


def _demand_space(root: Path, needed: int) -> None:
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if needed > free:
        raise DiskFull(root, free, needed)


def _asked(source: Source, settings: Any) -> list[str]:
    for field_name in ("categories", "query", "path"):
        value = getattr(settings, field_name, None)
        if value:
            return [f"{source.title}: {one}" for one in ([value] if isinstance(value, str | Path) else value)]
    return [source.title]
