"""`publish`: from a built dataset to the Hub, and what is said about it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from collectors.progress import Progress
from collectors.storage.workspace import Workspace
from curation.dataset import diff as dataset_diff
from curation.dataset import synthetic
from curation.dataset.write import BuiltDataset
from curation.hub import blocked, gate
from curation.hub import publish as hub_publish
from curation.hub.proposal import Proposal, PullRequest, Remembered, propose
from curation.hub.publish import Outcome
from curation.hub.remote import Hub, hub_here
from universe_gan.shell.datasets import descent, stages
from universe_gan.shell.datasets.stages import StageMissing
from universe_gan.shell.datasets.state import State, note_published, read_published
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output
from universe_gan.shell.recipes.recipe import Recipe


class RepoNotNamed(Exception):
    """Neither the recipe nor the command says where to publish."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} names no repository")
        self.path = path


class StageStale(Exception):
    """What a stage made is older than what it is made from."""

    def __init__(self, made: Path, command: str) -> None:
        super().__init__(f"{made} is out of date; `{command}` makes it anew")
        self.made, self.command = made, command


class AlreadyPublic(Exception):
    """A private repository was asked for, and the one that is there is public."""

    def __init__(self, page: str) -> None:
        super().__init__(f"{page} is public")
        self.page = page


def run_publish(
    recipe: Recipe,
    workspace: Workspace,
    progress: Progress,
    hub: Hub,
    *,
    repo: str | None = None,
    private: bool | None = None,
    pull_request: PullRequest | None = None,
    tag: str | None = None,
) -> Proposal:
    """Check rights, files and rows, and hold the build against what is published.

    Raises:
        RepoNotNamed, StageMissing, StageStale: there is nothing to publish yet.
        AlreadyPublic: `private` was asked for.
        NoToken, TokenRefused, MayNotWrite, HubBusy: before anything large is read.
        BuildChanged, MayNotBePublished: what was built is not what may go out.
    """
    repo = repo or recipe.publish.repo
    if repo is None:
        raise RepoNotNamed(recipe.path)
    wish: PullRequest = pull_request or recipe.publish.pull_request
    built = read_built(recipe, workspace)
    account, base = hub_publish.check_rights(hub, repo, wish)
    if private and base and not base.private:
        raise AlreadyPublic(hub.page(repo))
    manifest = stages.read_manifest(recipe)
    blocklist = blocked.read(recipe.blocked)
    with progress.stage("check", len(built.files)) as stage:
        gate.check_files(built, workspace.dataset)
        accepted = synthetic.read(recipe.synthetic)
        gate.check_rows(workspace.dataset, manifest, recipe.policy, blocklist.refuses, accepted)
        stage.advance(len(built.files))
    return propose(
        hub,
        repo,
        account,
        base,
        built,
        workspace.dataset,
        private=recipe.publish.private if private is None else private,
        pull_request=wish,
        tag=tag,
        today=stages.now(),
        last=remembered(recipe),
    )


def built_by(recipe: Recipe) -> BuiltDataset:
    """What the last `curate` built, read while nobody changes it; several may read at a time.

    Raises `StageMissing`, `StageStale`, `WorkspaceBusy`.
    """
    workspace = Workspace(recipe.data)
    with workspace.reading():
        return read_built(recipe, workspace)


def read_built(recipe: Recipe, workspace: Workspace) -> BuiltDataset:
    """What the last `curate` built. Raises `StageMissing`, `StageStale`."""
    command = f"universe-gan build {recipe.path}"
    manifest = stages.read_manifest(recipe)
    try:
        told = json.loads(workspace.built.read_text(encoding="utf-8"))
        built = BuiltDataset.model_validate({**told, "path": workspace.dataset})
    except (FileNotFoundError, ValueError, TypeError) as error:
        if isinstance(error, ValidationError) or workspace.dataset.is_dir():
            raise StageStale(workspace.dataset, command) from error
        raise StageMissing(workspace.dataset, command) from error
    note = State(workspace).read().get("curate", {})
    if (note.get("root"), note.get("settings")) != (
        manifest.header.root_sha256,
        recipe.made_with("curate"),
    ):
        raise StageStale(workspace.dataset, command)
    return built


