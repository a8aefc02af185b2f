"""Pictures out of a network: drawn, as bytes, many on one sheet, as files that say where they come from."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from math import ceil, sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor, nn

BATCH = 16
"""Pictures drawn at once."""
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


@torch.inference_mode()
def draw(
    generator: nn.Module,
    latents: Tensor,
    device: torch.device,
    *,
    truncation: float = 1.0,
    batch: int = BATCH,
) -> NDArray[np.uint8]:
    """(n, side, side, 3) from latents (n, latent), a few at a time.

    `truncation` below 1: of a network that maps latents to styles the styles are drawn together, else the
    latents.
    """

    def some(few: Tensor) -> NDArray[np.uint8]:
        if hasattr(generator, "mapping"):
            return pixels(generator(few.to(device), truncation))
        return pixels(generator(few.to(device) * truncation))

    return np.concatenate([some(few) for few in torch.split(latents, batch)])


def scaled(pictures: Tensor) -> Tensor:
    """Bytes (n, side, side, 3) → (n, 3, side, side) from -1 to 1, channels last: what networks are shown."""
    return pictures.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)


def pixels(pictures: Tensor) -> NDArray[np.uint8]:
    """(n, 3, side, side) about -1 to 1 → (n, side, side, 3) of bytes: the way back of `scaled`."""
    levels = (pictures.detach().float() + 1).mul(127.5).round().clamp(0, 255).byte()
    found: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).cpu().numpy()
    return found


def sheet(pictures: Sequence[NDArray[np.uint8]], across: int | None = None) -> Image.Image:
    """Pictures (side, side, 3) in rows, as square as can be; `across`: how many stand side by side."""
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
