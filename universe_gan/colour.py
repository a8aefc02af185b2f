"""Tone and colour of generated pictures, brought near to those of the real ones that are most like them.

    matched(picture, Reference.of(reals), strength=0.8)

One histogram for all would make every picture look like the average of the reals. Here each gets the tones
and colours of its own k nearest: the curve of lightness that leads to the mean of their quantiles (in one
dimension the Wasserstein barycentre, Rabin et al. 2011, https://doi.org/10.1007/978-3-642-24785-9_37), and
the linear map of a*, b* that leads to the barycentre of their means and covariances (Pitié & Kokaram 2007,
https://doi.org/10.1049/cp:20070055). Everything is CIELAB in floats; rounding comes last.

Three things stay. The dark: lightness at and below the sky's own is not moved, and what is nearly black gets
no colour. Stars: what no short line fits under keeps its a* and b*, so a blue star in a picture made warmer
is blue. Order: the curve rises everywhere, by no more than `STEEPEST`, so nothing is posterised.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, grey_opening
from skimage.color import lab2rgb, rgb2lab

from universe_gan.measuring.extractors import resized

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]
See = Callable[[NDArray[np.uint8]], Matrix]

NEIGHBOURS = 3
"""Real pictures that a picture is matched to."""
KNOTS = 257
"""Quantiles of lightness, equally far apart."""
STEEPEST, FLATTEST = 2.5, 0.3
"""Slopes of the curve: more would show the steps of 8 bits, less would lose what is there."""
DARK = 12.0
"""Lightness (L*, 0 to 100) above which nothing counts as dark sky."""
ROOM = 20.0
"""L* above the sky over which the curve takes over."""
SMALL = 256
"""Longest side at which a picture is measured; it is changed at its own."""
SET = 10
"""Pictures from which on a set says how far off it is as a whole."""
_GRID = np.linspace(0, 100, 401)


@dataclass(frozen=True)
class Palette:
    """Tones and colours of one picture."""

    tones: Matrix
    """(KNOTS,) quantiles of L*."""
    mean: Matrix
    """(2,) of a*, b*, without the dark and the stars."""
    spread: Matrix
    """(2, 2) their covariance."""

    @property
    def key(self) -> Matrix:
        """(10,) numbers in units of CIELAB by which pictures are alike in tone and colour."""
        few = np.interp([0.05, 0.25, 0.5, 0.75, 0.95], np.linspace(0, 1, KNOTS), self.tones)
        root = _root(self.spread)
        return np.concatenate([few, self.mean, [root[0, 0], root[0, 1], root[1, 1]]])


@dataclass(frozen=True)
class Reference:
    """The palettes of real pictures, and by what a picture finds those most like it."""

    palettes: Sequence[Palette]
    keys: Matrix
    """(n, d)."""
    see: See | None = None
    """Features to find neighbours by; `None`: by the palettes themselves."""

    @staticmethod
    def of(reals: NDArray[np.uint8], see: See | None = None) -> "Reference":
        """From real pictures (n, side, side, 3), n at least 1."""
        known = [palette_of(one) for one in reals]
        return Reference(known, see(reals) if see else np.array([one.key for one in known]), see)

    def offset(self, pictures: Iterable[Palette]) -> Matrix:
        """(d,) how far a generated set lies off as a whole: a tint that all share is no reason to look for
        neighbours among tinted reals. Less what may be chance (James & Stein 1961); 0 for fewer than `SET`
        pictures, and where features find neighbours."""
        keys = np.array([] if self.see else [one.key for one in pictures])
        if min(len(keys), len(self.keys)) < SET:
            return np.zeros(self.keys.shape[1])
        found: Matrix = keys.mean(axis=0) - self.keys.mean(axis=0)
        chance = keys.var(axis=0, ddof=1) / len(keys) + self.keys.var(axis=0, ddof=1) / len(self.keys)
        found *= np.maximum(0, 1 - chance / np.maximum(found**2, 1e-12))
        return found

    def nearest(self, key: Matrix, count: int) -> tuple[NDArray[np.intp], Matrix]:
        """The numbers of the nearest and their weights, which sum to 1; the nearer the heavier.

        Weights are inverse squares (Shepard 1968): a picture that is itself among the reals stays as it is.
        """
        squares = ((self.keys - key) ** 2).sum(axis=1)
        order = np.argsort(squares, kind="stable")[:count]
        weights = 1 / (squares[order] + 1e-9)
        return order, weights / weights.sum()

    def aim(self, key: Matrix, count: int) -> Palette:
        """The barycentre of the `count` palettes nearest to a key (d,)."""
        order, weights = self.nearest(key, count)
        near = [self.palettes[number] for number in order]
        tones = np.tensordot(weights, [one.tones for one in near], 1)
        mean = np.tensordot(weights, [one.mean for one in near], 1)
        return Palette(tones, mean, _barycentre([one.spread for one in near], weights))


def palette(picture: Floats) -> Palette:
    """Of a picture (h, w, 3) from 0 to 1."""
    lab = rgb2lab(picture)
    light, colours = lab[..., 0], lab[..., 1:].reshape(-1, 2).astype(np.float64)
    counts = _moved(light).ravel().astype(np.float64) + 1e-9
    mean = np.average(colours, axis=0, weights=counts)
    share = _step(float(counts.mean()), 0.0, 0.01)  # a picture that is all dark has no colour to speak of
    apart = colours - mean
    spread = (apart * counts[:, None]).T @ apart / counts.sum()
    tones = np.quantile(light.astype(np.float64), np.linspace(0, 1, KNOTS))
    return Palette(tones, mean * share, spread * share)


def palette_of(picture: NDArray[np.uint8] | Floats) -> Palette:
    """Of a picture (h, w, 3), bytes or floats from 0 to 1; a large one is measured small."""
    given = _floats(picture)
    if max(given.shape[:2]) > SMALL:
        given = _floats(resized(levels(given)[None], SMALL)[0])
    return palette(given)


def matched(
    picture: NDArray[np.uint8] | Floats,
    reference: Reference,
    *,
    strength: float = 1.0,
    neighbours: int = NEIGHBOURS,
    offset: Matrix | None = None,
) -> Floats:
    """The picture (h, w, 3), bytes or floats from 0 to 1, in the tones and colours of its nearest reals.

    `strength`: 0 gives the picture back, 1 the whole change. `offset`: as `Reference.offset`. Returns floats
    from 0 to 1; `levels` rounds them.
    """
    given = _floats(picture)
    if strength == 0:
        return given
    own = palette_of(given)
    key = reference.see(levels(given)[None])[0] if reference.see else own.key
    aim = reference.aim(key if offset is None else key - offset, neighbours)
    lab = rgb2lab(given)
    light = lab[..., 0]
    turned = (lab[..., 1:] - own.mean) @ _transport(own.spread, aim.spread) + aim.mean
    lab[..., 1:] += _moved(light)[..., None] * (turned - lab[..., 1:])
    lab[..., 0] = np.interp(light, _GRID, curve(own.tones, aim.tones))
    found: Floats = (given + np.float32(strength) * (lab2rgb(lab) - given)).astype(np.float32)
    return found.clip(0, 1)


def matched_set(
    pictures: NDArray[np.uint8], reference: Reference, *, strength: float = 1.0, neighbours: int = NEIGHBOURS
) -> NDArray[np.uint8]:
    """A generated set (n, side, side, 3), each picture matched on its own, the set's own offset known."""
    offset = reference.offset(palette_of(one) for one in pictures)
    return np.stack(
        [
            levels(matched(one, reference, strength=strength, neighbours=neighbours, offset=offset))
            for one in pictures
        ]
    )


