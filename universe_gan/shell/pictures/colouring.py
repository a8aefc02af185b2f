"""What `universe-gan colour` does and says; the matching is in `universe_gan.colour` (needs scikit-image)."""

from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.formats import FORMATS
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.models import judging
from universe_gan.shell.models.courses import course
from universe_gan.shell.models.needs import PackagesMissing
from universe_gan.shell.output import Output, many
from universe_gan.shell.pictures.generating import NEEDED, find
from universe_gan.study_settings import ColourSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from universe_gan.colour import Matrix, Reference

STEP = "coloured"
"""Under this name the provenance of a picture says what it was matched to."""


class NothingToColour(Exception):
    """A place that holds no picture that the tool wrote."""

    def __init__(self, asked: str) -> None:
        super().__init__(f"{asked} holds no pictures with a pictures.jsonl")
        self.asked = asked


class LikeWhat(Exception):
    """It is not known which real pictures to match."""

    def __init__(self, asked: str) -> None:
        super().__init__(f"which real pictures is {asked} to be like?")
        self.asked = asked


def colour(
    output: Output,
    asked: str,
    matching: ColourSettings,
    *,
    like: str | None,
    to: Path | None,
    runs: Path,
    data: Path | None,
) -> Exit:
    """Write the pictures of a folder again in the tones and colours of real ones; what is there stays."""
    if missing := [name for name in (*NEEDED, "skimage") if util.find_spec(name) is None]:
        named = ["scikit-image" if name == "skimage" else name for name in missing]
        raise PackagesMissing(
            named, "matching colours", "colour" if named == ["scikit-image"] else "train,colour"
        )
    from universe_gan import pictures

    folder = _folder(asked, runs)
    lines = list(pictures.lines(folder))
    if not lines:
        raise NothingToColour(str(folder))
    reals, about = _reals(output, like or _drawn_by(folder, lines, runs), runs, data)
    how = {**about, **matching.model_dump(exclude={"extractor"})}
    how["by"] = matching.extractor or "tone and colour"
    reference, offset = _measured(output, folder, lines, reals, matching.extractor)
    target = to or Path("coloured") / folder.resolve().name
    made = _write(output, folder, lines, target, reference, offset, how)
    output.line(
        f"matched   {target}  {made:,} new of {many(len(lines), 'picture')}, like {len(reals):,} reals"
    )
    output.result({"folder": str(target), "new": made, "pictures": len(lines), STEP: how})
    output.say(f"next: {tool()} compare RUN   (real, raw and coloured side by side)")
    return Exit.DONE


def _folder(asked: str, runs: Path) -> Path:
    """The folder as named, or the pictures that `generate` drew from a run or recipe."""
    from universe_gan.pictures import SIDECAR
    from universe_gan.training.runs import read

    if (Path(asked) / SIDECAR).is_file():
        return Path(asked)
    found = Path(find(asked, runs))
    name = read(found).about.name if (found / "run.json").is_file() else Path(asked).stem
    folder = Path("generated") / name
    if not (folder / SIDECAR).is_file():
        raise NothingToColour(asked)
    return folder


def _drawn_by(folder: Path, lines: list[dict[str, Any]], runs: Path) -> str:
    """The run that learned from what the pictures say they come from. Raises `LikeWhat`."""
    from universe_gan.training.runs import every

    prints = {line.get("dataset_fingerprint") for line in lines}
    for run in reversed(every(runs)):
        if run.about.origin.fingerprint in prints:
            return str(run.path)
    raise LikeWhat(str(folder))


def _reals(
    output: Output, like: str, runs: Path, data: Path | None
) -> "tuple[NDArray[np.uint8], dict[str, Any]]":
    """The real pictures that were trained on; the held-out ones stay unseen, to judge by."""
    from universe_gan.data import prepare
    from universe_gan.training.runs import read

    try:
        place = judging.place_of(like, runs)
        prepared = judging.reals_of(output, read(place.parent if place.is_file() else place))
    except judging.NoRun:
        wanted = course(like, (), data, None)
        prepared = prepare(wanted.source, cache=runs / "cache", progress=output)
    origin = prepared.origin
    return prepared.reals.pixels, {"like": origin.source, "like_fingerprint": origin.fingerprint}


def _measured(
    output: Output,
    folder: Path,
    lines: list[dict[str, Any]],
    reals: "NDArray[np.uint8]",
    extractor: str | None,
) -> "tuple[Reference, Matrix]":
    """The reals, and how far the set as a whole is off."""
    from universe_gan import colour as colours
    from universe_gan.measuring.extractors import choose

    reference = colours.Reference.of(reals, choose(extractor, None) if extractor else None)
    with output.stage("measure", len(lines)) as stage:

        def each() -> "Any":
            for line in lines:
                stage.advance()
                yield colours.palette_of(_opened(folder / line["file"]))

        return reference, reference.offset(each())


def _write(
    output: Output,
    folder: Path,
    lines: list[dict[str, Any]],
    target: Path,
    reference: "Reference",
    offset: "Matrix",
    how: dict[str, Any],
) -> int:
    """Write what is not there yet, each picture with its whole provenance; returns how many."""
    from PIL import Image

    from universe_gan import __version__, pictures, sheets
    from universe_gan import colour as colours

    made = 0
    how = {**how, "offset": [round(float(one), 4) for one in offset]}
    with pictures.Shelf(target) as shelf, output.stage("colour", len(lines)) as stage:
        for line in lines:
            stage.advance()
            name = f"{Path(line['file']).stem}.png"
            facts = pictures.made_from(line, STEP, how, f"universe-gan {__version__}")
            known = shelf.line(name)
            if known and {**known, "file": 0, "sha256": 0} == {**facts, "file": 0, "sha256": 0}:
                continue
            changed = colours.matched(
                _opened(folder / line["file"]),
                reference,
                strength=how["strength"],
                neighbours=how["neighbours"],
                offset=offset,
            )
            shelf.add(name, sheets.png(Image.fromarray(colours.levels(changed)), facts), facts)
            made += 1
    return made


def _opened(path: Path) -> "NDArray[np.uint8]":
    import numpy as np
    from PIL import Image

    with Image.open(path, formats=FORMATS) as image:
        return np.asarray(image.convert("RGB"))
