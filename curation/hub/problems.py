"""Everything that keeps us from the Hub, as facts; no token is ever among them."""


class HubProblem(Exception):
    """Anything that keeps us from the Hub; `repo` is empty where none was asked for."""

    def __init__(self, endpoint: str, repo: str = "", detail: str = "") -> None:
        super().__init__(f"{endpoint} {repo}: {detail}")
        self.endpoint, self.repo, self.detail = endpoint, repo, detail


class NoToken(HubProblem):
    """No token is set, and none is stored."""


class TokenRefused(HubProblem):
    """The Hub does not know the token."""


class MayNotWrite(HubProblem):
    """The token is valid, and may not write there; `detail` says why."""


class RepoMissing(HubProblem):
    """There is no such repository, or it is private and not ours."""


class RevisionMissing(HubProblem):
    """The repository has no such branch, tag or commit; `detail` is its name."""


class FileMissing(HubProblem):
    """The repository has no such file; `detail` is its path."""


class HubBusy(HubProblem):
    """Unreachable, overloaded, or it asks us to slow down."""


class HubRefused(HubProblem):
    """Any other refusal, in the Hub's own words."""


class SomebodyCommitted(HubProblem):
    """The branch moved between our look at it and our commit."""
