"""Ray Train: the same training as under torchrun, also when a worker is lost. Needs the extra `cluster`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("ray", reason="Ray is not installed (the extra `cluster`)")

from toys import folder_of_pictures  # noqa: E402

from universe_gan.shell.exits import Exit  # noqa: E402
from universe_gan.training import checkpoints  # noqa: E402

SMALL = {
    "model": "stylegan2",
    "size": 32,
    "batch": 4,
    "breadth": 0.015625,
    "latent": 8,
    "log_kimg": 0.008,
    "save_kimg": 0.016,
    "precision": "fp32",
}
KIMG = "0.096"
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
RAY = ["--engine", "ray", "--workers", "2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cluster")
    folder_of_pictures(place / "pics", 8)
    return place


def start(place: Path, runs: str, *, before: list[str], after: list[str]) -> subprocess.Popen[str]:
    """The command, in a session of its own."""
    root = Path(__file__).parents[4]
    flags = [part for key, value in SMALL.items() for part in ("--set", f"train.{key}={value}")]
    words = ["universe_gan", "train", "pics", "--device", "cpu", "--kimg", KIMG, "--runs", runs, *flags]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return subprocess.Popen(
        [sys.executable, *before, "-m", *words, *after],
        cwd=place,
        env={**environment, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def expected(place: Path) -> dict[str, torch.Tensor]:
    """The state in which two processes of torchrun end."""
    process = start(place, "torchrun", before=TORCHRUN, after=[])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-2000:]
    assert out.count("finished") == 1  # one process talks
    return latest(place / "torchrun")


def test_the_line_for_two_machines_ends_as_that_for_one(
    place: Path, expected: dict[str, torch.Tensor]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d"]
    line += ["--rdzv-endpoint", f"127.0.0.1:{port}"]
    machines = [start(place, "machines", before=line, after=[]) for _ in range(2)]
    try:
        told = [one.communicate(timeout=120) for one in machines]
    finally:
        for one in machines:
            if one.poll() is None:
                os.killpg(one.pid, signal.SIGKILL)
    assert [one.returncode for one in machines] == [0, 0], [err[-2000:] for _, err in told]
    assert sum(out.count("finished") for out, _ in told) == 1
    assert different(latest(place / "machines"), expected) == []


def latest(runs: Path) -> dict[str, torch.Tensor]:
    return checkpoints.read(runs / "0001-pics" / "latest.safetensors")[0]


def different(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> list[str]:
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


def processes_in(folder: Path) -> Iterator[int]:
    """Processes that have a file in the folder open, or hold its lock."""
    for links in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(folder) in str(link.readlink()) for link in links.iterdir()):
                yield int(links.parent.name)
        except OSError:  # not ours, or gone
            continue


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks for the worker in /proc")
def test_a_job_of_ray_that_loses_a_worker_ends_as_torchrun_does(
    place: Path, expected: dict[str, torch.Tensor]
) -> None:
    process = start(place, "ray", before=[], after=[*RAY, "--new"])
    run = place / "ray" / "0001-pics"
    try:
        until = time.monotonic() + 100
        while not (run / "stats.jsonl").is_file() or (run / "stats.jsonl").read_text().count("\n") < 3:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)
        [worker] = processes_in(run)
        os.kill(worker, signal.SIGKILL)
        out, err = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert process.returncode == Exit.DONE, err
    assert "going on at" in err
    assert out.count("finished") == 1
    assert [one.name for one in (place / "ray").glob("0*")] == ["0001-pics"]
    assert not (place / "ray" / "ray").exists()
    assert different(latest(place / "ray"), expected) == []


def test_ctrl_c_saves_and_says_so(place: Path) -> None:
    process = start(place, "stopped", before=[], after=[*RAY, "--kimg", "400"])
    stats = place / "stopped" / "0001-pics" / "stats.jsonl"
    until = time.monotonic() + 100
    while not stats.is_file() or not stats.read_text():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert process.returncode == Exit.INTERRUPTED, err
    assert "stopped" in out
    assert "the same command goes on" in err
    assert checkpoints.facts(stats.parent / "latest.safetensors")["step"] > 0
