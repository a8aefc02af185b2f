"""The story of collecting: search, choose, fetch, seal; killed anywhere, it goes on where it stood.

Three things are remembered on the way, in append-only journals of the workspace: what the sources said
(`collect.jsonl`, valid as long as the same is asked), which files were fetched (`fetched.jsonl`, valid for
ever, because files lie under their hash), and which will never come. The manifest comes last, in one piece.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import requests
from pydantic import Field

from collectors import manifest as manifests
from collectors.copies import settle_copies
from collectors.frozen import Settings
from collectors.manifest import Manifest
from collectors.progress import Progress, Silent
from collectors.record import Reason, Record, Skipped, StoredFile, Verdict
from collectors.sources import Ask, Finished, Source
from collectors.web.download import Missed, copy_local, fetch_all
from collectors.web.polite import Pace
from collectors.workspace import DiskFull, Journal, Workspace, canonical_json

RIGHTS_REASONS = frozenset(
    {Reason.NO_LICENCE, Reason.LICENCE_REFUSED, Reason.NO_CREDIT, Reason.OPTED_OUT, Reason.AI_GENERATED}
)
"""Refusals that are listed in the manifest, so that an audit can count them; others are only counted."""

RASTER = frozenset({"image/jpeg", "image/png", "image/tiff", "image/webp", "image/gif", "image/bmp"})


class CollectSettings(Settings):
    """`[collect]`: how many images of what, and which sizes are worth a download."""

    subject: str = Field(min_length=1)
    """What the images show; a column of the dataset."""
    limit: int | None = Field(default=None, ge=1)
    """Images to take, shared out evenly between the categories or searches; default: all."""
    min_side: int = Field(default=256, ge=1)
    """Shortest side in pixels, as the source states it."""
    max_megapixels: float = Field(default=400, gt=0)
    """Width × height beyond which an image is not fetched."""
    max_megabytes: float = Field(default=200, gt=0)
    """File size beyond which an image is not fetched."""


@dataclass(frozen=True)
class Plan:
    """One recipe, understood: what to ask of whom, and under which name the result goes."""

    name: str
    base: Path
    """The recipe's folder."""
    manifest: Path
    settings: CollectSettings
    sources: Sequence[tuple[Source, Any]]
    """Each source with its own settings, in the recipe's order."""
    recipe_sha256: str
    tool: str

    @property
    def question(self) -> str:
        """Hash of what is asked of the sources; limits and policy do not change it."""
        asked = {source.name: settings.model_dump(mode="json") for source, settings in self.sources}
        return hashlib.sha256(canonical_json([self.settings.subject, asked])).hexdigest()


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


Wanted = Callable[[Record], Verdict]


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


def search(
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    *,
    refresh: bool,
    progress: Progress,
    now: Callable[[], datetime],
) -> tuple[list[Record], list[Skipped]]:
    """Everything the sources have for this plan, each image once, in the sources' own order.

    What an earlier run was told is read from the journal and not asked again, unless the question changed.
    Sources on this disk cost nothing and are always asked.
    """
    journal = Journal(workspace.journal)
    lines = list(journal.read())
    if refresh or not lines or lines[0].get("question") != plan.question:
        workspace.journal.unlink(missing_ok=True)
        lines = []
        journal.append({"question": plan.question})
    told = _Told()
    for line in lines[1:]:
        told.add(line)
    for source, settings in plan.sources:
        if source.name in told.done:
            continue
        with progress.stage(f"search {source.title}") as stage:
            ask = Ask(
                settings=settings,
                subject=plan.settings.subject,
                session=session,
                answers=workspace.answers,
                finished=told.finished.get(source.name, {}),
                now=now,
                progress=progress,
                base=plan.base,
            )
            for found in source.search(ask):
                line = _line(source.name, found)
                if told.add(line):
                    stage.advance(0 if isinstance(found, Finished) else 1)
                    if source.open_local is None:
                        journal.append(line)
        if source.open_local is None:
            journal.append({"done": source.name})
    journal.close()
    return list(told.records.values()), list(told.skipped.values())


