"""The benchmark of growth runs, finds the copies it planted, and prints its tables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def scale(*words: str) -> str:
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    command = [sys.executable, str(ROOT / "benchmarks" / "scale.py"), *words]
    alone = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, env=alone, check=True, capture_output=True, text=True).stdout


@pytest.mark.timeout(600)  # eight processes that import everything: seconds, or minutes on a busy machine
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux' /proc")
def test_the_benchmark_of_growth_measures_every_stage_and_goes_on_from_its_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    sizes = ("--sizes", "20,40", "--side", "64", "--records", "120")
    told = scale(*sizes, "--json", str(figures), "--at", str(tmp_path))
    for stage in (
        "examine",
        "join of hashes",
        "groups",
        "build",
        "report",
        "manifest: diff",
        "audit of a stream",
    ):
        assert f"\n{stage} " in told
    known = json.loads(figures.read_text())
    assert known["records"]["120"]["(found)"]["copies"] == 6, "one in twenty is a copy"
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"], "nothing else is left"
    told = scale("--extrapolate", "10M,100M", "--from", str(figures))
    assert "| | 10,000,000 images | 100,000,000 images |" in told
    assert "2,667 h (111 days)" in told, "10 million times 3 MB at 25 Mbit/s"
