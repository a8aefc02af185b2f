"""The command line: parse, call one stage, print what it returned.

Nothing heavy is imported here: every command fetches what it needs when it runs, so `--help` answers at once.
"""

from __future__ import annotations

import signal
import sys
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from universe_gan import __version__
from universe_gan.shell import completing
from universe_gan.shell.completing import NAMED, SHELLS, SHIPPED
from universe_gan.shell.exits import WORDS, Exit
from universe_gan.shell.models import MODELS
from universe_gan.shell.options import (
    Commands,
    goes_by_the_manifest,
    may_keep_elsewhere,
    older_option,
    or_a_run,
    or_what_is_published,
    repository,
    runs_option,
    speaks,
    takes_recipe,
    to_option,
    with_an_engine,
)

if TYPE_CHECKING:
    from universe_gan.shell.engines import Engine
    from universe_gan.shell.lock import Locked
    from universe_gan.shell.output import Output
    from universe_gan.shell.recipe import Recipe

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code.value:>3}  {words}" for code, words in WORDS.items())


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="universe-gan")
def cli() -> None:
    """Build licence-audited, rebuildable image datasets of the universe.

    A recipe (manifests/NAME.toml) says what to collect and what is allowed; the manifest beside it
    (manifests/NAME.jsonl) locks every image, its rights and their evidence; everything that can be made again
    lies in data/NAME/.

    \b
    First steps:
      universe-gan demo                 the whole chain on a small sample, no network
      universe-gan init my-nebulae      a recipe to edit
      universe-gan build my-nebulae     collect, audit, curate, report
    """


@cli.command()
@click.option("--to", "target", type=click.Path(path_type=Path), default=Path("demo"), show_default=True)
@click.option("--no-models", is_flag=True, help="Stop at the dataset: train nothing.")
@with_an_engine
@speaks
def demo(output: Output, target: Path, engine: Engine, no_models: bool) -> Exit:
    """Run the whole chain on a sample; no network, no key.

    The sample, 32 real nebulae with a free licence and some copies of them, ships with the tool. Where the
    extras train, colour and upscale are installed, a toy of `study` follows: two small networks learn for
    seconds, and their pictures, coloured fog, go the whole way to the page that compares them with real ones.
    """
    from universe_gan.shell import commands, recipe, studying
    from universe_gan.shell.demo import set_up

    path = set_up(target)
    loaded = recipe.load(path)
    output.keep_log(loaded.data / "log.txt")
    then = None if no_models else partial(studying.demo, output, path, target)
    return commands.build(output, loaded, engine=engine, demo=True, then=then)


@cli.command()
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
    from universe_gan.shell import starting

    if not show and not name:
        raise click.UsageError("give the new recipe a NAME, or ask with --show for every setting")
    if name and not show and pattern and pattern.startswith("hf://"):
        from universe_gan.shell import published

        return published.init(output, name, pattern)
    return starting.init(output, name, show=show, pattern=pattern)


@cli.command()
@click.option("--online", is_flag=True, help="Ask the Hub even without a token; compares the clock with its.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder for workspaces (default: data/).")
@speaks
@click.argument("recipe", type=NAMED, metavar="[RECIPE]", required=False)
def check(output: Output, recipe: str | None, data: Path | None, online: bool) -> Exit:
    """Look at this machine: one line each, with the cure.

    With a recipe, disk, memory, keys and the Hub's rights are held against what it needs: exit code 7 where
    the machine is too small for it. --json holds everything a bug report should, and no secret.
    """
    from universe_gan.shell import overview

    return overview.check(output, recipe, data, online=online)


@cli.command()
@speaks
def sources(output: Output) -> Exit:
    """List the sources, their keys and terms."""
    from universe_gan.shell import overview

    return overview.sources(output)


