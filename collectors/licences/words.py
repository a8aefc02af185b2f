"""What sources write about licences: addresses, short names, templates and categories → an SPDX expression.

Every function returns `None` for what it does not understand to the last word, so that "CC BY-NC with my
permission" or an address of a licence that was never published cannot pass as something freer.
"""

import html
import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

from collectors.licences.table import PD_BASES, PD_UNKNOWN_BASIS, TABLE, cc_id, cc_licence

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
        return _table_id(segments[1].removesuffix(".html"))
    return None


def _template(title: str) -> str | None:
    if not title.startswith("template:"):
        return None
    name = unquote(title.removeprefix("template:"))
    return "LicenseRef-Commons-Attribution" if name == "attribution" else from_category(name)


def _table_id(text: str) -> str | None:
    found = _BY_FOLDED_ID.get(text.casefold())
    if found:
        return found
    licence = cc_licence(text)
    return licence.id if licence else None


_BY_FOLDED_ID = {id.casefold(): id for id, row in TABLE.items() if id != "NOASSERTION"}

_TAGS = re.compile(r"<[^<>]*>")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | {"\u00a0": " ", "_": " "})
_BREAKS = re.compile(r"[\s\-]+")

_FIXED = {
    "public domain": PD_UNKNOWN_BASIS,
    "pd": PD_UNKNOWN_BASIS,
    "cc pd": "CC-PDDC",
    "attribution": "LicenseRef-Commons-Attribution",
    "no restrictions": "LicenseRef-Flickr-NKCR",
    "no known copyright restrictions": "LicenseRef-Flickr-NKCR",
    "united states government work": "LicenseRef-USGov",
    "copyrighted free use": "LicenseRef-Commons-Copyrighted-Free-Use",
    "fair use": "LicenseRef-NonFree",
    "non free": "LicenseRef-NonFree",
    "nonfree": "LicenseRef-NonFree",
    "all rights reserved": "LicenseRef-AllRightsReserved",
    "© all rights reserved": "LicenseRef-AllRightsReserved",
    "no license": "LicenseRef-AllRightsReserved",
    "fal": "LAL-1.3",
    "free art license": "LAL-1.3",
    "licence art libre": "LAL-1.3",
    "fal 1.3": "LAL-1.3",
    "free art license 1.3": "LAL-1.3",
}
"""Short names as Commons, Flickr and DeviantArt write them, lower case, hyphens as blanks."""

_CC0 = r"(?:cc ?0|cc zero|creative commons (?:cc ?0|zero))(?: 1\.0)?(?: universal)?"
_PATTERNS = {
    re.compile(rf"{_CC0}(?:,? public domain dedication)?|public domain dedication \(cc0\)"): "CC0-1.0",
    re.compile(r"(?:creative commons )?public domain mark(?: 1\.0)?"): "CC-PDM-1.0",
}
_LATER = r"(,? or (?:any )?later(?: versions?)?|\+)"
_GFDL = re.compile(
    rf"(?:gfdl|gnu fdl|gnu free documentation license)(?:,? (?:v|version )?(1\.[123]){_LATER}?)?"
)
_GPL = re.compile(r"(?:gnu )?gpl ?v?(2|3)(?:\.0)?( or later|\+)?")
_OGL = re.compile(r"(?:ogl|open government licen[cs]e)(?: uk)? ?v?([123])(?:\.0)?")


def from_text(text: str) -> str | None:
    """What a short name amounts to (`LicenseShortName`, `UsageTerms`, `License`, a hand-written credit).

    "GFDL" without a version is `GFDL-1.2-or-later`, as Commons' template says; a Creative Commons licence
    without a version is `None`, because nobody can link its terms.

    >>> from_text("CC BY-SA 3.0 igo"), from_text("cc-by-sa-2.5,2.0")
    ('CC-BY-SA-3.0-IGO', 'CC-BY-SA-2.5 OR CC-BY-SA-2.0')
    """
    plain = " ".join(_TAGS.sub(" ", html.unescape(text)).split()).strip(" .")
    if not plain or len(plain) > 300:
        return None
    if re.match(r"(?:https?:)?//\S+$", plain, re.IGNORECASE):
        return from_url(plain)
    return (
        _table_id(plain)
        or _short_name(plain)
        or _pd_basis(plain)
        or _with_parenthesis(plain)
        or _either(plain)
    )


