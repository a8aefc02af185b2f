"""`publish RUN`: from a trained run to a model on the Hub, and what is said about it."""

from datetime import UTC, datetime
from importlib import util
from pathlib import Path

from curation.hub import publish as hub_publish
from curation.hub.proposal import PullRequest, propose_files
from curation.hub.remote import hub_here
from universe_gan.shell.datasets import proposals
from universe_gan.shell.datasets.publishing import AlreadyPublic
from universe_gan.shell.exits import Exit
from universe_gan.shell.models import learned
from universe_gan.shell.models.needs import PackagesMissing
from universe_gan.shell.output import Output
from universe_gan.shell.pictures.generating import NEEDED


def publish(
    output: Output,
    path: Path,
    repo: str,
    *,
    dry_run: bool,
    private: bool | None,
    pull_request: PullRequest | None,
    message: str | None,
    tag: str | None,
    licence: str | None,
) -> Exit:
    """Show the difference to the published model; unless it is a dry run, publish it.

    Raises:
        NoCheckpoint, LicenceNotAllowed: before the Hub is asked.
        NoToken, TokenRefused, MayNotWrite, HubBusy, AlreadyPublic: before anything large is read.
    """
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        raise PackagesMissing(missing)
    from universe_gan import release
    from universe_gan.generate import checkpoint_of
    from universe_gan.training.runs import read

    run = read(path)
    checkpoint = checkpoint_of(path)
    release.check_licence(licence, run.about)
    hub = hub_here("model")
    wish: PullRequest = pull_request or "auto"
    account, base = hub_publish.check_rights(hub, repo, wish)
    if private and base and not base.private:
        raise AlreadyPublic(hub.page(repo))
    output.line(f"model     {checkpoint}, {run.about.settings.model}, {run.about.side} px")
    recipe = learned.recipe_of(run)
    origin = learned.origin(output, run, recipe)
    if origin.revision is None:
        output.say("warning: the dataset is not published; the card says so")
    gone = learned.warn_of_takedowns(output, run, recipe)
    proposal = propose_files(
        hub,
        repo,
        account,
        base,
        release.write(run, repo, licence, origin),
        private=bool(private),
        pull_request=wish,
        tag=tag,
        today=datetime.now(UTC),
    )
    proposals.tell_proposal(output, hub, proposal)
    told = {"proposal": proposals.proposal_json(proposal), "taken_down": gone}
    if dry_run:
        output.line(
            "nothing to do: the Hub holds this model" if proposal.nothing else "dry run: nothing was sent"
        )
        output.say(f"the card: {path / 'release' / 'README.md'}")
        output.result({**told, "published": None})
        return Exit.DONE
    outcome = hub_publish.carry_out(hub, proposal, message=message or "Publish the model", progress=output)
    proposals.tell_outcome(output, outcome, f"universe-gan generate {repo}@{outcome.tag or outcome.revision}")
    output.result({**told, "published": proposals.outcome_json(outcome)})
    return Exit.DONE
