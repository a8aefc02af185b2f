"""How much curation costs beyond decoding: decode + hash + crop + write, as a share of decoding alone.

    python benchmarks/curate.py [--folder F] [--images N] [--rounds R] [--size S] [--megapixels M] [--json F]
    python benchmarks/curate.py --engine ray [--folder F] [--images N] [--rounds R] [--size S]

Every round handles the same files four times, in turning order: only decoding them (Pillow's `load()`,
nothing else: the limit); with `curation.imaging.examine`, which decodes, turns and converts, hashes in eight
orientations, hashes the pixels, screens, cuts and scales the square, encodes it as PNG and writes square and
thumbnail, synced to the disk, into a fresh folder; and each of the two through the engine on all cores. One
share compares the first two, in one process; the other the last two, with all cores at work on both sides.
The start of the worker processes counts on both sides and hides most of the work of a few dozen pictures:
take hundreds (`--images`) before that share is believed.
Medians over the rounds; a share is the median of the rounds' own shares. The table of steps says where the
time goes, in CPU milliseconds an image; local features are measured where OpenCV is installed, though
curation computes them later, for images that are kept. `--crop subject` adds the search for a planet.

Measured 2026-11, one process on two busy cores, 512 px squares: 6 % of decode only at 0.26 MP, 10 % at 4 MP,
46 % at 12 MP, 81 % at 40 MP (4 to 16 pictures, two rounds). What limits it is the work that does not shrink
with the decoding: 35 to 42 ms of screening and 18 to 23 ms of PNG, whose encoder tries five filters a row; a
writer of our own with one filter took 8 ms, but its files were 3 % larger and as different as the zlib of
each machine. JPEGs of more than twice the square's side are decoded smaller than decode only does, which is
why large ones come near to it or beyond.

With `--engine ray` only two take turns: all cores through the local engine, and as many workers of a Ray
cluster of our own on this machine, which is started once, before. Its share is what Ray costs where it brings
nothing.

The pictures are real: a folder of yours, else the nebulae of an installed Stellarium, else the sample. With
`--megapixels` they are first enlarged to that many and saved as JPEG (quality 92), as large as Commons has
them: what is done per pixel of the square then weighs less, as it does in use.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import sqrt
from pathlib import Path
from typing import TypeVar

from PIL import Image

from collectors.storage.workspace import Workspace
from curation import engine
from curation.engine import local
from curation.imaging import boxes, crop, features, subject
from curation.imaging.examine import examine, folders
from curation.imaging.fingerprint import canonical, fingerprint, pixels_sha256
from curation.screening import measures
from curation.settings import CurateSettings

Result = TypeVar("Result")

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    Path("/usr/share/stellarium/nebulae/default"),
    Path("/usr/local/share/stellarium/nebulae/default"),
    ROOT / "universe_gan" / "sample" / "images",
)
KINDS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}


def main() -> None:
    """Measure, print the table, write the JSON."""
    arguments = parse()
    settings = CurateSettings(size=arguments.size, min_side=1, crop=arguments.crop)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        paths = chosen(arguments.folder, arguments.images)
        if arguments.megapixels:
            paths = enlarged(paths, arguments.megapixels, scratch / "originals")
        pixels = statistics.median(width * height for width, height in map(size, paths))
        if arguments.engine == "ray":
            compare_engines(paths, scratch, settings, arguments.rounds)
            return
        rounds = [one_round(paths, scratch, settings, turn) for turn in range(arguments.rounds)]
        spent = steps(paths[:12], settings)
    report(rounds, spent, len(paths), pixels, arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--folder", type=Path, help="pictures to work on")
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=512, help="side of the square")
    parser.add_argument("--megapixels", type=float, help="enlarge the pictures to this size, as JPEG")
    parser.add_argument("--crop", choices=("centre", "subject"), default="centre")
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def chosen(folder: Path | None, images: int) -> list[Path]:
    """Pictures spread evenly over the folder, sorted by name."""
    source = folder or next((known for known in FOLDERS if known.is_dir()), None)
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in KINDS) if source else []
    if not found:
        raise SystemExit(f"no pictures in {source}; name a folder with --folder")
    return found[:: max(1, len(found) // images)][:images]


def enlarged(paths: Sequence[Path], megapixels: float, folder: Path) -> list[Path]:
    """The pictures at this many megapixels, as JPEG."""
    folder.mkdir()
    made = []
    for path in paths:
        with Image.open(path) as image:
            grow = sqrt(megapixels * 1e6 / (image.width * image.height))
            shape = (round(image.width * grow), round(image.height * grow))
            image.convert("RGB").resize(shape, Image.Resampling.LANCZOS).save(
                folder / f"{path.stem}.jpg", quality=92
            )
        made.append(folder / f"{path.stem}.jpg")
    return made


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def one_round(paths: Sequence[Path], scratch: Path, settings: CurateSettings, turn: int) -> dict[str, float]:
    """Images a second of each contender, in an order that turns from round to round."""
    workers = os.cpu_count() or 1
    contenders: dict[str, Callable[[Workspace], None]] = {
        "decode only": lambda workspace: decode_all(paths, 1),
        "decode only on all cores": lambda workspace: decode_all(paths, workers),
        "curate": lambda workspace: curate_all(paths, workspace, settings, 1),
        "curate on all cores": lambda workspace: curate_all(paths, workspace, settings, workers),
    }
    return in_turn(contenders, paths, scratch, turn)


def in_turn(
    contenders: Mapping[str, Callable[[Workspace], None]], paths: Sequence[Path], scratch: Path, turn: int
) -> dict[str, float]:
    names, first = list(contenders), turn % len(contenders)
    speeds = {}
    for name in names[first:] + names[:first]:
        folder = scratch / "workspace"
        started = time.perf_counter()
        contenders[name](Workspace(folder))
        speeds[name] = len(paths) / (time.perf_counter() - started)
        shutil.rmtree(folder, ignore_errors=True)
    return speeds


def compare_engines(paths: Sequence[Path], scratch: Path, settings: CurateSettings, rounds: int) -> None:
    """Print how fast both engines are, and the share of the time that Ray takes more."""
    from curation.engine import cluster

    workers = os.cpu_count() or 1
    started = time.perf_counter()
    with cluster.joined(None, workers, [scratch]):
        print(f"Ray was there after {time.perf_counter() - started:.1f} s")

        def here(workspace: Workspace) -> None:
            with engine.using(local.run):
                curate_all(paths, workspace, settings, workers)

        contenders: dict[str, Callable[[Workspace], None]] = {
            "local": here,
            "ray": lambda workspace: curate_all(paths, workspace, settings, workers),
        }
        speeds = [in_turn(contenders, paths, scratch, turn) for turn in range(rounds)]
    for name in contenders:
        print(f"{name:<6}{statistics.median(one[name] for one in speeds):8.2f} images a second")
    ratios = [one["local"] / one["ray"] for one in speeds]
    print(f"ray takes {statistics.median(ratios):.2f} times as long, {workers} workers, {len(paths)} images")


def decode_all(paths: Sequence[Path], workers: int) -> None:
    for _ in engine.run(decode_one, paths, workers=workers):
        pass


def decode_one(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def curate_all(paths: Sequence[Path], workspace: Workspace, settings: CurateSettings, workers: int) -> None:
    work = partial(examine_one, workspace=workspace, settings=settings)
    for examined in engine.run(work, list(enumerate(paths)), workers=workers):
        assert examined is None, examined


def examine_one(item: tuple[int, Path], workspace: Workspace, settings: CurateSettings) -> str | None:
    """Everything curation does with one file; what went wrong, if anything did."""
    number, path = item
    return examine(path, f"{number:064x}", settings, folders(workspace)).problem


def steps(paths: Sequence[Path], settings: CurateSettings) -> dict[str, float]:
    """CPU milliseconds an image of each step of `examine`, and of what follows it; medians."""
    spent: dict[str, list[float]] = {}

    def timed(name: str, step: Callable[[], Result]) -> Result:
        started = time.process_time()
        result = step()
        spent.setdefault(name, []).append(1000 * (time.process_time() - started))
        return result

    for path in paths:
        timed("decode only (the limit)", partial(decode_one, path))
        picture = timed("decode, upright sRGB", partial(crop.decode, path, settings))
        timed("hashes, noise, thumbnail", partial(fingerprint, picture.image))
        timed("hash of the pixels", partial(pixels_sha256, picture.image))
        views = timed("screening: small views", partial(measures.Views.of, picture.image))
        timed("screening: scores", partial(measures.scores, views))
        body = None
        if settings.crop == "subject":
            body = timed("search for the subject", partial(subject.find, picture.image))
        box = boxes.choose(picture.width, picture.height, body, settings).box
        image = timed("square: scaling", partial(crop.square, picture, box, settings.size))
        timed(f"square: {settings.format.upper()}", partial(crop.encode, image, settings))
        if features.available():
            timed("(local features, later)", partial(features.extract, canonical(picture.image)))
    return {name: statistics.median(times) for name, times in spent.items()}


def report(
    rounds: Sequence[dict[str, float]],
    spent: dict[str, float],
    images: int,
    pixels: float,
    arguments: argparse.Namespace,
) -> None:
    names = ("decode only", "curate", "decode only on all cores", "curate on all cores")
    limit, curated, all_limit, cores = (statistics.median(each[name] for each in rounds) for name in names)
    share = statistics.median(each["curate"] / each["decode only"] for each in rounds)
    all_share = statistics.median(each[names[3]] / each[names[2]] for each in rounds)
    extra = 1000 / curated - 1000 / limit
    print(f"{images} images of {pixels / 1e6:.2f} MP, {arguments.size} px squares, {len(rounds)} rounds")
    print(f"{'decode only':24}{limit:8.1f} images/s")
    words = f"{share:.0%} of decode only, {extra:.0f} ms more"
    print(f"{'decode+hash+crop+write':24}{curated:8.1f} images/s   {words}")
    words = f"{os.cpu_count()} processes, their start included"
    print(f"{'decode only, all cores':24}{all_limit:8.1f} images/s   {words}")
    print(f"{'the rest too, all cores':24}{cores:8.1f} images/s   {all_share:.0%} of decode only")
    print("\nCPU ms an image")
    for name, milliseconds in spent.items():
        print(f"  {name:28}{milliseconds:8.1f}")
    if arguments.json:
        figures = {
            "images": images,
            "megapixels": round(pixels / 1e6, 3),
            "size": arguments.size,
            "decode_only_per_s": limit,
            "curate_per_s": curated,
            "share": share,
            "decode_only_all_cores_per_s": all_limit,
            "all_cores_per_s": cores,
            "share_all_cores": all_share,
            "cpu_ms": spent,
            "cores": os.cpu_count(),
            "rounds": list(rounds),
        }
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
