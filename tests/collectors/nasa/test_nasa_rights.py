"""NASA's image library: what may be done with an image, from the words that stand with it."""

import json
import string
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors import licences
from collectors.nasa import credits, terms
from collectors.nasa.items import parse, wrap
from collectors.nasa.terms import GUIDELINES, JPL, THIRD_PARTY, Said
from collectors.record import Record
from collectors.rights import Confidence, LicenceClass

RECORDED = Path(__file__).resolve().parents[3].parent / "shared" / "recorded" / "nasa"
API = "https://images-api.nasa.gov"


def a_record(metadata: dict[str, Any] | None = None, unread: str | None = None, **data: Any) -> Record:
    """A record of an item with these fields; a file is there."""
    item = {"data": [{"nasa_id": "PIA1", "title": "A planet", "media_type": "image"} | data], "links": []}
    files = ["http://images-assets.nasa.gov/image/PIA1/PIA1~orig.jpg"]
    return parse(
        wrap(item, api=API, query="planet", assets=files, metadata=metadata, unread=unread), "planet"
    )


def ruling(record: Record) -> str:
    """The rule that held."""
    return next(one.field for one in record.evidence if one.channel == "rules")


def recorded(name: str) -> Any:
    path = RECORDED / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return json.loads(path.read_text(encoding="utf-8"))


def test_of_the_recorded_planets_only_those_credited_to_nasa_alone_are_usable() -> None:
    records = {}
    for item in recorded("planets.items.json"):
        name = item["data"][0]["nasa_id"]
        files = [f"http://images-assets.nasa.gov/image/{name}/{name}~orig.jpg"]
        records[name] = parse(wrap(item, api=API, query="planets", assets=files), "planet")
    expressions = [record.rights.expression for record in records.values()]
    assert {one: expressions.count(one) for one in set(expressions)} == {
        JPL: 36,
        "NOASSERTION": 60,
        THIRD_PARTY: 4,
    }
    reserved = {name for name, record in records.items() if record.rights.expression == THIRD_PARTY}
    assert reserved == {"ARC-1977-AC77-0359", "PIA18926", "PIA22097", "PIA22098"}
    assert records["ARC-1977-AC77-0359"].creator.name == "Rick Sternbach 1977"
    usable = {r.creator.name for r in records.values() if r.rights.expression == JPL}
    assert usable == {"NASA/JPL", "NASA/JPL-Caltech", "NASA/Ames/JPL-Caltech", "NASA/JPL/Caltech"}
    assert all(
        record.rights.confidence is Confidence.POLICY
        for record in records.values()
        if record.rights.chosen == JPL
    )


def test_credits_are_found_where_they_stand_in_the_recorded_planets() -> None:
    by_name = {item["data"][0]["nasa_id"]: item["data"][0] for item in recorded("planets.items.json")}
    stand = {
        "GSFC_20171208_Archive_e002090": "NASA and G. Bacon (STScI)",
        "GSFC_20171208_Archive_e001427": "NASA, ESA, M. Kornmesser",
        "KSC-2009-1123": "NASA/Kim Shiflett",
        "NHQ202001220002": "NASA/Joel Kowsky",
        "PIA18926": "Image copyright: Karen Teramura, UH IfA",
        "S91-32389": None,
    }
    assert {name: a_record(**by_name[name]).creator.name for name in stand} == stand
    unannounced = a_record(**by_name["GSFC_20171208_Archive_e001454"]).creator.name or ""
    assert unannounced.startswith("NASA, ESA, J. Debes (STScI), H. Jang-Condell (University of Wyoming)")


def test_the_metadata_of_a_file_are_read_for_credits_too() -> None:
    metadata = recorded("metadata_behemoth-black-hole.json")
    free = a_record(secondary_creator="NASA/GSFC")
    assert free.rights.expression == GUIDELINES
    held = a_record(metadata, secondary_creator="NASA/GSFC")
    assert (ruling(held), held.rights.expression) == ("review", "NOASSERTION")
    assert any("D. Coe" in one.value for one in held.evidence if one.channel == "metadata")
    assert held.creator.name == "NASA/GSFC"
    assert (held.original.width, held.original.height) == (2243, 2219)


