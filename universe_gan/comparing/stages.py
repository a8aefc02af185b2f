"""The pictures of a comparison: real, raw, coloured, upscaled, of each run, at equal seeds.

What `generate`, `colour` and `upscale` left in folders is used where it comes from the same checkpoint; raw
pictures that are missing are drawn, coloured ones matched on the spot; nothing is upscaled, which takes long.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any, Literal

import numpy as np

from universe_gan import pictures
from universe_gan.comparing.figures import Column
from universe_gan.comparing.intervals import Pictures
from universe_gan.data import Prepared
from universe_gan.generate import Generator
from universe_gan.measuring.extractors import resized
from universe_gan.pictures import SIDECAR, NotOurs

Stage = Literal["raw", "coloured", "upscaled"]
STAGES: tuple[Stage, ...] = ("raw", "coloured", "upscaled")
LARGE = 64
"""Upscaled pictures that are kept at their own size, for the spectrum."""
DEPTH = ("*/", "*/*/", "*/*/*/")
OWN = frozenset({"file", "sha256", "seed", "source", "seeds"})
"""What differs from picture to picture."""


class NoFolder(Exception):
    """A folder that holds no pictures of ours."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no pictures with a {SIDECAR}")
        self.folder = folder


@dataclass(frozen=True)
class Kept:
    """A picture that lies in some folder."""

    path: Path
    line: Mapping[str, Any]


def kept(places: Iterable[Path], checkpoint: str) -> dict[Stage, dict[int, Kept]]:
    """What lies in the folders below these places of one checkpoint, by stage and seed; untruncated ones."""
    found: dict[Stage, dict[int, Kept]] = {"raw": {}, "coloured": {}, "upscaled": {}}
    for one in of_checkpoint(places, checkpoint):
        if not is_truncated(one):
            found[_stage(one.line)].setdefault(one.line["seed"], one)
    return found


def of_checkpoint(places: Iterable[Path], checkpoint: str) -> Iterator[Kept]:
    """Every single picture of one checkpoint in the folders below these places."""
    for folder in sorted(
        {one.parent for place in places for deep in DEPTH for one in place.glob(f"{deep}{SIDECAR}")}
    ):
        try:
            lines = list(pictures.lines(folder))
        except NotOurs:
            continue
        for line in lines:
            if line.get("checkpoint_sha256") == checkpoint and isinstance(line.get("seed"), int):
                yield Kept(folder / line["file"], line)


def is_truncated(one: Kept) -> bool:
    """Drawn with less variety (`generate --truncation`): not to be held against what was drawn with all."""
    return bool(one.line.get("truncation", 1.0) != 1.0)


def seeds_for(there: Iterable[Mapping[Stage, Mapping[int, Kept]]], count: int) -> list[int]:
    """So many seeds for all runs: those that were worked on furthest before others, then from 0 on."""
    worked: dict[int, int] = {}
    for of_one in there:
        for depth, stage in enumerate(STAGES):
            worked |= {seed: max(depth, worked.get(seed, 0)) for seed in of_one[stage]}
    first = sorted(worked, key=lambda seed: (-worked[seed], seed))[:count]
    more = (seed for seed in itertools.count() if seed not in worked)
    return sorted([*first, *itertools.islice(more, count - len(first))])


def of_run(
    name: str, generator: Generator, prepared: Prepared, seeds: Sequence[int], places: Iterable[Path]
) -> Iterator[Column]:
    """The columns of one run: raw, coloured, and upscaled where that was done."""
    side, about = generator.about.side, generator.about
    there = kept(places, generator.sha256)
    facts = generator.provenance()
    generation = about.origin.generation
    missing = [seed for seed in seeds if seed not in there["raw"]]
    drawn = dict(zip(missing, generator.pictures(missing), strict=True))
    shown = (
        drawn[seed] if seed in drawn else pictures.square(there["raw"][seed].path, side) for seed in seeds
    )
    raw = np.stack(list(shown))
    yield Column(f"{name} raw", name, "raw", raw, tuple(seeds), facts, generation)
    have = [seed for seed in seeds if seed in there["coloured"]]
    if have:
        coloured = _read(there["coloured"], have, side)
        yield _column(name, "coloured", coloured, have, there["coloured"][have[0]].line, generation)
    elif util.find_spec("skimage") and len(prepared.reals):
        from universe_gan import colour

        matched = colour.matched_set(raw, colour.Reference.of(prepared.reals.pixels))
        how = {**facts, "coloured": {"like": about.origin.source, "strength": 1.0, "drawn": "for this page"}}
        yield _column(name, "coloured", matched, seeds, how, generation)
    if have := [seed for seed in seeds if seed in there["upscaled"]]:
        large = _read(there["upscaled"], have, side)
        yield _column(name, "upscaled", large, have, there["upscaled"][have[0]].line, generation)


def enlarged(generator: Generator, seeds: Sequence[int], places: Iterable[Path]) -> Pictures:
    """Some of a run's upscaled pictures at their own size, of seeds it has: (n, large, large, 3)."""
    there = kept(places, generator.sha256)["upscaled"]
    side = len(pictures.square(there[seeds[0]].path))
    return _read(there, seeds[:LARGE], side)


def of_folder(name: str, folder: Path, side: int) -> Column:
    """Any folder of pictures that this tool wrote. Raises `NoFolder`, `NotOurs`."""
    found, lines = pictures.read(folder, side)
    if not lines:
        raise NoFolder(folder)
    seeds = tuple(int(line.get("seed", -1)) for line in lines)
    return Column(name, name, "folder", found, seeds, _common(lines[0]), lines[0].get("generation"))


def real(prepared: Prepared, count: int) -> Column:
    """Real pictures in the place of generated ones: what the best of all models would reach."""
    pixels = prepared.reals.pixels
    chosen = np.random.default_rng(0).permutation(len(pixels))[:count]
    return Column("real", "real", "real", np.asarray(pixels[np.sort(chosen)]))


def originals(prepared: Prepared, side: int) -> Pictures | None:
    """Real pictures at a larger side, if they were that large; brought to it."""
    pixels = prepared.train.pixels[:LARGE]
    return None if pixels.shape[1] < side else resized(np.asarray(pixels), side)


def _stage(line: Mapping[str, Any]) -> Stage:
    return "upscaled" if "upscaled" in line else "coloured" if "coloured" in line else "raw"


def _column(
    name: str, stage: Stage, found: Pictures, seeds: Sequence[int], line: Mapping[str, Any], generation: int
) -> Column:
    return Column(f"{name} {stage}", name, stage, found, tuple(seeds), _common(line), generation)


def _common(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in OWN}


def _read(there: Mapping[int, Kept], seeds: Iterable[int], side: int) -> Pictures:
    """(n, side, side, 3): the kept pictures of these seeds."""
    return np.stack([pictures.square(there[seed].path, side) for seed in seeds])
