"""What `collect` and `relicense` print: the stages do the work, this file finds the words."""

from collections import Counter
from collections.abc import Mapping

from collectors.collect import Collected
from collectors.record import Reason
from universe_gan.shell.datasets import stages
from universe_gan.shell.datasets.stages import as_json
from universe_gan.shell.engines import LOCAL, Engine
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output, some
from universe_gan.shell.recipes.recipe import Recipe


def collect(output: Output, recipe: Recipe, *, refresh: bool, dry_run: bool, engine: Engine = LOCAL) -> Exit:
    """Collect, and the closing table by reason."""
    engine = LOCAL if dry_run else engine  # nothing will be fetched
    with stages.at_work(recipe) as workspace, engine.at_work(output, workspace) as workers:
        fetchers = engine.fetchers(workers)
        result = stages.run_collect(
            recipe, workspace, output, refresh=refresh, dry_run=dry_run, fetchers=fetchers
        )
    tell(output, recipe, result, dry_run=dry_run)
    output.result(collected_json(result))
    code = exit_code(result)
    if code is Exit.DONE:
        stage = "collect" if dry_run else "audit"
        output.say(f"next: {tool()} {stage} {recipe.path}")
    return code


def exit_code(result: Collected) -> Exit:
    return Exit.SOME_FAILED if result.pending else Exit.DONE


def tell(output: Output, recipe: Recipe, result: Collected, *, dry_run: bool) -> None:
    output.table("Not taken", ["images", "reason", "meaning"], reason_rows(result.reasons))
    for missed in result.missed[: None if output.verbose else 10]:
        output.say(f"  {missed.key}: {missed.reason.value}: {missed.detail}")
    if len(result.missed) > 10 and not output.verbose:
        output.say(f"  … and {len(result.missed) - 10} more (--verbose lists all)")
    if dry_run:
        size = f"{result.planned_bytes / 1e6:,.1f} MB"
        output.line(
            f"{result.taken:,} of {result.seen:,} images would be taken, {size} to fetch; nothing was fetched"
        )
    elif result.pending:
        output.line(
            f"{result.taken:,} images are here; {result.pending:,} could not be fetched now,"
            " so the manifest is not sealed yet"
        )
        output.say(f"next: {tool()} collect {recipe.path}   (tries just those)")
    elif result.manifest:
        header = result.manifest.header
        output.line(f"{header.files:,} of {result.seen:,} images taken, {header.bytes / 1e6:,.1f} MB")
        output.line(f"manifest  {recipe.manifest}  root {header.root_sha256[:16]}…")


def collected_json(result: Collected) -> dict[str, object]:
    return {
        "seen": result.seen,
        "taken": result.taken,
        "pending": result.pending,
        "fetched_bytes": result.fetched_bytes,
        "planned_bytes": result.planned_bytes,
        "shortage": result.shortage,
        "reasons": {reason.value: count for reason, count in sorted(result.reasons.items()) if count},
        "missed": [as_json(missed) for missed in result.missed],
        "root_sha256": result.manifest.header.root_sha256 if result.manifest else None,
    }


def relicense(output: Output, recipe: Recipe, *, dry_run: bool) -> Exit:
    """Rights derived again."""
    with stages.at_work(recipe) as workspace:
        result = stages.run_relicense(recipe, workspace, dry_run=dry_run)
    rows = [(change.uid, change.before, change.after, change.note) for change in result.changes]
    output.table("Rights that read differently now", ["uid", "before", "now", "note"], rows)
    if result.without_answer:
        output.say(
            f"{len(result.without_answer):,} images have no kept answer here and stay as they are:"
            f" {some(result.without_answer)}"
        )
    done = "would change" if dry_run else "changed"
    output.line(f"{len(result.changes):,} of {len(result.manifest.records):,} images {done}")
    output.result(
        {
            "changes": [as_json(change) for change in result.changes],
            "without_answer": list(result.without_answer),
            "written": not dry_run,
        }
    )
    output.say(f"next: {tool()} audit {recipe.path}")
    return Exit.DONE


def reason_rows(reasons: Mapping[Reason, int] | Counter[str]) -> list[tuple[int, str, str]]:
    counted = Counter({Reason(reason): count for reason, count in reasons.items() if count})
    return [(count, reason.value, reason.words) for reason, count in counted.most_common()]
