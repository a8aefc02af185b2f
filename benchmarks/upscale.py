"""How true enlarged pictures are, and what they cost beside ncnn and, where it is installed, OpenVINO.

    python benchmarks/upscale.py [--quick] [--images N] [--side PIXELS] [--rounds N] [--cost PIXELS]
        [--json FILE]

Quality: the middle of N photographs of Debian's stellarium-data, evenly chosen, is made four times smaller
(clean; degraded: blurred, noisy, JPEG), enlarged and compared with itself. Cost: the same weights enlarge the
same picture in processes of their own, taking turns; each starts warm, and the ratios are medians over the
rounds. Of realesrgan and spandrel, which run the same network in PyTorch, nothing is measured.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from universe_gan.upscaling import weights
from universe_gan.upscaling.evaluate import METHODS, Bytes, Evaluation, Judged, compare, methods, shrunk
from universe_gan.upscaling.evaluation_page import HEADS, rows
from universe_gan.upscaling.upscaler import Upscaler

PHOTOGRAPHS = Path(os.environ.get("STELLARIUM_DATA", "/")) / "usr/share/stellarium/nebulae/default"
CORES = len(os.sched_getaffinity(0))
ENGINES = ("ours", "network", "ncnn", *(["openvino"] if find_spec("openvino") else []))
"""`network`: ours without back-projection, which is what the others compute."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--images", type=int, default=20, help="photographs; 0: only the cost")
    options.add_argument("--side", type=int, default=128, help="of what is compared, large pixels")
    options.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    options.add_argument("--quick", action="store_true", help="4 photographs, 2 rounds of a small picture")
    options.add_argument("--cost", type=int, default=96, help="side of what is timed, small pixels")
    options.add_argument("--json", type=Path, help="also write all figures here")
    options.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.engine:
        serve(asked.engine, asked.side)
        return
    if asked.quick:
        asked.images, asked.rounds, asked.cost = 4, 2, 48
    worn = (False, True) if asked.images else ()
    found = {
        "quality": [quality(asked.images, asked.side, degraded=one) for one in worn],
        "cost": cost(asked.rounds, asked.cost),
    }
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def quality(images: int, side: int, *, degraded: bool) -> dict[str, Any]:
    """The table of one kind of small pictures, printed and returned."""
    passes = 1 if degraded else 2
    upscaler = Upscaler(weights.packaged(), passes=passes)
    ways = methods(upscaler)
    judged = []
    for number, (name, truth) in enumerate(photographs(images, side)):
        small = shrunk(truth, 4, number if degraded else None)
        figures = {method: compare(truth, ways[method](small)) for method in METHODS}
        judged.append(Judged(name, (side, side), figures))
    found = Evaluation(judged, 4, degraded, upscaler.provenance())
    print(f"\n{len(judged)} photographs, {side} x {side} pixels, {'degraded' if degraded else 'clean'}")
    for row in (HEADS, *rows(found)):
        print("  ".join(f"{cell:>14}" for cell in row))
    print(f"better than Lanczos on {found.wins} of {len(judged)} by PSNR", flush=True)
    return found.in_json()


def photographs(images: int, side: int) -> list[tuple[str, Bytes]]:
    """The middle of evenly chosen ones that are large enough, with their names."""
    known = [path for path in sorted(PHOTOGRAPHS.glob("*.png")) if min(_size(path)) >= side]
    found = []
    for path in known[:: max(1, len(known) // images)][:images]:
        with Image.open(path) as image:
            left, top = ((length - side) // 2 for length in image.size)
            cut = image.convert("RGB").crop((left, top, left + side, top + side))
            found.append((path.stem, np.asarray(cut)))
    return found


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def cost(rounds: int, side: int) -> dict[str, Any]:
    """Seconds and peak memory of each engine for one picture of `side` small pixels; printed and returned."""
    workers = {
        engine: subprocess.Popen(
            [sys.executable, __file__, "--engine", engine, "--side", str(side)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for engine in ENGINES
    }
    took: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    peaks = dict.fromkeys(ENGINES, 0.0)
    for worker in workers.values():
        _ask(worker)  # the first turn warms up
    for _ in range(rounds):
        for engine, worker in workers.items():
            seconds, peaks[engine] = _ask(worker)
            took[engine].append(seconds)
    for worker in workers.values():
        worker.communicate()
    print(f"\n{side} x {side} -> {4 * side} x {4 * side}, fp32, {CORES} cores, {rounds} rounds")
    lines = {}
    for engine in ENGINES:
        ratios = [one / other for one, other in zip(took[engine], took["ncnn"], strict=True)]
        lines[engine] = {
            "seconds": median(took[engine]),
            "peak_mb": peaks[engine],
            "ratio_to_ncnn": median(ratios),
            "ratios": ratios,
        }
        print(
            f"{engine:>8}  {median(took[engine]):6.2f} s  {median(ratios):5.2f} x ncnn"
            f" ({min(ratios):.2f} to {max(ratios):.2f})  peak {peaks[engine]:,.0f} MB",
            flush=True,
        )
    return lines


def _ask(worker: "subprocess.Popen[str]") -> tuple[float, float]:
    """One turn: seconds, and the process's peak so far in MB."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
    seconds, peak = worker.stdout.readline().split()
    return float(seconds), float(peak)


def serve(engine: str, side: int) -> None:
    """Enlarge once for every line that comes."""
    small = np.random.default_rng(0).random((side, side, 3), np.float32)
    others = {"ncnn": by_ncnn, "openvino": partial(by_openvino, side)}
    enlarge = others[engine]() if engine in others else by_us(2 if engine == "ours" else 0)
    for _ in sys.stdin:
        began = time.perf_counter()
        enlarge(small)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(time.perf_counter() - began, peak, flush=True)


def by_us(passes: int) -> Callable[[Any], Any]:
    import torch

    torch.set_num_threads(CORES)
    return Upscaler(weights.packaged(), passes=passes).enlarge


def by_ncnn() -> Callable[[Any], Any]:
    import ncnn

    path = weights.packaged_path()
    if path is None:
        raise SystemExit(f"{weights.PACKAGE} is not installed")
    net = ncnn.Net()
    net.opt.num_threads = CORES
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.load_param(str(path.with_suffix(".param")))
    net.load_model(str(path))

    def enlarge(small: Any) -> Any:
        planes = np.ascontiguousarray(small.transpose(2, 0, 1))
        run = net.create_extractor()
        run.input("data", ncnn.Mat(planes))
        return np.array(run.extract("output")[1])

    return enlarge


def by_openvino(side: int) -> Callable[[Any], Any]:
    import openvino
    import torch

    shape = (1, 3, side, side)
    model = openvino.convert_model(
        weights.packaged().net.eval(), example_input=torch.zeros(shape), input=shape
    )
    exactly = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": CORES}
    run = openvino.compile_model(model, "CPU", exactly)
    return lambda small: run(np.ascontiguousarray(small.transpose(2, 0, 1))[None])[0]


if __name__ == "__main__":
    main()
