"""DeviantArt, a gated source: the API finds, the page decides, a written permission lets in.

`api` asks, `page` and `deviations` read, `visit` brings the two together, `source` is the row of the table.
"""

from collectors.deviantart.api import DeviantArtRefused, NotDeviantArt
from collectors.deviantart.page import PageChanged, read_page
from collectors.deviantart.source import SOURCE, DeviantArtSettings, look_again, resolve, search

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
