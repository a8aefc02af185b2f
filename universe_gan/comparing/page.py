"""The comparison as one HTML page that asks nothing of any network, and as JSON."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors.storage.files import canonical_json, write_whole
from curation.reporting.page import inline, templates
from universe_gan.comparing import figures, plots
from universe_gan.comparing.figures import MEASURES, Column, Looked, Measure, Near
from universe_gan.measuring import metrics
from universe_gan.measuring.judging import FEWEST, Judge
from universe_gan.measuring.metrics import Interval

SHOWN = 24
"""Pictures of a column on the page."""
PAIRS = 6
"""Pairs of a run on the page."""
CLOSE = 0.5
"""Share of the usual distance below which the page asks whether a picture is a copy."""
THUMBNAIL = 192
"""Longest side of a picture on the page."""


@dataclass(frozen=True)
class Comparison:
    """All that the page and the JSON say."""

    title: str
    columns: Sequence[Looked]
    """The real ones first."""
    judge: Judge
    names: Sequence[str]
    """Of the training pictures, where they are known."""
    fine: Mapping[str, float]
    """How far the detail that upscaling adds is from that of real originals, in dB, by column."""
    notes: Sequence[str] = ()

    @property
    def pairs(self) -> list[tuple[Looked, list[Near]]]:
        raw = [one for one in self.columns if one.column.stage in ("raw", "folder")]
        return [(one, figures.nearest(self.judge, one, PAIRS)) for one in raw]

    @property
    def against(self) -> str:
        fresh = len(self.judge.held_out) >= FEWEST
        count = len(self.judge.held_out if fresh else self.judge.train)
        return f"{count:,} {'held-out' if fresh else 'training'} pictures"


def write(comparison: Comparison, page: Path, data: Path) -> dict[str, Any]:
    """Write both files whole and return what the JSON holds. Raises `DiskFull`."""
    found = in_json(comparison)
    write_whole(data, canonical_json(found) + b"\n")
    write_whole(page, html(comparison))
    return found


def html(comparison: Comparison) -> str:
    """The page. The same comparison gives the same bytes."""
    columns, judge = comparison.columns, comparison.judge
    values = {
        "title": comparison.title,
        "columns": [one.column for one in columns],
        "against": comparison.against,
        "extractor": judge.extractor.name,
        "trained": len(judge.train),
        "side": judge.train.shape[1],
        "rows": rows_of(comparison),
        "cautions": [*comparison.notes, *figures.cautions(columns, judge)],
        "sheets": _sheets(comparison),
        "pairs": [
            {"name": one.column.group, "near": [_pair(comparison, one, near) for near in found]}
            for one, found in comparison.pairs
        ],
        "spectrum": _spectrum(comparison),
        "histograms": _histograms(comparison),
        "generations": _generations(comparison),
        "plots": plots,
        **inline("compare.css", "compare.js", "universe_gan"),
    }
    return templates("universe_gan").get_template("compare.html.jinja").render(values)


def in_json(comparison: Comparison) -> dict[str, Any]:
    """Figures, curves, neighbours and where every set comes from."""
    columns = comparison.columns
    marked = figures.best(columns)
    lowest = figures.floor(comparison.judge)
    return {
        "title": comparison.title,
        "extractor": comparison.judge.extractor.name,
        "against": comparison.against,
        "fd_floor": lowest[0] if lowest else None,
        "cautions": [*comparison.notes, *figures.cautions(columns, comparison.judge)],
        "columns": [_in_json(comparison, at, one, marked) for at, one in enumerate(columns)],
        "nearest": [
            {
                "column": one.column.name,
                "pairs": [
                    {
                        "seed": _seed(one.column, near.made),
                        "training": _name(comparison, near.train),
                        "distance": near.share,
                    }
                    for near in found
                ],
            }
            for one, found in comparison.pairs
        ],
    }


def _in_json(comparison: Comparison, at: int, one: Looked, marked: set[tuple[str, int]]) -> dict[str, Any]:
    column = one.column
    return {
        "name": column.name,
        "run": column.group,
        "stage": column.stage,
        "generation": column.generation,
        "pictures": len(column.pictures),
        "seeds": list(column.seeds),
        "provenance": dict(column.about or {}),
        "figures": {
            key: None
            if found is None
            else {"value": found.value, "low": found.low, "high": found.high, "best": (key, at) in marked}
            for key, found in one.figures.items()
        },
        "fine_db": comparison.fine.get(column.name),
        "spectrum_db": [round(float(level), 3) for level in metrics.spectrum(column.pictures)],
        "histograms": [
            [round(float(share), 6) for share in row] for row in figures.histograms(column.pictures)
        ],
    }


def rows_of(comparison: Comparison) -> list[dict[str, Any]]:
    """The table: a row a measure, a cell a column."""
    marked = figures.best(comparison.columns)
    rows = [
        {
            "name": measure.name,
            "says": measure.says,
            "best": _best(comparison, measure),
            "cells": [
                _cell(one.figures[measure.key], measure, (measure.key, at) in marked)
                for at, one in enumerate(comparison.columns)
            ],
        }
        for measure in MEASURES
    ]
    if comparison.fine:
        rows.append(
            {
                "name": "fine detail",
                "says": "Of the large pictures: how far detail that the small ones cannot hold is from real"
                " originals. Small ones are enlarged without a network.",
                "best": "0 dB",
                "cells": [_fine(comparison.fine.get(one.column.name)) for one in comparison.columns],
            }
        )
    return rows


def _best(comparison: Comparison, measure: Measure) -> str:
    lowest = figures.floor(comparison.judge) if measure.key == "fd" else None
    return f"{lowest[0]:.1f}, real to real, {lowest[1]} each" if lowest else measure.best


def _cell(found: Interval | None, measure: Measure, best: bool) -> dict[str, Any]:
    if found is None:
        return {"value": "–", "range": "", "best": False}
    value, low, high = (f"{one:.{measure.digits}f}" for one in (found.value, found.low, found.high))
    return {"value": value, "range": f"{low} to {high}", "best": best}


def _fine(found: float | None) -> dict[str, Any]:
    return {"value": "–" if found is None else f"{found:.2f}", "range": "", "best": False}


def _sheets(comparison: Comparison) -> list[dict[str, Any]]:
    """Rows of pictures, each column of the page the same seed; real ones, held out if there are, on top."""
    seeds = next((one.column.seeds for one in comparison.columns if one.column.seeds), ())[:SHOWN]
    held = comparison.judge.held_out
    real = held if len(held) else comparison.judge.train
    rows: list[dict[str, Any]] = [
        {
            "name": "real, held out" if len(held) else "real",
            "cells": [{"seed": None, "src": _address(one)} for one in real[: len(seeds)]],
        }
    ]
    for one in comparison.columns[1:]:
        column = one.column
        by_seed = dict(zip(column.seeds, column.pictures, strict=True))
        cells = [
            {"seed": seed, "src": _address(by_seed[seed]) if seed in by_seed else None} for seed in seeds
        ]
        rows.append({"name": column.name, "cells": cells})
    return rows


def _pair(comparison: Comparison, one: Looked, near: Near) -> dict[str, Any]:
    return {
        "made": _address(one.column.pictures[near.made]),
        "train": _address(comparison.judge.train[near.train]),
        "seed": _seed(one.column, near.made),
        "name": _name(comparison, near.train),
        "share": f"{near.share:.2f}",
        "close": near.share < CLOSE,
    }


def _spectrum(comparison: Comparison) -> plots.Spectrum:
    held = comparison.judge.held_out
    real = held if len(held) >= FEWEST else comparison.judge.train
    named = [("real", metrics.spectrum(np.asarray(real)))]
    named += [(one.column.name, metrics.spectrum(one.column.pictures)) for one in comparison.columns[1:]]
    return plots.spectrum(named, comparison.judge.train.shape[1])


def _histograms(comparison: Comparison) -> list[dict[str, Any]]:
    held = comparison.judge.held_out
    real = figures.histograms(np.asarray(held if len(held) >= FEWEST else comparison.judge.train))
    return [
        {
            "name": one.column.name,
            "lines": plots.histogram(real, figures.histograms(one.column.pictures)),
        }
        for one in comparison.columns[1:]
    ]


def _generations(comparison: Comparison) -> list[dict[str, Any]]:
    """Raw pictures by generation, where there is more than one."""
    known = [
        one for one in comparison.columns if one.column.stage == "raw" and one.column.generation is not None
    ]
    if len({one.column.generation for one in known}) < 2:
        return []
    return [
        {
            "generation": one.column.generation,
            "name": one.column.group,
            "cells": [_cell(one.figures[measure.key], measure, best=False) for measure in MEASURES[:5]],
        }
        for one in sorted(known, key=lambda one: one.column.generation or 0)
    ]


def _seed(column: Column, number: int) -> int | None:
    return column.seeds[number] if column.seeds else None


def _name(comparison: Comparison, number: int) -> str:
    return comparison.names[number] if number < len(comparison.names) else ""


def _address(picture: NDArray[np.uint8]) -> str:
    """A picture as a `data:` address."""
    image = Image.fromarray(np.asarray(picture))
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=88, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
