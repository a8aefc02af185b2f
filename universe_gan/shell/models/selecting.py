"""What `universe-gan select` does and says; numbers and files are in `universe_gan.selecting`."""

from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from universe_gan.shell.datasets import stages
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.models.needs import PackagesMissing, device_for
from universe_gan.shell.output import Output, many
from universe_gan.shell.pictures.generating import NEEDED, find
from universe_gan.shell.recipes import recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from universe_gan.data import Prepared
    from universe_gan.measuring.extractors import Extractor
    from universe_gan.selecting.candidates import Choice, Drawn
    from universe_gan.selecting.select import Ranked
    from universe_gan.shell.recipes.recipe import Recipe
    from universe_gan.training.runs import Run

SERVING = ("waitress", "werkzeug")
SHARE = 4
"""Of so many pictures one is accepted, unless `--keep` says how many."""


def select(
    output: Output,
    asked: str,
    *,
    keep: int | None,
    by_hand: bool,
    to: Path | None,
    into: str | None,
    extractor: str | None,
    seeds: str,
    port: int,
    runs: Path,
    data: Path | None,
    device: str | None,
) -> Exit:
    """Rank the pictures and do what was asked with the best; raises the failures of `selecting`."""
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        raise PackagesMissing(missing)
    if by_hand and (missing := [name for name in SERVING if util.find_spec(name) is None]):
        raise PackagesMissing(missing, "selecting by hand", "quiz")
    from universe_gan.selecting import candidates, feedback

    where = device_for(device)
    target = recipe.load(recipe.find(into), (), data) if into else None  # before anything takes long
    folder = _folder(output, asked, seeds, runs, device)
    made, prepared, run = _sides(output, folder, runs)
    back = _put_back(made, target) if target else 0
    eyes, symmetry = _extractor(extractor, run, where), run.about.settings.symmetry if run else "all"
    found = candidates.ranked(made, prepared, eyes, runs / "cache", symmetry)
    _tell_ranked(output, folder, prepared, found)
    if by_hand and any(one.refused is None for one in found):
        _ask(output, folder, prepared, port)
    chosen = candidates.choices(made, found, keep or max(1, len(found) // SHARE), by_hand=by_hand)
    _tell_accepted(output, chosen, candidates.overruled(made, found))
    if to and chosen:
        feedback.shelve(chosen, to)
        output.line(f"copied    {to}")
    new, listed = _fed_back(output, chosen, target, back) if target else (0, 0)
    output.result(
        {
            "folder": str(folder),
            "ranked": len(found),
            "found": dict(candidates.tally(found)),
            "accepted": [one.path.name for one in chosen],
            "new": new,
            "listed": listed,
            "put_back": back,
        }
    )
    _next(output, folder, target, chosen, changed=bool(new or back))
    return Exit.DONE


def _put_back(made: "Drawn", target: "Recipe") -> int:
    """Pictures of earlier rounds whose files were lost, put back into the recipe's workspace."""
    from universe_gan.selecting import feedback

    if not target.synthetic.is_file():
        return 0
    with stages.at_work(target) as workspace:
        return feedback.put_back(made, target.synthetic, workspace.synthetic)


def _tell_ranked(output: Output, folder: Path, prepared: "Prepared", found: "Sequence[Ranked]") -> None:
    from universe_gan.selecting import candidates, rankings

    real = f"{many(len(prepared.reals), 'training picture')}, {len(prepared.held_out):,} held out"
    output.line(f"ranked    {folder / rankings.RANKING}  {many(len(found), 'picture')} against {real}")
    output.table(
        "", ("pictures", "found"), [(n, words) for words, n in candidates.tally(found).most_common()]
    )


def _tell_accepted(output: Output, chosen: "Sequence[Choice]", overruled: int) -> None:
    hand = sum(one.by_hand for one in chosen)
    odd = sum(not one.ranked.plausible for one in chosen)
    words = [many(len(chosen), "picture")] + [f"{hand:,} by hand"] * bool(hand)
    words += [f"{odd:,} of them less real than nearly all real ones"] * bool(odd)
    output.line(f"accepted  {', '.join(words)}")
    if overruled:
        output.note(
            f"{many(overruled, 'picture')} accepted by hand stay out: refused as above, whoever likes them"
        )


def _fed_back(output: Output, chosen: "Sequence[Choice]", target: "Recipe", back: int) -> tuple[int, int]:
    """List what was accepted beside the recipe: how many are new, and how many are listed in all."""
    from universe_gan.selecting import feedback

    with stages.at_work(target) as workspace:
        new, listed = feedback.feed_back(chosen, target.synthetic, workspace.synthetic)
    if odd := sum(not one.ranked.plausible for one in chosen):
        output.note(f"{odd:,} of them are less real than nearly all real ones: they teach their faults too")
    output.line(f"listed    {target.synthetic}  {new:,} new, {listed:,} in all, {back:,} put back")
    return new, listed


def _next(
    output: Output, folder: Path, target: "Recipe | None", chosen: "Sequence[Choice]", *, changed: bool
) -> None:
    if target and changed:
        output.say(f"next: {tool()} curate {target.path}   (a new revision of the dataset), then train")
    elif target:
        output.say(f"next: {tool()} train {target.path}")
    elif chosen:
        output.say(f"next: {tool()} select {folder} --into RECIPE   (feeds them back; --by-hand asks you)")
    else:
        output.say("nothing is accepted: train longer, draw more seeds, or decide on the page (--by-hand)")


def _folder(output: Output, asked: str, seeds: str, runs: Path, device: str | None) -> Path:
    """The folder as named, or the one into which the pictures of a run are drawn."""
    from universe_gan import pictures
    from universe_gan.generate import Generator, write
    from universe_gan.seeds import read_seeds
    from universe_gan.selecting.candidates import NothingGenerated

    path = Path(asked)
    if (path / pictures.SIDECAR).is_file():
        return path
    if path.is_dir() and not (path / "run.json").is_file() and not recipe.find(asked).is_file():
        raise NothingGenerated(path, f"there is no {pictures.SIDECAR} in it")
    numbers = read_seeds(seeds)
    generator = Generator.load(find(asked, runs), device, output.note)
    folder = Path("generated") / generator.about.name
    write(generator, numbers, folder)
    output.line(f"pictures  {folder}  {many(len(numbers), 'picture')}, synthetic")
    return folder


def _sides(output: Output, folder: Path, root: Path) -> "tuple[Drawn, Prepared, Run | None]":
    """The generated pictures, the ones they learned from, and the run where it is here."""
    from universe_gan import data
    from universe_gan.selecting import candidates
    from universe_gan.shell.models.judging import DataChanged
    from universe_gan.training.runs import every
    from universe_gan.training.settings import MOST_SYNTHETIC

    about = candidates.about(folder)
    fingerprint, cache = str(about.get("dataset_fingerprint")), root / "cache"
    run = next((one for one in reversed(every(root)) if one.about.origin.fingerprint == fingerprint), None)
    share = MOST_SYNTHETIC if about.get("generation") else 0.0
    side = run.about.side if run else None
    try:
        prepared = data.prepare(
            str(about.get("dataset")),
            side=side,
            cache=cache,
            revision=about.get("dataset_revision"),
            progress=output,
            synthetic=run.about.settings.synthetic if run and share else share,
        )
    except data.NoPictures:
        prepared = None
    if prepared is None or prepared.origin.fingerprint != fingerprint:
        kept = data.decoded(run.about.origin, run.about.side, cache) if run else None
        if kept is None:
            raise DataChanged(folder, str(about.get("dataset")))
        prepared = kept
    return candidates.drawn(folder, prepared.train.pixels.shape[1]), prepared, run


def _extractor(asked: str | None, run: "Run | None", device: "torch.device") -> "Extractor":
    """Who looks at the pictures: as in the run's own judgements, unless asked for otherwise."""
    from universe_gan.measuring import extractors
    from universe_gan.networks import chosen

    if run is None:
        return extractors.choose(asked or "auto", None, device)
    settings = run.about.settings
    return extractors.choose(asked or settings.extractor, chosen(settings).backbone, device)


def _ask(output: Output, folder: Path, prepared: "Prepared", port: int) -> None:
    """Let a person decide in a browser until Ctrl-C."""
    from universe_gan.comparing.by_hand import serve_selection

    places = {name: number for number, name in enumerate(prepared.train.names)}

    def nearest(name: object) -> "NDArray[np.uint8] | None":
        number = places.get(str(name))
        return None if number is None else prepared.train.pixels[number]

    output.say(f"{folder}: accept and reject in the browser; Ctrl-C when you are done")
    serve_selection(
        folder, nearest=nearest, port=port, ready=lambda address: output.line(f"open      {address}")
    )