def test_a_crew_patch_is_marked_as_a_trademark() -> None:
    item = recorded("search_v1.1_iss026-s-001.json")["collection"]["items"][0]
    record = parse(wrap(item, api=API, query="x", assets=[link["href"] for link in item["links"]]), "planet")
    assert record.rights.restrictions == ("trademark",)
    assert record.rights.expression == "NOASSERTION"


@pytest.mark.parametrize(
    ("credit", "expression"),
    [
        ("NASA/JPL-Caltech", JPL),
        ("NASA / JPL / Caltech", JPL),
        ("Courtesy of nobody: NASA/JPL", THIRD_PARTY),
        ("Image Credit: NASA/JPL‑Caltech", JPL),
        ("Jet Propulsion Laboratory", JPL),
        ("NASA", GUIDELINES),
        ("NASA's Goddard Space Flight Center", GUIDELINES),
        ("NASA/Goddard/Scientific Visualization Studio", GUIDELINES),
        ("National Aeronautics and Space Administration", "NOASSERTION"),
        ("(NASA/Johnson Space Center)", GUIDELINES),
        ("NASA Johnson", GUIDELINES),
        ("NASA/Johnson", "NOASSERTION"),
        ("NASA/SSC", "NOASSERTION"),
        ("Caltech", "NOASSERTION"),
        ("HQ", "NOASSERTION"),
        ("NASA/JPL-Caltech/Space Science Institute", "NOASSERTION"),
        ("NASA/Bill Ingalls", "NOASSERTION"),
        ("NASA & Boeing", "NOASSERTION"),
        ("NASA, ESA", "NOASSERTION"),
        ("ESA/ATG medialab", "NOASSERTION"),
        ("NASAX", "NOASSERTION"),
        ("Not NASA", "NOASSERTION"),
    ],
)
def test_only_names_of_nasa_make_an_image_usable(credit: str, expression: str) -> None:
    assert a_record(secondary_creator=credit).rights.expression == expression


@pytest.mark.parametrize(
    ("description", "rule"),
    [
        ("A planet. Image credit: NASA/JPL-Caltech", "policy"),
        ("A planet. Credit: NASA/Goddard  <b>NASA image use policy.</b>", "policy"),
        ("A planet made by Don Davis.", "review"),
        ("Painting by Don Davis", "review"),
        ("This NASA/ESA Hubble Space Telescope image shows stars.", "review"),
        ("A planet. (Image: ESO/M. Kornmesser)", "partner"),
        ("Stars. ESA/Hubble & NASA", "partner"),
        ("Credit: NASA, ESA, CSA, STScI", "review"),
        ("Stars. Image licensed under Creative Commons.", "review"),
        ("Not for commercial publication.", "review"),
        ("© 2001 Somebody", "third party"),
        ("&copy; Somebody", "third party"),
        ("&amp;copy; Somebody", "third party"),
        ("Copy<b>right</b> Somebody", "third party"),
        ("copy\u00adright Somebody", "third party"),
        ("Ⓒ Somebody", "third party"),
        ("( C ) Somebody", "third party"),
        ("COPYRIGHTED material", "third party"),
        ("Photo courtesy Lockheed", "third party"),
        ("All  rights\nreserved", "third party"),
        ("Used with kind permission of Don Davis", "third party"),
    ],
)
def test_what_the_description_says_beats_the_credit_field(description: str, rule: str) -> None:
    record = a_record(secondary_creator="NASA/JPL-Caltech", description=description)
    assert ruling(record) == rule


