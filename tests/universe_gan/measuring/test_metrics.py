"""Measures of quality against answers that are known."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from universe_gan.measuring import metrics
from universe_gan.measuring.metrics import TooFew


def points(count: int, seed: int, wide: int = 8, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, 1, (count, wide))


def pictures(count: int = 12, side: int = 32) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def test_of_one_distribution_the_kid_is_about_nothing_and_of_another_it_is_not() -> None:
    same = metrics.kernel_distance(points(200, 1), points(200, 2))
    other = metrics.kernel_distance(points(200, 1), points(200, 2, shift=0.7))
    assert abs(same.value) < 0.1
    assert other.low > same.high


def test_kid_has_no_bias_where_the_frechet_distance_falls_with_the_number_of_pictures() -> None:
    kids, far = {}, {}
    for count in (30, 300):
        pairs = [(points(count, 2 * seed), points(count, 2 * seed + 1)) for seed in range(20)]
        found = [metrics.kernel_distance(*pair, draws=2).value for pair in pairs]
        kids[count] = np.mean(found) / (np.std(found) / np.sqrt(len(found)))
        far[count] = np.mean([metrics.frechet_distance(*pair) for pair in pairs])
    assert all(abs(errors) < 3 for errors in kids.values())
    assert far[30] > 3 * far[300]


def test_the_frechet_distance_of_shifted_normals_is_the_square_of_the_shift() -> None:
    real = points(500, 1)
    assert metrics.frechet_distance(real, real) == pytest.approx(0, abs=1e-6)
    assert metrics.frechet_distance(real, real + 2) == pytest.approx(8 * 4)


def test_it_agrees_with_the_formula_of_matrix_roots() -> None:
    linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not installed")
    one, other = points(300, 1), points(300, 2) @ np.diag(np.arange(1, 9))
    covariances = np.cov(one.T), np.cov(other.T)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    means = one.mean(axis=0) - other.mean(axis=0)
    expected = means @ means + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert metrics.frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("count", "other", "wide"), [(40, 40, 8), (30, 120, 64)])
def test_the_interval_holds_the_truth_as_often_as_it_says(count: int, other: int, wide: int) -> None:
    held = 0
    for seed in range(200):
        told = metrics.kernel_distance(
            points(count, 2 * seed, wide), points(other, 2 * seed + 1, wide), draws=200, seed=seed
        )
        assert told.low < told.value < told.high
        held += told.low <= 0 <= told.high
    assert 0.92 <= held / 200 <= 0.98


def test_kid_is_that_of_torchmetrics() -> None:
    module = pytest.importorskip("torchmetrics.image.kid", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    one, other = points(60, 1), points(60, 2, shift=0.5)
    expected = module.poly_mmd(torch.tensor(one), torch.tensor(other), 3, None, 1.0)
    assert metrics.kernel_distance(one, other).value == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("count", [300, 20])
def test_the_frechet_distance_is_that_of_torchmetrics(count: int) -> None:
    module = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics is not installed")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Flat(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        num_features = 32

        def forward(self, pictures: Any) -> Any:
            return pictures.flatten(1)

    one, other = points(count, 1, 32), points(count, 2, 32, shift=0.5)
    measure = module.FrechetInceptionDistance(feature=Flat(), normalize=True).set_dtype(torch.float64)
    for features, real in ((one, True), (other, False)):
        measure.update(torch.tensor(features), real=real)
    assert metrics.frechet_distance(one, other) == pytest.approx(float(measure.compute()), rel=1e-3)


def test_the_floor_is_what_no_generator_beats_at_equal_numbers() -> None:
    real = points(200, 1)
    assert metrics.floor(real, 100) == pytest.approx(
        metrics.frechet_distance(points(100, 3), points(100, 4)), rel=0.5
    )
    assert metrics.floor(real, 20) > metrics.floor(real, 100)


def test_collapse_is_found_by_coverage_and_recall() -> None:
    real, good = points(200, 1), points(200, 2)
    collapsed = np.repeat(points(4, 3), 50, axis=0) + points(200, 4) * 0.01
    assert metrics.coverage(real, good) > 0.9
    assert metrics.coverage(real, collapsed) < 0.3
    assert metrics.recall(real, collapsed) < 0.2 < 0.7 < metrics.recall(real, good)


def test_copies_are_found_by_their_nearness_and_by_nothing_else() -> None:
    real, held_out = points(200, 1), points(100, 2)
    copies = real[:100] + points(100, 3) * 0.05
    assert metrics.memorisation(real, held_out, points(100, 4)) == pytest.approx(1, abs=0.15)
    assert metrics.memorisation(real, held_out, copies) < 0.3
    assert metrics.coverage(held_out, copies) > 0.8


def test_where_held_out_pictures_were_trained_on_too_nothing_is_said_of_copies() -> None:
    real = points(50, 1)
    assert metrics.memorisation(real, real[:30], points(50, 2)) is None


def test_blur_and_noise_change_the_spectrum_and_a_tint_the_colours() -> None:
    real = pictures()
    blurred = np.stack([np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(1))) for one in real])
    assert metrics.spectrum_distance(real, real) == 0
    assert metrics.spectrum_distance(real, blurred) > 5
    assert metrics.spectrum_distance(blurred, real) == metrics.spectrum_distance(real, blurred)
    dark = real // 2
    assert metrics.colour_distance(dark, dark) == 0
    assert metrics.colour_distance(dark, dark + np.uint8(10)) == pytest.approx(10)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_pictures_are_said_and_never_become_nan(count: int) -> None:
    with pytest.raises(TooFew) as told:
        metrics.kernel_distance(points(50, 1), points(count, 2))
    assert (told.value.have, told.value.need) == (count, metrics.FEWEST)


def test_more_neighbours_than_pictures_are_refused() -> None:
    with pytest.raises(TooFew):
        metrics.coverage(points(5, 1), points(50, 2))
    with pytest.raises(TooFew):
        metrics.recall(points(50, 1), points(5, 2))
    with pytest.raises(TooFew):
        metrics.frechet_distance(points(1, 1), points(9, 2))
    with pytest.raises(TooFew):
        metrics.memorisation(points(9, 1), points(0, 1), points(9, 2))
