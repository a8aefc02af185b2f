"""The licence audit: what a manifest holds, on what terms, and whether the recipe's policy is kept."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from collectors import licences
from collectors.licences import Licence
from collectors.manifest import Listing
from collectors.record import Reason, Record, Verdict
from collectors.rights import LicenceClass
from curation.auditing.audit_files import to_csv, to_json, to_markdown, write
from curation.auditing.audit_rows import Claims, notes, violations
from curation.auditing.audited import Audit, ClassRow, Concern, Finding, LicenceRow
from curation.claims import conflicts
from curation.judged import Judged
from curation.outcome import counted_references
from curation.policy import PERMITTED, may_publish, may_reference, relied_on
from curation.purposes import PURPOSES, Account, collisions
from curation.settings import PolicySettings

__all__ = ["Audit", "Concern", "Finding", "audit", "to_csv", "to_json", "to_markdown", "write"]

NOTES = 10_000
"""Notes of one kind that are kept whole; of the others, the uids."""


def audit(manifest: Listing, settings: PolicySettings, judged: Iterable[Judged] = ()) -> Audit:
    """Audit every record of a manifest under a policy, one after the other; nothing is written.

    `judged` are the verdicts of its curation, where it has any: they know which images are copies of one
    picture, whose licences should then go together.

    An image that has a file violates the policy if the policy would not let it into the dataset: for its
    licence, an opt-out, or a credit that is asked for and cannot be given. All else is a note for a person.
    Kept in memory are counts, violations, uids of what is noted, and copies. Raises as `manifest.read` where
    it is a stream.
    """
    counts = _Counts(settings, _claims(manifest, judged))
    for record in manifest.records:
        counts.add(record)
    return Audit(
        name=manifest.header.name,
        subject=manifest.header.subject,
        root_sha256=manifest.header.root_sha256,
        policy=settings,
        total=sum(one.images for one in counts.classes.values()),
        files=sum(one.files for one in counts.classes.values()),
        purposes=tuple(account.verdict() for account in counts.purposes),
        collisions=collisions(map(licences.get, counts.used)),
        rows=_by_licence(counts.licences),
        classes=tuple(
            ClassRow(cls=cls, images=one.images, files=one.files, allowed=one.allowed)
            for cls, one in ((cls, counts.classes.get(cls)) for cls in LicenceClass)
            if one
        ),
        refused=dict(sorted(counts.refused.items(), key=lambda item: (-item[1], item[0]))),
        violations=tuple(counts.violations),
        notes=tuple(counts.notes),
        noted={concern.value: tuple(counts.noted[concern]) for concern in Concern if concern in counts.noted},
        claims=dict(counts.claims),
    )


def _claims(manifest: Listing, judged: Iterable[Judged]) -> Claims:
    """What copies claim under other terms; the manifest is only asked where there are copies."""
    copies = [one for one in judged if one.verdict.reason is Reason.DUPLICATE]
    wanted = {uid for one in copies for uid in (one.uid, one.verdict.twin)}
    if not wanted:
        return {}
    return conflicts(copies, {record.uid: record for record in manifest.records if record.uid in wanted})


@dataclass
class _Group:
    """Images under one licence, or of one class."""

    images: int = 0
    files: int = 0
    allowed: int = 0
    references: int = 0
    """Of those that are not allowed, how many are named without pixels."""
    why: Counter[str] = field(default_factory=Counter)
    """Why the others are not allowed, in words."""

    def add(self, record: Record, policy: Verdict, *, reference: bool) -> None:
        self.images += 1
        self.files += record.file is not None
        self.allowed += policy.keep
        if policy.reason is not None and reference:
            self.references += 1
        elif policy.reason is not None:
            self.why[policy.detail or policy.reason.words] += 1

    @property
    def policy(self) -> str:
        """What the policy makes of them, in words."""
        refused = self.why.total()
        if refused == self.images:
            return f"refused: {self.why.most_common(1)[0][0]}"
        if self.references == self.images:
            return "reference: named without pixels"
        parts = [counted_references(self.references)] if self.references else []
        parts += [f"{refused:,} refused: {self.why.most_common(1)[0][0]}"] if refused else []
        return ", ".join(parts) or "allowed"


class _Counts:
    """What records come to, added one by one."""

    def __init__(self, settings: PolicySettings, claims: Claims) -> None:
        self._settings, self.claims = settings, claims
        self.licences: dict[str, _Group] = {}
        self.classes: dict[LicenceClass, _Group] = {}
        self.refused: Counter[str] = Counter()
        self.used: dict[str, None] = {}
        """Licences that fetched images rest on; a written permission is none for anybody else."""
        self.purposes = [Account(settings, purpose) for purpose in PURPOSES]
        self.violations: list[Finding] = []
        self.notes: list[Finding] = []
        self.noted: dict[Concern, list[str]] = {}

    def add(self, record: Record) -> None:
        policy = may_publish(record, self._settings)
        referred = record.file is not None and may_reference(record, self._settings).keep
        for group in (
            self.licences.setdefault(record.rights.chosen, _Group()),
            self.classes.setdefault(record.rights.cls, _Group()),
        ):
            group.add(record, policy, reference=referred)
        if record.file is None:
            why = record.refused.reason if record.refused else None
            self.refused[why.value if why else "not fetched"] += 1
        elif not policy.detail.startswith(PERMITTED):
            self.used |= dict.fromkeys(licences.parts(relied_on(record.rights).id))
        for account in self.purposes:
            account.add(record)
        self.violations += violations(record, self._settings)
        for note in notes(record, self._settings, self.claims):
            uids = self.noted.setdefault(note.concern, [])
            uids.append(note.uid)
            self.notes += [note] if len(uids) <= NOTES else []


def _by_licence(groups: Mapping[str, _Group]) -> tuple[LicenceRow, ...]:
    def row(id: str, group: _Group) -> LicenceRow:
        licence: Licence = licences.get(id)
        return LicenceRow(
            licence=id,
            name=licence.name,
            cls=licence.cls,
            images=group.images,
            files=group.files,
            allowed=group.allowed,
            policy=group.policy,
        )

    rows = (row(id, group) for id, group in groups.items())
    return tuple(sorted(rows, key=lambda row: (-row.images, row.licence)))
