"""What a file is, by its first bytes; names and headers may lie."""

HEAD = 64
"""Bytes that `sniff` needs."""

_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),  # BigTIFF
    (b"MM\x00+", "image/tiff"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"BM", "image/bmp"),
)
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"heic": "image/heic", b"mif1": "image/heif"}
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/tif": "image/tiff",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "image/x-bmp": "image/bmp",
}

KNOWN = frozenset({mime for _, mime in _STARTS} | set(_BRANDS.values()) | {"image/webp"})
"""Types that `sniff` tells apart."""


def sniff(head: bytes) -> str | None:
    """The type of the image that begins with these bytes, or `None` when it is no image we know."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return _BRANDS[head[8:12]]
    return next((mime for start, mime in _STARTS if head.startswith(start)), None)


def plain(mime: str) -> str:
    """One name a type: without parameters, in lower case, `image/jpg` → `image/jpeg`."""
    mime = mime.partition(";")[0].strip().lower()
    return _ALIASES.get(mime, mime)
