"""The stage `curate`, as a Python call: verdicts over every image of the manifest, and the dataset."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from collectors.folder import OutsideFolder
from collectors.manifest import Manifest
from collectors.progress import Progress
from collectors.record import Record
from collectors.storage.files import write_whole
from collectors.storage.workspace import Workspace
from curation.claims import conflicts
from curation.curate import curate
from curation.dataset import diff as dataset_diffs
from curation.dataset.diff import DatasetDiff, Rows
from curation.dataset.facts import Origin
from curation.dataset.synthetic import read as read_synthetic
from curation.dataset.write import BuiltDataset, build
from curation.hub import blocked
from curation.judged import Judged
from curation.outcome import counted_references, is_reference, outcomes
from curation.screening import decisions
from curation.screening.review import Undecided, undecided
from universe_gan.shell.datasets.stages import as_json, as_rebuilt, read_manifest
from universe_gan.shell.datasets.state import State
from universe_gan.shell.recipes.recipe import Recipe

HEAVY_ROW = 2_000_000
"""Bytes of a row, on average, from which on it should be said."""


@dataclass(frozen=True)
class Curated:
    """The verdicts and the dataset."""

    judged: tuple[Judged, ...]
    dataset: BuiltDataset
    waiting: Undecided
    """Pictures that `review` shows and nobody has decided about."""
    never_fetched: frozenset[str]
    """Uids that stand in the manifest for the audit only."""
    fetched: int
    """Images whose file is here."""
    contested: tuple[str, ...]
    """Uids of kept images of which a copy is published under other terms."""
    references: frozenset[str] = frozenset()
    """Uids of images that the dataset names without their pixels."""
    diff: DatasetDiff | None = None
    """From the dataset it was to be compared with; `None`: it was not."""

    @property
    def kept(self) -> int:
        return sum(one.verdict.keep for one in self.judged)

    @property
    def lost(self) -> dict[str, float]:
        """Mean share of the subject that centred squares would lose and those around it do, over the kept
        images in which one was found; empty where none was or none was looked for."""
        lost = [one.lost for one in self.judged if one.verdict.keep and one.lost]
        return (
            {way: sum(each[way] for each in lost) / len(lost) for way in ("centre", "subject")}
            if lost
            else {}
        )

    @property
    def reasons(self) -> Counter[str]:
        """Reasons of the images that were fetched and dropped; references were not."""
        others = self.never_fetched | self.references
        fetched = (one for one in self.judged if one.uid not in others)
        return Counter(one.verdict.reason.value for one in fetched if one.verdict.reason)

    @property
    def account(self) -> str:
        """What became of the fetched images, on one line: `32 of 43 fetched images kept: 10 duplicate, …`."""
        named = f", {counted_references(len(self.references))}" if self.references else ""
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons.most_common())
        kept = f"{self.kept:,} of {self.fetched:,} fetched images kept{named}"
        return f"{kept}: {dropped}" if dropped else kept


def run_curate(
    recipe: Recipe,
    workspace: Workspace,
    progress: Progress,
    workers: int | None = None,
    before: Rows | None = None,
) -> Curated:
    """Judge every image of the manifest and write the dataset.

    `before` are the rows of a dataset to compare it with; the differences are also written, into
    `audit/dataset-diff.md` and `.json`. Raises `StageMissing`, `DiskFull`.
    """
    lock = read_manifest(recipe)
    manifest = as_rebuilt(lock, workspace)
    count = workers or os.cpu_count() or 1
    decided = decisions.read(recipe.reviewed)
    judged = curate(
        manifest,
        workspace,
        recipe.policy,
        recipe.curate,
        blocklist=blocked.read(recipe.blocked),
        decisions=decided,
        at_hand=partial(_at_hand, recipe),
        progress=progress,
        workers=count,
    )
    dataset = build(
        manifest,
        judged,
        workspace,
        recipe.curate,
        policy=recipe.policy,
        publish=recipe.publish,
        origin=_origin(recipe, lock),
        notices=_notices(recipe, manifest),
        accepted=read_synthetic(recipe.synthetic),
        progress=progress,
        workers=count,
    )
    if dataset.bytes > HEAVY_ROW * dataset.rows:
        weight = f"{dataset.bytes / dataset.rows / 1e6:.1f} MB"
        progress.note(f"a row weighs {weight} on average; from 2 MB on, the Hub shows them slowly")
    files, waiting = manifest.header.files, undecided(manifest, judged, decided)
    never_fetched = frozenset(record.uid for record in lock.records if record.file is None)
    contested = conflicts(judged, {record.uid: record for record in manifest.records})
    named = _references(recipe, manifest, judged) if dataset.references else frozenset()
    found = _compared(before, dataset, workspace) if before is not None else None
    result = Curated(judged, dataset, waiting, never_fetched, files, tuple(contested), named, found)
    _note(recipe, lock, workspace, result)
    return result


def _note(recipe: Recipe, lock: Manifest, workspace: Workspace, result: Curated) -> None:
    """Note what was built, for `status` and the stages after this one."""
    built, waiting = result.dataset, result.waiting
    write_whole(workspace.built, built.model_dump_json(exclude={"path"}))
    root, settings, state = lock.header.root_sha256, recipe.made_with("curate"), State(workspace)
    state.note("curate", root, settings, account=result.account)
    state.note("review", root, settings, doubtful=waiting.doubtful, screened=waiting.screened)


def _at_hand(recipe: Recipe, record: Record) -> Path | None:
    """Where a record's original lies on this disk without being fetched; `None`: it would have to be."""
    for source, settings in recipe.plan.sources:
        if source.name == record.source and source.open_local is not None:
            try:
                path = source.open_local(settings, recipe.plan.base, record.original)
            except OutsideFolder:
                return None
            return path if path.is_file() else None
    return None


def _references(recipe: Recipe, manifest: Manifest, judged: Sequence[Judged]) -> frozenset[str]:
    everything = outcomes(manifest, judged, recipe.policy)
    return frozenset(one.record.uid for one in everything if is_reference(one, recipe.policy))


def _compared(before: Rows, dataset: BuiltDataset, workspace: Workspace) -> DatasetDiff:
    found = dataset_diffs.diff(before, dataset_diffs.read_rows(dataset.path))
    write_whole(workspace.audit / "dataset-diff.md", dataset_diffs.to_markdown(found))
    text = json.dumps(as_json(found), ensure_ascii=False, indent=2)
    write_whole(workspace.audit / "dataset-diff.json", f"{text}\n")
    return found


def _origin(recipe: Recipe, lock: Manifest) -> Origin:
    """What is published with the dataset, so that others can make it again."""
    review = recipe.manifest.with_name(f"{recipe.manifest.stem}.review.jsonl")
    return Origin(
        recipe=recipe.path.read_text(encoding="utf-8"),
        tool=recipe.plan.tool,
        overrides=recipe.overrides,
        leads_out=bool(recipe.leads_out),
        review=review.read_text(encoding="utf-8") if review.is_file() else None,
        synthetic=recipe.synthetic.read_text(encoding="utf-8") if recipe.synthetic.is_file() else None,
        lock=lock,
    )


def _notices(recipe: Recipe, manifest: Manifest) -> list[str]:
    used = {record.source for record in manifest.records if record.file}
    return [source.notice for source, _ in recipe.plan.sources if source.notice and source.name in used]
