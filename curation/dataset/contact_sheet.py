"""A contact sheet of a dataset: a few of its squares in one picture, always the same ones."""

import hashlib
from collections.abc import Iterable, Sequence
from io import BytesIO

from PIL import Image

from collectors.formats import FORMATS

NAME = "thumbnails.webp"
ACROSS = 6
MOST = 12
SIDE = 160
"""Pixels a picture; the sheet is 960 wide, which a card shows without scaling."""


def choose(uids: Iterable[str]) -> tuple[str, ...]:
    """The pictures to show: those whose uid has the smallest hash, so that most stay when the set grows."""
    return tuple(sorted(sorted(uids, key=lambda uid: hashlib.sha256(uid.encode()).digest())[:MOST]))


def contact_sheet(pictures: Sequence[bytes]) -> bytes:
    """A WebP of the pictures, row by row, from left to right; `pictures` are encoded squares."""
    across = min(ACROSS, len(pictures))
    down = -(-len(pictures) // across)
    sheet = Image.new("RGB", (across * SIDE, down * SIDE), (255, 255, 255))
    for number, data in enumerate(pictures):
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            small = opened.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        sheet.paste(small, (number % across * SIDE, number // across * SIDE))
    buffer = BytesIO()
    sheet.save(buffer, "WEBP", quality=80, method=4)
    return buffer.getvalue()
