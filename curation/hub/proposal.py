"""What publishing would do: a build held against what stands on the Hub, row by row and file by file.

What belongs to us in the repository is the card, the credits and whatever lies in the folders that a build
writes; other files stay.
"""

import difflib
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from collectors.frozen import Frozen
from curation.dataset.diff import DatasetDiff, diff, part_of, read_rows, rows_of
from curation.dataset.write import BuiltDataset
from curation.hub.account import Account
from curation.hub.problems import FileMissing, RevisionMissing
from curation.hub.remote import Hub, LocalFile, Published
from curation.hub.rows import NotReadable, generated_shards, groups, published

PullRequest = Literal["auto", "always", "never"]

FOLDERS = ("data", "references", "metadata", "synthetic", "manifest")
"""Folders of the repository that are ours: what a build no longer writes there is deleted."""
CARD = "README.md"
_HOUSEKEEPING = (".gitattributes", ".gitignore")
_TAG = re.compile(r"^v\d{4}\.\d{2}\.\d{2}-[0-9a-f]{8}$")


class Remembered(Frozen):
    """What we published last, as the workspace remembers it."""

    repo: str
    revision: str
    """The commit; of a pull request, its head."""
    build: str
    """`build_hash` of what was published."""
    tag: str | None = None
    pull_request: str | None = None
    """Its page; `None`: it stands on `main`."""


