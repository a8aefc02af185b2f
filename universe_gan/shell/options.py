"""Flags and arguments that several commands share; nothing heavy is imported here."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from universe_gan.shell.completing import NAMED, SETTING

if TYPE_CHECKING:
    from universe_gan.shell.output import Output
    from universe_gan.shell.recipes.recipe import Recipe

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose `--help` may fail to be written, which is no bug: raises `OutputLost`, `ReaderGone`."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **options)
        except OSError as error:
            from universe_gan.shell.output import written

            with written():
                raise error


class Commands(Command, click.Group):
    """All commands."""

    command_class = Command


command = partial(click.command, cls=Command)


data_option = click.option(
    "--data", type=click.Path(path_type=Path), help="Folder for workspaces (default: data/)."
)


def set_option(keys: str, note: str = "") -> Callable[[F], F]:
    """`--set`, handed on as `overrides`; `keys`: what of a recipe a command goes by, such as `colour.KEY`."""
    return click.option(
        "--set",
        "overrides",
        type=SETTING,
        multiple=True,
        metavar=f"{keys}=VALUE",
        help=f"Override a setting{note}.",
    )


def speaks(command: F) -> F:
    """Give a command the output flags and hand it an `Output` as its first argument."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
    @click.option("-q", "--quiet", is_flag=True, help="No progress, no talk; errors and results only.")
    @click.option(
        "-v", "--verbose", is_flag=True, help="More talk: every failed item, tracebacks of failures."
    )
    @wraps(command)
    def wrapped(as_json: bool, quiet: bool, verbose: bool, **arguments: Any) -> Any:
        from universe_gan.shell.output import Output

        output = Output(json=as_json, quiet=quiet, verbose=verbose)
        click.get_current_context().obj = output
        return command(output, **arguments)

    return wrapped  # type: ignore[return-value]


def takes_recipe(command: F) -> F:
    """Give a command a recipe, loaded and checked, as its second argument."""

    @click.argument("recipe", metavar="RECIPE", type=NAMED)
    @set_option("SECTION.KEY")
    @data_option
    @wraps(command)
    def wrapped(
        output: Output, recipe: str, overrides: tuple[str, ...], data: Path | None, **rest: Any
    ) -> Any:
        from universe_gan.shell.recipes.recipe import find, load

        loaded = load(find(recipe), overrides, data)
        output.keep_log(loaded.data / "log.txt")
        return command(output, loaded, **rest)

    return wrapped  # type: ignore[return-value]


def may_keep_elsewhere(command: F) -> F:
    """Give a command with a recipe `--store`: where the workspace's files are kept from now on."""

    @click.option(
        "--store",
        metavar="URL",
        help="Keep originals, answers and what is made of them there (s3://BUCKET/FOLDER); remembered.",
    )
    @wraps(command)
    def wrapped(output: Output, recipe: Recipe, *, store: str | None, **rest: Any) -> Any:
        if store:
            from collectors.storage.workspace import keep_at

            keep_at(recipe.data, store)
        return command(output, recipe, **rest)

    return wrapped  # type: ignore[return-value]


def or_what_is_published(command: F) -> F:
    """Let a command that takes a recipe also take a dataset: on the Hub, in a store or in a folder."""

    @wraps(command)
    def wrapped(output: Output, recipe: str, **rest: Any) -> Any:
        from universe_gan.shell.datasets import published
        from universe_gan.shell.recipes.recipe import find

        if "://" in recipe or (Path(recipe).is_dir() and not find(recipe).is_file()):
            if rest.get("older") or rest.get("overrides"):
                raise click.UsageError("--diff and --set go with a recipe")
            return published.audit(output, recipe)
        return command(output, recipe=recipe, **rest)

    return wrapped  # type: ignore[return-value]