@pytest.mark.parametrize(
    "field", ["title", "description_508", "keywords", "location", "a field nobody knows"]
)
def test_copyright_is_seen_in_every_field(field: str) -> None:
    record = a_record(secondary_creator="NASA/JPL", **{field: ["stars", "copyright Rick Sternbach 1977"]})
    assert record.rights.cls is LicenceClass.CLOSED
    assert record.rights.derivatives is False


@pytest.mark.parametrize(
    ("metadata", "expression"),
    [
        ({"Photoshop:CopyrightFlag": True}, THIRD_PARTY),
        ({"XMP:Marked": "True"}, THIRD_PARTY),
        ({"XMP:Marked": False, "Photoshop:CopyrightFlag": "0"}, JPL),
        ({"IPTC:CopyrightNotice": "Don Davis"}, THIRD_PARTY),
        ({"EXIF:Copyright": "NASA/JPL"}, JPL),
        ({"EXIF:Copyright": "Public Domain"}, JPL),
        ({"XMP:Rights": {"en": "© Don Davis"}}, THIRD_PARTY),
        ({"ICC_Profile:ProfileCopyright": "Copyright 2000 Adobe Systems"}, JPL),
        ({"EXIF:Artist": "Don Davis"}, "NOASSERTION"),
        ({"IPTC:By-line": "NASA/JPL", "IPTC:By-lineTitle": "Photographer"}, JPL),
        ({"XMP:CreatorTool": "Adobe Photoshop", "AVAIL:Owner": "rsroth"}, JPL),
        ({"XMP:UsageTerms": "For editorial use"}, THIRD_PARTY),
        ({"IPTC:Caption-Abstract": "Image credit: Don Davis"}, "NOASSERTION"),
    ],
)
def test_flags_and_notices_inside_the_file_count(metadata: dict[str, Any], expression: str) -> None:
    assert a_record(metadata, secondary_creator="NASA/JPL").rights.expression == expression


def test_metadata_that_could_not_be_read_leave_nothing_to_rely_on() -> None:
    record = a_record(unread="not JSON", secondary_creator="NASA/JPL")
    assert (ruling(record), record.rights.cls) == ("review", LicenceClass.UNKNOWN)


@pytest.mark.parametrize("partner", ["ESA/Hubble", "ESA/Webb", "ESO/M. Kornmesser"])
def test_the_licence_of_a_partner_is_a_hint_and_never_relied_on(partner: str) -> None:
    record = a_record(secondary_creator=partner, description="Credit: NASA")
    assert (record.rights.expression, record.rights.cls) == ("NOASSERTION", LicenceClass.UNKNOWN)
    hint = next(one for one in record.evidence if one.field == "candidate")
    assert hint.value == "CC-BY-4.0"
    assert (hint.url or "").startswith("https://")


def test_nasa_credited_by_nobody_is_not_nasa() -> None:
    record = a_record(center="GSFC", description="Composite image of Mars")
    assert (ruling(record), record.rights.expression) == ("review", "NOASSERTION")
    assert record.creator.name is None


def test_both_outcomes_of_the_policy_ask_for_credit_and_are_in_the_table() -> None:
    for credit, expression in (("NASA/JPL", JPL), ("NASA/GSFC", GUIDELINES)):
        rights = a_record(secondary_creator=credit).rights
        assert (rights.chosen, rights.attribution, rights.confidence) == (expression, True, Confidence.POLICY)
        assert licences.get(expression).url
    assert licences.get(GUIDELINES).cls is LicenceClass.PD_CLAIM
    assert licences.get(THIRD_PARTY).cls is LicenceClass.CLOSED


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("The NASA insignia on a wall", True),
        ("The crew patch of a flight", True),
        ("The worm logo", True),
        ("A patch of clouds over Jupiter", False),
    ],
)
def test_insignia_are_a_restriction(words: str, marked: bool) -> None:
    record = a_record(secondary_creator="NASA/JPL", description=words)
    assert record.rights.restrictions == (("trademark",) if marked else ())


