"""Verdicts and originals become a Hugging Face dataset on disk: pictures with rights, card, credits."""

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from collectors.frozen import Frozen
from collectors.manifest import Manifest
from collectors.progress import Progress, Silent
from collectors.record import Reason
from collectors.workspace import Workspace, canonical_json, write_whole
from curation import card, crop, engine
from curation.columns import COLUMNS, Row, Square, schema
from curation.crop import Box
from curation.examine import folders
from curation.folders import folder_written_whole
from curation.judged import Judged, OriginalsMissing
from curation.outcome import Outcome, outcomes, reasons
from curation.policy import may_reference
from curation.settings import CurateSettings, PolicySettings

SHARD_BYTES = 500_000_000
"""A shard ends after the row group that reaches this; the size the Hub's own tools aim at."""
GROUP_BYTES = 64 * 2**20
GROUP_ROWS = 256
GROUP_ENDS_AT = 64
"""One uid in so many ends a row group, by its hash."""

CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
"""What `datasets` itself uses, so that a re-upload finds the pages the Hub already has."""

Render = Callable[[Path, Box, CurateSettings], bytes]


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
    bytes: int
    files: tuple[BuiltFile, ...]
    references: int = 0
    """Rows of the configuration `references`."""
    root_sha256: str
    """SHA-256 over every row in order, references last, each picture standing in its row by its own hash."""


def build(
    manifest: Manifest,
    judged: Iterable[Judged],
    workspace: Workspace,
    settings: CurateSettings,
    *,
    policy: PolicySettings,
    title: str | None = None,
    references: bool = True,
    notices: Sequence[str] = (),
    progress: Progress | None = None,
    workers: int = 1,
    render: Render = crop.render,
) -> BuiltDataset:
    """Write `workspace.dataset`: `data/train-*.parquet`, `README.md`, `LICENSE.md`, `ATTRIBUTION.md`.

    With `references`, images that the policy lets be trained on but not handed on are named in
    `references/train-*.parquet`: the same columns without pixels, a configuration of their own.

    `notices` are sentences that the terms of the sources want to see on the card.

    Rows are ordered by uid, and the same input gives the same bytes (with the same pyarrow, which signs its
    files). The folder is written beside the old one and takes its place in one step. Finished squares stay
    in `squares/` of the workspace, so that a killed or repeated build renders only what is new. Memory: one
    row group, about 64 MiB.

    Raises:
        NothingKept: there is no image to publish.
        NotJudged: the verdicts belong to another manifest.
        OriginalsMissing: a kept image has no file in the workspace.
        DiskFull: the old dataset is untouched.
    """
    everything = outcomes(manifest, judged, policy)
    kept = [outcome for outcome in everything if outcome.keep]
    if not kept:
        raise NothingKept(reasons(manifest, everything))
    named = [one for one in everything if _is_reference(one, policy)] if references else []
    missing = [
        one.record.uid
        for one in kept
        if one.record.file and one.record.file.sha256 not in workspace.originals
    ]
    if missing:
        raise OriginalsMissing(missing)
    squares = _Squares(workspace, settings, render)
    with folder_written_whole(workspace.dataset) as folder:
        with (
            (progress or Silent()).stage("dataset", len(kept)) as stage,
            closing(squares.rows(kept, workers)) as rows,
        ):
            digest = hashlib.sha256()
            _write_shards(_counted(rows, stage.advance), folder / "data", digest)
        if named:
            _write_shards((_reference(one) for one in named), folder / "references", digest)
        root = digest.hexdigest()
        facts = card.Facts(manifest, everything, settings, policy, title, root, tuple(named), tuple(notices))
        for name, text in card.files(facts):
            write_whole(folder / name, text)
        files = tuple(_built_file(path, folder) for path in sorted(folder.rglob("*")) if path.is_file())
    squares.forget_others(everything)
    return BuiltDataset(
        path=workspace.dataset,
        rows=len(kept),
        references=len(named),
        bytes=sum(file.bytes for file in files),
        files=files,
        root_sha256=root,
    )


