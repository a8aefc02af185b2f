"""Words for failures of publishing, comparing and taking down."""

from curation.hub.blocked import BlocklistBroken
from curation.hub.gate import BuildChanged, MayNotBePublished
from curation.hub.problems import (
    FileMissing,
    HubBusy,
    HubRefused,
    MayNotWrite,
    NoToken,
    RepoMissing,
    RevisionMissing,
    SomebodyCommitted,
    TokenRefused,
)
from curation.hub.remote import PUBLIC
from curation.hub.rows import NotReadable
from curation.hub.takedown import CopiesOfAuthor, NothingMatches
from universe_gan.shell.datasets.built import StageStale
from universe_gan.shell.datasets.publishing import AlreadyPublic, RepoNotNamed
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table
from universe_gan.shell.output import many


def _may_not_be_published(error: MayNotBePublished) -> Failure:
    if error.purpose != "publish":
        return Failure(
            f"[policy] purpose is {error.purpose!r}: such a dataset is not for others",
            'set purpose = "publish", build again, and see what may stay',
            Exit.VIOLATIONS,
        )
    listed = [f"{one.uid}: {one.what}" for one in error.refusals]
    more = [f"… and {len(listed) - 20:,} more"] if len(listed) > 20 else []
    return Failure(
        "\n  ".join([f"{many(len(listed), 'row')} may not be published", *listed[:20], *more]),
        "run `universe-gan build …` again, which drops them; if they come back, see `universe-gan audit …`",
        Exit.VIOLATIONS,
    )


def _may_not_write(error: MayNotWrite) -> Failure:
    return Failure(
        f"you may not write to {error.repo} at {error.endpoint}: {error.detail}",
        f"make a token with write access at {error.endpoint}/settings/tokens, ask the owner of"
        f" {error.repo.split('/')[0]}, or propose: `--pull-request always`",
        Exit.CREDENTIAL,
    )


TABLE: Table = {
    RepoNotNamed: lambda error: Failure(
        f"{error.path} does not say where to publish",
        'add [publish] repo = "user/name", or give --repo user/name',
        Exit.INPUT,
    ),
    AlreadyPublic: lambda error: Failure(
        f"{error.page} exists and is public",
        "change its visibility in its settings, name another repository, or leave --private away",
        Exit.INPUT,
    ),
    StageStale: lambda error: Failure(
        f"{error.made} is older than the recipe, the manifest or a takedown",
        f"run `{error.command}` first",
        Exit.INPUT,
    ),
    BuildChanged: lambda error: Failure(
        f"{error.folder} is not what was built: {', '.join(error.paths[:5])} changed since",
        "run `universe-gan build …` again; nothing was sent",
        Exit.INPUT,
    ),
    MayNotBePublished: _may_not_be_published,
    NoToken: lambda error: Failure(
        f"no token for {error.endpoint}",
        f"make one with write access at {error.endpoint}/settings/tokens; export HF_TOKEN=…",
        Exit.CREDENTIAL,
    ),
    TokenRefused: lambda error: Failure(
        f"{error.endpoint} does not know the token",
        f"make a new one at {error.endpoint}/settings/tokens; HF_TOKEN goes before a stored login",
        Exit.CREDENTIAL,
    ),
    MayNotWrite: _may_not_write,
    RepoMissing: lambda error: Failure(
        f"{error.endpoint} has no {error.repo}, or it is private and not yours",
        "check the name; for a private one export HF_TOKEN=…",
        Exit.INPUT,
    ),
    RevisionMissing: lambda error: Failure(
        f"{error.repo} has no revision {error.detail!r}", "name a branch, a tag or a commit of it", Exit.INPUT
    ),
    FileMissing: lambda error: Failure(
        f"{error.repo} holds no file {error.detail}", "check the address and the revision", Exit.INPUT
    ),
    HubBusy: lambda error: Failure(
        f"{error.endpoint} does not serve us now: {error.detail}",
        "wait and run the same command again; what arrived is not sent twice"
        + ("" if error.endpoint == PUBLIC else ", or correct HF_ENDPOINT"),
        Exit.BUSY,
    ),
    SomebodyCommitted: lambda error: Failure(
        f"somebody else committed to {error.repo} while we were at it; nothing of ours was committed",
        "run the same command again: it shows the difference to what stands there now",
        Exit.BUSY,
    ),
    HubRefused: lambda error: Failure(
        f"{error.endpoint} refuses {error.repo}: {error.detail}", "read the message", Exit.INPUT
    ),
    NotReadable: lambda error: Failure(
        str(error), "name a dataset of Parquet files, or a folder that holds one", Exit.INPUT
    ),
    NothingMatches: lambda error: Failure(
        f"no image of the manifest is {error.asked}"
        + (f"; near: {', '.join(error.near)}" if error.near else ""),
        "give a uid, the address of its page or file, its SHA-256, or the author's whole name or page",
        Exit.INPUT,
    ),
    CopiesOfAuthor: lambda error: Failure(
        "an author's works are taken down with all their copies, whoever uploaded them",
        "leave --copies away, or name single images",
        Exit.USAGE,
    ),
    BlocklistBroken: lambda error: Failure(
        str(error), "restore the file (`git checkout`): it says what was taken down", Exit.INPUT
    ),
}
