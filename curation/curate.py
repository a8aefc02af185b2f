"""From a manifest to verdicts: policy, measurements, screening, duplicates, splits, crop boxes.

May be killed at any moment and run again: measurements are journalled file by file, verdicts are written
whole. They depend on the manifest, the files and the settings alone, not on the number of workers.
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from collectors.manifest import Manifest
from collectors.progress import Progress, Silent
from collectors.record import Reason, Record, Verdict
from collectors.storage.files import Journal, canonical_json, written_whole
from collectors.storage.workspace import Workspace
from curation import engine
from curation.comparing import compare
from curation.engine.alike import FolderUnseen
from curation.hub.blocked import Blocklist
from curation.hub.recognise import recognised
from curation.imaging import features
from curation.imaging.boxes import choose
from curation.imaging.examine import Examined, Folders, died, examine, folders, measure
from curation.judged import Judged, OriginalsMissing
from curation.policy import may_publish
from curation.refused import AtHand, nothing_at_hand, paths, refused_here
from curation.screening.decisions import Decision, Decisions
from curation.screening.screen import doubts, screen
from curation.settings import CurateSettings, PolicySettings


class VerdictsBroken(Exception):
    """A file of verdicts that cannot be read: which line, and what is wrong with it."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path, line, problem)
        self.path, self.line, self.problem = path, line, problem

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.problem}"


def curate(
    manifest: Manifest,
    workspace: Workspace,
    policy: PolicySettings,
    settings: CurateSettings,
    *,
    blocklist: Blocklist = Blocklist(),  # noqa: B008  (frozen)
    decisions: Decisions = MappingProxyType({}),
    at_hand: AtHand = nothing_at_hand,
    progress: Progress | None = None,
    workers: int = 1,
) -> tuple[Judged, ...]:
    """Judge every image of the manifest and write `workspace.verdicts`, sorted by uid.

    What stands on the `blocklist` is dropped, in whatever disguise it comes back. `decisions` of a person, by
    SHA-256, overrule the screening, and nothing else. `at_hand` says where refused images lie on this disk:
    copies of them are refused as well (`curation.refused`).

    Raises:
        OriginalsMissing: the workspace lacks files of the manifest; nothing was done.
        FolderUnseen: a refused picture that `at_hand` found cannot be read where it is looked at.
        DiskFull: what was measured so far is kept.
    """
    progress = progress or Silent()
    refused = {record.uid: _refused(record, policy, blocklist) for record in manifest.records}
    wanted = [record for record in manifest.records if refused[record.uid].keep]
    here = refused_here(
        ((record, refused[record.uid]) for record in manifest.records), workspace.originals, at_hand
    )
    beside = [record for record, _ in here.values()]
    examined = _examine_all(wanted, beside, paths(here), workspace, settings, progress, workers)
    down = recognised(
        blocklist,
        [(record, examined[_sha256(record)]) for record in wanted],
        folders(workspace).features,
    )
    judged = {record.uid: Judged(uid=record.uid, verdict=refused[record.uid]) for record in manifest.records}
    for record in wanted:
        one, decision = examined[_sha256(record)], decisions.get(_sha256(record))
        judged[record.uid] = _judge(record, one, settings, down.get(record.uid), decision)
    left = {record.uid: record for record in wanted if judged[record.uid].verdict.keep}
    judged |= compare(
        {uid: judged[uid] for uid in left},
        left,
        {record.uid: (record, refused[record.uid]) for record in beside},
        examined,
        workspace,
        settings,
        progress=progress,
        workers=workers,
    )
    verdicts = tuple(judged[uid] for uid in sorted(judged))
    write_verdicts(verdicts, workspace.verdicts)
    return verdicts


def write_verdicts(verdicts: Iterable[Judged], path: Path) -> None:
    """Write one `Judged` a line, whole or not at all. Raises `DiskFull`."""
    with written_whole(path) as file:
        for judged in verdicts:
            file.write(canonical_json(judged.model_dump(mode="json")) + b"\n")


def read_verdicts(path: Path) -> tuple[Judged, ...]:
    """Read what `curate` wrote.

    Raises:
        FileNotFoundError: nothing was curated yet.
        VerdictsBroken: a line is not a verdict.
    """
    return tuple(stream_verdicts(path))


