"""What sources and people write about licences, in any of these forms → an SPDX expression.

`None` for whatever is not understood to its last word, so that "CC BY-NC with my permission" cannot pass as
something freer.
"""

import html
import re

from collectors.licences.addresses import from_url
from collectors.licences.names import choice, from_id, pd_basis, short_name

_TAGS = re.compile(r"<[^<>]*>")


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
        from_id(plain) or short_name(plain) or pd_basis(plain) or _with_parenthesis(plain) or _either(plain)
    )


def _with_parenthesis(text: str) -> str | None:
    """`Creative Commons Attribution 4.0 (CC BY 4.0)`: both say the same, or nothing is believed."""
    match = re.fullmatch(r"([^()]+?) ?\(([^()]+)\)", text)
    if not match:
        return None
    first, second = (short_name(part) for part in match.groups())
    return first if first == second else None


def _either(text: str) -> str | None:
    """`GFDL or CC BY-SA 3.0`, in words or as an SPDX expression; each side must be understood."""
    sides = re.split(r"\s+or\s+(?!(?:any\s+)?later)", text, flags=re.IGNORECASE)
    if len(sides) < 2:
        return None
    read = [from_text(side) for side in sides]
    if any(side is None or " AND " in side for side in read):
        return None
    return choice(side for side in read if side)