def test_the_files_own_word_on_generators_and_on_data_mining_is_kept() -> None:
    metadata = {
        "XMP:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "XMP:DataMining": "DMI-PROHIBITED-AIMLTRAINING",
    }
    ai = a_record(metadata, secondary_creator="NASA/JPL").ai
    assert (ai.generated, ai.opted_out) == (True, True)
    assert len(ai.signals) == 2
    assert a_record(secondary_creator="NASA/JPL").ai.opted_out is None


STRICT = {"policy": 0, "review": 1, "partner": 1, "third party": 2}
ODD_TEXT = st.text(max_size=200)
WORDS = st.sampled_from(
    [
        *("NASA", "NASA/JPL-Caltech", "Goddard", "ESA/Hubble", "ESO", "Don Davis", "University of Arizona"),
        *("Credit:", "Image by", "courtesy of", "©", "(c)", "and", "/", ", ", ". ", "\n\n", "<b>", "&amp;"),
        *("all rights reserved", "licensed under", "The planet shines.", "Painting by", "(", ")"),
    ]
)
PHRASES = st.lists(WORDS | st.text(string.printable, max_size=8), max_size=12).map(" ".join)
FIELDS = st.sampled_from(
    ["title", "description", "secondary_creator", "photographer", "x", "rights", "credit"]
)
SAID = st.builds(Said, st.just("search"), FIELDS, PHRASES | ODD_TEXT)


@given(st.lists(SAID, max_size=4), SAID)
def test_more_words_never_make_an_image_freer(said: list[Said], more: Said) -> None:
    before = terms.rule(said)
    after = terms.rule([*said, more])
    if before.detail != "nobody is credited":
        assert STRICT[after.rule] >= STRICT[before.rule]


@given(
    st.lists(SAID, max_size=3),
    FIELDS,
    PHRASES,
    st.sampled_from(["copyright", "©", "(c)", "All rights reserved"]),
)
def test_a_word_of_copyright_always_closes(said: list[Said], field: str, phrase: str, word: str) -> None:
    found = terms.rule([*said, Said("search", field, f"{phrase} {word} {phrase}")])
    assert found.claim is not None
    assert found.claim.expression == THIRD_PARTY


@given(PHRASES | ODD_TEXT)
@example("NASA/JPL\u0000")
def test_a_credit_is_usable_only_when_every_name_in_it_is_nasas(credit: str) -> None:
    found = terms.rule([Said("search", "secondary_creator", credit)])
    usable = found.claim is not None and found.claim.expression in (JPL, GUIDELINES)
    names = credits.parties(credits.tidy(credits.readable(credit)))
    assert not usable or (names and all(map(credits.is_own, names)))


@given(st.text(string.ascii_letters + " .'", max_size=30), st.sampled_from("/,;&|+•("))
def test_a_name_that_nobody_listed_is_never_nasas(name: str, mark: str) -> None:
    found = terms.rule([Said("search", "secondary_creator", f"NASA/JPL-Caltech {mark} Zq{name}")])
    assert found.rule in ("review", "partner", "third party")


@given(st.permutations(["NASA/JPL", "Don Davis", "copyright X", "ESA/Hubble", "licensed under"]))
def test_the_order_of_what_is_said_does_not_matter(order: list[str]) -> None:
    said = [Said("search", "description", f"Credit: {one}") for one in order]
    assert terms.rule(said).rule == "third party"


@pytest.mark.parametrize(
    "text", ["<" * 20000, "photo" * 5000 + "!", "credit " * 5000, "NASA/" * 5000, " " * 50000]
)
def test_long_odd_texts_are_read_in_reasonable_time(text: str) -> None:
    begun = time.process_time()
    found = terms.rule([Said("search", "description", text), Said("search", "credit", text)])
    assert time.process_time() - begun < 5
    assert found.rule == ("policy" if "NASA" in text else "review")
