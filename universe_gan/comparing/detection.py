"""How well people tell generated pictures from real ones: shares with intervals, sensitivity, differences.

A *hit* is a real picture that was taken for real, a *false alarm* a generated one that was.
"""

from math import sqrt
from statistics import NormalDist

from collectors.frozen import Frozen

LEVEL = 0.95
"""Of every interval here."""


class Share(Frozen):
    """So many of so many, and the interval that holds the true share at `LEVEL`."""

    part: int
    whole: int
    value: float | None
    """`None`: of nothing."""
    low: float
    high: float


class Difference(Frozen):
    """One share less another, and its interval at `LEVEL`."""

    value: float
    low: float
    high: float


def share(part: int, whole: int, level: float = LEVEL) -> Share:
    """The share and its score interval, which never leaves 0 to 1 and holds for few too.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927), 209-212.
    """
    if not whole:
        return Share(part=0, whole=0, value=None, low=0.0, high=1.0)
    low, high = score_interval(part / whole, whole, NormalDist().inv_cdf(0.5 + level / 2))
    low, high = 0.0 if part == 0 else low, 1.0 if part == whole else high
    return Share(part=part, whole=whole, value=part / whole, low=low, high=high)


def score_interval(value: float, whole: int, z: float) -> tuple[float, float]:
    """Wilson's interval about a share of `whole`, `z` standard errors wide on both sides."""
    middle = (value + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * sqrt(value * (1 - value) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
    return middle - half, middle + half


def difference(one: Share, other: Share) -> Difference | None:
    """`one` less `other`, with the interval that their score intervals make; `None`: one is of nothing.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17 (1998), 873-890, method 10.
    """
    if one.value is None or other.value is None:
        return None
    value = one.value - other.value
    low = value - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    high = value + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Difference(value=value, low=low, high=high)


def sensitivity(hits: Share, alarms: Share) -> float | None:
    """d′: how far real and generated pictures are apart for the eye, in standard deviations; 0: not at all.

    Whoever always says "real" has 0, however many generated pictures passed. A half is added to each count,
    so that it is finite where nobody erred: Hautus, "Corrections for extreme proportions and their biasing
    effects on estimated values of d′", Behavior Research Methods 27 (1995), 46-51. `None`: one side was not
    shown.
    """
    if not hits.whole or not alarms.whole:
        return None
    z = NormalDist().inv_cdf
    return z((hits.part + 0.5) / (hits.whole + 1)) - z((alarms.part + 0.5) / (alarms.whole + 1))


def balanced_accuracy(hits: Share, alarms: Share) -> float | None:
    """Right answers, both kinds counting as much; 0.5 is guessing. `None`: one side was not shown."""
    if hits.value is None or alarms.value is None:
        return None
    return (hits.value + 1 - alarms.value) / 2
