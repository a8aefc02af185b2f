"""Large pictures through a network piece by piece: tiles that overlap, blended, assembled on the host.

A tile is a core and a margin around it. The network sees both; what it makes of the margin is thrown away but
for a narrow band on both sides of every seam, where neighbours fade into each other. At the picture's own
border there is no margin, so that the network meets the zeros there that it was trained with.

Nothing larger than a row of tiles is held: rows are given out from the top as soon as no later tile reaches
them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]
"""(n, h, w, 3) → (n, scale·h, scale·w, 3); raises `MemoryShort` where that many pixels do not fit."""

SMALLEST = 32
"""Side of a core below which no tile is cut smaller."""
BAND = 64
"""Large rows that are given out at once."""


class MemoryShort(Exception):
    """A batch of tiles that does not fit the device, however small it is made."""

    def __init__(self, side: int) -> None:
        super().__init__(f"a tile of {side} pixels does not fit the memory")
        self.side = side


class Source(Protocol):
    """A picture that can be read in pieces."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    def read(self, top: int, left: int, height: int, width: int) -> Floats:
        """(height, width, 3) from 0 to 1."""


@dataclass(frozen=True)
class Array:
    """A picture in memory as a source."""

    pixels: Floats

    @property
    def height(self) -> int:
        return len(self.pixels)

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    def read(self, top: int, left: int, height: int, width: int) -> Floats:
        return self.pixels[top : top + height, left : left + width]


@dataclass(frozen=True)
class Cut:
    """How a picture is cut, in small pixels."""

    side: int = 256
    """Of a core."""
    overlap: int = 64
    """Width of the margin around it."""
    fade: int = 16
    """Half the width of the band in which neighbours fade into each other; 0: a sharp seam."""
    step: int = 1
    """Tiles begin at multiples of it."""


@dataclass
class Room:
    """What fits the device, as far as is known."""

    side: int
    batch: int


@dataclass(frozen=True)
class Span:
    """One tile along one side of the picture, in small pixels."""

    first: int
    last: int
    """The core is first ... last - 1."""
    begin: int
    end: int
    """With its margin."""
    fade: int
    """Half the width of the band in which it fades into its neighbours."""
    length: int
    """Of the whole side."""

    @property
    def reach(self) -> int:
        """Pixels of core and margins."""
        return self.end - self.begin

    @property
    def shown(self) -> tuple[int, int]:
        """The core and half a band beyond it: what of the tile is in the result."""
        return max(0, self.first - self.fade), min(self.length, self.last + self.fade)

    def weights(self, scale: int) -> Floats:
        """(scale · pixels of `shown`,): this tile's share of each. Shares of neighbours add up to 1."""
        low, high = self.shown
        at = (np.arange(low * scale, high * scale) + 0.5) / scale
        share = np.ones(len(at))
        if self.fade and self.first > 0:
            share = np.minimum(share, (at - (self.first - self.fade)) / (2 * self.fade))
        if self.fade and self.last < self.length:
            share = np.minimum(share, ((self.last + self.fade) - at) / (2 * self.fade))
        return share.clip(0, 1).astype(np.float32)


def spans(length: int, side: int, overlap: int, fade: int = 0, step: int = 1) -> list[Span]:
    """Cut a side into cores of about `side` pixels, as equal as can be; all begin at multiples of `step`."""
    count = ceil(length / side)
    edges = [*(length * number // count // step * step for number in range(count)), length]
    overlap = ceil(overlap / step) * step
    fade = 0 if count == 1 else min(fade, overlap, (length // count) // 2)
    return [
        Span(first, last, max(0, first - overlap), min(length, last + overlap), fade, length)
        for first, last in pairwise(edges)
    ]


def enlarged(
    source: Source,
    run: Run,
    *,
    scale: int,
    cut: Cut,
    room: "Room | None" = None,
    done: Callable[[int], None] = lambda pixels: None,
) -> Iterator[Floats]:
    """The large picture from the top, `BAND` rows at a time: (rows, scale·width, 3).

    Where memory runs out fewer tiles go through at once, then smaller ones; `room` remembers what fits, for
    pictures to come too. `done` is told of the large pixels of each core.

    Raises:
        MemoryShort: not even a tile of `SMALLEST` fits.
    """
    room = room or Room(cut.side, 1)
    side = min(cut.side, room.side)
    across = spans(source.width, side, cut.overlap, cut.fade, cut.step)
    carried = np.zeros((0, source.width * scale, 3), np.float32)
    for down in spans(source.height, side, cut.overlap, cut.fade, cut.step):
        low, high = down.shown
        rows = np.zeros(((high - low) * scale, source.width * scale, 3), np.float32)
        rows[: len(carried)] = carried
        for some in _alike(across, room):
            tiles = [source.read(down.begin, one.begin, down.reach, one.reach) for one in some]
            for one, made in zip(some, _through(run, tiles, scale, cut, room), strict=True):
                left, right = one.shown
                shares = down.weights(scale)[:, None, None] * one.weights(scale)[:, None]
                rows[:, left * scale : right * scale] += shares * made[_inside(down, one, scale)]
                done((down.last - down.first) * (one.last - one.first) * scale**2)
        final = len(rows) - 2 * down.fade * scale * (down.last < source.height)
        for at in range(0, final, BAND):
            yield rows[at : min(at + BAND, final)].copy()
        carried = rows[final:].copy()
        del rows  # before the next ones are made: there is never more than one row of tiles


def _alike(across: Sequence[Span], room: Room) -> Iterator[list[Span]]:
    """Neighbours of one shape, as many as may go through the network at once."""
    waiting: list[Span] = []
    for span in across:
        if waiting and (len(waiting) >= room.batch or span.reach != waiting[0].reach):
            yield waiting
            waiting = []
        waiting.append(span)
    yield waiting


def _through(run: Run, tiles: Sequence[Floats], scale: int, cut: Cut, room: Room) -> list[Floats]:
    """Each tile enlarged: all at once, else half of them, else in smaller tiles of its own."""
    core = max(tiles[0].shape[:2]) - 2 * cut.overlap
    if len(tiles) == 1 and core > room.side:
        return [_in_parts(run, tiles[0], scale, cut, room)]
    try:
        return list(run(np.stack(tiles)))
    except MemoryShort:
        if len(tiles) == 1 and room.side <= SMALLEST:
            raise
    if len(tiles) > 1:
        room.batch = half = len(tiles) // 2
        first = _through(run, tiles[:half], scale, cut, room)
        return first + _through(run, tiles[half:], scale, cut, room)
    room.side = max(SMALLEST, min(room.side, core) // 2)
    return [_in_parts(run, tiles[0], scale, cut, room)]


def _in_parts(run: Run, tile: Floats, scale: int, cut: Cut, room: Room) -> Floats:
    return np.concatenate(list(enlarged(Array(tile), run, scale=scale, cut=cut, room=room)))


def _inside(down: Span, across: Span, scale: int) -> tuple[slice, slice]:
    """Where in an enlarged tile that lies which is shown of it."""
    rows, columns = (
        slice((one.shown[0] - one.begin) * scale, (one.shown[1] - one.begin) * scale)
        for one in (down, across)
    )
    return rows, columns
