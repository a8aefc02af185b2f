"""Take images out, for good: what a request means, which copies go with it, and what is remembered.

A request names a picture (its uid, its page or file address, or a hash) or an author. A picture goes with all
its copies, because who asks not to be shown means the work and not one upload of it. Where only one upload
was at fault (`copies="keep"`), copies under other names by other people stay, and the best-licensed one takes
its place at the next build; re-uploads that come later are blocked either way.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from collectors import manifest as manifests
from collectors.manifest import Manifest
from collectors.record import Creator, Reason, Record
from curation.hub.blocked import Blocked, Blocklist, same_author
from curation.hub.recognise import packed
from curation.imaging.examine import Examined
from curation.judged import Judged

Copies = Literal["remove", "keep"]
Alike = Callable[[Sequence[Record]], Set[str]]
"""Images → uids of others that show the same, also where curation dropped them on other grounds."""


class NothingMatches(Exception):
    """No image of the manifest is what was asked for."""

    def __init__(self, asked: str, near: Sequence[str]) -> None:
        super().__init__(f"no image matches {asked!r}")
        self.asked, self.near = asked, tuple(near)


class CopiesOfAuthor(Exception):
    """`copies="keep"` with an author: copies of their works by others are still their works."""


@dataclass(frozen=True)
class Takedown:
    """What a request comes to."""

    asked: str
    author: Creator | None
    """For an author: everything they made, now and later."""
    matches: tuple[Record, ...]
    """What the request names."""
    copies: tuple[Record, ...]
    """Copies of it that go with it."""
    spared: tuple[Record, ...]
    """Copies that stay."""
    before: bool = False
    """It was taken down earlier; nothing of it is in the manifest."""

    @property
    def gone(self) -> tuple[Record, ...]:
        return (*self.matches, *self.copies)


def plan(
    manifest: Manifest,
    judged: Iterable[Judged],
    asked: str,
    copies: Copies,
    *,
    squares: Mapping[str, str] | None = None,
    blocklist: Blocklist | None = None,
    alike: Alike = lambda matches: frozenset(),
) -> Takedown:
    """Find what a request names, and its copies: those that curation found, and those that are `alike`.

    `squares` maps the SHA-256 of published pictures to their uid.

    Raises:
        NothingMatches: neither in the manifest nor on the blocklist.
        CopiesOfAuthor: see there.
    """
    verdicts = {one.uid: one for one in judged}
    matches, author = _matches(manifest.records, verdicts, asked, squares or {})
    if author and copies == "keep":
        raise CopiesOfAuthor(asked)
    if not matches:
        if _on_the_list(blocklist or Blocklist(), asked):
            return Takedown(asked, None, (), (), (), before=True)
        raise NothingMatches(asked, _near(manifest.records, asked))
    named = {record.uid for record in matches}
    family = (_family(named, verdicts) | alike(matches)) - named
    others = [record for record in manifest.records if record.uid in family]
    spared = [
        record
        for record in others
        if copies == "keep" and not any(same_author(record.creator, one.creator) for one in matches)
    ]
    left = {record.uid for record in spared}
    return Takedown(
        asked,
        author,
        tuple(matches),
        tuple(record for record in others if record.uid not in left),
        tuple(spared),
    )


def lines(
    takedown: Takedown,
    look: Callable[[Record], Examined | None],
    features: Callable[[Record], bytes | None],
    *,
    reason: str,
    date: str,
) -> list[Blocked]:
    """What the blocklist remembers: a line a picture, and one for an author.

    `look` gives the measurements of a picture, `features` its packed local features.
    """
    spared = tuple(sorted(record.uid for record in takedown.spared))
    made = [
        _line(record, look(record), features(record) or b"", spared, reason, date) for record in takedown.gone
    ]
    if takedown.author:
        made.append(Blocked(creator=takedown.author, reason=reason, date=date))
    return made


def without(manifest: Manifest, gone: Iterable[str], *, tool: str) -> Manifest:
    """The manifest less these images, which are only counted from now on, sealed again."""
    uids = set(gone)
    header = manifest.header
    skipped = dict(header.skipped)
    count = sum(record.uid in uids for record in manifest.records)
    skipped[Reason.TAKEN_DOWN.value] = skipped.get(Reason.TAKEN_DOWN.value, 0) + count
    return manifests.seal(
        [record for record in manifest.records if record.uid not in uids],
        name=header.name,
        subject=header.subject,
        recipe_sha256=header.recipe_sha256,
        tool=tool,
        skipped=skipped,
    )


def _line(
    record: Record,
    look: Examined | None,
    features: bytes,
    spared: tuple[str, ...],
    reason: str,
    date: str,
) -> Blocked:
    return Blocked(
        uid=record.uid,
        sha1=record.original.sha1,
        sha256=record.file.sha256 if record.file else None,
        pixels_sha256=look.pixels_sha256 if look else None,
        hashes=look.hashes if look else "",
        detail=look.detail if look else 0,
        features=packed(features) if features else "",
        spared=spared,
        reason=reason,
        date=date,
    )


def _matches(
    records: Sequence[Record], verdicts: Mapping[str, Judged], asked: str, squares: Mapping[str, str]
) -> tuple[list[Record], Creator | None]:
    """The images a request names, and the author if it names one."""
    by_uid = [record for record in records if record.uid == asked]
    if by_uid:
        return by_uid, None
    if re.fullmatch(r"[0-9a-fA-F]{64}", asked):
        wanted = asked.lower()
        return [record for record in records if wanted in _hashes(record, verdicts, squares)], None
    if "://" in asked:
        address = _address(asked)
        shown = [
            record for record in records if address in (_address(record.page), _address(record.original.url))
        ]
        if shown:
            return shown, None
        creator = Creator(url=asked)
    else:
        creator = Creator(name=asked)
    found = [record for record in records if _made_by(record.creator, creator)]
    return found, (found[0].creator if found else None)


def _made_by(one: Creator, asked: Creator) -> bool:
    """A name alone matches a name, whatever address stands beside it."""
    return same_author(one.model_copy(update={"url": one.url if asked.url else None}), asked)


def _hashes(record: Record, verdicts: Mapping[str, Judged], squares: Mapping[str, str]) -> set[str | None]:
    judged = verdicts.get(record.uid)
    ours = {sha for sha, uid in squares.items() if uid == record.uid}
    return {record.file.sha256 if record.file else None, judged.pixels_sha256 if judged else None, *ours}


def _address(url: str | None) -> str:
    """An address less what does not change what it leads to."""
    return (
        unquote((url or "").split("://")[-1].removeprefix("www.")).split("#")[0].rstrip("/").replace(" ", "_")
    )


def _family(named: set[str], verdicts: Mapping[str, Judged]) -> set[str]:
    """Everything that curation found to be a copy of these, the copies of their copies included."""
    neighbours: dict[str, set[str]] = {}
    for one in verdicts.values():
        linked = set(one.alternates)
        if one.verdict.reason is Reason.DUPLICATE and one.verdict.twin:
            linked.add(one.verdict.twin)
        for other in linked:
            neighbours.setdefault(one.uid, set()).add(other)
            neighbours.setdefault(other, set()).add(one.uid)
    family, open_ = set(named), list(named)
    while open_:
        fresh = neighbours.get(open_.pop(), set()) - family
        family |= fresh
        open_ += fresh
    return family


def _on_the_list(blocklist: Blocklist, asked: str) -> bool:
    return any(
        asked in (one.uid, one.sha256, one.pixels_sha256)
        or (one.creator is not None and asked in (one.creator.name, one.creator.url))
        for one in blocklist.entries
    )


def _near(records: Sequence[Record], asked: str, most: int = 3) -> list[str]:
    """What the user may have meant: a part of a uid, a title or a name."""
    folded = asked.casefold()
    return [
        f"{record.uid} ({record.title})"
        for record in records
        if folded in f"{record.uid} {record.title} {record.creator.name or ''}".casefold()
    ][:most]
