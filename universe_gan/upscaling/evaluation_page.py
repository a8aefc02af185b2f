"""An evaluation as files: figures as JSON, crops side by side, one HTML page that needs no network."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from collectors.storage.files import canonical_json, write_whole
from curation.reporting.page import inline, templates
from universe_gan import sheets
from universe_gan.upscaling.evaluate import (
    BICUBIC,
    LANCZOS,
    METHODS,
    NETWORK,
    OURS,
    PROJECTED,
    Bytes,
    Evaluation,
    Figures,
)

SHOWN = 128
"""Side of a crop in pixels."""
ORDER = (BICUBIC, LANCZOS, PROJECTED, NETWORK, OURS)
"""Of the crops; before them the small picture, after them the truth."""
COLUMNS = ("small", *ORDER, "truth")
MOST = 60
"""Pictures on the page and the sheet: the first so many."""
HEADS = ("method", "PSNR dB", "SSIM", "star flux", "stars found", "invented", "colour shift /255")


@dataclass(frozen=True)
class Crops:
    """The middle of one picture, as `COLUMNS`."""

    name: str
    pictures: Sequence[Bytes]

    def png(self) -> bytes:
        """All side by side."""
        return sheets.png(sheets.sheet(self.pictures, across=len(self.pictures)))


def crops(name: str, truth: Bytes, small: Bytes, made: Mapping[str, Bytes]) -> Crops:
    """The middle of each, squares of `SHOWN` pixels; what is shorter stands before black."""
    scale = truth.shape[0] // small.shape[0]
    blocks = small.repeat(scale, axis=0).repeat(scale, axis=1)
    return Crops(name, [_middle(one) for one in (blocks, *(made[method] for method in ORDER), truth)])


def _middle(picture: Bytes) -> Bytes:
    height, width = (min(side, SHOWN) for side in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    return _filled(picture[top : top + height, left : left + width], max(height, width))


def rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """The table of means in words, under `HEADS`."""
    return [(method, *cells(evaluation.means[method])) for method in METHODS if evaluation.pictures]


def cells(found: Figures) -> tuple[str, ...]:
    """What a row of the table says of one method."""
    return (
        f"{found.psnr:.2f}" if isfinite(found.psnr) else "equal",
        f"{found.ssim:.3f}",
        *("–" if one is None else f"{one:.3f}" for one in (found.flux, found.recall, found.invented)),
        f"{found.colour:.2f}",
    )


def write(evaluation: Evaluation, shown: Sequence[Crops], folder: Path) -> dict[str, Any]:
    """Write `evaluation.json`, sheet and page whole; returns what the JSON holds. Raises `DiskFull`."""
    found = evaluation.in_json()
    write_whole(folder / "evaluation.json", canonical_json(found) + b"\n")
    if shown:
        write_whole(folder / "sheet.png", sheet(shown[:MOST]))
    write_whole(folder / "evaluation.html", html(evaluation, shown[:MOST], folder.name))
    return found


def sheet(shown: Sequence[Crops]) -> bytes:
    """A PNG: a row a picture, a column as in `COLUMNS`; smaller ones stand before black."""
    side = max(one.pictures[0].shape[0] for one in shown)
    whole = [_filled(picture, side) for one in shown for picture in one.pictures]
    return sheets.png(sheets.sheet(whole, across=len(COLUMNS)))


def _filled(picture: Bytes, side: int) -> Bytes:
    """(side, side, 3): the picture in the upper left, black elsewhere."""
    found = np.zeros((side, side, 3), np.uint8)
    found[: picture.shape[0], : picture.shape[1]] = picture
    return found


def html(evaluation: Evaluation, shown: Sequence[Crops], title: str) -> str:
    """The page. The same evaluation gives the same bytes."""
    known = {one.name: one for one in evaluation.pictures}
    values = {
        "title": title,
        "evaluation": evaluation,
        "total": len(evaluation.pictures),
        "heads": HEADS,
        "rows": rows(evaluation),
        "columns": COLUMNS,
        "ours": OURS,
        "pictures": [
            {
                "judged": known[one.name],
                "gain": known[one.name].figures[OURS].psnr - known[one.name].figures[LANCZOS].psnr,
                "src": f"data:image/png;base64,{base64.b64encode(one.png()).decode()}",
            }
            for one in shown
        ],
        **inline("evaluate.css", None, "universe_gan"),
    }
    return templates("universe_gan").get_template("evaluate.html.jinja").render(values)
