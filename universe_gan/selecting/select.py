"""Which generated pictures are worth keeping: as real as real ones, copies of none, and unlike each other.

Pictures are rows of features, (n, d), from a network that the discriminator does not use
(`measuring.extractors`).
How near is too near is measured on real pictures: what lies nearer to a training picture than held-out real
ones ever do is taken for its copy, and of two that lie so near to each other the less real one goes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from universe_gan.measuring.metrics import Matrix, TooFew, distances

NEIGHBOURS = 3
"""k of the realism score, as in its paper."""
FEWEST = 10
"""Held-out pictures from which on they are the yardstick; else training pictures without themselves."""
NEAR = 0.01
"""Share of real pictures that lie nearer to a training picture than what is called a copy."""
NEVER_FREE = 0.3
"""What lies nearer than this share of the usual distance is a copy, even if real pictures do so too."""
UNREAL = 0.05
"""Share of real pictures that would be called unreal."""

Forms = Sequence[Matrix]
"""The same pictures, each time (n, d): first as they lie, then in the other ways they could lie."""


class Refusal(StrEnum):
    """Why a picture is not for keeping, whatever anybody says of its looks."""

    COPY = "copy"
    DUPLICATE = "duplicate"

    @property
    def words(self) -> str:
        """For people."""
        return {
            Refusal.COPY: "a copy of a training picture, or too near to one",
            Refusal.DUPLICATE: "nearly the same as a better one",
        }[self]


@dataclass(frozen=True)
class Yardstick:
    """What is usual among real pictures."""

    usual: float
    """Distance to the nearest training picture, the median."""
    near: float
    """Distance below which two pictures are taken for the same."""
    real: float
    """Realism above which nearly all of them lie."""


@dataclass(frozen=True)
class Ranked:
    """One picture and its place; distances are shares of the usual one."""

    number: int
    """Which row of the features."""
    rank: int
    """From 1; refused ones come last."""
    quality: float
    """Realism: 1 and more where it lies among real pictures."""
    novelty: float
    """Distance to the nearest training picture."""
    diversity: float | None
    """Distance to the nearest picture of a better rank; `None`: there is none, or it is refused."""
    nearest: int
    """Number of that training picture."""
    plausible: bool
    """Whether it is as real as nearly all real pictures are."""
    refused: Refusal | None = None
    same_as: int | None = None
    """Number of the better picture that a duplicate resembles."""


def rank(
    made: Forms,
    train: Matrix,
    usual: Yardstick,
    reals: int | None = None,
    copied: Mapping[int, int] = MappingProxyType({}),
) -> list[Ranked]:
    """The pictures in the order in which to keep them, refused ones last.

    `train`: what the generator learned from, the first `reals` of it real (default: all); only real ones say
    what is real, all can be copied, turned too. Plausible pictures come first, each as far as can be from
    those before it, so that the first N cover what there is for every N; the others follow, the most real
    first. `copied`: pictures that are known as copies otherwise, each with its training picture.
    """
    lying = made[0]
    quality = realism(lying, train[: len(train) if reals is None else reals])
    between = _between(made, train)
    nearest = between.argmin(axis=1)
    for number, original in copied.items():
        nearest[number] = original
    novelty = between[np.arange(len(lying)), nearest]
    copies = between.min(axis=1) < usual.near
    copies[list(copied)] = True
    same_as = _duplicates(made, np.where(copies, -np.inf, quality), usual.near)
    free = [number for number in range(len(lying)) if not copies[number] and number not in same_as]
    order = _order(free, lying, quality, usual.real)
    apart = _apart(lying[order]) / usual.usual
    refused = sorted(set(range(len(lying))) - set(free), key=lambda one: -quality[one])

    def ranked(place: int, number: int) -> Ranked:
        why = Refusal.COPY if copies[number] else Refusal.DUPLICATE if number in same_as else None
        return Ranked(
            number=number,
            rank=place + 1,
            quality=float(quality[number]),
            novelty=float(novelty[number] / usual.usual),
            diversity=None if why or place == 0 else float(apart[place]),
            nearest=int(nearest[number]),
            plausible=bool(quality[number] >= usual.real),
            refused=why,
            same_as=same_as.get(number) if why is Refusal.DUPLICATE else None,
        )

    return [ranked(place, number) for place, number in enumerate([*order, *refused])]


def _order(free: Sequence[int], points: Matrix, quality: Matrix, real: float) -> list[int]:
    """The plausible ones, far from each other, then the others by their quality."""
    best = sorted(free, key=lambda one: -quality[one])
    plausible = [one for one in best if quality[one] >= real]
    others = [one for one in best if quality[one] < real]
    return [plausible[place] for place in farthest_first(points[plausible])] + others


def by_held_out(held_out: Forms, real: Matrix) -> Yardstick:
    """What is usual, as held-out pictures stand to `real` ones trained on, (m, d). Raises `TooFew`."""
    if (few := min(len(held_out[0]), len(real))) < FEWEST:
        raise TooFew(few, FEWEST)
    return _yardstick(_between(held_out, real), realism(held_out[0], real))


def by_training(real: Forms) -> Yardstick:
    """What is usual, as each training picture stands to the others. Raises `TooFew`."""
    if len(real[0]) < FEWEST:
        raise TooFew(len(real[0]), FEWEST)
    between, lying = _between(real, real[0]), distances(real[0], real[0])
    np.fill_diagonal(between, np.inf)
    np.fill_diagonal(lying, np.inf)
    return _yardstick(between, _realism(lying, _reach(lying)))


def _yardstick(between: Matrix, own: Matrix) -> Yardstick:
    """From distances to training pictures (n, m) and the realism of real pictures (n,)."""
    near = between.min(axis=1)
    usual = max(float(np.median(near)), 1e-12)
    least = max(float(np.quantile(near, NEAR)), NEVER_FREE * usual)
    return Yardstick(usual, least, float(np.quantile(own, UNREAL)))


def realism(made: Matrix, real: Matrix) -> Matrix:
    """(n,): how deep each picture lies in the neighbourhood of some real one.

    The largest ratio of a real picture's distance to its k-th neighbour and its distance to this one; the
    half of the real pictures that lie loosest say nothing (Kynkäänniemi et al. 2019, section 5,
    https://arxiv.org/abs/1904.06991).
    """
    between = distances(real, real)
    np.fill_diagonal(between, np.inf)
    return _realism(distances(made, real), _reach(between))


def farthest_first(points: Matrix) -> Iterator[int]:
    """All rows, the first one first, then each the farthest from those before it.

    The first k cover all of them within twice the best possible radius, for every k (greedy k-centre:
    Gonzalez 1985, https://doi.org/10.1016/0304-3975(85)90224-5).
    """
    if not len(points):
        return
    left, number = np.full(len(points), np.inf), 0
    for _ in range(len(points)):
        yield number
        left = np.minimum(left, _from(points, points[number]))
        left[number] = -np.inf
        number = int(left.argmax())


def _between(forms: Forms, points: Matrix) -> Matrix:
    """(n, m): distances from the nearest form of each picture."""
    found: Matrix = np.min([distances(form, points) for form in forms], axis=0)
    return found


def _duplicates(forms: Forms, worth: Matrix, near: float) -> dict[int, int]:
    """Each picture that lies near to a worthier one which stays, and that one; worth -inf plays no part."""
    found: dict[int, int] = {}
    for number in np.argsort(-worth, kind="stable"):
        if np.isneginf(worth[number]) or int(number) in found:
            continue
        away = np.min([_from(form, forms[0][number]) for form in forms], axis=0)
        for other in np.flatnonzero(away < near):
            if other != number and not np.isneginf(worth[other]):
                found.setdefault(int(other), int(number))
    return found


def _apart(points: Matrix) -> Matrix:
    """(n,): how far each row is from the nearest one before it; infinite for the first."""
    left = np.full(len(points), np.inf)
    for number in range(len(points)):
        away = _from(points, points[number])
        left[number + 1 :] = np.minimum(left[number + 1 :], away[number + 1 :])
    return left


def _from(points: Matrix, one: Matrix) -> Matrix:
    """(n,): exact distances of all rows to one point (d,)."""
    found: Matrix = np.linalg.norm(points - one, axis=1)
    return found


def _reach(between: Matrix) -> Matrix:
    """(m,): each real picture's distance to its k-th neighbour; 0 beyond the median: it says nothing."""
    reach = np.partition(between, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
    found: Matrix = np.where(reach <= np.median(reach), reach, 0.0)
    return found


def _realism(between: Matrix, reach: Matrix) -> Matrix:
    """(n,) from distances (n, m) and reaches (m,)."""
    found: Matrix = (reach / np.maximum(between, 1e-12)).max(axis=1)
    return found


def accepted(
    ranked: Sequence[Ranked], keep: int, decided: dict[int, bool], *, by_hand: bool
) -> list[tuple[Ranked, bool]]:
    """What is kept, by rank, and whether a person said so; what is refused is never kept.

    `decided`: what a person accepted (true) or rejected, by number. Without `by_hand` what they accepted is
    kept too, and filled up to `keep` with the best of what they did not reject.
    """
    free = [one for one in ranked if one.refused is None]
    chosen = [(one, True) for one in free if decided.get(one.number)]
    if not by_hand:
        rest = [one for one in free if one.number not in decided]
        chosen += [(one, False) for one in rest[: max(0, keep - len(chosen))]]
    return sorted(chosen, key=lambda pair: pair[0].rank)
