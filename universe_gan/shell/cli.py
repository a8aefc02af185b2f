"""The command line as a whole: all commands (`declared`), exit codes, and words for every failure."""

from __future__ import annotations

import signal
import sys
import traceback
from contextlib import suppress

import click

from universe_gan import __version__
from universe_gan.shell.declared.datasets import DATASETS
from universe_gan.shell.declared.first import FIRST
from universe_gan.shell.declared.models import MODELS
from universe_gan.shell.declared.pictures import PICTURES
from universe_gan.shell.exits import WORDS, Exit
from universe_gan.shell.options import Commands

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


for declared in (*FIRST, *DATASETS, *MODELS, *PICTURES):
    cli.add_command(declared)


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
