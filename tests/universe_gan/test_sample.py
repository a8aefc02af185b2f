"""The sample that ships: every picture free, credited, small, and with something for the tool to find."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest
import requests
from PIL import Image

import universe_gan
from collectors import folder, licences
from collectors.folder import FolderSettings, sidecar
from collectors.folder.sidecar import Credit
from collectors.record import Record
from collectors.rights import Confidence, LicenceClass
from collectors.source import Ask
from collectors.storage.stores import Store
from universe_gan.shell.recipes import recipe

SAMPLE = Path(universe_gan.__file__).parent / "sample"
IMAGES = SAMPLE / "images"
NOT_SHIPPED = "ic405-flaming-star.jpg"
DAMAGED = "copies/ngc3199-damaged.jpg"
TINY = "copies/ngc5189-tiny.jpg"
FREE = {LicenceClass.PD, LicenceClass.BY, LicenceClass.SA}

credits = {credit.file: credit for credit in sidecar.read(SAMPLE / "credits.jsonl")}
shipped = sorted(path.relative_to(IMAGES).as_posix() for path in IMAGES.rglob("*") if path.is_file())
originals = [file for file in shipped if credits[file].derived_from is None]
derived = [file for file in shipped if credits[file].derived_from is not None]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    ask = Ask(
        settings=FolderSettings(path="images"),
        subject="nebula",
        session=requests.Session(),
        answers=Store(tmp_path_factory.mktemp("answers")),
        base=SAMPLE,
    )
    found = list(folder.search(ask))
    assert all(isinstance(one, Record) for one in found)
    return {one.original.url: one for one in found if isinstance(one, Record)}


def test_no_file_ships_without_a_line_and_one_line_stands_without_a_file() -> None:
    assert set(credits) - set(shipped) == {NOT_SHIPPED}
    assert set(shipped) - set(credits) == set()


def test_every_picture_that_ships_has_a_free_licence_that_is_stated(records: dict[str, Record]) -> None:
    for file in shipped:
        rights = records[file].rights
        assert rights.cls in FREE, file
        assert rights.confidence is Confidence.STATED, file
        assert rights.commercial, file
        assert rights.derivatives, file


def test_every_picture_names_its_author_its_page_its_licence_and_how_it_is_known() -> None:
    for file in shipped:
        credit = credits[file]
        assert all((credit.title, credit.creator, credit.page, credit.licence, credit.licence_url)), file
        assert credit.how_known is not None, file
        assert credit.how_known.startswith("CREDITS.md §4."), file


def test_creative_commons_licences_stand_with_the_address_of_their_own_deed() -> None:
    for file in set(shipped) - {"ic4406-retina.jpg"}:
        credit = credits[file]
        assert credit.licence is not None
        assert credit.licence_url is not None
        if credit.licence.startswith("CC"):
            assert licences.from_url(credit.licence_url) == credit.licence, file


def test_every_credit_line_can_be_printed_as_it_is(records: dict[str, Record]) -> None:
    for file in shipped:
        line, credit = records[file].credit_line, credits[file]
        assert credit.creator is not None
        assert credit.page is not None
        assert credit.creator[:60] in line
        assert credit.page in line


def test_the_sample_is_a_real_mix_of_public_domain_cc0_by_and_sa(records: dict[str, Record]) -> None:
    chosen = Counter(records[file].rights.chosen for file in originals)
    classes = Counter(records[file].rights.cls for file in originals)
    assert chosen["CC0-1.0"] >= 1
    assert chosen["LicenseRef-PD-Hubble"] >= 1
    assert min(classes[cls] for cls in FREE) >= 8
    assert {"CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"} <= set(chosen)


def test_the_picture_without_a_licence_is_known_only_by_its_line(records: dict[str, Record]) -> None:
    record = records[NOT_SHIPPED]
    assert not (IMAGES / NOT_SHIPPED).exists()
    assert record.rights.cls is LicenceClass.UNKNOWN
    assert record.creator.name == "Peter Vasey, Plover Hill Observatory"


def test_two_statements_about_one_picture_show_as_a_conflict(records: dict[str, Record]) -> None:
    conflicts = {file: record.rights for file, record in records.items() if record.rights.conflict}
    assert set(conflicts) == {"ic4406-retina.jpg"}
    assert conflicts["ic4406-retina.jpg"].chosen == "CC-BY-4.0"


def test_there_are_between_24_and_40_originals_of_every_kind() -> None:
    assert 24 <= len(originals) <= 40
    kinds = Counter(category for file in originals for category in credits[file].categories)
    assert set(kinds) == {
        "Emission nebula",
        "Reflection nebula",
        "Dark nebula",
        "Planetary nebula",
        "Supernova remnant",
    }


def test_everything_together_stays_under_3_megabytes() -> None:
    assert sum((IMAGES / file).stat().st_size for file in shipped) < 3_000_000


def test_every_original_decodes_and_is_between_256_and_512_pixels() -> None:
    for file in originals:
        with Image.open(IMAGES / file) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB"), file
            assert min(image.size) >= 256, file
            assert max(image.size) <= 512, file


def test_no_original_is_a_byte_for_byte_copy_of_another() -> None:
    assert len({hashlib.sha256((IMAGES / file).read_bytes()).digest() for file in originals}) == len(
        originals
    )


def test_every_copy_is_credited_like_the_picture_it_was_made_from_and_says_what_was_done() -> None:
    same = ("page", "creator", "creator_url", "licence", "licence_url", "how_known", "categories")
    for file in derived:
        copy = credits[file]
        assert copy.derived_from in originals, file
        source: Credit = credits[copy.derived_from]
        assert [getattr(copy, name) for name in same] == [getattr(source, name) for name in same], file
        assert f"Made for this sample from {copy.derived_from}: " in copy.description, file


def test_there_are_copies_of_each_sort_that_curation_must_find() -> None:
    sorts = Counter(Path(file).stem.rpartition("-")[2] for file in derived)
    assert sorts == Counter(
        copy=2, smaller=2, turned=2, mirrored=1, brighter=1, hue=1, q60=1, tiny=1, damaged=1
    )  # fmt: skip


def test_the_exact_copies_are_exact() -> None:
    for file in (file for file in derived if file.endswith("-copy.jpg")):
        assert (IMAGES / file).read_bytes() == (IMAGES / str(credits[file].derived_from)).read_bytes()


def test_only_the_damaged_file_cannot_be_decoded_whole() -> None:
    with Image.open(IMAGES / DAMAGED) as image, pytest.raises(OSError, match="truncated"):
        image.load()
    for file in set(derived) - {DAMAGED}:
        with Image.open(IMAGES / file) as image:
            image.load()
            assert (min(image.size) < 256) == (file == TINY), file


def test_the_recipe_is_valid_and_takes_the_sample_s_own_folder() -> None:
    loaded = recipe.load(SAMPLE / "sample.toml")
    ((source, settings),) = loaded.plan.sources
    assert source.name == "folder"
    assert settings == FolderSettings(path="images", sidecar="credits.jsonl")
    assert (loaded.plan.settings.subject, loaded.curate.size) == ("nebula", 256)
