"""What an image file says of its own rights: XMP, IPTC and EXIF fields → a credit, claims, an opt-out.

Photographers write these fields themselves, so they are worth hearing; but they are free text, and a word of
restriction in any of them counts. A rights text is believed only when every part of it is understood.
https://www.iptc.org/std/photometadata/specification/IPTC-PhotoMetadata
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from struct import error as StructError

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin, UnidentifiedImageError

from collectors import licences
from collectors.folder import xmp
from collectors.folder.sidecar import Credit, usable
from collectors.formats import FORMATS
from collectors.frozen import Frozen
from collectors.record import Ai
from collectors.rights import Claim, Confidence

LONGEST = 2000
MOST_VALUES = 200
UNREAD = "XMP packet"
"""The field under which a packet that could not be read is kept."""

_IPTC = {5: "title", 25: "keyword", 40: "instructions", 80: "creator", 110: "credit", 115: "source"}
_IPTC |= {116: "copyright notice", 120: "caption", 55: "date created"}
_EXIF = {
    ExifTags.Base.Artist: "Artist",
    ExifTags.Base.Copyright: "Copyright",
    ExifTags.Base.ImageDescription: "ImageDescription",
}

CREATOR = ("XMP cc:attributionName", "XMP dc:creator", "IPTC 2:80 creator", "EXIF Artist")
CREDIT = ("XMP photoshop:Credit", "IPTC 2:110 credit", "XMP photoshop:Source", "IPTC 2:115 source")
TITLE = ("XMP dc:title", "XMP photoshop:Headline", "IPTC 2:5 title")
DESCRIPTION = ("XMP dc:description", "IPTC 2:120 caption", "EXIF ImageDescription")
PAGE = ("XMP cc:attributionURL", "XMP dc:source", "XMP xmpRights:WebStatement")
TAKEN = ("XMP photoshop:DateCreated", "XMP exif:DateTimeOriginal", "IPTC 2:55 date created")
KEYWORDS = ("XMP dc:subject", "IPTC 2:25 keyword")

LICENCE = ("XMP cc:license", "XMP dcterms:license")
"""Fields that name a licence and nothing else: what is not understood there permits nothing."""
STATEMENT = "XMP xmpRights:WebStatement"
"""An address where terms stand, which may be any page."""
RIGHTS = (
    "XMP dc:rights",
    "XMP xmpRights:UsageTerms",
    "XMP dcterms:rights",
    "XMP tiff:Copyright",
    "IPTC 2:116 copyright notice",
    "EXIF Copyright",
)
INSTRUCTIONS = ("XMP photoshop:Instructions", "IPTC 2:40 instructions")
MINING, RESERVED, MADE_BY = "XMP plus:DataMining", "XMP tdm:reservation", "XMP Iptc4xmpExt:DigitalSourceType"
SPOKEN = (*LICENCE, STATEMENT, *RIGHTS, *INSTRUCTIONS, MINING, RESERVED, MADE_BY, UNREAD)
"""Every field that has something to say of what may be done with the image."""

_FREE_MINING = ("DMI-ALLOWED", "DMI-UNSPECIFIED")
_GENERATED = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
_NAMING = re.compile(
    r"^(?:this|the) (?:work|image|photo(?:graph)?|picture|file) is licen[cs]ed (?:to the public )?under "
    r"(?:an? |the )?",
    re.IGNORECASE,
)
_NOTICE = re.compile(r"©|\(c\)|\bcopyright\b|\bcopr\b\.?", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"')]+")
_RESTRICTS = re.compile(
    r"\b(?:no|not|never|only|without|prior|prohibit\w*|forbid\w*|permission|restrict\w*|reserved)\b",
    re.IGNORECASE,
)


class Said(Frozen):
    """One field of the file with one of its values, shortened to 2,000 characters."""

    field: str
    """The standard and the field's name there: `XMP dc:rights`, `IPTC 2:116 copyright notice`."""
    value: str


