"""Licence statements of structured data."""

from typing import Any

import pytest
from license_expression import get_spdx_licensing

from collectors import licences
from collectors.commons.pages import parse, wrap
from collectors.commons.statements import LICENCE_OF, claims, evidence, kept
from collectors.conclude import conclude
from collectors.record import Record
from collectors.rights import Confidence


def a_statement(item: str | None, rank: str = "normal") -> dict[str, Any]:
    """One statement, shaped after the documented API."""
    value = {"entity-type": "item", "id": item, "numeric-id": 1}
    snak = {"snaktype": "value", "datavalue": {"type": "wikibase-entityid", "value": value}}
    return {"mainsnak": snak if item else {"snaktype": "somevalue"}, "rank": rank, "type": "statement"}


def said(*items: str, status: str = "Q50423863") -> dict[str, list[str]]:
    return kept({"P275": [a_statement(item) for item in items], "P6216": [a_statement(status)]})


def expression(statements: dict[str, list[str]]) -> str:
    return conclude(list(claims(list(evidence(statements))))).expression


def a_record(statements: dict[str, list[str]], licence_url: str, *categories: str) -> Record:
    page = {
        "pageid": 42,
        "title": "File:Orion.jpg",
        "imageinfo": [{"url": "https://h/o.jpg", "extmetadata": {"LicenseUrl": {"value": licence_url}}}],
        "categories": [{"title": f"Category:{name}", "hidden": True} for name in categories],
    }
    answer = wrap(page, api="https://commons.wikimedia.org/w/api.php", wiki="commons", path=("N",))
    return parse({**answer, "statements": statements}, "nebula")


def test_only_statements_about_rights_are_kept_and_deprecated_ones_are_not() -> None:
    statements = {
        "P275": [a_statement("Q18199165"), a_statement("Q20007257", "deprecated"), a_statement(None)],
        "P180": [a_statement("Q13903")],
        "P6216": [],
    }
    assert kept(statements) == {"P275": ["Q18199165"]}
    assert kept({}) == {}


def test_every_licence_of_a_file_is_a_choice() -> None:
    both = expression(said("Q14946043", "Q50829104"))
    assert set(both.split(" OR ")) == {"CC-BY-SA-3.0", "GFDL-1.2-or-later"}


def test_a_licence_that_is_not_in_the_table_says_nothing_but_stays_as_evidence() -> None:
    statements = said("Q999999999")
    assert expression(statements) == "NOASSERTION"
    assert [one.value for one in evidence(statements)] == ["Q999999999", "Q50423863"]
    assert list(claims(list(evidence(statements)))) == []


def test_public_domain_counts_only_where_no_licence_is_named() -> None:
    assert expression(said(status="Q19652")) == "LicenseRef-PD-unknown-basis"
    assert expression(said("Q20007257", status="Q19652")) == "CC-BY-4.0"
    assert expression(said("Q999999999", status="Q19652")) == "NOASSERTION"


@pytest.mark.parametrize(("item", "id"), LICENCE_OF.items())
def test_every_licence_in_the_table_is_one_we_know(item: str, id: str) -> None:
    assert item.startswith("Q")
    assert licences.get(id).derivatives is True
    if not id.startswith("LicenseRef-"):
        assert not get_spdx_licensing().validate(id).errors


def test_structured_data_adds_what_extmetadata_leaves_out() -> None:
    by_sa = "https://creativecommons.org/licenses/by-sa/3.0"
    record = a_record(said("Q14946043", "Q50829104"), by_sa, "CC-BY-SA-3.0")
    assert set(record.rights.expression.split(" OR ")) == {"CC-BY-SA-3.0", "GFDL-1.2-or-later"}
    assert record.rights.conflict is None
    assert {one.field for one in record.evidence if one.channel == "structured-data"} == {"P275", "P6216"}


def test_structured_data_that_contradicts_is_a_conflict() -> None:
    record = a_record(said("Q18199165"), "https://creativecommons.org/licenses/by/4.0", "CC-BY-4.0")
    assert record.rights.chosen == "CC-BY-SA-4.0"
    assert record.rights.conflict is not None
    assert "structured-data" in record.rights.conflict


def test_a_statement_gives_public_domain_firmer_ground_than_a_template() -> None:
    record = a_record(said(status="Q19652"), "", "PD NASA")
    assert record.rights.expression == "LicenseRef-PD-USGov-NASA"
    assert record.rights.confidence is Confidence.STRUCTURED
