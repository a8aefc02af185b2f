"""The story of collecting: search, choose, fetch, seal; killed anywhere, it goes on where it stood.

Three things are remembered on the way, in append-only journals of the workspace: what the sources said
(`collect.jsonl`, valid as long as the same is asked), which files were fetched (`fetched.jsonl`, valid for
ever, because files lie under their hash), and which will never come. The manifest comes last, in one piece.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from collectors import manifest as manifests
from collectors.arrivals import arrivals, demand_space
from collectors.choice import RIGHTS_REASONS, Wanted, choose, missing_share, sort_out
from collectors.copies import settle_copies
from collectors.dates import as_first_seen
from collectors.manifest import Manifest
from collectors.plan import Plan
from collectors.progress import Progress, Silent
from collectors.record import Reason, Record, Skipped, StoredFile
from collectors.search import search
from collectors.source import Source
from collectors.storage.cellar import Cellar, identity
from collectors.storage.workspace import Workspace
from collectors.web.crew import Crew
from collectors.web.download import Missed


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
    shortage: str | None = None
    """Words for a share by kind that could not be filled, and what was cut to keep the ratio."""


_NOT_KEPT = Missed(reason=Reason.DAMAGED, detail="it came, and the store does not hold it", again=True)


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
    crew: Crew | None = None,
    progress: Progress | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Collected:
    """Search the sources, choose what the recipe wants, fetch it and seal the manifest.

    `refresh` forgets earlier answers and asks again. `dry_run` asks and chooses, then stops. A `crew` fetches
    the files on other machines; the sources are asked here in any case.

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
    settings = plan.settings
    chosen = choose(candidates, settings.limit, cellar.never, settings.shares)
    result.planned_bytes = sum(record.original.bytes or 0 for record in chosen if not cellar.find(record))
    if dry_run:
        _note_shortage(plan, candidates, cellar, result, progress)
        result.taken = len(chosen)
        _count_the_rest(result, candidates, chosen, cellar.never)
        return result
    demand_space(workspace.root, result.planned_bytes)
    chosen = fetch(plan, workspace, session, candidates, cellar, result, progress, crew)
    if result.pending:
        return result
    files = [record.model_copy(update={"file": cellar.find(record)}) for record in chosen]
    result.manifest = manifests.seal(
        as_first_seen([*files, *refused], plan.manifest),
        name=plan.name,
        subject=plan.settings.subject,
        recipe_sha256=plan.recipe_sha256,
        tool=plan.tool,
        skipped=Counter({str(r): n for r, n in result.reasons.items() if n and r not in RIGHTS_REASONS}),
    )
    manifests.write(result.manifest, plan.manifest)
    return result


def fetch(
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    candidates: Sequence[Record],
    cellar: Cellar,
    result: Collected,
    progress: Progress,
    crew: Crew | None = None,
) -> list[Record]:
    """Fetch until the limit is filled or nothing more can be had; return the chosen records.

    A file that will never come makes room for the next candidate, so the outcome does not depend on timing.
    """
    waiting: dict[str, Missed] = {}
    settings = plan.settings
    chosen = choose(candidates, settings.limit, cellar.never, settings.shares)
    with progress.stage("fetch", len(chosen)) as stage:
        stage.advance(sum(1 for record in chosen if cellar.find(record)))
        copies = Counter(identity(record) for record in chosen)
        while batch := _next_batch(chosen, cellar, waiting):
            for record, outcome in arrivals(plan, workspace, session, batch, progress, crew):
                if isinstance(outcome, StoredFile):
                    cellar.add(record, outcome)
                    if not cellar.find(record):  # whatever the reason: to try for ever helps nobody
                        waiting[record.uid] = _NOT_KEPT
                    result.fetched_bytes += outcome.bytes
                    stage.advance(copies[identity(record)])
                elif outcome.again:
                    waiting[record.uid] = outcome
                else:
                    cellar.give_up(record, outcome)
            chosen = choose(candidates, settings.limit, cellar.never, settings.shares)
            copies = Counter(identity(record) for record in chosen)
            stage.expect(len(chosen))
    _note_shortage(plan, candidates, cellar, result, progress)
    result.taken = sum(1 for record in chosen if cellar.find(record))
    _count_the_rest(result, candidates, chosen, {**cellar.never, **waiting})
    return chosen


def _count_the_rest(
    result: Collected, candidates: Sequence[Record], chosen: Sequence[Record], missed: Mapping[str, Missed]
) -> None:
    """Give every candidate that was not taken its reason."""
    needed = {record.uid for record in chosen}
    for record in candidates:
        if record.uid in missed:
            _note_missed(result, record, missed[record.uid])
        elif record.uid not in needed:
            result.reasons[Reason.NOT_NEEDED] += 1


def _next_batch(chosen: Sequence[Record], cellar: Cellar, waiting: Mapping[str, Missed]) -> list[Record]:
    """What is chosen and not here yet, byte-identical files once."""
    missing = [record for record in chosen if record.uid not in waiting and not cellar.find(record)]
    return list({identity(record): record for record in reversed(missing)}.values())[::-1]


def _note_missed(result: Collected, record: Record, missed: Missed) -> None:
    result.reasons[missed.reason] += 1
    result.missed.append(Skipped(key=record.uid, reason=missed.reason, detail=missed.detail))
    result.pending += missed.again


def _note_shortage(
    plan: Plan, candidates: Sequence[Record], cellar: Cellar, result: Collected, progress: Progress
) -> None:
    """Say when a share of the recipe cannot be filled."""
    result.shortage = missing_share(candidates, plan.settings.limit, cellar.never, plan.settings.shares)
    if result.shortage:
        progress.note(result.shortage)


def _asked(source: Source, settings: Any) -> list[str]:
    for field_name in ("categories", "query", "text", "tags", "newest", "deviations", "path"):
        value = getattr(settings, field_name, None)
        if value:
            return [f"{source.title}: {one}" for one in ([value] if isinstance(value, str | Path) else value)]
    return [source.title]
