"""Categories and templates of a wiki that stand for licences → an SPDX expression."""

import re
from collections.abc import Iterable

from collectors.licences.names import BREAKS, DASHES, choice, pd_basis, short_name

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
    folded = BREAKS.sub(" ", bare.casefold().translate(DASHES)).strip()
    if folded in _CATEGORIES:
        return _CATEGORIES[folded]
    if folded.startswith(("cc ", "cc0", "gfdl ")):
        return short_name(bare)
    return pd_basis(bare)


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
    offered = choice(licences) if licences else ""
    if not grounds:
        return offered or None
    both = sorted(grounds)
    if offered:
        both.append(f"({offered})" if " " in offered else offered)
    return " AND ".join(both)
