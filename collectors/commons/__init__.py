"""Wikimedia Commons, or any MediaWiki.

`search` and `mediawiki` ask; `pages`, `page_rights`, `statements` and `prose` read what came, offline.
"""

from collectors.commons.mediawiki import NotAWiki, WikiRefused
from collectors.commons.search import SOURCE, CategoryMissing, CommonsSettings, bare, search

__all__ = ["SOURCE", "CategoryMissing", "CommonsSettings", "NotAWiki", "WikiRefused", "bare", "search"]
