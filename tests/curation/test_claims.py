"""Copies of one picture under terms that contradict each other, and the audit that says so."""

from typing import Any

import pytest
from builders import BY, CC0, NASA, NC, SA, UNKNOWN, a_judgement, a_manifest, a_record

from collectors.record import Reason, Record, Verdict
from collectors.rights import Rights
from curation.auditing.audit import audit, to_markdown
from curation.auditing.audit_rows import rows
from curation.auditing.audited import Concern
from curation.claims import agree, conflicts
from curation.judged import Judged
from curation.settings import PolicySettings

BOTH = SA | {"expression": "CC-BY-SA-3.0 OR GFDL-1.2-or-later", "chosen": "CC-BY-SA-3.0"}
GFDL = SA | {"expression": "GFDL-1.2-or-later", "chosen": "GFDL-1.2-or-later", "class": "copyleft"}
OLDER = SA | {"expression": "CC-BY-SA-3.0", "chosen": "CC-BY-SA-3.0"}


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (BY, BY, True),
        (SA, OLDER, True),
        (CC0, NASA, True),
        (BOTH, GFDL, True),  # offered with both
        (OLDER, GFDL, False),
        (BY, CC0, False),
        (BY, SA, False),
        (BY, NC, False),
        (BY, UNKNOWN, False),
    ],
)
def test_claims_go_together_where_they_ask_and_allow_the_same(
    one: dict[str, Any], other: dict[str, Any], together: bool
) -> None:
    rights = [Rights.model_validate(each) for each in (one, other)]
    assert agree(*rights) is together
    assert agree(*rights[::-1]) is together


def group(kept: dict[str, Any], *dropped: dict[str, Any]) -> tuple[list[Record], list[Judged]]:
    """The first is kept, and the others are its copies."""
    records = [
        a_record(number=number, rights=rights) for number, rights in enumerate((kept, *dropped), start=1)
    ]
    twin = Verdict(reason=Reason.DUPLICATE, detail="same pixels", twin=records[0].uid)
    return records, [a_judgement(records[0]), *(a_judgement(one, verdict=twin) for one in records[1:])]


def test_a_copy_under_other_terms_is_named_once_a_licence() -> None:
    records, judged = group(CC0, SA, SA, BY, CC0)
    found = conflicts(judged, {record.uid: record for record in records})
    assert found == {
        "commons:M1": (
            "CC-BY-4.0 by commons:M4, CC0-1.0 here",
            "CC-BY-SA-4.0 by commons:M2 and 1 more, CC0-1.0 here",
        )
    }
    quiet, same = group(BY, BY)
    assert conflicts(same, {record.uid: record for record in quiet}) == {}


def test_the_audit_of_what_was_curated_finds_copies_under_other_terms() -> None:
    records, judged = group(CC0, SA)
    manifest = a_manifest(records)
    assert audit(manifest, PolicySettings()).of(Concern.COPY_CONFLICT) == ()
    found = audit(manifest, PolicySettings(), judged)
    [finding] = found.of(Concern.COPY_CONFLICT)
    assert (finding.uid, finding.what) == ("commons:M1", "CC-BY-SA-4.0 by commons:M2, CC0-1.0 here")
    assert found.violations == ()
    assert next(rows(manifest, found))[1].concerns == (Concern.COPY_CONFLICT,)
    assert "A copy of it is published under other terms (1)" in to_markdown(found)


def test_verdicts_on_other_images_change_nothing() -> None:
    records, judged = group(CC0, SA)
    assert conflicts(judged, {}) == {}
    assert conflicts(judged, {records[0].uid: records[0]}) == {}
