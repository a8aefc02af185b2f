"""DeviantArt, a gated source: the API finds, the page decides, a written permission lets in.

`search`, `again` and `api` ask, `page` and `deviations` read, `visit` brings the two together.
"""

from collectors.deviantart.again import look_again, resolve
from collectors.deviantart.api import KEYS, DeviantArtRefused, NotDeviantArt
from collectors.deviantart.deviations import parse
from collectors.deviantart.page import PageChanged, read_page
from collectors.deviantart.search import search
from collectors.deviantart.settings import DeviantArtSettings, beside, paces
from collectors.source import Source

__all__ = [
    "SOURCE",
    "DeviantArtRefused",
    "DeviantArtSettings",
    "NotDeviantArt",
    "PageChanged",
    "look_again",
    "read_page",
    "resolve",
    "search",
]

SOURCE = Source(
    name="deviantart",
    title="DeviantArt",
    settings=DeviantArtSettings,
    search=search,
    parse=parse,
    terms="https://www.deviantart.com/about/policy/service/",
    keys=KEYS,
    paces=paces,
    look_again=look_again,
    resolve=resolve,
    expires=True,
    beside=beside,
)
