"""Byte-identical files: what their sources say of one must not be taken for the other.

MediaWiki caches extmetadata by the SHA-1 of the file, so a copy may answer with the licence of its twin. And where the
same bytes really are offered on two terms, at most one of them is right.
"""

from collections.abc import Iterable, Iterator, Sequence

from collectors import commons_rights
from collectors.conclude import conclude
from collectors.record import Record
from collectors.rights import Claim, Rights

SHARED = "extmetadata"
"""The channel that copies on one wiki may share by mistake."""


def settle_copies(records: Iterable[Record]) -> list[Record]:
    """Records with the rights of byte-identical ones settled, in the same order.

    Among records with the same SHA-1, each relies on what its own page says; a page that says nothing of its own
    where a copy's page does has no licence. Where the pages disagree, the strictest holds for all of them and the
    conflict names both sides. Settling twice changes nothing.
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
    return [
        record.model_copy(update={"rights": settled[record.uid]}) if record.uid in settled else record
        for record in everything
    ]


def _settle(group: Sequence[Record]) -> Iterator[Rights]:
    own = {record.uid: _own_claims(record) for record in group}
    said = [_from(uid, claim) for uid, claims in own.items() for claim in claims]
    for record in group:
        if own[record.uid]:
            others = [claim for claim in said if not claim.channel.endswith(f" of {record.uid}")]
            yield _conclude(record, [*_all_claims(record), *others])
        elif said:
            rights = conclude([], record.rights.restrictions)
            yield rights.model_copy(
                update={
                    "conflict": f"its page names no licence; {_answered(record)} may be that of {_twins(record, group)}"
                }
            )
        else:
            yield _conclude(record, [claim for twin in group for claim in _all_claims(twin)])


def _conclude(record: Record, claims: Sequence[Claim]) -> Rights:
    unique = list({(claim.expression, claim.confidence): claim for claim in reversed(claims)}.values())[::-1]
    return conclude(unique, record.rights.restrictions)


def _all_claims(record: Record) -> list[Claim]:
    if _is_wiki_page(record):
        return commons_rights.claims(record.evidence)
    return _own_claims(record)


def _own_claims(record: Record) -> list[Claim]:
    """What this record's source says of itself, without what it may share with a copy."""
    if _is_wiki_page(record):
        return [claim for claim in commons_rights.claims(record.evidence) if claim.channel != SHARED]
    if record.rights.expression == "NOASSERTION":
        return []
    channel = record.evidence[0].channel if record.evidence else record.source
    return [Claim(expression=record.rights.expression, confidence=record.rights.confidence, channel=channel)]


def _is_wiki_page(record: Record) -> bool:
    return any(one.channel == SHARED for one in record.evidence)


def _from(uid: str, claim: Claim) -> Claim:
    return claim.model_copy(update={"channel": f"{claim.channel} of {uid}"})


def _answered(record: Record) -> str:
    return f"the {record.rights.expression} it answered with"


def _twins(record: Record, group: Sequence[Record]) -> str:
    return ", ".join(twin.uid for twin in group if twin.uid != record.uid)