def stream_verdicts(path: Path) -> Iterator[Judged]:
    """The same, one verdict at a time."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield Judged.model_validate(json.loads(line))
            except ValidationError as error:
                raise VerdictsBroken(path, number, error.errors()[0]["msg"]) from error
            except ValueError as error:
                raise VerdictsBroken(path, number, f"not JSON: {error}") from error


def _refused(record: Record, policy: PolicySettings, blocklist: Blocklist) -> Verdict:
    """Keep, or why this image is not even looked at."""
    if record.refused is not None:
        return record.refused
    verdict = blocklist.refuses(record)
    verdict = may_publish(record, policy) if verdict.keep else verdict
    if verdict.keep and record.file is None:
        return Verdict(reason=Reason.NOT_NEEDED, detail="its file was not fetched")
    return verdict


def _sha256(record: Record) -> str:
    assert record.file is not None  # `_refused` has sorted the others out
    return record.file.sha256


def _examine_all(
    records: Sequence[Record],
    beside: Sequence[Record],
    elsewhere: Mapping[str, Path],
    workspace: Workspace,
    settings: CurateSettings,
    progress: Progress,
    workers: int,
) -> dict[str, Examined]:
    """Measurements by the file's SHA-256: old ones from the journal, new ones appended to it.

    `beside` are refused images, which are only compared; `elsewhere` says where the files of these lie.
    """
    missing = [record.uid for record in records if _sha256(record) not in workspace.originals]
    if missing:
        raise OriginalsMissing(missing)
    wanted = sorted({_sha256(record) for record in (*records, *beside)})
    places, about = folders(workspace), measure(settings)
    known = {one.sha256: one for one in _journalled(workspace.examined) if one.measure == about}
    known = {sha: one for sha, one in known.items() if not one.hashes or sha in places.thumbnails}
    todo = [sha for sha in wanted if sha not in known]
    journal = Journal(workspace.examined)
    work = partial(_examine, elsewhere=elsewhere, workspace=workspace, settings=settings)
    try:
        with progress.stage("examine", len(todo)) as stage:
            for one in engine.run(work, todo, workers=workers, stage=stage, died=died):
                known[one.sha256] = one
                journal.append(one.model_dump(mode="json"))
    finally:
        journal.close()
    if features.wanted(settings):
        _extract_all([sha for sha in wanted if known[sha].hashes], places, progress, workers)
    return known


def _extract_all(wanted: Sequence[str], places: Folders, progress: Progress, workers: int) -> None:
    """Local features of all thumbnails that have none yet."""
    todo = [sha for sha in wanted if sha not in places.features]
    work = partial(features.keep, thumbnails=places.thumbnails, features=places.features)
    died = partial(features.keep_none, features=places.features)
    with progress.stage("features", len(todo)) as stage:
        for _ in engine.run(work, todo, workers=workers, stage=stage, died=died):
            pass


def _examine(
    sha256: str, elsewhere: Mapping[str, Path], workspace: Workspace, settings: CurateSettings
) -> Examined:
    path = elsewhere.get(sha256)
    if path is not None and not path.is_file():
        raise FolderUnseen(platform.node(), path.parent)
    return examine(path or workspace.originals.sound(sha256), sha256, settings, folders(workspace))


def _journalled(path: Path) -> Iterator[Examined]:
    for line in Journal(path).read():
        try:
            yield Examined.model_validate(line)
        except ValidationError:
            continue  # written by another version of this tool: measured again


def _judge(
    record: Record,
    examined: Examined,
    settings: CurateSettings,
    down: Verdict | None,
    decision: Decision | None,
) -> Judged:
    """One image by itself; `down`: it was taken down; `decision`: what a person said in the review."""
    verdict = down or screen(examined, settings, record, decision)
    width, height = examined.width, examined.height
    fits = verdict.keep and width and height
    choice = choose(width or 0, height or 0, examined.subject, settings) if fits else None
    return Judged(
        uid=record.uid,
        verdict=verdict,
        width=width,
        height=height,
        pixels_sha256=examined.pixels_sha256,
        phash=examined.hashes[:64] or None,
        box=choice.box if choice else None,
        crop=choice.crop if choice else None,
        lost=choice.lost if choice else {},
        scores=examined.scores,
        doubts=() if down else doubts(examined, settings, decision),
        notes=examined.notes,
    )
