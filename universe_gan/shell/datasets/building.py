"""What `curate`, `report` and `build` print; `build` is the chain of them all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from collectors.storage.workspace import Workspace
from universe_gan.shell.datasets import (
    auditing,
    collecting,
    curating,
    differences,
    lock,
    publishing,
    reviewing,
    stages,
)
from universe_gan.shell.datasets.stages import as_json
from universe_gan.shell.datasets.status import standing
from universe_gan.shell.engines import LOCAL, Engine
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import python, tool
from universe_gan.shell.output import Output, many, some
from universe_gan.shell.recipes.recipe import Recipe


def curate(
    output: Output,
    recipe: Recipe,
    *,
    engine: Engine = LOCAL,
    older: Path | None = None,
    to: str | None = None,
) -> Exit:
    """Verdicts and the dataset; `to`: the address that gets a copy."""
    before = differences.before(older)
    with stages.at_work(recipe) as workspace, engine.at_work(output, workspace) as workers:
        result = curating.run_curate(recipe, workspace, output, workers, before)
        _tell_curated(output, recipe, result, older)
        sent = _sent(output, result, to)
    output.result(_curated_json(result) | sent)
    output.say(f"next: {tool()} report {recipe.path}")
    return Exit.DONE


def _tell_curated(
    output: Output, recipe: Recipe, result: curating.Curated, older: Path | None = None
) -> None:
    output.table("Dropped", ["images", "reason", "meaning"], collecting.reason_rows(result.reasons))
    output.line(result.account)
    if result.contested:
        output.say(
            f"note: {len(result.contested):,} of them have copies under other terms:"
            f" {some(result.contested)}; `{tool()} audit {recipe.path}` says which"
        )
    if lost := result.lost:
        around = sum(one.verdict.keep and one.crop == "subject" for one in result.judged)
        words = f"{around:,} around their subject, of which they lose {lost['subject']:.1%} on average"
        output.line(f"squares   {words}; centred ones would lose {lost['centre']:.1%}")
    referred = f", {many(result.dataset.references, 'reference')}" if result.dataset.references else ""
    referred += f", {result.dataset.synthetic:,} generated" if result.dataset.synthetic else ""
    size = f"{result.dataset.bytes / 1e6:,.1f} MB"
    held_out = result.dataset.splits.get("test", 0)
    rows = f"{result.dataset.rows:,} rows" + (f" ({held_out:,} held out)" if held_out else "")
    output.line(f"dataset   {result.dataset.path}  {rows}{referred}, {size}")
    if older is not None and result.diff is not None:
        differences.tell(output, older, result.diff, recipe.data / "audit" / "dataset-diff.md")
    publishing.warn_of_paths(output, recipe)
    if result.waiting.total:
        output.line(f"review    {reviewing.words_of(result.waiting)} ({tool()} review {recipe.path})")


def _sent(output: Output, result: curating.Curated, to: str | None) -> dict[str, object]:
    if to is None:
        return {}
    from curation.dataset.sending import send

    sent = send(result.dataset, to, output)
    removed = f", {sent.removed:,} removed" if sent.removed else ""
    output.line(
        f"output    {sent.url}  {many(sent.files, 'file')} sent, {sent.bytes / 1e6:,.1f} MB;"
        f" {sent.unchanged:,} unchanged{removed}"
    )
    return {"sent": as_json(sent)}


def _curated_json(result: curating.Curated) -> dict[str, object]:
    return {
        "kept": result.kept,
        "judged": len(result.judged),
        "references": len(result.references),
        "reasons": dict(sorted(result.reasons.items())),
        "subject_lost": result.lost,
        "doubtful": sorted(one.uid for one in result.judged if one.doubts),
        "undecided": result.waiting.total,
        "dataset": as_json(result.dataset),
        "diff": as_json(result.diff) if result.diff else None,
    }


def report(output: Output, recipe: Recipe, *, engine: Engine = LOCAL) -> Exit:
    """The HTML report."""
    with stages.at_work(recipe) as workspace, engine.at_work(output, workspace) as workers:
        path = stages.run_report(recipe, workspace, output, workers)
    output.line(f"report    {path}")
    output.result({"report": str(path)})
    output.say(f"next: open {path} in a browser; then {tool()} {standing(recipe).next}")
    return Exit.DONE


def build(
    output: Output,
    recipe: Recipe,
    *,
    locked: lock.Locked | None = None,
    refresh: bool = False,
    engine: Engine = LOCAL,
    demo: bool = False,
    older: Path | None = None,
    to: str | None = None,
    then: Callable[[], tuple[Exit, Mapping[str, object], Sequence[Path]]] | None = None,
) -> Exit:
    """The whole chain; stops where the collection is not complete.

    `then` goes on from the dataset, adds to the result, and says which files to look at.
    """
    before = differences.before(older)
    with stages.at_work(recipe) as workspace, engine.at_work(output, workspace) as workers:
        fetchers = engine.fetchers(workers)
        if locked:
            code, collected = _rebuilt(output, recipe, workspace, locked, fetchers)
        else:
            found = stages.run_collect(recipe, workspace, output, refresh=refresh, fetchers=fetchers)
            collecting.tell(output, recipe, found, dry_run=False)
            code, collected = collecting.exit_code(found), collecting.collected_json(found)
        if code is not Exit.DONE:
            output.result({"collect": collected})
            return code
        audited = stages.run_audit(recipe, workspace)
        auditing.tell(output, recipe, audited)
        curated = curating.run_curate(recipe, workspace, output, workers, before)
        _tell_curated(output, recipe, curated, older)
        sent = _sent(output, curated, to)
        audited = stages.run_audit(recipe, workspace)  # once more: now it is known what is a copy of what
        path = stages.run_report(recipe, workspace, output, workers)
    output.line(f"report    {path}")
    code, more, look_at = then() if then else (Exit.DONE, {}, ())
    output.result(
        {
            "collect": collected,
            "audit": as_json(audited),
            "curate": _curated_json(curated),
            "report": str(path),
            **sent,
            **more,
        }
    )
    if code is Exit.DONE:
        _tell_next(output, recipe, look_at, demo=demo)
    return Exit.VIOLATIONS if audited.violations else code


def _rebuilt(
    output: Output, recipe: Recipe, workspace: Workspace, how: lock.Locked, fetchers: int | None
) -> tuple[Exit, dict[str, object]]:
    result = stages.run_rebuild(
        recipe,
        workspace,
        output,
        exact=how.exact,
        allow_missing=how.allow_missing,
        every=how.every,
        fetchers=fetchers,
    )
    lock.tell(output, recipe, result)
    return lock.exit_code(result), lock.rebuilt_json(result)


def _tell_next(output: Output, recipe: Recipe, look_at: Sequence[Path], *, demo: bool) -> None:
    output.say("next:")
    for path in (recipe.data / "report.html", *look_at):
        output.say(f"  open {path} in a browser")
    output.say(f"  {_load_line(recipe)}")
    if demo:
        output.say(f"  {tool()} init my-nebulae --from nebulae   (your own recipe, from Wikimedia Commons)")
    else:
        output.say(f"  {tool()} status {recipe.path}")


def _load_line(recipe: Recipe) -> str:
    return f"{python()} -c \"import datasets; print(datasets.load_dataset('{recipe.data / 'dataset'}'))\""
