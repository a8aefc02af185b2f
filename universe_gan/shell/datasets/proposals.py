"""What is said of a proposal to the Hub and of what came of it: datasets and models alike."""

from curation.dataset import diff as dataset_diff
from curation.hub.proposal import Proposal
from curation.hub.publish import Outcome
from curation.hub.remote import Hub
from universe_gan.shell.output import Output, some


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
        output.say(f"note: not ours, left alone: {some(proposal.foreign, 5)}")
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
