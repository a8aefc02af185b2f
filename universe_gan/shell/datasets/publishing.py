"""`publish`: from a built dataset to the Hub."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from collectors.progress import Progress
from collectors.storage.workspace import Workspace
from curation.dataset import synthetic
from curation.hub import blocked, gate
from curation.hub import publish as hub_publish
from curation.hub.proposal import Proposal, PullRequest, Remembered, propose
from curation.hub.publish import Outcome
from curation.hub.remote import Hub, hub_here
from universe_gan.shell.datasets import descent, proposals, stages
from universe_gan.shell.datasets.built import read_built
from universe_gan.shell.datasets.state import note_published, read_published
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output
from universe_gan.shell.recipes.recipe import Recipe


class RepoNotNamed(Exception):
    """Neither the recipe nor the command says where to publish."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} names no repository")
        self.path = path


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
        proposals.tell_proposal(output, hub, proposal)
        warn_of_paths(output, recipe)
        descent.warn(output, recipe, descent.of_recipe(recipe))
        if dry_run:
            output.result({"proposal": proposals.proposal_json(proposal), "published": None})
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
    proposals.tell_outcome(output, outcome)
    told = {"proposal": proposals.proposal_json(proposal), "published": proposals.outcome_json(outcome)}
    output.result({**(also or {}), **told})
    return Exit.DONE


def warn_of_paths(output: Output, recipe: Recipe) -> None:
    """Say with which settings nobody else can make the dataset again."""
    for words in recipe.leads_out:
        output.say(f"warning: {words}: nobody else can make this dataset again")


def _message(proposal: Proposal) -> str:
    if proposal.rows is None or proposal.base is None:
        return "Publish the dataset"
    rows = proposal.rows
    counts = {"Add": rows.added, "remove": rows.removed, "change": rows.changed}
    words = [f"{what} {len(listed):,}" for what, listed in counts.items() if listed]
    text = f"{', '.join(words)} images" if words else "bring files up to date"
    return text[0].upper() + text[1:]
