"""The images that are left, held against each other: copies go, and what shows one sky stays on one side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module

import PIL

from collectors.progress import Progress
from collectors.record import Reason, Record, Verdict
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from curation.claims import conflicts
from curation.duplicates.compared import Comparisons, Pair
from curation.duplicates.edges import Edge
from curation.duplicates.groups import Related, relate
from curation.duplicates.outlines import DETAIL, ENOUGH, LIGHT
from curation.duplicates.rank import standing, why
from curation.duplicates.ties import Look
from curation.imaging import features
from curation.imaging.crop import limits
from curation.imaging.examine import VERSION as THUMBNAILS
from curation.imaging.examine import Examined, folders
from curation.judged import Judged
from curation.refused import verdict as of_refused
from curation.settings import CurateSettings
from curation.splits import split

WITHOUT_FEATURES = "crops, small turns and overlays are not looked for: pip install 'universe-gan[verify]'"


def compare(
    judged: Mapping[str, Judged],
    records: Mapping[str, Record],
    refused: Mapping[str, tuple[Record, Verdict]],
    examined: Mapping[str, Examined],
    workspace: Workspace,
    settings: CurateSettings,
    *,
    progress: Progress,
    workers: int = 1,
) -> dict[str, Judged]:
    """The verdicts that change, by uid: copies, those that stay for them, and the side of all that stay.

    `judged` are the images that are good by themselves, `refused` those whose copies may not stay either;
    `examined` goes by the file's SHA-256. Where the recipe keeps duplicates they stay, together on one side.
    Raises `DiskFull`.
    """
    if not refused and not settings.duplicates and not settings.held_out:
        return {uid: one.model_copy(update={"split": "train"}) for uid, one in judged.items()}
    looks = [_look(records[uid], examined, settings) for uid in sorted(judged)]
    banned = [_refused_look(record, examined, settings) for _, (record, _) in sorted(refused.items())]
    banned = [look for look in banned if look.hashes]
    with _comparisons(workspace, settings, progress, len(looks) + len(banned), workers) as comparisons:
        pairs = _candidates([*looks, *banned], comparisons, workspace)
        found = relate([*looks, *banned], comparisons, pairs).copies if banned else {}
        out = _out_with_refused(judged, found, records, refused)
        looks = [look for look in looks if look.uid not in out]
        related = relate(looks, comparisons, pairs)
    changed = {uid: one for uid, one in judged.items() if uid not in out}
    if settings.duplicates:
        changed |= _without_copies(judged, related, records)
    changed |= out
    stays = [uid for uid, one in changed.items() if one.verdict.keep]
    sides = split(stays, related.families, settings.held_out)
    for uid in stays:
        update = {"split": sides[uid], "same_sky": related.same_sky.get(uid, ())}
        changed[uid] = changed[uid].model_copy(update=update)
    return changed


def _look(record: Record, examined: Mapping[str, Examined], settings: CurateSettings) -> Look:
    assert record.file is not None  # only what was fetched is examined
    one = examined[record.file.sha256]
    return Look(
        standing=standing(record, one, settings.screen),
        sha256=one.sha256,
        pixels_sha256=one.pixels_sha256,
        hashes=bytes.fromhex(one.hashes),
        detail=one.detail,
    )


def _refused_look(record: Record, examined: Mapping[str, Examined], settings: CurateSettings) -> Look:
    """A refused image, before which its copies go; nobody learns of it beyond its verdict."""
    look = _look(record, examined, settings)
    return replace(look, standing=replace(look.standing, refused=True))


def _out_with_refused(
    judged: Mapping[str, Judged],
    copies: Mapping[str, Edge],
    records: Mapping[str, Record],
    refused: Mapping[str, tuple[Record, Verdict]],
) -> dict[str, Judged]:
    """The images that go because they are copies of refused ones."""
    out = {}
    for uid, edge in sorted(copies.items()):
        if edge.first in refused and uid in judged:
            verdict = of_refused(records[uid], *refused[edge.first], edge)
            if verdict is not None:
                update = {"verdict": verdict, "edge": edge, "box": None, "crop": None}
                out[uid] = judged[uid].model_copy(update=update)
    return out


@contextmanager
def _comparisons(
    workspace: Workspace, settings: CurateSettings, progress: Progress, pictures: int, workers: int
) -> Iterator[Comparisons]:
    """Where pairs are looked at more closely, with a bar for as long as it goes on."""
    places, matching = folders(workspace), features.wanted(settings)
    if settings.match_parts and not matching and pictures > 1:
        progress.note(WITHOUT_FEATURES)
    with progress.stage("compare") as stage:
        comparisons = Comparisons(
            workspace.root / "compared.jsonl",
            _version(settings, matching=matching),
            places.thumbnails,
            places.features if matching else None,
            stage=stage,
            workers=workers,
        )
        try:
            yield comparisons
        finally:
            comparisons.close()


def _version(settings: CurateSettings, *, matching: bool) -> str:
    """What an answer depends on besides two files and the code of `compared`."""
    thumbnails = f"{THUMBNAILS}/{PIL.__version__}/{limits(settings)}/{DETAIL}/{LIGHT}/{ENOUGH}"
    if not matching:
        return thumbnails
    from curation.duplicates.retrieval import VERSION, VOTES
    from curation.duplicates.similarity import INLIERS
    from curation.duplicates.verification import COPY, REST, SAME_SKY, SHARE

    opencv = import_module("cv2").__version__
    found = f"{features.VERSION}/{opencv}/{VERSION}/{VOTES}"
    return f"{thumbnails}/{found}/{INLIERS}/{COPY}/{SHARE}/{REST}/{SAME_SKY}"


def _candidates(looks: Sequence[Look], comparisons: Comparisons, workspace: Workspace) -> list[Pair]:
    """Pairs of files whose local features are worth matching."""
    if not comparisons.has_features:
        return []
    from curation.duplicates import retrieval

    store = folders(workspace).features

    def retrieve(files: Sequence[str], fresh: Sequence[bool]) -> list[tuple[int, int]]:
        return retrieval.candidates(_Read(store, files), fresh)

    return comparisons.candidates(sorted({look.sha256 for look in looks}), retrieve)


@dataclass(frozen=True)
class _Read:
    """The contents of files, each read when it is asked for: together they would be 41 kB a picture."""

    store: Store
    files: Sequence[str]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> bytes:
        return self.store.read(self.files[number])


def _without_copies(
    judged: Mapping[str, Judged], related: Related, records: Mapping[str, Record]
) -> dict[str, Judged]:
    """Copies go, and those that stay learn of them."""
    changed = {}
    alternates: dict[str, list[str]] = defaultdict(list)
    for uid, edge in sorted(related.copies.items()):
        alternates[edge.first].append(uid)
        because = why(related.standings[edge.first], related.standings[uid])
        update = {
            "verdict": Verdict(reason=Reason.DUPLICATE, detail=edge.words, twin=edge.first),
            "edge": edge,
            "box": None,
            "crop": None,
            "notes": (*judged[uid].notes, f"{edge.first} was kept: {because}"),
        }
        changed[uid] = judged[uid].model_copy(update=update)
    for kept, copies in alternates.items():
        claims = {records[uid].rights.chosen for uid in copies} - {records[kept].rights.chosen}
        notes = tuple(f"a copy is under {claim}" for claim in sorted(claims))
        update = {"alternates": tuple(copies), "notes": (*judged[kept].notes, *notes)}
        changed[kept] = judged[kept].model_copy(update=update)
    for kept, words in conflicts(changed.values(), records).items():
        changed[kept] = changed[kept].model_copy(update={"conflict": "; ".join(words)})
    return changed
