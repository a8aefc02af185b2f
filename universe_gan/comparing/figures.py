"""The numbers of a comparison: each with the interval that chance leaves it, and what may be called best.

The measures are those of `metrics`. KID brings its interval; that of the Fréchet distance is the spread over
draws of equal size; of coverage and recall it counts the real pictures as chance (Wilson 1927,
https://doi.org/10.1080/01621459.1927.10502953); the others are drawn anew, picture by picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from universe_gan.measuring import metrics
from universe_gan.measuring.judging import FEWEST, Judge
from universe_gan.measuring.metrics import Interval, Matrix

Pictures = NDArray[np.uint8]
DRAWS = 200
"""Bootstrap samples."""
FEW = 50
"""Pictures below which a column says that its figures are rough."""


@dataclass(frozen=True)
class Measure:
    """One row of the table."""

    key: str
    name: str
    says: str
    """One sentence for somebody who draws, not measures."""
    best: str
    better: Literal["less", "more"]
    digits: int


MEASURES = (
    Measure(
        "kid",
        "KID",
        "How far the two heaps of pictures are apart: 0 means nobody could tell them by their features.",
        "0",
        "less",
        4,
    ),
    Measure(
        "fd",
        "Fréchet distance",
        "The same in the manner of FID; only its distance from the floor, real against real, means anything.",
        "its floor",
        "less",
        1,
    ),
    Measure(
        "coverage",
        "coverage",
        "How much of what real pictures show has a made one near it; a model that repeats itself is low.",
        "about 1",
        "more",
        2,
    ),
    Measure(
        "recall",
        "recall",
        "How many real pictures the model could have drawn itself, going by what it drew.",
        "about 1",
        "more",
        2,
    ),
    Measure(
        "memorisation",
        "distance from training",
        "How far from the pictures it learned from, next to real ones it never saw: below 0.8 it copies.",
        "1",
        "more",
        2,
    ),
    Measure(
        "spectrum_db",
        "sharpness and grain",
        "How far fine and coarse detail are from the real share (power spectrum): blur and patterns show.",
        "0 dB",
        "less",
        2,
    ),
    Measure(
        "colour",
        "colours",
        "By how many of 255 levels red, green and blue must move to have the real histograms.",
        "0",
        "less",
        1,
    ),
)


@dataclass(frozen=True)
class Column:
    """One set of pictures: a stage of a run, a folder, or the real ones."""

    name: str
    group: str
    """The run, or the folder's name: columns of one group are the same pictures at different stages."""
    stage: Literal["real", "raw", "coloured", "upscaled", "folder"]
    pictures: Pictures
    """(n, side, side, 3), at the side of the real ones."""
    seeds: tuple[int, ...] = ()
    about: Mapping[str, Any] | None = None
    """Provenance, without what differs from picture to picture."""
    generation: int | None = None


@dataclass(frozen=True)
class Looked:
    """A column, what the extractor sees in it, and its figures; `None`: too few pictures, or no meaning."""

    column: Column
    features: Matrix
    figures: Mapping[str, Interval | None]


@dataclass(frozen=True)
class Near:
    """A generated picture and the training picture nearest to it."""

    made: int
    train: int
    share: float
    """Their distance, as a share of the usual one of real pictures that were never trained on."""


def look(judge: Judge, column: Column) -> Looked:
    """Measure a set against the real pictures that the judge holds, held out where there are enough."""
    fresh = len(judge.held_out) >= FEWEST
    real, pixels = (judge.of_held_out, judge.held_out) if fresh else (judge.of_train, judge.train)
    made, itself = column.pictures, column.stage == "real"
    fake = judge.extractor(made)
    enough = min(len(real), len(fake)) >= metrics.FEWEST
    dice = np.random.default_rng(judge.seed)
    found: dict[str, Interval | None] = {
        "kid": metrics.kernel_distance(real, fake, seed=judge.seed) if enough else None,
        "fd": _frechet(real, fake, dice) if enough else None,
        "coverage": _share(metrics.coverage(real, fake), len(real)) if enough else None,
        "recall": _share(metrics.recall(real, fake), len(real)) if enough else None,
        "memorisation": _memorisation(judge, real, fake, dice) if fresh and not itself else None,
        "spectrum_db": _spectrum(pixels, made, dice),
        "colour": _colour(pixels, made, dice),
    }
    return Looked(column, fake, found)


def nearest(judge: Judge, looked: Looked, count: int) -> list[Near]:
    """The generated pictures that come nearest to a training picture, the nearest first."""
    apart = metrics.distances(looked.features, judge.of_train)
    shares = apart.min(axis=1) / _usual(judge)
    order = np.argsort(shares, kind="stable")[:count]
    return [Near(int(at), int(apart[at].argmin()), float(shares[at])) for at in order]


def best(columns: Sequence[Looked]) -> set[tuple[str, int]]:
    """Which values are better than all their rivals by more than chance: (measure, number of the column).

    Rivals of a run's column are those of other runs; with one run, its other stages. Real pictures are none.
    """
    found = set()
    rivals = [at for at, one in enumerate(columns) if one.column.stage != "real"]
    several = len({columns[at].column.group for at in rivals}) > 1
    for measure in MEASURES:
        for at in rivals:
            group = columns[at].column.group
            others = [
                columns[other].figures[measure.key]
                for other in rivals
                if other != at and (not several or columns[other].column.group != group)
            ]
            mine = columns[at].figures[measure.key]
            known = [one for one in others if one is not None]
            if (
                mine
                and known
                and len(known) == len(others)
                and all(_beats(measure, mine, one) for one in known)
            ):
                found.add((measure.key, at))
    return found


