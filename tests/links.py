"""What a page links to and loads, read without a browser: whether all of it is there."""

from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ABROAD = frozenset({"http", "https", "mailto"})
"""Where a link may lead off the page; whether somebody answers there is not asked."""


class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.unnamed: list[str] = []
        """Pictures without words for those who do not see them; decoration has `alt=""`."""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if said.get("id"):
            self.anchors.add(str(said["id"]))
        if "href" in said:
            (self.loads if tag == "link" else self.links).append(said["href"] or "")
        if "src" in said:
            self.loads.append(said["src"] or "")
        if tag == "img" and not said.get("alt"):
            self.unnamed.append(str(said.get("src")))


def broken(paths: Iterable[Path]) -> list[str]:
    """Links to files and anchors that are not there, and whatever would be loaded from elsewhere."""
    pages = {path.resolve(): Page(path) for path in paths}
    return [
        f"{path.name}: {problem}"
        for path, page in pages.items()
        for link in dict.fromkeys([*page.links, *page.loads])
        if (problem := _problem(link, path, pages))
    ]


def _problem(link: str, path: Path, pages: dict[Path, Page]) -> str | None:
    address = urlsplit(link)
    loaded = link in pages[path].loads
    if address.scheme or address.netloc:
        if loaded:
            return None if address.scheme == "data" and address.path else f"it loads {link}"
        return None if address.scheme in ABROAD and address.path + address.netloc else f"{link} leads nowhere"
    target = (path.parent / unquote(address.path)).resolve() if address.path else path
    if not target.is_file():
        return f"{link or 'an empty address'} is not there"
    anchor = unquote(address.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"{link} has no such anchor"
    return None if link else "an empty address is not there"