def remembered(recipe: Recipe) -> Remembered | None:
    """What was published last; losing it loses no more than a warning about the card."""
    note = read_published(recipe.published) or {}
    try:
        return Remembered.model_validate({name: note[name] for name in _REMEMBERED & note.keys()})
    except ValidationError:
        return None


_REMEMBERED = frozenset(Remembered.model_fields)


def remember(recipe: Recipe, outcome: Outcome) -> None:
    """Note for `status` what stands on the Hub now."""
    note_published(
        recipe.published,
        stages.read_manifest(recipe).header.root_sha256,
        recipe.made_with("curate"),
        repo=outcome.proposal.repo,
        revision=outcome.revision,
        build=outcome.proposal.build,
        tag=outcome.tag,
        pull_request=outcome.pull_request,
    )


def publish(
    output: Output,
    recipe: Recipe,
    *,
    repo: str | None,
    dry_run: bool,
    private: bool | None,
    pull_request: PullRequest | None,
    message: str | None,
    tag: str | None,
) -> Exit:
    """Show the difference; unless it is a dry run, publish it."""
    with stages.at_work(recipe) as workspace:
        hub = hub_here()
        proposal = run_publish(
            recipe, workspace, output, hub, repo=repo, private=private, pull_request=pull_request, tag=tag
        )
        tell_proposal(output, hub, proposal)
        warn_of_paths(output, recipe)
        descent.warn(output, recipe, descent.of_recipe(recipe))
        if dry_run:
            output.result({"proposal": proposal_json(proposal), "published": None})
            if proposal.nothing and proposal.waiting is None and proposal.tagged:
                output.line("nothing to do: the Hub holds this build")
            elif proposal.nothing:
                output.line(f"nothing to send; the tag would be {proposal.tag}")
            else:
                output.say(f"next: {tool()} publish {recipe.path}{f' --repo {repo}' if repo else ''}")
            return Exit.DONE
        return carry_out(output, recipe, workspace, hub, proposal, message)


def carry_out(
    output: Output,
    recipe: Recipe,
    workspace: Workspace,
    hub: Hub,
    proposal: Proposal,
    message: str | None,
    also: Mapping[str, object] | None = None,
) -> Exit:
    """Publish what was shown, remember it and say where it is; `also` goes into the JSON result."""
    outcome = hub_publish.carry_out(hub, proposal, message=message or _message(proposal), progress=output)
    remember(recipe, outcome)
    tell_outcome(output, outcome)
    told = {"proposal": proposal_json(proposal), "published": outcome_json(outcome)}
    output.result({**(also or {}), **told})
    return Exit.DONE


def warn_of_paths(output: Output, recipe: Recipe) -> None:
    """Say with which settings nobody else can make the dataset again."""
    for words in recipe.leads_out:
        output.say(f"warning: {words}: nobody else can make this dataset again")