class _Told:
    """The journal of a search, read back: the first word about an image counts."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.skipped: dict[str, Skipped] = {}
        self.finished: dict[str, dict[str, tuple[str, ...]]] = {}
        self.done: set[str] = set()

    def add(self, line: Mapping[str, Any]) -> bool:
        """Take in a line; `False` when it says nothing new."""
        if "record" in line:
            record = Record.model_validate(line["record"])
            return self.records.setdefault(record.uid, record) is record
        if "skipped" in line:
            skip = Skipped.model_validate(line["skipped"])
            return self.skipped.setdefault(f"{line['source']} {skip.key}", skip) is skip
        if "finished" in line:
            unit = Finished.model_validate(line["finished"])
            self.finished.setdefault(line["source"], {})[unit.unit] = unit.leads_to
        if "done" in line:
            self.done.add(line["done"])
        return True


def _line(source: str, found: Record | Skipped | Finished) -> dict[str, Any]:
    kind = {Record: "record", Skipped: "skipped", Finished: "finished"}[type(found)]
    return {"source": source, kind: found.model_dump(mode="json", by_alias=True)}


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
        if min(width, height) < settings.min_side:
            return Verdict(
                reason=Reason.TOO_SMALL, detail=f"{width} × {height} px, the floor is {settings.min_side}"
            )
        if width * height > settings.max_megapixels * 1e6:
            return Verdict(reason=Reason.TOO_LARGE, detail=f"{width * height / 1e6:.0f} megapixels")
    if original.bytes is not None and original.bytes > settings.max_megabytes * 1e6:
        return Verdict(reason=Reason.TOO_LARGE, detail=f"{original.bytes / 1e6:.0f} MB")
    return Verdict()


def choose(candidates: Sequence[Record], limit: int | None, never: Mapping[str, Any]) -> list[Record]:
    """The first `limit` candidates, shared out between the queries they were found by.

    Within a query the order is that of a hash of the uid: no letter of the alphabet comes first, and a few
    new files at the source change only a few places. Files that will never come (`never`, by uid) make room.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in candidates:
        if record.uid not in never:
            groups.setdefault((record.source, record.found_by.query), []).append(record)
    for group in groups.values():
        group.sort(key=lambda record: hashlib.sha256(record.uid.encode()).digest())
    turns = zip_longest(*(groups[key] for key in sorted(groups)))
    return [record for turn in turns for record in turn if record is not None][:limit]


class Cellar:
    """What was fetched before, found again by the image it belongs to; and what will never come."""

    def __init__(self, workspace: Workspace, question: str, *, hopeful: bool = False) -> None:
        """`hopeful`: what would never come is tried once more."""
        self._store = workspace.originals
        self._question = question
        self._journal = Journal(workspace.root / "fetched.jsonl")
        self._files: dict[str, StoredFile] = {}
        self.never: dict[str, Missed] = {}
        for line in self._journal.read():
            if "file" in line:
                self._files[line["key"]] = StoredFile.model_validate(line["file"])
            elif line["question"] == question and "never" in line:
                self.never[line["uid"]] = Missed.model_validate(line["never"])
            elif line["question"] == question:
                self.never.clear()
        if hopeful and self.never:
            self._journal.append({"question": question, "hopeful": True})
            self.never.clear()

    def find(self, record: Record) -> StoredFile | None:
        """The stored file of this record, or of a byte-identical one."""
        file = self._files.get(_identity(record))
        return file if file and file.sha256 in self._store else None

    def add(self, record: Record, file: StoredFile) -> None:
        self._files[_identity(record)] = file
        self._journal.append({"key": _identity(record), "file": file.model_dump(mode="json")})

    def give_up(self, record: Record, missed: Missed) -> None:
        self.never[record.uid] = missed
        self._journal.append(
            {"uid": record.uid, "question": self._question, "never": missed.model_dump(mode="json")}
        )


def _identity(record: Record) -> str:
    original = record.original
    return original.sha1 or f"{record.uid} {original.url} {original.revision}"


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
        copies = Counter(_identity(record) for record in chosen)
        while batch := _next_batch(chosen, cellar, waiting):
            for record, outcome in _arrivals(plan, workspace, session, batch, progress):
                if isinstance(outcome, StoredFile):
                    cellar.add(record, outcome)
                    result.fetched_bytes += outcome.bytes
                    stage.advance(copies[_identity(record)])
                elif outcome.again:
                    waiting[record.uid] = outcome
                else:
                    cellar.give_up(record, outcome)
            chosen = choose(candidates, limit, cellar.never)
            copies = Counter(_identity(record) for record in chosen)
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
    return list({_identity(record): record for record in reversed(missing)}.values())[::-1]


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
    if remote:
        paces: dict[str, Pace] = {}
        for source, settings in plan.sources:
            paces.update(source.paces(settings))
        max_bytes = int(plan.settings.max_megabytes * 1e6)
        yield from fetch_all(
            remote,
            session,
            workspace.originals,
            workspace.parts,
            paces=paces,
            max_bytes=max_bytes,
            progress=progress,
        )


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
