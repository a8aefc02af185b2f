"""A published dataset, a build or a folder of pictures, decoded once and served as batches on the device.

    universe_gan.data.prepare("user/nebulae", side=256, cache=Path("runs/cache"))

Decoded pictures lie in a cache as plain arrays, (pictures, side, side, 3) bytes, named by what they were made
of: a second run starts at once, and nothing is decoded twice. On a GPU they are moved over whole if they fit.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import PIL

from collectors.progress import Progress, Silent
from collectors.storage.files import canonical_json, write_whole
from collectors.storage.workspace import Workspace
from universe_gan.data.decode import UNDECODABLE, VERSION, Broken, decode_all, mapped
from universe_gan.data.rows import (
    TOO_MANY,
    NoPictures,
    Row,
    Split,
    located,
    made_rows,
    natural_side_of,
    rows_of,
    the_best,
    why_none,
)
from universe_gan.data.sets import Origin, Pictures, Prepared
from universe_gan.downloads import snapshot

__all__ = [
    "NoPictures",
    "Origin",
    "Pictures",
    "Prepared",
    "decoded",
    "fingerprint_of",
    "natural_side",
    "prepare",
]


def prepare(
    source: str,
    *,
    side: int | None = None,
    cache: Path,
    revision: str | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    synthetic: float = 0.0,
) -> Prepared:
    """Find the pictures of a Hub id, a built dataset or a folder, and decode them to `side` × `side`.

    `side`: by default the largest power of two, up to 1,024, within the first picture. `cache`: where decoded
    pictures are kept; a cache that was left half-way is made again. Pictures that cannot be decoded are left
    out, told by name and counted in `refused`; the cache remembers which, so that all agree without trying.
    `synthetic`: share of the training pictures that generated ones may have, the best first, a dataset's or
    among the files of a folder; real ones are never left out for them, and no generated one is ever held out.

    Raises:
        WorkspaceBusy: another process decodes the same pictures at this moment.
        NoPictures: there is none that may be trained on, or nothing of that name.
        HubProblem: the Hub does not give the dataset, and no earlier download of it is here.
        DiskFull: no room in the cache.
    """
    progress = progress or Silent()
    folder, commit = located(source, revision, progress)
    refused: Counter[str] = Counter()
    broken = Broken(cache)
    reals, made = _allowed(folder, synthetic, broken, refused, progress)
    if not any(row.split == "train" for row in reals):
        raise NoPictures(source, why_none(refused))
    asked, side = side, side or natural_side_of(row for row in reals if row.split == "train")
    origin = _origin(source, commit, reals, made, refused)
    parts = {split: [row for row in [*reals, *made] if row.split == split] for split in ("train", "test")}
    place = _place(cache, origin.fingerprint, side)
    if not (place / "about.json").is_file():
        with Workspace(place).locked():
            failed = decode_all(parts, side, place, progress, workers)
            if not failed:
                write_whole(place / "about.json", canonical_json(origin.model_dump(mode="json")))
        if failed:
            broken.remember(failed)
            shutil.rmtree(place)
            return prepare(
                source,
                side=asked,
                cache=cache,
                revision=revision,
                progress=progress,
                workers=workers,
                synthetic=synthetic,
            )
    names = {split: tuple(row.name for row in part) for split, part in parts.items()}
    train, test = (Pictures(mapped(place, split, side), names[split]) for split in parts)
    return Prepared(origin, train, test)


def _allowed(
    folder: Path, synthetic: float, broken: Broken, refused: Counter[str], progress: Progress
) -> tuple[list[Row], list[Row]]:
    """The real pictures that may be trained on, and as many generated ones as may go with them.

    What is left out is counted in `refused`; what cannot be decoded is told by name too.
    """
    found = list(rows_of(folder, refused))
    whole = [row for row in found if row.digest not in broken.why]
    if left := [row for row in found if row.digest in broken.why]:
        refused[UNDECODABLE] = len(left)
        progress.note(broken.words(left))
    reals = [row for row in whole if row.generation is None]
    beside = [row for row in whole if row.generation is not None]
    made = [row for row in made_rows(folder) if row.digest not in broken.why] if synthetic else []
    made = the_best([*made, *beside], sum(row.split == "train" for row in reals), synthetic)
    if more := len(set(beside).difference(made)):
        refused[TOO_MANY] = more
    return reals, made


def _origin(
    source: str, commit: str | None, reals: Sequence[Row], made: Sequence[Row], refused: Counter[str]
) -> Origin:
    rows = [*reals, *made]
    return Origin(
        source=source,
        revision=commit,
        fingerprint=_fingerprint(rows),
        pictures=sum(row.split == "train" for row in rows),
        held_out=sum(row.split == "test" for row in rows),
        licences=dict(Counter(row.licence for row in rows if row.licence is not None).most_common()),
        refused=dict(refused),
        synthetic=len(made),
        generation=1 + max(row.generation or 0 for row in made) if made else 0,
    )


def fingerprint_of(
    name: str, revision: str, *, synthetic: float = 0.0, progress: Progress | None = None
) -> str:
    """`Origin.fingerprint` of what `prepare` takes from a dataset of ours on the Hub, without its pictures.

    Raises `HubProblem`.
    """
    wanted = ("metadata/*", *(["synthetic/*"] if synthetic else []))
    folder, _ = snapshot("dataset", name, revision, wanted, (progress or Silent()).note)
    rows = list(rows_of(folder / "metadata", Counter()))
    made = the_best(list(made_rows(folder)), sum(row.split == "train" for row in rows), synthetic)
    return _fingerprint([*rows, *made])


def _fingerprint(rows: Iterable[Row]) -> str:
    return hashlib.sha256("".join(row.digest for row in rows).encode()).hexdigest()


def natural_side(source: str, *, revision: str | None = None, progress: Progress | None = None) -> int:
    """The side that `prepare` takes where none is asked for; nothing is decoded. Raises as `prepare`."""
    folder, _ = located(source, revision, progress or Silent())
    rows = rows_of(folder, Counter())
    return natural_side_of(row for row in rows if row.split == "train" and row.generation is None)


def decoded(origin: Origin, side: int, cache: Path) -> Prepared | None:
    """The same pictures as an earlier `prepare` left them in the cache, where it still has them; unnamed."""
    place = _place(cache, origin.fingerprint, side)
    if not (place / "about.json").is_file():
        return None
    counts: dict[Split, int] = {"train": origin.pictures, "test": origin.held_out}
    train, test = (Pictures(mapped(place, split, side), ("",) * count) for split, count in counts.items())
    return Prepared(origin, train, test)


def _place(cache: Path, fingerprint: str, side: int) -> Path:
    """Where pictures of that side lie decoded."""
    key = hashlib.sha256(canonical_json([fingerprint, side, VERSION, PIL.__version__])).hexdigest()[:16]
    return cache / f"{side}-{key}"
