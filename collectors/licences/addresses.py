"""Addresses of licences, as sources give them → an SPDX id.

`None` for whatever is not understood to its last segment: an address of a licence that was never published
must not pass as something freer.
"""

import re
from urllib.parse import unquote, urlsplit

from collectors.licences.categories import from_category
from collectors.licences.names import from_id
from collectors.licences.table import cc_id

_CC_HOSTS = ("creativecommons.org", "www.creativecommons.org")
_DEED = re.compile(r"(?:deed|legalcode)(?:\.[a-z]{2,3}(?:[-_][a-z]{2,4})?)?|rdf")
_FDL = re.compile(r"fdl-(1\.[123])(?:-standalone)?(?:\.[a-z]{2}(?:-[a-z]{2})?)?\.(?:html|txt)")
_GOVERNMENT = ("/government-copyright", "/government-works")


def from_url(url: str) -> str | None:
    """The licence an address is the deed of, `None` for any other address.

    Only whole path segments count: `…/licenses/by/5.0/` and `…/licenses/by-free/4.0/` are nobody's licence.
    Accepts http, https and `//`, `www.`, ports, `/deed.de`, `/legalcode`, a jurisdiction, any case.

    >>> from_url("//www.creativecommons.org/licenses/by-sa/3.0/igo/deed.en")
    'CC-BY-SA-3.0-IGO'
    """
    text = url.strip()
    if re.match(r"(?:www\.)?creativecommons\.org/", text, re.IGNORECASE):
        text = f"//{text}"
    try:
        address = urlsplit(text)
        host = (address.hostname or "").lower()
    except ValueError:
        return None
    if address.scheme not in ("http", "https", "") or not host:
        return None
    segments = [segment for segment in address.path.lower().split("/") if segment]
    if host in _CC_HOSTS:
        return _creative_commons(segments)
    return _elsewhere(host.removeprefix("www."), segments)


def _creative_commons(segments: list[str]) -> str | None:
    if segments and _DEED.fullmatch(segments[-1]):
        segments = segments[:-1]
    match segments:
        case ["publicdomain", "zero", "1.0"]:
            return "CC0-1.0"
        case ["publicdomain", "mark", "1.0"]:
            return "CC-PDM-1.0"
        case ["licenses", "publicdomain"] | ["publicdomain", "certification", "1.0", "us"]:
            return "CC-PDDC"
        case ["licenses", code, version]:
            return cc_id(code, version)
        case ["licenses", code, version, port]:
            return cc_id(code, version, port)
    return None


def _elsewhere(host: str, segments: list[str]) -> str | None:
    path = "/" + "/".join(segments)
    if host == "flickr.com" and path == "/commons/usage":
        return "LicenseRef-Flickr-NKCR"
    if host == "usa.gov" and path in _GOVERNMENT:
        return "LicenseRef-USGov"
    if host == "commons.wikimedia.org" and segments[:1] == ["wiki"] and len(segments) == 2:
        return _template(segments[1])
    if host == "gnu.org" and segments:
        if path in ("/copyleft/fdl.html", "/licenses/fdl.html", "/licenses/fdl"):
            return "GFDL-1.2-or-later"
        version = _FDL.fullmatch(segments[-1])
        return f"GFDL-{version[1]}-only" if version else None
    if host == "artlibre.org" and segments[:2] == ["licence", "lal"]:
        return {"": "LAL-1.3", "en": "LAL-1.3", "licence-art-libre-12": "LAL-1.2"}.get("/".join(segments[2:]))
    if host == "nationalarchives.gov.uk" and segments[:3] == ["doc", "open-government-licence", "version"]:
        return {"1": "OGL-UK-1.0", "2": "OGL-UK-2.0", "3": "OGL-UK-3.0"}.get("/".join(segments[3:]))
    if host == "spdx.org" and segments[:1] == ["licenses"] and len(segments) == 2:
        return from_id(segments[1].removesuffix(".html"))
    return None


def _template(title: str) -> str | None:
    if not title.startswith("template:"):
        return None
    name = unquote(title.removeprefix("template:"))
    return "LicenseRef-Commons-Attribution" if name == "attribution" else from_category(name)
