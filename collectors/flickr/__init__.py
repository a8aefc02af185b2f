"""Flickr, through its official API.

`search`, `again` and `api` ask; `photos` and `photo_rights` read what came, offline.
"""

from collectors.flickr.again import look_again, resolve
from collectors.flickr.api import KEYS, FlickrRefused, NotFlickr
from collectors.flickr.photos import NoPhoto, parse
from collectors.flickr.search import search
from collectors.flickr.settings import FlickrSettings, paces
from collectors.source import Source

__all__ = [
    "SOURCE",
    "FlickrRefused",
    "FlickrSettings",
    "NoPhoto",
    "NotFlickr",
    "look_again",
    "resolve",
    "search",
]

SOURCE = Source(
    name="flickr",
    title="Flickr",
    settings=FlickrSettings,
    search=search,
    parse=parse,
    terms="https://www.flickr.com/help/terms/api",
    keys=KEYS,
    paces=paces,
    look_again=look_again,
    resolve=resolve,
    notice="This product uses the Flickr API but is not endorsed or certified by SmugMug, Inc.",
)
