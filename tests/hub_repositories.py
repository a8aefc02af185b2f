"""What a Hub on loopback holds: users with their tokens' roles, and repositories as git and LFS keep them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class User:
    """Who a token belongs to."""

    name: str
    role: str = "write"
    """Of the token: `read`, `write` or `fineGrained`."""
    orgs: Mapping[str, str] = field(default_factory=dict)
    """Organisations, each with the role in it."""
    scoped: tuple[str, ...] = ()
    """For `fineGrained`: names of users, organisations or repositories it may write to."""

    def may_write(self, repo: str) -> bool:
        namespace = repo.split("/")[0]
        if self.role == "fineGrained":
            return bool({repo, namespace} & set(self.scoped))
        ours = namespace == self.name or self.orgs.get(namespace) in ("admin", "write", "contributor")
        return self.role == "write" and ours


@dataclass(frozen=True)
class Blob:
    """A file in a commit."""

    data: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """As git names it; of an LFS file, its pointer."""
        data = self.data
        if self.lfs:
            words = (
                f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(data)}\n"
            )
            data = words.encode()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        value: dict[str, Any] = {"type": "file", "path": path, "size": len(self.data), "oid": self.oid}
        lfs = {"oid": self.sha256, "size": len(self.data), "pointerSize": 134}
        return value | ({"lfs": lfs} if self.lfs else {})


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    title: str
    files: Mapping[str, Blob]


@dataclass
class Repo:
    id: str
    private: bool
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    """`refs/heads/main` → commit."""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    """LFS objects by SHA-256."""

    def commit(
        self, ref: str, title: str, files: Mapping[str, Blob], parent: str | None, sign: str = ""
    ) -> Commit:
        """Put a commit on a ref."""
        digest = hashlib.sha1(f"{parent} {title} {len(self.commits)} {sign}".encode())
        for path, blob in sorted(files.items()):
            digest.update(f"{path} {blob.oid}".encode())
        made = Commit(digest.hexdigest(), parent, title, dict(files))
        self.commits[made.oid] = made
        self.refs[ref] = made.oid
        return made

    def find(self, revision: str) -> Commit | None:
        for ref in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if ref in self.refs:
                return self.commits[self.refs[ref]]
        return next(
            (one for oid, one in self.commits.items() if len(revision) >= 7 and oid.startswith(revision)),
            None,
        )

    @property
    def main(self) -> Commit:
        return self.commits[self.refs["refs/heads/main"]]

    def merge(self, number: int) -> None:
        """What a maintainer's click on "merge" does."""
        head = self.commits[self.refs[f"refs/pr/{number}"]]
        self.commit("refs/heads/main", f"Merge pull request {number}", head.files, self.main.oid)
        self.pulls[number]["status"] = "merged"
