"""One image in the audit: its rights, what the policy says of it, and what there is to say about it."""

from collections.abc import Iterable, Iterator, Mapping

from collectors.licences.table import PD_UNKNOWN_BASIS
from collectors.manifest import Listing
from collectors.record import Reason, Record, Verdict
from collectors.rights import Confidence, LicenceClass
from curation.auditing.audited import Audit, Concern, Finding, ImageRow
from curation.policy import consequence, may_fetch, may_publish, may_reference, missing_credit, relied_on
from curation.settings import PolicySettings

Claims = Mapping[str, tuple[str, ...]]
"""By uid: what copies of the image claim under other terms."""


def rows(manifest: Listing, audit: Audit) -> Iterator[tuple[Record, ImageRow]]:
    """Every record of the manifest with its row, one at a time. Raises as `manifest.read`."""
    settings = audit.policy
    for record in manifest.records:
        found = (*violations(record, settings), *notes(record, settings, audit.claims))
        yield record, _row(record, settings, found)


def violations(record: Record, settings: PolicySettings) -> Iterator[Finding]:
    """What must be put right about an image before anything is published."""
    if record.file is None:
        return
    verdict = may_publish(record, settings)
    if verdict.reason is Reason.OPTED_OUT:
        yield _finding(record, Concern.OPTED_OUT, verdict.detail)
    elif may_reference(record, settings).keep:
        return
    elif verdict.reason is Reason.NO_CREDIT:
        yield _finding(record, Concern.MISSING_CREDIT, verdict.detail)
    elif verdict.reason is not None and not _for_review(record, settings):
        yield _finding(record, Concern.NOT_ALLOWED, verdict.detail or verdict.reason.words)


def notes(record: Record, settings: PolicySettings, claims: Claims) -> Iterator[Finding]:
    """What a person should know of an image, and what its copies claim (`claims.conflicts`)."""
    rights, licence = record.rights, relied_on(record.rights)
    if settings.purpose != "publish" and (missing := missing_credit(record)):
        yield _finding(record, Concern.MISSING_CREDIT, missing)
    if record.file and _for_review(record, settings):
        yield _finding(record, Concern.FOR_REVIEW, may_publish(record, settings).detail)
    if record.file and may_reference(record, settings).keep:
        yield _finding(record, Concern.REFERENCE, may_publish(record, settings).detail)
    if record.ai.opted_out and (record.file is None or record.permission):
        yield _finding(record, Concern.OPTED_OUT, ", ".join(record.ai.signals) or "opted out of use by AI")
    if licence.derivatives is False:
        yield _finding(record, Concern.NO_CROP, f"{licence.name} forbids derivatives")
    if rights.conflict:
        yield _finding(record, Concern.CONFLICT, rights.conflict)
    if record.file and rights.confidence is Confidence.INFERRED:
        yield _finding(record, Concern.INFERRED_ONLY, f"{rights.chosen} {_where_from(record)}")
    if record.file and licence.id == PD_UNKNOWN_BASIS:
        yield _finding(record, Concern.NO_GROUNDS, f"{licence.name}, on no stated ground")
    if outdated := _outdated(record):
        yield _finding(record, Concern.OUTDATED, outdated)
    if rights.restrictions:
        yield _finding(record, Concern.RESTRICTED, ", ".join(rights.restrictions))
    for words in claims.get(record.uid, ()):
        yield _finding(record, Concern.COPY_CONFLICT, words)


def _finding(record: Record, concern: Concern, what: str) -> Finding:
    return Finding(uid=record.uid, title=record.title, page=record.page, concern=concern, what=what)


def _for_review(record: Record, settings: PolicySettings) -> bool:
    verdict = may_publish(record, settings)
    return verdict.reason is Reason.NO_LICENCE and may_fetch(record, settings).keep


def _where_from(record: Record) -> str:
    channels = dict.fromkeys(evidence.channel for evidence in record.evidence)
    return f"was read from {', '.join(channels)}" if channels else "was read from free text"


def _outdated(record: Record) -> str | None:
    """Rights that were written by an older vocabulary, or by hand."""
    rights, licence = record.rights, relied_on(record.rights)
    fields = ("cls", "attribution", "share_alike", "commercial", "derivatives")
    differ = [field for field in fields if getattr(rights, field) != getattr(licence, field)]
    if not differ:
        return None
    return "; ".join(
        f"{'class' if field == 'cls' else field} is {_word(getattr(rights, field))} in the manifest, "
        f"{_word(getattr(licence, field))} by {licence.id}"
        for field in differ
    )


def _word(value: bool | LicenceClass | None) -> str:
    if isinstance(value, LicenceClass):
        return value.value
    return {True: "yes", False: "no", None: "not known"}[value]


def _row(record: Record, settings: PolicySettings, findings: Iterable[Finding]) -> ImageRow:
    rights = record.rights
    concerns = tuple(finding.concern for finding in findings)
    policy = may_publish(record, settings)
    if Concern.REFERENCE in concerns:
        policy = Verdict(detail=policy.detail)
    return ImageRow(
        uid=record.uid,
        source=record.source,
        title=record.title,
        page=record.page,
        creator=record.creator.name,
        licence=rights.chosen,
        expression=rights.expression,
        cls=rights.cls,
        attribution=rights.attribution,
        share_alike=rights.share_alike,
        commercial=rights.commercial,
        derivatives=rights.derivatives,
        confidence=rights.confidence,
        conflict=rights.conflict,
        restrictions=rights.restrictions,
        opted_out=record.ai.opted_out,
        sha256=record.file.sha256 if record.file else None,
        refused=record.refused,
        policy=policy,
        consequence=consequence(record, settings),
        concerns=concerns,
        credit_line=record.credit_line,
    )
