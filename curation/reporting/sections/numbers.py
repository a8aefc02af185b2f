"""The head of the report: how many images were seen, taken, examined, compared and kept, and why not."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from collectors import licences
from collectors.manifest import Manifest
from collectors.record import Reason
from curation.markup import web_address
from curation.outcome import Outcome, counted_references, is_reference, reasons, seen
from curation.settings import PolicySettings

BY_RIGHTS = frozenset(
    {
        Reason.NO_LICENCE,
        Reason.LICENCE_REFUSED,
        Reason.NO_CREDIT,
        Reason.OPTED_OUT,
        Reason.AI_GENERATED,
        Reason.TAKEN_DOWN,
        Reason.GONE,
        Reason.NOT_NEEDED,
    }
)
"""Reasons for which a fetched image is not even looked at."""

COPIES = frozenset({Reason.DUPLICATE, Reason.COPY_OF_REFUSED})
"""Reasons that only comparing gives."""

NOT_DECODED = frozenset({Reason.UNREADABLE, Reason.TOO_LARGE})
"""Reasons for which a file that was looked at gave no picture."""


def numbers(
    manifest: Manifest, everything: Sequence[Outcome], policy: PolicySettings, *, references: bool
) -> dict[str, Any]:
    """The numbers, the line of shares, and the two tables."""
    kept = [outcome for outcome in everything if outcome.keep]
    named = sum(is_reference(outcome, policy) for outcome in everything) if references else 0
    fetched = sum(outcome.judged is not None for outcome in everything)
    total = seen(manifest.header)
    used = Counter(outcome.record.rights.chosen for outcome in kept).most_common()
    why = reasons(manifest, _not_named(everything, policy) if references else everything)
    sides = Counter(outcome.judged.split for outcome in kept if outcome.judged)
    return {
        "seen": total,
        "kept": len(kept),
        "train": sides["train"],
        "test": sides["test"],
        "account": account(manifest, everything, named),
        "funnel": _funnel(
            [
                ("kept", len(kept), "kept"),
                *([("named", named, "reference" if named == 1 else "references")] if named else []),
                ("out", fetched - len(kept) - named, "fetched and left out"),
                ("never", total - fetched, "not fetched"),
            ]
        ),
        "licences": [
            {
                "licence": licences.get(id),
                "url": web_address(licences.get(id).url),
                "count": count,
                "share": _share(count, used[0][1]),
            }
            for id, count in sorted(used, key=lambda one: (-one[1], one[0]))
        ],
        "reasons": [
            {"reason": reason, "count": count, "share": _share(count, max(why.values()))}
            for reason, count in sorted(why.items(), key=lambda one: -one[1])
        ],
        "named": named,
    }


def account(manifest: Manifest, everything: Sequence[Outcome], named: int) -> str:
    """Why the counts of the stages differ, in one line."""
    verdicts = [outcome.judged.verdict for outcome in everything if outcome.judged]
    examined = [verdict for verdict in verdicts if verdict.reason not in BY_RIGHTS]
    decoded = [verdict for verdict in examined if verdict.reason not in NOT_DECODED]
    compared = [verdict for verdict in decoded if verdict.reason in (None, *COPIES)]
    copies = sum(verdict.reason in COPIES for verdict in compared)
    kept = sum(outcome.keep for outcome in everything)
    listed, skipped = manifest.header.records, sum(manifest.header.skipped.values())
    parts = [
        f"{listed:,} listed" + (f" ({skipped:,} more passed over and only counted)" if skipped else ""),
        f"{len(verdicts):,} fetched",
        f"{len(decoded):,} decoded"
        + _less(
            (len(verdicts) - len(examined), "stopped by their rights"),
            (len(examined) - len(decoded), "damaged or too large"),
        ),
        f"{len(compared):,} compared" + _less((len(decoded) - len(compared), "screened out")),
        f"{kept:,} kept" + _less((copies, "copy" if copies == 1 else "copies")),
    ]
    if named:
        parts.append(counted_references(named))
    first = f"{seen(manifest.header):,} seen → " + " → ".join(parts[:5])
    return first + "".join(f"; {one}" for one in parts[5:]) + "."


def _less(*parts: tuple[int, str]) -> str:
    said = ", ".join(f"{count:,} {words}" for count, words in parts if count > 0)
    return f" ({said})" if said else ""


def _not_named(everything: Sequence[Outcome], policy: PolicySettings) -> list[Outcome]:
    return [outcome for outcome in everything if not is_reference(outcome, policy)]


def _funnel(parts: Sequence[tuple[str, int, str]]) -> list[dict[str, Any]]:
    whole = sum(count for _, count, _ in parts) or 1
    start, drawn = 0.0, []
    for name, count, words in parts:
        share = round(100 * count / whole, 3)
        drawn.append({"name": name, "count": count, "words": words, "start": round(start, 3), "share": share})
        start += share
    return drawn


def _share(count: int, largest: int) -> float:
    return round(100 * count / largest, 2) if largest else 0.0
