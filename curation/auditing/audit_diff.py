"""What changed between two manifests of one dataset: images that came or went, rights that differ."""

from collections import Counter
from collections.abc import Iterable, Iterator

from collectors.frozen import Frozen
from collectors.locked.changes import Change, drift_of
from collectors.manifest import Listing
from collectors.record import Record
from collectors.source import Sighting
from curation.markup import markdown, markdown_link


class Listed(Frozen):
    """An image that stands in one of the two only."""

    uid: str
    title: str
    page: str | None
    licence: str
    fetched: bool
    """Whether its manifest holds a file of it; else it was refused for its rights."""


class Altered(Frozen):
    """An image that stands in both and is not the same."""

    uid: str
    title: str
    page: str | None
    changes: tuple[Change, ...]
    """What its source says differently, by weight."""
    file: str | None
    """In words, when one has a file that the other has not, or another one."""


class ManifestDiff(Frozen):
    """From an older manifest to a newer one."""

    before: str
    """Root hash of the older."""
    after: str
    added: tuple[Listed, ...]
    removed: tuple[Listed, ...]
    altered: tuple[Altered, ...]
    same: int
    """Images that stand in both unchanged."""

    @property
    def counts(self) -> Counter[str]:
        """How often each kind of change occurs."""
        return Counter(change.kind.value for one in self.altered for change in one.changes)


def diff(older: Listing, newer: Listing) -> ManifestDiff:
    """Compare two manifests, image by image, by uid: both are read once, side by side.

    Only what differs is kept in memory. Raises as `manifest.read` where one is a stream.
    """
    added: list[Listed] = []
    removed: list[Listed] = []
    altered: list[Altered] = []
    same = 0
    for before, after in _side_by_side(older.records, newer.records):
        if before and after:
            one = _altered(before, after)
            altered += [one] if one else []
            same += one is None
        elif after:
            added.append(_listed(after))
        elif before:
            removed.append(_listed(before))
    return ManifestDiff(
        before=older.header.root_sha256,
        after=newer.header.root_sha256,
        added=tuple(added),
        removed=tuple(removed),
        altered=tuple(altered),
        same=same,
    )


def _side_by_side(
    older: Iterable[Record], newer: Iterable[Record]
) -> Iterator[tuple[Record | None, Record | None]]:
    """Every uid once, with its record in each of the two, which are sorted; both come to their end."""
    left, right = iter(older), iter(newer)
    one, other = next(left, None), next(right, None)
    while one or other:
        if other is None or (one is not None and one.uid < other.uid):
            yield one, None
            one = next(left, None)
        elif one is None or other.uid < one.uid:
            yield None, other
            other = next(right, None)
        else:
            yield one, other
            one, other = next(left, None), next(right, None)


def to_markdown(found: ManifestDiff) -> str:
    """The diff as a page for people."""
    lines = [
        "# What changed between two manifests",
        "",
        f"From `{found.before}` to `{found.after}`: {len(found.added):,} added,"
        f" {len(found.removed):,} removed, {len(found.altered):,} changed, {found.same:,} as before.",
        "",
    ]
    for head, listed in (("Added", found.added), ("Removed", found.removed)):
        if listed:
            lines += [f"## {head} ({len(listed):,})", "", *map(_line, listed), ""]
    if found.altered:
        lines += [f"## Changed ({len(found.altered):,})", ""]
        for one in found.altered:
            lines.append(f"- {markdown_link(f'{one.title} ({one.uid})', one.page)}")
            lines += [f"    - {markdown(words)}" for words in words_of(one)]
        lines.append("")
    return "\n".join(lines)


def words_of(one: Altered) -> Iterator[str]:
    """Each change of an image in one line."""
    for change in one.changes:
        yield f"{change.kind.value}: {change.before} → {change.after}"
    if one.file:
        yield f"file: {one.file}"


def _line(one: Listed) -> str:
    fetched = "" if one.fetched else ", not fetched"
    return f"- {markdown_link(f'{one.title} ({one.uid})', one.page)}: {markdown(one.licence)}{fetched}"


def _listed(record: Record) -> Listed:
    return Listed(
        uid=record.uid,
        title=record.title,
        page=record.page,
        licence=record.rights.chosen,
        fetched=record.file is not None,
    )


def _altered(before: Record, after: Record) -> Altered | None:
    changes = drift_of(before, Sighting(uid=before.uid, now=after))
    file = _file(before, after)
    if not changes and not file:
        return None
    return Altered(uid=after.uid, title=after.title, page=after.page, changes=changes, file=file)


def _file(before: Record, after: Record) -> str | None:
    if before.file is None and after.file is None:
        return None
    if before.file is None:
        return "fetched since"
    if after.file is None:
        why = after.refused.reason.words if after.refused and after.refused.reason else "no reason is given"
        return f"no longer fetched: {why}"
    if before.file.sha256 == after.file.sha256:
        return None
    return f"{before.file.sha256[:16]}… → {after.file.sha256[:16]}…"
