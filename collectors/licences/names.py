"""Short names of licences and of grounds for the public domain, as sources write them → an SPDX id.

`None` for whatever is not understood to its last word, so that "CC BY-NC with my permission" cannot pass as
something freer.
"""

import re
from collections.abc import Callable, Iterable

from collectors.licences.table import PD_BASES, PD_UNKNOWN_BASIS, TABLE, cc_id, cc_licence


def from_id(text: str) -> str | None:
    """An id of the table, or one that Creative Commons' scheme gives, in any case."""
    found = _BY_FOLDED_ID.get(text.casefold())
    if found:
        return found
    licence = cc_licence(text)
    return licence.id if licence else None


_BY_FOLDED_ID = {id.casefold(): id for id, row in TABLE.items() if id != "NOASSERTION"}

DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | {"\u00a0": " ", "_": " "})
BREAKS = re.compile(r"[\s\-]+")

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


def short_name(text: str) -> str | None:
    """The licence a short name of Commons, Flickr or DeviantArt stands for."""
    name = BREAKS.sub(" ", text.casefold().translate(DASHES))
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
    return choice(id for id in ids if id) if all(ids) else None


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
_BASES = {BREAKS.sub(" ", basis.casefold()): f"LicenseRef-{basis.replace(' ', '-')}" for basis in PD_BASES}
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


def pd_basis(name: str) -> str | None:
    """The grounds a public-domain template names: those of the table, not any name that begins with PD."""
    folded = BREAKS.sub(" ", name.casefold().translate(DASHES)).strip()
    if wrapped := _WRAPPED.fullmatch(folded):
        return pd_basis(wrapped[1]) or "LicenseRef-PD-Art"
    if folded in _BASES:
        return _BASES[folded]
    if old := _OLD.fullmatch(folded):
        return _BASES.get(f"pd {old[1]} {old[2]}")
    if agency := _GOV.fullmatch(folded):
        military = (agency[1] or "").startswith("military")
        return "LicenseRef-PD-USGov-Military" if military else "LicenseRef-PD-USGov"
    return None


def choice(expressions: Iterable[str]) -> str:
    """One expression that offers each of these, in their order."""
    return " OR ".join(dict.fromkeys(id for expression in expressions for id in expression.split(" OR ")))
