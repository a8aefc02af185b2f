"""The collector against a real MediaWiki: what must be found in it, and what must not."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from real.mediawiki import RealWiki
from real.wiki_contents import AUTHORS, SAMPLE

from collectors.commons import SOURCE, CategoryMissing, CommonsSettings, NotAWiki, search
from collectors.copies import settle_copies
from collectors.record import Creator, Reason, Record, Skipped
from collectors.rights import Confidence, LicenceClass
from collectors.source import Ask, Finished, Found
from collectors.storage.stores import Store
from collectors.web.polite import polite_session

pytestmark = pytest.mark.mediawiki

EXCLUDE = ("*(software)*", "*logo*")


def an_ask(wiki: RealWiki, answers: Path, *categories: str, **changes: Any) -> Ask:
    settings = {"api": wiki.api, "categories": categories, "exclude": EXCLUDE, "depth": 5} | changes
    return Ask(
        settings=CommonsSettings(**settings),
        subject="nebula",
        session=polite_session(None, {}),
        answers=Store(answers),
    )


@dataclass(frozen=True)
class Walk:
    """Everything one walk through the tree of nebulae told."""

    ask: Ask
    found: tuple[Found, ...]
    by_title: Mapping[str, Record]
    """After copies were settled."""


@pytest.fixture(scope="module")
def nebulae(wiki: RealWiki, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    ask = an_ask(wiki, tmp_path_factory.mktemp("answers"), "Nebulae")
    found = tuple(search(ask))
    records = settle_copies(one for one in found if isinstance(one, Record))
    return Walk(ask, found, {record.title: record for record in records})


def test_every_file_of_the_tree_is_found_once(wiki: RealWiki, nebulae: Walk) -> None:
    titles = [one.title for one in nebulae.found if isinstance(one, Record)]
    elsewhere = ("Many ", "Nebula logo", "Screenshot", "Of an observatory")
    wanted = [one.name for one in wiki.contents.uploads if not one.name.startswith(elsewhere)]
    assert sorted(titles) == sorted(wanted)
    assert len(nebulae.by_title) == len(titles)


def test_the_walk_ends_though_the_tree_holds_a_loop(nebulae: Walk) -> None:
    units = [one.unit for one in nebulae.found if isinstance(one, Finished)]
    assert len(units) == len(set(units))
    assert units[0] == "Nebulae"
    assert units[-1] == "Nebulae again"
    far = nebulae.by_title["Far away.jpg"].found_by
    assert far.path == (
        "Nebulae",
        "Emission nebulae",
        "H II regions",
        "Nebulae by telescope",
        "Nebulae again",
    )


def test_branches_and_titles_that_are_excluded_are_left_out(nebulae: Walk) -> None:
    units = [one.unit for one in nebulae.found if isinstance(one, Finished)]
    assert "Nebula (software)" not in units
    assert "Observatory logos" not in units
    refused = [
        one for one in nebulae.found if isinstance(one, Skipped) and one.reason is Reason.EXCLUDED_NAME
    ]
    assert len(refused) == 2


def test_a_redirect_leads_to_its_file_and_a_page_without_a_file_is_gone(
    wiki: RealWiki, nebulae: Walk
) -> None:
    record = nebulae.by_title["Licence cc-by-4.0.jpg"]
    # The redirect stands in Dark nebulae, which comes before Emission nebulae, where the file itself is.
    assert record.found_by.path == ("Nebulae", "Dark nebulae")
    assert record.uid == wiki.uid("Licence cc-by-4.0.jpg")
    gone = [one for one in nebulae.found if isinstance(one, Skipped) and one.reason is Reason.GONE]
    assert [one.key for one in gone] == [wiki.uid("Page without a file.jpg")]


def test_a_batch_the_server_splits_loses_no_licence(wiki: RealWiki, tmp_path: Path) -> None:
    ask = an_ask(wiki, tmp_path, "Many files")
    asked: list[str] = []
    ask.session.hooks["response"].append(lambda response, **_: asked.append(response.url))
    records = [one for one in search(ask) if isinstance(one, Record)]
    assert len(records) == 120
    assert any("clcontinue" in url for url in asked)
    assert all(record.rights.expression == "CC-BY-SA-4.0" for record in records)
    assert all(record.original.sha1 for record in records)
    kept = [Store(tmp_path).answer(record.evidence[0].answer_sha256 or "") for record in records]
    assert all(len(answer["page"]["categories"]) == 14 for answer in kept)


def test_a_second_walk_tells_the_same_and_keeps_the_same_answers(wiki: RealWiki, nebulae: Walk) -> None:
    before = {path.name for path in nebulae.ask.answers.root.rglob("*") if path.is_file()}
    again = tuple(search(replace(nebulae.ask, session=polite_session(None, {}))))
    undated = [_undated(one) for one in again]
    assert undated == [_undated(one) for one in nebulae.found]
    assert {path.name for path in nebulae.ask.answers.root.rglob("*") if path.is_file()} == before


def _undated(one: Found) -> Found:
    if not isinstance(one, Record):
        return one
    evidence = tuple(item.model_copy(update={"at": None}) for item in one.evidence)
    return one.model_copy(update={"evidence": evidence, "seen": None})


def test_a_walk_broken_off_goes_on_where_it_stood(nebulae: Walk) -> None:
    found = list(nebulae.found)
    cut = next(
        n for n, one in enumerate(found) if isinstance(one, Finished) and one.unit == "Emission nebulae"
    )
    finished = {one.unit: one.leads_to for one in found[: cut + 1] if isinstance(one, Finished)}
    resumed = list(search(replace(nebulae.ask, finished=finished)))
    known = {one.uid for one in found[: cut + 1] if isinstance(one, Record)}
    new = [_undated(one) for one in resumed if not (isinstance(one, Record) and one.uid in known)]
    assert new == [_undated(one) for one in found[cut + 1 :]]


@pytest.mark.parametrize(
    ("licences", "expression", "cls"),
    [
        ("cc-by-4.0", "CC-BY-4.0", "by"),
        ("cc-zero", "CC0-1.0", "pd"),
        ("PD-USGov-NASA", "LicenseRef-PD-USGov-NASA", "pd"),
        ("PD-Hubble", "LicenseRef-PD-Hubble", "pd"),
        ("PD", "LicenseRef-PD-unknown-basis", "pd"),
        ("GFDL", "GFDL-1.2-or-later", "copyleft"),
        ("GFDL and cc-by-sa-3.0", "CC-BY-SA-3.0 OR GFDL-1.2-or-later", "sa"),
        ("Attribution", "LicenseRef-Commons-Attribution", "by"),
        ("FAL", "LAL-1.3", "copyleft"),
        ("Non-free", "LicenseRef-NonFree", "closed"),
        ("cc-by-nc-2.0", "CC-BY-NC-2.0", "nc"),
        ("cc-by-nd-2.0", "CC-BY-ND-2.0", "nd"),
        ("cc-by-sa-3.0-igo", "CC-BY-SA-3.0-IGO", "sa"),
        ("cc-by-4.0 and trademarked", "CC-BY-4.0", "by"),
        ("none", "NOASSERTION", "unknown"),
        ("nothing at all", "NOASSERTION", "unknown"),
    ],
)
def test_each_licence_template_is_understood(nebulae: Walk, licences: str, expression: str, cls: str) -> None:
    rights = nebulae.by_title[f"Licence {licences}.jpg"].rights
    assert rights.expression == expression
    assert rights.cls is LicenceClass(cls)
    assert rights.conflict is None


def test_what_goes_with_a_licence_comes_too(nebulae: Walk) -> None:
    assert nebulae.by_title["Licence cc-by-4.0 and trademarked.jpg"].rights.restrictions == ("trademarked",)
    assert nebulae.by_title["Licence PD-USGov-NASA.jpg"].rights.confidence is Confidence.INFERRED
    assert nebulae.by_title["Licence cc-by-4.0.jpg"].rights.confidence is Confidence.STATED
    demanded = nebulae.by_title["Licence in the words of its author.jpg"]
    assert "Photo: A. Lane / ESO" in demanded.credit_line


@pytest.mark.parametrize("kind", AUTHORS)
def test_each_way_of_naming_an_author_is_understood(wiki: RealWiki, nebulae: Walk, kind: str) -> None:
    expected = {
        "link": Creator(name="Ada Lane", url=f"{wiki.address}/wiki/User:Ada"),
        "red link": Creator(name="Jane Doe"),
        "vcard": Creator(name="ESO", url="https://www.eso.org/"),
        "div": Creator(name="Jona Lendering"),
        "several": Creator(name="NASA; ESA; Kornmesser", url="https://www.nasa.gov/"),
        "markup": Creator(name="Bold & Brave <script>alert(1)</script>"),
        "unknown": Creator(),
        "nobody": Creator(),
    }
    assert nebulae.by_title[f"Author {kind}.jpg"].creator == expected[kind]


def test_byte_identical_files_do_not_lend_each_other_their_licence(wiki: RealWiki, nebulae: Walk) -> None:
    told = {one.title: one for one in nebulae.found if isinstance(one, Record)}
    free, alike, silent = (f"Twin {name}.jpg" for name in ("free", "shared alike", "silent"))
    # The trap is real: the wiki remembers the licence of the one it was asked for first, and gives it to all.
    answered = {
        next((item.value for item in told[title].evidence if item.field == "LicenseUrl"), None)
        for title in (free, alike, silent)
    }
    assert len(answered) == 1
    for title, other in ((free, alike), (alike, free)):
        rights = nebulae.by_title[title].rights
        assert rights.chosen == "CC-BY-SA-4.0"
        assert rights.conflict is not None
        assert wiki.uid(other) in rights.conflict
    assert nebulae.by_title[silent].rights.expression == "NOASSERTION"
    for number in ("one", "two"):
        same = nebulae.by_title[f"Same terms {number}.jpg"].rights
        assert (same.expression, same.conflict) == ("CC-BY-4.0", None)


@pytest.mark.parametrize(
    ("file", "mime", "size"),
    [
        ("Format png.png", "image/png", (480, 360)),
        ("Format webp.webp", "image/webp", (480, 360)),
        ("Format gif.gif", "image/gif", (300, 300)),
        ("Format tif.tif", "image/tiff", (320, 320)),
        ("Format cmyk.jpg", "image/jpeg", (480, 360)),
        ("Format truncated.jpg", "image/jpeg", (600, 450)),
        ("Format no size.jpg", "image/jpeg", (None, None)),
        ("Format pdf.pdf", "application/pdf", (None, None)),
        ("Format tiny.jpg", "image/jpeg", (40, 30)),
    ],
)
def test_type_and_size_are_known_before_the_download(
    nebulae: Walk, file: str, mime: str, size: tuple[int | None, int | None]
) -> None:
    original = nebulae.by_title[file].original
    assert original.mime == mime
    assert (original.width, original.height) == size


def test_a_drawing_is_told_as_a_drawing(nebulae: Walk) -> None:
    assert nebulae.by_title["Format svg.svg"].original.mime == "image/svg+xml"


def test_addresses_lead_to_the_files_and_hashes_are_theirs(wiki: RealWiki, nebulae: Walk) -> None:
    uploads = {one.name: one.data for one in wiki.contents.uploads}
    for title in (
        'Größe & “Weite” d\'Orion, "M 42" (1).jpg',
        "星雲 +100% nebula.jpg",
        "Nebula.JPG",
        "NEBULA.jpg",
    ):
        original = nebulae.by_title[title].original
        assert original.sha1 == hashlib.sha1(uploads[title]).hexdigest()
        assert requests.get(original.url, timeout=30).content == uploads[title]
        assert original.bytes == len(uploads[title])


def test_a_long_description_is_kept_as_plain_text(nebulae: Walk) -> None:
    description = nebulae.by_title["Described at length.jpg"].description
    assert description.startswith("First second Word Word")
    assert 900 < len(description) <= 1000


def test_the_kept_answers_alone_give_every_record_again(nebulae: Walk) -> None:
    for one in nebulae.found:
        if isinstance(one, Record):
            answer = nebulae.ask.answers.answer(one.evidence[0].answer_sha256 or "")
            again = SOURCE.parse(answer, "nebula")
            assert _undated(again) == _undated(one)


def test_evidence_links_to_the_revision_that_was_read(wiki: RealWiki, nebulae: Walk) -> None:
    record = nebulae.by_title["Licence GFDL.jpg"]
    page = requests.get(record.evidence[0].url or "", timeout=30)
    assert page.ok
    assert "Licence GFDL" in page.text


def test_root_categories_may_be_redirects_empty_or_missing(wiki: RealWiki, tmp_path: Path) -> None:
    moved = [
        one
        for one in search(an_ask(wiki, tmp_path, "Old name of nebulae", depth=0))
        if isinstance(one, Record)
    ]
    assert {one.found_by.query for one in moved} == {"Nebulae"}
    assert list(search(an_ask(wiki, tmp_path, "Nothing here"))) == [Finished(unit="Nothing here")]
    with pytest.raises(CategoryMissing):
        list(search(an_ask(wiki, tmp_path, "Nebulæ")))


def test_a_web_page_is_no_wiki(wiki: RealWiki, tmp_path: Path) -> None:
    with pytest.raises(NotAWiki):
        list(search(an_ask(wiki, tmp_path, "Nebulae", api=f"{wiki.address}/images/api.php")))


def test_the_sample_comes_through_with_its_authors_and_licences(nebulae: Walk) -> None:
    if not (SAMPLE / "credits.jsonl").is_file():
        pytest.skip("the sample is not here")
    credits = [
        json.loads(line) for line in (SAMPLE / "credits.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    compared = 0
    for credit in credits:
        record = nebulae.by_title.get(f"Sample {Path(credit['file']).name}")
        if record is None:
            continue
        compared += 1
        assert record.creator.name == " ".join(credit["creator"].split())
        assert (
            record.original.sha1
            == hashlib.sha1((SAMPLE / "images" / credit["file"]).read_bytes()).hexdigest()
        )
        if credit["licence"] != "Public domain":
            assert record.rights.expression == credit["licence"]
        else:
            assert record.rights.cls is LicenceClass.PD
    assert compared >= 24
