"""The numbers of a comparison, what may be called best of them, and what too few pictures cannot tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from universe_gan.comparing import intervals
from universe_gan.comparing.intervals import Pictures
from universe_gan.measuring import metrics
from universe_gan.measuring.judging import FEWEST, Judge
from universe_gan.measuring.metrics import Interval, Matrix

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

    def seed_of(self, number: int) -> int | None:
        """That of one picture; `None`: it was not drawn from any."""
        return self.seeds[number] if self.seeds else None


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
    """Measure a set against the real pictures that the judge compares with."""
    real, made = judge.of_real, column.pictures
    fake = judge.extractor(made)
    told = judge.is_fresh and column.stage != "real"
    enough = min(len(real), len(fake)) >= metrics.FEWEST
    dice = np.random.default_rng(judge.seed)
    found: dict[str, Interval | None] = {
        "kid": metrics.kernel_distance(real, fake, seed=judge.seed) if enough else None,
        "fd": intervals.frechet(real, fake, dice) if enough else None,
        "coverage": intervals.share(metrics.coverage(real, fake), len(real)) if enough else None,
        "recall": intervals.share(metrics.recall(real, fake), len(real)) if enough else None,
        "memorisation": intervals.memorisation(judge.of_train, real, fake, dice) if told else None,
        "spectrum_db": intervals.spectrum(judge.real, made, dice),
        "colour": intervals.colour(judge.real, made, dice),
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
    if not judge.is_fresh:
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
    half = len(judge.of_real) // 2
    return (metrics.floor(judge.of_real, half, seed=judge.seed), half) if half >= 2 else None


def _beats(measure: Measure, one: Interval, other: Interval) -> bool:
    """Whether the intervals do not even touch; farther from training than real ones is no better."""
    if measure.key == "memorisation":
        return min(one.low, 1.0) > min(other.high, 1.0)
    return one.high < other.low if measure.better == "less" else one.low > other.high


def _usual(judge: Judge) -> float:
    """How far real pictures lie from the nearest training picture, the median.

    Held-out ones where there are enough, else training pictures from the others.
    """
    if judge.is_fresh:
        near = metrics.distances(judge.of_held_out, judge.of_train).min(axis=1)
    else:
        apart = metrics.distances(judge.of_train, judge.of_train)
        np.fill_diagonal(apart, np.inf)
        near = apart.min(axis=1)
    return max(float(np.median(near)), 1e-9)


def fine(real: Pictures, made: Pictures, side: int) -> float:
    """How far the spectra are apart, in decibels, where pictures of `side` hold nothing; all are larger."""
    ours, theirs = (metrics.spectrum(one)[side // 2 :] for one in (real, made))
    return float(np.sqrt(((ours - theirs) ** 2).mean()))
