"""Whom to credit, as files for people and for tools: Markdown, CSV, SPDX."""

import csv
import io
import json
import re
from functools import partial
from typing import Any

import pytest
from builders import BY, CC0, NASA, SA, UNKNOWN, a_manifest, a_record
from hypothesis import given
from hypothesis import strategies as st

from collectors import licences
from collectors.manifest import Manifest
from collectors.record import Record
from curation.auditing import attribution, spdx
from curation.auditing.audit import audit
from curation.auditing.audit_files import Into
from curation.auditing.audit_rows import rows
from curation.settings import PolicySettings


def text(into: Into, manifest: Manifest) -> str:
    file = io.BytesIO()
    with into(file) as take:
        for record, row in rows(manifest, audit(manifest, PolicySettings())):
            take(record, row)
    return file.getvalue().decode()


def to_markdown(manifest: Manifest) -> str:
    return text(partial(attribution.markdown_into, header=manifest.header), manifest)


def to_csv(manifest: Manifest) -> str:
    return text(attribution.csv_into, manifest)


def to_spdx(manifest: Manifest) -> str:
    return text(partial(spdx.spdx_into, header=manifest.header), manifest)


def test_each_image_has_its_title_author_source_and_licence() -> None:
    page = to_markdown(a_manifest([a_record(number=1, rights=BY), a_record(number=2, rights=CC0, file=None)]))
    assert "## [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/) (1)" in page
    line = next(line for line in page.splitlines() if line.startswith("- "))
    assert line == (
        "- [Nebula 1.jpg](https://commons.wikimedia.org/wiki/File:Nebula_1.jpg) by"
        " [Ada Lane 1](https://commons.wikimedia.org/wiki/User:Ada_Lane), via commons,"
        " [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/) (`commons:M1`)"
    )
    assert "Nebula 2" not in page, "what was not fetched needs no credit"


def test_where_nobody_is_named_the_list_says_so() -> None:
    page = to_markdown(a_manifest([a_record(rights=CC0, creator={"name": None, "url": None})]))
    assert ", author not stated, via commons" in page


def test_licences_that_hold_together_are_all_named() -> None:
    both = BY | {"expression": "CC-BY-4.0 AND CC-BY-SA-4.0", "chosen": "CC-BY-SA-4.0", "class": "sa"}
    manifest = a_manifest([a_record(rights=both)])
    assert "[CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/) and [CC BY 4.0]" in to_markdown(
        manifest
    )
    [row] = csv.DictReader(io.StringIO(to_csv(manifest)))
    assert row["licence"] == "CC-BY-SA-4.0 AND CC-BY-4.0"


def test_the_table_has_a_row_an_image_and_no_formula() -> None:
    evil = '=HYPERLINK("https://example.org")'
    manifest = a_manifest([a_record(number=1, title=evil, creator={"name": evil}), a_record(number=2)])
    rows = list(csv.DictReader(io.StringIO(to_csv(manifest))))
    assert [row["uid"] for row in rows] == ["commons:M1", "commons:M2"]
    assert rows[0]["title"][0] == rows[0]["author"][0] == "'"
    assert rows[1]["licence_url"] == "https://creativecommons.org/licenses/by-sa/4.0/"


def document(*records: Record) -> Any:
    return json.loads(to_spdx(a_manifest(records)))


def test_the_document_names_each_image_its_licence_and_its_credit() -> None:
    told = document(a_record(number=1), a_record(number=2, rights=NASA), a_record(number=3, file=None))
    assert told["spdxVersion"] == "SPDX-2.3"
    assert told["dataLicense"] == "CC0-1.0"
    whole, first, second = told["packages"]
    assert whole["SPDXID"] in told["documentDescribes"]
    assert (first["licenseConcluded"], second["licenseConcluded"]) == (
        "CC-BY-SA-4.0",
        "LicenseRef-PD-USGov-NASA",
    )
    assert first["originator"] == "Person: Ada Lane 1"
    assert first["attributionTexts"] == [a_record(number=1).credit_line]
    assert first["checksums"][0]["checksumValue"] == a_record(number=1).file.sha256  # type: ignore[union-attr]
    assert told["creationInfo"]["created"] == "2026-11-02T10:00:00Z"
    assert [(one["relationshipType"], one["relatedSpdxElement"]) for one in told["relationships"]] == [
        ("DESCRIBES", "SPDXRef-Dataset"),
        ("CONTAINS", "SPDXRef-Image-1"),
        ("CONTAINS", "SPDXRef-Image-2"),
    ]


def test_every_licence_of_our_own_is_explained_once() -> None:
    told = document(a_record(number=1, rights=NASA), a_record(number=2, rights=NASA), a_record(number=3))
    [info] = told["hasExtractedLicensingInfos"]
    assert info["licenseId"] == "LicenseRef-PD-USGov-NASA"
    assert "work of NASA" in info["extractedText"]
    assert info["seeAlsos"]


def test_what_is_unknown_makes_no_assertion() -> None:
    [_, image] = document(a_record(rights=UNKNOWN, creator={"name": None}))["packages"]
    assert (image["licenseConcluded"], image["licenseDeclared"]) == ("NOASSERTION", "NOASSERTION")
    assert image["copyrightText"] == "NOASSERTION"


@pytest.mark.parametrize("id", sorted(licences.TABLE))
def test_every_licence_of_the_table_can_stand_in_the_document(id: str) -> None:
    licence = licences.get(id)
    rights = SA | {"expression": id, "chosen": id, "class": licence.cls}
    told = document(a_record(rights=rights))
    concluded = told["packages"][1]["licenseConcluded"]
    explained = {info["licenseId"] for info in told["hasExtractedLicensingInfos"]}
    own = set(re.findall(r"LicenseRef-[\w.-]+", concluded))
    assert own <= explained
    from license_expression import get_spdx_licensing

    known = get_spdx_licensing().known_symbols
    assert concluded == "NOASSERTION" or own or concluded in known


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_words_from_the_web_leave_the_document_whole(title: str, name: str) -> None:
    told = document(a_record(title=title, creator={"name": name}))
    assert len(told["packages"]) == 2
    assert told["packages"][1]["name"]
