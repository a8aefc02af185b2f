"""Planets as a camera sees them: textured spheres with a phase, rings, a place in the picture, and a sky."""

from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Texture = NDArray[np.uint8]

FAINT = 12
"""Gray levels above the sky from which a part of a body counts as seen."""


@dataclass(frozen=True)
class Rings:
    """Outer radius and inner radius in radii of the globe, and how the rings lie."""

    outer: float = 2.27
    inner: float = 1.24
    opening: float = 20.0
    """Degrees by which they are tilted towards us; 0 would be edge on."""
    tilt: float = 0.0
    """Degrees by which they are turned in the picture."""
    brightness: float = 170.0
    gap: tuple[float, float] | None = (1.95, 2.03)


@dataclass(frozen=True)
class World:
    """One body in a picture."""

    x: float
    y: float
    radius: float
    phase: float = 0.0
    """Degrees between sun and camera: 0 full, 90 half, 150 a thin crescent."""
    sun: float = 0.0
    """Degrees in the picture from which the light comes."""
    texture: Texture | None = None
    colour: tuple[float, float, float] = (220.0, 190.0, 150.0)
    longitude: float = 0.0
    rings: Rings | None = None
    squash: float = 0.0


@dataclass(frozen=True)
class Seen:
    """A picture, and what is truly in it."""

    image: Image.Image
    lit: tuple[float, float, float, float]
    """Left, top, right, bottom of what is seen of the first body, rings included, uncut by the picture."""
    bodies: NDArray[np.bool_] = field(repr=False)
    """Where a body is seen."""


def bands(seed: int) -> Texture:
    """A texture without a file: bands and spots, as gas giants have."""
    dice = np.random.default_rng(seed)
    latitudes = np.linspace(0, 6 * np.pi, 128)[:, None]
    across = np.linspace(0, 2 * np.pi, 256)[None, :]
    waves = sum(
        dice.normal() * np.sin(latitudes * k + dice.normal() * np.sin(across * dice.integers(1, 4)))
        for k in range(1, 6)
    )
    level = 0.75 + 0.25 * waves / np.abs(waves).max()
    colour = dice.uniform(0.6, 1.0, 3)
    return np.asarray(255 * level[..., None] * colour, dtype=np.uint8)


def photograph(
    width: int,
    height: int,
    *worlds: World,
    seed: int = 0,
    sky: float = 4.0,
    gradient: tuple[float, float] = (0.0, 0.0),
    noise: float = 1.5,
    stars: int = 0,
    quality: int | None = None,
    blur: float = 0.7,
) -> Seen:
    """Draw the worlds; `gradient` is how much brighter the sky gets to the right and to the bottom."""
    dice = np.random.default_rng(seed)
    light = np.zeros((height, width, 3))
    seen = np.zeros((height, width), dtype=bool)
    lit = (0.0, 0.0, 0.0, 0.0)
    for number, world in enumerate(worlds):
        if number == 0:
            lit = _lit(world)
        _draw(light, world)
    seen = light.max(axis=2) >= FAINT
    y, x = np.mgrid[:height, :width]
    ground = sky + gradient[0] * x / width + gradient[1] * y / height
    light += ground[..., None] * np.array([0.9, 0.95, 1.0])
    for _ in range(stars):
        _star(light, dice, seen)
    from scipy.ndimage import gaussian_filter

    light = gaussian_filter(light, (blur, blur, 0)) if blur else light
    light += dice.normal(0, noise, (height, width, 1)) + dice.normal(0, noise / 2, (height, width, 3))
    image = Image.fromarray(np.clip(np.round(light), 0, 255).astype(np.uint8))
    if quality is not None:
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        image = Image.open(buffer)
        image.load()
    return Seen(image, lit, seen)


def _lit(world: World) -> tuple[float, float, float, float]:
    """The bounds of what is seen of a world, as if the picture were endless."""
    reach = world.radius * (world.rings.outer if world.rings else 1.0) + 4
    side = int(np.ceil(2 * reach)) + 2
    canvas = np.zeros((side, side, 3))
    left, top = np.floor(world.x - reach), np.floor(world.y - reach)
    moved = World(**(vars(world) | {"x": world.x - left, "y": world.y - top}))
    _draw(canvas, moved)
    rows, columns = np.nonzero(canvas.max(axis=2) >= FAINT)
    return (
        float(left + columns.min()),
        float(top + rows.min()),
        float(left + columns.max() + 1),
        float(top + rows.max() + 1),
    )


def _draw(light: Floats, world: World) -> None:
    """Lay one body over the picture: its globe with soft edges, its rings before and behind it."""
    reach = world.radius * (world.rings.outer if world.rings else 1.0) + 2
    height, width = light.shape[:2]
    x0, x1 = max(0, int(world.x - reach)), min(width, int(world.x + reach) + 2)
    y0, y1 = max(0, int(world.y - reach)), min(height, int(world.y + reach) + 2)
    if x0 >= x1 or y0 >= y1:
        return
    y, x = np.mgrid[y0:y1, x0:x1]
    u, v = (x + 0.5 - world.x) / world.radius, (y + 0.5 - world.y) / (world.radius * (1 - world.squash))
    distance = np.hypot(u, v)
    cover = np.clip((1 - distance) * world.radius + 0.5, 0, 1)
    globe = _globe(world, u, v)
    part = light[y0:y1, x0:x1]
    part *= 1 - cover[..., None]
    part += globe * cover[..., None]
    if world.rings:
        _draw_rings(part, world.rings, u, v, distance)


def _globe(world: World, u: Floats, v: Floats) -> Floats:
    w = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    around, turned = np.radians(world.phase), np.radians(world.sun)
    towards = (np.sin(around) * np.cos(turned), np.sin(around) * np.sin(turned), np.cos(around))
    shade = np.clip(u * towards[0] + v * towards[1] + w * towards[2], 0, 1) ** 0.8
    if world.texture is None:
        surface = np.broadcast_to(np.array(world.colour), (*u.shape, 3))
    else:
        rows, columns = world.texture.shape[:2]
        row = np.clip((np.arcsin(np.clip(v, -1, 1)) / np.pi + 0.5) * rows, 0, rows - 1).astype(int)
        column = ((np.arctan2(u, w) / (2 * np.pi) + world.longitude) % 1 * columns).astype(int) % columns
        surface = world.texture[row, column].astype(float)
    return np.asarray(surface * shade[..., None], dtype=np.float64)


def _draw_rings(part: Floats, rings: Rings, u: Floats, v: Floats, distance: Floats) -> None:
    turn = np.radians(rings.tilt)
    along, across = u * np.cos(turn) + v * np.sin(turn), -u * np.sin(turn) + v * np.cos(turn)
    radius = np.hypot(along, across / max(np.sin(np.radians(rings.opening)), 0.02))
    there = (radius <= rings.outer) & (radius >= rings.inner)
    if rings.gap:
        there &= (radius < rings.gap[0]) | (radius > rings.gap[1])
    there &= (distance > 1) | (across > 0)  # the far half goes behind the globe
    part[there] = rings.brightness * np.array([1.0, 0.95, 0.85])


def _star(light: Floats, dice: np.random.Generator, seen: NDArray[np.bool_]) -> None:
    height, width = seen.shape
    x, y = int(dice.integers(0, width)), int(dice.integers(0, height))
    if not seen[y, x]:
        light[y, x] += min(40 * dice.pareto(1.5) + 30, 900)
