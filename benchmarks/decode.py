"""How fast a published dataset becomes batches: decoding against bare Pillow, and the way to the first step.

    python benchmarks/decode.py [--quick] [--side 512] [--workers 1] [--json F]

The pictures are those of an installed Stellarium (Debian: stellarium-data), cut to squares and stored as the
tool stores them, in one Parquet file; without Stellarium nothing is measured. The limit is what the same
bytes take to be decoded by Pillow alone in as many processes, with nothing kept. With one worker seconds are
those of the process, so that others on the machine count little; both take turns, ratios are medians. Below,
the seconds from naming the dataset to the end of the first step of training, with and without the cache.
"""

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from curation.imaging.crop import ENCODERS, centre_box
from universe_gan.data import prepare
from universe_gan.training.gan import Training, one_step
from universe_gan.training.settings import TrainSettings

FOLDERS = (
    Path("/usr/share/stellarium/nebulae/default"),
    Path("/usr/local/share/stellarium/nebulae/default"),
)


def main() -> None:
    """Build the dataset, measure, print, write the JSON."""
    arguments = parse()
    folder = next((folder for folder in FOLDERS if folder.is_dir()), None)
    if folder is None:
        print("Stellarium's pictures are not here (Debian: stellarium-data): nothing to decode")
        return
    count, rounds = (40, 3) if arguments.quick else (400, 5)
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        found = sorted(folder.glob("*.png"))[:count]
        rows = []
        for stored in ("webp", "jpeg"):
            encoded = [square(path, arguments.side, stored) for path in found]
            rows.append(measured(place / stored, stored, encoded, arguments, rounds))
        rows.append(first_step(place / "webp", place))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40 pictures instead of 400")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def square(path: Path, side: int, stored: str) -> bytes:
    """The middle of a picture, as the tool would publish it."""
    with Image.open(path) as opened:
        whole = opened.convert("RGB")
    buffer = BytesIO()
    cut = whole.resize((side, side), Image.Resampling.LANCZOS, box=centre_box(*whole.size))
    cut.save(buffer, stored.upper(), **ENCODERS[stored])
    return buffer.getvalue()


def measured(
    folder: Path, stored: str, encoded: list[bytes], arguments: argparse.Namespace, rounds: int
) -> dict[str, Any]:
    """Ours beside the limit, for one format."""
    (folder / "data").mkdir(parents=True)
    image = pa.array([{"bytes": data, "path": f"{n}.{stored}"} for n, data in enumerate(encoded)])
    digests = [hashlib.sha256(data).hexdigest() for data in encoded]
    table = pa.table({"image": image, "image_sha256": digests})
    pq.write_table(table, folder / "data/train-00000-of-00001.parquet", row_group_size=64)
    workers, side = arguments.workers, arguments.side
    pool: AbstractContextManager[Any] = ProcessPoolExecutor(workers) if workers > 1 else nullcontext()
    ours, bare = [], []
    with pool as processes:
        spread: Callable[..., Any] = processes.map if processes else map
        jobs = [encoded[n::workers] for n in range(workers)]
        list(spread(decode, jobs))  # the processes are there when the clock starts
        for _ in range(rounds):
            bare.append(seconds(lambda: list(spread(decode, jobs)), workers))
            with TemporaryDirectory() as cache:
                ours.append(
                    seconds(
                        lambda cache=cache: prepare(
                            str(folder), side=side, cache=Path(cache), workers=workers
                        ),
                        workers,
                    )
                )
    share = statistics.median(limit / time for limit, time in zip(bare, ours, strict=True))
    speed = len(encoded) / statistics.median(ours)
    print(
        f"decode {stored}, {side} px, {len(encoded)} pictures, {workers} workers: "
        f"{speed:.0f} images/s, {share:.2f} of what bare Pillow does"
    )
    return {
        "stored": stored,
        "side": side,
        "workers": workers,
        "images_per_s": speed,
        "share_of_limit": share,
    }


def decode(encoded: Sequence[bytes]) -> int:
    """Decode and forget; how many."""
    for data in encoded:
        with Image.open(BytesIO(data)) as opened:
            np.asarray(opened.convert("RGB"))
    return len(encoded)


def first_step(folder: Path, scratch: Path) -> dict[str, Any]:
    """Seconds on the wall from the dataset's name to the end of the first step: 64 px, batch 8."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    row: dict[str, Any] = {"device": str(device)}
    for name in ("decoded now", "decoded before"):
        begun = time.perf_counter()
        pictures = prepare(str(folder), side=64, cache=scratch / "cache").train
        ready = time.perf_counter()
        training = Training(TrainSettings(batch=8), 64, device)
        stats = one_step(training, pictures.batch(torch.arange(8), device))
        float(stats["generator"])
        row[name] = time.perf_counter() - begun
        print(f"first step, {name}: {row[name]:.1f} s, of which data {ready - begun:.1f} s")
    return row


def seconds(work: Callable[[], object], workers: int) -> float:
    clock = time.process_time if workers == 1 else time.perf_counter
    begun = clock()
    work()
    return clock() - begun


if __name__ == "__main__":
    main()