def _short_name(text: str) -> str | None:
    name = _BREAKS.sub(" ", text.casefold().translate(_DASHES))
    if name in _FIXED:
        return _FIXED[name]
    for pattern, id in _PATTERNS.items():
        if pattern.fullmatch(name):
            return id
    if match := _GFDL.fullmatch(name):
        return f"GFDL-{match[1]}-{'or-later' if match[2] else 'only'}" if match[1] else "GFDL-1.2-or-later"
    if match := _GPL.fullmatch(name):
        return f"GPL-{match[1]}.0-{'or-later' if match[2] else 'only'}"
    if match := _OGL.fullmatch(name):
        return f"OGL-UK-{match[1]}.0"
    return _creative_commons_name(name)


def _with_parenthesis(text: str) -> str | None:
    """`Creative Commons Attribution 4.0 (CC BY 4.0)`: both say the same, or nothing is believed."""
    match = re.fullmatch(r"([^()]+?) ?\(([^()]+)\)", text)
    if not match:
        return None
    first, second = (_short_name(part) for part in match.groups())
    return first if first == second else None


def _either(text: str) -> str | None:
    """`GFDL or CC BY-SA 3.0`, in words or as an SPDX expression; each side must be understood."""
    sides = re.split(r"\s+or\s+(?!(?:any\s+)?later)", text, flags=re.IGNORECASE)
    if len(sides) < 2:
        return None
    read = [from_text(side) for side in sides]
    if any(side is None or " AND " in side for side in read):
        return None
    return _or(side for side in read if side)


def _or(expressions: Iterable[str]) -> str:
    return " OR ".join(dict.fromkeys(id for expression in expressions for id in expression.split(" OR ")))


_CC_PHRASES = (
    (re.compile(r"\bcreative commons\b"), "cc"),
    (re.compile(r"\bshare ?alike\b"), "sa"),
    (re.compile(r"\bnon ?commercial\b"), "nc"),
    (re.compile(r"\bno ?deriv(?:ative)?s?(?: works)?\b"), "nd"),
    (re.compile(r"\battribution\b"), "by"),
    (re.compile(r"\blicen[cs]e\b"), ""),
    (re.compile(r"\bintergovernmental organi[sz]ations?\b"), "igo"),
    (re.compile(r"\buk: england & wales\b"), "uk"),
    (re.compile(r"\bunited states\b"), "us"),
    (re.compile(r"\bgermany\b"), "de"),
    (re.compile(r"\baustria\b"), "at"),
    (re.compile(r"\baustralia\b"), "au"),
    (re.compile(r"\bnetherlands\b"), "nl"),
    (re.compile(r"\bfrance\b"), "fr"),
    (re.compile(r"\bjapan\b"), "jp"),
)
_MIGRATED = ("migrated with disclaimers", "migrated")
_UNPORTED = {(), ("generic",), ("unported",), ("international",), ("int",)}
_CODES = {
    frozenset(code.split("-")): code
    for code in ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd", "sa")
}
_VERSION = re.compile(r"v?(\d)(?:\.(\d))?(\+?)")
_NEWEST_FIRST = ("4.0", "3.0", "2.5", "2.0", "1.0")


def _creative_commons_name(name: str) -> str | None:
    """`cc by sa 3.0,2.5 de` and its spelt-out forms; every word must have its place."""
    for pattern, short in _CC_PHRASES:
        name = pattern.sub(short, name)
    for suffix in _MIGRATED:
        name = name.removesuffix(f" {suffix}")
    words = re.split(r"[\s,/]+", name.strip(" ,"))
    if words[0] != "cc":
        return None
    codes, words = _take(words[1:], lambda word: word in ("by", "nc", "nd", "sa"))
    versions, words = _take(words, lambda word: _VERSION.fullmatch(word) is not None)
    code = _CODES.get(frozenset(codes))
    if code is None or len(codes) != len(set(codes)) or not versions:
        return None
    if tuple(words) in _UNPORTED:
        port = None
    elif len(words) == 1:
        port = words[0]
    else:
        return None
    ids = [cc_id(code, version, port) for word in versions for version in _meant(word)]
    return _or(id for id in ids if id) if all(ids) else None


def _take(words: list[str], wanted: Callable[[str], bool]) -> tuple[list[str], list[str]]:
    count = next((place for place, word in enumerate(words) if not wanted(word)), len(words))
    return words[:count], words[count:]


