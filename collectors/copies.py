"""Byte-identical files: what a source says of one must not be taken for the other.

MediaWiki caches extmetadata by the SHA-1 of the file, so a copy may answer with the licence of its twin. And
where the same bytes really are offered on two terms, at most one of them is right.
"""

from collections.abc import Iterable, Iterator, Sequence

from collectors.commons import page_rights
from collectors.conclude import conclude, licence_words
from collectors.record import Record
from collectors.rights import Claim, Rights

SHARED = "extmetadata"
"""The channel in which copies on one wiki may answer for each other."""


def settle_copies(records: Iterable[Record]) -> list[Record]:
    """The same records in the same order, with the rights of byte-identical ones settled.

    Among records with one SHA-1, each relies on what its own page says; a page that names no licence, where
    the page of a copy does, has none. Where pages disagree, the strictest licence holds for all of them and
    the conflict names both sides. Settling twice changes nothing.
    """
    everything = list(records)
    groups: dict[str, list[Record]] = {}
    for record in everything:
        if record.original.sha1:
            groups.setdefault(record.original.sha1, []).append(record)
    settled = {
        record.uid: rights
        for group in groups.values()
        if len(group) > 1
        for record, rights in zip(group, _settle(group), strict=True)
    }
    return [_with_rights(record, settled.get(record.uid, record.rights)) for record in everything]


def by_itself(record: Record) -> Record:
    """The record with the rights that its own evidence amounts to, whatever copies of it say.

    What `settle_copies` concluded among one set of records is taken back, to be done among another.
    """
    if not _is_wiki_page(record):
        return record
    return _with_rights(record, conclude(_all_claims(record), record.rights.restrictions))


def _settle(group: Sequence[Record]) -> Iterator[Rights]:
    own = {record.uid: _own_claims(record) for record in group}
    for record in group:
        others = [
            claim.model_copy(update={"channel": f"{claim.channel} of {uid}"})
            for uid, claims in own.items()
            if uid != record.uid
            for claim in claims
        ]
        if own[record.uid]:
            yield conclude([*_all_claims(record), *others], record.rights.restrictions)
        elif others:
            yield _silent(record, group)
        else:
            every = [claim for twin in group for claim in _all_claims(twin)]
            yield conclude(every, record.rights.restrictions)


def _silent(record: Record, group: Sequence[Record]) -> Rights:
    """The page says nothing itself; what it answered with may be the licence of another page."""
    twins = ", ".join(sorted(twin.uid for twin in group if twin.uid != record.uid))
    words = f"its page names no licence, and what it answered with may be that of its copy {twins}"
    return Rights(restrictions=record.rights.restrictions, conflict=words)


def _all_claims(record: Record) -> list[Claim]:
    return page_rights.claims(record.evidence) if _is_wiki_page(record) else _own_claims(record)


def _own_claims(record: Record) -> list[Claim]:
    """What the source says of this very record."""
    if _is_wiki_page(record):
        return [claim for claim in page_rights.claims(record.evidence) if claim.channel != SHARED]
    rights = record.rights
    if rights.expression == "NOASSERTION":
        return []
    channel = record.evidence[0].channel if record.evidence else record.source
    return [Claim(expression=rights.expression, confidence=rights.confidence, channel=channel)]


def _is_wiki_page(record: Record) -> bool:
    return any(one.channel == SHARED for one in record.evidence)


def _with_rights(record: Record, rights: Rights) -> Record:
    if rights == record.rights:
        return record
    before = licence_words(record.rights)
    credit = record.credit_line
    if credit.endswith(before):
        credit = credit.removesuffix(before) + licence_words(rights)
    return record.model_copy(update={"rights": rights, "credit_line": credit})
