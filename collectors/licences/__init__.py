"""One vocabulary for licences: what a source says → an SPDX expression, and what an expression allows.

Nothing is guessed: an address, text or category that is not understood to its last word gives `None`, and
an id that is not in the table gives no permission. `table` has the licences; `names`, `categories`,
`addresses` and `words` read what sources say; `expressions` works out what it amounts to.
"""

from collectors.licences.addresses import from_url
from collectors.licences.categories import from_categories, from_category
from collectors.licences.expressions import all_of, any_of, get, options, parts, strictness, together
from collectors.licences.table import FLICKR, PD_UNKNOWN_BASIS, TABLE, UNKNOWN, Licence
from collectors.licences.words import from_text

__all__ = [
    "PD_UNKNOWN_BASIS",
    "TABLE",
    "UNKNOWN",
    "Licence",
    "all_of",
    "any_of",
    "from_categories",
    "from_category",
    "from_flickr_id",
    "from_text",
    "from_url",
    "get",
    "options",
    "parts",
    "strictness",
    "together",
]


def from_flickr_id(id: int | str) -> str | None:
    """Flickr's licence number → the id, `None` for a number that was not known in 2025-06."""
    try:
        return FLICKR.get(int(id))
    except ValueError:
        return None