def _meant(word: str) -> Iterable[str]:
    """`3` → 3.0; `2.0+` → 2.0 and all later versions."""
    match = _VERSION.fullmatch(word)
    assert match
    version = f"{match[1]}.{match[2] or 0}"
    if not match[3]:
        return (version,)
    return [later for later in _NEWEST_FIRST if later >= version]


_GOV = re.compile(r"pd usgov(?: ([a-z][a-z ]*))?")
_OLD = re.compile(r"pd (old|anon) (\d{2,3})(?: (?:expired|1923|1996|us|auto))*")
_WRAPPED = re.compile(r"pd (?:art|scan) ?\((pd.*)\)")
_BASES = {_BREAKS.sub(" ", basis.casefold()): f"LicenseRef-{basis.replace(' ', '-')}" for basis in PD_BASES}
_BASES |= {
    "pd nasa": "LicenseRef-PD-USGov-NASA",
    "pd noaa": "LicenseRef-PD-USGov-NOAA",
    "pd usgs": "LicenseRef-PD-USGov-USGS",
    "pd us government": "LicenseRef-PD-USGov",
    "pd usgov interior usgs": "LicenseRef-PD-USGov-USGS",
    "pd user": "LicenseRef-PD-author",
    "pd old auto": "LicenseRef-PD-old",
    "pd old auto expired": "LicenseRef-PD-old",
}


def _pd_basis(name: str) -> str | None:
    """The grounds a public-domain template names: those of the table, not any name that begins with PD."""
    folded = _BREAKS.sub(" ", name.casefold().translate(_DASHES)).strip()
    if wrapped := _WRAPPED.fullmatch(folded):
        return _pd_basis(wrapped[1]) or "LicenseRef-PD-Art"
    if folded in _BASES:
        return _BASES[folded]
    if old := _OLD.fullmatch(folded):
        return _BASES.get(f"pd {old[1]} {old[2]}")
    if agency := _GOV.fullmatch(folded):
        military = (agency[1] or "").startswith("military")
        return "LicenseRef-PD-USGov-Military" if military else "LicenseRef-PD-USGov"
    return None


_CATEGORIES = {
    "gfdl": "GFDL-1.2-or-later",
    "fal": "LAL-1.3",
    "free art license": "LAL-1.3",
    "flickr no known copyright restrictions": "LicenseRef-Flickr-NKCR",
    "cc pd mark": "CC-PDM-1.0",
    "copyrighted free use": "LicenseRef-Commons-Copyrighted-Free-Use",
    "attribution only license": "LicenseRef-Commons-Attribution",
    "files with no known copyright restrictions": "LicenseRef-Flickr-NKCR",
}


def from_category(name: str) -> str | None:
    """What a Commons category or template that stands for a licence amounts to, `None` for any other.

    >>> from_category("PD NASA"), from_category("CC-BY-SA-3.0"), from_category("Self-published work")
    ('LicenseRef-PD-USGov-NASA', 'CC-BY-SA-3.0', None)
    """
    bare = re.sub(r"^(?:category|template):", "", name.strip(), flags=re.IGNORECASE)
    folded = _BREAKS.sub(" ", bare.casefold().translate(_DASHES)).strip()
    if folded in _CATEGORIES:
        return _CATEGORIES[folded]
    if folded.startswith(("cc ", "cc0", "gfdl ")):
        return _short_name(bare)
    return _pd_basis(bare)


def from_categories(names: Iterable[str]) -> str | None:
    """What all the categories of one page say together, `None` where none of them is about a licence.

    Several licences on a page are a choice (OR). Public domain beside a licence is no choice: it holds for a
    part of the work, as in a photograph of an old painting, so both must be kept (AND).
    """
    found = dict.fromkeys(filter(None, map(from_category, names)))
    grounds = [id for id in found if id.startswith("LicenseRef-PD-")]
    if "CC-PDM-1.0" in found:
        found.pop("CC-PDM-1.0")  # Commons' PD templates set it too; alone it stands for itself
        grounds = grounds or ["CC-PDM-1.0"]
    licences = [id for id in found if id not in grounds]
    offered = _or(licences) if licences else ""
    if not grounds:
        return offered or None
    both = sorted(grounds)
    if offered:
        both.append(f"({offered})" if " " in offered else offered)
    return " AND ".join(both)
