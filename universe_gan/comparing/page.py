"""A comparison as one HTML page that asks nothing of any network."""

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors.storage.files import canonical_json, write_whole
from curation.reporting.page import inline, templates
from universe_gan.comparing import figures, plots
from universe_gan.comparing.comparison import Comparison, cell, in_json, rows_of
from universe_gan.comparing.figures import MEASURES, Looked, Near
from universe_gan.measuring import metrics

SHOWN = 24
"""Pictures of a column on the page."""
CLOSE = 0.5
"""Share of the usual distance below which the page asks whether a picture is a copy."""
THUMBNAIL = 192
"""Longest side of a picture on the page."""


def write(comparison: Comparison, page: Path, data: Path) -> dict[str, Any]:
    """Write the page, and what it says as JSON, both whole; returns the latter. Raises `DiskFull`."""
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
        "learned_from": f"{len(judge.train):,} others" if judge.is_fresh else "these very pictures",
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
        "seed": one.column.seed_of(near.made),
        "name": comparison.name_of(near.train),
        "share": f"{near.share:.2f}",
        "close": near.share < CLOSE,
    }


def _spectrum(comparison: Comparison) -> plots.Spectrum:
    named = [("real", metrics.spectrum(np.asarray(comparison.judge.real)))]
    named += [(one.column.name, metrics.spectrum(one.column.pictures)) for one in comparison.columns[1:]]
    return plots.spectrum(named, comparison.judge.train.shape[1])


def _histograms(comparison: Comparison) -> list[dict[str, Any]]:
    real = metrics.histograms(np.asarray(comparison.judge.real))
    return [
        {
            "name": one.column.name,
            "lines": plots.histogram(real, metrics.histograms(one.column.pictures)),
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
            "cells": [cell(one.figures[measure.key], measure, best=False) for measure in MEASURES[:5]],
        }
        for one in sorted(known, key=lambda one: one.column.generation or 0)
    ]


def _address(picture: NDArray[np.uint8]) -> str:
    """A picture as a `data:` address."""
    image = Image.fromarray(np.asarray(picture))
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=88, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
