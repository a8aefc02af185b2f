"""What changed at the source since a record was locked: the record beside what is said today. Pure."""

from collections.abc import Iterator
from enum import StrEnum

from collectors.frozen import Frozen
from collectors.record import Creator, Original, Record, Verdict
from collectors.rights import LicenceClass, Rights
from collectors.source import Sighting


class Kind(StrEnum):
    """Every way in which a source may differ from a manifest. A closed set, so that they can be counted."""

    DELETED = "deleted"
    OPTED_OUT = "opted-out"
    AI_GENERATED = "ai-generated"
    REFUSED = "refused"
    TIGHTENED = "rights-tightened"
    OVERWRITTEN = "overwritten"
    CONFLICT = "rights-conflict"
    CHANGED = "rights-changed"
    LOOSENED = "rights-loosened"
    RESTRICTED = "restricted"
    CREDIT = "credit-changed"
    RENAMED = "renamed"
    MOVED = "page-moved"

    @property
    def words(self) -> str:
        """One line that a person understands without the manual."""
        return _WORDS[self]

    @property
    def matters(self) -> bool:
        """Whether somebody must act; the others are for the record."""
        return self in _MATTER


_WORDS = {
    Kind.DELETED: "no longer at its source",
    Kind.OPTED_OUT: "its author or host has opted out of use by AI since",
    Kind.AI_GENERATED: "its source now says that a generator made it",
    Kind.REFUSED: "the recipe's policy refuses it as it stands today",
    Kind.TIGHTENED: "its licence asks or forbids more than it did",
    Kind.OVERWRITTEN: "another file has taken its place",
    Kind.CONFLICT: "its channels disagree about the licence, and did not before",
    Kind.CHANGED: "another licence that asks the same",
    Kind.LOOSENED: "its licence asks or forbids less than it did",
    Kind.RESTRICTED: "its source warns of other rights, and did not before",
    Kind.CREDIT: "its author or credit reads differently",
    Kind.RENAMED: "has another name",
    Kind.MOVED: "its page has another address",
}

_MATTER = frozenset(
    {
        Kind.DELETED,
        Kind.OPTED_OUT,
        Kind.AI_GENERATED,
        Kind.REFUSED,
        Kind.TIGHTENED,
        Kind.OVERWRITTEN,
    }
)


class Change(Frozen):
    """One thing that a source says differently, or does not hold any more."""

    kind: Kind
    before: str
    """As the manifest has it."""
    after: str
    """As the source has it today."""


def drift_of(record: Record, sighting: Sighting) -> tuple[Change, ...]:
    """Everything that differs between a locked record and what its source says of it now, by weight.

    Only what both sides know is compared, except opt-outs and marks of generated images, where any yes of
    today counts. A deleted image has changed in nothing else.
    """
    now = sighting.now
    if now is None:
        return (Change(kind=Kind.DELETED, before="there", after=sighting.detail or "not there"),)
    found = [
        *_marks(record, now),
        *_rights(record.rights, now.rights),
        *_file(record.original, now.original),
        *_names(record, now),
    ]
    return tuple(sorted(found, key=lambda change: list(Kind).index(change.kind)))


def refusal(before: Verdict, today: Verdict) -> tuple[Change, ...]:
    """The change of a policy's mind about an image, from keep to drop; nothing else is one."""
    if not before.keep or today.reason is None:
        return ()
    words = f"{today.reason.value}: {today.detail}" if today.detail else today.reason.value
    return (Change(kind=Kind.REFUSED, before="allowed", after=words),)


def demands(rights: Rights) -> frozenset[str]:
    """What a licence asks and forbids. What is not known counts as asked, and as forbidden.

    >>> sorted(demands(Rights(attribution=True, share_alike=False, commercial=True, derivatives=True)))
    ['a licence', 'credit']
    """
    vouched = rights.cls not in (LicenceClass.PD_CLAIM, LicenceClass.NKCR)
    asked = {
        "credit": rights.attribution is not False,
        "share alike": rights.share_alike is not False,
        "no commercial use": rights.commercial is not True,
        "no derivatives": rights.derivatives is not True,
        "a licence": rights.cls in (LicenceClass.UNKNOWN, LicenceClass.CLOSED),
        "somebody who vouches that it is free": not vouched,
    }
    return frozenset(words for words, holds in asked.items() if holds)


def _marks(record: Record, now: Record) -> Iterator[Change]:
    if now.ai.opted_out and not record.ai.opted_out:
        yield Change(kind=Kind.OPTED_OUT, before=_word(record.ai.opted_out), after=_signals(now))
    if now.ai.generated and not record.ai.generated:
        yield Change(kind=Kind.AI_GENERATED, before=_word(record.ai.generated), after=_signals(now))


def _rights(before: Rights, after: Rights) -> Iterator[Change]:
    more, less = demands(after) - demands(before), demands(before) - demands(after)
    if before.expression != after.expression or more or less:
        kind = Kind.TIGHTENED if more else Kind.LOOSENED if less else Kind.CHANGED
        added = f" (now also: {', '.join(sorted(more))})" if more else ""
        yield Change(kind=kind, before=before.expression, after=f"{after.expression}{added}")
    if after.conflict and not before.conflict:
        yield Change(kind=Kind.CONFLICT, before="agreed", after=after.conflict)
    if new := [words for words in after.restrictions if words not in before.restrictions]:
        yield Change(
            kind=Kind.RESTRICTED, before=", ".join(before.restrictions) or "none", after=", ".join(new)
        )


def _file(before: Original, after: Original) -> Iterator[Change]:
    """Another file: by its hash where both are known, else by its version or a size that differs."""
    if before.sha1 and after.sha1:
        if before.sha1.lower() != after.sha1.lower():
            yield Change(
                kind=Kind.OVERWRITTEN, before=_version(before, "sha1"), after=_version(after, "sha1")
            )
        return
    for name in ("revision", "bytes", "width", "height"):
        old, new = getattr(before, name), getattr(after, name)
        if old is not None and new is not None and old != new:
            yield Change(kind=Kind.OVERWRITTEN, before=_version(before, name), after=_version(after, name))
            return


def _names(record: Record, now: Record) -> Iterator[Change]:
    """A wiki's page moves with its title; a title that changes on its page belongs to the credit."""
    moved = record.page is not None and now.page is not None and record.page != now.page
    if moved and record.title != now.title:
        yield Change(kind=Kind.RENAMED, before=record.title, after=now.title)
    elif moved:
        yield Change(kind=Kind.MOVED, before=record.page or "", after=now.page or "")
    if record.creator != now.creator:
        yield Change(kind=Kind.CREDIT, before=_name(record.creator), after=_name(now.creator))
    elif not moved and record.rights == now.rights and record.credit_line != now.credit_line:
        yield Change(kind=Kind.CREDIT, before=record.credit_line, after=now.credit_line)


def _version(original: Original, name: str) -> str:
    value = getattr(original, name)
    when = f", of {original.revision}" if original.revision and name != "revision" else ""
    return f"{name} {value}{when}"


def _name(creator: Creator) -> str:
    words = creator.name or "not stated"
    return f"{words} ({creator.url})" if creator.url else words


def _signals(record: Record) -> str:
    return ", ".join(record.ai.signals) or "yes"


def _word(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "not known"}[value]
