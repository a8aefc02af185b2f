"""Which file of an image to take: the original, confirmed by the list of its files, or else the largest."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from collectors.record import Original

ENDINGS: Mapping[str, str] = {
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "gif": "image/gif",
}
"""Types of raster files, what loses least first: of several originals the first type is taken."""

RENDITIONS = ("orig", "large", "medium", "small", "thumb")
"""The sizes of an image by the word behind the tilde in its name, the original first."""

_NAME = re.compile(r"~(?P<rendition>\w+)\.(?P<ending>\w+)$")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def address(href: str, api: str) -> str | None:
    """An `href` of an answer as an address that works; `None` for what leads nowhere on the web.

    The library writes `http:` for hosts that serve https, and leaves spaces as they are.

    >>> address("http://images-assets.nasa.gov/image/A B/A B~orig.jpg", "https://images-api.nasa.gov")
    'https://images-assets.nasa.gov/image/A%20B/A%20B~orig.jpg'
    """
    try:
        parts = urlsplit(href.lstrip())
        host, api_scheme = parts.hostname or "", urlsplit(api).scheme
        _ = parts.port  # ValueError where it is none
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\\]", parts.netloc):
        return None
    secure = api_scheme == "https" or host.endswith(".nasa.gov")
    path = quote(_BARE_PERCENT.sub("%25", parts.path), safe="/%~!$&'()*+,;=:@", errors="replace")
    query = quote(parts.query, safe="/%~!$&'()*+,;=:@?", errors="replace")
    return urlunsplit(("https" if secure else parts.scheme, parts.netloc, path, query, ""))


def metadata_address(assets: Iterable[str], api: str) -> str | None:
    """The address of the file with the embedded metadata, where the list names it."""
    addresses = (address(href, api) for href in assets)
    return next((url for url in addresses if url and urlsplit(url).path.endswith("/metadata.json")), None)


def original(
    links: Iterable[Mapping[str, Any]],
    assets: Iterable[str],
    metadata: Mapping[str, Any],
    api: str,
    taken: str,
) -> Original | None:
    """The best raster file in the list of an image's files, `None` where there is none.

    `links` of a v1.1 answer know pixel sizes; their `size` is rounded to a thousand bytes, so it is not taken
    for the size of the file. `metadata` describes the original.
    """
    known = {url: link for link in links if (url := address(_text(link.get("href")), api))}
    best = min(_candidates(assets, api, known), default=None)
    if best is None:
        return None
    _, _, kind, url, rendition = best
    link = known.get(url, {})
    whole = rendition == "orig"
    width = _pixels(link.get("width")) or (_pixels(metadata.get("File:ImageWidth")) if whole else None)
    height = _pixels(link.get("height")) or (_pixels(metadata.get("File:ImageHeight")) if whole else None)
    return Original(
        url=url,
        width=width if height else None,
        height=height if width else None,
        mime=list(ENDINGS.values())[kind],
        taken=taken or None,
        rendition="original" if whole else rendition,
    )


def _candidates(
    assets: Iterable[str], api: str, known: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[int, int, int, str, str]]:
    """Every raster file, the best sorting first: by size, then what a link calls canonical, then by type."""
    for href in assets:
        url = address(href, api)
        match = _NAME.search(unquote(urlsplit(url).path)) if url else None
        if url is None or match is None or match["ending"].lower() not in ENDINGS:
            continue
        rendition = match["rendition"].lower()
        rank = RENDITIONS.index(rendition) if rendition in RENDITIONS else len(RENDITIONS)
        canonical = known.get(url, {}).get("rel") == "canonical"
        yield rank, not canonical, list(ENDINGS).index(match["ending"].lower()), url, rendition


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _pixels(value: Any) -> int | None:
    """A whole number of pixels, where it is one."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else None
