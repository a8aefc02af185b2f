"""The commands that make and use models; like `cli`, nothing heavy is imported before one of them runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from universe_gan.shell.options import device_option, runs_option, speaks

if TYPE_CHECKING:
    from universe_gan.shell.exits import Exit
    from universe_gan.shell.output import Output


@click.command()
@click.option("--new", is_flag=True, help="Begin a new run in any case; older ones stay as they are.")
@runs_option
@device_option
@click.option("--set", "overrides", multiple=True, metavar="train.KEY=VALUE", help="Override a setting.")
@click.option("--kimg", type=click.FloatRange(0, min_open=True), help="Stop after so many thousand pictures.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder for workspaces (default: data/).")
@click.option("-n", "--dry-run", is_flag=True, help="Decode the pictures, say what would be done.")
@speaks
@click.argument("asked", metavar="RECIPE|USER/DATASET[@REVISION]|FOLDER")
def train(
    output: Output,
    asked: str,
    overrides: tuple[str, ...],
    data: Path | None,
    kimg: float | None,
    **how: Any,
) -> Exit:
    """Train a GAN from a dataset.

    A recipe's own dataset as `build` left it, one on the Hub, or a folder of pictures. Run it again to go on
    exactly where it stopped; Ctrl-C saves. Several GPUs: torchrun --nproc-per-node N -m universe_gan train …
    """
    from universe_gan.shell import training

    return training.train(output, training.course(asked, overrides, data, kimg), **how)


@click.command()
@click.option("--seeds", default="0-35", show_default=True, help="Which pictures: 7 or 0-35 or 1,5,20-29.")
@click.option(
    "--truncation",
    type=click.FloatRange(0, 2, min_open=True),
    default=1.0,
    show_default=True,
    help="Below 1: fewer odd pictures, less variety.",
)
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="Default: generated/NAME.")
@click.option("--sheet/--no-sheet", default=True, help="Also all in one picture (the first 100).")
@click.option(
    "--film",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Instead, a film from seed to seed: .gif, .webp, .png or .mp4.",
)
@click.option("--frames", type=click.IntRange(1), default=60, show_default=True, help="From seed to seed.")
@click.option("--fps", type=click.FloatRange(1, 100), default=30, show_default=True)
@runs_option
@device_option
@speaks
@click.argument("asked", metavar="RUN|CHECKPOINT|RECIPE")
def generate(output: Output, asked: str, **how: Any) -> Exit:
    """Draw pictures from a trained model.

    The same seed is the same picture, on the CPU byte for byte. Each file says inside that it is synthetic,
    and which checkpoint and data it comes from; pictures.jsonl says it beside them.
    """
    from universe_gan.shell import generating

    return generating.generate(output, asked, **how)


MODELS: tuple[click.Command, ...] = (train, generate)
