"""`takedown`: take images out for good, publish without them, and say what others may still hold."""

from collections.abc import Sequence
from pathlib import Path

from collectors import manifest as manifests
from collectors.manifest import Manifest
from collectors.record import Record
from collectors.storage.workspace import Workspace
from curation.curate import read_verdicts
from curation.dataset.synthetic import read as read_synthetic
from curation.hub import blocked, history
from curation.hub import takedown as takedowns
from curation.hub.blocked import Blocklist
from curation.hub.descent import Descended, descended, remembering
from curation.hub.problems import HubProblem
from curation.hub.proposal import PullRequest
from curation.hub.recognise import recognised
from curation.hub.remote import hub_here
from curation.hub.takedown import Alike, Copies, Takedown
from curation.imaging import features
from curation.imaging.examine import folders
from curation.judged import Judged
from universe_gan.shell.datasets import curating, descent, looks, proposals, publishing, stages
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output, many
from universe_gan.shell.recipes.recipe import Recipe

WITHOUT_FEATURES = "note: crops and tilted copies will not be recognised: pip install 'universe-gan[verify]'"


def takedown(
    output: Output,
    recipe: Recipe,
    asked: str,
    *,
    reason: str,
    copies: Copies,
    publish: bool,
    synthetic: bool,
    runs: Path,
    dry_run: bool,
) -> Exit:
    """Find, block, remove; with `publish` build and publish anew."""
    with stages.at_work(recipe) as workspace:
        found = find(recipe, workspace, asked, copies)
        _tell(output, found)
        last = publishing.remembered(recipe)
        repos = {repo for repo in (last.repo if last else None, recipe.publish.repo) if repo}
        learned = list(descent.runs_of(recipe, workspace, runs, repos)) if found.gone else []
        blocklist = _blocked(recipe, workspace, found, learned, reason=reason)
        gone = {record.uid for record in found.gone}
        made = [
            one
            for one in descended(read_synthetic(recipe.synthetic), blocklist)
            if found.before or gone & set(one.taken_down)
        ]
        _tell_learned(output, made, learned, dropped=synthetic)
        if not dry_run and not found.before:
            carry_out(recipe, workspace, found, blocklist)
            output.line(f"blocked   {recipe.blocked}")
            if not features.available():
                output.say(WITHOUT_FEATURES)
            output.line(f"manifest  {recipe.manifest}  without them")
        if synthetic and not dry_run and (count := descent.drop(recipe, workspace, made)):
            output.line(f"listed    {recipe.synthetic}  {many(count, 'generated picture')} dropped")
        told = _json(found, written=not dry_run) | {
            "synthetic": descent.as_json(made),
            "runs": [str(one.folder) for one in learned],
        }
        if publish and not dry_run:
            return _publish(output, recipe, workspace, told)
        output.result(told)
        if dry_run:
            output.line("nothing was changed")
            return Exit.DONE
        repo = (last.repo if last else None) or recipe.publish.repo
    output.say(f"next: {tool()} build {recipe.path}   (makes dataset and report without them)")
    if repo:
        output.say(f"then: {tool()} publish {recipe.path} --pull-request never   ({repo} still shows them)")
    return Exit.DONE


def find(recipe: Recipe, workspace: Workspace, asked: str, copies: Copies) -> Takedown:
    """What a request names in the recipe's manifest. Raises as `takedown.plan`, and `StageMissing`."""
    manifest = stages.read_manifest(recipe)
    return takedowns.plan(
        manifest,
        _verdicts(workspace),
        asked,
        copies,
        squares=looks.squares(workspace),
        blocklist=blocked.read(recipe.blocked),
        alike=_alike(recipe, workspace, manifest),
    )


def _alike(recipe: Recipe, workspace: Workspace, manifest: Manifest) -> Alike:
    """Which other images would be recognised if these stood on the blocklist."""

    def alike(matches: Sequence[Record]) -> set[str]:
        look, features_of = looks.look_at(recipe, workspace), looks.features_of(workspace)
        known = looks.look_at(recipe, workspace, anew=False)
        alone = Takedown("", None, tuple(matches), (), ())
        named = {record.uid for record in matches}
        lines = Blocklist(tuple(takedowns.lines(alone, look, features_of, reason="", date="")))
        others = [record for record in manifest.records if record.uid not in named]
        seen = [(record, one) for record in others if (one := known(record)) is not None]
        found = recognised(lines, seen, folders(workspace).features)
        return {*found, *(record.uid for record in others if not lines.refuses(record).keep)}

    return alike


def _blocked(
    recipe: Recipe,
    workspace: Workspace,
    found: Takedown,
    learned: Sequence[descent.Learned],
    *,
    reason: str,
) -> Blocklist:
    """The blocklist with these on it, and with what models have learned from until now."""
    date = stages.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    look = looks.look_at(recipe, workspace)
    new = takedowns.lines(found, look, looks.features_of(workspace), reason=reason, date=date)
    prints = [one.fingerprint for one in learned]
    prints += [one.dataset_fingerprint for one in read_synthetic(recipe.synthetic)]
    return blocked.read(recipe.blocked).with_(remembering(new, prints))


