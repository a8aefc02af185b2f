"""What copies of one picture claim about its licence, where the claims do not go together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from collectors.record import Reason, Record
from collectors.rights import Rights
from curation.duplicates.terms import agree
from curation.judged import Judged

__all__ = ["agree", "conflicts"]


def conflicts(judged: Iterable[Judged], records: Mapping[str, Record]) -> dict[str, tuple[str, ...]]:
    """For kept images with copies under other terms, by uid: who claims what, a line a licence.

    Two claims go together if they ask and allow the same, or if one licence is offered with both copies: the
    same photograph under CC BY-SA 4.0 here and 3.0 there is none, under CC BY here and CC0 there is one,
    because one of the two was wrong to say so.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(judged, key=lambda one: one.uid):
        kept = records.get(one.verdict.twin or "")
        if one.verdict.reason is Reason.DUPLICATE and kept and one.uid in records:
            rights = records[one.uid].rights
            if not agree(kept.rights, rights):
                found[kept.uid][rights.chosen].append(one.uid)
    return {
        uid: tuple(_words(records[uid].rights, licence, uids) for licence, uids in sorted(claims.items()))
        for uid, claims in sorted(found.items())
    }


def _words(rights: Rights, licence: str, uids: list[str]) -> str:
    """`CC-BY-SA-4.0 by flickr:7 and 2 more, CC0-1.0 here`"""
    more = f" and {len(uids) - 1} more" if len(uids) > 1 else ""
    return f"{licence} by {uids[0]}{more}, {rights.chosen} here"
