"""Looking again at what a manifest locks: metadata only, at every source that can be asked.

Killed, it goes on where it stood: what the sources said is remembered for a day (`verify.jsonl`).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from collectors import manifest as manifests
from collectors.choice import Wanted
from collectors.copies import by_itself, settle_copies
from collectors.frozen import Frozen
from collectors.locked.changes import Change, Kind, drift_of, refusal
from collectors.manifest import Manifest
from collectors.plan import Plan
from collectors.progress import Progress, Silent
from collectors.record import Record, Skipped
from collectors.source import Ask, Sighting, Source, demand_keys
from collectors.storage.files import Journal
from collectors.storage.workspace import Workspace

FRESH = timedelta(days=1)
"""How long the answers of an interrupted look are good."""

Now = Callable[[], datetime]


class Drifted(Frozen):
    """One image that its source describes differently now."""

    uid: str
    title: str
    """As the manifest has it."""
    page: str | None
    """Where the image is found today; where it is deleted, where it was."""
    changes: tuple[Change, ...]

    @property
    def matters(self) -> bool:
        return any(change.kind.matters for change in self.changes)


class Drift(Frozen):
    """What became of the images of a manifest at their sources."""

    name: str
    root_sha256: str
    at: str
    """When it was asked, ISO 8601 UTC."""
    looked_at: int
    """Images that were asked for."""
    unasked: tuple[str, ...]
    """Uids of images without a word about them: their source cannot be asked, or gave no clear answer."""
    images: tuple[Drifted, ...]
    """Those that changed, by uid."""

    @property
    def counts(self) -> dict[Kind, int]:
        """Images by kind of change, what matters first."""
        found = Counter(kind for image in self.images for kind in {change.kind for change in image.changes})
        return {kind: found[kind] for kind in Kind if found[kind]}

    @property
    def matters(self) -> tuple[Drifted, ...]:
        """The images about which somebody must do something."""
        return tuple(image for image in self.images if image.matters)


def verify(
    manifest: Manifest,
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    wanted: Wanted,
    *,
    progress: Progress | None = None,
    now: Now = lambda: datetime.now(UTC),
) -> Drift:
    """Ask the sources about every image of the manifest that has a file, and tell what changed.

    `wanted` is the recipe's policy: an image it allowed and would not allow today is a change too. Nothing is
    downloaded and the manifest stays as it is; raw answers that are new go to the others, as evidence.

    Raises:
        NoContact, HostBusy: from `polite`; and whatever a source raises for a key or an address.
    """
    progress = progress or Silent()
    listed = [record for record in manifest.records if record.file]
    began, memory = _memory(manifest, workspace, now())
    known = {line["sighting"]["uid"]: Sighting.model_validate(line["sighting"]) for line in memory}
    journal = Journal(_journal(workspace))
    with progress.stage("verify", len(listed)) as stage:
        stage.advance(len(known))
        left = [record for record in listed if record.uid not in known]
        for sighting in look(plan, workspace, session, left, progress=progress, now=now):
            known[sighting.uid] = sighting
            journal.append({"sighting": sighting.model_dump(mode="json", by_alias=True)})
            stage.advance()
    journal.close()
    drift = Drift(
        name=manifest.header.name,
        root_sha256=manifest.header.root_sha256,
        at=began,
        looked_at=len(known),
        unasked=tuple(record.uid for record in listed if record.uid not in known),
        images=tuple(drifted(manifest.records, known, wanted)),
    )
    _journal(workspace).unlink(missing_ok=True)
    return drift


def look(
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    records: Sequence[Record],
    *,
    progress: Progress,
    now: Now,
) -> Iterator[Sighting]:
    """What the sources say of these records now, each once; nothing of those that nobody can be asked about.

    Sources on this disk are read again. Raises `KeyMissing` before the first question.
    """
    held = {record.source for record in records}
    demand_keys((source for source, _ in plan.sources if source.name in held), plan.addresses)
    for source, settings in plan.sources:
        own = {record.uid: record for record in records if record.source == source.name}
        ask = Ask(
            settings=settings,
            subject=plan.settings.subject,
            session=session,
            answers=workspace.answers,
            now=now,
            progress=progress,
            base=plan.base,
        )
        if own and source.look_again:
            yield from source.look_again(ask, list(own.values()))
        elif own and source.open_local:
            yield from _on_this_disk(source, ask, own)


def side_by_side(
    records: Sequence[Record], seen: Mapping[str, Sighting]
) -> Iterator[tuple[Record, Sighting]]:
    """Every record that was looked at, as it was and as it is, both with the rights of copies settled.

    Copies are settled among the same records on both sides, so that every difference is one at the source.
    """
    before = {record.uid: record for record in settle_copies(map(by_itself, records))}
    there = (seen[record.uid].now if record.uid in seen else by_itself(record) for record in records)
    today = {record.uid: record for record in settle_copies(record for record in there if record)}
    for record in records:
        if record.uid in seen:
            sighting = seen[record.uid]
            yield before[record.uid], sighting.model_copy(update={"now": today.get(record.uid)})


def drifted(records: Sequence[Record], seen: Mapping[str, Sighting], wanted: Wanted) -> Iterator[Drifted]:
    """The records that changed at their source, with the changes. Pure."""
    locked = {record.uid: record for record in records}
    for before, sighting in side_by_side(records, seen):
        changes = drift_of(before, sighting)
        if sighting.now is not None:
            changes = (*changes, *refusal(wanted(locked[before.uid]), wanted(sighting.now)))
        if changes:
            page = sighting.now.page if sighting.now else before.page
            ordered = tuple(sorted(changes, key=lambda change: list(Kind).index(change.kind)))
            yield Drifted(uid=before.uid, title=before.title, page=page, changes=ordered)


def with_dates(manifest: Manifest, drift: Drift, *, tool: str) -> Manifest:
    """The manifest with the day of this look on every image that was found and in order; its root stays."""
    passed_over = {*drift.unasked, *(image.uid for image in drift.matters)}
    header = manifest.header
    return manifests.seal(
        [
            record
            if record.file is None or record.uid in passed_over
            else record.model_copy(
                update={"seen": record.seen.model_copy(update={"last_verified": drift.at})}
            )
            for record in manifest.records
        ],
        name=header.name,
        subject=header.subject,
        recipe_sha256=header.recipe_sha256,
        tool=tool,
        skipped=header.skipped,
    )


def _on_this_disk(source: Source, ask: Ask, records: Mapping[str, Record]) -> Iterator[Sighting]:
    """Read the folder again and tell what it says of the records."""
    left = dict(records)
    details: dict[str, str] = {}
    for found in source.search(ask):
        if isinstance(found, Skipped):
            details[found.key] = found.detail
        elif isinstance(found, Record) and found.uid in left:
            del left[found.uid]
            yield Sighting(uid=found.uid, now=found)
    for uid in left:
        yield Sighting(uid=uid, now=None, detail=details.get(uid, "not there any more"))


def _journal(workspace: Workspace) -> Path:
    return workspace.root / "verify.jsonl"


def _memory(manifest: Manifest, workspace: Workspace, now: datetime) -> tuple[str, list[dict[str, Any]]]:
    """When the look began, and what an interrupted one was told about the same manifest within a day."""
    path = _journal(workspace)
    head, *told = list(Journal(path).read()) or [{}]
    root = manifest.header.root_sha256
    if head.get("root") == root and timedelta() <= now - datetime.fromisoformat(head["began"]) < FRESH:
        return head["began"], told
    path.unlink(missing_ok=True)
    began = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    journal = Journal(path)
    journal.append({"root": root, "began": began})
    journal.close()
    return began, []
