"""Removing one image sends little to the Hub again: real pictures, cut into chunks as its client does."""

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest

from curation.dataset.shards import Grouping

ROOT = Path(__file__).parents[3]
SIZE = 256


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("republish", ROOT / "benchmarks" / "republish.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


republish = benchmark()
Sent = dict[tuple[str, str], dict[str, int]]


@pytest.fixture(scope="module")
def sample() -> list[Path]:
    """The nebulae that ship with the tool."""
    found: list[Path] = republish.pictures(ROOT / "universe_gan" / "sample" / "images", 40)
    assert len(found) > 30
    return found


@pytest.fixture(scope="module")
def sent(sample: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """What each change sends; beside the shards as they are built stand two with small row groups."""
    kept = republish.VARIANTS
    fixed = Grouping(ends_at=2**40, rows=8, bytes=2**30)
    republish.VARIANTS = {
        "as built": kept["as built"],
        "ends by uid": republish.Layout(Grouping(ends_at=8, rows=256, bytes=2**30)),
        "ends after 8": republish.Layout(fixed, republish.BY_CONTENT, "zstd"),
    }
    try:
        rows = republish.measure(sample, tmp_path_factory.mktemp("republish"), SIZE)
    finally:
        republish.VARIANTS = kept
    return {(row["shards"], row["change"]): row for row in rows}


@pytest.mark.parametrize("change", ["one removed", "one added", "one credited"])
def test_a_small_change_sends_a_small_part_again(sent: Sent, change: str) -> None:
    one = sent["as built", change]
    assert one["total"] > 3_000_000
    # The changed picture with what shares its chunks, the footer, and the words, a chunk themselves.
    assert one["sent"] < 3 * republish.LARGEST + 64_000
    assert one["sent"] < one["total"] / 6


def test_row_groups_that_end_at_uids_and_plain_pictures_are_what_keeps_it_small(sent: Sent) -> None:
    ours, theirs = (sent[shards, "one removed"]["sent"] for shards in ("ends by uid", "ends after 8"))
    assert theirs > 1.5 * ours


def test_the_hubs_own_client_counts_about_the_same(sent: Sent) -> None:
    for row in sent.values():
        if row["xet_sent"] is None:
            pytest.skip("hf-xet is not installed, or cannot store into a folder")
        assert abs(row["xet_sent"] - row["sent"]) < 3 * republish.LARGEST


def test_chunks_are_all_of_the_bytes_and_resume_after_a_change() -> None:
    data = random.Random(1).randbytes(3_000_000)
    chunks = [bytes(chunk) for chunk in republish.xet_chunks(data)]
    assert b"".join(chunks) == data
    assert all(republish.SMALLEST <= len(chunk) <= republish.LARGEST for chunk in chunks[:-1])
    assert 35 < len(chunks) < 75  # 64 kB beyond a floor of 8, cut off at 128
    changed = data[:1_500_000] + b"something else" + data[1_500_000:]
    fresh = {bytes(chunk) for chunk in republish.xet_chunks(changed)} - set(chunks)
    assert 1 <= len(fresh) <= 3
