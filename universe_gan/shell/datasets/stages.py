"""The stages a user runs, as Python calls: each takes a recipe and returns what came of it."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collectors import manifest as manifests
from collectors.choice import Wanted
from collectors.collect import Collected, collect
from collectors.locked import departures
from collectors.locked.departures import Lock
from collectors.locked.rebuild import Rebuilt, collect_locked
from collectors.locked.relicense import Relicensed, relicense
from collectors.locked.verify import Drift, verify, with_dates
from collectors.manifest import Listing, Manifest, ManifestBroken, Stream
from collectors.progress import Progress
from collectors.record import Record, Verdict
from collectors.storage.files import write_whole
from collectors.storage.workspace import Workspace
from curation.auditing import audit as audits
from curation.auditing import drift as drifts
from curation.auditing.audit import Audit
from curation.auditing.audit_diff import ManifestDiff, diff, to_markdown
from curation.curate import read_verdicts, stream_verdicts
from curation.hub import blocked
from curation.judged import Judged
from curation.policy import may_fetch
from curation.reporting import report as reports
from universe_gan.shell.datasets.asking import asking, manners
from universe_gan.shell.datasets.state import State
from universe_gan.shell.recipes.recipe import Recipe


class StageMissing(Exception):
    """A stage whose input another command makes first."""

    def __init__(self, missing: Path, command: str) -> None:
        super().__init__(f"{missing} is not there; `{command}` makes it")
        self.missing, self.command = missing, command


def now() -> datetime:
    """The time, or `SOURCE_DATE_EPOCH` where a rebuild must not depend on it (reproducible-builds.org)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)


@contextmanager
def at_work(recipe: Recipe) -> Iterator[Workspace]:
    """The recipe's workspace, with everybody else kept out. Raises `WorkspaceBusy`."""
    workspace = Workspace(recipe.data)
    with workspace.locked():
        yield workspace


def run_collect(
    recipe: Recipe,
    workspace: Workspace,
    progress: Progress,
    *,
    refresh: bool = False,
    dry_run: bool = False,
    fetchers: int | None = None,
) -> Collected:
    """Collect by the recipe; `fetchers`: workers of Ray that fetch. Raises as `collect`, and `KeeperLost`."""
    before = _files_locked(recipe)
    with asking(recipe, progress, fetchers) as (session, crew):
        result = collect(
            recipe.plan,
            workspace,
            session,
            _wanted(recipe),
            refresh=refresh,
            dry_run=dry_run,
            crew=crew,
            progress=progress,
            now=now,
        )
    if result.manifest:
        if (files := result.manifest.header.files) < before:
            progress.note(f"the manifest named {before:,} files before and names {files:,} now")
        State(workspace).note(
            "collect",
            result.manifest.header.root_sha256,
            recipe.made_with("collect"),
            files=result.manifest.header.files,
        )
        if refresh:
            departures.forget(workspace)
    return result


def _files_locked(recipe: Recipe) -> int:
    """Files of the manifest that is there; 0 where none is, or one that is to be written again."""
    try:
        return manifests.stream(recipe.manifest).header.files
    except (FileNotFoundError, ManifestBroken):
        return 0


def run_rebuild(
    recipe: Recipe,
    workspace: Workspace,
    progress: Progress,
    *,
    exact: bool = False,
    allow_missing: bool = False,
    every: bool = False,
    fetchers: int | None = None,
) -> Rebuilt:
    """Fetch exactly what the recipe's manifest locks; `fetchers`: workers of Ray that do.

    Raises as `collect_locked`, and `StageMissing`, `KeeperLost`.
    """
    lock = read_manifest(recipe)
    with asking(recipe, progress, fetchers) as (session, crew):
        return collect_locked(
            recipe.plan,
            lock,
            workspace,
            session,
            _wanted(recipe),
            exact=exact,
            allow_missing=allow_missing,
            every=every,
            crew=crew,
            progress=progress,
            now=now,
        )


def run_verify(recipe: Recipe, workspace: Workspace, progress: Progress, *, update: bool = False) -> Drift:
    """Look again at everything the manifest locks and write the drift report into `audit/`.

    `update` dates every image that is in order (`seen.last_verified`) and seals the manifest again.
    Raises as `verify`, and `StageMissing`.
    """
    manifest = read_manifest(recipe)
    drift = verify(
        manifest,
        recipe.plan,
        workspace,
        manners(recipe).session(progress),
        _wanted(recipe),
        progress=progress,
        now=now,
    )
    drifts.write(drift, workspace.audit)
    if update:
        manifests.write(with_dates(manifest, drift, tool=recipe.plan.tool), recipe.manifest)
    return drift


