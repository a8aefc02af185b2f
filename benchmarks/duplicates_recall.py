"""How many copies of real pictures are found, and how many distinct ones merged: ours beside other tools.

    python benchmarks/duplicates.py recall [--pictures 555 --images 40 --seed 7] [--folder F] [--json F]

All deep-sky pictures of an installed Stellarium (or of a folder of yours) are distinct, and of some of them
28 kinds of derivative are made (`tests/derivatives.py`). A derivative counts as found where it is tied to its
own original, not by way of another derivative. False are pairs of originals taken for copies, and lost are
the originals that go when every connected group keeps one. Seconds are the clock's, for all files with
`--workers` processes, decoding included; of the other tools only the hash is taken, and held against all.

555 pictures, 28 derivatives each of 40 of them, on two busy cores:

    method                     recall   false   lost   seconds
    ours, hash and features     99.6%       0      0       226
    ours, hash alone            68.9%       0      0        26
    imagehash.phash 64 ≤ 8      55.2%     700    176         7
    imagehash.phash 64 ≤ 10     60.2%    1326    248         7
    imagehash.dhash 64 ≤ 8      62.1%     868    172         7
    imagehash.phash 256 ≤ 31    45.8%       0      0         8
    pdqhash 256 ≤ 31            43.1%       0      0        15

Of the 1,120 derivatives five were missed: two crops to half the side, two under labels, one under a logo.

These figures of ours are from before copies had to share detail beyond outlines. Of 336 derivatives of 12
pictures among all 555 (`tests/real/test_derivatives.py`) 99.1 % are found since, 99.4 % before, none false
either time: one faint picture, darkened, is no longer found. On globes see `tests/real/test_planets.py`.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation import engine
from curation.imaging.pixels import open_upright

FOLDER = Path("/usr/share/stellarium/nebulae/default")
TESTS = Path(__file__).resolve().parents[1] / "tests"
KINDS_OF_FILE = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}
Pairs = set[tuple[str, str]]

sys.path.append(str(TESTS))  # the derivatives, and the measuring, are those of the tests


@dataclass(frozen=True)
class Row:
    """One method."""

    method: str
    recall: float
    false: int
    lost: int
    seconds: float
    kinds: dict[str, float]


def main(arguments: Sequence[str]) -> None:
    """Make the derivatives, ask every method, print the table."""
    parser = argparse.ArgumentParser(
        prog="duplicates.py recall", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--pictures", type=int, help="how many originals; default: all")
    parser.add_argument("--images", type=int, default=40, help="how many of them have derivatives")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args(arguments)
    originals = sorted(path for path in chosen.folder.glob("*") if path.suffix.lower() in KINDS_OF_FILE)
    dice = random.Random(chosen.seed)
    if chosen.pictures:
        originals = sorted(dice.sample(originals, min(chosen.pictures, len(originals))))
    if not originals:
        parser.error(f"no pictures in {chosen.folder}")
    derived = dice.sample(originals, min(chosen.images, len(originals)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [*map(str, originals), *_made(derived, folder, chosen.workers)]
        rows = []
        for method in METHODS:
            row = method(files, folder, chosen.workers)
            if row is not None:
                rows.append(row)
                print(
                    f"{row.method:<28}{row.recall:7.1%}{row.false:8}{row.lost:7}{row.seconds:9.0f}",
                    flush=True,
                )
    _print_kinds(rows)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def _made(originals: Iterable[Path], folder: Path, workers: int) -> list[str]:
    """The derivatives as PNG files: `ORIGINAL~KIND~FILE`."""
    from derivatives import KINDS

    made_of = [(str(path), kind) for path in originals for kind in KINDS]
    jobs = [(*one, folder / f"{number}.png") for number, one in enumerate(made_of)]
    for _ in engine.run(_make, jobs, workers=workers):
        pass
    return [f"{path}~{kind}~{file}" for path, kind, file in jobs]


def _make(job: tuple[str, str, Path]) -> None:
    from derivatives import KINDS

    path, kind, file = job
    KINDS[kind](_opened(path)).save(file, compress_level=1)


def _opened(name: str) -> Image.Image:
    return open_upright(Path(name.split("~")[-1]), max_pixels=10**9).image


def _ours(files: Sequence[str], folder: Path, workers: int, *, by_features: bool) -> Row:
    from recognised import found, shelved

    before = time.monotonic()
    place = folder / f"ours-{by_features}"
    names = [name.rsplit("~", 1)[0] if "~" in name else name for name in files]
    real = dict(zip(names, files, strict=True))
    opened = partial(_by_name, real)
    shelf = shelved(place, names, (), opened=opened, with_features=by_features, workers=workers)
    kinds = sorted({name.split("~")[1] for name in names if "~" in name})
    table = list(found(shelf, place, kinds, by_features=by_features, workers=workers))
    false = {pair for one in table for pair in one.strangers if not any("~" in name for name in pair)}
    recalls = {one.kind: one.recall for one in table}
    name = "ours, hash and features" if by_features else "ours, hash alone"
    return _row(name, recalls, false, time.monotonic() - before)


def _by_name(real: dict[str, str], name: str) -> Image.Image:
    return _opened(real[name])


def _hashed(
    files: Sequence[str], _: Path, workers: int, *, method: str, bits: Callable[..., bytes], radius: int
) -> Row | None:
    """Every original against every file, by the Hamming distance of one hash."""
    if find_spec(method.split()[0].split(".")[0]) is None:
        return None
    before = time.monotonic()
    packed = list(engine.run(partial(_hash, bits=bits), files, workers=workers))
    codes = np.unpackbits(np.frombuffer(b"".join(packed), np.uint8)).reshape(len(files), -1)
    signs: NDArray[np.float32] = codes.astype(np.float32) * 2 - 1
    count = sum("~" not in name for name in files)
    distances = (codes.shape[1] - signs[:count] @ signs.T) / 2
    false = {
        (files[one], files[other])
        for one, other in zip(*np.nonzero(distances[:, :count] <= radius), strict=True)
        if one < other
    }
    numbers = {name: number for number, name in enumerate(files[:count])}
    hits: dict[str, list[bool]] = {}
    for number, name in enumerate(files[count:], start=count):
        original, kind, _file = name.split("~")
        hits.setdefault(kind, []).append(bool(distances[numbers[original], number] <= radius))
    recalls = {kind: sum(some) / len(some) for kind, some in hits.items()}
    return _row(f"{method} ≤ {radius}", recalls, false, time.monotonic() - before)


def _hash(name: str, bits: Callable[[Image.Image], bytes]) -> bytes:
    return bits(_opened(name))


def phash64(image: Image.Image) -> bytes:
    import imagehash

    return np.packbits(imagehash.phash(image).hash).tobytes()


def dhash64(image: Image.Image) -> bytes:
    import imagehash

    return np.packbits(imagehash.dhash(image).hash).tobytes()


def phash256(image: Image.Image) -> bytes:
    import imagehash

    return np.packbits(imagehash.phash(image, hash_size=16).hash).tobytes()


def pdq(image: Image.Image) -> bytes:
    import pdqhash

    image.thumbnail((512, 512), Image.Resampling.BOX)
    return np.packbits(pdqhash.compute(np.asarray(image))[0].astype(np.uint8)).tobytes()


METHODS: Sequence[Callable[[Sequence[str], Path, int], Row | None]] = (
    partial(_ours, by_features=True),
    partial(_ours, by_features=False),
    partial(_hashed, method="imagehash.phash 64", bits=phash64, radius=8),
    partial(_hashed, method="imagehash.phash 64", bits=phash64, radius=10),
    partial(_hashed, method="imagehash.dhash 64", bits=dhash64, radius=8),
    partial(_hashed, method="imagehash.phash 256", bits=phash256, radius=31),
    partial(_hashed, method="pdqhash 256", bits=pdq, radius=31),
)


def _row(method: str, kinds: dict[str, float], false: Pairs, seconds: float) -> Row:
    return Row(method, sum(kinds.values()) / max(1, len(kinds)), len(false), _lost(false), seconds, kinds)


def _lost(pairs: Pairs) -> int:
    """How many go when each connected group keeps one."""
    leader: dict[str, str] = {}

    def end(name: str) -> str:
        while name in leader:
            name = leader[name]
        return name

    for one, other in pairs:
        first, second = end(one), end(other)
        if first != second:
            leader[second] = first
    return len(leader)


def _print_kinds(rows: Sequence[Row]) -> None:
    """Recall by kind, a column for every method."""
    print("\n" + " " * 18 + "".join(f"{number:>8}" for number in range(1, len(rows) + 1)))
    for kind in rows[-1].kinds:
        print(f"{kind:<18}" + "".join(f"{row.kinds[kind]:8.1%}" for row in rows))
