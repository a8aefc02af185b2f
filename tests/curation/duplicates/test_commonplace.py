"""What descriptors have in common: taken off evenly for both hands, and strangers no longer meet by it."""

import numpy as np
import pytest
from skies import a_sky

from curation.duplicates import commonplace, retrieval
from curation.imaging import features
from curation.imaging.features import MIRROR, extract, unpack
from curation.imaging.fingerprint import canonical

LEFT = {name: np.load(commonplace.LEARNT, allow_pickle=False)[name] for name in ("mean", "axes", "shrunk")}


def test_what_was_learnt_is_its_own_mirror_image() -> None:
    mean, axes = commonplace.mean(), LEFT["axes"].astype(np.float64)
    assert mean.shape == (128,)
    assert mean[MIRROR] == pytest.approx(mean, abs=2e-4)
    assert axes @ axes.T == pytest.approx(np.eye(len(axes)), abs=3e-3)
    hands = np.abs((axes * axes[:, MIRROR]).sum(axis=1))  # each axis is even or odd
    assert hands == pytest.approx(np.ones(len(axes)), abs=5e-3)


def test_only_the_leading_directions_are_shrunk_and_by_as_much_as_was_learnt() -> None:
    axes, left = LEFT["axes"].astype(np.float64), LEFT["shrunk"].astype(np.float64)
    assert 0 < left.min() == left[0] < left[-1] < 1
    along = commonplace.shrunk(axes.T)
    assert (axes @ along).diagonal() == pytest.approx(left, abs=0.01)
    across = np.random.default_rng(1).standard_normal((128, 3))
    across -= axes.T @ np.linalg.solve(axes @ axes.T, axes @ across)
    assert commonplace.shrunk(across) == pytest.approx(across, abs=1e-5)


@pytest.mark.skipif(not features.available(), reason="OpenCV is not installed: the extra [verify]")
def test_strangers_meet_less_often_than_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    skies = [unpack(extract(canonical(a_sky(seed, 320)))) for seed in range(12)]

    def meetings() -> int:
        retrieval._projections.cache_clear()
        codes = retrieval._asked(skies).codes[0]
        return sum(int((np.unique(one, return_counts=True)[1] ** 2).sum()) - one.size for one in codes)

    shrunk = meetings()
    monkeypatch.setattr(commonplace, "shrunk", lambda projections: projections.astype(np.float32))
    plain = meetings()
    retrieval._projections.cache_clear()
    assert shrunk * 2 < plain
