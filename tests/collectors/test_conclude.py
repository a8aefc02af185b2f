"""Conclusions: agreement, refinement, choice, conflict; never freer than what was said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import licences
from collectors.conclude import conclude, credit_line
from collectors.licences.table import PD_UNKNOWN_BASIS, TABLE, UNKNOWN
from collectors.record import Creator
from collectors.rights import Claim, Confidence, LicenceClass, Rights

NASA, HUBBLE, OLD = "LicenseRef-PD-USGov-NASA", "LicenseRef-PD-Hubble", "LicenseRef-PD-old-70"


def claim(expression: str, channel: str = "extmetadata", confidence: str = "stated") -> Claim:
    return Claim(expression=expression, channel=channel, confidence=Confidence(confidence))


def test_channels_that_agree_give_their_licence_and_the_strongest_confidence() -> None:
    rights = conclude([claim("CC-BY-SA-4.0", "categories", "inferred"), claim("CC-BY-SA-4.0")])
    assert (rights.expression, rights.chosen, rights.cls) == ("CC-BY-SA-4.0", "CC-BY-SA-4.0", LicenceClass.SA)
    assert (rights.attribution, rights.share_alike, rights.commercial, rights.derivatives) == (True,) * 4
    assert rights.confidence is Confidence.STATED
    assert rights.conflict is None


def test_nothing_said_is_unknown_and_keeps_the_restrictions() -> None:
    for claims in ([], [claim(UNKNOWN, confidence="none")]):
        rights = conclude(claims, ["trademarked", "trademarked", "insignia"])
        assert rights == Rights(restrictions=("trademarked", "insignia"))
        assert rights.derivatives is None


def test_grounds_of_the_public_domain_are_refined_without_a_conflict() -> None:
    rights = conclude([claim(PD_UNKNOWN_BASIS), claim(NASA, "categories", "inferred")])
    assert (rights.expression, rights.chosen, rights.cls) == (NASA, NASA, LicenceClass.PD)
    assert rights.conflict is None
    assert rights.confidence is Confidence.STATED, (
        "that it is free was stated, only the grounds were inferred"
    )
    assert conclude([claim("CC-PDM-1.0"), claim(OLD, "categories")]).expression == OLD
    assert conclude([claim("LicenseRef-USGov"), claim(NASA, "categories")]).expression == NASA


def test_equally_specific_grounds_hold_together_with_the_stricter_condition() -> None:
    rights = conclude([claim(NASA, "categories"), claim(HUBBLE, "templates")])
    assert rights.expression == f"{HUBBLE} AND {NASA}"
    assert (rights.chosen, rights.attribution, rights.conflict) == (HUBBLE, True, None)


def test_a_licence_among_the_options_of_another_channel_is_no_conflict() -> None:
    rights = conclude(
        [claim("CC-BY-SA-3.0"), claim("GFDL-1.2-or-later OR CC-BY-SA-3.0", "categories", "inferred")]
    )
    assert rights.expression == "CC-BY-SA-3.0 OR GFDL-1.2-or-later"
    assert rights.chosen == "CC-BY-SA-3.0"
    assert rights.conflict is None
    assert rights.confidence is Confidence.STATED


def test_of_a_choice_the_freest_is_chosen() -> None:
    rights = conclude([claim("GFDL-1.2-only OR CC-BY-NC-2.0 OR CC-BY-4.0")])
    assert (rights.chosen, rights.cls) == ("CC-BY-4.0", LicenceClass.BY)


def test_the_confidence_is_that_of_the_channel_relied_on() -> None:
    rights = conclude([claim("GFDL-1.2-only"), claim("GFDL-1.2-only OR CC-BY-4.0", "categories", "inferred")])
    assert (rights.chosen, rights.confidence) == ("CC-BY-4.0", Confidence.INFERRED)
    strict = conclude([claim("CC-BY-4.0"), claim("CC-BY-NC-4.0", "structured-data", "structured")])
    assert (strict.chosen, strict.confidence) == ("CC-BY-NC-4.0", Confidence.STRUCTURED)


def test_a_conflict_names_both_sides_and_chooses_the_stricter() -> None:
    rights = conclude([claim("CC-BY-4.0"), claim("CC-BY-NC-4.0", "structured-data", "structured")])
    assert rights.expression == "CC-BY-4.0 AND CC-BY-NC-4.0"
    assert (rights.chosen, rights.cls, rights.commercial) == ("CC-BY-NC-4.0", LicenceClass.NC, False)
    assert rights.conflict == (
        "extmetadata says CC-BY-4.0; structured-data says CC-BY-NC-4.0; "
        "the stricter, CC-BY-NC-4.0, is relied on"
    )


def test_a_conflict_of_nc_and_nd_leaves_neither() -> None:
    rights = conclude([claim("CC-BY-NC-4.0"), claim("CC-BY-ND-4.0", "categories")])
    assert rights.chosen == "CC-BY-ND-4.0"
    assert (rights.commercial, rights.derivatives) == (False, False)


def test_public_domain_beside_a_licence_is_a_conflict() -> None:
    rights = conclude([claim(PD_UNKNOWN_BASIS), claim("CC-BY-2.0", "categories", "inferred")])
    assert (rights.chosen, rights.attribution) == ("CC-BY-2.0", True)
    assert rights.conflict is not None
    assert PD_UNKNOWN_BASIS in rights.conflict


def test_words_that_could_not_be_read_permit_nothing() -> None:
    rights = conclude([claim("CC-BY-4.0", "categories"), claim(UNKNOWN, confidence="inferred")])
    assert (rights.expression, rights.chosen) == (UNKNOWN, UNKNOWN)
    assert (rights.commercial, rights.derivatives, rights.confidence) == (None, None, Confidence.NONE)
    assert rights.conflict == (
        "categories says CC-BY-4.0; extmetadata says what cannot be read; so nothing is permitted"
    )


def test_a_licence_nobody_knows_wins_over_a_free_one() -> None:
    rights = conclude([claim("CC-BY-4.0"), claim("LicenseRef-Mine", "sidecar")])
    assert (rights.chosen, rights.cls, rights.derivatives) == ("LicenseRef-Mine", LicenceClass.UNKNOWN, None)


IDS = st.sampled_from([*sorted(set(TABLE) - {UNKNOWN}), "LicenseRef-Mine", "LicenseRef-CC-BY-SA-2.5-CA"])
EXPRESSIONS = st.one_of(
    IDS,
    st.lists(IDS, min_size=2, max_size=3, unique=True).map(" OR ".join),
    st.lists(IDS, min_size=2, max_size=3, unique=True).map(" AND ".join),
    st.just(UNKNOWN),
)
CLAIMS = st.builds(
    Claim,
    expression=EXPRESSIONS,
    confidence=st.sampled_from(Confidence),
    channel=st.sampled_from(["extmetadata", "categories", "structured-data"]),
)


def freedom(rights: Rights) -> tuple[int, bool, bool, bool, bool]:
    """The larger in any place, the freer."""
    return (
        -list(LicenceClass).index(rights.cls),
        rights.commercial is True,
        rights.derivatives is True,
        rights.share_alike is False,
        rights.attribution is False,
    )


@given(st.lists(CLAIMS, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_claims_does_not_matter(claims: list[Claim], dice: Any) -> None:
    shuffled = list(claims)
    dice.shuffle(shuffled)
    assert conclude(shuffled) == conclude(claims)


@given(st.lists(CLAIMS, min_size=1, max_size=4), IDS, st.sampled_from(Confidence))
def test_one_more_plain_claim_never_frees_an_image(
    claims: list[Claim], id: str, confidence: Confidence
) -> None:
    """Only a choice (OR) or better grounds of the public domain may."""
    before = conclude(claims)
    if before == Rights() or licences.get(id).cls in (LicenceClass.PD, LicenceClass.PD_CLAIM):
        return
    after = conclude([*claims, Claim(expression=id, confidence=confidence, channel="later")])
    assert all(now <= then for now, then in zip(freedom(after), freedom(before), strict=True))


@given(st.lists(CLAIMS, max_size=5))
def test_a_conclusion_follows_from_its_expression(claims: list[Claim]) -> None:
    rights = conclude(claims)
    option = licences.options(rights.expression)[0]
    licence = licences.get(option)
    assert rights.chosen == licences.parts(option)[0]
    assert (rights.cls, rights.commercial, rights.derivatives) == (
        licence.cls,
        licence.commercial,
        licence.derivatives,
    )


@given(st.lists(st.sampled_from([UNKNOWN, "LicenseRef-Mine", "Zlib", "broken (", "a b"]), max_size=4))
def test_what_is_unknown_is_never_free(expressions: list[str]) -> None:
    rights = conclude([claim(expression) for expression in expressions])
    assert rights.cls is LicenceClass.UNKNOWN
    assert rights.commercial is rights.derivatives is None


# The credit line


@pytest.fixture
def by() -> Rights:
    return conclude([claim("CC-BY-4.0")])


def test_a_credit_line_names_title_author_source_and_licence(by: Rights) -> None:
    page = "https://www.eso.org/public/images/eso0001a/"
    assert credit_line("Orion", Creator(name="ESO"), "eso.org", page, by) == (
        f"“Orion” by ESO, via eso.org ({page}), CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)"
    )
    assert credit_line("Orion", None, "eso.org", None, by).startswith("“Orion”, via eso.org, CC BY 4.0")
    assert credit_line("", " ", "", None, by).startswith("Untitled, via its source, CC BY 4.0")


def test_a_credit_line_names_every_licence_that_holds() -> None:
    rights = conclude([claim("CC-BY-4.0"), claim("CC-BY-SA-3.0", "categories")])
    assert credit_line("M 42", "Ada", "here", None, rights).endswith("CC BY-SA 3.0 and CC BY 4.0")


def test_a_credit_line_stays_one_line_whatever_the_names_hold(by: Rights) -> None:
    line = credit_line("M\n42\u202e\x00", "Ada\r\nLane\u2066", "x" * 500, None, by)
    assert line.startswith("“M 42” by Ada Lane, via xxx")
    assert len(line) < 400
    assert line.isprintable()
