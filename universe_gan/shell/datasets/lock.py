"""What the commands print that go by a manifest: `verify`, and `collect` and `build` with `--locked`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collectors.locked.changes import Change, Kind
from collectors.locked.rebuild import Fate, Rebuilt
from collectors.locked.verify import Drift
from curation.outcome import seen
from universe_gan.shell.datasets import stages
from universe_gan.shell.datasets.stages import as_json
from universe_gan.shell.engines import LOCAL, Engine
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output
from universe_gan.shell.recipes.recipe import Recipe


@dataclass(frozen=True)
class Locked:
    """How a rebuild goes about what is not as it was (see `collectors.locked.rebuild.collect_locked`)."""

    exact: bool = False
    allow_missing: bool = False
    every: bool = False


def collect(output: Output, recipe: Recipe, how: Locked, engine: Engine = LOCAL) -> Exit:
    """Fetch what the manifest locks, and the closing table by fate."""
    with stages.at_work(recipe) as workspace, engine.at_work(output, workspace) as workers:
        result = stages.run_rebuild(
            recipe,
            workspace,
            output,
            exact=how.exact,
            allow_missing=how.allow_missing,
            every=how.every,
            fetchers=engine.fetchers(workers),
        )
    tell(output, recipe, result)
    output.result(rebuilt_json(result))
    if result.complete:
        output.say(f"next: {tool()} audit {recipe.path}")
    return exit_code(result)


def exit_code(result: Rebuilt) -> Exit:
    """Fewer rows than the lock are an open matter unless the user said that they may be missing."""
    return Exit.DONE if result.complete else Exit.SOME_FAILED


def tell(output: Output, recipe: Recipe, result: Rebuilt) -> None:
    """The table by fate, what is missing and why, what changed, and the line that sums it up."""
    rows = [(count, fate.value, fate.words) for fate, count in result.counts.items()]
    output.table("Locked files", ["images", "fate", "meaning"], rows)
    absent = result.of(Fate.DROPPED, Fate.GONE, Fate.BUSY)
    words = [f"{one.uid} ({one.title}): {one.fate.value}: {_why(one.detail, one.changes)}" for one in absent]
    _some(output.line, output, words)
    changed = [
        f"{one.uid} ({one.title}): {one.detail + '; ' if one.detail else ''}{_changes(one.changes)}"
        for one in result.changed
    ]
    if changed:
        output.say("changed at the source; the dataset keeps to the manifest and its dated evidence:")
        _some(output.say, output, changed)
    for one in result.of(Fate.RENDITION):
        output.say(f"  {one.uid}: {one.detail}; --exact would refuse it")
    here = len(result.images) - len(absent)
    total = len(result.images)
    if not absent:
        output.line(f"{here:,} files of {recipe.manifest} are here and verified")
        return
    output.line(
        f"{here:,} of {total:,} files of {recipe.manifest} are here and verified, {total - here:,} are not"
    )
    if result.of(Fate.BUSY):
        output.say(f"next: {tool()} collect {recipe.path} --locked   (tries just those)")
    elif not result.allow_missing:
        output.say(
            "next: the same command with --allow-missing makes the dataset without them and lists them"
        )


def rebuilt_json(result: Rebuilt) -> dict[str, object]:
    """The result as plain JSON values; images that are as they were are only counted."""
    plain = (Fate.HERE, Fate.SAME)
    return {
        "seen": seen(result.lock.header),
        "taken": len(result.images) - len(result.of(Fate.DROPPED, Fate.GONE, Fate.BUSY)),
        "pending": len(result.of(Fate.BUSY)),
        "fetched_bytes": result.fetched_bytes,
        "fates": {fate.value: count for fate, count in result.counts.items()},
        "images": [as_json(one) for one in result.images if one.fate not in plain or one.changes],
        "lock_sha256": result.lock.header.root_sha256,
        "root_sha256": result.manifest.header.root_sha256,
    }


def verify(output: Output, recipe: Recipe, *, update: bool) -> Exit:
    """The drift report."""
    with stages.at_work(recipe) as workspace:
        drift = stages.run_verify(recipe, workspace, output, update=update)
    rows = [
        (count, kind.value, kind.words, "matters" if kind.matters else "")
        for kind, count in drift.counts.items()
    ]
    output.table("Changed at the source", ["images", "change", "meaning", ""], rows)
    grave = [f"{one.uid} ({one.title}): {_changes(one.changes)}" for one in drift.matters]
    _some(output.line, output, grave)
    if drift.unasked:
        output.say(f"{len(drift.unasked):,} images: their source cannot be asked, or gave no clear answer")
    output.line(
        f"{drift.looked_at:,} images looked at, {len(drift.images):,} changed, {len(drift.matters):,} matter"
    )
    output.line(f"drift     {recipe.data / 'audit' / 'drift.md'}")
    if update:
        output.line(f"manifest  {recipe.manifest}  dated, root {drift.root_sha256[:16]}…")
    output.result(_drift_json(drift, updated=update))
    if drift.matters:
        output.say(f"next: {tool()} collect {recipe.path} --refresh   (collects anew, without them)")
        return Exit.VIOLATIONS
    output.say(f"next: {tool()} audit {recipe.path}")
    return Exit.DONE


def _drift_json(drift: Drift, *, updated: bool) -> dict[str, object]:
    counts = {kind.value: count for kind, count in drift.counts.items()}
    return {**as_json(drift), "counts": counts, "matters": len(drift.matters), "updated": updated}


def _why(detail: str, changes: Sequence[Change]) -> str:
    told = [change for change in changes if change.kind not in (Kind.DELETED, Kind.REFUSED)]
    return "; ".join(filter(None, (detail, _changes(told)))) or "no reason was given"


def _changes(changes: Sequence[Change]) -> str:
    return "; ".join(f"{change.kind.value}: {change.before} → {change.after}" for change in changes)


def _some(say: Callable[[str], None], output: Output, lines: Sequence[str], most: int = 10) -> None:
    for line in lines if output.verbose else lines[:most]:
        say(f"  {line}")
    if len(lines) > most and not output.verbose:
        say(f"  … and {len(lines) - most:,} more (--verbose lists all)")
