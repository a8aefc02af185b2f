"""Derivatives of real deep-sky pictures are recognised, and no two distinct pictures are merged."""

import random
from pathlib import Path

import pytest
import stellarium
from derivatives import KINDS
from recognised import found, shelved

from curation.imaging import features


@pytest.fixture(scope="module")
def pictures() -> list[str]:
    return list(map(str, stellarium.nebulae()))


@pytest.mark.timeout(900)  # about 100 s of CPU, on two cores that others may use as well
@pytest.mark.skipif(not features.available(), reason="OpenCV is not installed: the extra [verify]")
def test_derivatives_of_real_pictures_are_recognised_among_all_strangers(
    pictures: list[str], tmp_path: Path
) -> None:
    chosen = random.Random(7).sample(pictures, 12)
    shelf = shelved(tmp_path, pictures, chosen)
    assert len(shelf.originals) >= 539
    table = {one.kind: one for one in found(shelf, tmp_path, list(KINDS))}
    assert {kind: one.strangers for kind, one in table.items() if one.strangers} == {}
    missed = [name for one in table.values() for name in one.missed]
    assert len(table) == 28
    assert sum(one.recall for one in table.values()) / len(table) >= 0.99, missed
    photographs = {pair for one in table.values() for pair in one.same_sky}
    assert {frozenset(Path(name).stem for name in pair) for pair in photographs} == {
        frozenset({"smc-ha", "smc29-1"})
    }
