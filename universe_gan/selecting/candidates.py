"""The generated pictures of a folder: ranked against real ones, and which of them are accepted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.duplicates.ties import NEAR
from curation.imaging.fingerprint import BITS, hashes
from universe_gan import pictures
from universe_gan.data import Prepared
from universe_gan.measuring.extractors import Extractor
from universe_gan.selecting import rankings, select
from universe_gan.selecting.select import Ranked


class NothingGenerated(Exception):
    """A folder without a picture of which it is known that a model drew it, or of models that differ."""

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(f"{folder}: {problem}")
        self.folder, self.problem = folder, problem


@dataclass(frozen=True)
class Drawn:
    """The generated pictures of a folder, which all learned from the same real ones."""

    folder: Path
    pixels: NDArray[np.uint8]
    """(n, side, side, 3)."""
    lines: Sequence[Mapping[str, Any]]
    """What is said of each."""


@dataclass(frozen=True)
class Choice:
    """One accepted picture."""

    path: Path
    line: Mapping[str, Any]
    ranked: Ranked
    by_hand: bool


def about(folder: Path) -> Mapping[str, Any]:
    """What is said of the generated pictures of a folder, of which all learned from the same real ones.

    Raises:
        NothingGenerated: there is none, or they learned from different pictures.
        NotOurs: as `pictures.lines`.
    """
    lines = [line for line in pictures.lines(folder) if line.get("synthetic")]
    if not lines:
        raise NothingGenerated(folder, f"its {pictures.SIDECAR} names no generated picture")
    if len({str(line.get("dataset_fingerprint")) for line in lines}) > 1:
        raise NothingGenerated(folder, "their models learned from different pictures")
    return lines[0]


def drawn(folder: Path, side: int) -> Drawn:
    """The generated pictures of a folder, brought to `side` pixels. Raises as `pictures.read`."""
    pixels, lines = pictures.read(folder, side)
    own = [number for number, line in enumerate(lines) if line.get("synthetic")]
    return Drawn(folder, pixels[own], [lines[number] for number in own])


def ranked(
    made: Drawn, prepared: Prepared, extractor: Extractor, cache: Path, symmetry: str = "all"
) -> list[Ranked]:
    """Rank the pictures against those of the run and write `ranking.jsonl`.

    `symmetry`: how pictures were turned in training (`TrainSettings.symmetry`); a copy so turned is a copy.
    Raises `TooFew`, `DiskFull`.
    """
    key = prepared.origin.fingerprint
    train = extractor.remembered(prepared.train.pixels, cache, f"{key} train")
    real = train[: len(prepared.reals)]
    few = len(prepared.held_out) < select.FEWEST
    others = turned((prepared.reals if few else prepared.held_out).pixels, symmetry)
    forms = [extractor.remembered(one, cache, f"{key} {few} form {form}") for form, one in enumerate(others)]
    usual = select.by_training(forms) if few else select.by_held_out(forms, real)
    found = select.rank(
        [extractor(one) for one in turned(made.pixels, symmetry)],
        train,
        usual,
        len(real),
        copied(made.pixels, prepared.train.pixels),
    )
    names = [name or f"training picture {number}" for number, name in enumerate(prepared.train.names)]
    rankings.write(made.folder, (_line(one, made, names) for one in found))
    return found


def copied(made: NDArray[np.uint8], train: NDArray[np.uint8]) -> dict[int, int]:
    """Pictures that show a training picture, turned ones too, by the hashes that find copies in `curate`.

    From (n, side, side, 3) and (m, side, side, 3): number of the picture → number of the training picture.
    Networks that tell things apart see a compressed or blurred copy as another picture; hashes do not.
    """
    ours, theirs = _signs(made)[:, 0], _signs(train)
    apart = np.stack([(BITS - ours @ theirs[:, way].T) / 2 for way in range(theirs.shape[1])]).min(axis=0)
    return {int(number): int(apart[number].argmin()) for number in np.flatnonzero(apart.min(axis=1) <= NEAR)}


def _signs(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 8, 256): the bits of each picture's hashes in its eight orientations, as 1 and -1."""
    raw = b"".join(hashes(Image.fromarray(one).convert("L")) for one in pixels)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(len(pixels), -1, BITS // 8), axis=2)
    return bits.astype(np.float32) * 2 - 1


def turned(pixels: NDArray[np.uint8], symmetry: str) -> Iterator[NDArray[np.uint8]]:
    """Pictures (n, side, side, 3) as they lie, then in the other ways that are equally likely."""
    for turns in range(4 if symmetry == "all" else 1):
        lying = np.rot90(pixels, turns, axes=(1, 2))
        yield lying
        if symmetry != "none":
            yield lying[:, :, ::-1]


def _line(one: Ranked, made: Drawn, names: Sequence[str]) -> dict[str, Any]:
    said = {
        "file": made.lines[one.number]["file"],
        "rank": one.rank,
        "quality": round(one.quality, 4),
        "novelty": round(one.novelty, 4),
        "diversity": None if one.diversity is None else round(one.diversity, 4),
        "nearest": names[one.nearest],
        "plausible": one.plausible,
    }
    if one.refused is None:
        return said
    other = names[one.nearest] if one.same_as is None else made.lines[one.same_as]["file"]
    return {**said, "refused": one.refused.value, "why": f"{one.refused.words}: {other}"}


def decided(made: Drawn) -> dict[int, bool]:
    """What a person said of the pictures: accepted (true) or rejected, by number. Raises `RankingUnfit`."""
    last = rankings.decisions(made.folder)
    said = ((number, last.get(line["file"])) for number, line in enumerate(made.lines))
    return {number: word == "accept" for number, word in said if word in ("accept", "reject")}


def choices(made: Drawn, found: Sequence[Ranked], keep: int, *, by_hand: bool) -> list[Choice]:
    """The accepted pictures: the best ones and what a person accepted, or with `by_hand` the latter alone."""
    chosen = select.accepted(found, keep, decided(made), by_hand=by_hand)
    return [
        Choice(made.folder / made.lines[one.number]["file"], made.lines[one.number], one, said)
        for one, said in chosen
    ]


def overruled(made: Drawn, found: Iterable[Ranked]) -> int:
    """How many pictures a person accepted that are refused all the same."""
    said = decided(made)
    return sum(one.refused is not None and said.get(one.number, False) for one in found)


def tally(found: Iterable[Ranked]) -> Counter[str]:
    """Pictures by what was found of them."""

    def words(one: Ranked) -> str:
        if one.refused is not None:
            return f"refused: {one.refused.words}"
        return "as real as real ones" if one.plausible else "less real than nearly all real ones"

    return Counter(words(one) for one in found)