def tell_proposal(output: Output, hub: Hub, proposal: Proposal) -> None:
    """The target, the difference row by row and file by file, and whose words would be replaced."""
    base = proposal.base
    visibility = "private" if proposal.private else "public"
    stands = f"at {base.revision[:12]}" if base else "to be made"
    output.line(f"target    {hub.page(proposal.repo)}  {visibility}, {stands}, as {proposal.account.name}")
    if proposal.nothing:
        return
    if proposal.rows is not None:
        made = proposal.generated
        rows = list(dataset_diff.lines(proposal.rows))
        rows += [(uid[:24] + "…", "removed", "generated") for uid in made.removed]
        rows += [(uid[:24] + "…", "added", "generated") for uid in made.added]
        shown = rows if output.verbose else rows[:20]
        output.table("Rows", ["uid", "what", "to"], shown if base else ())
        if base and len(shown) < len(rows):
            output.say(f"  … and {len(rows) - len(shown):,} more (--verbose lists all)")
        output.line(f"rows      {proposal.rows.words}")
    elif proposal.compared:
        output.line(f"rows      cannot be compared with what stands there: {proposal.compared}")
    if words := proposal.generated.words:
        output.line(f"generated {words}")
    output.line(
        f"files     {len(proposal.send):,} to send ({proposal.bytes / 1e6:,.1f} MB), {proposal.same:,} there"
        f" already, {len(proposal.delete):,} to delete"
    )
    how = "a pull request" if proposal.as_pull_request else "one commit"
    output.line(f"as        {how}, tag {proposal.tag}")
    for path in proposal.delete:
        output.detail(f"  delete {path}")
    if proposal.foreign:
        output.say(f"note: not ours, left alone: {_some(proposal.foreign)}")
    if proposal.card_edits:
        output.say("warning: README.md there was not written by this build; it will be replaced:")
        for line in proposal.card_edits.splitlines()[: None if output.verbose else 40]:
            output.say(f"  {line}")


def tell_outcome(output: Output, outcome: Outcome, use: str | None = None) -> None:
    """Where it is, under which names, and how to use exactly this."""
    proposal = outcome.proposal
    if not outcome.committed and not (outcome.tag and not proposal.tagged):
        output.line(
            f"nothing to do: a pull request holds this build and waits to be merged: {outcome.pull_request}"
            if outcome.pull_request
            else "nothing to do: the Hub holds this build"
        )
    output.line(f"page      {outcome.page}")
    output.line(f"revision  {outcome.revision}")
    if outcome.pull_request:
        output.line(f"pull      {outcome.pull_request}")
        output.say(
            f"note: the tag {proposal.tag} is set once the pull request is merged and this is run again"
        )
    elif outcome.tag:
        output.line(f"tag       {outcome.tag}")
    else:
        output.say(f"warning: the tag {proposal.tag} stands at another commit and was left there")
    pin = outcome.tag or outcome.revision
    output.say(f"next: {use}" if use else f'next: load_dataset("{proposal.repo}", revision="{pin}")')


def proposal_json(proposal: Proposal) -> dict[str, object]:
    """The proposal as plain JSON values."""
    made = proposal.generated
    return {
        "repo": proposal.repo,
        "account": proposal.account.name,
        "base": proposal.base.revision if proposal.base else None,
        "private": proposal.private,
        "pull_request": proposal.as_pull_request,
        "send": [{"path": one.path, "bytes": one.bytes, "sha256": one.sha256} for one in proposal.send],
        "bytes": proposal.bytes,
        "same": proposal.same,
        "delete": list(proposal.delete),
        "foreign": list(proposal.foreign),
        "rows": proposal.rows.model_dump(mode="json") if proposal.rows else None,
        "generated": {"added": list(made.added), "removed": list(made.removed), "same": made.same},
        "card_edits": proposal.card_edits,
        "build": proposal.build,
        "tag": proposal.tag,
        "nothing_to_do": proposal.nothing and proposal.tagged,
    }


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """The outcome as plain JSON values."""
    return {
        "page": outcome.page,
        "revision": outcome.revision,
        "tag": outcome.tag,
        "pull_request": outcome.pull_request,
        "committed": outcome.committed,
    }


def _message(proposal: Proposal) -> str:
    if proposal.rows is None or proposal.base is None:
        return "Publish the dataset"
    rows = proposal.rows
    counts = {"Add": rows.added, "remove": rows.removed, "change": rows.changed}
    words = [f"{what} {len(listed):,}" for what, listed in counts.items() if listed]
    text = f"{', '.join(words)} images" if words else "bring files up to date"
    return text[0].upper() + text[1:]


def _some(paths: Sequence[str], most: int = 5) -> str:
    return ", ".join(paths[:most]) + (f" and {len(paths) - most:,} more" if len(paths) > most else "")
