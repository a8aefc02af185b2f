"""What a Hub still holds after an image was taken down, and the calls that remove it."""

from collections.abc import Iterator
from dataclasses import dataclass

from curation.hub.remote import Hub

BEYOND = (
    "copies that others downloaded, forked or duplicated, their caches (~/.cache/huggingface), and mirrors",
    "the Hub's own conversion (refs/convert/parquet) and viewer, until it has converted anew",
    "backups of the Hub, and pull requests: their commits go only with the repository, or by its support",
)
"""What no call of ours reaches."""


@dataclass(frozen=True)
class Remains:
    """Where earlier pictures can still be had."""

    repo: str
    commits: int
    """Commits of `main` before the one that stands."""
    refs: tuple[str, ...]
    """Tags, branches and pull requests that lead to another commit."""

    @property
    def nothing(self) -> bool:
        return not self.commits and not self.refs


def remains(hub: Hub, repo: str) -> Remains:
    """Ask which earlier commits can still be reached. Raises `HubProblem`."""
    refs = hub.refs(repo)
    head = refs.get("refs/heads/main")
    older = [ref for ref, commit in refs.items() if commit != head and not ref.startswith("refs/convert/")]
    return Remains(repo, max(0, hub.commits(repo) - 1), tuple(sorted(older)))


def purge(remains: Remains) -> Iterator[str]:
    """Python, line by line, that removes what can be removed; it cannot be undone."""
    yield "from huggingface_hub import HfApi"
    yield f'api, repo = HfApi(), dict(repo_id="{remains.repo}", repo_type="dataset")'
    for ref in remains.refs:
        kind, name = ref.split("/", 2)[1:] if ref.count("/") > 1 else ("", ref)
        if kind == "tags":
            yield f'api.delete_tag(**repo, tag="{name}")'
        elif kind == "heads":
            yield f'api.delete_branch(**repo, branch="{name}")'
    yield "tree = api.list_repo_tree(**repo, recursive=True)"
    yield 'kept = {file.lfs.sha256 for file in tree if getattr(file, "lfs", None)}'
    yield 'api.super_squash_history(**repo, branch="main")   # one commit remains'
    yield "old = [file for file in api.list_lfs_files(**repo) if file.file_oid not in kept]"
    yield "api.permanently_delete_lfs_files(**repo, lfs_files=old)"
