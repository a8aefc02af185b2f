"""How time and memory of curation grow with the number of images, and what 10 or 100 million would take.

    python benchmarks/scale.py [--sizes 1000,3000] [--side 256] [--whole] [--records 10000,100000] [--json F]
    python benchmarks/scale.py --extrapolate 10M,100M --from F [--mean-mb 3] [--price 0.04] …

`--sizes`: pictures made on the fly (`scale_pictures.py`), distinct but for one copy in twenty, through all
from the manifest to the report, on one core. `--records`: the parts that see no picture, with records, hashes
and verdicts made up: manifests streamed, filtered, compared and audited, hashes joined and grouped, rows
written and compared. What is needed for it lies in a temporary folder, or in `--at`, and is never kept.

A stage's exponent is the slope of its CPU seconds over its number of images, both as logarithms, between the
two largest sizes; its memory slope is what its peak grows by an image. A stage is flagged where the exponent
passes 1.15 and its seconds mean something, or the slope passes 20 kB an image, with which a million images
fit into 20 GB. CPU seconds of one busy core vary by a tenth and more: read exponents so.

`--extrapolate` takes the figures of `--json` and goes on from the largest size with each stage's exponent (1
at least). Originals, hosts and prices are assumptions and stand in the table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

from collectors.web.pace import PACES

STEEP = 1.15
"""Exponent of time from which on a stage is flagged."""
HEAVY = 20_000
"""Bytes an image from which on a stage is flagged."""
LIGHT = 100
"""MB under which a slope says nothing."""
BRIEF = 0.5
"""CPU seconds under which an exponent says nothing."""
RETRIEVAL = "retrieval of features"
CURATION = "screening, verdicts"
JOIN = ("synthetic: join of hashes", "synthetic: groups")
"""Measured with more hashes than there are pictures, since up to `join.MATRIX` all meet all."""
ELSEWHERE = ("(pictures made)", "examine", RETRIEVAL, "join of hashes", "groups")
WHOLE = "manifest: whole in memory"
HERE = Path(__file__).resolve().parent
PICTURES = ("make", "curate")
RECORDS = ("records", "whole", "hashes", "rows")
UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}

Figures = dict[int, dict[str, dict[str, float]]]
"""By size, then stage: cpu and wall in seconds, mb."""


def main() -> None:
    """Measure and print, or go on from what was measured."""
    arguments = parse()
    if arguments.extrapolate:
        known = json.loads(arguments.known.read_text())
        return print("\n".join(extrapolated(known, numbers(arguments.extrapolate), arguments)))
    found: dict[str, Figures] = {"pictures": {}, "records": {}}
    with tempfile.TemporaryDirectory(dir=arguments.at) as scratch:
        for kind, steps, sizes in (
            ("pictures", PICTURES, numbers(arguments.sizes)),
            ("records", RECORDS, numbers(arguments.records)),
        ):
            for size in sizes:
                folder = Path(scratch) / f"{kind}-{size}"
                folder.mkdir()
                found[kind][size] = run(steps, size, folder, arguments)
                save(found, arguments.json)
    for kind, figures in found.items():
        if figures:
            print("\n".join(table(kind, figures)))
    return None


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--sizes", default="1000,3000", help="numbers of pictures: 1k,3k,10k; empty: none")
    parser.add_argument("--side", type=int, default=256, help="of the pictures, in pixels")
    parser.add_argument("--whole", action="store_true", help="whole copies only: `match_parts = false`")
    parser.add_argument("--records", default="", help="numbers of made-up records: 100k,1M")
    parser.add_argument("--json", type=Path, help="write the figures here, after every size")
    parser.add_argument("--at", type=Path, help="where temporary files go")
    parser.add_argument("--extrapolate", default="", help="numbers of images: 10M,100M")
    parser.add_argument("--from", dest="known", type=Path, help="figures written by --json")
    parser.add_argument("--mean-mb", type=float, default=3.0, help="of an original")
    parser.add_argument("--examine-ms", type=float, default=150.0, help="CPU ms to examine a real original")
    parser.add_argument("--square-mb", type=float, default=0.35, help="of a square: 512 px, PNG")
    parser.add_argument("--price", type=float, default=0.04, help="of a core for an hour, in any currency")
    return parser.parse_args()


def numbers(text: str) -> list[int]:
    """`1k,3000,10M` in order."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return sorted(int(float(word.rstrip("kMG")) * UNITS.get(word[-1], 1)) for word in words)