@cli.command()
@click.option("--refresh", is_flag=True, help="Forget earlier answers and ask the sources again.")
@click.option("-n", "--dry-run", is_flag=True, help="Ask and decide; fetch no file, write no manifest.")
@with_an_engine
@speaks
@goes_by_the_manifest
@takes_recipe
@may_keep_elsewhere
def collect(
    output: Output, recipe: Recipe, engine: Engine, locked: Locked | None, refresh: bool, dry_run: bool
) -> Exit:
    """Find, decide, fetch; seal the manifest.

    Asks every source of the recipe, decides by licence, type and size before anything is downloaded, fetches
    what is allowed and writes the manifest when nothing is missing. Run it again to go on.

    With --locked nothing is searched: what the manifest names is fetched byte for byte, from where it is
    today. Exit code 6 when a file of it cannot be had or may not be used any more, unless --allow-missing.

    With --engine ray the files are fetched by workers of a cluster, all together at the one pace that each
    host bears: it helps where hosts are many, or yours. Without it, threads of this process fetch.
    """
    from universe_gan.shell import commands, lock

    if engine.workers and not engine.ray:
        raise click.UsageError("--workers goes with --engine ray; here the files are fetched by threads")
    if locked:
        return lock.collect(output, recipe, locked, engine)
    return commands.collect(output, recipe, refresh=refresh, dry_run=dry_run, engine=engine)


@cli.command()
@click.option("--update", is_flag=True, help="Write today's date on every image that is in order.")
@speaks
@takes_recipe
def verify(output: Output, recipe: Recipe, update: bool) -> Exit:
    """Ask the sources again about every locked image.

    Metadata only, nothing is downloaded. Exit code 8 when an image was deleted, overwritten, opted out or put
    under stricter terms since; new names, credits and freer terms are told and leave it at 0.
    """
    from universe_gan.shell import lock

    return lock.verify(output, recipe, update=update)


@cli.command()
@click.option(
    "--diff",
    "older",
    metavar="OLD.jsonl",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compare with an older manifest instead: added, removed, rights changed.",
)
@speaks
@or_what_is_published
@takes_recipe
def audit(output: Output, recipe: Recipe, older: Path | None) -> Exit:
    """Audit the licences of a manifest, or of a published dataset.

    Says for which purposes the whole may be used, explains where its licences do not go together, and writes
    the attribution list (Markdown, CSV, SPDX) and a page with the evidence of each image. Exit code 8 when an
    image that was fetched violates the recipe's policy.

    RECIPE may also be hf://datasets/USER/NAME[@REVISION] or the folder of a dataset, ours or anybody's: then
    its rows are audited as they are published, and no picture is read.
    """
    from universe_gan.shell import commands

    if older is not None:
        return commands.audit_diff(output, recipe, older)
    return commands.audit(output, recipe)


@cli.command()
@older_option
@with_an_engine
@to_option
@speaks
@takes_recipe
@may_keep_elsewhere
def curate(output: Output, recipe: Recipe, engine: Engine, older: Path | None, to: str | None) -> Exit:
    """Judge and crop every image; write the dataset.

    Damaged, too small and blank images and near-duplicates are dropped, each with its reason.
    """
    from universe_gan.shell import commands

    return commands.curate(output, recipe, engine=engine, older=older, to=to)


@cli.command()
@with_an_engine
@speaks
@takes_recipe
def report(output: Output, recipe: Recipe, engine: Engine) -> Exit:
    """Write the HTML report.

    One self-contained page: numbers, reasons, thumbnails with licence badges that link to their source.
    """
    from universe_gan.shell import commands

    return commands.report(output, recipe, engine=engine)


@cli.command()
@click.option("--refresh", is_flag=True, help="Forget earlier answers and ask the sources again.")
@older_option
@with_an_engine
@to_option
@speaks
@goes_by_the_manifest
@takes_recipe
@may_keep_elsewhere
def build(
    output: Output,
    recipe: Recipe,
    locked: Locked | None,
    refresh: bool,
    engine: Engine,
    older: Path | None,
    to: str | None,
) -> Exit:
    """collect → audit → curate → report, in one go."""
    from universe_gan.shell import commands

    return commands.build(output, recipe, locked=locked, refresh=refresh, engine=engine, older=older, to=to)


@cli.command()
@click.option("--repo", metavar="USER/NAME", callback=repository, help="Where to (default: [publish] repo).")
@click.option("-n", "--dry-run", is_flag=True, help="Show the difference to what is published; send nothing.")
@click.option("--private", is_flag=True, default=None, help="Make the repository private when it is created.")
@click.option(
    "--pull-request",
    type=click.Choice(["auto", "always", "never"]),
    help="auto: a pull request where the repository already holds files, else a commit.",
)
@click.option("--message", help="Title of the commit.")
@click.option("--tag", help="Name of this build (default: the date and the hash of the build).")
@speaks
@or_a_run
@takes_recipe
def publish(output: Output, recipe: Recipe, **how: Any) -> Exit:
    """Publish the built dataset, or a trained model, on the Hub.

    Checks who you are (HF_TOKEN) and whether you may write there, then every row against policy and
    manifest, shows what differs from the published revision, and sends only that, in one commit or pull
    request. Broken off, the same command goes on. Exit code 8 when a row may not be published.

    RECIPE may also be the folder of a run (runs/0003-nebulae): then its generator goes out as a model, with
    its figures, a sheet of pictures and a card. Pictures from it: universe-gan generate USER/NAME.
    """
    from universe_gan.shell import publishing

    return publishing.publish(output, recipe, **how)


