"""Who a token belongs to, and whether it may write somewhere: decided from one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_WRITING = ("admin", "write", "contributor")


@dataclass(frozen=True)
class Account:
    """Who a token belongs to and what it may do."""

    name: str
    role: str
    """`read`, `write` or `fineGrained`."""
    organisations: Mapping[str, str] = field(default_factory=dict)
    """Each with our role in it."""
    scopes: frozenset[str] = frozenset()
    """For `fineGrained`: users, organisations and repositories it may write to."""

    def objection(self, repo: str) -> str | None:
        """Why this account cannot write to a repository, new or not; `None`: it can, as far as is known."""
        namespace = repo.split("/")[0]
        if self.role == "read":
            return "the token may only read"
        if self.role == "fineGrained":
            if {repo, namespace} & self.scopes:
                return None
            return f"the fine-grained token has no write access to {namespace}"
        if namespace != self.name and namespace not in self.organisations:
            own = ", ".join([self.name, *sorted(self.organisations)])
            return f"{namespace} is not yours; you are {self.name} and may write to {own}"
        if namespace != self.name and self.organisations[namespace] not in (*_WRITING, ""):
            return f"you are only {self.organisations[namespace]!r} in {namespace}"
        return None


def account_of(told: Mapping[str, Any]) -> Account:
    """What `whoami-v2` answers, as far as it concerns writing.

    {"name": "ada", "orgs": [{"name": "starlab", "roleInOrg": "write"}],
     "auth": {"accessToken": {"role": "fineGrained", "fineGrained": {"scoped": [
        {"entity": {"type": "user", "name": "ada"}, "permissions": ["repo.write"]}]}}}}
    """
    access = (told.get("auth") or {}).get("accessToken") or {}
    fine = access.get("fineGrained") or {}
    scoped = [
        str(one.get("entity", {}).get("name", ""))
        for one in fine.get("scoped") or ()
        if "repo.write" in (one.get("permissions") or ())
    ]
    organisations = {str(one["name"]): str(one.get("roleInOrg") or "") for one in told.get("orgs") or ()}
    return Account(str(told["name"]), str(access.get("role") or "write"), organisations, frozenset(scoped))