def _wanted(recipe: Recipe) -> Wanted:
    blocklist = blocked.read(recipe.blocked)

    def wanted(record: Record) -> Verdict:
        down = blocklist.refuses(record)
        return may_fetch(record, recipe.policy) if down.keep else down

    return wanted


def run_audit(recipe: Recipe, workspace: Workspace) -> Audit:
    """Audit the manifest under the recipe's policy and write `audit/`.

    Where this manifest was curated, copies whose licences contradict each other are findings too.
    Raises `StageMissing`, `VerdictsBroken`.
    """
    lock = stream_manifest(recipe)
    manifest = as_rebuilt(lock, workspace)
    audit = audits.audit(manifest, recipe.policy, _verdicts(workspace, lock))
    audits.write(audit, manifest, workspace.audit)
    State(workspace).note(
        "audit", lock.header.root_sha256, recipe.made_with("audit"), violations=len(audit.violations)
    )
    return audit


def _verdicts(workspace: Workspace, lock: Listing) -> Iterable[Judged]:
    """What curation said of this very manifest; nothing where it has not seen it yet."""
    note = State(workspace).read().get("curate", {})
    if note.get("root") != lock.header.root_sha256 or not workspace.verdicts.is_file():
        return ()
    return stream_verdicts(workspace.verdicts)


def run_audit_diff(recipe: Recipe, workspace: Workspace, older: Path) -> ManifestDiff:
    """Compare the recipe's manifest with an older one and write `audit/diff.md` and `audit/diff.json`.

    Raises `StageMissing`, `ManifestBroken`, `ManifestTooNew`.
    """
    found = diff(manifests.stream(older), stream_manifest(recipe))
    write_whole(workspace.audit / "diff.md", to_markdown(found))
    write_whole(
        workspace.audit / "diff.json", f"{json.dumps(as_json(found), ensure_ascii=False, indent=2)}\n"
    )
    return found


def run_report(recipe: Recipe, workspace: Workspace, progress: Progress, workers: int | None = None) -> Path:
    """Write the HTML report. Raises `StageMissing`."""
    lock = read_manifest(recipe)
    manifest = as_rebuilt(lock, workspace)
    if not workspace.verdicts.is_file():
        raise StageMissing(workspace.verdicts, f"universe-gan curate {recipe.path}")
    judged = read_verdicts(workspace.verdicts)
    reports.write(
        manifest,
        judged,
        workspace,
        policy=recipe.policy,
        settings=recipe.curate,
        audit=audits.audit(manifest, recipe.policy, judged),
        references=recipe.publish.references,
        title=recipe.title,
        progress=progress,
        workers=workers or os.cpu_count(),
    )
    State(workspace).note("report", lock.header.root_sha256, recipe.made_with("report"))
    return workspace.report


def run_relicense(recipe: Recipe, workspace: Workspace, *, dry_run: bool = False) -> Relicensed:
    """Derive all rights again from the kept answers and seal the manifest anew. Raises `StageMissing`."""
    parsers = {source.name: source.parse for source, _ in recipe.plan.sources}
    result = relicense(
        read_manifest(recipe), workspace.answers, parsers, _wanted(recipe), tool=recipe.plan.tool
    )
    if not dry_run:
        manifests.write(result.manifest, recipe.manifest)
    return result


def read_manifest(recipe: Recipe) -> Manifest:
    """The recipe's sealed manifest. Raises `StageMissing`, `ManifestBroken`, `ManifestTooNew`."""
    try:
        return manifests.read(recipe.manifest)
    except FileNotFoundError:
        raise StageMissing(recipe.manifest, f"universe-gan collect {recipe.path}") from None


def stream_manifest(recipe: Recipe) -> Stream:
    """The same, for whoever reads it record by record; what is wrong with a record shows on the way."""
    try:
        return manifests.stream(recipe.manifest)
    except FileNotFoundError:
        raise StageMissing(recipe.manifest, f"universe-gan collect {recipe.path}") from None


def as_rebuilt(lock: Lock, workspace: Workspace) -> Lock | Manifest:
    """What there is to work on: the lock, less the images that its last rebuild had to leave out."""
    return departures.depart(lock, departures.read(workspace, lock))


def as_json(value: Any) -> Any:
    """A model as plain JSON values."""
    return value.model_dump(mode="json", by_alias=True)
