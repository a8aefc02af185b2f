"""Curves as plain numbers that a template writes as SVG: power spectra and histograms of colour."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from universe_gan.measuring.metrics import Matrix

WIDTH, HEIGHT = 640, 260
"""The field of a plot in its own units, labels not counted."""
SMALL = (256, 80)
"""That of a histogram."""


@dataclass(frozen=True)
class Line:
    """One curve: its points as SVG writes them, and the class that gives it its colour."""

    name: str
    cls: str
    points: str


@dataclass(frozen=True)
class Spectrum:
    """Power over frequency, one curve a column."""

    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    """Across: place, words."""
    levels: tuple[tuple[float, str], ...]
    """Up: place, decibels."""


def spectrum(named: Sequence[tuple[str, Matrix]], side: int) -> Spectrum:
    """Spectra (side / 2,) in decibels, the real one first; frequency runs in octaves."""
    shown = [curve[1:] for _, curve in named]
    low, high = (
        float(end([curve.min() if end is min else curve.max() for curve in shown])) for end in (min, max)
    )
    low, high = np.floor(low / 10) * 10, np.ceil(high / 10) * 10
    octaves = np.log2(max(2, len(shown[0])))

    def across(ring: float) -> float:
        return float(WIDTH * np.log2(ring) / octaves)

    def up(level: float) -> float:
        return float(HEIGHT * (1 - (level - low) / max(high - low, 1)))

    lines = tuple(
        Line(
            name,
            f"s{at}",
            " ".join(f"{across(1 + ring):.1f},{up(level):.1f}" for ring, level in enumerate(curve)),
        )
        for at, ((name, _), curve) in enumerate(zip(named, shown, strict=True))
    )
    rings = [2**power for power in range(int(octaves) + 1)]
    ticks = tuple((across(ring), f"{side / ring:.0f} px") for ring in rings)
    step = 20 if high - low > 60 else 10
    levels = tuple((up(level), f"{level:.0f}") for level in np.arange(low, high + 1, step))
    return Spectrum(lines, ticks, levels)


def histogram(real: Matrix, made: Matrix) -> tuple[Line, ...]:
    """Red, green and blue of a set over those of the real pictures, (3, 256) each, as roots."""
    highest = float(np.sqrt(max(real.max(), 1e-9)))
    found = []
    for name, curves in (("real", real), ("made", made)):
        for colour, curve in zip(("red", "green", "blue"), curves, strict=True):
            ends = SMALL[1] * (1 - np.minimum(np.sqrt(curve) / highest, 1))
            points = " ".join(f"{level},{place:.1f}" for level, place in enumerate(ends))
            if name == "real":
                points = f"0,{SMALL[1]} {points} 255,{SMALL[1]}"
            found.append(Line(f"{name} {colour}", f"{name} {colour}", points))
    return tuple(found)