def or_a_run(command: F) -> F:
    """Let `publish` take the folder of a training run too, and publish its model."""

    @click.option("--licence", metavar="SPDX", help="Of a model's weights (default: none is claimed).")
    @wraps(command)
    def wrapped(output: Output, recipe: str, licence: str | None, **rest: Any) -> Any:
        if (Path(recipe) / "run.json").is_file():
            from universe_gan.shell.models import releasing

            if any([rest.pop("overrides"), rest.pop("data")]):
                raise click.UsageError("--set and --data go with a recipe")
            if not (repo := rest.pop("repo")):
                raise click.UsageError("name where the model goes: --repo USER/NAME")
            return releasing.publish(output, Path(recipe), repo, licence=licence, **rest)
        if licence:
            raise click.UsageError("--licence goes with a run: a dataset says the licence of every picture")
        return command(output, recipe=recipe, **rest)

    return wrapped  # type: ignore[return-value]


def goes_by_the_manifest(command: F) -> F:
    """Give a command `--locked` and what goes with it, handed on as `locked`: how to rebuild, or `None`."""

    @click.option("--locked", is_flag=True, help="Fetch exactly the files of the manifest and verify them.")
    @click.option("--exact", is_flag=True, help="With --locked: refuse smaller renditions made anew.")
    @click.option("--allow-missing", is_flag=True, help="With --locked: go on without what cannot be had.")
    @click.option("--verify", is_flag=True, help="With --locked: ask about files that are here already too.")
    @wraps(command)
    def wrapped(
        *arguments: Any, locked: bool, exact: bool, allow_missing: bool, verify: bool, **rest: Any
    ) -> Any:
        from universe_gan.shell.datasets.lock import Locked

        if not locked and (exact or allow_missing or verify):
            raise click.UsageError("--exact, --allow-missing and --verify go with --locked")
        if locked and (rest.get("refresh") or rest.get("dry_run")):
            raise click.UsageError(
                "--locked fetches what the manifest names; it goes with neither --refresh nor --dry-run"
            )
        how = Locked(exact=exact, allow_missing=allow_missing, every=verify) if locked else None
        return command(*arguments, locked=how, **rest)

    return wrapped  # type: ignore[return-value]


def repository(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The name of a repository, or a usage error."""
    if value is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", value):
        raise click.BadParameter(f"{value!r} is not user/name", context, option)
    return value


address_option = click.option(
    "--address",
    metavar="HOST:PORT",
    help="With --engine ray: a running cluster (default: RAY_ADDRESS or here).",
)


def with_an_engine(command: F) -> F:
    """Give a command `--engine`, `--workers` and `--address`, handed on as `engine: Engine`."""

    @click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="ray: on a Ray cluster; the result is the same.",
    )
    @click.option(
        "--workers", type=click.IntRange(1), help="Processes (default: one per core, here or of the cluster)."
    )
    @address_option
    @wraps(command)
    def wrapped(*arguments: Any, engine: str, workers: int | None, address: str | None, **rest: Any) -> Any:
        from universe_gan.shell.engines import Engine

        if address and engine != "ray":
            raise click.UsageError("--address goes with --engine ray")
        return command(*arguments, engine=Engine(engine == "ray", workers, address), **rest)

    return wrapped  # type: ignore[return-value]


refresh_option = click.option(
    "--refresh", is_flag=True, help="Forget earlier answers and ask the sources again."
)

to_option = click.option(
    "--output",
    "to",
    metavar="URL",
    help="Also put the dataset there (s3://BUCKET/FOLDER), sending only what changed.",
)

older_option = click.option(
    "--diff",
    "older",
    metavar="OLD",
    type=click.Path(path_type=Path, exists=True),
    help="Say what differs from an older dataset: its folder or a Parquet file of it, rights first.",
)

runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of training runs.",
)
device_option = click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="Default: a GPU where there is one."
)
checkpoint_option = click.option(
    "--checkpoint",
    metavar="latest|best|FILE",
    default="best",
    show_default=True,
    help="Which state of the run.",
)
extractor_option = click.option(
    "--extractor",
    metavar="lite0|plain|inception:WEIGHTS.pth|FILE.pt",
    help="What compares the pictures (default: as in training).",
)
port_option = click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Of the page (default: a free one)."
)
