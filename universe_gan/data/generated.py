"""Which files of a folder a model drew: `pictures.jsonl` beside them says so, or they do themselves."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from collectors.formats import FORMATS
from universe_gan import pictures
from universe_gan.sheets import KEY

MARK = b"trainedAlgorithmicMedia"
"""What XMP calls a picture that a trained model made, of whatever tool.

https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
"""


def said_of(line: Mapping[str, Any] | None, data: bytes, sha256: str) -> Mapping[str, Any] | None:
    """What is said of a generated picture, by its line or inside; empty: it is one and no more is known.

    `None`: it is none, or nobody says so. A line about other bytes of that name counts for nothing.
    """
    if line is not None and line.get("sha256") == sha256:
        return line if line.get("synthetic") else None
    if MARK not in data:
        return None
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            found = json.loads(image.info.get(KEY, "{}"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return {}  # told when it is decoded
    return found if isinstance(found, dict) else {}


def generation_of(said: Mapping[str, Any]) -> int:
    """Of the generator that drew it; of a stranger's, 0."""
    told = said.get("generation")
    return told if isinstance(told, int) and told >= 0 else 0


def rank_of(said: Mapping[str, Any]) -> int:
    """Its place where `select` chose it; all others come after those, equal to each other."""
    selected = said.get("selected")
    told = selected.get("rank") if isinstance(selected, Mapping) else None
    return told if isinstance(told, int) else 1_000_000_000


def lines_of(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """What the folder's `pictures.jsonl` says, by file; nothing where somebody else wrote it."""
    try:
        return {line["file"]: line for line in pictures.lines(folder)}
    except pictures.NotOurs:
        return {}
