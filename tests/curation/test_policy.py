"""The policy: what may be fetched, trained on, published as a crop, and why not."""

from typing import Any

import pytest
from builders import BY, CC0, NASA, NC, ND, SA, UNKNOWN, a_record
from hypothesis import given
from hypothesis import strategies as st

from collectors import licences
from collectors.conclude import conclude
from collectors.licences import TABLE
from collectors.record import KEEP, Reason
from collectors.rights import Claim, Confidence, LicenceClass
from curation.policy import check_settings, consequence, may_fetch, may_publish
from curation.settings import FREE, PolicySettings

PUBLISH = PolicySettings()
CLOSED = {"expression": "LicenseRef-NonFree", "chosen": "LicenseRef-NonFree", "class": "closed"}
YES = {"scope": ["train", "publish"], "date": "2026-03-01", "proof": "https://example.org/letter"}


def rights_of(*expressions: str) -> dict[str, Any]:
    claims = [
        Claim(expression=expression, confidence=Confidence.STATED, channel=f"channel {place}")
        for place, expression in enumerate(expressions)
    ]
    return conclude(claims).model_dump(by_alias=True)


@pytest.mark.parametrize("rights", [SA, BY, CC0, NASA])
def test_free_licences_are_fetched_and_published(rights: dict[str, Any]) -> None:
    record = a_record(rights=rights)
    assert may_fetch(record, PUBLISH) == KEEP
    assert may_publish(record, PUBLISH) == KEEP


def test_a_licence_that_asks_for_credit_is_not_published_when_nobody_is_named() -> None:
    nobody = a_record(rights=BY, creator={"name": None, "url": None})
    verdict = may_fetch(nobody, PUBLISH)
    assert (verdict.reason, verdict.detail) == (Reason.NO_CREDIT, "CC BY 4.0: no creator")
    assert may_fetch(nobody, PolicySettings(purpose="train")).keep
    assert may_fetch(a_record(rights=CC0, creator={"name": None, "url": None}), PUBLISH).keep


@pytest.mark.parametrize("purpose", ["publish", "train", "private"])
def test_without_a_licence_nothing_is_fetched(purpose: Any) -> None:
    verdict = may_fetch(a_record(rights=UNKNOWN), PolicySettings(purpose=purpose))
    assert (verdict.reason, verdict.detail) == (Reason.NO_LICENCE, "no readable licence")


def test_for_review_an_unknown_licence_is_fetched_but_never_published() -> None:
    review = PolicySettings(unknown="review")
    verdict = may_fetch(a_record(rights=UNKNOWN), review)
    assert verdict.keep
    assert verdict.detail.startswith("for review")
    assert may_publish(a_record(rights=UNKNOWN), review).reason is Reason.NO_LICENCE


def test_nothing_in_a_recipe_allows_what_is_unknown() -> None:
    generous = PolicySettings(allow=(*(cls.value for cls in LicenceClass), "NOASSERTION", "LicenseRef-Mine"))
    for rights in (UNKNOWN, rights_of("LicenseRef-Mine"), rights_of("CC-BY-4.0", "LicenseRef-Mine")):
        for purpose in ("publish", "train", "private"):
            settings = generous.model_copy(update={"purpose": purpose})
            assert may_publish(a_record(rights=rights), settings).reason is Reason.NO_LICENCE


def test_a_licence_that_is_not_allowed_is_refused_by_name() -> None:
    verdict = may_fetch(a_record(rights=NC), PUBLISH)
    assert verdict.reason is Reason.LICENCE_REFUSED
    assert verdict.detail == "CC-BY-NC-4.0 (nc) is not in [policy] allow"
    assert may_publish(a_record(rights=NC), PolicySettings(allow=(*FREE, "nc"))).keep
    assert may_publish(a_record(rights=NC), PolicySettings(allow=("CC-BY-NC-4.0",))).keep


def test_refuse_wins_over_allow() -> None:
    verdict = may_publish(a_record(rights=SA), PolicySettings(refuse=("sa",)))
    assert verdict.detail == "CC-BY-SA-4.0 is refused by [policy] refuse (sa)"
    assert not may_publish(a_record(rights=SA), PolicySettings(refuse=("CC-BY-SA-4.0",))).keep
    assert may_publish(a_record(rights=BY), PolicySettings(refuse=("sa",))).keep


def test_a_crop_of_an_nd_image_is_never_published_but_may_be_kept_private() -> None:
    record = a_record(rights=ND)
    verdict = may_publish(record, PolicySettings(allow=(*FREE, "nd")))
    assert verdict.reason is Reason.LICENCE_REFUSED
    assert verdict.detail == "CC-BY-ND-4.0 does not allow a crop to be published"
    assert may_publish(record, PolicySettings(purpose="private", allow=("nd",))) == KEEP
    assert may_publish(record, PolicySettings(purpose="train", allow=("nd",))) == KEEP
    assert not may_publish(record, PolicySettings(purpose="private")).keep


def test_closed_images_cannot_be_published_whatever_the_recipe_says() -> None:
    record = a_record(rights=CLOSED)
    assert not may_publish(record, PolicySettings(allow=("closed",))).keep
    assert may_publish(record, PolicySettings(purpose="private", allow=("closed",))).keep


def test_an_opt_out_has_no_off_switch() -> None:
    record = a_record(rights=CC0, ai={"opted_out": True, "signals": ["X-Robots-Tag: noai"]})
    for purpose in ("publish", "train", "private"):
        verdict = may_fetch(record, PolicySettings(purpose=purpose, unknown="review", allow=("pd",)))
        assert (verdict.reason, verdict.detail) == (Reason.OPTED_OUT, "X-Robots-Tag: noai")


