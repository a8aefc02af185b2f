"""Could it pass for a real one? The questions of a quiz: real and generated pictures, alike but for that.

What a person is shown must tell nothing but what the picture shows. So all pictures have one side: that of
the smallest generated ones, or of the real ones where those are smaller. Real pictures are brought to it as
they are for training (`data.prepare`), larger generated ones in the same way, and every file is an
uncompressed PNG without a word in it: of one length to the byte, under the number of its question.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors.formats import FORMATS
from collectors.progress import Progress
from curation.imaging.crop import centre_box
from curation.imaging.pixels import TooManyPixels, Unreadable, open_upright
from curation.markup import plain
from universe_gan import pictures
from universe_gan.comparing.answers import Asked
from universe_gan.data import NoPictures, natural_side, prepare
from universe_gan.data.decode import MAX_PIXELS
from universe_gan.data.rows import SUFFIXES
from universe_gan.generate import Generator

SEEDS = 1_000_000
"""Seeds that pictures of a run are drawn by are below this."""
Pixels = NDArray[np.uint8]
Named = tuple[str, Callable[[], Pixels]]
"""A picture by name, (side, side, 3) when it is called for."""


@dataclass(frozen=True)
class Real:
    """Where the real pictures are."""

    source: str
    revision: str | None = None


@dataclass(frozen=True)
class Maker:
    """A model, or a folder of what one made."""

    name: str
    side: int
    choose: Callable[[Random, int], list[Named]]
    """So many of its pictures, or as many as there are."""
    real: Real | None
    """What it learned from; `None`: nobody says."""


@dataclass(frozen=True)
class Question:
    """What is asked, and the picture that is shown."""

    asked: Asked
    png: bytes


def of_run(generator: Generator, name: str) -> Maker:
    """A trained generator, which draws what is asked for."""
    origin = generator.about.origin

    def choose(dice: Random, count: int) -> list[Named]:
        return [
            (f"seed-{seed:06}", partial(_drawn, generator, seed)) for seed in dice.sample(range(SEEDS), count)
        ]

    return Maker(name, generator.about.side, choose, Real(origin.source, origin.revision))


def of_folder(folder: Path, name: str) -> Maker:
    """Pictures that lie there: those of `pictures.jsonl`, else all.

    Raises:
        NoPictures: there are none, or the first cannot be read.
        NotOurs: a `pictures.jsonl` that somebody else wrote.
    """
    lines = list(pictures.lines(folder))
    files = [folder / line["file"] for line in lines] or sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES
    )
    if not files:
        raise NoPictures(str(folder), "no picture in it")
    try:
        with Image.open(files[0], formats=FORMATS) as first:
            side = min(first.size)
    except OSError as error:
        raise NoPictures(str(files[0]), "it cannot be read") from error

    def choose(dice: Random, count: int) -> list[Named]:
        some = dice.sample(files, min(count, len(files)))
        return [(path.name, partial(_opened, path)) for path in some]

    source = lines[0].get("dataset") if lines else None
    revision = lines[0].get("dataset_revision") if lines else None
    return Maker(name, side, choose, Real(source, revision) if source else None)


def questions(
    makers: Sequence[Maker],
    real: Real,
    count: int,
    seed: int,
    *,
    cache: Path,
    progress: Progress | None = None,
) -> tuple[int, list[Question]]:
    """The side of all pictures, and the questions: half real, the rest of each maker alike, in any order.

    The same seed gives the same questions. There are fewer where there are not enough pictures.

    Raises:
        NoPictures: as `data.prepare`, or a generated picture cannot be read.
        HubProblem, WorkspaceBusy, DiskFull: as `data.prepare`.
    """
    natural = natural_side(real.source, revision=real.revision, progress=progress)
    side = min(natural, *(maker.side for maker in makers))
    there = prepare(real.source, side=side, cache=cache, revision=real.revision, progress=progress)
    reals: list[Named] = [
        (name, partial(part.pixels.__getitem__, at))
        for part in (there.reals, there.held_out)
        for at, name in enumerate(part.names)
    ]
    dice = Random(seed)  # noqa: S311  (nothing secret hangs on it)
    each, more = divmod(count - count // 2, len(makers))
    made = {maker.name: maker.choose(dice, max(1, each + (at < more))) for at, maker in enumerate(makers)}
    shown = [("", one) for one in dice.sample(reals, min(count // 2, len(reals)))]
    shown += [(name, one) for name, some in made.items() for one in some]
    dice.shuffle(shown)
    return side, [
        Question(Asked(picture=plain(name), model=model), encoded(load(), side))
        for model, (name, load) in shown
    ]


def names(asked: Sequence[str]) -> Mapping[str, str]:
    """A short name for each path: as much of its end as tells it from the others."""
    parts = {one: Path(one).resolve().parts if Path(one).exists() else Path(one).parts for one in asked}
    for length in range(1, max(map(len, parts.values()), default=0) + 1):
        short = {one: "/".join(path[-length:]) for one, path in parts.items()}
        if len(set(short.values())) == len(parts):
            break
    return {one: plain(name) for one, name in short.items()}


def encoded(pixels: Pixels, side: int) -> bytes:
    """A picture as (side, side) PNG without compression or words, of the same length whatever it shows."""
    image = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")
    if image.size != (side, side):
        box = centre_box(*image.size)
        image = image.resize((side, side), Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def _drawn(generator: Generator, seed: int) -> Pixels:
    return next(generator.pictures([seed]))


def _opened(path: Path) -> Pixels:
    try:
        return np.asarray(open_upright(path, max_pixels=MAX_PIXELS).image)
    except (OSError, Unreadable, TooManyPixels) as error:
        raise NoPictures(str(path), "it cannot be read") from error