@cli.command()
@click.option("--reason", default="", help="Why, for the blocklist.")
@click.option(
    "--copies",
    type=click.Choice(["remove", "keep"]),
    default="remove",
    show_default=True,
    help="keep: only this upload was at fault; copies of other people stay and take its place.",
)
@click.option(
    "--synthetic",
    is_flag=True,
    help="Drop accepted generated pictures whose model may have learned from them.",
)
@runs_option
@click.option("--publish", is_flag=True, help="Build and publish without them at once.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would go; write nothing.")
@speaks
@takes_recipe
@click.argument("asked", metavar="ID|URL|AUTHOR|SHA256")
def takedown(output: Output, recipe: Recipe, asked: str, **how: Any) -> Exit:
    """Take images out for good.

    Finds them by uid, page or file address, author or hash; removes them and their copies from the manifest;
    remembers hashes and features, never pixels, beside the recipe, so that re-uploads are refused, turned and
    cropped ones too. Models and generated pictures that may have learned from them are named.
    """
    from universe_gan.shell import takedowns

    return takedowns.takedown(output, recipe, asked, **how)


@cli.command()
@click.option(
    "--take",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take back the decisions that the page saved.",
)
@speaks
@takes_recipe
def review(output: Output, recipe: Recipe, take: Path | None) -> Exit:
    """Look at doubtful pictures; keep or drop them.

    Writes data/NAME/review.html: what the screening dropped and what it is unsure about, most doubtful first.
    The page saves your decisions as a file; --take merges it into NAME.review.jsonl beside the recipe, which
    the next `curate` obeys.
    """
    from universe_gan.shell import reviewing

    return reviewing.review(output, recipe, take=take)


@cli.command()
@click.option("-n", "--dry-run", is_flag=True, help="Show what would change; write nothing.")
@speaks
@takes_recipe
def relicense(output: Output, recipe: Recipe, dry_run: bool) -> Exit:
    """Derive all rights again from the kept answers, offline."""
    from universe_gan.shell import commands

    return commands.relicense(output, recipe, dry_run=dry_run)


@cli.command()
@click.argument("recipes", metavar="[RECIPE]...", type=NAMED, nargs=-1)
@click.option("--data", type=click.Path(path_type=Path), help="Folder for workspaces (default: data/).")
@speaks
def status(output: Output, recipes: tuple[str, ...], data: Path | None) -> Exit:
    """Show where each stage stands, and the next command."""
    from universe_gan.shell import overview

    return overview.status(output, recipes, data)


@cli.command()
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
    words = completing.script(cli, shell)
    output.line(words)
    output.result({"shell": shell, "script": words})
    return Exit.DONE


for model_command in MODELS:
    cli.add_command(model_command)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: run a command and leave with its exit code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; foreseen failures become words, bugs keep their traceback."""
    _stop_on_sigterm()
    try:
        code = cli.main(args=arguments, prog_name="universe-gan", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return int(Exit.USAGE)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted: everything on disk is whole; run the same command to go on", err=True)
        return int(Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last resort: foreseen failures are put in words, bugs are shown
        return _failed(error, verbose="-v" in sys.argv or "--verbose" in sys.argv)
    return int(code or 0)


def _failed(error: Exception, *, verbose: bool) -> int:
    from universe_gan.shell.failures import explain
    from universe_gan.shell.output import Output, OutputLost, ReaderGone

    if isinstance(error, ReaderGone):
        return int(Exit.UNREAD)
    from universe_gan.shell.plain import plain

    failure = explain(error)
    if failure is None or verbose:
        click.echo(plain("".join(traceback.format_exception(error))), err=True, nl=False)
    if failure is None:
        click.echo("error: this is a bug in universe-gan; please report the lines above", err=True)
        return int(Exit.BUG)
    with suppress(OutputLost):
        Output().error(str(failure))
    return int(failure.code)


def _stop_on_sigterm() -> None:
    """SIGTERM ends a command the way Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: somebody calls us as a library
        return
