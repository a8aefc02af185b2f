"""How fast originals come: our `fetch_all` against img2dataset and a plain loop, on the same loopback files.

    python benchmarks/collect.py [--images 200 --latency 50 --rounds 5 --in-flight 16] [--folder F] [--json F]

A server in its own process stands for a host that is the latency away: it waits that long before every
answer, and once more on every new connection, as the handshake would take (`--free-handshake`: it does not).
In every round each contender fetches all files into a fresh folder, in turning order, and must end with all
of them. What they do beyond that differs:

    ours         threads of one process; verifies SHA-1, length and first bytes, obeys opt-outs, computes
                 SHA-256, syncs every file to the disk, resumes, stores by hash
    img2dataset  as many threads in one process, or half of them in each of two; resizing and re-encoding
                 are off; obeys opt-outs, computes SHA-256, writes a JSON beside every file; verifies, syncs
                 and resumes nothing. Only its downloading counts, as its own statistics have it; the whole
                 command, with the start of its worker processes, is the column "whole".
    plain loop   `requests`, one file after another over one connection; verifies nothing
"""

import argparse
import asyncio
import hashlib
import io
import json
import multiprocessing
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image

from collectors.record import FoundBy, Original, Record, Seen, StoredFile
from collectors.storage.stores import Store
from collectors.web.download import fetch_all
from collectors.web.polite import Pace, polite_session

IMG2DATASET = """
import sys
from img2dataset import download
urls, out, threads, processes, shard = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
if __name__ == "__main__":
    download(
        url_list=urls, output_folder=out, input_format="txt", output_format="files", compute_hash="sha256",
        processes_count=processes, thread_count=threads, number_sample_per_shard=shard, timeout=30,
        extract_exif=False, resize_mode="no", disable_all_reencoding=True,
    )
"""


@dataclass(frozen=True)
class Took:
    """One contender in one round."""

    seconds: float
    """Downloading."""
    whole: float
    """With everything around it."""
    cpu: float
    files: int


@dataclass(frozen=True)
class Task:
    """What all contenders get."""

    files: Mapping[str, bytes]
    base: str
    in_flight: int

    @property
    def urls(self) -> list[str]:
        return [self.base + path for path in self.files]


def ours(task: Task, folder: Path) -> Took:
    records = [a_record(task.base + path, data) for path, data in task.files.items()]
    paces = {"127.0.0.1": Pace(in_flight=task.in_flight)}

    def go() -> int:
        session = polite_session(None, paces)
        store = Store(folder / "originals")
        outcomes = fetch_all(records, session, store, folder / "parts", paces=paces)
        return sum(isinstance(outcome, StoredFile) for _, outcome in outcomes)

    return timed(go)


def plain_loop(task: Task, folder: Path) -> Took:
    def go() -> int:
        with requests.Session() as session:
            for number, url in enumerate(task.urls):
                answer = session.get(url, timeout=30)
                answer.raise_for_status()
                (folder / f"{number}.jpg").write_bytes(answer.content)
        return len(task.urls)

    return timed(go)


