"""The measures of `measuring.metrics`, each with the interval that chance leaves it.

KID brings its own. That of the Fréchet distance is the spread over draws of equal size; of coverage and
recall it counts the real pictures as chance (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953);
for the others pictures are drawn anew, 1.96 standard errors on both sides: percentiles of distances lie too
high. Features are (n, d), pictures (n, side, side, 3).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from universe_gan.comparing.detection import score_interval
from universe_gan.measuring import metrics
from universe_gan.measuring.metrics import Interval, Matrix

Pictures = NDArray[np.uint8]
Z = 1.96
"""Standard errors on both sides of a 95 % interval."""
DRAWS = 200
"""Bootstrap samples."""
HALVES = 10
"""Draws of which the Fréchet distance's interval is the spread."""


def frechet(real: Matrix, fake: Matrix, dice: np.random.Generator) -> Interval:
    """The Fréchet distance, over draws of as many pictures as `metrics.floor` takes, on both sides."""
    equal = min(len(real) // 2, len(fake))
    found = [
        metrics.frechet_distance(
            real[dice.permutation(len(real))[:equal]], fake[dice.permutation(len(fake))[:equal]]
        )
        for _ in range(HALVES)
    ]
    return Interval(float(np.mean(found)), min(found), max(found))


def share(value: float, count: int) -> Interval:
    """A share of `count` real pictures: coverage, recall."""
    low, high = score_interval(value, count, Z)
    return Interval(value, max(0.0, low), min(1.0, high))


def memorisation(train: Matrix, held_out: Matrix, fake: Matrix, dice: np.random.Generator) -> Interval | None:
    """How near generated pictures come to training ones; `None` as `metrics.memorisation`."""
    value = metrics.memorisation(train, held_out, fake)
    if value is None:
        return None
    near = [metrics.distances(side, train).min(axis=1) for side in (fake, held_out)]
    drawn = [[np.median(dice.choice(side, len(side))) for side in near] for _ in range(DRAWS)]
    return _around(value, [one / max(other, 1e-9) for one, other in drawn])


def spectrum(real: Pictures, fake: Pictures, dice: np.random.Generator) -> Interval:
    """How far the power spectra are apart, in decibels."""
    powers = [10 ** (np.array([metrics.spectrum(one[None]) for one in side]) / 10) for side in (real, fake)]
    drawn = []
    for _ in range(DRAWS):
        means = [side[dice.integers(0, len(side), len(side))].mean(axis=0) for side in powers]
        drawn.append(_decibels(*means))
    return _around(_decibels(*(side.mean(axis=0) for side in powers)), drawn)


def colour(real: Pictures, fake: Pictures, dice: np.random.Generator) -> Interval:
    """How far the histograms are apart, in levels of 255."""
    shares = [
        np.array([metrics.histograms(one[None]).cumsum(axis=1) for one in side]) for side in (real, fake)
    ]
    drawn = []
    for _ in range(DRAWS):
        ours, theirs = (side[dice.integers(0, len(side), len(side))].mean(axis=0) for side in shares)
        drawn.append(float(np.abs(ours - theirs).sum(axis=1).mean()))
    return _around(metrics.colour_distance(real, fake), drawn)


def _decibels(one: Matrix, other: Matrix) -> float:
    """Of two spectra in power, as `metrics.spectrum_distance` has it."""
    apart = 10 * np.log10(one[1:] + 1e-9) - 10 * np.log10(other[1:] + 1e-9)
    return float(np.sqrt((apart**2).mean()))


def _around(value: float, drawn: Sequence[float]) -> Interval:
    wide = Z * float(np.std(drawn))
    return Interval(value, max(0.0, value - wide), value + wide)
