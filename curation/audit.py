"""The licence audit: what a manifest holds, on what terms, and whether the recipe's policy is kept."""

from collections import Counter
from collections.abc import Iterable, Iterator

from collectors import licences
from collectors.licences import Licence
from collectors.manifest import Manifest
from collectors.record import Reason, Record
from collectors.rights import Confidence, LicenceClass
from curation.audit_files import to_csv, to_json, to_markdown, write
from curation.audited import Audit, ClassRow, Concern, Finding, ImageRow, LicenceRow
from curation.claims import conflicts
from curation.judged import Judged
from curation.policy import (
    PERMITTED,
    consequence,
    may_fetch,
    may_publish,
    may_reference,
    missing_credit,
    relied_on,
)
from curation.purposes import PURPOSES, collisions, verdict
from curation.settings import PolicySettings

__all__ = ["Audit", "Concern", "Finding", "audit", "to_csv", "to_json", "to_markdown", "write"]


def audit(manifest: Manifest, settings: PolicySettings, judged: Iterable[Judged] = ()) -> Audit:
    """Audit every record of a manifest under a policy. Pure: nothing is read or written.

    `judged` are the verdicts of its curation, where it has any: they know which images are copies of one
    picture, whose licences should then go together.

    An image that has a file violates the policy if the policy would not let it into the dataset: for its
    licence, an opt-out, or a credit that is asked for and cannot be given. All else is a note for a person.
    """
    claims = conflicts(judged, {record.uid: record for record in manifest.records})
    found = {
        record.uid: (
            *_findings(record, settings),
            *(_finding(record, Concern.COPY_CONFLICT, words) for words in claims.get(record.uid, ())),
        )
        for record in manifest.records
    }
    violations = {record.uid: tuple(_violations(record, settings)) for record in manifest.records}
    images = tuple(
        _image(record, settings, (*violations[record.uid], *found[record.uid])) for record in manifest.records
    )
    return Audit(
        name=manifest.header.name,
        subject=manifest.header.subject,
        root_sha256=manifest.header.root_sha256,
        policy=settings,
        total=len(images),
        files=_files(images),
        purposes=tuple(verdict(manifest.records, settings, purpose) for purpose in PURPOSES),
        collisions=collisions(_used(manifest.records, settings)),
        rows=_by_licence(images),
        classes=_by_class(images),
        refused=_refused(manifest.records),
        violations=tuple(one for findings in violations.values() for one in findings),
        notes=tuple(one for findings in found.values() for one in findings),
        images=images,
    )


def _violations(record: Record, settings: PolicySettings) -> Iterator[Finding]:
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


def _findings(record: Record, settings: PolicySettings) -> Iterator[Finding]:
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
    if outdated := _outdated(record):
        yield _finding(record, Concern.OUTDATED, outdated)
    if rights.restrictions:
        yield _finding(record, Concern.RESTRICTED, ", ".join(rights.restrictions))


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


def _image(record: Record, settings: PolicySettings, findings: Iterable[Finding]) -> ImageRow:
    rights = record.rights
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
        policy=may_publish(record, settings),
        consequence=consequence(record, settings),
        concerns=tuple(finding.concern for finding in findings),
        credit_line=record.credit_line,
    )


def _by_licence(images: Iterable[ImageRow]) -> tuple[LicenceRow, ...]:
    groups: dict[str, list[ImageRow]] = {}
    for image in images:
        groups.setdefault(image.licence, []).append(image)
    rows = [
        LicenceRow(
            licence=id,
            name=licences.get(id).name,
            cls=licences.get(id).cls,
            images=len(group),
            files=_files(group),
            allowed=_allowed(group),
            policy=_policy_words(group),
        )
        for id, group in groups.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.images, row.licence)))


def _policy_words(images: list[ImageRow]) -> str:
    refused = [image.policy for image in images if not image.policy.keep]
    if not refused:
        return "allowed"
    if all(Concern.REFERENCE in image.concerns for image in images if not image.policy.keep):
        words = "to train on, named without pixels"
        return words if len(refused) == len(images) else f"{len(refused)} {words}"
    why = Counter(verdict.detail or verdict.reason.words for verdict in refused if verdict.reason)
    words = why.most_common(1)[0][0]
    return f"refused: {words}" if len(refused) == len(images) else f"{len(refused)} refused: {words}"


def _by_class(images: Iterable[ImageRow]) -> tuple[ClassRow, ...]:
    groups: dict[LicenceClass, list[ImageRow]] = {}
    for image in images:
        groups.setdefault(image.cls, []).append(image)
    return tuple(
        ClassRow(cls=cls, images=len(groups[cls]), files=_files(groups[cls]), allowed=_allowed(groups[cls]))
        for cls in LicenceClass
        if cls in groups
    )


def _used(records: Iterable[Record], settings: PolicySettings) -> Iterator[Licence]:
    """The licences that fetched images rest on; a written permission is no licence for anybody else."""
    for record in records:
        permitted = may_publish(record, settings).detail.startswith(PERMITTED)
        if record.file is not None and not permitted:
            yield from map(licences.get, licences.parts(relied_on(record.rights).id))


def _files(images: Iterable[ImageRow]) -> int:
    return sum(image.sha256 is not None for image in images)


def _allowed(images: Iterable[ImageRow]) -> int:
    return sum(image.policy.keep for image in images)


def _refused(records: Iterable[Record]) -> dict[str, int]:
    reasons = Counter(
        record.refused.reason.value if record.refused and record.refused.reason else "not fetched"
        for record in records
        if record.file is None
    )
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