def img2dataset(task: Task, folder: Path, processes: int) -> Took:
    urls, out = folder / "urls.txt", folder / "out"
    urls.write_text("\n".join(task.urls) + "\n")
    shard = -(-len(task.urls) // processes)
    sizes = [str(number) for number in (task.in_flight // processes, processes, shard)]

    def go() -> int:
        script = folder / "load.py"
        script.write_text(IMG2DATASET)
        command = [sys.executable, str(script), str(urls), str(out), *sizes]
        quiet = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=quiet)
        if done.returncode:
            sys.exit(done.stderr)
        return len(list(out.rglob("*.jpg")))

    took = timed(go)
    stats = [json.loads(path.read_bytes()) for path in out.glob("*_stats.json")]
    seconds = max(one["end_time"] for one in stats) - min(one["start_time"] for one in stats)
    return Took(seconds, took.whole, took.cpu, took.files)


def timed(go: Callable[[], int]) -> Took:
    before, began = cpu(), time.perf_counter()
    files = go()
    seconds = time.perf_counter() - began
    return Took(seconds, seconds, cpu() - before, files)


def cpu() -> float:
    """Seconds of processor time of this process and its finished children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def a_record(url: str, data: bytes) -> Record:
    sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return Record(
        uid=f"bench:{sha1}",
        source="bench",
        subject="bench",
        title=url,
        page=None,
        found_by=FoundBy(query="bench"),
        original=Original(url=url, sha1=sha1, bytes=len(data), mime="image/jpeg"),
        seen=Seen(first="2026-01-01T00:00:00Z"),
    )


CONTENDERS: Mapping[str, Callable[[Task, Path], Took]] = {
    "ours": ours,
    "img2dataset, 1 process": lambda task, folder: img2dataset(task, folder, 1),
    "img2dataset, 2 processes": lambda task, folder: img2dataset(task, folder, 2),
    "plain loop": plain_loop,
}


def pictures(count: int, folder: Path | None) -> dict[str, bytes]:
    """JPEG files by path, all different: of the folder, or made up (8 skies of 1600 × 1200, 160-320 kB)."""
    if folder:
        bases = [path.read_bytes() for path in sorted(folder.rglob("*.jp*g"))]
    else:
        bases = [_sky(seed) for seed in range(8)]
    return {f"/{number}.jpg": _marked(bases[number % len(bases)], number) for number in range(count)}


def _sky(seed: int) -> bytes:
    """Clouds in many scales with stars and a fine grain, as a photograph of a nebula has them."""
    dice = np.random.default_rng(seed)
    sky = np.zeros((1200, 1600, 3), np.float32)
    for scale in (4, 8, 16, 32, 64, 128):
        grain = Image.fromarray(dice.integers(0, 255, (scale * 3 // 4, scale, 3), np.uint8))
        sky += np.asarray(grain.resize((1600, 1200), Image.Resampling.BICUBIC), np.float32) * 1.5 / scale
    sky += dice.normal(0, 1.0 + seed / 2, sky.shape).astype(np.float32)
    rows, columns = dice.integers(0, 1200, 3000), dice.integers(0, 1600, 3000)
    sky[rows, columns] += dice.uniform(60, 220, (3000, 1)).astype(np.float32)
    buffer = io.BytesIO()
    Image.fromarray(sky.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _marked(jpeg: bytes, number: int) -> bytes:
    """The same picture with a comment of its own after the first marker, so that no two files are equal."""
    comment = f"file {number}".encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def serve(files: Mapping[str, bytes], latency: float, handshake: float, ready: Connection) -> None:
    """Answer requests for the files, each after the latency (seconds), until the process is ended."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(handshake)
            while request := await reader.readuntil(b"\r\n\r\n"):
                path = request.split(b" ", 2)[1].decode()
                await asyncio.sleep(latency)
                body = files.get(path, b"")
                status = "200 OK" if body else "404 Not Found"
                head = f"HTTP/1.1 {status}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode())
                writer.write(body)
                await writer.drain()
                if re.search(rb"(?i)\r\nconnection: *close", request):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(connection, "127.0.0.1", 0, backlog=512)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def measure(task: Task, rounds: int, names: Sequence[str], work: Path) -> dict[str, list[Took]]:
    """Every contender in every round, in turning order."""
    took: dict[str, list[Took]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            folder = work / "run"
            folder.mkdir()
            result = CONTENDERS[name](task, folder)
            shutil.rmtree(folder)
            if result.files != len(task.files):
                sys.exit(f"{name} fetched {result.files} of {len(task.files)} files")
            took[name].append(result)
    return took


def summary(task: Task, took: Mapping[str, Sequence[Took]]) -> list[dict[str, Any]]:
    """A row a contender; `ratio`: how many times faster we were, the median of the paired rounds."""
    count, size = len(task.files), sum(map(len, task.files.values()))
    rows = []
    for name, rounds in took.items():
        seconds = statistics.median(one.seconds for one in rounds)
        pairs = [other.seconds / mine.seconds for other, mine in zip(rounds, took["ours"], strict=True)]
        rows.append(
            {
                "contender": name,
                "images_per_second": count / seconds,
                "megabytes_per_second": size / seconds / 1e6,
                "whole_seconds": statistics.median(one.whole for one in rounds),
                "cpu_seconds": statistics.median(one.cpu for one in rounds),
                "ratio": statistics.median(pairs),
                "ratio_least": min(pairs),
                "ratio_most": max(pairs),
            }
        )
    return rows


def main() -> None:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--latency", type=float, default=50, help="milliseconds before every answer")
    parser.add_argument("--free-handshake", action="store_true", help="new connections cost no latency")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=16, help="requests at a time")
    parser.add_argument("--folder", type=Path, help="JPEG files to serve instead of made-up ones")
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--work", type=Path, help="where the files land (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    names = ["ours", *(name for name in chosen.only if name != "ours")]
    if find_spec("img2dataset") is None:
        print("img2dataset is left out: it is not installed (pip install 'universe-gan[bench]')")
        names = [name for name in names if not name.startswith("img2dataset")]
    files = pictures(chosen.images, chosen.folder)
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    latency = chosen.latency / 1000
    handshake = 0.0 if chosen.free_handshake else latency
    server = context.Process(target=serve, args=(files, latency, handshake, there), daemon=True)
    server.start()
    task = Task(files, f"http://127.0.0.1:{here.recv()}", chosen.in_flight)
    with tempfile.TemporaryDirectory(dir=chosen.work) as work:
        took = measure(task, chosen.rounds, names, Path(work))
    server.terminate()
    rows = summary(task, took)
    size = sum(map(len, files.values())) / len(files)
    limit = chosen.in_flight / (chosen.latency / 1000) if chosen.latency else float("inf")
    print(f"{len(files)} files of {size / 1e3:.0f} kB, {chosen.latency:.0f} ms before every answer,", end=" ")
    print(f"{chosen.in_flight} in flight (so {limit:.0f} images/s at most);")
    print(f"median of {chosen.rounds} paired rounds\n")
    print(f"{'':26}{'images/s':>9}{'MB/s':>8}{'whole s':>9}{'CPU s':>8}   ours is faster by")
    for row in rows:
        print(
            f"{row['contender']:26}{row['images_per_second']:9.1f}{row['megabytes_per_second']:8.1f}"
            f"{row['whole_seconds']:9.2f}{row['cpu_seconds']:8.2f}"
            f"   {row['ratio']:.2f} × ({row['ratio_least']:.2f} to {row['ratio_most']:.2f})"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps({"settings": vars(chosen), "rows": rows}, default=str, indent=1))


if __name__ == "__main__":
    main()
