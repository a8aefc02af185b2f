"""A locked record beside what its source says today: which change it is, and whether somebody must act."""

from typing import Any

import pytest
from builders import BY, CC0, NASA, NC, ND, SA, UNKNOWN, a_record
from hypothesis import given
from hypothesis import strategies as st

from collectors import licences
from collectors.conclude import conclude
from collectors.locked.changes import Kind, demands, drift_of, refusal
from collectors.record import Reason, Record, Verdict
from collectors.rights import Claim, Confidence, Rights
from collectors.source import Sighting


def kinds(before: Record, now: Record | None) -> list[Kind]:
    return [change.kind for change in drift_of(before, Sighting(uid=before.uid, now=now))]


def as_today(**changes: Any) -> Record:
    return a_record(**changes).model_copy(update={"file": None})


def test_what_is_as_it_was_has_no_changes() -> None:
    assert kinds(a_record(), as_today()) == []


def test_when_it_was_asked_and_by_which_way_it_was_found_is_no_change() -> None:
    now = as_today(
        found_by={"query": "Other"}, seen={"first": "2027-01-01T00:00:00Z"}, description="New words."
    )
    assert kinds(a_record(), now) == []


def test_a_deleted_image_has_changed_in_nothing_else() -> None:
    (change,) = drift_of(a_record(), Sighting(uid="commons:M1", now=None, detail="its page was deleted"))
    assert (change.kind, change.after) == (Kind.DELETED, "its page was deleted")
    assert change.kind.matters


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (BY, NC, Kind.TIGHTENED),
        (BY, ND, Kind.TIGHTENED),
        (BY, SA, Kind.TIGHTENED),
        (CC0, BY, Kind.TIGHTENED),
        (BY, UNKNOWN, Kind.TIGHTENED),
        # More in one thing and less in another is no gain.
        (SA, ND | {"share_alike": False}, Kind.TIGHTENED),
        (SA, BY, Kind.LOOSENED),
        (NC, BY, Kind.LOOSENED),
        (UNKNOWN, BY, Kind.LOOSENED),
        (BY, BY | {"expression": "CC-BY-3.0", "chosen": "CC-BY-3.0"}, Kind.CHANGED),
        (CC0, NASA, Kind.CHANGED),
        (
            CC0,
            CC0 | {"expression": "CC-PDM-1.0", "chosen": "CC-PDM-1.0", "class": "pd-claim"},
            Kind.TIGHTENED,
        ),
    ],
)
def test_rights_are_weighed_by_what_they_ask(
    before: dict[str, Any], after: dict[str, Any], kind: Kind
) -> None:
    assert kinds(a_record(rights=before), as_today(rights=after)) == [kind]


@given(st.sampled_from(sorted(licences.TABLE)), st.sampled_from(sorted(licences.TABLE)))
def test_a_licence_that_asks_more_in_anything_is_never_called_free_of_change(one: str, other: str) -> None:
    before, after = _rights(one), _rights(other)
    found = kinds(_with(before), _with(after))
    if demands(after) - demands(before):
        assert found == [Kind.TIGHTENED]
    elif before.expression != after.expression:
        assert found in ([Kind.LOOSENED], [Kind.CHANGED])
    else:
        assert found == []


def _rights(id: str) -> Rights:
    return conclude([Claim(expression=id, confidence=Confidence.STATED, channel="page")])


def _with(rights: Rights) -> Record:
    return a_record().model_copy(update={"rights": rights, "file": None})


def test_channels_that_disagree_now_and_rights_that_are_warned_of_are_told() -> None:
    now = as_today(rights=SA | {"conflict": "categories say CC0-1.0", "restrictions": ("licence disputed",)})
    assert kinds(a_record(), now) == [Kind.CONFLICT, Kind.RESTRICTED]
    assert not any(kind.matters for kind in (Kind.CONFLICT, Kind.RESTRICTED))