def read(path: Path) -> tuple[Said, ...]:
    """Every field of the file that we know, in a fixed order; nothing is decoded.

    A file that is no image says nothing. An XMP packet that cannot be read is kept as such: an opt-out may
    stand in it. Raises `OSError` where the file cannot be read.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            said = [*_from_xmp(image), *_from_iptc(image), *_from_exif(image)]
    except (UnidentifiedImageError, Image.DecompressionBombError, EOFError, SyntaxError, ValueError):
        return ()
    unique = dict.fromkeys((field, value.strip()[:LONGEST]) for field, value in said if value.strip())
    return tuple(Said(field=field, value=value) for field, value in list(unique)[:MOST_VALUES])


def speaks_of_rights(said: Iterable[Said]) -> bool:
    """Whether the file says anything at all about what may be done with it."""
    return any(one.field in SPOKEN for one in said)


def credit(file: str, said: Iterable[Said]) -> Credit:
    """What the fields amount to as a line of a sidecar; values that no sidecar may hold are left out."""
    values = _by_field(said)

    def said_in(fields: Iterable[str]) -> list[str]:
        return [value for field in fields for value in values.get(field, ())]

    creators = next((values[field] for field in CREATOR if field in values), ())
    rights = _licence_field(values)
    return usable(
        {
            "file": file,
            "title": _first(values, TITLE),
            "page": next((one for one in said_in(PAGE) if one.startswith(("http://", "https://"))), None),
            "creator": ", ".join(creators) or _first(values, CREDIT),
            "licence": values[rights][0] if rights else None,
            "how_known": f"embedded {' field '.join(rights.split(' ', 1))}" if rights else None,
            "taken": _date(_first(values, TAKEN)),
            "description": _first(values, DESCRIPTION) or "",
            "categories": next((values[field] for field in KEYWORDS if field in values), ()),
        }
    )


def claims(said: Iterable[Said]) -> list[Claim]:
    """What each rights field amounts to; words that are not understood claim that nothing is permitted.

    A licence's address is a statement, words are an inference. A mere notice, "© 2020 Ada Lane", claims
    nothing; a web statement is any page unless it is a licence's own.
    """
    values = _by_field(said)
    names = _words(" ".join(value for field in (*CREATOR, *CREDIT) for value in values.get(field, ())))
    found: list[Claim] = []
    for field in LICENCE:
        for value in values.get(field, ()):
            read = licences.from_url(value) or licences.from_text(value) or licences.UNKNOWN
            found.append(_claim(read, field, Confidence.STATED))
    for value in values.get(STATEMENT, ()):
        if read_url := licences.from_url(value):
            found.append(_claim(read_url, STATEMENT, Confidence.STATED))
    for field in RIGHTS:
        for value in values.get(field, ()):
            if (read_text := rights_text(value, names)) is not None:
                found.append(_claim(read_text, field, Confidence.INFERRED))
    for field in INSTRUCTIONS:
        if any(_RESTRICTS.search(value) for value in values.get(field, ())):
            found.append(_claim(licences.UNKNOWN, field, Confidence.INFERRED))
    if UNREAD in values:
        found.append(_claim(licences.UNKNOWN, UNREAD, Confidence.INFERRED))
    return found


def rights_text(text: str, names: frozenset[str] = frozenset()) -> str | None:
    """The expression a rights text amounts to: `None` for a mere notice, `NOASSERTION` for unclear words.

    `names` are the words of the creator and the credit, lower case, which a notice may hold. Every part of
    the text must be a notice or a licence; of several licences all hold at once.

    >>> rights_text("© 2020 Ada Lane. CC BY 4.0", frozenset({"ada", "lane"}))
    'CC-BY-4.0'
    """
    whole = licences.from_text(_NAMING.sub("", text.strip()))
    if whole:
        return whole
    found = [licences.from_url(url.rstrip(".,;")) or licences.UNKNOWN for url in _ADDRESS.findall(text)]
    for part in re.split(r"[;,\n|]|\.(?:\s|$)|\s[/–—-]\s|[()]", _ADDRESS.sub(" ", _NOTICE.sub("©", text))):
        words = part.strip(" .:<>")
        if not words or _is_notice(words, names):
            continue
        found.append(licences.from_text(_NAMING.sub("", words)) or licences.UNKNOWN)
    if licences.UNKNOWN in found:
        return licences.UNKNOWN
    return licences.all_of(found) if found else None


def restrictions(said: Iterable[Said]) -> tuple[str, ...]:
    """Special instructions, which a person should read."""
    return tuple(f"instructions: {one.value[:200]}" for one in said if one.field in INSTRUCTIONS)


def ai(said: Iterable[Said]) -> Ai:
    """The file's own word on data mining, and whether a generator made it.

    PLUS has one value that allows mining and one that leaves it open; every other one, unknown ones too, is
    an opt-out. http://ns.useplus.org/LDF/ldf-XMPSpecification#DataMining
    """
    values = _by_field(said)
    mining = [value.rstrip("/").rpartition("/")[2].strip() for value in values.get(MINING, ())]
    reserved = [value for value in values.get(RESERVED, ()) if value.strip() not in ("0", "false", "False")]
    made_by = [value.rpartition("/")[2] for value in values.get(MADE_BY, ())]
    out = bool(reserved) or any(value not in _FREE_MINING for value in mining)
    allowed = "DMI-ALLOWED" in mining and not out
    generated = any(value in _GENERATED for value in made_by)
    signals = [f"{MINING} = {value}" for value in mining] + [f"{RESERVED} = {value}" for value in reserved]
    signals += [f"{MADE_BY} = {value}" for value in made_by if value in _GENERATED]
    return Ai(
        opted_out=True if out else False if allowed else None,
        generated=True if generated else None,
        signals=tuple(signals),
    )


def _is_notice(words: str, names: frozenset[str]) -> bool:
    """`© 2019–2020 Ada Lane`, `Ada Lane`, `2020`: a notice or the name alone, no word of anything else."""
    left = _words(_NOTICE.sub(" ", words))
    return all(word in names or word in ("by", "and") or word.isdecimal() for word in left)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _claim(expression: str, field: str, confidence: Confidence) -> Claim:
    return Claim(expression=expression, confidence=confidence, channel=f"{field} in the file")


def _by_field(said: Iterable[Said]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for one in said:
        values[one.field] = (*values.get(one.field, ()), one.value)
    return values


def _first(values: Mapping[str, tuple[str, ...]], fields: Iterable[str]) -> str | None:
    return next((values[field][0] for field in fields if field in values), None)


def _licence_field(values: Mapping[str, tuple[str, ...]]) -> str | None:
    return next((field for field in (*LICENCE, STATEMENT, *RIGHTS) if field in values), None)


def _date(text: str | None) -> str | None:
    """`2011-03-17`, `2011:03:17 20:00:00`, `20110317` → `2011-03-17`."""
    match = re.match(r"(\d{4})(?:[:-]?(\d\d)(?:[:-]?(\d\d))?)?", text or "")
    return "-".join(part for part in match.groups() if part) if match else None


def _from_xmp(image: Image.Image) -> Iterator[tuple[str, str]]:
    packet = image.info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or not packet.strip(b"\0 \n\r\t"):
        return
    try:
        properties = xmp.read(packet)
    except xmp.XmpBroken as error:
        yield UNREAD, f"could not be read: {error.problem}"
        return
    for name, values in sorted(properties.items()):
        yield from ((f"XMP {name}", value) for value in values)


def _from_iptc(image: Image.Image) -> Iterator[tuple[str, str]]:
    try:
        found = IptcImagePlugin.getiptcinfo(image) if isinstance(image, ImageFile.ImageFile) else None
    except (SyntaxError, OSError, ValueError, TypeError, StructError):
        return
    for number, name in _IPTC.items():
        values = (found or {}).get((2, number), [])
        for value in values if isinstance(values, list) else [values]:
            yield f"IPTC 2:{number} {name}", _text(value)


def _from_exif(image: Image.Image) -> Iterator[tuple[str, str]]:
    try:
        exif = image.getexif()
        found = {name: exif.get(tag) for tag, name in _EXIF.items()}
    except (SyntaxError, OSError, ValueError, TypeError, KeyError, StructError, OverflowError):
        return
    for name, value in found.items():
        if isinstance(value, str | bytes):
            yield f"EXIF {name}", (value if isinstance(value, str) else _text(value)).replace("\0", "; ")


def _text(value: bytes) -> str:
    """IPTC text is UTF-8 where its writer was careful, else Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
