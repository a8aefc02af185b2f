"""Rights derived again, offline, from the answers that were kept as evidence."""

from collections.abc import Callable, Mapping
from typing import Any

from collectors import manifest as manifests
from collectors.copies import settle_copies
from collectors.frozen import Frozen
from collectors.manifest import Manifest
from collectors.record import Record, Verdict
from collectors.storage.stores import Store

DERIVED = ("rights", "evidence", "creator", "credit_line", "ai")
"""What follows from an answer and may change with a newer parser."""


class Change(Frozen):
    """One image whose rights read differently now."""

    uid: str
    before: str
    after: str
    note: str = ""


class Relicensed(Frozen):
    manifest: Manifest
    changes: tuple[Change, ...]
    without_answer: tuple[str, ...]
    """Uids whose raw answer is not kept here; they stay as they were."""


def relicense(
    manifest: Manifest,
    answers: Store,
    parsers: Mapping[str, Callable[[Mapping[str, Any], str], Record]],
    wanted: Callable[[Record], Verdict],
    *,
    tool: str,
) -> Relicensed:
    """Read every kept answer with today's parser and return the manifest sealed anew.

    Files are neither added nor dropped, so the root hash stays; an image whose new rights the policy refuses
    keeps its file in the manifest and becomes a violation in the audit.
    """
    without: list[str] = []
    derived = [_derived(record, answers, parsers, without) for record in manifest.records]
    settled = [_judged(record, wanted) for record in settle_copies(derived)]
    by_uid = {record.uid: record for record in settled}
    header = manifest.header
    sealed = manifests.seal(
        settled,
        name=header.name,
        subject=header.subject,
        recipe_sha256=header.recipe_sha256,
        tool=tool,
        skipped=header.skipped,
    )
    changes = [_change(before, by_uid[before.uid]) for before in manifest.records]
    return Relicensed(
        manifest=sealed, changes=tuple(change for change in changes if change), without_answer=tuple(without)
    )


def _derived(
    record: Record,
    answers: Store,
    parsers: Mapping[str, Callable[[Mapping[str, Any], str], Record]],
    without: list[str],
) -> Record:
    sha256 = next((one.answer_sha256 for one in record.evidence if one.answer_sha256), None)
    if sha256 is None or sha256 not in answers or record.source not in parsers:
        without.append(record.uid)
        return record
    read = parsers[record.source](answers.answer(sha256), record.subject)
    asked = next((one.at for one in record.evidence if one.at), None)
    evidence = tuple(
        one.model_copy(update={"at": one.at or asked, "answer_sha256": sha256}) for one in read.evidence
    )
    return record.model_copy(update={**{name: getattr(read, name) for name in DERIVED}, "evidence": evidence})


def _judged(record: Record, wanted: Callable[[Record], Verdict]) -> Record:
    if record.file is not None:
        return record
    verdict = wanted(record)
    return record if verdict.keep else record.model_copy(update={"refused": verdict})


def _change(before: Record, after: Record) -> Change | None:
    if before.rights == after.rights and before.credit_line == after.credit_line:
        return None
    note = "credit line" if before.rights == after.rights else (after.rights.conflict or "")
    return Change(uid=before.uid, before=before.rights.expression, after=after.rights.expression, note=note)