class _Squares:
    """The encoded squares, each made once and kept under a name that says what it was made of."""

    def __init__(self, workspace: Workspace, settings: CurateSettings, render: Render) -> None:
        self._originals = workspace.originals
        self._store = folders(workspace).squares
        self._settings = settings
        self._render = render

    def rows(self, kept: Sequence[Outcome], workers: int) -> Generator[Row]:
        """Every kept image with its square, in order; only squares that are not there yet are rendered."""
        keys = [self._key(outcome) for outcome in kept]
        jobs = {
            key: self._job(outcome) for key, outcome in zip(keys, kept, strict=True) if key not in self._store
        }
        render = partial(_render, self._render, self._settings)
        rendered = engine.run(render, list(jobs.values()), workers=min(workers, len(jobs)))
        for key, outcome in zip(keys, kept, strict=True):
            if jobs.pop(key, None):
                data = next(rendered)
                write_whole(self._store.path(key), data)
            else:
                data = self._store.read(key)
            assert outcome.judged is not None  # it was kept, so it was examined
            yield Row(outcome.record, outcome.judged, _square(data, self._settings.format))

    def forget_others(self, everything: Iterable[Outcome]) -> None:
        """Remove squares of images that are gone or cut otherwise; a dropped copy may yet be wanted."""
        wanted = {self._store.path(key) for outcome in everything if (key := self._any_key(outcome))}
        for found in self._store.root.rglob("*"):
            if found.is_file() and found not in wanted:
                found.unlink()

    def _any_key(self, outcome: Outcome) -> str | None:
        file, judged = outcome.record.file, outcome.judged
        if not file or not judged or not judged.width or not judged.height:
            return None
        box = judged.box or crop.centre_box(judged.width, judged.height)
        return crop.square_key(file.sha256, box, self._settings)

    def _key(self, outcome: Outcome) -> str:
        path, box = self._job(outcome)
        return crop.square_key(path.name, box, self._settings)

    def _job(self, outcome: Outcome) -> tuple[Path, Box]:
        file, judged = outcome.record.file, outcome.judged
        assert file is not None and judged is not None and judged.box is not None  # noqa: PT018  (kept means all three)
        return self._originals.path(file.sha256), judged.box


def _render(render: Render, settings: CurateSettings, job: tuple[Path, Box]) -> bytes:
    path, box = job
    return render(path, box, settings)


def _square(data: bytes, suffix: str) -> Square:
    return Square(data, hashlib.sha256(data).hexdigest(), suffix)


def _is_reference(outcome: Outcome, policy: PolicySettings) -> bool:
    return outcome.record.file is not None and not outcome.keep and may_reference(outcome.record, policy).keep


def _reference(outcome: Outcome) -> Row:
    judged = outcome.judged or Judged(uid=outcome.record.uid, verdict=outcome.verdict)
    return Row(outcome.record, judged.model_copy(update={"box": None}), None)


def _write_shards(rows: Iterable[Row], folder: Path, digest: "hashlib._Hash") -> None:
    """Write the rows as `train-00000-of-0000N.parquet` and add each to the digest."""
    folder.mkdir()
    parts: list[Path] = []
    writer: pq.ParquetWriter | None = None
    written = 0
    for group in _groups(rows):
        if writer is None or written >= SHARD_BYTES:
            if writer is not None:
                writer.close()
            parts.append(folder / f"{len(parts)}.part")
            writer, written = _open_shard(parts[-1]), 0
        values = [{column.name: column.value(row) for column in COLUMNS} for row in group]
        writer.write_table(pa.Table.from_pylist(values, schema=schema()))
        written += sum(_weight(row) for row in group)
        for value in values:
            digest.update(canonical_json({name: v for name, v in value.items() if name != "image"}) + b"\n")
    if writer is not None:
        writer.close()
    for number, part in enumerate(parts):
        part.rename(folder / f"train-{number:05}-of-{len(parts):05}.parquet")


def _weight(row: Row) -> int:
    return len(row.square.data) if row.square else 0


def _open_shard(path: Path) -> Any:
    """A writer whose pages end where the content says so; pictures stay compressed as they are."""
    words = [leaf for leaf in _leaves() if leaf != "image.bytes"]
    return pq.ParquetWriter(
        path,
        schema(),
        compression={leaf: "none" if leaf == "image.bytes" else "zstd" for leaf in _leaves()},
        use_dictionary=words,
        write_statistics=words,
        write_page_index=True,
        use_content_defined_chunking=CHUNKING,
    )


def _leaves() -> Iterator[str]:
    """Paths of the physical columns, as Parquet names them."""
    for column in COLUMNS:
        inner = {"image": (".bytes", ".path"), "strings": (".list.element",)}.get(column.type, ("",))
        yield from (column.name + leaf for leaf in inner)


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Row groups of about 64 rows that end at certain uids.

    Because a uid's hash decides, one image more or less moves no later boundary, and the pages of all other
    groups stay what they were.
    """
    group: list[Row] = []
    size = 0
    for row in rows:
        group.append(row)
        size += _weight(row)
        mark = int.from_bytes(hashlib.sha256(row.record.uid.encode()).digest()[:4])
        if mark % GROUP_ENDS_AT == 0 or len(group) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _counted(rows: Iterable[Row], advance: Callable[[int], None]) -> Iterator[Row]:
    for row in rows:
        yield row
        advance(1)


def _built_file(path: Path, folder: Path) -> BuiltFile:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return BuiltFile(path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=sha256)
