"""What files say of themselves: XMP, IPTC and EXIF fields become rights, hostile packets nothing."""

import io
import struct
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, PngImagePlugin

from collectors import folder, licences
from collectors.conclude import conclude
from collectors.folder import FolderSettings, embedded, xmp
from collectors.folder.embedded import Said, rights_text
from collectors.folder.xmp import XmpBroken
from collectors.licences import TABLE, UNKNOWN
from collectors.record import Reason, Record, Skipped
from collectors.rights import Confidence, LicenceClass
from collectors.source import Ask
from collectors.storage.stores import Store

NAMESPACES = " ".join(
    f'xmlns:{prefix}="{address}"'
    for address, prefix in xmp.PREFIXES.items()
    if "web.resource" not in address and not address.endswith("tdmrep#")
)
BY = '<cc:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>'
CREATOR = "<dc:creator><rdf:Seq><rdf:li>Ada Lane</rdf:li></rdf:Seq></dc:creator>"


def alt(name: str, text: str) -> str:
    return f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></{name}>'


def packet(*properties: str, attributes: str = "") -> bytes:
    """An XMP packet as Adobe's tools write it."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {NAMESPACES} {attributes}>{"".join(properties)}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>' + " " * 100
    ).encode()


def jpeg(xmp_packet: bytes | None = None, iptc: dict[int, bytes] | None = None, **exif: str) -> bytes:
    buffer, about = io.BytesIO(), Image.Exif()
    for name, value in exif.items():
        about[ExifTags.Base[name]] = value
    options: dict[str, Any] = {"exif": about} if exif else {}
    if xmp_packet is not None:
        options["xmp"] = xmp_packet
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", **options)
    data = buffer.getvalue()
    return data[:2] + photoshop(iptc) + data[2:] if iptc else data


def photoshop(iptc: dict[int, bytes]) -> bytes:
    """An APP13 segment with IPTC datasets of record 2."""
    datasets = b"".join(b"\x1c\x02" + bytes([n]) + struct.pack(">H", len(v)) + v for n, v in iptc.items())
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(datasets)) + datasets + b"\0" * (len(datasets) % 2)
    body = b"Photoshop 3.0\0" + block
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def look(folder_path: Path, data: bytes, name: str = "a.jpg") -> Record | Skipped:
    images = folder_path / "images"
    images.mkdir(exist_ok=True)
    (images / name).write_bytes(data)
    ask = Ask(
        settings=FolderSettings(path="images", sidecar="embedded", kind="fictive"),
        subject="planet",
        session=requests.Session(),
        answers=Store(folder_path / "answers"),
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        base=folder_path,
    )
    (found,) = folder.search(ask)
    assert isinstance(found, Record | Skipped)
    return found


def taken(folder_path: Path, data: bytes, name: str = "a.jpg") -> Record:
    found = look(folder_path, data, name)
    assert isinstance(found, Record), found
    return found


def test_the_fields_of_a_file_become_a_record(tmp_path: Path) -> None:
    full = packet(
        CREATOR,
        BY,
        alt("dc:title", "Red planet"),
        alt("dc:description", "Painted in 2020."),
        alt("dc:rights", "© 2020 Ada Lane"),
        "<dc:subject><rdf:Bag><rdf:li>planet</rdf:li><rdf:li>desert</rdf:li></rdf:Bag></dc:subject>",
        '<cc:attributionURL rdf:resource="https://ada.example/red"/>',
        attributes='photoshop:DateCreated="2020-05-01T10:00:00" photoshop:Credit="Ada Lane Studio"',
    )
    record = taken(tmp_path, jpeg(full))
    assert (record.title, record.creator.name, record.page) == (
        "Red planet",
        "Ada Lane",
        "https://ada.example/red",
    )
    assert (record.description, record.categories) == ("Painted in 2020.", ("planet", "desert"))
    assert (record.original.taken, record.kind) == ("2020-05-01", "fictive")
    assert (record.rights.chosen, record.rights.confidence) == ("CC-BY-4.0", Confidence.STATED)
    assert record.rights.conflict is None
    assert [(one.channel, one.field, one.value) for one in record.evidence] == [
        ("embedded", "XMP cc:license", "https://creativecommons.org/licenses/by/4.0/"),
        ("embedded", "XMP dc:rights", "© 2020 Ada Lane"),
    ]
    assert "Ada Lane" in record.credit_line


def test_the_kept_answer_gives_the_same_record_again_offline(tmp_path: Path) -> None:
    record = taken(tmp_path, jpeg(packet(CREATOR, BY)))
    (sha256,) = {one.answer_sha256 for one in record.evidence}
    assert sha256
    again = folder.parse(Store(tmp_path / "answers").answer(sha256), "planet")
    for name in ("uid", "rights", "creator", "credit_line", "ai", "original", "title"):
        assert getattr(again, name) == getattr(record, name)


def test_how_the_licence_is_known_names_the_field(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(packet(CREATOR, BY)))
    credit = embedded.credit("a.jpg", embedded.read(tmp_path / "a.jpg"))
    assert credit.how_known == "embedded XMP field cc:license"


def test_iptc_and_exif_speak_where_xmp_is_silent(tmp_path: Path) -> None:
    iptc = {
        80: b"Ada Lane",
        5: "Pl\u00e4n\u00e8te".encode(),
        116: b"CC BY-SA 4.0",
        110: b"Studio",
        55: b"20110317",
    }
    record = taken(tmp_path, jpeg(iptc=iptc))
    assert (record.creator.name, record.title, record.original.taken) == ("Ada Lane", "Plänète", "2011-03-17")
    assert (record.rights.chosen, record.rights.confidence) == ("CC-BY-SA-4.0", Confidence.INFERRED)
    assert [one.field for one in record.evidence] == ["IPTC 2:116 copyright notice"]
    exif = taken(tmp_path, jpeg(Artist="Bo", Copyright="CC0 1.0"))
    assert (exif.creator.name, exif.rights.chosen) == ("Bo", "CC0-1.0")


def test_iptc_in_another_alphabet_is_read_as_latin(tmp_path: Path) -> None:
    record = taken(tmp_path, jpeg(iptc={80: b"Andr\xe9", 116: b"CC BY 4.0"}))
    assert record.creator.name == "André"


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_xmp_is_found_in_other_formats_too(tmp_path: Path, format: str) -> None:
    buffer = io.BytesIO()
    options: dict[str, Any] = {"xmp": packet(CREATOR, BY)}
    if format == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet(CREATOR, BY).decode())
        options = {"pnginfo": info}
    if format == "TIFF":
        options = {"tiffinfo": {700: packet(CREATOR, BY)}}
    Image.new("RGB", (8, 8)).save(buffer, format, **options)
    assert taken(tmp_path, buffer.getvalue(), f"a.{format.lower()}").rights.chosen == "CC-BY-4.0"


def test_a_file_that_says_nothing_of_its_rights_has_no_licence(tmp_path: Path) -> None:
    for data in (jpeg(), jpeg(packet(CREATOR)), b"no image at all", jpeg(Artist="Ada Lane")):
        found = look(tmp_path, data)
        assert isinstance(found, Skipped)
        assert found.reason is Reason.NO_LICENCE


def rights_of(*properties: str, attributes: str = "") -> Any:
    said = [
        Said(field=f"XMP {name}", value=value)
        for name, values in xmp.read(packet(*properties, attributes=attributes)).items()
        for value in values
    ]
    return conclude(embedded.claims(said))


@pytest.mark.parametrize(
    "words",
    [
        "All rights reserved",
        "Free for personal use",
        "CC BY 4.0, but not for machines",
        "© Ada Lane. No commercial use",
        "© Somebody Else",
        "CC BY-NC 4.0",
    ],
)
def test_a_word_of_restriction_anywhere_counts_against_a_free_licence(words: str) -> None:
    rights = rights_of(CREATOR, BY, alt("dc:rights", words))
    assert rights.cls in (LicenceClass.NC, LicenceClass.CLOSED, LicenceClass.UNKNOWN)
    assert rights.conflict is not None


def test_instructions_that_restrict_permit_nothing_and_others_are_shown() -> None:
    assert rights_of(BY, attributes='photoshop:Instructions="Not for sale"').cls is LicenceClass.UNKNOWN
    assert rights_of(BY, attributes='photoshop:Instructions="Mandatory credit"').chosen == "CC-BY-4.0"
    said = [Said(field="XMP photoshop:Instructions", value="Mandatory credit")]
    assert embedded.restrictions(said) == ("instructions: Mandatory credit",)


def test_a_web_statement_may_be_any_page_but_a_licence_field_may_not() -> None:
    page = '<xmpRights:WebStatement rdf:resource="https://ada.example/terms"/>'
    assert rights_of(page, BY).chosen == "CC-BY-4.0"
    unread = '<cc:license rdf:resource="https://ada.example/terms"/>'
    assert rights_of(unread).cls is LicenceClass.UNKNOWN
    assert rights_of(unread, alt("dc:rights", "CC0 1.0")).cls is LicenceClass.UNKNOWN
    stated = 'xmpRights:WebStatement="https://creativecommons.org/licenses/by-nd/4.0/"'
    assert rights_of(attributes=stated).chosen == "CC-BY-ND-4.0"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("© 2020 Ada Lane", None),
        ("Copyright (c) 2019-2021 by Ada Lane.", None),
        ("© 2020 Ada Lane. CC BY 4.0", "CC-BY-4.0"),
        ("© Ada Lane, CC BY-SA 3.0 igo", "CC-BY-SA-3.0-IGO"),
        ("Ada Lane / CC0 1.0", "CC0-1.0"),
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("The work is licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0).", "CC-BY-4.0"),
        ("CC BY 4.0; CC BY-NC 4.0", "CC-BY-4.0 AND CC-BY-NC-4.0"),
        ("All rights reserved", "LicenseRef-AllRightsReserved"),
        ("© 2020 Ada Lane. All rights reserved.", "LicenseRef-AllRightsReserved"),
        ("CC BY 4.0 see https://ada.example/exceptions", UNKNOWN),
        ("Creative Commons", UNKNOWN),
        ("by permission of Ada Lane", UNKNOWN),
    ],
)  # fmt: skip
def test_a_rights_text_is_believed_when_every_part_is_understood(text: str, expression: str | None) -> None:
    assert rights_text(text, frozenset({"ada", "lane"})) == expression


@given(
    st.sampled_from([id for id in TABLE if id.startswith("CC-")]),
    st.text(alphabet="abcdefghij klmnopqrstuvwxyz.,;-()", max_size=30),
)
def test_no_words_around_a_licence_make_it_freer(id: str, words: str) -> None:
    read = rights_text(f"{id}. {words}")
    assert read is not None
    before, after = licences.get(id), licences.get(read)
    assert after.id == UNKNOWN or (after.commercial, after.derivatives) <= (
        before.commercial,
        before.derivatives,
    )


@pytest.mark.parametrize(
    ("value", "out"),
    [
        ("DMI-PROHIBITED-GENAIMLTRAINING", True),
        ("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", True),
        ("DMI-PROHIBITED", True),
        ("DMI-SOMETHING-NEW", True),
        ("DMI-ALLOWED", False),
        ("DMI-UNSPECIFIED", None),
    ],
)
def test_a_prohibition_of_data_mining_is_an_opt_out(tmp_path: Path, value: str, out: bool | None) -> None:
    mining = f"<plus:DataMining>http://ns.useplus.org/ldf/vocab/{value}</plus:DataMining>"
    record = taken(tmp_path, jpeg(packet(CREATOR, BY, mining)))
    assert record.ai.opted_out is out
    assert record.ai.signals == (f"XMP plus:DataMining = {value}",)


def test_a_reservation_and_a_generator_are_heard(tmp_path: Path) -> None:
    made = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    record = taken(
        tmp_path,
        jpeg(packet(CREATOR, BY, attributes=f'tdm:reservation="1" Iptc4xmpExt:DigitalSourceType="{made}"')),
    )
    assert (record.ai.opted_out, record.ai.generated) == (True, True)


# Hostile packets


def test_entities_are_never_expanded(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + packet(BY)
    with pytest.raises(XmpBroken, match="DOCTYPE"):
        xmp.read(bomb)
    outside = b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + packet(BY)
    with pytest.raises(XmpBroken, match="DOCTYPE"):
        xmp.read(outside)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<a>" * 200 + b"</a>" * 200, "nested"),
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", "too many"),
        (b"<a>" + b" " * (1 << 20) + b"</a>", "bytes, more than"),
        (b"<a><b></a>", "not XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "not XML"),
        (b"\xff\xff\xff", "not XML"),
        (b"<a>&unknown;</a>", "not XML"),
    ],
)
def test_what_is_no_honest_packet_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(XmpBroken, match=words):
        xmp.read(data)


def test_a_packet_that_cannot_be_read_permits_nothing(tmp_path: Path) -> None:
    broken = b"<!DOCTYPE x>" + packet(BY)
    record = taken(tmp_path, jpeg(broken, Copyright="CC0 1.0", Artist="Ada Lane"))
    assert record.rights.cls is LicenceClass.UNKNOWN
    assert record.rights.conflict is not None
    assert record.evidence[0].value.startswith("could not be read: it has a DOCTYPE")


def test_the_default_language_comes_first_and_wide_letters_are_read() -> None:
    texts = '<rdf:li xml:lang="de">Roter Planet</rdf:li><rdf:li xml:lang="x-default">Red planet</rdf:li>'
    title = f"<dc:title><rdf:Alt>{texts}</rdf:Alt></dc:title>"
    assert xmp.read(packet(title))["dc:title"] == ("Red planet", "Roter Planet")
    wide = packet(title).decode().encode("utf-16")
    assert xmp.read(wide)["dc:title"][0] == "Red planet"


@given(st.binary(max_size=400))
def test_any_bytes_are_properties_or_a_refusal(data: bytes) -> None:
    with suppress(XmpBroken):
        assert isinstance(xmp.read(data), dict)


@given(st.data())
def test_a_damaged_file_never_stops_the_search(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    whole = jpeg(packet(CREATOR, BY), {80: b"Ada", 116: b"CC BY 4.0"}, Copyright="CC BY 4.0")
    place = data.draw(st.integers(2, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.binary(min_size=1, max_size=8)) + whole[place + 4 :]
    home = tmp_path_factory.mktemp("damaged")
    assert look(home, damaged).__class__ in (Record, Skipped)
