"""HTML that people wrote into description fields, as plain text and as the name of an author."""

import re
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from collectors.record import Creator

LONGEST = 1000
"""Characters of a description that are kept."""

_BLOCKS = [
    "br",
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "dl",
    "dd",
    "dt",
    "tr",
    "table",
    "td",
    "th",
    "h1",
    "h2",
    "h3",
    "h4",
]
_MARK = "\x1f"
_UNSEEN = ["style", "script", "template", "noscript"]
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NOBODY = re.compile(
    r"((unknown|not known|n/?a|none)( (author|artist|photographer|source))?[ .;,]*)+", re.IGNORECASE
)


def plain(html: str, longest: int = LONGEST) -> str:
    """What a reader would see of some HTML, on one line of at most `longest` characters, cut at a word."""
    text = _words(_soup(html), " ")
    if len(text) <= longest:
        return text
    start = text[: longest - 1]
    if " " in start[longest // 2 :]:
        start = start.rsplit(" ", 1)[0]
    return f"{start.rstrip()}…"


def creator(html: str, page: str) -> Creator:
    """The author a field names, and the address of the first one where there is a page to go to.

    `page` is the address relative links start from. A red link (a user page nobody wrote), a mail address and
    an anchor are not addresses. "Unknown author" is nobody: `None`.
    """
    soup = _soup(html)
    # A vcard also holds dates, birthplace and identifiers; what has class "fn" is the name.
    cards = [tag for tag in soup.select(".fn") if not tag.find_parent(class_="fn")]
    parts = [part for part in (_words(card, "; ") for card in cards) if part]
    name = "; ".join(dict.fromkeys(parts)) or _words(soup, "; ")
    if not name or _NOBODY.fullmatch(name):
        return Creator()
    first = next((card.find("a", href=True) for card in cards), None) or soup.find("a", href=True)
    return Creator(name=name, url=_address(first, page) if isinstance(first, Tag) else None)


def absolute(link: str, page: str) -> str:
    """A link of a page as an address that works anywhere: `//host/x` and `/wiki/x` get what they lack."""
    scheme = urlsplit(page).scheme or "https"
    if re.match(r"https?:/{3,}", link):  # seen in recorded answers: http:////commons.wikimedia.org/…
        link = re.sub(r"^https?:/+", "//", link)
    if link.startswith("//"):
        return f"{scheme}:{link}"
    return urljoin(page, link)


def _address(link: Tag, page: str) -> str | None:
    href = str(link["href"]).strip()
    if href.startswith("#") or "redlink=1" in href or "new" in (link.get("class") or ()):
        return None
    try:
        address = absolute(href, page)
        return address if urlsplit(address).scheme in ("http", "https") else None
    except ValueError:  # people write addresses such as http://[broken
        return None


def _soup(html: str) -> BeautifulSoup:
    """The parsed HTML without what a reader does not see, and with a mark around every block."""
    # Without any tag, Beautiful Soup would warn that an address or a file name is no HTML.
    soup = BeautifulSoup(f"<body>{html}", "html.parser")
    for tag in soup.find_all(_UNSEEN) + soup.find_all(style=_HIDDEN):
        tag.extract()
    for tag in soup.find_all(_BLOCKS):
        tag.insert_before(_MARK)
        tag.insert_after(_MARK)
    return soup


def _words(tag: Tag, between: str) -> str:
    """The text of a tag; a change of block becomes `between`, every other space one space."""
    lines = (" ".join(line.split()) for line in tag.get_text().split(_MARK))
    return between.join(line for line in lines if line)