@pytest.mark.parametrize("was", [None, False])
def test_an_opt_out_of_today_matters_whatever_was_known(was: bool | None) -> None:
    now = as_today(ai={"opted_out": True, "signals": ("noai",)})
    (change,) = drift_of(a_record(ai={"opted_out": was}), Sighting(uid="x", now=now))
    assert (change.kind, change.after) == (Kind.OPTED_OUT, "noai")
    assert change.kind.matters
    assert kinds(a_record(ai={"opted_out": True}), now) == []


def test_a_source_that_no_longer_knows_is_no_opt_out() -> None:
    assert kinds(a_record(ai={"opted_out": False}), as_today(ai={"opted_out": None})) == []


def test_another_hash_is_another_file_even_if_all_else_is_the_same() -> None:
    (change,) = drift_of(a_record(), Sighting(uid="x", now=as_today(original={"sha1": "0" * 40})))
    assert change.kind is Kind.OVERWRITTEN
    assert "0" * 40 in change.after


def test_the_same_hash_is_the_same_file_whatever_else_is_said_of_it() -> None:
    sha1 = a_record().original.sha1
    assert sha1
    now = as_today(original={"sha1": sha1.upper(), "revision": "2026-01-01T00:00:00Z", "width": 1601})
    assert kinds(a_record(), now) == []


@pytest.mark.parametrize("original", [{"bytes": 5}, {"width": 5}, {"height": 5}, {"revision": "b"}])
def test_without_a_hash_another_size_is_another_file(original: dict[str, Any]) -> None:
    before = a_record(original={"sha1": None, "revision": "a"})
    now = as_today(original={"sha1": None, "revision": "a", **original})
    assert kinds(before, now) == [Kind.OVERWRITTEN]
    unknown = dict.fromkeys(("sha1", "bytes", "width", "height"))
    assert kinds(before, as_today(original=unknown)) == []


def test_a_renamed_page_is_one_change_and_not_also_a_new_credit() -> None:
    now = as_today(
        title="File:M 42.jpg",
        page="https://commons.wikimedia.org/wiki/File:M_42.jpg",
        credit_line="“M 42” by Ada Lane 1, via Wikimedia Commons, CC BY-SA 4.0",
    )
    assert kinds(a_record(), now) == [Kind.RENAMED]


def test_a_page_that_moved_and_a_title_that_changed_on_its_page_are_told_apart() -> None:
    assert kinds(a_record(), as_today(page="https://example.org/1")) == [Kind.MOVED]
    assert kinds(a_record(), as_today(title="Other", credit_line="“Other” by Ada")) == [Kind.CREDIT]


def test_another_author_is_told_with_both_names() -> None:
    (change,) = drift_of(a_record(), Sighting(uid="x", now=as_today(creator={"name": "Eve", "url": None})))
    assert change.kind is Kind.CREDIT
    assert (change.before.startswith("Ada Lane 1"), change.after) == (True, "Eve")


def test_what_matters_comes_first() -> None:
    now = as_today(
        rights=NC, creator={"name": "Eve"}, original={"sha1": "0" * 40}, page="https://example.org/1"
    )
    found = kinds(a_record(rights=BY), now)
    assert found == [Kind.TIGHTENED, Kind.OVERWRITTEN, Kind.CREDIT, Kind.MOVED]
    assert [kind.matters for kind in found] == [True, True, False, False]


def test_a_policy_that_refuses_what_it_allowed_is_a_change_and_nothing_else_is() -> None:
    no = Verdict(reason=Reason.LICENCE_REFUSED, detail="CC-BY-NC-4.0 is not in [policy] allow")
    (change,) = refusal(Verdict(), no)
    assert change.kind is Kind.REFUSED
    assert "CC-BY-NC-4.0" in change.after
    assert refusal(no, no) == refusal(Verdict(), Verdict()) == refusal(no, Verdict()) == ()


def test_every_kind_has_words() -> None:
    assert all(kind.words for kind in Kind)
