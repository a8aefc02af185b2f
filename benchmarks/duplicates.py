"""How fast near hashes are found, and how many copies of real pictures, beside other tools.

    python benchmarks/duplicates.py pairs  [--sizes 10000 100000 1000000] [--json F]
    python benchmarks/duplicates.py recall [its own options: see duplicates_recall.py]

`pairs`: hashes of 256 bits, all pairs at most 31 bits apart, exactly. Random hashes are strangers; clustered
ones are ten to a picture, each bit flipped with a chance of 5 %. CPU seconds of one process a row, the data
made and the code compiled before the clock starts; memory is that process's peak. Every contender must find
the same pairs, or the table says so. FAISS compares all with all (`IndexBinaryFlat.range_search`, both
directions of a pair) and is left out beyond 100,000, unless `--patient`. Ten million: `--sizes 10000000`,
which leaves numpy out as well.
"""

import argparse
import hashlib
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.duplicates.join import pairs_within

RADIUS = 31
Hashes = NDArray[np.uint8]
Row = dict[str, object]


def main() -> None:
    """Run one table."""
    if sys.argv[1:2] == ["recall"]:
        import duplicates_recall

        return duplicates_recall.main(sys.argv[2:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("table", choices=["pairs", "recall"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--patient", action="store_true", help="let every contender finish")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    rows = list(pairs_table(arguments.sizes, arguments.patient))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    return None


def pairs_table(sizes: list[int], patient: bool) -> Iterator[Row]:
    """A row for every contender, number and kind of hashes, printed as it comes."""
    print(f"{'hashes':>10}  {'kind':<10}{'contender':<16}{'CPU s':>8}{'MB':>7}{'pairs':>12}")
    fresh = multiprocessing.get_context("spawn")
    for size in sizes:
        for kind in ("random", "clustered"):
            sums = set()
            for name, (_, most, needs) in CONTENDERS.items():
                if needs and not find_spec(needs):
                    print(f"{size:>10,}  {kind:<10}{name:<16}{needs} is not installed")
                    continue
                if size > most and not patient:
                    continue
                with fresh.Pool(1) as pool:  # a process of its own, for its memory
                    row = pool.apply(measured, (name, size, kind))
                sums.add(row["sum"])
                print(
                    f"{size:>10,}  {kind:<10}{name:<16}{row['cpu_s']:>8.2f}{row['mb']:>7,}{row['pairs']:>12,}"
                )
                yield row
            if len(sums) > 1:
                print(f"{size:>10,}  {kind:<10}THE CONTENDERS DISAGREE")


def measured(name: str, size: int, kind: str) -> Row:
    """One contender on one set of hashes."""
    find = CONTENDERS[name][0]
    find(made(1000, "random"))  # loads and compiles
    hashes = made(size, kind)
    started = time.process_time()
    first, second = find(hashes)
    spent = time.process_time() - started
    digest = hashlib.sha256(np.stack([first, second]).astype(np.int64).tobytes()).hexdigest()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "contender": name,
        "hashes": size,
        "kind": kind,
        "cpu_s": spent,
        "mb": peak,
        "pairs": len(first),
        "sum": digest,
    }


def made(size: int, kind: str) -> Hashes:
    """Hashes of one kind, the same every time."""
    dice = np.random.default_rng(31)
    hashes = dice.integers(0, 256, (size, 32), dtype=np.uint8)
    if kind == "clustered":
        parents = hashes[: size // 10].copy()
        for top in range(0, size, 50_000):
            part = slice(top, min(size, top + 50_000))
            count = part.stop - part.start
            flips = np.packbits(dice.random((count, 256), dtype=np.float32) < 0.05, axis=1)
            hashes[part] = parents[dice.integers(0, len(parents), count)] ^ flips
    return hashes


def ours(compiled: bool) -> Callable[[Hashes], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    def find(hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        near = pairs_within(hashes, RADIUS, compiled=compiled)
        return near.first, near.second

    return find


def faiss_flat(hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(256)
    index.add(hashes)
    limits, _, found = index.range_search(hashes, RADIUS + 1)  # less than, not at most
    first = np.repeat(np.arange(len(hashes)), np.diff(limits.astype(np.int64)))
    once = first < found
    first, second = first[once], found[once]
    order = np.lexsort((second, first))
    return first[order], second[order]


CONTENDERS = {
    "ours, numba": (ours(True), 10**9, "numba"),
    "ours, numpy": (ours(False), 1_000_000, ""),
    "faiss, flat": (faiss_flat, 100_000, "faiss"),
}
"""What is measured: the function, up to how many hashes, and the package it needs."""


if __name__ == "__main__":
    main()
