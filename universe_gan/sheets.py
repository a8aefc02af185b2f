"""Contact sheets: many pictures in one; and pictures with where they come from written into the file."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

GAP = 2
"""Pixels between the pictures of a sheet."""
KEY = "universe-gan"
"""Name of the PNG text chunk that holds the provenance as JSON."""


def pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """(n, 3, side, side) about -1 to 1 → (n, side, side, 3) of bytes."""
    scaled = (pictures.detach().float() + 1).mul(127.5).round().clamp(0, 255).byte()
    found: NDArray[np.uint8] = scaled.permute(0, 2, 3, 1).cpu().numpy()
    return found


def sheet(pictures: Sequence[NDArray[np.uint8]], across: int | None = None) -> Image.Image:
    """Pictures in rows, as square as can be unless `across` says how many stand side by side."""
    side = pictures[0].shape[0]
    columns = across or ceil(sqrt(len(pictures)))
    rows = ceil(len(pictures) / columns)
    step = side + GAP
    whole = Image.new("RGB", (columns * step - GAP, rows * step - GAP))
    for number, picture in enumerate(pictures):
        whole.paste(Image.fromarray(picture), (number % columns * step, number // columns * step))
    return whole


def png(image: Image.Image, provenance: Mapping[str, Any] | None = None) -> bytes:
    """The picture as a PNG file, with where it comes from inside."""
    words = PngInfo()
    if provenance:
        words.add_itxt(KEY, json.dumps(provenance, ensure_ascii=False, sort_keys=True))
    buffer = BytesIO()
    image.save(buffer, "PNG", pnginfo=words)
    return buffer.getvalue()
