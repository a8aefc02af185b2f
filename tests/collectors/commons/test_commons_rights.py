"""What the fields and categories of a page amount to."""

import pytest

from collectors.commons.page_rights import claims, evidence, restrictions, values
from collectors.conclude import conclude
from collectors.rights import Confidence, LicenceClass, Rights

BY = "https://creativecommons.org/licenses/by/4.0"


def rights(*categories: str, **fields: str) -> Rights:
    found = list(evidence(fields, categories, url=None, at=None, answer_sha256=None))
    return conclude(claims(found), restrictions(found))


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        ({"LicenseUrl": BY, "LicenseShortName": "CC BY 4.0", "License": "cc-by-4.0"}, "CC-BY-4.0"),
        ({"LicenseShortName": "CC BY-SA 3.0 igo"}, "CC-BY-SA-3.0-IGO"),
        ({"LicenseShortName": "Attribution"}, "LicenseRef-Commons-Attribution"),
        (
            {"LicenseShortName": "GFDL", "LicenseUrl": "http://www.gnu.org/copyleft/fdl.html"},
            "GFDL-1.2-or-later",
        ),
        ({"LicenseShortName": "No restrictions"}, "LicenseRef-Flickr-NKCR"),
        ({"License": "cc-by-sa-3.0,2.5"}, "CC-BY-SA-3.0 OR CC-BY-SA-2.5"),
        ({"LicenseShortName": "Public domain", "License": "pd"}, "LicenseRef-PD-unknown-basis"),
        ({"UsageTerms": "Creative Commons Attribution 4.0 (CC BY 4.0)"}, "CC-BY-4.0"),
        ({}, "NOASSERTION"),
        ({"LicenseShortName": "ask me first"}, "NOASSERTION"),
        ({"LicenseUrl": "https://creativecommons.org/licenses/by/5.0"}, "NOASSERTION"),
    ],
)
def test_the_fields_of_extmetadata_name_a_licence(fields: dict[str, str], expression: str) -> None:
    assert set(rights(**fields).expression.split(" OR ")) == set(expression.split(" OR "))


def test_public_domain_without_an_address_takes_its_grounds_from_the_template() -> None:
    concluded = rights("PD NASA", LicenseShortName="Public domain", License="pd")
    assert concluded.expression == "LicenseRef-PD-USGov-NASA"
    assert concluded.conflict is None


def test_all_licences_offered_are_kept_though_extmetadata_names_one() -> None:
    concluded = rights("GFDL", "CC-BY-SA-3.0", LicenseUrl="https://creativecommons.org/licenses/by-sa/3.0")
    assert set(concluded.expression.split(" OR ")) == {"GFDL-1.2-or-later", "CC-BY-SA-3.0"}
    assert concluded.chosen == "CC-BY-SA-3.0"
    assert concluded.confidence is Confidence.STATED
    assert concluded.conflict is None


def test_channels_that_disagree_are_a_conflict_and_the_stricter_holds() -> None:
    concluded = rights("CC-BY-SA-4.0", LicenseUrl=BY)
    assert concluded.chosen == "CC-BY-SA-4.0"
    assert concluded.conflict is not None
    assert "extmetadata" in concluded.conflict
    assert "categories" in concluded.conflict


def test_fields_of_different_classes_are_a_conflict_too() -> None:
    concluded = rights(LicenseUrl=BY, LicenseShortName="CC BY-NC 2.0")
    assert concluded.cls is LicenceClass.NC
    assert concluded.conflict is not None


def test_terms_that_cannot_be_read_are_not_made_good_by_a_category() -> None:
    assert rights("CC-BY-4.0", LicenseShortName="for my friends only").expression == "NOASSERTION"


def test_nonfree_closes_whatever_else_is_said() -> None:
    concluded = rights("CC-BY-4.0", NonFree="true", LicenseShortName="Fair use")
    assert concluded.cls is LicenceClass.CLOSED


def test_a_category_alone_is_read_but_only_inferred() -> None:
    concluded = rights("CC-BY-4.0", "Emission nebulae")
    assert (concluded.expression, concluded.confidence) == ("CC-BY-4.0", Confidence.INFERRED)


def test_warnings_are_kept_as_restrictions() -> None:
    concluded = rights("Deletion requests March 2026", LicenseUrl=BY, Restrictions="trademarked|personality")
    assert concluded.restrictions == ("trademarked", "personality", "licence disputed")


def test_silence_is_evidence_and_long_values_are_shortened() -> None:
    (silence,) = evidence({}, ["Emission nebulae"])
    assert (silence.channel, silence.value) == ("extmetadata", "")
    (long,) = evidence({"Permission": "x" * 9000}, [])
    assert len(long.value) == 500


def test_extmetadata_that_is_no_map_has_no_fields() -> None:
    assert values([]) == {}
    assert values(None) == {}
    assert values({"A": {"value": 1.2}, "B": {"value": None}, "C": "odd", "D": {"value": {"en": "x"}}}) == {
        "A": "1.2"
    }