def test_the_written_permission_of_the_author_counts_for_its_scope_only() -> None:
    ai = {"opted_out": True}
    assert may_publish(a_record(rights=CLOSED, ai=ai, permission=YES), PUBLISH).keep
    training = YES | {"scope": ["train"]}
    record = a_record(rights=CLOSED, ai=ai, permission=training)
    assert may_publish(record, PUBLISH).reason is Reason.OPTED_OUT
    assert may_publish(record, PolicySettings(purpose="train")).keep
    publishing = YES | {"scope": ["publish"]}
    assert not may_publish(a_record(rights=CLOSED, ai=ai, permission=publishing), PUBLISH).keep


def test_generated_pictures_are_not_pictures_of_the_sky() -> None:
    record = a_record(ai={"generated": True, "signals": ["isAiGenerated"]})
    assert may_fetch(record, PUBLISH).reason is Reason.AI_GENERATED
    assert may_fetch(a_record(ai={"generated": None, "opted_out": None}), PUBLISH).keep


def test_where_channels_disagree_every_licence_must_be_allowed() -> None:
    record = a_record(rights=rights_of("CC-BY-4.0", "CC-BY-NC-4.0"))
    assert not may_publish(record, PUBLISH).keep
    assert not may_publish(record, PolicySettings(allow=("nc",))).keep
    assert may_publish(record, PolicySettings(allow=("nc", "by"))).keep
    refused = may_publish(a_record(rights=rights_of("CC-BY-NC-4.0", "CC-BY-ND-4.0")), PUBLISH)
    assert "CC-BY-ND-4.0" in refused.detail


def test_a_permission_written_into_a_manifest_by_hand_is_worth_nothing() -> None:
    forged = ND | {"class": "by", "derivatives": True}
    assert not may_publish(a_record(rights=forged), PUBLISH).keep
    swapped = BY | {"expression": "CC-BY-NC-4.0"}
    assert not may_publish(a_record(rights=swapped), PUBLISH).keep


@given(
    st.sampled_from(sorted(TABLE)),
    st.sets(st.sampled_from([*LicenceClass, *sorted(TABLE)])),
    st.sampled_from(["publish", "train", "private"]),
)
def test_only_what_is_named_and_allows_a_crop_is_published(id: str, allow: set[str], purpose: Any) -> None:
    licence = licences.get(id)
    rights = rights_of(id) if id != "NOASSERTION" else UNKNOWN
    settings = PolicySettings(purpose=purpose, allow=tuple(sorted(allow)))
    kept = may_publish(a_record(rights=rights), settings).keep
    named = id in allow or licence.cls in allow
    known = licence.cls is not LicenceClass.UNKNOWN
    assert kept == (named and known and (purpose != "publish" or licence.derivatives is True))


# Settings


def test_the_default_settings_have_no_problems() -> None:
    assert check_settings(PUBLISH) == []
    everything = tuple(cls.value for cls in LicenceClass if cls != "unknown")
    assert check_settings(PolicySettings(allow=everything, refuse=("unknown", "NOASSERTION"))) == []
    assert check_settings(PolicySettings(allow=("CC-BY-4.0", "LicenseRef-CC-BY-SA-2.5-CA"))) == []


def test_every_unknown_name_is_a_problem_with_a_hint() -> None:
    problems = check_settings(
        PolicySettings(
            allow=("pb", "CC BY 4.0", "cc-by-4.0", "NOASSERTION"), refuse=("qqqqqq", "MIT OR NASA")
        )
    )
    assert problems == [
        "allow names 'pb', which is neither a licence class nor an id (did you mean pd?)",
        "allow names 'CC BY 4.0', which is neither a licence class nor an id (did you mean CC-BY-4.0?)",
        "allow names 'cc-by-4.0', which is neither a licence class nor an id (did you mean CC-BY-4.0?)",
        "allow names 'NOASSERTION', which nothing can allow; unknown = 'review' fetches such images",
        "refuse names 'qqqqqq', which is neither a licence class nor an id",
        "refuse names 'MIT OR NASA', which is neither a licence class nor an id",
    ]


# Consequences


def test_the_consequence_is_one_line_that_says_what_a_user_must_do() -> None:
    private = PolicySettings(purpose="private")
    assert consequence(a_record(rights=CC0), PUBLISH) == "Free for any use."
    assert consequence(a_record(rights=BY), PUBLISH) == "Name the author."
    assert consequence(a_record(rights=SA).rights, PUBLISH) == (
        "Adaptations must carry the same licence. Name the author."
    )
    assert consequence(a_record(rights=NC), PUBLISH) == "Non-commercial use only. Name the author."
    assert consequence(a_record(rights=ND), PUBLISH).startswith("No derivatives: no crop may be published.")
    assert consequence(a_record(rights=ND), private).startswith("No derivatives: the crop stays private.")
    assert consequence(a_record(rights=CLOSED), PUBLISH).startswith("No licence is granted")
    assert consequence(a_record(rights=UNKNOWN), PUBLISH).startswith("No licence is known")
    assert consequence(a_record(ai={"opted_out": True}), PUBLISH).startswith("Opted out")
    claimed = a_record(rights=rights_of("CC-PDM-1.0"))
    assert consequence(claimed, PUBLISH) == "Nobody vouches that it is free."
