"""Publish a built dataset: what differs from the Hub, sent once, in one commit or pull request, under a tag.

A proposal is made first and shown; carrying it out is one commit on top of the very revision it was made
against.
"""

from dataclasses import dataclass

from collectors.progress import Progress, Silent
from curation.hub.account import Account
from curation.hub.problems import MayNotWrite, RepoMissing
from curation.hub.proposal import Proposal, PullRequest
from curation.hub.remote import Hub, Published


@dataclass(frozen=True)
class Outcome:
    """What publishing did."""

    proposal: Proposal
    revision: str
    """The commit that holds the build."""
    page: str
    tag: str | None
    """`None`: it waits for the pull request to be merged."""
    pull_request: str | None = None
    committed: bool = False


def check_rights(hub: Hub, repo: str, pull_request: PullRequest) -> tuple[Account, Published | None]:
    """Who we are and whether we may write there, before anything else; also what stands there.

    A pull request may be proposed to anybody's repository, all else needs write rights.

    Raises:
        NoToken, TokenRefused, MayNotWrite, HubBusy.
    """
    account = hub.account()
    try:
        base = hub.standing(repo)
    except RepoMissing:
        base = None
    objection = account.objection(repo)
    if base is not None and pull_request == "always" and account.role != "read":
        return account, base
    if objection:
        raise MayNotWrite(hub.endpoint, repo, objection)
    if base is not None:
        hub.may_write(repo)
    return account, base


def carry_out(hub: Hub, proposal: Proposal, *, message: str, progress: Progress | None = None) -> Outcome:
    """Do what the proposal says; where there is nothing to send, see to the tag only.

    May be broken off anywhere and run again: files that arrived are not sent twice, and nothing is visible
    before the one commit.

    Raises:
        SomebodyCommitted: the repository changed since the proposal was made.
        MayNotWrite, HubBusy, HubRefused.
    """
    repo = proposal.repo
    if proposal.waiting is not None:
        head = hub.refs(repo)[f"refs/pr/{proposal.waiting}"]
        page = hub.page(repo, "discussions", str(proposal.waiting))
        return Outcome(proposal, head, hub.page(repo), None, page)
    if proposal.nothing:
        assert proposal.base is not None
        return _tagged(hub, proposal, proposal.base.revision, committed=False)
    base = proposal.base
    if base is None:
        hub.create(repo, private=proposal.private)
        base = hub.standing(repo)
    with (progress or Silent()).stage("upload", proposal.bytes) as stage:
        done = hub.commit(
            repo,
            proposal.send,
            proposal.delete,
            parent=base.revision,
            message=message,
            description=f"build {proposal.build}\n\n{proposal.rows.words if proposal.rows else ''}".strip(),
            as_pull_request=proposal.as_pull_request,
            sent=stage.advance,
        )
    if done.pull_request:
        return Outcome(proposal, done.revision, hub.page(repo), None, done.pull_request, committed=True)
    return _tagged(hub, proposal, done.revision, committed=True)


def _tagged(hub: Hub, proposal: Proposal, revision: str, *, committed: bool) -> Outcome:
    hub.tag(proposal.repo, proposal.tag, revision)
    at = hub.tags(proposal.repo)[proposal.tag]
    tag = proposal.tag if at == revision else None
    return Outcome(proposal, revision, hub.page(proposal.repo), tag, committed=committed)
