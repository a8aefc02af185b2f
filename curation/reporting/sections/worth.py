"""What is worth a look before anything is published: contested licences, doubtful scores, losses, one sky."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.auditing.audited import Audit
from curation.outcome import Outcome
from curation.reporting.sections import crops
from curation.reporting.tiles import Tile

MOST = 48
"""Entries a section shows; the count above it holds all, and the wall below every image."""


@dataclass(frozen=True)
class Contest:
    """Images whose terms are in question: one whose own source disagrees, or a picture and its copies."""

    tiles: tuple[Tile, ...]
    words: tuple[str, ...]
    """What the audit says of them; else what is plain from the records."""


def worth(
    shown: Mapping[str, Tile],
    groups: Sequence[Sequence[Tile]],
    everything: Sequence[Outcome],
    audit: Audit | None,
) -> dict[str, Any]:
    """The sections, each cut at `MOST`, with their full counts."""
    contests = [*_among_copies(groups, audit), *_own(shown.values(), audit)]
    doubtful = [tile for tile in shown.values() if any(score.doubt for score in tile.scores)]
    doubtful.sort(key=lambda tile: (min(score.margin for score in tile.scores if score.doubt), tile.uid))
    skies = _skies(shown, everything)
    lost = crops.losses(everything, MOST)
    return {
        "contests": contests[:MOST],
        "contests_all": len(contests),
        "doubtful": doubtful[:MOST],
        "doubtful_all": len(doubtful),
        "skies": skies[:MOST],
        "skies_all": len(skies),
        "losses": [(loss, shown[loss.uid]) for loss in lost],
        "average_losses": crops.average_losses(everything),
    }


def _among_copies(groups: Sequence[Sequence[Tile]], audit: Audit | None) -> list[Contest]:
    found = []
    for group in groups:
        claims = sorted({tile.licence_name for tile in group})
        if len(claims) > 1:
            said = _said(audit, group)
            plain = f"one picture under {len(claims)} claims: {', '.join(claims)}; the kept one is relied on"
            found.append(Contest(tuple(group), said or (plain,)))
    return found


def _own(shown: Any, audit: Audit | None) -> list[Contest]:
    found = []
    for tile in shown:
        conflict = [mark.words for mark in tile.marks if mark.name == "conflict"]
        if conflict:
            found.append(Contest((tile,), _said(audit, (tile,)) or tuple(conflict)))
    return found


def _said(audit: Audit | None, group: Sequence[Tile]) -> tuple[str, ...]:
    """What the audit found about these images that touches what is claimed."""
    if audit is None:
        return ()
    uids = {tile.uid for tile in group}
    found = (one for one in (*audit.violations, *audit.notes) if one.uid in uids)
    return tuple(
        f"{one.concern.words}: {one.what}" for one in found if one.concern.value.endswith("conflict")
    )


def _skies(shown: Mapping[str, Tile], everything: Sequence[Outcome]) -> list[tuple[Tile, ...]]:
    """Photographs of one sky that stand together, through however many links."""
    beside = {
        outcome.record.uid: set(outcome.judged.same_sky)
        for outcome in everything
        if outcome.judged and outcome.judged.same_sky
    }
    for uid, others in list(beside.items()):
        for other in others:
            beside.setdefault(other, set()).add(uid)
    groups, placed = [], set[str]()
    for uid in sorted(beside):
        if uid in placed:
            continue
        group, waiting = set[str](), [uid]
        while waiting:
            one = waiting.pop()
            if one not in group:
                group.add(one)
                waiting += beside.get(one, ())
        placed |= group
        groups.append(tuple(shown[one] for one in sorted(group) if one in shown))
    return [group for group in groups if len(group) > 1]