def cautions(columns: Sequence[Looked], judge: Judge) -> list[str]:
    """What the numbers of pictures are too small for, in words."""
    found = []
    held = len(judge.held_out)
    if held < FEWEST:
        found.append(
            f"Pictures held out: {held}, where {FEWEST} are needed. So all is compared with the training"
            " pictures, a copy looks perfect here, and the distance from training cannot be told."
        )
    elif held < FEW:
        found.append(
            f"{held} held-out pictures are few: coverage and recall move in steps of {1 / held:.0%}, and"
            " small differences are chance."
        )
    made = [one.column for one in columns if one.column.stage != "real"]
    for column in made:
        if (count := len(column.pictures)) < metrics.FEWEST:
            found.append(f"{column.name}: {count} pictures are too few for KID, FD, coverage and recall.")
    rough = [one for one in made if metrics.FEWEST <= len(one.pictures) < FEW]
    if rough:
        named = ", ".join(f"{one.name} ({len(one.pictures)})" for one in rough)
        found.append(f"So few pictures give rough figures; draw some hundreds: {named}.")
    if len({len(one.pictures) for one in made}) > 1:
        found.append("The columns hold different numbers of pictures: coverage grows with the number alone.")
    return found


def floor(judge: Judge) -> tuple[float, int] | None:
    """The Fréchet distance of real pictures to other real ones, and of how many each."""
    real = judge.of_held_out if len(judge.held_out) >= FEWEST else judge.of_train
    half = len(real) // 2
    return (metrics.floor(real, half, seed=judge.seed), half) if half >= 2 else None


def _beats(measure: Measure, one: Interval, other: Interval) -> bool:
    """Whether the intervals do not even touch; farther from training than real ones is no better."""
    if measure.key == "memorisation":
        return min(one.low, 1.0) > min(other.high, 1.0)
    return one.high < other.low if measure.better == "less" else one.low > other.high


def _frechet(real: Matrix, fake: Matrix, dice: np.random.Generator) -> Interval:
    """Over draws of as many pictures as `floor` takes, on both sides."""
    equal = min(len(real) // 2, len(fake))
    found = [
        metrics.frechet_distance(
            real[dice.permutation(len(real))[:equal]], fake[dice.permutation(len(fake))[:equal]]
        )
        for _ in range(10)
    ]
    return Interval(float(np.mean(found)), min(found), max(found))


def _share(share: float, count: int) -> Interval:
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    wide = z * sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return Interval(share, max(0.0, middle - wide), min(1.0, middle + wide))


def _usual(judge: Judge) -> float:
    """How far real pictures lie from the nearest training picture, the median.

    Held-out ones where there are enough, else training pictures from the others.
    """
    if len(judge.held_out) >= FEWEST:
        near = metrics.distances(judge.of_held_out, judge.of_train).min(axis=1)
    else:
        apart = metrics.distances(judge.of_train, judge.of_train)
        np.fill_diagonal(apart, np.inf)
        near = apart.min(axis=1)
    return max(float(np.median(near)), 1e-9)


def _memorisation(judge: Judge, real: Matrix, fake: Matrix, dice: np.random.Generator) -> Interval | None:
    value = metrics.memorisation(judge.of_train, real, fake)
    if value is None:
        return None
    near = [metrics.distances(side, judge.of_train).min(axis=1) for side in (fake, real)]
    drawn = [[np.median(dice.choice(side, len(side))) for side in near] for _ in range(DRAWS)]
    return _around(value, [one / max(other, 1e-9) for one, other in drawn])


def _spectrum(real: Pictures, fake: Pictures, dice: np.random.Generator) -> Interval:
    powers = [10 ** (np.array([metrics.spectrum(one[None]) for one in side]) / 10) for side in (real, fake)]
    drawn = []
    for _ in range(DRAWS):
        means = [side[dice.integers(0, len(side), len(side))].mean(axis=0) for side in powers]
        drawn.append(_decibels(*means))
    return _around(_decibels(*(side.mean(axis=0) for side in powers)), drawn)


def _decibels(one: Matrix, other: Matrix) -> float:
    """As `metrics.spectrum_distance`."""
    apart = 10 * np.log10(one[1:] + 1e-9) - 10 * np.log10(other[1:] + 1e-9)
    return float(np.sqrt((apart**2).mean()))


def _colour(real: Pictures, fake: Pictures, dice: np.random.Generator) -> Interval:
    shares = [np.array([histograms(one[None]).cumsum(axis=1) for one in side]) for side in (real, fake)]
    drawn = []
    for _ in range(DRAWS):
        ours, theirs = (side[dice.integers(0, len(side), len(side))].mean(axis=0) for side in shares)
        drawn.append(float(np.abs(ours - theirs).sum(axis=1).mean()))
    return _around(metrics.colour_distance(real, fake), drawn)


def histograms(pictures: Pictures) -> Matrix:
    """(3, 256): share of the pixels at each level of red, green and blue."""
    counts = [np.bincount(pictures[..., channel].ravel(), minlength=256) for channel in range(3)]
    found: Matrix = np.array(counts) / pictures[..., 0].size
    return found


def _around(value: float, drawn: Sequence[float]) -> Interval:
    """A value with 1.96 standard errors on both sides: percentiles of distances lie too high."""
    wide = 1.96 * float(np.std(drawn))
    return Interval(value, max(0.0, value - wide), value + wide)


def fine(real: Pictures, made: Pictures, side: int) -> float:
    """How far the spectra are apart, in decibels, where pictures of `side` hold nothing; all are larger."""
    ours, theirs = (metrics.spectrum(one)[side // 2 :] for one in (real, made))
    return float(np.sqrt(((ours - theirs) ** 2).mean()))