def run(
    steps: Iterable[str], size: int, folder: Path, asked: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Every step in a process of its own."""
    found: dict[str, dict[str, float]] = {}
    for step in steps:
        print(f"{step} {size:,}", file=sys.stderr, flush=True)
        how = [str(asked.side), "whole" if asked.whole else "parts"]
        command = [sys.executable, str(HERE / "scale_steps.py"), step, str(size), str(folder), *how]
        path = os.pathsep.join((str(HERE.parent), os.environ.get("PYTHONPATH", "")))
        alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": path}
        answer = subprocess.run(command, env=alone, check=True, stdout=subprocess.PIPE)
        for row in json.loads(answer.stdout):
            found[row.pop("stage")] = row
    return found


def save(found: Mapping[str, Figures], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(found, indent=1) + "\n")


def table(kind: str, figures: Figures) -> Iterable[str]:
    """A line a stage: seconds and memory at every size, exponent, slope, and flags."""
    sizes = sorted(figures)
    yield f"\n{kind}: CPU s and peak MB at " + ", ".join(f"{size:,}" for size in sizes)
    heads = "".join(f"{f'{size:,} s':>13}{'MB':>8}" for size in sizes)
    yield f"{'stage':<28}{heads}{'exponent':>10}{'B/image':>10}"
    for stage in figures[sizes[-1]]:
        rows = [figures[size].get(stage, {}) for size in sizes]
        if not all("cpu" in row for row in rows):
            said = ", ".join(f"{key} {value:,}" for key, value in rows[-1].items())
            yield f"{stage:<28} {said}"
            continue
        cells = "".join(f"{row['cpu']:>13.2f}{row['mb']:>8.0f}" for row in rows)
        steep, heavy = growth(sizes, rows)
        flags = [" STEEP"] * (steep > STEEP and rows[-1]["cpu"] > BRIEF) + [" HEAVY"] * (
            heavy > HEAVY and rows[-1]["mb"] > LIGHT
        )
        yield f"{stage:<28}{cells}{steep:>10.2f}{heavy:>10,.0f}{''.join(flags)}"


def growth(sizes: Sequence[int], rows: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """Exponent of time and bytes an image, between the two largest sizes."""
    if len(sizes) < 2:
        return 1.0, 0.0
    seconds = [max(row["cpu"], 1e-4) for row in rows[-2:]]
    exponent = log(seconds[1] / seconds[0]) / log(sizes[-1] / sizes[-2])
    return exponent, 2**20 * (rows[-1]["mb"] - rows[-2]["mb"]) / (sizes[-1] - sizes[-2])


def extrapolated(
    known: Mapping[str, Mapping[str, Any]], sizes: Sequence[int], asked: argparse.Namespace
) -> Iterable[str]:
    """A Markdown table: what so many images would take."""
    yield "| | " + " | ".join(f"{size:,} images" for size in sizes) + " |"
    yield "|---|" + "---:|" * len(sizes)
    curated = {size: costs(known.get("pictures", {}), size) for size in sizes}
    listed = {size: costs(known.get("records", {}), size) for size in sizes}
    examine = {size: asked.examine_ms / 1000 * size for size in sizes}
    later = {size: _seconds(curated[size], ELSEWHERE) + _seconds(listed[size], (), JOIN) for size in sizes}
    square = {size: squared(known.get("pictures", {}), size) for size in sizes}
    total = {size: examine[size] + later[size] for size in sizes}
    files, api = PACES["upload.wikimedia.org"], PACES["commons.wikimedia.org"]
    assert files.bits_per_second and api.per_second  # noqa: PT018  (the table of paces has them)
    lines = {
        f"download at Commons' {files.bits_per_second / 1e6:g} Mbit/s, {asked.mean_mb:g} MB an original": (
            lambda n: _days(n * asked.mean_mb * 8e6 / files.bits_per_second)
        ),
        f"asking Commons, 50 pages a request, {api.per_second:g} a second": (
            lambda n: _days(n / 50 / api.per_second)
        ),
        f"examine, {asked.examine_ms:g} ms of a core an original": lambda n: _core_hours(examine[n]),
        "all that follows, as measured, but for retrieval": lambda n: _core_hours(later[n]),
        f"price of both at {asked.price:g} a core hour": lambda n: f"{total[n] / 3600 * asked.price:,.0f}",
        "retrieval of local features, by the square": lambda n: _core_hours(square[n]),
        "originals": lambda n: f"{n * asked.mean_mb / 1e6:,.1f} TB",
        f"squares ({asked.square_mb:g} MB each), and as many in shards": (
            lambda n: f"2 × {n * asked.square_mb / 1e6:,.1f} TB"
        ),
        "shards of 500 MB": lambda n: f"{n * asked.square_mb / 500:,.0f}",
        "thumbnails and features (70 kB)": lambda n: f"{n * 7e-8:,.2f} TB",
        "manifest (1.6 kB a record)": lambda n: f"{n * 1.6e-6:,.0f} GB",
        "memory of the driver: retrieval of local features": lambda n: _heaviest(curated[n], (RETRIEVAL,)),
        "memory of the driver: all else": lambda n: _held(curated[n]),
        "memory: manifests streamed, compared, audited": lambda n: _heaviest(
            listed[n], ("manifest:", "audit")
        ),
        "memory: two datasets compared": lambda n: _heaviest(listed[n], ("synthetic: dataset diff",)),
    }
    for words, line in lines.items():
        yield f"| {words} | " + " | ".join(line(size) for size in sizes) + " |"


def costs(figures: Mapping[str, Any], size: int) -> dict[str, tuple[float, float]]:
    """CPU seconds and MB of each stage at another size, from where the measured ones end."""
    sizes = sorted(map(int, figures))
    found = {}
    for stage in figures[str(sizes[-1])] if sizes else ():
        rows = [figures[str(one)].get(stage, {}) for one in sizes]
        if all("cpu" in row for row in rows):
            steep, heavy = growth(sizes, rows)
            cpu = rows[-1]["cpu"] * (size / sizes[-1]) ** max(1.0, steep if rows[-1]["cpu"] > BRIEF else 1.0)
            found[stage] = cpu, rows[-1]["mb"] + max(0.0, heavy) * (size - sizes[-1]) / 2**20
    return found


def squared(figures: Mapping[str, Any], size: int) -> float:
    """CPU seconds of the one stage whose work grows with the square of the images in the end."""
    measured = max(map(int, figures), default=0)
    seconds: float = figures[str(measured)].get(RETRIEVAL, {}).get("cpu", 0.0) if measured else 0.0
    return seconds * (size / measured) ** 2 if measured else 0.0


def _seconds(
    stages: Mapping[str, tuple[float, float]], but: Sequence[str], only: Sequence[str] = ()
) -> float:
    return sum(one[0] for name, one in stages.items() if name not in but and (not only or name in only))


def _held(stages: Mapping[str, tuple[float, float]]) -> str:
    """Records, measurements and verdicts: what stays while the stages within come and go."""
    return f"{sum(stages.get(name, (0.0, 0.0))[1] for name in ('manifest: read', CURATION)) / 1024:,.1f} GB"


def _heaviest(stages: Mapping[str, tuple[float, float]], kinds: tuple[str, ...] = ("",)) -> str:
    fitting = {name: one[1] for name, one in stages.items() if name.startswith(kinds) and name != WHOLE}
    if not fitting:
        return "not measured"
    name = max(fitting, key=fitting.__getitem__)
    return f"{fitting[name] / 1024:,.1f} GB"


def _days(seconds: float) -> str:
    return f"{seconds / 3600:,.0f} h ({seconds / 86_400:,.0f} days)"


def _core_hours(seconds: float) -> str:
    return f"{seconds / 3600:,.0f} core hours"


if __name__ == "__main__":
    main()
