"""Byte-identical files and whose licence they answer with."""

from typing import Any

from collectors.commons.pages import parse, wrap
from collectors.copies import settle_copies
from collectors.record import Record
from collectors.rights import LicenceClass

BY = "https://creativecommons.org/licenses/by/4.0"
SA = "https://creativecommons.org/licenses/by-sa/4.0"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


def a_page(number: int, answered: str | None, *categories: str, sha1: str = "a" * 40) -> Record:
    """A page as the wiki answered it; `answered` is the LicenseUrl, which may be that of a copy."""
    fields: Any = {"LicenseUrl": {"value": answered}} if answered else []
    page = {
        "pageid": number,
        "title": f"File:{number}.jpg",
        "imageinfo": [{"url": f"https://h/{number}.jpg", "sha1": sha1, "extmetadata": fields}],
        "categories": [{"title": f"Category:{name}", "hidden": True} for name in categories],
    }
    api = "https://commons.wikimedia.org/w/api.php"
    return parse(wrap(page, api=api, wiki="commons", path=("N",)), "nebula")


def test_a_file_without_a_copy_stays_as_it_is() -> None:
    records = [a_page(1, BY, "CC-BY-4.0"), a_page(2, CC0, sha1="b" * 40)]
    assert settle_copies(records) == records


def test_copies_on_the_same_terms_stay_as_they_are() -> None:
    records = [a_page(1, BY, "CC-BY-4.0"), a_page(2, BY, "CC-BY-4.0")]
    assert settle_copies(records) == records


def test_copies_on_different_terms_take_the_stricter_and_name_both_pages() -> None:
    # Both answer with the licence of the first: the wiki remembers it by the hash of the file.
    settled = settle_copies([a_page(1, CC0, "CC-Zero"), a_page(2, CC0, "CC-BY-SA-4.0")])
    for record, other in zip(settled, ("commons:M2", "commons:M1"), strict=True):
        assert record.rights.chosen == "CC-BY-SA-4.0"
        assert record.rights.conflict is not None
        assert other in record.rights.conflict
        assert record.credit_line.endswith("CC BY-SA 4.0 and CC0 1.0")


def test_a_page_that_names_no_licence_does_not_inherit_one() -> None:
    licensed, silent = settle_copies([a_page(1, BY, "CC-BY-4.0"), a_page(2, BY)])
    assert (licensed.rights.expression, licensed.rights.conflict) == ("CC-BY-4.0", None)
    assert silent.rights.cls is LicenceClass.UNKNOWN
    assert silent.rights.conflict is not None
    assert "commons:M1" in silent.rights.conflict
    assert silent.credit_line.endswith("licence unknown")


def test_where_no_page_has_licence_categories_the_answers_are_compared() -> None:
    same = settle_copies([a_page(1, BY), a_page(2, BY)])
    assert [record.rights.expression for record in same] == ["CC-BY-4.0"] * 2
    different = settle_copies([a_page(1, BY), a_page(2, SA)])
    assert [record.rights.chosen for record in different] == ["CC-BY-SA-4.0"] * 2
    assert all(record.rights.conflict for record in different)


def test_settling_twice_changes_nothing_and_the_order_of_the_records_does_not_matter() -> None:
    records = [a_page(1, CC0, "CC-Zero"), a_page(2, CC0, "CC-BY-SA-4.0"), a_page(3, CC0)]
    once = settle_copies(records)
    assert settle_copies(once) == once
    turned = settle_copies(records[::-1])[::-1]
    assert [record.rights for record in turned] == [record.rights for record in once]


def test_records_of_other_sources_are_settled_by_what_they_say() -> None:
    def elsewhere(record: Record, source: str) -> Record:
        return record.model_copy(update={"source": source, "uid": f"{source}:1", "evidence": ()})

    wiki = a_page(1, CC0, "CC-Zero")
    folder = elsewhere(a_page(2, SA, "CC-BY-SA-4.0"), "folder")
    settled = settle_copies([wiki, folder])
    assert [record.rights.chosen for record in settled] == ["CC-BY-SA-4.0"] * 2
    assert settle_copies(settled)[0].rights.chosen == "CC-BY-SA-4.0"
