"""The Hub, as little of it as we need: who we are, what stands there, one commit, a tag.

Everything goes through `huggingface_hub` (https://huggingface.co/docs/huggingface_hub/package_reference/hf_api),
whose exceptions become ours here: they carry facts, and never a token.
"""

import hashlib
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from curation.hub.account import Account, account_of
from curation.hub.problems import (
    FileMissing,
    HubBusy,
    HubProblem,
    HubRefused,
    MayNotWrite,
    NoToken,
    RepoMissing,
    RevisionMissing,
    SomebodyCommitted,
    TokenRefused,
)

Kind = Literal["dataset", "model"]
PUBLIC = "https://huggingface.co"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository."""

    path: str
    bytes: int
    git: str
    """Git's name for its content (SHA-1 of a blob); of an LFS file, for its pointer."""
    sha256: str | None
    """`None`: it is no LFS file, and only `git` is known."""

    def holds(self, data: "LocalFile") -> bool:
        """Whether it is the same file, byte for byte."""
        if self.bytes != data.bytes:
            return False
        return self.sha256 == data.sha256 if self.sha256 else self.git == data.git


@dataclass(frozen=True)
class LocalFile:
    """A file to publish."""

    path: str
    """In the repository."""
    place: Path
    bytes: int
    sha256: str

    @property
    def git(self) -> str:
        """Git's name for its content; reads it."""
        digest = hashlib.sha1(b"blob %d\0" % self.bytes, usedforsecurity=False)
        with self.place.open("rb") as file:
            while part := file.read(2**20):
                digest.update(part)
        return digest.hexdigest()


@dataclass(frozen=True)
class Published:
    """What stands in a repository at one revision."""

    revision: str
    private: bool
    files: Mapping[str, RemoteFile]


@dataclass(frozen=True)
class Done:
    """A commit that was made."""

    revision: str
    page: str
    pull_request: str | None
    """Its page, where the commit waits in a pull request."""


