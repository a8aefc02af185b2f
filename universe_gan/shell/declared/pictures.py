"""What is done with pictures: upscale, colour, compare, quiz."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from universe_gan.shell.completing import NAMED
from universe_gan.shell.exits import Exit
from universe_gan.shell.options import (
    checkpoint_option,
    command,
    data_option,
    device_option,
    extractor_option,
    port_option,
    runs_option,
    set_option,
    speaks,
)

if TYPE_CHECKING:
    from universe_gan.shell.output import Output


def _named(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, Path]]:
    """NAME=DIR, each."""
    found = []
    for value in values:
        name, equals, folder = value.partition("=")
        if not (name and equals and folder):
            raise click.BadParameter(f"{value!r} is not NAME=DIR", context, option)
        found.append((name, Path(folder)))
    return found


@command()
@click.option("--scale", type=click.Choice(["2", "4"]), help="Factor (default: 4).")
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Default: upscaled/NAME.")
@click.option(
    "--weights",
    metavar="official|packaged|FILE|RUN",
    help="official: fetched once, 67 MB; FILE: .pth or .safetensors; RUN: of `train --stage upscale`"
    " (default: what is here).",
)
@click.option("--passes", type=click.IntRange(0, 10), help="Back-projections (default: 2, for JPEG files 1).")
@click.option(
    "--strength", type=click.FloatRange(0, 1), help="Network (1) or Lanczos (0); default: measured."
)
@click.option("--tile", type=click.IntRange(32, 4096), help="Side of a tile (default: 256).")
@click.option("--overlap", type=click.IntRange(0, 1024), help="Margin around a tile (default: 64).")
@click.option("--exact", is_flag=True, default=None, help="Margins as wide as the network sees; slow.")
@click.option("--precision", type=click.Choice(["auto", "bf16", "fp16", "fp32"]), help="What to compute in.")
@click.option(
    "--max-pixels", type=click.IntRange(1), help="Leave larger pictures out (default: 250 million)."
)
@click.option("--evaluate", is_flag=True, help="Make them smaller, enlarge those, compare with the truth.")
@click.option("--degraded", is_flag=True, help="With --evaluate: small ones blurred, noisy and JPEG.")
@click.option("--seeds", help="With a RUN: which pictures to draw first (default: [generate] seeds, 0-35).")
@set_option("upscale.KEY")
@data_option
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be done; write nothing.")
@runs_option
@device_option
@speaks
@click.argument("asked", type=NAMED, metavar="PICTURE|FOLDER|DATASET|RUN|RECIPE...", nargs=-1, required=True)
def upscale(
    output: Output,
    asked: tuple[str, ...],
    overrides: tuple[str, ...],
    data: Path | None,
    runs: Path,
    to: Path | None,
    seeds: str | None,
    device: str | None,
    dry_run: bool,
    evaluate: bool,
    degraded: bool,
    **flags: Any,
) -> Exit:
    """Make pictures larger with ESRGAN, true to what they show.

    Files and folders of them, what `generate` drew, the squares of a dataset or a recipe, or of a run the
    pictures of --seeds. Depth, alpha, profile and metadata are kept. What is there is not made again.
    --evaluate tells instead how true the result is, beside Lanczos, in figures and on a page.
    """
    from universe_gan.shell.pictures import evaluating, upscaling
    from universe_gan.shell.recipes import settled
    from universe_gan.upscaling.settings import UpscaleSettings

    if degraded and not evaluate:
        raise click.UsageError("--degraded goes with --evaluate")
    if flags["scale"]:
        flags["scale"] = int(flags["scale"])
    settings = settled.settings(UpscaleSettings, output, asked[0], flags, overrides)
    what = upscaling.wanted(output, asked, seeds, overrides, data, runs)
    if evaluate:
        return evaluating.evaluate(
            output, what, settings, degraded=degraded, to=to, device=device, dry_run=dry_run
        )
    return upscaling.upscale(output, what, settings, to=to, device=device, dry_run=dry_run)


@command()
@click.option(
    "--like",
    type=NAMED,
    metavar="RUN|DATASET|RECIPE",
    help="Default: what the run learned from that drew them.",
)
@click.option("--strength", type=click.FloatRange(0, 1), help="0: as it was (default: [colour] strength, 1).")
@click.option(
    "--neighbours",
    type=click.IntRange(1),
    help="Real pictures to match to (default: [colour] neighbours, 3).",
)
@click.option(
    "--extractor",
    metavar="lite0|plain|FILE.pt",
    help="Find these by features of content (default: [colour] extractor, else by tone and colour).",
)
@set_option("colour.KEY")
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Default: coloured/NAME.")
@data_option
@runs_option
@speaks
@click.argument("asked", type=NAMED, metavar="FOLDER|RUN|RECIPE")
def colour(
    output: Output,
    asked: str,
    strength: float | None,
    neighbours: int | None,
    extractor: str | None,
    overrides: tuple[str, ...],
    **how: Any,
) -> Exit:
    """Match tone and colour of generated pictures to real ones.

    Each picture of what `generate` wrote to its own nearest real ones, so that the set keeps its variety.
    Black stays black, dark sky dark, and a star its colour. What is there is not made again.
    """
    from universe_gan.shell.pictures import colouring
    from universe_gan.shell.recipes import settled
    from universe_gan.study_settings import ColourSettings

    flags = {"strength": strength, "neighbours": neighbours, "extractor": extractor}
    matching = settled.settings(ColourSettings, output, asked, flags, overrides)
    return colouring.colour(output, asked, matching, **how)


@command()
@click.option(
    "--to", metavar="DIR|FILE.html", type=click.Path(path_type=Path), help="Default: compared/RUNS."
)
@click.option(
    "--folder", "folders", metavar="NAME=DIR", multiple=True, callback=_named, help="Also these pictures."
)
@click.option(
    "--look",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where generated, coloured and upscaled folders lie (default: here).",
)
@click.option("--seeds", help="Which pictures: 7 or 0-35 or 1,5,20-29 (default: as --pictures says).")
@click.option(
    "--pictures",
    type=click.IntRange(2, 100_000),
    help="So many, from seed 0 (default: as many as trained on, at most 1,000, first of all those that lie in"
    " folders).",
)
@extractor_option
@checkpoint_option
@runs_option
@device_option
@speaks
@click.argument("asked", type=NAMED, metavar="RUN|CHECKPOINT|RECIPE...", nargs=-1, required=True)
def compare(output: Output, asked: tuple[str, ...], **how: Any) -> Exit:
    """Real, raw, coloured and upscaled side by side, on one page.

    Several runs at equal seeds: figures with what chance leaves them, the nearest training pictures, spectra
    and colours, as HTML and JSON. What `generate`, `colour` and `upscale` left is used, the rest is drawn.
    """
    from universe_gan.shell.pictures import comparing

    if how["seeds"] and how["pictures"]:
        raise click.UsageError("--seeds and --pictures both say which pictures; give one of them")
    return comparing.compare(output, asked, **how)


@command()
@click.option(
    "--real",
    type=NAMED,
    metavar="RUN|DATASET|FOLDER",
    help="Real pictures (default: what the models learned from).",
)
@click.option(
    "--questions",
    type=click.IntRange(2, 10_000),
    default=40,
    show_default=True,
    help="How many; half show real pictures.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Another: other questions."
)
@port_option
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option(
    "--results",
    metavar="FILE.csv",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Ask nothing; print again what these answers amount to.",
)
@runs_option
@device_option
@speaks
@click.argument("asked", type=NAMED, metavar="RUN|FOLDER...", nargs=-1)
def quiz(output: Output, asked: tuple[str, ...], results: Path | None, **how: Any) -> Exit:
    """Ask people which pictures are real, on a page.

    Real and generated pictures in random order, one at a time, answered by key. Answers are kept in
    quiz/NAME.csv as they come: the same command goes on. Ctrl-C ends it and prints the result.
    """
    from universe_gan.shell.pictures import quizzing

    if bool(asked) == bool(results):
        raise click.UsageError("name runs or folders to ask about, or --results FILE.csv")
    if results:
        return quizzing.again(output, results)
    return quizzing.quiz(output, list(dict.fromkeys(asked)), **how)


PICTURES: tuple[click.Command, ...] = (upscale, colour, compare, quiz)
