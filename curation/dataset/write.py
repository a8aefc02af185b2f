"""Verdicts and originals become a Hugging Face dataset on disk: pictures with rights, card, credits."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from collectors import manifest as manifests
from collectors.frozen import Frozen
from collectors.manifest import Manifest
from collectors.progress import Progress, Silent, Stage
from collectors.record import Reason
from collectors.storage.files import canonical_json, sha256_of, write_whole
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from curation.dataset import card, contact_sheet, croissant, synthetic
from curation.dataset.columns import COLUMNS, WORDS, Row
from curation.dataset.facts import SPLITS, Facts, Origin, split_of
from curation.dataset.folders import folder_written_whole
from curation.dataset.shards import PICTURES, Part, Shards
from curation.dataset.shards import WORDS as WORD_GROUPS
from curation.dataset.squares import Render, Squares
from curation.dataset.synthetic import Synthetic
from curation.imaging import crop
from curation.judged import Judged, OriginalsMissing
from curation.outcome import Outcome, is_reference, outcomes, reasons
from curation.settings import CurateSettings, PolicySettings, PublishSettings


class NothingKept(Exception):
    """Not one image is left to make a dataset of."""

    def __init__(self, reasons: Counter[Reason]) -> None:
        super().__init__("no image is kept")
        self.reasons = reasons


class BuiltFile(Frozen):
    """One file of the dataset, its path relative to the folder."""

    path: str
    bytes: int
    sha256: str


class BuiltDataset(Frozen):
    """A dataset that lies on the disk."""

    path: Path
    rows: int
    splits: dict[str, int]
    """`train` and `test` with their rows."""
    bytes: int
    files: tuple[BuiltFile, ...]
    references: int = 0
    """Rows of the configuration `references`."""
    synthetic: int = 0
    """Rows of the configuration `synthetic`."""
    root_sha256: str
    """SHA-256 over every row in order, references and then generated pictures last, each picture standing in
    its row by its own hash."""


def build(
    manifest: Manifest,
    judged: Iterable[Judged],
    workspace: Workspace,
    settings: CurateSettings,
    *,
    policy: PolicySettings,
    publish: PublishSettings = PublishSettings(),  # noqa: B008  (frozen)
    origin: Origin = Origin(),  # noqa: B008  (frozen)
    notices: Sequence[str] = (),
    accepted: Sequence[Synthetic] = (),
    progress: Progress | None = None,
    workers: int = 1,
    render: Render = crop.render,
) -> BuiltDataset:
    """Write `workspace.dataset`.

        data/train-*.parquet  data/test-*.parquet      pictures with their rights: configuration `default`
        metadata/train-*.parquet  metadata/test-*      the same rows without pixels: `metadata`
        references/train-*.parquet                     images that may be trained on but not handed on
        synthetic/train-*.parquet                      generated pictures that were accepted
        manifest/NAME.jsonl  manifest/NAME.toml        what it was made from
        README.md  LICENSE.md  ATTRIBUTION.md  croissant.json  thumbnails.webp

    References have the same columns without pixels; `[publish] references = false` leaves them out.
    `notices` are sentences that the terms of the sources want to see on the card.

    Rows are ordered by uid, and the same input gives the same bytes (with the same pyarrow and Pillow). The
    folder is written beside the old one and takes its place in one step. Finished squares stay in `squares/`
    of the workspace, so that a killed or repeated build renders only what is new. Memory: one row group,
    about 64 MiB.

    Raises:
        NothingKept: there is no image to publish.
        NotJudged: the verdicts belong to another manifest.
        OriginalsMissing: a kept image has no file in the workspace.
        SyntheticMissing: an accepted picture has none.
        DiskFull: the old dataset is untouched.
    """
    everything = outcomes(manifest, judged, policy)
    kept = [outcome for outcome in everything if outcome.keep]
    if not kept:
        raise NothingKept(reasons(manifest, everything))
    named = [one for one in everything if is_reference(one, policy)] if publish.references else []
    _demand_originals(kept, workspace)
    synthetic.demand(accepted, workspace.synthetic)
    squares = Squares(workspace, settings, render)
    with folder_written_whole(workspace.dataset) as folder:
        with (progress or Silent()).stage("dataset", len(kept)) as stage:
            writing = _Writing(folder, contact_sheet.choose(one.record.uid for one in kept))
            for split in SPLITS:
                writing.pictures(squares, [one for one in kept if split_of(one) == split], workers, stage)
            writing.references(named)
            writing.synthetic(accepted, workspace.synthetic)
        facts = Facts(
            manifest,
            everything,
            settings,
            policy,
            publish,
            root_sha256=writing.digest.hexdigest(),
            parts=tuple(writing.parts),
            references=tuple(named),
            synthetic=tuple(accepted),
            notices=tuple(notices),
            origin=origin,
            shown=tuple(sorted(writing.shown)),
        )
        _write_words(facts, writing.shown, folder)
        files = tuple(_built_file(path, folder) for path in sorted(folder.rglob("*")) if path.is_file())
    squares.forget_others(everything)
    return BuiltDataset(
        path=workspace.dataset,
        rows=len(kept),
        splits=dict(facts.by_split),
        references=len(named),
        synthetic=len(accepted),
        bytes=sum(file.bytes for file in files),
        files=files,
        root_sha256=facts.root_sha256,
    )


class _Writing:
    """The rows on their way to disk: digest, parts written so far, and pictures for the contact sheet."""

    def __init__(self, folder: Path, to_show: Sequence[str]) -> None:
        self._folder = folder
        self._to_show = frozenset(to_show)
        self.digest = hashlib.sha256()
        self.parts: list[Part] = []
        self.shown: dict[str, bytes] = {}

    def pictures(self, squares: Squares, kept: Sequence[Outcome], workers: int, stage: Stage) -> None:
        """One split of `default`, and of `metadata` beside it; no file where no image is in it."""
        if not kept:
            return
        split = split_of(kept[0])
        data = Shards(self._folder, "data", "default", split, COLUMNS, PICTURES)
        slim = Shards(self._folder, "metadata", "metadata", split, WORDS, WORD_GROUPS)
        self.digest.update(f"{split}\n".encode())
        with closing(squares.rows(kept, workers)) as rows, data, slim:
            for row in rows:
                values = self._digested(row)
                assert row.square is not None
                data.add(values, len(row.square.data))
                slim.add(values, 0)
                if row.record.uid in self._to_show:
                    self.shown[row.record.uid] = row.square.data
                stage.advance(1)
        self.parts += [part for part in (data.part, slim.part) if part]

    def references(self, named: Sequence[Outcome]) -> None:
        """The configuration `references`, or nothing."""
        if not named:
            return
        shards = Shards(self._folder, "references", "references", "train", COLUMNS, WORD_GROUPS)
        self.digest.update(b"references\n")
        with shards:
            for outcome in named:
                shards.add(self._digested(_reference(outcome)), 0)
        self.parts += [part for part in (shards.part,) if part]

    def synthetic(self, accepted: Sequence[Synthetic], store: Store) -> None:
        """The configuration `synthetic`, or nothing: then the hash is that of the real pictures alone."""
        part, words = synthetic.write_rows(accepted, store, self._folder)
        if part:
            self.digest.update(b"synthetic\n" + b"".join(words))
            self.parts.append(part)

    def _digested(self, row: Row) -> dict[str, Any]:
        values = {column.name: column.value(row) for column in COLUMNS}
        self.digest.update(canonical_json({name: values[name] for name in values if name != "image"}) + b"\n")
        return values


def _write_words(facts: Facts, shown: Mapping[str, bytes], folder: Path) -> None:
    """Everything that is no row: what it was made from, contact sheet, card, credits, Croissant."""
    header = facts.manifest.header
    manifests.write(facts.origin.lock or facts.manifest, folder / "manifest" / f"{header.name}.jsonl")
    if facts.origin.recipe is not None:
        write_whole(folder / "manifest" / f"{header.name}.toml", facts.origin.recipe)
    if facts.origin.review is not None:
        write_whole(folder / "manifest" / f"{header.name}.review.jsonl", facts.origin.review)
    if facts.origin.synthetic is not None:
        write_whole(folder / "manifest" / f"{header.name}.synthetic.jsonl", facts.origin.synthetic)
    write_whole(folder / contact_sheet.NAME, contact_sheet.contact_sheet([shown[uid] for uid in facts.shown]))
    for name, text in card.files(facts):
        write_whole(folder / name, text)
    write_whole(folder / croissant.NAME, croissant.to_json(facts, folder))


def _demand_originals(kept: Iterable[Outcome], workspace: Workspace) -> None:
    missing = [
        one.record.uid
        for one in kept
        if one.record.file and one.record.file.sha256 not in workspace.originals
    ]
    if missing:
        raise OriginalsMissing(missing)


def _reference(outcome: Outcome) -> Row:
    judged = outcome.judged or Judged(uid=outcome.record.uid, verdict=outcome.verdict)
    return Row(outcome.record, judged.model_copy(update={"box": None}), None)


def _built_file(path: Path, folder: Path) -> BuiltFile:
    name = path.relative_to(folder).as_posix()
    return BuiltFile(path=name, bytes=path.stat().st_size, sha256=sha256_of(path))
