"""Beginning and knowing where one stands: demo, init, check, sources, status, completion."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from universe_gan.shell import completing
from universe_gan.shell.completing import NAMED, SHELLS, SHIPPED
from universe_gan.shell.exits import Exit
from universe_gan.shell.options import (
    command,
    data_option,
    speaks,
    with_an_engine,
)

if TYPE_CHECKING:
    from universe_gan.shell.engines import Engine
    from universe_gan.shell.output import Output


@command()
@click.option(
    "--to",
    "target",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where to make it.",
)
@click.option("--no-models", is_flag=True, help="Stop at the dataset: train nothing.")
@with_an_engine
@speaks
def demo(output: Output, target: Path, engine: Engine, no_models: bool) -> Exit:
    """Run the whole chain on a sample; no network, no key.

    The sample, 32 real nebulae with a free licence and some copies of them, ships with the tool. Where the
    extras train, colour and upscale are installed, a toy of `study` follows: two small networks learn for
    seconds, and their pictures, coloured fog, go the whole way to the page that compares them with real ones.
    """
    from universe_gan.shell.datasets import building
    from universe_gan.shell.demo import set_up
    from universe_gan.shell.models import studying
    from universe_gan.shell.recipes import recipe

    path = set_up(target)
    loaded = recipe.load(path)
    output.keep_log(loaded.data / "log.txt")
    then = None if no_models else partial(studying.demo, output, path, target)
    return building.build(output, loaded, engine=engine, demo=True, then=then)


@command()
@click.argument("name", required=False)
@click.option("--show", is_flag=True, help="Print every setting with its default and meaning; write nothing.")
@click.option(
    "--from",
    "pattern",
    type=SHIPPED,
    metavar="RECIPE|hf://datasets/USER/NAME",
    help="Start from a shipped recipe, such as nebulae, from one of yours (name or path), or from what was"
    " published with a dataset.",
)
@speaks
def init(output: Output, name: str | None, show: bool, pattern: str | None) -> Exit:
    """Write a recipe, manifests/NAME.toml, to edit."""
    from universe_gan.shell.recipes import starting

    if not show and not name:
        raise click.UsageError("give the new recipe a NAME, or ask with --show for every setting")
    if name and not show and pattern and pattern.startswith("hf://"):
        from universe_gan.shell.datasets import published

        return published.init(output, name, pattern)
    return starting.init(output, name, show=show, pattern=pattern)


@command()
@click.option("--online", is_flag=True, help="Ask the Hub even without a token; compares the clock with its.")
@data_option
@speaks
@click.argument("recipe", type=NAMED, metavar="[RECIPE]", required=False)
def check(output: Output, recipe: str | None, data: Path | None, online: bool) -> Exit:
    """Look at this machine: one line each, with the cure.

    With a recipe, disk, memory, keys and the Hub's rights are held against what it needs: exit code 7 where
    the machine is too small for it. --json holds everything a bug report should, and no secret.
    """
    from universe_gan.shell import overview

    return overview.check(output, recipe, data, online=online)


@command()
@speaks
def sources(output: Output) -> Exit:
    """List the sources, their keys and terms."""
    from universe_gan.shell import overview

    return overview.sources(output)


@command()
@click.argument("recipes", metavar="[RECIPE]...", type=NAMED, nargs=-1)
@data_option
@speaks
def status(output: Output, recipes: tuple[str, ...], data: Path | None) -> Exit:
    """Show where each stage stands, and the next command."""
    from universe_gan.shell import overview

    return overview.status(output, recipes, data)


@command()
@click.argument("shell", type=click.Choice(SHELLS))
@speaks
def completion(output: Output, shell: str) -> Exit:
    """Print what makes your shell complete our words.

    Commands, options, recipes, runs and the keys of --set. Put the line for your shell into its start file:

    \b
      ~/.bashrc                    eval "$(universe-gan completion bash)"
      ~/.zshrc, after compinit     eval "$(universe-gan completion zsh)"
      ~/.config/fish/config.fish   universe-gan completion fish | source
    """
    words = completing.script(click.get_current_context().find_root().command, shell)
    output.line(words)
    output.result({"shell": shell, "script": words})
    return Exit.DONE


FIRST: tuple[click.Command, ...] = (demo, init, check, sources, status, completion)