@dataclass(frozen=True)
class Generated:
    """Generated rows against those that stand there, by uid, which holds the hash of the picture."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    same: int = 0

    @property
    def words(self) -> str:
        """The difference in one line; empty where there is no generated row on either side."""
        if not (self.added or self.removed or self.same):
            return ""
        return f"{len(self.added):,} added, {len(self.removed):,} removed, {self.same:,} as before"


@dataclass(frozen=True)
class Proposal:
    """What publishing would do."""

    repo: str
    account: Account
    base: Published | None
    """What stands there; `None`: the repository has to be made."""
    private: bool
    send: tuple[LocalFile, ...]
    """New or changed files."""
    same: int
    """Files that are there already."""
    delete: tuple[str, ...]
    """Files of an earlier build."""
    foreign: tuple[str, ...]
    """Files that are not ours, and stay."""
    rows: DatasetDiff | None
    """`None`: what stands there cannot be compared row by row; `compared` says why."""
    compared: str
    generated: Generated
    """Of the configuration `synthetic`."""
    card_edits: str
    """What somebody changed in the card since our last publish, as a unified diff; it would be replaced."""
    as_pull_request: bool
    waiting: int | None
    """An open pull request that holds this very build."""
    build: str
    tag: str
    tagged: bool
    """The tag is there already."""

    @property
    def bytes(self) -> int:
        """Bytes of the files that would be sent; the Hub may know parts of them already."""
        return sum(file.bytes for file in self.send)

    @property
    def nothing(self) -> bool:
        """The Hub holds this build already, on `main` or in a pull request that waits."""
        return self.waiting is not None or (self.base is not None and not self.send and not self.delete)


def propose(
    hub: Hub,
    repo: str,
    account: Account,
    base: Published | None,
    built: BuiltDataset,
    folder: Path,
    *,
    private: bool,
    pull_request: PullRequest,
    tag: str | None,
    today: datetime,
    last: Remembered | None,
) -> Proposal:
    """Hold the build against what is published. Reads from the Hub, changes nothing.

    `last` is what this workspace published before; without it the tags of the repository tell.
    """
    rows, compared = _rows(hub, repo, base, folder)
    return propose_files(
        hub,
        repo,
        account,
        base,
        [LocalFile(one.path, folder / one.path, one.bytes, one.sha256) for one in built.files],
        folders=FOLDERS,
        private=private,
        pull_request=pull_request,
        tag=tag,
        today=today,
        last=last,
        rows=rows,
        compared=compared,
        generated=_generated(hub, repo, base, folder),
    )


def propose_files(
    hub: Hub,
    repo: str,
    account: Account,
    base: Published | None,
    files: Sequence[LocalFile],
    *,
    folders: Collection[str] = (),
    private: bool,
    pull_request: PullRequest,
    tag: str | None,
    today: datetime,
    last: Remembered | None = None,
    rows: DatasetDiff | None = None,
    compared: str = "",
    generated: Generated | None = None,
) -> Proposal:
    """Hold files, a card among them, against what is published. Reads from the Hub, changes nothing.

    `folders` of the repository are ours: what is no longer written there is deleted.
    """
    there = dict(base.files) if base else {}
    send = tuple(one for one in files if one.path not in there or not there[one.path].holds(one))
    ours = {one.path for one in files}
    owned = {path for path in there if path not in ours and path.split("/")[0] in folders}
    foreign = sorted(set(there) - ours - owned - set(_HOUSEKEEPING))
    tags = hub.tags(repo) if base else {}
    build = build_hash(files)
    occupied = bool(set(there) - set(_HOUSEKEEPING))
    as_pull_request = pull_request == "always" or (pull_request == "auto" and occupied)
    name = tag or next(
        (known for known in sorted(tags) if known.endswith(f"-{build[:8]}")), _tag(today, build)
    )
    return Proposal(
        repo=repo,
        account=account,
        base=base,
        private=base.private if base else private,
        send=send,
        same=len(files) - len(send),
        delete=tuple(sorted(owned)),
        foreign=tuple(foreign),
        rows=rows,
        compared=compared,
        generated=generated or Generated(),
        card_edits=_card_edits(hub, repo, base, files, tags, last),
        as_pull_request=as_pull_request and base is not None,
        waiting=_waiting(hub, repo, files, folders) if base and (send or owned) else None,
        build=build,
        tag=name,
        tagged=name in tags,
    )


def build_hash(files: Iterable[LocalFile]) -> str:
    """SHA-256 over the paths and hashes of every file: names the build, words and card included."""
    lines = sorted(f"{file.path} {file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _tag(today: datetime, build: str) -> str:
    return f"v{today:%Y.%m.%d}-{build[:8]}"


def _rows(hub: Hub, repo: str, base: Published | None, folder: Path) -> tuple[DatasetDiff | None, str]:
    """The difference row by row, or why there is none."""
    new = read_rows(folder)
    if base is None:
        return diff({}, new), "the repository does not exist yet"
    try:
        old = {uid: row for part in _remote_rows(hub, repo, base.revision) for uid, row in part.items()}
    except NotReadable as error:
        words = error.problem
        empty = not any(path.endswith(".parquet") for path in base.files)
        return (diff({}, new) if empty else None), words
    return diff(old, new), ""


def _generated(hub: Hub, repo: str, base: Published | None, folder: Path) -> Generated:
    """The difference in generated rows; what cannot be read there counts for nothing, as `compared` tells."""
    new = set(read_rows(folder / "synthetic")) if (folder / "synthetic").is_dir() else set()
    old: set[str] = set()
    if base is not None:
        with suppress(NotReadable):
            for group in groups(
                published(hub, repo, base.revision), lambda schema: ["uid"], generated_shards
            ):
                old.update(group.table["uid"].to_pylist())
    return Generated(tuple(sorted(new - old)), tuple(sorted(old - new)), len(new & old))


def _remote_rows(hub: Hub, repo: str, revision: str) -> Iterator[dict[str, dict[str, object]]]:
    for group in groups(published(hub, repo, revision)):
        if "uid" not in group.table.column_names:
            raise NotReadable(repo, "its rows have no column uid")
        rows = rows_of(group.table, part_of(Path(group.path)))
        yield {uid: dict(row) for uid, row in rows.items()}


def _waiting(hub: Hub, repo: str, files: Sequence[LocalFile], folders: Collection[str]) -> int | None:
    """The number of an open pull request that holds exactly these files."""
    for number in reversed(hub.open_pulls(repo)):
        try:
            proposed = hub.standing(repo, f"refs/pr/{number}").files
        except RevisionMissing:
            continue
        owned = {path for path in proposed if path.split("/")[0] in folders}
        if owned <= {one.path for one in files} and all(
            one.path in proposed and proposed[one.path].holds(one) for one in files
        ):
            return number
    return None


def _card_edits(
    hub: Hub,
    repo: str,
    base: Published | None,
    files: Sequence[LocalFile],
    tags: dict[str, str],
    last: Remembered | None,
) -> str:
    """What differs between the card that stands there and the last one that we wrote; empty: nothing."""
    if base is None or CARD not in base.files:
        return ""
    there = hub.read(repo, CARD, base.revision).decode("utf-8", errors="replace")
    if any(one.path == CARD and one.place.read_text(encoding="utf-8") == there for one in files):
        return ""
    written = [tags[name] for name in sorted(tags, reverse=True) if _TAG.match(name)][:5]
    if last is not None and last.repo == repo:
        written.insert(0, last.revision)
    cards = [
        text for revision in dict.fromkeys(written) if (text := _card_at(hub, repo, revision)) is not None
    ]
    if there in cards:
        return ""
    ours = cards[0] if cards else ""
    lines = difflib.unified_diff(
        ours.splitlines(), there.splitlines(), "as we published it", "as it stands on the Hub", lineterm=""
    )
    return "\n".join(lines)


def _card_at(hub: Hub, repo: str, revision: str) -> str | None:
    try:
        return hub.read(repo, CARD, revision).decode("utf-8", errors="replace")
    except (FileMissing, RevisionMissing):
        return None
