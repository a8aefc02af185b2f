"""Wikimedia Commons, or any MediaWiki.

`search`, `again` and `mediawiki` ask; `pages`, `page_rights` and `statements` read what came, offline.
"""

from collectors.commons.again import AnotherWiki, look_again, resolve
from collectors.commons.mediawiki import NotAWiki, WikiRefused
from collectors.commons.pages import parse
from collectors.commons.search import CategoryMissing, search
from collectors.commons.settings import CommonsSettings, bare, paces
from collectors.source import Source

__all__ = [
    "SOURCE",
    "AnotherWiki",
    "CategoryMissing",
    "CommonsSettings",
    "NotAWiki",
    "WikiRefused",
    "bare",
    "look_again",
    "resolve",
    "search",
]

SOURCE = Source(
    name="commons",
    title="Wikimedia Commons",
    settings=CommonsSettings,
    search=search,
    parse=parse,
    terms="https://commons.wikimedia.org/wiki/Commons:Reusing_content_outside_Wikimedia",
    paces=paces,
    look_again=look_again,
    resolve=resolve,
)
