"""A comparison as it is told: the table of its measures, and all of it as JSON; `page` shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from universe_gan.comparing import figures
from universe_gan.comparing.figures import MEASURES, Looked, Measure, Near
from universe_gan.measuring import metrics
from universe_gan.measuring.judging import Judge
from universe_gan.measuring.metrics import Interval

PAIRS = 6
"""Pairs of a run that are told."""


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
        """Of each run and folder, the pictures that come nearest to a training picture."""
        raw = [one for one in self.columns if one.column.stage in ("raw", "folder")]
        return [(one, figures.nearest(self.judge, one, PAIRS)) for one in raw]

    @property
    def against(self) -> str:
        """What all are compared with, in words."""
        return f"{len(self.judge.real):,} {'held-out' if self.judge.is_fresh else 'training'} pictures"

    def name_of(self, number: int) -> str:
        """That of a training picture; empty where it is not known."""
        return self.names[number] if number < len(self.names) else ""


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
                        "seed": one.column.seed_of(near.made),
                        "training": comparison.name_of(near.train),
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
            [round(float(share), 6) for share in row] for row in metrics.histograms(column.pictures)
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
                cell(one.figures[measure.key], measure, (measure.key, at) in marked)
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


def cell(found: Interval | None, measure: Measure, best: bool) -> dict[str, Any]:
    """One value of the table, with its range; `best`: it is better than its rivals by more than chance."""
    if found is None:
        return {"value": "–", "range": "", "best": False}
    value, low, high = (f"{one:.{measure.digits}f}" for one in (found.value, found.low, found.high))
    return {"value": value, "range": f"{low} to {high}", "best": best}


def _fine(found: float | None) -> dict[str, Any]:
    return {"value": "–" if found is None else f"{found:.2f}", "range": "", "best": False}
