"""The similarity (turn, scale, shift) that lays most features of one picture over those of another.

Every match by itself names a similarity: turn and scale from its two directions and sizes, shift from its two
places. All of them are tried, so nothing is drawn by lot; the ones that most matches fit are refined by least
squares.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.imaging.features import Features

INLIERS = 8
"""Matches that one similarity must lay over each other before anything is looked at."""
SMALLEST, LARGEST = 0.2, 5.0
"""Scales between which copies are sought."""

_TOLERANCES = (16.0, 8.0, 4.0, 3.0)
"""Pixels by which a match may miss, in the finer picture, round by round."""
_TURN, _STRETCH = 0.35, 0.4
"""Radians, and natural logarithm of the scale, by which a match may differ from the similarity it fits."""
_HYPOTHESES = 8
_APART = 2.0
"""Pixels within which two features count as one: stars have several."""

_FINEST = 2.0
"""Diameter in pixels of the finest features there are."""

Floats = NDArray[np.float32]
Places = NDArray[np.complex128]


class Similarity(NamedTuple):
    """Lays the first over the second: place x `factor` + `shift`, as complex numbers."""

    factor: complex
    shift: complex
    inliers: int
    breadth: float = 0.0
    """How far the matches spread across their longest line, as a share of the second's shorter side."""


def similarity(one: Features, other: Features) -> Similarity:
    """The similarity that lays most matches over each other."""
    ours, theirs = _matches(one, other)
    nothing = Similarity(1, 0, 0)
    if len(ours) < INLIERS:
        return nothing
    here = one.x[ours].astype(np.float64) + 1j * one.y[ours]
    there = other.x[theirs].astype(np.float64) + 1j * other.y[theirs]
    own = np.log(other.size[theirs] / one.size[ours].astype(np.float64))
    own = own + 1j * (other.angle[theirs] - one.angle[ours])
    factors = np.exp(own)
    shifts = there - factors * here
    misses = np.abs(factors[:, None] * here + shifts[:, None] - there)
    fits = misses < _TOLERANCES[0] * np.maximum(1, np.abs(factors))[:, None]
    fits &= _alike(own[:, None] - own)
    fits &= _sought(np.abs(factors))[:, None]
    best = nothing
    for start in np.argsort(-fits.sum(axis=1), kind="stable")[:_HYPOTHESES]:
        if fits[start].sum() <= max(best.inliers, INLIERS - 1):
            break
        found = _refined(here, there, own, fits[start])
        best = found if found.inliers > best.inliers else best
    side = min(other.width, other.height)
    return best._replace(breadth=best.breadth / max(1, side))


def share(one: Features, other: Features, fit: Similarity) -> float:
    """Of the features in what both show, how many match; those too fine for the other do not count."""
    here, there = one.x + 1j * one.y, other.x + 1j * other.y
    shown = min(
        _within(here * fit.factor + fit.shift, one.size * abs(fit.factor), other),
        _within((there - fit.shift) / fit.factor, other.size / abs(fit.factor), one),
    )
    return min(1.0, fit.inliers / max(1, shown))


def _matches(one: Features, other: Features) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Features that are each other's nearest, by number."""
    if not len(one) or not len(other):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    likeness = one.vectors() @ other.vectors().T
    nearest, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
    ours = np.flatnonzero(back[nearest] == np.arange(len(nearest)))
    return ours, nearest[ours]


def _refined(here: Places, there: Places, own: Places, fits: NDArray[np.bool_]) -> Similarity:
    """Least squares over what fits, and again with less tolerance."""
    factor, shift = 1 + 0j, 0j
    for tolerance in _TOLERANCES:
        if fits.sum() < INLIERS:
            return Similarity(1, 0, 0)
        ours, theirs = here[fits], there[fits]
        around = ours - ours.mean()
        spread = float((np.abs(around) ** 2).sum())
        factor = complex((np.conj(around) * (theirs - theirs.mean())).sum() / max(spread, 1e-9))
        if not _sought(np.abs(np.array(factor))):
            return Similarity(1, 0, 0)
        shift = complex(theirs.mean() - factor * ours.mean())
        fits = np.abs(factor * here + shift - there) < tolerance * max(1, abs(factor))
        fits &= _alike(own - np.log(factor))
    return Similarity(factor, shift, min(_spots(here[fits]), _spots(there[fits])), _breadth(there[fits]))


def _breadth(places: Places) -> float:
    """Standard deviation along the direction in which it is smallest, in pixels."""
    if len(places) < 2:
        return 0.0
    spread = np.linalg.eigvalsh(np.cov(np.stack([places.real, places.imag])))
    return float(np.sqrt(max(0.0, spread[0])))


def _within(places: Places, sizes: Floats, picture: Features) -> int:
    inside = (places.real >= 0) & (places.real < picture.width) & (sizes >= _FINEST)
    return int((inside & (places.imag >= 0) & (places.imag < picture.height)).sum())


def _alike(difference: Places) -> NDArray[np.bool_]:
    """Whether similarities differ little, by the differences of their complex logarithms."""
    turn = np.abs(np.mod(difference.imag + np.pi, 2 * np.pi) - np.pi)
    return (turn < _TURN) & (np.abs(difference.real) < _STRETCH)


def _sought(scale: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (scale > SMALLEST) & (scale < LARGEST)


def _spots(places: Places) -> int:
    """Places further apart than `_APART`."""
    return len(np.unique(np.round(places / _APART)))
