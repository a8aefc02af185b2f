"""Making models: train, judge, generate, select, study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from universe_gan.shell.completing import NAMED
from universe_gan.shell.exits import Exit
from universe_gan.shell.options import (
    address_option,
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


@command()
@click.option(
    "--stage",
    type=click.Choice(["gan", "upscale"]),
    default="gan",
    show_default=True,
    help="upscale: tune what `upscale` uses on the dataset's pictures.",
)
@click.option("--new", is_flag=True, help="Begin a new run in any case; older ones stay as they are.")
@runs_option
@device_option
@set_option("train.KEY", " (with --stage upscale: upscale.tune.KEY)")
@click.option("--kimg", type=click.FloatRange(0, min_open=True), help="Stop after so many thousand pictures.")
@data_option
@click.option(
    "-n", "--dry-run", is_flag=True, help="Decode the pictures and show what would be done; train nothing."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="ray: as a job of Ray Train, which starts again what it loses.",
)
@click.option(
    "--workers", type=click.IntRange(1), help="With --engine ray: processes, a GPU each (default: 1)."
)
@address_option
@speaks
@click.argument("asked", type=NAMED, metavar="RECIPE|USER/DATASET[@REVISION]|FOLDER")
def train(
    output: Output,
    asked: str,
    stage: str,
    overrides: tuple[str, ...],
    data: Path | None,
    kimg: float | None,
    engine: str,
    workers: int | None,
    address: str | None,
    **how: Any,
) -> Exit:
    """Train a GAN from a dataset, or tune the upscaler on it.

    A recipe's own dataset as `build` left it, one on the Hub, or a folder of pictures. Run it again to go on
    exactly where it stopped; Ctrl-C saves. Several GPUs: torchrun --nproc-per-node N -m universe_gan train …
    """
    from universe_gan.shell.models import courses, training

    if engine == "local" and (workers or address):
        raise click.UsageError(
            "--workers and --address go with --engine ray; without Ray, torchrun starts several"
        )
    if stage == "upscale":
        from universe_gan.shell.models import tuning

        if engine != "local":
            raise click.UsageError("--engine ray goes with --stage gan; tuning takes one machine")
        return tuning.tune(output, tuning.course(asked, overrides, data, kimg), **how)
    course = courses.course(asked, overrides, data, kimg)
    if engine == "local":
        return training.train(output, course, **how)
    from universe_gan.shell.models import clustering

    return clustering.train_on_cluster(output, course, workers=workers or 1, address=address, **how)


@command()
@checkpoint_option
@extractor_option
@click.option(
    "--pictures",
    type=click.IntRange(10),
    help="How many to draw (default: as many as trained on, at most 1,000).",
)
@runs_option
@device_option
@speaks
@click.argument("asked", type=NAMED, metavar="RUN|CHECKPOINT|RECIPE...", nargs=-1, required=True)
def judge(output: Output, asked: tuple[str, ...], **how: Any) -> Exit:
    """Measure how good a trained model is; several side by side.

    Generated pictures against the run's own real ones, held out where there are 20. KID is the figure to go
    by, within its interval; coverage shows collapse, nearness to training pictures shows copying.
    """
    from universe_gan.shell.models import judging

    return judging.judge(output, asked, **how)


@command()
@click.option("--seeds", help="Which pictures: 7 or 0-35 or 1,5,20-29 (default: [generate] seeds, 0-35).")
@click.option(
    "--truncation",
    type=click.FloatRange(0, 2, min_open=True),
    help="Below 1: fewer odd pictures, less variety (default: [generate] truncation, 1).",
)
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Default: generated/NAME.")
@click.option("--sheet/--no-sheet", default=True, help="Also all in one picture (the first 100).")
@click.option(
    "--film",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Instead, a film from seed to seed: .gif, .webp, .png or .mp4.",
)
@click.option(
    "--frames", type=click.IntRange(1), default=60, show_default=True, help="Of the film, from seed to seed."
)
@click.option(
    "--fps", type=click.FloatRange(1, 100), default=30, show_default=True, help="Frames a second of the film."
)
@set_option("generate.KEY")
@runs_option
@device_option
@speaks
@click.argument("asked", type=NAMED, metavar="RUN|CHECKPOINT|RECIPE|USER/MODEL[@REVISION]")
def generate(
    output: Output,
    asked: str,
    seeds: str | None,
    truncation: float | None,
    overrides: tuple[str, ...],
    **how: Any,
) -> Exit:
    """Draw pictures from a trained model.

    The same seed is the same picture, on the CPU byte for byte. Each file says inside that it is synthetic,
    and which checkpoint and data it comes from; pictures.jsonl says it beside them.
    """
    from universe_gan.shell.pictures import generating
    from universe_gan.shell.recipes import settled
    from universe_gan.study_settings import GenerateSettings

    flags = {"seeds": seeds, "truncation": truncation}
    drawn = settled.settings(GenerateSettings, output, asked, flags, overrides)
    return generating.generate(output, asked, drawn, **how)


@command()
@click.option("--keep", metavar="N", type=click.IntRange(1), help="How many to accept (default: a quarter).")
@click.option("--by-hand", is_flag=True, help="Accept and reject in the browser; the ranking only sorts.")
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Copy the accepted ones there.")
@click.option(
    "--into", type=NAMED, metavar="RECIPE", help="Feed them back: the next `curate` makes rows of them."
)
@extractor_option
@click.option("--seeds", default="0-99", show_default=True, help="With a RUN: which pictures to draw first.")
@port_option
@data_option
@runs_option
@device_option
@speaks
@click.argument("asked", type=NAMED, metavar="FOLDER|RUN")
def select(output: Output, asked: str, **how: Any) -> Exit:
    """Choose the best generated pictures, and feed them back.

    Ranked by how real they look, each as unlike those before it as can be. Copies of training pictures and
    near-duplicates are refused. `train` takes those that are fed back beside all real ones, 25 % at most.
    """
    from universe_gan.shell.models import selecting

    return selecting.select(output, asked, **how)


@command()
@click.option(
    "--toy", is_flag=True, help="Sizes that a CPU is through with in a minute; its pictures are fog."
)
@click.option("--models", metavar="NAME,NAME", help="Which to train (default: [study] models).")
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Default: studies/NAME.")
@set_option("SECTION.KEY")
@data_option
@click.option("-n", "--dry-run", is_flag=True, help="Show what is done and what would be done; do nothing.")
@runs_option
@device_option
@speaks
@click.argument("asked", type=NAMED, metavar="RECIPE")
def study(output: Output, asked: str, **how: Any) -> Exit:
    """The whole way: dataset, models, pictures, comparison.

    Builds the dataset, trains each model on it, draws pictures, matches their colours to the real ones, makes
    them larger, and compares all with reality on one page. Every step calls what its own command calls.

    Leave it whenever you like: the same command goes on, and what is done is not done again (study.json).
    """
    from universe_gan.shell.models import studying

    return studying.study(output, asked, **how)


MODELS: tuple[click.Command, ...] = (train, judge, generate, select, study)
