"""What became of every image of a manifest: the account that dataset, card and report share."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collectors.manifest import Header, Manifest
from collectors.record import Reason, Record, Verdict
from curation.judged import Judged
from curation.policy import may_publish, may_reference
from curation.settings import PolicySettings


class NotJudged(Exception):
    """The verdicts do not belong to this manifest: images of it were never examined."""

    def __init__(self, uids: Sequence[str]) -> None:
        super().__init__(f"{len(uids)} images of the manifest were not examined, {uids[0]} among them")
        self.uids = tuple(uids)


@dataclass(frozen=True)
class Outcome:
    """One image and the last word about it."""

    record: Record
    judged: Judged | None
    """`None`: it was refused before it was fetched."""
    verdict: Verdict

    @property
    def keep(self) -> bool:
        return self.verdict.keep


def outcomes(manifest: Manifest, judged: Iterable[Judged], policy: PolicySettings) -> tuple[Outcome, ...]:
    """The last word about every record, in the manifest's order.

    The policy is asked once more here, so that nothing forbidden is published by verdicts made under
    another one.

    Raises:
        NotJudged: a record has a file but no verdict; the verdicts belong to another manifest.
    """
    by_uid = {one.uid: one for one in judged}
    missing = [record.uid for record in manifest.records if record.file and record.uid not in by_uid]
    if missing:
        raise NotJudged(missing)
    return tuple(_outcome(record, by_uid.get(record.uid), policy) for record in manifest.records)


def _outcome(record: Record, judged: Judged | None, policy: PolicySettings) -> Outcome:
    if record.refused is not None:
        return Outcome(record, None, record.refused)
    if record.file is None or judged is None:
        return Outcome(record, None, Verdict(reason=Reason.GONE, detail="the manifest names no file"))
    if judged.verdict.keep:
        allowed = may_publish(record, policy)
        return Outcome(record, judged, allowed)
    return Outcome(record, judged, judged.verdict)


def is_reference(outcome: Outcome, policy: PolicySettings) -> bool:
    """Whether the dataset may name this image without its pixels; never what was taken down or dropped."""
    refused = outcome.verdict.reason in (Reason.LICENCE_REFUSED, Reason.NO_CREDIT)
    return outcome.record.file is not None and refused and may_reference(outcome.record, policy).keep


def counted_references(count: int) -> str:
    """`1 reference`, `16 references`: what is named without pixels is called and counted so everywhere."""
    return f"{count:,} reference{'' if count == 1 else 's'}"


def reasons(manifest: Manifest, all_of_them: Iterable[Outcome]) -> Counter[Reason]:
    """How many images are not in the dataset, by reason, those included that the manifest does not list."""
    counts = Counter(outcome.verdict.reason for outcome in all_of_them if outcome.verdict.reason)
    for reason, count in manifest.header.skipped.items():
        counts[Reason(reason)] += count
    return Counter({reason: counts[reason] for reason in Reason if counts[reason]})


def seen(header: Header) -> int:
    """Every image the sources showed us, listed in the manifest or not."""
    return header.records + sum(header.skipped.values())
