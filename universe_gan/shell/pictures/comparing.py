"""What `universe-gan compare` does and says; numbers, plots and page are in `universe_gan.comparing`."""

from collections.abc import Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from universe_gan.shell.exits import Exit
from universe_gan.shell.models import judging
from universe_gan.shell.models.needs import PackagesMissing, device_for
from universe_gan.shell.output import Output, many
from universe_gan.shell.pictures.generating import NEEDED

if TYPE_CHECKING:
    import torch

    from universe_gan.comparing.comparison import Comparison
    from universe_gan.comparing.figures import Column, Looked
    from universe_gan.comparing.stages import Kept, Stage
    from universe_gan.data import Prepared
    from universe_gan.generate import Generator
    from universe_gan.measuring.judging import Judge
    from universe_gan.training.runs import Run

MOST = 1000


class OtherPictures(Exception):
    """Two runs that cannot be compared: they learned from other pictures, or at another side."""

    def __init__(self, one: Path, other: Path) -> None:
        super().__init__(f"{one} and {other} learned from other pictures")
        self.one, self.other = one, other


def compare(
    output: Output,
    asked: Sequence[str],
    *,
    folders: Sequence[tuple[str, Path]],
    to: Path | None,
    look: Sequence[Path],
    seeds: str | None,
    pictures: int | None,
    extractor: str | None,
    checkpoint: str,
    runs: Path,
    device: str | None,
    remarks: Sequence[str] = (),
) -> Exit:
    """Measure, draw and write; raises the failures of `judge`, `OtherPictures` and those of `stages`.

    `remarks` stand on the page before all others.
    """
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        raise PackagesMissing(missing, "comparing", "train")
    from universe_gan.comparing import comparison, stages
    from universe_gan.seeds import read_seeds

    where = device_for(device)
    opened = [_opened(one, checkpoint, runs, where) for one in asked]
    known = list({generator.sha256: (run, generator) for run, generator in opened}.values())  # each once
    names = _names(known)
    first = known[0][0]
    prepared = judging.reals_of(output, first)
    _alike(output, [run for run, _ in known], prepared)
    judge = _judge(known, prepared, extractor)
    places = list(look) or [Path()]
    there = {names[generator.sha256]: stages.kept(places, generator.sha256) for _, generator in known}
    if seeds or pictures:
        numbers = read_seeds(seeds) if seeds else list(range(pictures or 0))
    else:
        numbers = stages.seeds_for(there.values(), min(len(prepared.reals), MOST))
    _tell_seeds(output, known, there, numbers, places)
    columns = [stages.real(prepared, len(numbers))]
    with output.stage("draw", len(known)) as stage:
        for _, generator in known:
            columns += stages.of_run(names[generator.sha256], generator, prepared, numbers, places)
            stage.advance()
    columns += [stages.of_folder(name, folder, first.about.side) for name, folder in folders]
    looked = _looked(output, judge, columns)
    fine, notes = _fine(output, known, names, columns, places, prepared, runs)
    title = " · ".join(names.values())
    found = comparison.Comparison(
        title, looked, judge, tuple(filter(None, prepared.reals.names)), fine, [*remarks, *notes]
    )
    return _written(output, found, to or Path("compared") / "-".join(names.values()))


def _tell_seeds(
    output: Output,
    known: "Sequence[tuple[Run, Generator]]",
    there: "Mapping[str, Mapping[Stage, Mapping[int, Kept]]]",
    numbers: Sequence[int],
    places: Sequence[Path],
) -> None:
    """Which seeds are compared, and which pictures in folders are not."""
    from universe_gan.comparing import stages
    from universe_gan.seeds import in_words

    output.line(f"seeds     {in_words(numbers)}")
    for (_, generator), (name, found) in zip(known, there.items(), strict=True):
        if others := {seed for of_stage in found.values() for seed in of_stage}.difference(numbers):
            output.say(f"note: {name}: not compared, of other seeds: {in_words(sorted(others))}")
        odd = [one for one in stages.of_checkpoint(places, generator.sha256) if stages.is_truncated(one)]
        if odd:
            output.say(f"note: {name}: not compared, drawn with truncation: {many(len(odd), 'picture')}")


def _opened(asked: str, checkpoint: str, runs: Path, device: "torch.device") -> "tuple[Run, Generator]":
    from universe_gan.generate import Generator
    from universe_gan.training.runs import read

    place = judging.place_of(asked, runs)
    run = read(place.parent if place.is_file() else place)
    return run, Generator.load(place if place.is_file() else judging.checkpoint_of(run, checkpoint), device)


def _names(known: "Sequence[tuple[Run, Generator]]") -> dict[str, str]:
    """What each checkpoint is called: as its run, and with its own hash where two would be called alike."""
    named = [run.path.name for run, _ in known]
    return {
        generator.sha256: run.path.name
        if named.count(run.path.name) == 1
        else f"{run.path.name}@{generator.sha256[:6]}"
        for run, generator in known
    }


