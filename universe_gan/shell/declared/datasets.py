"""Making a dataset and handing it on: from `collect` to `publish` and `takedown`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from universe_gan.shell.exits import Exit
from universe_gan.shell.options import (
    command,
    goes_by_the_manifest,
    may_keep_elsewhere,
    older_option,
    or_a_run,
    or_what_is_published,
    refresh_option,
    repository,
    runs_option,
    speaks,
    takes_recipe,
    to_option,
    with_an_engine,
)

if TYPE_CHECKING:
    from universe_gan.shell.datasets.lock import Locked
    from universe_gan.shell.engines import Engine
    from universe_gan.shell.output import Output
    from universe_gan.shell.recipes.recipe import Recipe


@command()
@refresh_option
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
    from universe_gan.shell.datasets import collecting, lock

    if engine.workers and not engine.ray:
        raise click.UsageError("--workers goes with --engine ray; here the files are fetched by threads")
    if locked:
        return lock.collect(output, recipe, locked, engine)
    return collecting.collect(output, recipe, refresh=refresh, dry_run=dry_run, engine=engine)


@command()
@click.option("--update", is_flag=True, help="Write today's date on every image that is in order.")
@speaks
@takes_recipe
def verify(output: Output, recipe: Recipe, update: bool) -> Exit:
    """Ask the sources again about every locked image.

    Metadata only, nothing is downloaded. Exit code 8 when an image was deleted, overwritten, opted out or put
    under stricter terms since; new names, credits and freer terms are told and leave it at 0.
    """
    from universe_gan.shell.datasets import lock

    return lock.verify(output, recipe, update=update)


@command()
@click.option("-n", "--dry-run", is_flag=True, help="Show what would change; write nothing.")
@speaks
@takes_recipe
def relicense(output: Output, recipe: Recipe, dry_run: bool) -> Exit:
    """Derive all rights again from the kept answers, offline."""
    from universe_gan.shell.datasets import collecting

    return collecting.relicense(output, recipe, dry_run=dry_run)


@command()
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

    RECIPE may also be a dataset, ours or anybody's: hf://datasets/USER/NAME[@REVISION], s3://BUCKET/FOLDER or
    a folder here. Then its rows are audited as they are published, and no picture is read.
    """
    from universe_gan.shell.datasets import auditing

    if older is not None:
        return auditing.audit_diff(output, recipe, older)
    return auditing.audit(output, recipe)


@command()
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
    from universe_gan.shell.datasets import building

    return building.curate(output, recipe, engine=engine, older=older, to=to)


@command()
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
    from universe_gan.shell.datasets import reviewing

    return reviewing.review(output, recipe, take=take)


@command()
@with_an_engine
@speaks
@takes_recipe
def report(output: Output, recipe: Recipe, engine: Engine) -> Exit:
    """Write the HTML report.

    One self-contained page: numbers, reasons, thumbnails with licence badges that link to their source.
    """
    from universe_gan.shell.datasets import building

    return building.report(output, recipe, engine=engine)


@command()
@refresh_option
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
    from universe_gan.shell.datasets import building

    return building.build(output, recipe, locked=locked, refresh=refresh, engine=engine, older=older, to=to)


@command()
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
    from universe_gan.shell.datasets import publishing

    return publishing.publish(output, recipe, **how)


@command()
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
    from universe_gan.shell.datasets import takedowns

    return takedowns.takedown(output, recipe, asked, **how)


DATASETS: tuple[click.Command, ...] = (
    collect,
    verify,
    relicense,
    audit,
    curate,
    review,
    report,
    build,
    publish,
    takedown,
)
