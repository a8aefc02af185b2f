"""The subject of a planet picture: a bright body with a sharp limb before a fairly even sky.

1. **Sky.** A second-degree surface for each colour is laid under the picture by asymmetric least squares
   (Eilers and Boelens 2005): what stands above it hardly counts, so bodies and stars do not lift it. It may
   be bright and uneven, as at dusk.
2. **Bodies.** What stands out of the noise, in connected parts. The one with most light is the subject; parts
   that lie within its bounds (rings on both sides of a globe) and bodies close by (a moon) belong to it.
3. **Limb.** A planet's edge is sharp and a nebula's is not: where the edge is soft nearly all around, or the
   rest of the picture is no sky, there is no subject.
4. **Disc.** Of a crescent only the lit side is seen. Where enough of the limb is an arc of one circle, the
   whole disc belongs to the subject, its invisible night side too, so that the disc is what gets centred.

All is done on a small version; a subject that is small in the picture is looked at again from close by.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.imaging.crop import Box

LONGEST = 192
"""Longest side of the small version, in pixels."""
CLOSER = 64
"""A body of fewer pixels in it is looked at again."""
LEAST = 10
"""Pixels a body needs on its longer side to be told from a star or a cluster."""

UNDER, MIDDLE = 12, 6
"""Steps in which the sky's surface settles under everything, then in the middle of the sky's own noise."""
FAINT = 6.0
"""Gray levels above the sky below which nothing is seen, however quiet the sky."""
SHARP, STEEP = 0.5, 0.1
"""Share of the edge along which half of the light inside is reached within two pixels, and the rise a pixel
as a share of that light. Half the share is enough for the edge of a disc. The least of 60 rendered planets:
0.58 and 0.13; the median of 138 nebulae: 0.51 and 0.12."""
JAGGED = 1.3
"""Length of the outline as a multiple of the ellipse around it; planets at most 1.2, nebulae 1.8 (median)."""
ARC = 0.28
"""Share of a whole round that the limb has to show before the disc is completed."""
EVEN = 0.85
"""Share of the picture outside the bodies that has to be sky."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Body:
    """One connected part, or several that belong together."""

    mask: Mask
    left: int
    top: int
    right: int
    bottom: int

    @property
    def side(self) -> int:
        return max(self.right - self.left, self.bottom - self.top)

    def near(self, other: "_Body", gap: float) -> bool:
        """Do the bounds overlap, or come closer than `gap`?"""
        return (
            self.left - gap < other.right
            and other.left - gap < self.right
            and self.top - gap < other.bottom
            and other.top - gap < self.bottom
        )

    def joined(self, other: "_Body") -> "_Body":
        return _Body(
            self.mask | other.mask,
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def find(image: Image.Image) -> Box | None:
    """The bounds of the subject in pixels of an upright RGB picture; `None`: there is no such body.

    A side that lies exactly on the picture's edge is where that edge cuts the body. The night side of a
    crescent may reach beyond the picture.
    """
    if min(image.size) < LEAST:
        return None
    box = _seen(image, (0, 0, *image.size))
    if box is None:
        return None
    longest = max(box[2] - box[0], box[3] - box[1])
    if longest * LONGEST >= CLOSER * max(image.size) or max(image.size) <= LONGEST:
        return box
    around = (
        max(0, box[0] - longest),
        max(0, box[1] - longest),
        min(image.width, box[2] + longest),
        min(image.height, box[3] + longest),
    )
    return _seen(image, around)


def _seen(image: Image.Image, part: Box) -> Box | None:
    """The subject as it is found in a part of the picture, in pixels of the whole."""
    light, noise = _above_sky(_small(image, part))
    bodies = _bodies(light, noise)
    if not bodies:
        return None
    main, rest = bodies[0], np.zeros_like(bodies[0].mask)
    for other in bodies[1:]:
        rest |= other.mask
    if main.side < LEAST or not _is_even(light, main.mask, rest, noise):
        return None
    disc = _disc(light, main)
    if not _is_sharp(light, main, SHARP if disc is None else SHARP / 2):
        return None
    return _bounds(main, disc, part, image.size, light.shape)


def _small(image: Image.Image, part: Box) -> Floats:
    """A part of the picture, at most `LONGEST` pixels a side: rows, columns, colours."""
    left, top, right, bottom = part
    longest = max(right - left, bottom - top)
    if longest >= 2 * LONGEST:
        image, part = image.reduce(longest // LONGEST, part), (0, 0, 0, 0)
    elif part != (0, 0, *image.size):
        image = image.crop(part)
    if max(image.size) > LONGEST:
        width, height = (max(1, round(side * LONGEST / max(image.size))) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float64)


def _above_sky(colours: Floats) -> tuple[Floats, float]:
    """How far each pixel stands above the sky, in the colour in which it does most, and the sky's noise."""
    rows, columns = colours.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    step = max(1, min(rows, columns) // 24)
    few = terms[::step, ::step].reshape(-1, 6)
    above, noises = np.empty_like(colours), [0.5]
    for channel in range(3):
        seen = colours[::step, ::step, channel].ravel()
        steps = np.diff(colours[::step, :, channel], axis=1)
        noise = 1.4826 * float(np.median(np.abs(steps))) / 2**0.5
        factors, noise = _sky(few, seen, noise)
        above[..., channel] = colours[..., channel] - terms @ factors
        noises.append(noise)
    return np.asarray(above.max(axis=2)), max(noises)


def _sky(terms: Floats, seen: Floats, noise: float) -> tuple[Floats, float]:
    """Factors of the surface below what is seen, from under everything up to the middle of the noise; and
    the noise around it.

    Curvature is held back at first, or the surface would dome into a planet that leaves four corners free.
    """
    bent = np.diag([0.0, 0, 0, 1, 1, 1]) * len(seen)
    factors, over = np.zeros(6), seen
    weights: Floats = np.ones(len(seen))
    for turn in range(UNDER + MIDDLE):
        weighted = terms * weights[:, None]
        held = bent * (0.05 if turn < UNDER else 0.0005) + 1e-6 * np.eye(6)
        factors = np.asarray(np.linalg.solve(terms.T @ weighted + held, weighted.T @ seen), np.float64)
        over = seen - terms @ factors
        if turn < UNDER - 1:
            weights = np.where(over > 0, 0.005, 1.0)
        else:
            weights = np.where(over > np.quantile(over, 0.15) + 3 * noise + 1, 0.0, 1.0)
    return factors, 1.4826 * float(np.median(np.abs(over[weights > 0])))


def _bodies(light: Floats, noise: float) -> list[_Body]:
    """What stands out, the subject first; stars and specks are left out of the subject, not of the list."""
    from scipy import ndimage

    strongest = float(np.percentile(light, 99.5))
    seen = light > max(FAINT, 4 * noise, 0.04 * strongest)
    if not seen.any():
        return []
    labels, count = ndimage.label(seen, np.ones((3, 3)))
    total = ndimage.sum_labels(light, labels, np.arange(1, count + 1))
    found = [
        _Body(labels == number + 1, columns.start, rows.start, columns.stop, rows.stop)
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels))
        if total[number] >= 0.01 * total.max()
    ]
    order = np.argsort(-np.array([light[body.mask].sum() for body in found]), kind="stable")
    main, *others = (found[number] for number in order)
    return _together(main, others)


def _together(main: _Body, others: list[_Body]) -> list[_Body]:
    """Join to the subject what overlaps it, and near neighbours that make it little larger."""
    again = True
    while again:
        again = False
        for other in list(others):
            whole = main.joined(other)
            close = main.near(other, 0.25 * main.side) and whole.side <= 1.35 * main.side
            if main.near(other, 0.05 * main.side) or close:
                main, again = whole, True
                others.remove(other)
    return [main, *others]


def _is_even(light: Floats, main: Mask, rest: Mask, noise: float) -> bool:
    """Is the picture around the bodies sky?"""
    from scipy import ndimage

    free: Mask = ~ndimage.binary_dilation(main | rest, iterations=3)
    if free.sum() < 0.01 * light.size:
        return False
    strongest = float(np.percentile(light[main], 90))
    if not strongest > 0:
        return False
    quiet = np.abs(light[free]) <= max(FAINT, 4 * noise, 0.06 * strongest)
    return bool(quiet.mean() >= EVEN) and noise < 0.1 * strongest


def _is_sharp(light: Floats, main: _Body, share: float) -> bool:
    """Is the outline simple, and does the light rise within two pixels of it as steeply as at a limb?"""
    from scipy import ndimage

    edge = _edge(np.asarray(ndimage.binary_fill_holes(main.mask)))
    if not edge.any() or edge.sum() > JAGGED * np.pi / 2 * (main.right - main.left + main.bottom - main.top):
        return False
    smooth = ndimage.uniform_filter(np.where(main.mask, light, 0), 3)
    steep = ndimage.maximum_filter(ndimage.gaussian_gradient_magnitude(light, 1.0), 5)
    steepness = steep[edge] / np.maximum(ndimage.maximum_filter(smooth, 25)[edge], 1)
    return bool(_rises(light, main.mask)[edge].mean() >= share and np.median(steepness) >= STEEP)


def _rises(light: Floats, main: Mask) -> Mask:
    """Where half of the most light within seven pixels is reached within two."""
    from scipy import ndimage

    smooth = ndimage.uniform_filter(np.where(main, light, 0), 3)
    return np.asarray(ndimage.maximum_filter(smooth, 5) > 0.5 * ndimage.maximum_filter(smooth, 15))


def _edge(main: Mask) -> Mask:
    """Pixels of the body beside the sky; where the picture's edge cuts it there is none."""
    from scipy import ndimage

    return np.asarray(main & ~ndimage.binary_erosion(main, border_value=1))


def _disc(light: Floats, main: _Body) -> tuple[float, float, float] | None:
    """Centre and radius of the circle on which the limb lies, if much of the edge does.

    Candidates are circles through three points spread over a part of the edge; the one with most of the
    edge on it wins (RANSAC with every sample taken in turn, so that the result is always the same).
    """
    rows, columns = np.nonzero(_edge(main.mask) & _rises(light, main.mask))
    if len(rows) < 12:
        return None
    turned = np.argsort(np.arctan2(rows - rows.mean(), columns - columns.mean()), kind="stable")
    points = np.stack([columns[turned] + 0.5, rows[turned] + 0.5], axis=1)
    best: tuple[float, tuple[float, float, float]] | None = None
    count = len(points)
    for spread in (count // 12, count // 6, count // 4, count // 3):
        for start in range(0, count, max(1, count // 24)):
            three = points[[start, (start + spread) % count, (start + 2 * spread) % count]]
            circle = _through(three)
            if circle is None or not 0.4 * main.side <= 2 * circle[2] <= 1.3 * main.side + 2:
                continue
            covered = _arc(points, circle)
            if best is None or covered > best[0]:
                best = covered, circle
    if best is None or best[0] < ARC:
        return None
    y, x = np.nonzero(main.mask)
    within = np.hypot(x + 0.5 - best[1][0], y + 0.5 - best[1][1]) <= best[1][2] + 1.5
    return best[1] if within.mean() >= 0.98 else None


def _through(three: Floats) -> tuple[float, float, float] | None:
    """The circle through three points."""
    (ax, ay), (bx, by), (cx, cy) = three
    twice = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
    if abs(twice) < 1e-6:
        return None
    a, b, c = ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy
    x = (a * (by - cy) + b * (cy - ay) + c * (ay - by)) / twice
    y = (a * (cx - bx) + b * (ax - cx) + c * (bx - ax)) / twice
    return float(x), float(y), float(np.hypot(ax - x, ay - y))


def _arc(points: Floats, circle: tuple[float, float, float]) -> float:
    """The share of a circle's whole round that has points of the edge on it."""
    x, y, radius = circle
    across, down = points[:, 0] - x, points[:, 1] - y
    on = np.abs(np.hypot(across, down) - radius) <= max(0.75, 0.015 * radius)
    sectors = np.floor(np.arctan2(down[on], across[on]) / (2 * np.pi) * 72).astype(int)
    return len(np.unique(sectors)) / 72


def _bounds(
    main: _Body,
    disc: tuple[float, float, float] | None,
    part: Box,
    whole: tuple[int, int],
    small: tuple[int, ...],
) -> Box:
    """The subject's bounds in the whole picture, its disc completed where no edge of the picture cuts it."""
    bounds = [float(main.left), float(main.top), float(main.right), float(main.bottom)]
    cut = _cut(main.mask)
    if disc is not None:
        x, y, radius = disc
        ends = (x - radius, y - radius, x + radius, y + radius)
        pick = (min, min, max, max)
        bounds = [
            value if stays else choose(value, end)
            for value, end, stays, choose in zip(bounds, ends, cut, pick, strict=True)
        ]
    found = []
    for number, value in enumerate(bounds):
        axis = number % 2
        scale = (part[2 + axis] - part[axis]) / small[1 - axis]
        place = part[axis] + value * scale
        edge = 0 if number < 2 else whole[axis]
        if cut[number] and part[number] == edge:
            found.append(edge)
            continue
        outwards = int(np.floor(place)) if number < 2 else int(np.ceil(place))
        found.append(outwards + (-1 if number < 2 else 1) if outwards == edge else outwards)
    return found[0], found[1], found[2], found[3]


def _cut(mask: Mask) -> tuple[bool, bool, bool, bool]:
    """Which of the picture's edges the body runs over: left, top, right, bottom."""
    left, top, right, bottom = (int(line.sum()) for line in (mask[:, 0], mask[0], mask[:, -1], mask[-1]))
    return left > 1, top > 1, right > 1, bottom > 1