def carry_out(recipe: Recipe, workspace: Workspace, found: Takedown, blocklist: Blocklist) -> None:
    """Block first, then seal the manifest without them, then forget their files."""
    manifest = stages.read_manifest(recipe)
    blocked.write(blocklist, recipe.blocked)
    gone = {record.uid for record in found.gone}
    left = takedowns.without(manifest, gone, tool=recipe.plan.tool)
    manifests.write(left, recipe.manifest)
    used = {record.file.sha256 for record in left.records if record.file}
    places = folders(workspace)
    for record in found.gone:
        if record.file and record.file.sha256 not in used:
            workspace.originals.drop(record.file.sha256)
            places.thumbnails.drop(record.file.sha256)
            places.features.drop(record.file.sha256)


def _verdicts(workspace: Workspace) -> tuple[Judged, ...]:
    try:
        return read_verdicts(workspace.verdicts)
    except FileNotFoundError:
        return ()


def _publish(output: Output, recipe: Recipe, workspace: Workspace, told: dict[str, object]) -> Exit:
    """Build and publish at once: a pull request would leave the images up until somebody merges it."""
    stages.run_audit(recipe, workspace)
    curating.run_curate(recipe, workspace, output)
    if workspace.report.is_file():
        stages.run_report(recipe, workspace, output)
    hub = hub_here()
    wish: PullRequest = "always" if recipe.publish.pull_request == "always" else "never"
    repo = last.repo if (last := publishing.remembered(recipe)) else None
    proposal = publishing.run_publish(
        recipe, workspace, output, hub, repo=recipe.publish.repo or repo, pull_request=wish
    )
    proposals.tell_proposal(output, hub, proposal)
    code = publishing.carry_out(output, recipe, workspace, hub, proposal, "Take images down", told)
    try:
        _tell_remains(output, history.remains(hub, proposal.repo))
    except HubProblem as error:
        output.say(f"note: what remains in the history could not be asked: {error.detail}")
    return code


def _tell(output: Output, found: Takedown) -> None:
    if found.before:
        output.line(f"{found.asked} was taken down already; nothing of it is in the manifest")
        return
    rows = [(record.uid, record.title, record.creator.name or "", "asked for") for record in found.matches]
    rows += [(record.uid, record.title, record.creator.name or "", "a copy of it") for record in found.copies]
    rows += [
        (record.uid, record.title, record.creator.name or "", "a copy: stays") for record in found.spared
    ]
    output.table("Taken down", ["uid", "title", "creator", "why"], rows)
    files = sum(record.file is not None for record in found.gone)
    go = "goes" if len(found.gone) == 1 else "go"
    stay = "stays" if len(found.spared) == 1 else "stay"
    going, staying = many(len(found.gone), "image"), f"{len(found.spared):,} {stay}"
    output.line(f"{going} {go}, {files:,} with a file; {staying}")
    if found.author:
        output.line("everything else by this author is refused from now on")
    if found.copies:
        output.say("note: --copies keep lets copies of other people stay, where only one upload was at fault")
    if found.spared:
        output.say("note: the best-licensed of those that stay takes its place at the next build")


def _tell_learned(
    output: Output,
    made: list[Descended],
    learned: Sequence[descent.Learned],
    *,
    dropped: bool,
) -> None:
    """The generated pictures and the models that may have learned from it."""
    descent.tell(output, made)
    if made and not dropped:
        output.say("note: --synthetic drops them; by themselves they stay in the dataset")
    if learned:
        names = ", ".join(one.folder.name for one in learned)
        output.say(
            f"note: {names} may have learned from it, and no model unlearns: train again after the build"
        )


def _tell_remains(output: Output, remains: history.Remains) -> None:
    """What the Hub still holds, and how to get rid of it."""
    if remains.nothing:
        output.say("the repository has no earlier commit that would hold them")
    else:
        output.say(
            f"still on the Hub: {many(remains.commits, 'earlier commit')}"
            + (f"; {', '.join(remains.refs)}" if remains.refs else "")
            + "; and their files in its large-file storage"
        )
        output.say("to purge them for ever (this cannot be undone, and pinned revisions stop to load):")
        for line in history.purge(remains):
            output.say(f"    {line}")
    output.say("what no call reaches:")
    for words in history.BEYOND:
        output.say(f"  - {words}")


def _json(found: Takedown, *, written: bool) -> dict[str, object]:
    return {
        "asked": found.asked,
        "author": found.author.model_dump(mode="json") if found.author else None,
        "matches": [record.uid for record in found.matches],
        "copies": [record.uid for record in found.copies],
        "spared": [record.uid for record in found.spared],
        "before": found.before,
        "written": written,
    }
