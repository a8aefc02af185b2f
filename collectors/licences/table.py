"""The licences this project knows: ids, names, addresses, and what each allows.

Ids are SPDX ids (https://spdx.org/licenses/) where SPDX has one, else `LicenseRef-…` of our own.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from collectors.frozen import Frozen
from collectors.rights import LicenceClass as Class

UNKNOWN = "NOASSERTION"
"""The id of "nothing is stated, or nothing that we can read"."""
PD_UNKNOWN_BASIS = "LicenseRef-PD-unknown-basis"


class Licence(Frozen):
    """One licence, and what it asks and allows; `None` in the four permissions means "not known"."""

    id: str
    name: str
    """What a person calls it: `CC BY-SA 4.0`."""
    url: str | None
    """Where its terms, or the grounds of the claim, can be read."""
    cls: Class
    attribution: bool | None
    """The author must be named."""
    share_alike: bool | None
    """What is made from it must carry the same licence."""
    commercial: bool | None
    """Commercial use is allowed."""
    derivatives: bool | None
    """Changed copies, a crop for one, may be published."""


_SPDX_PORTED = """
CC-BY-2.5-AU CC-BY-3.0-AT CC-BY-3.0-AU CC-BY-3.0-DE CC-BY-3.0-IGO CC-BY-3.0-NL CC-BY-3.0-US CC-BY-NC-3.0-DE
CC-BY-NC-ND-3.0-DE CC-BY-NC-ND-3.0-IGO CC-BY-NC-SA-2.0-DE CC-BY-NC-SA-2.0-FR CC-BY-NC-SA-2.0-UK
CC-BY-NC-SA-3.0-DE CC-BY-NC-SA-3.0-IGO CC-BY-ND-3.0-DE CC-BY-SA-2.0-UK CC-BY-SA-2.1-JP CC-BY-SA-3.0-AT
CC-BY-SA-3.0-DE CC-BY-SA-3.0-IGO
"""
_PORTS = """
am ar at au az be bg br ca ch cl cn co cr cz de dk ec ee eg es fi fr ge gr gt hk hr hu ie igo il in it jp kr
lu mk mt mx my nl no nz pe ph pl pr pt ro rs scotland se sg si th tw ua ug uk us ve vn za
"""
SPDX_PORTED = frozenset(_SPDX_PORTED.split())
"""The ported licences that SPDX lists (it lists all that are not ported); a test compares the two."""
CC_CODES = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
CC_VERSIONS = ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")
CC_PORTS = frozenset(_PORTS.split())
"""Jurisdictions that versions 1.0 to 3.0 were ported to, by the segment in their addresses."""
_CC_ID = re.compile(r"(?:LicenseRef-)?CC-(BY(?:-NC)?(?:-SA|-ND)?|SA)-(\d\.\d)(?:-([A-Z]+))?")


def cc_id(code: str, version: str, port: str | None = None) -> str | None:
    """The id of a Creative Commons licence, or `None` where Creative Commons never published it.

    >>> cc_id("by-sa", "3.0", "igo"), cc_id("by-sa", "2.5", "ca"), cc_id("by", "5.0")
    ('CC-BY-SA-3.0-IGO', 'LicenseRef-CC-BY-SA-2.5-CA', None)
    """
    code = {"by-nd-nc": "by-nc-nd"}.get(code, code)  # the order of 1.0
    if version not in CC_VERSIONS or (code not in CC_CODES and (code, version, port) != ("sa", "1.0", None)):
        return None
    ported_only, never_ported = version == "2.1", version == "4.0"
    if (port is None and ported_only) or (port is not None and (never_ported or port not in CC_PORTS)):
        return None
    if port == "igo" and version != "3.0":
        return None
    id = "-".join(part.upper() for part in ("CC", code, version, port) if part)
    return id if port is None or id in SPDX_PORTED else f"LicenseRef-{id}"


def cc_licence(id: str) -> Licence | None:
    """What a Creative Commons id stands for, ported ones included; `None` for any other id."""
    match = _CC_ID.fullmatch(id)
    if not match:
        return None
    code, version, port = match[1].lower(), match[2], match[3] and match[3].lower()
    if cc_id(code, version, port) != id:
        return None
    parts = code.split("-")
    return Licence(
        id=id,
        name=" ".join(filter(None, ("CC", code.upper(), version, port and port.upper()))),
        url="/".join(filter(None, ("https://creativecommons.org/licenses", code, version, port))) + "/",
        cls=Class.ND
        if "nd" in parts
        else Class.NC
        if "nc" in parts
        else Class.SA
        if "sa" in parts
        else Class.BY,
        attribution="by" in parts,
        share_alike="sa" in parts,
        commercial="nc" not in parts,
        derivatives="nd" not in parts,
    )


def _free(id: str, name: str, url: str | None, cls: Class, *, attribution: bool = False) -> Licence:
    copyleft = cls in (Class.SA, Class.COPYLEFT)
    return Licence(
        id=id,
        name=name,
        url=url,
        cls=cls,
        attribution=attribution,
        share_alike=copyleft,
        commercial=True,
        derivatives=True,
    )


def _closed(id: str, name: str, url: str | None = None) -> Licence:
    return Licence(
        id=id,
        name=name,
        url=url,
        cls=Class.CLOSED,
        attribution=None,
        share_alike=None,
        commercial=False,
        derivatives=False,
    )


def unknown(id: str = UNKNOWN, name: str = "unknown") -> Licence:
    """A licence of which nothing is known: no permission follows from it."""
    return Licence(
        id=id,
        name=name,
        url=None,
        cls=Class.UNKNOWN,
        attribution=None,
        share_alike=None,
        commercial=None,
        derivatives=None,
    )


_TEMPLATE = "https://commons.wikimedia.org/wiki/Template:"
PD_BASES: Mapping[str, str] = MappingProxyType(
    {
        "PD-self": "released by its uploader",
        "PD-author": "released by its author",
        "PD-ineligible": "too simple for copyright",
        "PD-Art": "faithful copy of a work in the public domain",
        "PD-old": "its author died long ago",
        "PD-old-50": "its author died more than 50 years ago",
        "PD-old-60": "its author died more than 60 years ago",
        "PD-old-70": "its author died more than 70 years ago",
        "PD-old-75": "its author died more than 75 years ago",
        "PD-old-80": "its author died more than 80 years ago",
        "PD-old-90": "its author died more than 90 years ago",
        "PD-old-95": "its author died more than 95 years ago",
        "PD-old-100": "its author died more than 100 years ago",
        "PD-anon-70": "published anonymously more than 70 years ago",
        "PD-US-expired": "its copyright in the United States has expired",
        "PD-US-no notice": "published in the United States without a copyright notice",
        "PD-US-not renewed": "its copyright in the United States was not renewed",
        "PD-Hubble": "NASA/STScI Hubble",
        "PD-USGov": "work of the United States government",
        "PD-USGov-DOE": "work of the US Department of Energy",
        "PD-USGov-Military": "work of the US military",
        "PD-USGov-NASA": "work of NASA",
        "PD-USGov-NOAA": "work of NOAA",
        "PD-USGov-NSF": "work of the US National Science Foundation",
        "PD-USGov-USGS": "work of the US Geological Survey",
    }
)
"""Grounds on which a work is in the public domain, by the Commons template that states them."""

_GNU = "https://www.gnu.org/licenses"


def _public_domain() -> Iterator[Licence]:
    cc = "https://creativecommons.org"
    yield _free("CC0-1.0", "CC0 1.0", f"{cc}/publicdomain/zero/1.0/", Class.PD)
    yield _free("CC-PDM-1.0", "Public Domain Mark 1.0", f"{cc}/publicdomain/mark/1.0/", Class.PD_CLAIM)
    yield _free("CC-PDDC", "CC Public Domain Dedication", f"{cc}/licenses/publicdomain/", Class.PD)
    yield _free(PD_UNKNOWN_BASIS, "Public domain", None, Class.PD)
    for template, words in PD_BASES.items():
        id, url = f"LicenseRef-{template.replace(' ', '-')}", f"{_TEMPLATE}{template.replace(' ', '_')}"
        # The tag PD-Hubble itself makes it a condition that NASA, STScI or ESA is named.
        yield _free(id, f"Public domain: {words}", url, Class.PD, attribution=template == "PD-Hubble")
    usa = "https://www.usa.gov/government-copyright"
    yield _free("LicenseRef-USGov", "United States government work", usa, Class.PD)
    guide = "https://www.nasa.gov/nasa-brand-center/images-and-media/"
    yield _free(
        "LicenseRef-NASA-Media-Guidelines", "NASA media guidelines", guide, Class.PD_CLAIM, attribution=True
    )
    nkcr = "https://www.flickr.com/commons/usage/"
    yield _free("LicenseRef-Flickr-NKCR", "No known copyright restrictions", nkcr, Class.NKCR)


def _attribution() -> Iterator[Licence]:
    def by(id: str, name: str, url: str) -> Licence:
        return _free(id, name, url, Class.BY, attribution=True)

    uk = "https://www.nationalarchives.gov.uk/doc/open-government-licence"
    yield by("LicenseRef-Commons-Attribution", "Attribution", f"{_TEMPLATE}Attribution")
    yield by("JPL-image", "JPL image use policy", "https://www.jpl.nasa.gov/jpl-image-use-policy")
    for version in (1, 2, 3):
        yield by(
            f"OGL-UK-{version}.0", f"Open Government Licence {version}.0 (UK)", f"{uk}/version/{version}/"
        )
    yield by("MIT", "MIT License", "https://opensource.org/license/mit")
    yield by("Apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0")
    yield by("BSD-3-Clause", "BSD 3-Clause License", "https://opensource.org/license/bsd-3-clause")


def _copyleft() -> Iterator[Licence]:
    def copyleft(id: str, name: str, url: str) -> Licence:
        return _free(id, name, url, Class.COPYLEFT, attribution=True)

    for version in ("1.1", "1.2", "1.3"):
        url = f"{_GNU}/{'' if version == '1.3' else 'old-licenses/'}fdl-{version}.html"
        yield copyleft(f"GFDL-{version}-only", f"GFDL {version}", url)
        yield copyleft(f"GFDL-{version}-or-later", f"GFDL {version} or later", url)
    for version in ("2.0", "3.0"):
        url = f"{_GNU}/{'' if version == '3.0' else 'old-licenses/'}gpl-{version}.html"
        yield copyleft(f"GPL-{version}-only", f"GPL {version}", url)
        yield copyleft(f"GPL-{version}-or-later", f"GPL {version} or later", url)
    yield copyleft(
        "LAL-1.2", "Free Art License 1.2", "https://artlibre.org/licence/lal/licence-art-libre-12/"
    )
    yield copyleft("LAL-1.3", "Free Art License 1.3", "https://artlibre.org/licence/lal/en/")


def _others() -> Iterator[Licence]:
    free_use = "LicenseRef-Commons-Copyrighted-Free-Use"
    yield _free(free_use, "Copyrighted, free use", f"{_TEMPLATE}Copyrighted_free_use", Class.CUSTOM)
    yield _closed("LicenseRef-NonFree", "Not free (fair use only)")
    yield _closed("LicenseRef-AllRightsReserved", "All rights reserved")
    guide = "https://www.nasa.gov/nasa-brand-center/images-and-media/"
    yield _closed("LicenseRef-NASA-Third-Party", "Third-party material shown by NASA", guide)
    yield unknown()


def _table() -> dict[str, Licence]:
    unported = (cc_id(code, version) for code in (*CC_CODES, "sa") for version in CC_VERSIONS)
    rows = [cc for cc in map(cc_licence, filter(None, (*unported, *SPDX_PORTED))) if cc]
    rows += [*_public_domain(), *_attribution(), *_copyleft(), *_others()]
    order = list(Class)
    return {row.id: row for row in sorted(rows, key=lambda row: (order.index(row.cls), row.id))}


TABLE: Mapping[str, Licence] = MappingProxyType(_table())
"""Every licence by its id, the freest class first."""

FLICKR: Mapping[int, str] = MappingProxyType(
    {
        0: "LicenseRef-AllRightsReserved",
        1: "CC-BY-NC-SA-2.0",
        2: "CC-BY-NC-2.0",
        3: "CC-BY-NC-ND-2.0",
        4: "CC-BY-2.0",
        5: "CC-BY-SA-2.0",
        6: "CC-BY-ND-2.0",
        7: "LicenseRef-Flickr-NKCR",
        8: "LicenseRef-USGov",
        9: "CC0-1.0",
        10: "CC-PDM-1.0",
        11: "CC-BY-4.0",
        12: "CC-BY-SA-4.0",
        13: "CC-BY-ND-4.0",
        14: "CC-BY-NC-4.0",
        15: "CC-BY-NC-SA-4.0",
        16: "CC-BY-NC-ND-4.0",
    }
)
"""`flickr.photos.licenses.getInfo` as recorded in 2025-06."""
