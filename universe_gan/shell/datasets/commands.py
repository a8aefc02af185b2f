"""What each command prints: the stages do the work, this file finds the words."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from collectors.collect import Collected
from collectors.record import Reason
from collectors.storage.workspace import Workspace
from curation.auditing.audit import Audit, Concern
from curation.auditing.audit_diff import words_of
from universe_gan.shell.datasets import curating, descent, differences, lock, publishing, reviewing, stages
from universe_gan.shell.datasets.stages import as_json
from universe_gan.shell.datasets.status import standing
from universe_gan.shell.engines import LOCAL, Engine
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import python, tool
from universe_gan.shell.output import Output, many
from universe_gan.shell.recipes.recipe import Recipe


def collect(output: Output, recipe: Recipe, *, refresh: bool, dry_run: bool, engine: Engine = LOCAL) -> Exit:
    """Collect, and the closing table by reason."""
    engine = LOCAL if dry_run else engine  # nothing will be fetched
    with stages.at_work(recipe) as workspace, engine.at_work(output, workspace) as workers:
        fetchers = engine.fetchers(workers)
        result = stages.run_collect(
            recipe, workspace, output, refresh=refresh, dry_run=dry_run, fetchers=fetchers
        )
    _tell_collected(output, recipe, result, dry_run=dry_run)
    output.result(_collected_json(result))
    code = _collect_exit(result)
    if code is Exit.DONE:
        stage = "collect" if dry_run else "audit"
        output.say(f"next: {tool()} {stage} {recipe.path}")
    return code


def _collect_exit(result: Collected) -> Exit:
    return Exit.SOME_FAILED if result.pending else Exit.DONE


def _tell_collected(output: Output, recipe: Recipe, result: Collected, *, dry_run: bool) -> None:
    output.table("Not taken", ["images", "reason", "meaning"], _reason_rows(result.reasons))
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


def _collected_json(result: Collected) -> dict[str, object]:
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


def audit(output: Output, recipe: Recipe) -> Exit:
    """The licence audit."""
    with stages.at_work(recipe) as workspace:
        result = stages.run_audit(recipe, workspace)
        found = descent.of_recipe(recipe)
    _tell_audit(output, recipe, result)
    descent.tell(output, found)
    descent.warn(output, recipe, found)
    output.result(as_json(result) | {"descended": descent.as_json(found)})
    if result.violations:
        return Exit.VIOLATIONS
    output.say(f"next: {tool()} {standing(recipe).next}")
    return Exit.DONE


def audit_diff(output: Output, recipe: Recipe, older: Path) -> Exit:
    """The recipe's manifest beside an older one."""
    with stages.at_work(recipe) as workspace:
        found = stages.run_audit_diff(recipe, workspace, older)
    rows = [(one.uid, words) for one in found.altered for words in words_of(one)]
    shown = rows if output.verbose else rows[:20]
    output.table("Changed", ["uid", "what"], shown)
    if len(shown) < len(rows):
        output.say(f"  … and {len(rows) - len(shown):,} more (--verbose lists all)")
    for head, listed in (("added", found.added), ("removed", found.removed)):
        if listed:
            output.say(f"{head}: {_some([one.uid for one in listed], 10)}")
    output.line(
        f"{len(found.added):,} added, {len(found.removed):,} removed, {len(found.altered):,} changed,"
        f" {found.same:,} as before"
    )
    output.line(f"diff      {recipe.data / 'audit' / 'diff.md'}")
    output.result(as_json(found))
    output.say(f"next: {tool()} audit {recipe.path}")
    return Exit.DONE


def _tell_audit(output: Output, recipe: Recipe, result: Audit) -> None:
    rows = [(row.images, row.licence, row.cls.value, row.policy) for row in result.rows]
    output.table("Licences", ["images", "licence", "class", "the recipe's policy"], rows)
    notes = [(len(uids), Concern(concern).words, _some(uids)) for concern, uids in result.noted.items()]
    output.table("Worth a look", ["images", "what", "which"], notes)
    shown = result.violations[: None if output.verbose else 10]
    for violation in shown:
        output.line(f"violation  {violation.uid}: {violation.concern.words}: {violation.what}")
    if len(shown) < len(result.violations):
        output.line(f"… and {len(result.violations) - len(shown):,} more (--verbose lists all)")
    for one in result.purposes:
        output.line(f"{one.purpose:<9} {'yes' if one.may else 'no '}  {one.words}")
        terms = one.terms if output.verbose or one.purpose == recipe.policy.purpose else ()
        for words in (*one.against[: None if output.verbose else 3], *terms):
            output.line(f"            {words}")
    for words in result.collisions:
        output.say(f"note: {words}")
    verdict = many(len(result.violations), "violation") if result.violations else "no violation"
    output.line(f"audit     {recipe.data / 'audit' / 'audit.md'}  {verdict}")


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
    output.table("Dropped", ["images", "reason", "meaning"], _reason_rows(result.reasons))
    named = f", {len(result.references):,} named without pixels" if result.references else ""
    output.line(f"{result.kept:,} of {result.fetched:,} fetched images kept{named}")
    if result.contested:
        output.say(
            f"note: {len(result.contested):,} of them have copies under other terms:"
            f" {_some(result.contested)}; `{tool()} audit {recipe.path}` says which"
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
            _tell_collected(output, recipe, found, dry_run=False)
            code, collected = _collect_exit(found), _collected_json(found)
        if code is not Exit.DONE:
            output.result({"collect": collected})
            return code
        audited = stages.run_audit(recipe, workspace)
        _tell_audit(output, recipe, audited)
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


def relicense(output: Output, recipe: Recipe, *, dry_run: bool) -> Exit:
    """Rights derived again."""
    with stages.at_work(recipe) as workspace:
        result = stages.run_relicense(recipe, workspace, dry_run=dry_run)
    rows = [(change.uid, change.before, change.after, change.note) for change in result.changes]
    output.table("Rights that read differently now", ["uid", "before", "now", "note"], rows)
    if result.without_answer:
        output.say(
            f"{len(result.without_answer):,} images have no kept answer here and stay as they are:"
            f" {_some(result.without_answer)}"
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


def _reason_rows(reasons: Mapping[Reason, int] | Counter[str]) -> list[tuple[int, str, str]]:
    counted = Counter({Reason(reason): count for reason, count in reasons.items() if count})
    return [(count, reason.value, reason.words) for reason, count in counted.most_common()]


def _some(uids: Sequence[str], most: int = 3) -> str:
    return ", ".join(uids[:most]) + (f" and {len(uids) - most:,} more" if len(uids) > most else "")
