"""2,000 damaged files of every format: none crashes, hangs or fills the memory, and each has an outcome."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mutants
import pytest

FILES, PART = 2000, 250
TESTS = Path(mutants.__file__).parent


OFFENDERS = (6391, 18751)
"""Of the 30,000 first mutants those that once went through: a GIF that ended between two blocks (IndexError),
an AVIF with a time scale of zero (ZeroDivisionError)."""


@pytest.mark.parametrize("first", range(0, FILES, PART))
def test_a_damaged_file_is_a_picture_or_unreadable_or_too_large(first: int, tmp_path: Path) -> None:
    """The workers are processes of their own: what kills one is named here by its number, and kept."""
    told = opened_by_a_worker(first, PART, tmp_path)
    assert told["picture"] + told["unreadable"] + told["too many pixels"] == PART
    assert min(told["picture"], told["unreadable"]) >= PART // 10  # or the mutants would be no test
    assert told["slowest"] < mutants.SECONDS
    assert told["peak"] < 300_000_000


@pytest.mark.parametrize("number", OFFENDERS)
def test_what_once_went_through_does_so_no_more(number: int, tmp_path: Path) -> None:
    assert sum(opened_by_a_worker(number, 1, tmp_path)[key] for key in ("picture", "unreadable")) == 1


def opened_by_a_worker(first: int, count: int, tmp_path: Path) -> dict[str, float]:
    """How many files had which outcome, the seconds of the slowest, and the most memory held."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", mutants.__file__, str(tmp_path), str(first), str(count)],
        capture_output=True,
        text=True,
        timeout=(count + 6) * mutants.SECONDS,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS)))},
        check=False,
    )
    if done.returncode:
        number = (tmp_path / "at-work").read_text()
        kept = Path(os.environ.get("UNIVERSE_GAN_KEEP", tmp_path)) / f"mutant-{number}"
        shutil.copy(tmp_path / "mutant", kept)
        pytest.fail(
            f"mutants.mutant({number}), kept as {kept}: exit {done.returncode}\n{done.stderr[-2000:]}"
        )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def test_a_mutant_is_the_same_every_time_and_no_two_are_alike() -> None:
    some = [mutants.mutant(number) for number in range(200)]
    assert some == [mutants.mutant(number) for number in range(200)]
    assert len(set(some)) > 190