def levels(picture: Floats) -> NDArray[np.uint8]:
    """(h, w, 3) from 0 to 1 as bytes, rounded."""
    found: NDArray[np.uint8] = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    return found


def curve(own: Matrix, aim: Matrix) -> Matrix:
    """(401,): L* after, for each of `_GRID`: from a picture's quantiles (KNOTS,) to those it should have.

    Rises everywhere; does nothing at and below the dark sky, and to a picture that has these quantiles.
    """
    values, where = np.unique(own, return_inverse=True)
    aims = np.bincount(where, aim) / np.bincount(where)
    if values[0] > 0:  # black leads to black
        values, aims = np.insert(values, 0, 0.0), np.insert(aims, 0, 0.0)
    if values[-1] < 100:  # and white to white
        values, aims = np.append(values, 100.0), np.append(aims, 100.0)
    wanted = np.interp(_GRID, values, aims)
    change = gaussian_filter1d(wanted - _GRID, 6, mode="nearest")
    dark = min(float(own[KNOTS // 20]), DARK)
    slopes = np.diff(_GRID + change * _step(_GRID, dark, dark + ROOM)) / np.diff(_GRID)
    steps = slopes.clip(FLATTEST, STEEPEST) * np.diff(_GRID)
    return np.concatenate([[0.0], np.cumsum(steps)]).clip(0, 100)


def stars(light: NDArray[np.floating]) -> Floats:
    """(h, w) from 0 to 1: small bright sources of a picture's L*.

    What is left above the largest of the openings by short lines in four directions: a star is narrower than
    the line whichever way it lies, a filament is not. The usual top-hat with a disk would take both.
    """
    length = 2 * max(2, round(max(light.shape) / 64)) + 1
    across = np.eye(length, dtype=bool)
    flat = np.ones((1, length), dtype=bool)
    opened = np.maximum.reduce(
        [grey_opening(light, footprint=line) for line in (flat, flat.T, across, across[::-1])]
    )
    found: Floats = _step(light - opened, 6.0, 16.0).astype(np.float32)
    return found


def _floats(picture: NDArray[np.uint8] | Floats) -> Floats:
    found: Floats = picture.astype(np.float32)
    return found / np.float32(255) if picture.dtype == np.uint8 else found


def _moved(light: NDArray[np.floating]) -> Floats:
    """(h, w) how much of the new colours a place takes: none in the black and in stars, else 1."""
    found: Floats = _step(light, 2.0, 16.0) * (1 - stars(light))
    return found


def _step(value: Any, low: float, high: float) -> Any:
    """Smoothly from 0 to 1, of a number or an array."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _root(spread: Matrix) -> Matrix:
    """The symmetric square root of a covariance (2, 2)."""
    sizes, axes = np.linalg.eigh(spread)
    found: Matrix = (axes * np.sqrt(np.maximum(sizes, 0))) @ axes.T
    return found


def _barycentre(spreads: Sequence[Matrix], weights: Matrix, rounds: int = 20) -> Matrix:
    """Of normal distributions: Álvarez-Esteban et al. 2016, https://doi.org/10.1016/j.jmaa.2016.04.045."""
    few = [one + np.eye(2) * 1e-6 for one in spreads]
    found: Matrix = np.tensordot(weights, few, 1)
    for _ in range(rounds):
        root = _root(found)
        back = np.linalg.inv(root)
        middle = sum(weight * _root(root @ one @ root) for weight, one in zip(weights, few, strict=True))
        found = back @ middle @ middle @ back
    return found


def _transport(own: Matrix, aim: Matrix) -> Matrix:
    """The symmetric matrix that makes one covariance the other, within half and double.

    A unit of variance is added to both: what is nearly grey is not blown up to colours.
    """
    own, aim = own + np.eye(2), aim + np.eye(2)
    root = _root(own)
    back = np.linalg.inv(root)
    sizes, axes = np.linalg.eigh(back @ _root(root @ aim @ root) @ back)
    found: Matrix = (axes * sizes.clip(0.5, 2.0)) @ axes.T
    return found
