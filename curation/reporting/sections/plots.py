"""Plots as plain geometry (rectangles, ticks, a line) that a template writes as SVG, and their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320, 104
"""The field of a column plot in its own units, labels not counted."""


@dataclass(frozen=True)
class Bar:
    """One rectangle; `cls` names its colour, `words` are shown to who points at it."""

    x: float
    y: float
    width: float
    height: float
    cls: str
    words: str


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Plot:
    """One plot, and the same as a table for those who do not see it."""

    title: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    line: Tick | None
    """A threshold."""
    names: tuple[tuple[str, str], ...]
    """The colours that occur, and what they stand for."""
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    """Label and one count a name, bins without images left out."""
    note: str = ""

    @property
    def total(self) -> int:
        return sum(sum(counts) for _, counts in self.rows)


def columns(
    title: str,
    bins: Sequence[tuple[str, Mapping[str, int]]],
    names: Mapping[str, str],
    *,
    line: tuple[float, str] | None = None,
    every: int = 1,
    scale: bool = False,
    note: str = "",
) -> Plot:
    """Stacked columns, one a bin. `names`: colour → words, the lowest first; `line`: where (0 to 1), label.

    Of the labels every `every`th is written under its column, or with `scale` where its column begins, as a
    line is drawn at its number; the table has all of them.
    """
    used = {name: words for name, words in names.items() if any(counts.get(name) for _, counts in bins)}
    highest = max((sum(counts.values()) for _, counts in bins), default=0) or 1
    step = WIDTH / max(1, len(bins))
    bars = []
    for number, (label, counts) in enumerate(bins):
        top = float(HEIGHT)
        for name, words in used.items():
            if not (count := counts.get(name, 0)):
                continue
            height = max(1.0, HEIGHT * count / highest)
            top -= height
            where = f"{label}: {count:,} {words}"
            bars.append(_bar(number * step + step * 0.06, top, step * 0.88, height, name, where))
    return Plot(
        title=title,
        bars=tuple(bars),
        ticks=tuple(
            Tick(round((number + (0 if scale else 0.5)) * step, 2), label)
            for number, (label, _) in enumerate(bins)
            if number % every == 0
        ),
        line=Tick(round(line[0] * WIDTH, 2), line[1]) if line else None,
        names=tuple(used.items()),
        rows=tuple(
            (label, tuple(counts.get(name, 0) for name in used))
            for label, counts in bins
            if any(counts.values())
        ),
        note=note,
    )


@dataclass(frozen=True)
class Strip:
    """One stacked line of 100 units: its name, its parts, and the parts in words."""

    name: str
    total: int
    parts: tuple[Bar, ...]


def strip(name: str, counts: Mapping[str, int], words: Mapping[str, str]) -> Strip:
    """Counts by colour as one line; parts stand in the order of `words`."""
    total = sum(counts.values())
    start, parts = 0.0, []
    for cls, text in words.items():
        if count := counts.get(cls, 0):
            width = 100 * count / total
            parts.append(_bar(start, 0, width, 6, cls, f"{count:,} {text}"))
            start += width
    return Strip(name, total, tuple(parts))


def _bar(x: float, y: float, width: float, height: float, cls: str, words: str) -> Bar:
    return Bar(round(x, 2), round(y, 2), round(width, 2), round(height, 2), cls, words)
