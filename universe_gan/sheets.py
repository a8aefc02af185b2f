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
XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
"""What says to other tools that a trained network made the picture.

https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
"""


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
    """The picture as a PNG file, with where it comes from inside; what is synthetic says so in XMP too."""
    words = PngInfo()
    if provenance and provenance.get("synthetic"):
        words.add_itxt("XML:com.adobe.xmp", XMP)
    if provenance:
        words.add_itxt(KEY, json.dumps(provenance, ensure_ascii=False, sort_keys=True))
    buffer = BytesIO()
    image.save(buffer, "PNG", pnginfo=words)
    return buffer.getvalue()
