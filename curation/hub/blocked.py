"""What was taken down and never comes back: `manifests/NAME.blocked.jsonl`, one line a picture or author.

A line remembers how a picture looked, in hashes and local features (about 40 kB), and no pixel of it. It is
asked twice: before anything is fetched (`Blocklist.refuses`: uid, SHA-1, author), and when a file was decoded
(`recognise.recognised`: the same picture, however it was saved, turned, mirrored or cropped).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from collectors.frozen import Frozen
from collectors.record import KEEP, Creator, Reason, Record, Verdict
from collectors.storage.files import canonical_json, write_whole
from curation.imaging.fingerprint import ORIENTATIONS


class BlocklistBroken(Exception):
    """A blocklist that cannot be read; nothing is built without it."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}")
        self.path, self.line, self.problem = path, line, problem


class Blocked(Frozen):
    """One picture, or all of one author."""

    uid: str | None = None
    """`None`: the line is about an author."""
    creator: Creator | None = None
    """For an author: everything they made, found today or later."""
    sha1: str | None = None
    """As the source states it, so that the same file under another name is not even fetched."""
    sha256: str | None = None
    """Of the file."""
    pixels_sha256: str | None = None
    hashes: str = Field(default="", pattern=rf"^([0-9a-f]{{{64 * len(ORIENTATIONS)}}})?$")
    """256-bit hashes of the eight orientations; empty: its look was never measured."""
    detail: int = 0
    """As `Fingerprint.detail`: how far the hashes can be trusted."""
    features: str = ""
    """Local features (`recognise.packed`); empty: they were not extracted."""
    spared: tuple[str, ...] = ()
    """uids of copies that stay by the operator's decision (`takedown --copies keep`)."""
    learned: tuple[str, ...] = ()
    """Fingerprints of the sets that models had learned from by then; it may have been in any (`descent`)."""
    reason: str = ""
    date: str
    """ISO 8601."""


@dataclass(frozen=True)
class Blocklist:
    """Every line of the file."""

    entries: tuple[Blocked, ...] = ()

    def refuses(self, record: Record) -> Verdict:
        """Whether an image may not even be fetched."""
        for one in self.entries:
            if record.uid in one.spared:
                continue
            if one.creator is not None and same_author(one.creator, record.creator):
                return down(one, "everything of this author")
            if one.uid == record.uid:
                return down(one, "this image")
            if one.sha1 and one.sha1 == record.original.sha1:
                return down(one, f"the same file as {one.uid}")
            if one.sha256 and record.file and one.sha256 == record.file.sha256:
                return down(one, f"the same file as {one.uid}")
        return KEEP

    def holds(self, uid: str) -> bool:
        """Whether a line is about this image."""
        return any(one.uid == uid for one in self.entries)

    def with_(self, new: Iterable[Blocked]) -> "Blocklist":
        """With more lines; a line about an image that is there already is replaced."""
        lines = {_key(one): one for one in (*self.entries, *new)}
        return Blocklist(tuple(lines[key] for key in sorted(lines)))


def read(path: Path) -> Blocklist:
    """The blocklist of a recipe; an empty one where there is no file. Raises `BlocklistBroken`."""
    if not path.is_file():
        return Blocklist()
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entries.append(Blocked.model_validate(json.loads(line)))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            raise BlocklistBroken(path, number, f"{where}: {problem['msg']}") from error
        except (ValueError, RecursionError) as error:
            raise BlocklistBroken(path, number, f"not JSON: {error}") from error
    return Blocklist(tuple(entries))


def write(blocklist: Blocklist, path: Path) -> None:
    """Write the file whole or not at all. Raises `DiskFull`."""
    lines = (canonical_json(one.model_dump(mode="json", exclude_defaults=True)) for one in blocklist.entries)
    write_whole(path, b"".join(line + b"\n" for line in lines))


def path_beside(manifest: Path) -> Path:
    """`manifests/NAME.jsonl` → `manifests/NAME.blocked.jsonl`."""
    return manifest.with_name(f"{manifest.stem}.blocked.jsonl")


def same_author(one: Creator, other: Creator) -> bool:
    """By address where both have one, else by name, capitals aside; nobody is not anybody."""
    if one.url and other.url:
        return _bare(one.url) == _bare(other.url)
    return bool(one.name and other.name) and _folded(one.name) == _folded(other.name)


def _bare(url: str) -> str:
    return url.split("://")[-1].removeprefix("www.").rstrip("/").casefold()


def _folded(name: str | None) -> str:
    return " ".join((name or "").split()).casefold()


def down(one: Blocked, what: str) -> Verdict:
    """The verdict that a line gives: `the same file as commons:M1, taken down 2026-11-22`."""
    return Verdict(reason=Reason.TAKEN_DOWN, detail=f"{what}, taken down {one.date[:10]}")


def _key(one: Blocked) -> tuple[str, str, str]:
    creator = one.creator or Creator()
    return one.uid or "", creator.url or "", creator.name or ""
