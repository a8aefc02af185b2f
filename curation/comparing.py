"""The images that are left, held against each other: copies go, and what shows one sky stays on one side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

import PIL

from collectors.progress import Progress
from collectors.record import Reason, Record, Verdict
from collectors.workspace import Workspace
from curation import features
from curation.crop import limits
from curation.duplicates.compared import Comparisons, Pair
from curation.duplicates.groups import Related, relate
from curation.duplicates.rank import standing, why
from curation.duplicates.ties import Look
from curation.examine import VERSION as THUMBNAILS
from curation.examine import Examined, folders
from curation.judged import Judged
from curation.settings import CurateSettings
from curation.splits import split

WITHOUT_FEATURES = "crops, small turns and overlays are not looked for: pip install 'universe-gan[verify]'"


def compare(
    judged: Mapping[str, Judged],
    records: Mapping[str, Record],
    examined: Mapping[str, Examined],
    workspace: Workspace,
    settings: CurateSettings,
    *,
    progress: Progress,
    workers: int = 1,
) -> dict[str, Judged]:
    """The verdicts that change, by uid: copies, those that stay for them, and the side of all that stay.

    `judged` are the images that are good by themselves; `examined` goes by the file's SHA-256. Where the
    recipe keeps duplicates they stay, together on one side. Raises `DiskFull`.
    """
    if not settings.duplicates and not settings.held_out:
        return {uid: one.model_copy(update={"split": "train"}) for uid, one in judged.items()}
    looks = [_look(records[uid], examined, settings) for uid in sorted(judged)]
    with _comparisons(workspace, settings, progress, len(looks), workers) as comparisons:
        bodies = settings.crop == "subject"
        related = relate(looks, comparisons, _candidates(looks, comparisons, workspace), bodies=bodies)
    changed = dict(judged)
    if settings.duplicates:
        changed |= _without_copies(judged, related, records)
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


@contextmanager
def _comparisons(
    workspace: Workspace, settings: CurateSettings, progress: Progress, pictures: int, workers: int
) -> Iterator[Comparisons]:
    """Where pairs are looked at more closely, with a bar for as long as it goes on."""
    places, matching = folders(workspace), features.available()
    if not matching and pictures > 1:
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
    thumbnails = f"{THUMBNAILS}/{PIL.__version__}/{limits(settings)}"
    if not matching:
        return thumbnails
    from curation.duplicates.retrieval import VOTES
    from curation.duplicates.similarity import INLIERS
    from curation.duplicates.verification import COPY, REST, SAME_SKY, SHARE

    opencv = import_module("cv2").__version__
    return f"{thumbnails}/{features.VERSION}/{opencv}/{VOTES}/{INLIERS}/{COPY}/{SHARE}/{REST}/{SAME_SKY}"


def _candidates(looks: Sequence[Look], comparisons: Comparisons, workspace: Workspace) -> list[Pair]:
    """Pairs of files whose local features are worth matching."""
    if not comparisons.has_features:
        return []
    from curation.duplicates import retrieval

    store = folders(workspace).features

    def retrieve(files: Sequence[str], fresh: Sequence[bool]) -> list[tuple[int, int]]:
        return retrieval.candidates([store.read(file) for file in files], fresh)

    return comparisons.candidates(sorted({look.sha256 for look in looks}), retrieve)


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
    return changed
