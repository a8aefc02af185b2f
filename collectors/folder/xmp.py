"""XMP: the RDF packet inside an image file, read as properties; hostile XML is refused, not survived.

A packet may come from anybody. Whoever writes `<!DOCTYPE` wants entities or files of ours, which XMP never
needs, so it is refused at the first letter; size, depth and the number of elements are bounded.
https://developer.adobe.com/xmp/docs/XMPSpecifications/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn
from xml.parsers import expat

MOST_BYTES = 1 << 20
"""JPEG holds 64 kB in one segment; what is longer carries thumbnails and edit histories."""
MOST_ELEMENTS = 20_000
DEEPEST = 60

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LANG = "http://www.w3.org/XML/1998/namespace lang"
PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "http://purl.org/dc/elements/1.1/": "dc",
        "http://purl.org/dc/terms/": "dcterms",
        "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
        "http://ns.adobe.com/photoshop/1.0/": "photoshop",
        "http://ns.adobe.com/tiff/1.0/": "tiff",
        "http://ns.adobe.com/exif/1.0/": "exif",
        "http://creativecommons.org/ns#": "cc",
        "http://web.resource.org/cc/": "cc",
        "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
        "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
        "http://www.w3.org/ns/tdmrep/": "tdm",
        "http://www.w3.org/ns/tdmrep#": "tdm",
    }
)
"""The vocabularies that speak of rights, by their namespace; properties of others are passed over."""


class XmpBroken(Exception):
    """A packet that is not XML, or XML that nobody honest writes into a picture."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass
class _Element:
    name: str
    attributes: dict[str, str]
    children: list["_Element"] = field(default_factory=list)
    text: str = ""


def read(packet: bytes) -> dict[str, tuple[str, ...]]:
    """The top-level properties of a packet, `dc:rights` → its values; of languages the default comes first.

    Raises:
        XmpBroken: it is no well-formed XML, has a DOCTYPE, or exceeds a bound.
    """
    if len(packet) > MOST_BYTES:
        raise XmpBroken(f"{len(packet):,} bytes, more than {MOST_BYTES:,}")
    found: dict[str, list[str]] = {}
    for description in _descriptions(_tree(packet)):
        for name, value in description.attributes.items():
            if (known := _prefixed(name)) and value.strip():
                found.setdefault(known, []).append(value.strip())
        for child in description.children:
            if known := _prefixed(child.name):
                found.setdefault(known, []).extend(_values(child))
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items() if values}


def _tree(packet: bytes) -> _Element:
    """The elements of the packet under one root."""
    root = _Element("", {})
    stack, count = [root], 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: object) -> NoReturn:
        raise XmpBroken("it has a DOCTYPE, which XMP never needs")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS or len(stack) > DEEPEST:
            raise XmpBroken("too many elements, or nested too deeply")
        element = _Element(name, attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(_trimmed(packet), True)
    except expat.ExpatError as error:
        raise XmpBroken(f"not XML: {error}") from None
    except (ValueError, LookupError) as error:  # an encoding that does not exist
        raise XmpBroken(f"not XML that we read: {error}") from None
    return root


def _trimmed(packet: bytes) -> bytes:
    """Without the padding after the packet; in UTF-16 a zero byte belongs to a letter."""
    wide = packet[:2] in (b"\xfe\xff", b"\xff\xfe") or b"\0" in packet[:4]
    return packet if wide else packet.rstrip(b"\0")


def _descriptions(root: _Element) -> list[_Element]:
    """Every `rdf:Description` that stands directly in an `rdf:RDF`."""
    found: list[_Element] = []
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element.name == f"{_RDF} RDF":
            found += [one for one in element.children if one.name == f"{_RDF} Description"]
        else:
            waiting += reversed(element.children)
    return found


def _prefixed(name: str) -> str | None:
    """`http://purl.org/dc/elements/1.1/ rights` → `dc:rights`; `None` for other vocabularies."""
    namespace, _, local = name.rpartition(" ")
    prefix = PREFIXES.get(namespace)
    return f"{prefix}:{local}" if prefix else None


def _values(element: _Element) -> list[str]:
    """The values of one property: its text, its `rdf:resource`, or the items of its list."""
    if resource := element.attributes.get(f"{_RDF} resource", "").strip():
        return [resource]
    kinds = {f"{_RDF} {kind}" for kind in ("Alt", "Bag", "Seq")}
    lists = [child for child in element.children if child.name in kinds]
    if not lists:
        return [element.text.strip()] if element.text.strip() else []
    items = [item for one in lists for item in one.children if item.name == f"{_RDF} li"]
    items.sort(key=lambda item: item.attributes.get(_LANG) not in (None, "x-default"))
    return [value for item in items for value in _values(item)]