def _alike(output: Output, runs: "Sequence[Run]", prepared: "Prepared") -> None:
    """All are judged on the same held-out pictures; a later generation learned from more than the first."""
    import numpy as np

    first = runs[0]
    for run in runs[1:]:
        same = run.about.origin.fingerprint == first.about.origin.fingerprint
        fed = run.about.origin.generation != first.about.origin.generation
        if fed and run.about.side == first.about.side and not same:
            held = judging.reals_of(output, run).held_out.pixels
            same = len(held) > 0 and np.array_equal(held, prepared.held_out.pixels)
        if run.about.side != first.about.side or not same:
            raise OtherPictures(first.path, run.path)


def _judge(known: "Sequence[tuple[Run, Generator]]", prepared: "Prepared", extractor: str | None) -> "Judge":
    """One judge for all: no extractor that any of the discriminators looked through."""
    from universe_gan.measuring import judging as rules
    from universe_gan.networks import chosen

    backbones = {chosen(run.about.settings).backbone for run, _ in known}
    settings = known[0][0].about.settings
    asked = extractor or settings.extractor
    if asked == "auto" and "lite0" in backbones:
        asked = "plain"
    for run, _ in known:  # the strictest refuses
        settings = run.about.settings.model_copy(update={"extractor": asked})
        if chosen(settings).backbone:
            break
    generator = known[0][1]
    return rules.judge(prepared, settings, known[0][0].path.parent / "cache", generator.device)


def _looked(output: Output, judge: "Judge", columns: "Sequence[Column]") -> "list[Looked]":
    from universe_gan.comparing import figures

    found = []
    with output.stage("measure", len(columns)) as stage:
        for column in columns:
            found.append(figures.look(judge, column))
            stage.advance()
    return found


def _fine(
    output: Output,
    known: "Sequence[tuple[Run, Generator]]",
    names: Mapping[str, str],
    columns: "Sequence[Column]",
    places: Sequence[Path],
    prepared: "Prepared",
    runs: Path,
) -> tuple[dict[str, float], list[str]]:
    """How real the fine detail of upscaled pictures is, where real originals of that size are at hand."""
    from universe_gan.comparing import figures, stages
    from universe_gan.data import NoPictures, prepare
    from universe_gan.measuring.extractors import resized

    found: dict[str, float] = {}
    notes = []
    by_name = {column.name: column for column in columns}
    for run, generator in known:
        upscaled = by_name.get(f"{names[generator.sha256]} upscaled")
        if upscaled is None:
            continue
        large = stages.enlarged(generator, upscaled.seeds, places)
        side, origin = large.shape[1], prepared.origin
        try:
            natural = prepare(origin.source, cache=runs / "cache", revision=origin.revision, progress=output)
        except NoPictures:
            natural = prepared
        real = stages.originals(natural, side)
        if real is None:
            notes.append(
                f"{run.path.name}: no real originals of {side} pixels are at hand, so what upscaling adds"
                " cannot be judged; shrunk to the size of the others it is in the table."
            )
            continue
        before = "coloured" if "coloured" in (upscaled.about or {}) else "raw"
        small = by_name[f"{names[generator.sha256]} {before}"]
        found[upscaled.name] = figures.fine(real, large, run.about.side)
        found[small.name] = figures.fine(real, resized(small.pictures[: len(large)], side), run.about.side)
    return found, notes


def _written(output: Output, found: "Comparison", to: Path) -> Exit:
    from universe_gan.comparing import comparison, page

    html = to if to.suffix == ".html" else to / "compare.html"
    data = html.with_suffix(".json")
    told: dict[str, Any] = page.write(found, html, data)
    rows = [
        (row["name"], *(_cell(cell) for cell in row["cells"]), row["best"])
        for row in comparison.rows_of(found)
    ]
    output.table("", ("", *(one.column.name for one in found.columns), "best is"), rows)
    for words in told["cautions"]:
        output.note(words)
    output.line(
        f"compared  {many(len(found.columns) - 1, 'set')} with {found.against} by {told['extractor']}"
    )
    output.line(f"page      {html}")
    output.line(f"figures   {data}")
    output.result({"page": str(html), "json": str(data), **{k: told[k] for k in KEPT}})
    return Exit.DONE


KEPT = ("title", "extractor", "against", "fd_floor", "cautions", "nearest", "columns")
"""Of the JSON file what --json prints too."""


def _cell(cell: dict[str, Any]) -> str:
    star = " *" if cell["best"] else ""
    return f"{cell['value']}{star}" + (f" ({cell['range']})" if cell["range"] else "")