class Hub:
    """A Hub's datasets or models as one account sees them. Nothing is asked before a method is called."""

    def __init__(self, endpoint: str, token: str | None, kind: Kind = "dataset") -> None:
        from huggingface_hub import HfApi

        self.endpoint = endpoint.rstrip("/")
        self.token, self.kind = token, kind
        self.api = HfApi(endpoint=self.endpoint, token=token or False, library_name="universe-gan")

    def page(self, repo: str, *parts: str) -> str:
        """Address of a repository's page, or of one below it."""
        return "/".join([self.endpoint, self._path(repo), *parts])

    def _path(self, repo: str) -> str:
        """How addresses name the repository: a model goes by its bare name."""
        return f"datasets/{repo}" if self.kind == "dataset" else repo

    def account(self) -> Account:
        """Who the token belongs to. Raises `NoToken`, `TokenRefused`, `HubBusy`."""
        if not self.token:
            raise NoToken(self.endpoint)
        with self.told(""):
            return account_of(self.api.whoami(token=self.token))

    def standing(self, repo: str, revision: str | None = None) -> Published:
        """What is published. Raises `RepoMissing`, `RevisionMissing`."""
        with self.told(repo, revision or "main"):
            info = self.api.repo_info(repo, revision=revision, repo_type=self.kind)
            tree = self.api.list_repo_tree(repo, recursive=True, revision=info.sha, repo_type=self.kind)
            files = [_remote_file(entry) for entry in tree if hasattr(entry, "blob_id")]
        return Published(str(info.sha), bool(info.private), {file.path: file for file in files})

    def head(self, repo: str) -> str:
        """The commit that `main` is at now."""
        with self.told(repo, "main"):
            return str(self.api.repo_info(repo, repo_type=self.kind).sha)

    def may_write(self, repo: str) -> None:
        """Ask for write rights on a repository that exists. Raises `MayNotWrite`, `RepoMissing`."""
        with self.told(repo):
            self.api.auth_check(repo, repo_type=self.kind, write=True)

    def create(self, repo: str, *, private: bool) -> None:
        """Make the repository; one that is there already is left as it is. Raises `MayNotWrite`."""
        with self.told(repo):
            self.api.create_repo(repo, repo_type=self.kind, private=private, exist_ok=True)

    def read(self, repo: str, path: str, revision: str, most: int = 2**26) -> bytes:
        """A file's bytes. Raises `FileMissing`, and `HubRefused` beyond `most` bytes."""
        with (
            self.told(repo, path),
            self.filesystem().open(f"{self._path(repo)}@{revision}/{path}", "rb") as file,
        ):
            data: bytes = file.read(most + 1)
        if len(data) > most:
            raise HubRefused(self.endpoint, repo, f"{path} is larger than {most / 1e6:,.0f} MB")
        return data

    def filesystem(self) -> Any:
        """The Hub as a file system of fsspec, which reads ranges. Caches no listing beyond this object."""
        from huggingface_hub import HfFileSystem

        return HfFileSystem(endpoint=self.endpoint, token=self.token or False, skip_instance_cache=True)

    def tags(self, repo: str) -> dict[str, str]:
        """Tags and their commits."""
        with self.told(repo):
            return {
                tag.name: tag.target_commit for tag in self.api.list_repo_refs(repo, repo_type=self.kind).tags
            }

    def refs(self, repo: str) -> dict[str, str]:
        """Every branch, tag and pull request: full name and commit."""
        with self.told(repo):
            found = self.api.list_repo_refs(repo, repo_type=self.kind, include_pull_requests=True)
        kinds = (found.branches, found.tags, found.converts, found.pull_requests or ())
        return {one.ref: one.target_commit for kind in kinds for one in kind}

    def commits(self, repo: str) -> int:
        """How many commits lead to `main`."""
        with self.told(repo):
            return len(self.api.list_repo_commits(repo, repo_type=self.kind))

    def open_pulls(self, repo: str) -> list[int]:
        """Numbers of the open pull requests, oldest first."""
        with self.told(repo):
            found = self.api.get_repo_discussions(
                repo, repo_type=self.kind, discussion_type="pull_request", discussion_status="open"
            )
            return sorted(one.num for one in found)

    def tag(self, repo: str, name: str, revision: str) -> None:
        """Name a commit. A tag of that name that is there already stays where it is."""
        with self.told(repo, revision):
            self.api.create_tag(repo, tag=name, revision=revision, repo_type=self.kind, exist_ok=True)

    def commit(
        self,
        repo: str,
        add: Sequence[LocalFile],
        delete: Iterable[str],
        *,
        parent: str,
        message: str,
        description: str,
        as_pull_request: bool,
        sent: Callable[[int], None] = lambda count: None,
    ) -> Done:
        """Upload what the Hub has not got yet, file after file, then make one commit on top of `parent`.

        A file whose content arrived stays with the Hub, so that a run after a broken one goes on behind it.
        `sent` is called with the bytes of each file that is there.

        Raises:
            SomebodyCommitted: `main` is no longer at `parent`; nothing was committed.
            MayNotWrite, HubBusy, HubRefused: nothing was committed.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        disable_progress_bars()
        operations = [CommitOperationAdd(file.path, str(file.place)) for file in add]
        with self.told(repo), _without_the_advice_on_content():
            for file, operation in zip(add, operations, strict=True):
                self.api.preupload_lfs_files(
                    repo, [operation], repo_type=self.kind, create_pr=as_pull_request, free_memory=False
                )
                sent(file.bytes)
            if self.head(repo) != parent:
                raise SomebodyCommitted(self.endpoint, repo, parent)
            made = self.api.create_commit(
                repo,
                [*operations, *(CommitOperationDelete(path) for path in sorted(delete))],
                repo_type=self.kind,
                commit_message=message,
                commit_description=description,
                parent_commit=parent,
                create_pr=as_pull_request,
            )
        return Done(made.oid, made.commit_url, made.pr_url)

    @contextmanager
    def told(self, repo: str, what: str = "") -> Iterator[None]:
        """Turn the library's exceptions into ours; its messages hold no token, and are cut to a line."""
        from huggingface_hub.errors import HFValidationError, HTTPError  # type: ignore[attr-defined]

        try:
            yield
        except HTTPError as error:
            raise self._translated(error, repo, what) from error
        except (RuntimeError, ConnectionError, TimeoutError) as error:
            if isinstance(error.__cause__, HTTPError):  # uploads wrap what happened
                raise self._translated(error.__cause__, repo, what) from error
            if isinstance(error, RuntimeError) and type(error) is not RuntimeError:  # a mistake of ours
                raise
            raise HubBusy(self.endpoint, repo, _line(error)) from error
        except FileNotFoundError as error:
            raise FileMissing(self.endpoint, repo, what) from error
        except PermissionError as error:
            if error.filename is not None:  # a file of ours
                raise
            raise MayNotWrite(self.endpoint, repo, _line(error)) from error  # as Xet says it
        except HFValidationError as error:
            raise HubRefused(self.endpoint, repo, _line(error)) from error
        except ValueError as error:
            if not str(error).startswith("Invalid metadata"):  # so it says of a card whose YAML is refused
                raise
            raise HubRefused(self.endpoint, repo, _line(error)) from error

    def _translated(self, error: Exception, repo: str, what: str) -> HubProblem:
        from huggingface_hub import errors

        status = getattr(getattr(error, "response", None), "status_code", None)
        kinds: tuple[tuple[bool, type[HubProblem], str], ...] = (
            (isinstance(error, errors.RevisionNotFoundError), RevisionMissing, what),
            (isinstance(error, errors.EntryNotFoundError), FileMissing, what),
            (isinstance(error, errors.GatedRepoError), MayNotWrite, "access has to be asked for on its page"),
            (
                status == 401 and "credentials" in str(error) + str(error.__cause__),
                TokenRefused,
                _line(error),
            ),
            (status == 401 and not repo, TokenRefused, _line(error)),
            (isinstance(error, errors.RepositoryNotFoundError), RepoMissing, what),
            (status == 403, MayNotWrite, _line(error)),
            (status == 412, SomebodyCommitted, what),
            (status is None or status == 429 or status >= 500, HubBusy, _line(error)),
        )
        kind, detail = next(
            ((kind, words) for holds, kind, words in kinds if holds), (HubRefused, _line(error))
        )
        return kind(self.endpoint, repo, detail)


@contextmanager
def _without_the_advice_on_content() -> Iterator[None]:
    """`huggingface_hub` uploads with `data=` what httpx wants as `content=`: nobody can mend that here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Use 'content=<\.\.\.>' to upload", DeprecationWarning)
        yield


def _remote_file(entry: Any) -> RemoteFile:
    return RemoteFile(entry.path, entry.size, entry.blob_id, entry.lfs.sha256 if entry.lfs else None)


def _line(error: BaseException) -> str:
    """The first telling lines of a message, as one, without request ids."""
    said = str(error).split("Cannot access content at:")[0]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    text = " ".join(lines[:2]) or type(error).__name__
    return re.sub(r"\s*\(Request ID:[^)]*\)", "", text)[:300]


def hub_here(kind: Kind = "dataset") -> Hub:
    """The Hub of `HF_ENDPOINT`, as whom `HF_TOKEN` or a stored login says."""
    from huggingface_hub import get_token

    return Hub(os.environ.get("HF_ENDPOINT") or PUBLIC, get_token(), kind)
