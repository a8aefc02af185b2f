"""How good are generated pictures, judged honestly for a few hundred real ones?

Features are (n, d) matrices, a row a picture, from a network that the discriminator does not use: what was
trained against features looks good in them whatever it draws (Kynkäänniemi et al. 2023,
https://arxiv.org/abs/2203.06026). No single number is enough: a Fréchet distance falls with the number of
pictures alone, copies of the training set look perfect in it, and collapse shows best in coverage. Pictures
are (n, side, side, 3) bytes. A measure of features raises `TooFew` where it cannot be taken of so few.

Where torchmetrics has a measure, the tests hold ours against it. It is not used: its KID has no interval that
holds, its FID takes roots of (d, d) matrices, which is slow and inexact where there are fewer pictures than
features, and importing it imports torchvision where that is installed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
NEIGHBOURS = 5
"""k of coverage and recall, as their papers recommend."""
FEWEST = 10
"""Pictures below which resampling them says nothing."""
DRAWS = 500
"""Bootstrap samples behind an interval."""


class TooFew(ValueError):
    """Fewer pictures than a measure can be taken of."""

    def __init__(self, have: int, need: int) -> None:
        super().__init__(f"{have} pictures; this takes {need}")
        self.have, self.need = have, need


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


def kernel_distance(real: Matrix, fake: Matrix, *, seed: int = 0, draws: int = DRAWS) -> Interval:
    """KID: squared maximum mean discrepancy under (x·y/d + 1)³, unbiased at any number of pictures.

    Equal distributions give 0 on average, also slightly negative values. Bińkowski et al. 2018,
    https://arxiv.org/abs/1801.01401.

    The interval is a wild bootstrap. Drawing pictures anew, as is usual, makes it 1.6 times too wide where
    the distributions are equal: the chance in each picture's mean similarity is then added once more (Arcones
    & Giné 1992, https://doi.org/10.1214/aos/1176348650). So the two parts of the error are taken apart. What
    depends on pairs of pictures gets random signs; from what depends on single pictures the share that is but
    the chance of the pairs is taken off (Efron & Stein 1981, https://doi.org/10.1214/aos/1176345462).
    `benchmarks/metrics.py` counts how often it holds the truth.
    """
    _enough(FEWEST, real, fake)
    kernels = _kernel(real, real), _kernel(fake, fake), _kernel(real, fake)
    value = _discrepancy(*kernels)
    pairs = _of_pairs(*kernels)
    dice = np.random.default_rng(seed)
    signs = dice.choice([-1.0, 1.0], (draws, len(pairs)))
    alone = max(0.0, _of_pictures(*kernels) - 4 * float((pairs**2).sum()))
    errors = ((signs @ pairs) * signs).sum(axis=1) + np.sqrt(alone) * dice.standard_normal(draws)
    low, high = np.percentile(errors, [2.5, 97.5])
    return Interval(value, value - max(float(high), 0.0), value - min(float(low), 0.0))


def frechet_distance(real: Matrix, fake: Matrix) -> float:
    """FD of two normal distributions with the pictures' means and covariances (Heusel et al. 2017, FID).

    tr((ΣΣ')½) is the sum of the singular values of the product of the centred data, which is exact also where
    there are fewer pictures than features. Depends on the number of pictures: compare with `floor` only.
    """
    _enough(2, real, fake)
    means = real.mean(axis=0) - fake.mean(axis=0)
    ours, theirs = (one - one.mean(axis=0) for one in (real, fake))
    ours, theirs = ours / np.sqrt(len(real) - 1), theirs / np.sqrt(len(fake) - 1)
    shared = np.linalg.svd(ours @ theirs.T, compute_uv=False).sum()
    return float(means @ means + (ours**2).sum() + (theirs**2).sum() - 2 * shared)


def floor(real: Matrix, count: int, *, seed: int = 0, draws: int = 10) -> float:
    """The Fréchet distance of real pictures to other real ones: no generator can do better.

    `count` on each side, or half of what there is; the mean of several draws.
    """
    _enough(4, real)
    dice = np.random.default_rng(seed)
    half = min(count, len(real) // 2)
    orders = (dice.permutation(len(real)) for _ in range(draws))
    return float(
        np.mean([frechet_distance(real[order[:half]], real[order[half : 2 * half]]) for order in orders])
    )


def coverage(real: Matrix, fake: Matrix, neighbours: int = NEIGHBOURS) -> float:
    """Share of the real pictures that have a generated one nearer than their k-th real neighbour.

    About 0.97 for equal distributions and k = 5; collapse brings it down. Naeem et al. 2020,
    https://arxiv.org/abs/2002.09797.
    """
    _enough(1, fake)
    return float((distances(real, fake).min(axis=1) < _reach(real, neighbours)).mean())


def recall(real: Matrix, fake: Matrix, neighbours: int = NEIGHBOURS) -> float:
    """Share of the real pictures that lie within the k-th neighbour's distance of some generated one.

    Kynkäänniemi et al. 2019, https://arxiv.org/abs/1904.06991.
    """
    _enough(1, real)
    return float((distances(real, fake) < _reach(fake, neighbours)[None, :]).any(axis=1).mean())


def memorisation(train: Matrix, held_out: Matrix, fake: Matrix) -> float | None:
    """How near generated pictures are to training ones, as a share of how near held-out real ones are.

    About 1 for a generator that has learned, well below (copies: 0.6 and less) for one that remembers.
    `None`: most held-out pictures are among the training ones too, so nothing can be said.
    """
    _enough(1, train, held_out, fake)
    near, real = (float(np.median(distances(one, train).min(axis=1))) for one in (fake, held_out))
    return near / real if real > 1e-6 else None


def spectrum(pictures: NDArray[np.uint8]) -> Matrix:
    """Mean power over rings of equal frequency, in decibels; pictures (n, side, side, 3) → (side / 2,)."""
    side = pictures.shape[1]
    window = np.hanning(side)[:, None] * np.hanning(side)
    across = np.fft.fftfreq(side) * side
    ring = np.hypot(across[:, None], across[None, :]).round().astype(int)
    total = np.zeros(side // 2)
    for picture in pictures:
        gray = picture.mean(axis=2)
        power = np.abs(np.fft.fft2((gray - gray.mean()) * window)) ** 2
        sums = np.bincount(ring.ravel(), power.ravel(), minlength=side)[: side // 2]
        total += sums / np.bincount(ring.ravel(), minlength=side)[: side // 2]
    decibels: Matrix = 10 * np.log10(total / len(pictures) + 1e-9)
    return decibels


def spectrum_distance(real: NDArray[np.uint8], fake: NDArray[np.uint8]) -> float:
    """Root mean square difference of two sets' spectra, in decibels: blur and checkerboards show here."""
    difference = spectrum(real)[1:] - spectrum(fake)[1:]
    return float(np.sqrt((difference**2).mean()))


def colour_distance(real: NDArray[np.uint8], fake: NDArray[np.uint8]) -> float:
    """How far gray levels must move to make one set's red, green and blue histograms the other's, on average.

    In levels of 255 (first Wasserstein distance).
    """
    ours, theirs = _cumulated(real), _cumulated(fake)
    return float(np.abs(ours - theirs).sum(axis=1).mean())


def histograms(pictures: NDArray[np.uint8]) -> Matrix:
    """(3, 256): share of the pixels of (n, side, side, 3) at each level of red, green and blue."""
    found: Matrix = _counts(pictures) / pictures[..., 0].size
    return found


def _enough(need: int, *sides: Matrix) -> None:
    if (have := min(map(len, sides))) < need:
        raise TooFew(have, need)


def distances(one: Matrix, other: Matrix) -> Matrix:
    """Euclidean distances, (n, m)."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    found: Matrix = np.sqrt(np.maximum(squares, 0))
    return found


def _reach(points: Matrix, neighbours: int) -> Matrix:
    """The distance of each point to its k-th neighbour."""
    _enough(neighbours + 1, points)
    between = distances(points, points)
    np.fill_diagonal(between, np.inf)
    found: Matrix = np.partition(between, neighbours - 1, axis=1)[:, neighbours - 1]
    return found


def _kernel(one: Matrix, other: Matrix) -> Matrix:
    found: Matrix = (one @ other.T / one.shape[1] + 1) ** 3
    return found


def _discrepancy(real: Matrix, fake: Matrix, between: Matrix) -> float:
    """Squared MMD from the three kernel matrices; no picture is compared with itself."""
    within = [_others(kernel).mean() for kernel in (real, fake)]
    return float(within[0] + within[1] - 2 * between.mean())


def _others(kernel: Matrix) -> Matrix:
    """(n,): each picture's mean similarity to the others."""
    found: Matrix = (kernel.sum(axis=1) - np.diag(kernel)) / (len(kernel) - 1)
    return found


def _of_pictures(real: Matrix, fake: Matrix, between: Matrix) -> float:
    """Variance of the discrepancy as single pictures show it (jackknife): twice what pairs add is in it."""
    ours, theirs = _others(real) - between.mean(axis=1), _others(fake) - between.mean(axis=0)
    return float(4 * ours.var(ddof=1) / len(ours) + 4 * theirs.var(ddof=1) / len(theirs))


def _of_pairs(real: Matrix, fake: Matrix, between: Matrix) -> Matrix:
    """(n + m, n + m): what each pair of pictures adds to the discrepancy beyond what the two add alone."""
    count, other = between.shape
    across = between - between.mean(axis=0) - between.mean(axis=1)[:, None] + between.mean()
    across /= -count * other
    return np.block([[_centred(real), across], [across.T, _centred(fake)]])


def _centred(kernel: Matrix) -> Matrix:
    """Rows and columns without their means, no picture with itself; divided by the number of pairs."""
    count = len(kernel)
    means = _others(kernel) * (count - 1) / (count - 2)
    found: Matrix = kernel - means[:, None] - means + means.mean() * count / (count - 1)
    np.fill_diagonal(found, 0)
    return found / (count * (count - 1))


def _cumulated(pictures: NDArray[np.uint8]) -> Matrix:
    """(3, 256): share of the pixels at or below each level."""
    shares: Matrix = np.cumsum(_counts(pictures), axis=1) / pictures[..., 0].size
    return shares


def _counts(pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(3, 256): pixels at each level of red, green and blue."""
    return np.array([np.bincount(pictures[..., channel].ravel(), minlength=256) for channel in range(3)])
