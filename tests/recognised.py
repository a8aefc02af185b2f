"""Which derivatives are recognised as copies of their original, and which strangers are taken for some.

Every picture is measured and described as `curate` does it. Then, kind by kind, one derivative of each chosen
picture stands among all originals, and the ties between them are found as curation finds them. So a copy
counts as found by its own likeness to its original, never by way of another derivative.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from derivatives import KINDS
from PIL import Image

from collectors.progress import Silent
from collectors.storage.files import write_whole
from collectors.storage.stores import Store
from curation import engine
from curation.duplicates.compared import Comparisons
from curation.duplicates.rank import Standing
from curation.duplicates.retrieval import candidates
from curation.duplicates.ties import Look, Ties
from curation.imaging import features
from curation.imaging.fingerprint import fingerprint
from curation.imaging.pixels import open_upright

Open = Callable[[str], Image.Image]
"""A picture by its name."""


@dataclass(frozen=True)
class Shelf:
    """What was measured, by name: `ORIGINAL` and `ORIGINAL~KIND`."""

    thumbnails: Store
    features: Store
    looks: Mapping[str, Look]

    @property
    def originals(self) -> list[str]:
        return [name for name in self.looks if "~" not in name]

    def of_kind(self, kind: str) -> list[str]:
        return [name for name in self.looks if name.endswith(f"~{kind}")]


@dataclass(frozen=True)
class Found:
    """Of one kind of derivative, among all originals."""

    kind: str
    missed: tuple[str, ...]
    """Derivatives that nothing ties to their original."""
    recall: float
    strangers: tuple[tuple[str, str], ...]
    """Pairs that are no copies of each other and were taken for some."""
    same_sky: tuple[tuple[str, str], ...]
    """Pairs that were taken for two photographs of one place."""


def from_file(name: str) -> Image.Image:
    return open_upright(Path(name), max_pixels=10**8).image


def shelved(
    folder: Path,
    names: Sequence[str],
    derived: Sequence[str],
    *,
    opened: Open = from_file,
    kinds: Sequence[str] = tuple(KINDS),
    with_features: bool = True,
    workers: int = 2,
) -> Shelf:
    """Measure pictures, and the derivatives of some of them."""
    stores = Store(folder / "thumbnails"), Store(folder / "features")
    work = partial(
        _measured,
        kinds=dict.fromkeys(derived, kinds),
        opened=opened,
        thumbnails=stores[0],
        features_=stores[1] if with_features else None,
    )
    looks = {look.uid: look for some in engine.run(work, names, workers=workers) for look in some}
    return Shelf(*stores, looks)


def found(
    shelf: Shelf, folder: Path, kinds: Sequence[str], *, by_features: bool = True, workers: int = 2
) -> Iterator[Found]:
    """What is recognised of each kind."""
    originals = set(shelf.originals)
    pairs: list[tuple[str, str]] = []
    if by_features:
        looks = list(shelf.looks.values())
        packed = [shelf.features.read(look.sha256) for look in looks]
        near = candidates(packed, [look.uid in originals for look in looks])
        files = [look.sha256 for look in looks]
        pairs = [(min(a, b), max(a, b)) for a, b in ((files[one], files[other]) for one, other in near)]
    store = shelf.features if by_features else None
    journal = folder / f"compared-{by_features}.jsonl"
    with Silent().stage("compare") as stage:
        comparisons = Comparisons(journal, "", shelf.thumbnails, store, stage=stage, workers=workers)
    try:
        for kind in kinds:
            yield _of_kind(kind, shelf, [*shelf.originals, *shelf.of_kind(kind)], comparisons, pairs)
    finally:
        comparisons.close()


def _of_kind(
    kind: str,
    shelf: Shelf,
    names: Sequence[str],
    comparisons: Comparisons,
    pairs: Sequence[tuple[str, str]],
) -> Found:
    here = {shelf.looks[name].sha256 for name in names}
    ties = Ties([shelf.looks[name] for name in names], comparisons, [p for p in pairs if here.issuperset(p)])
    numbers = {look.uid: number for number, look in enumerate(ties.looks)}
    derived = shelf.of_kind(kind)
    missed = [name for name in derived if ties.copy(numbers[name.split("~")[0]], numbers[name]) is None]
    copies = set(ties.pairs(with_sky=False))
    sky = set(ties.pairs(with_sky=True)) - copies
    apart = [
        tuple(sorted((a, b) for a, b in named if a.split("~")[0] != b.split("~")[0]))
        for named in ([(ties.looks[a].uid, ties.looks[b].uid) for a, b in some] for some in (copies, sky))
    ]
    recall = 1 - len(missed) / max(1, len(derived))
    return Found(kind, tuple(missed), recall, *apart)


def _measured(
    name: str,
    kinds: Mapping[str, Sequence[str]],
    opened: Open,
    thumbnails: Store,
    features_: Store | None,
) -> list[Look]:
    """The original, and its derivatives if it is one of the chosen."""
    image = opened(name)
    views = {name: image} | {f"{name}~{kind}": KINDS[kind](image) for kind in kinds.get(name, ())}
    looks = []
    for uid, view in views.items():
        sha256 = hashlib.sha256(uid.encode()).hexdigest()
        print_ = fingerprint(view)
        write_whole(thumbnails.path(sha256), print_.thumbnail)
        if features_ is not None:
            features.keep(sha256, thumbnails, features_)
        looks.append(Look(Standing(uid), sha256, None, print_.hashes, print_.detail))
    return looks
