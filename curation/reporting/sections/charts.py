"""The report's plots: sizes, years, scores against thresholds, how near copies are, licences a source."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from collectors.record import Reason
from curation.outcome import Outcome
from curation.reporting.sections.plots import Plot, Strip, columns, strip
from curation.reporting.tiles import CLASS_WORDS, threshold_of
from curation.settings import CurateSettings

SIZES = (256, 512, 1024, 2048, 4096, 8192)
"""Pixels of the short side at which a new column begins."""
BINS = 20
MOST_YEARS = 40
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_FATE = {"kept": "kept", "out": "left out"}


def charts(everything: Sequence[Outcome], settings: CurateSettings | None) -> list[Plot]:
    """The plots that have something to show."""
    found = [_sizes(everything), _years(everything), *_nearness(everything), *_scores(everything, settings)]
    return [plot for plot in found if plot.total]


def licences_by_source(everything: Sequence[Outcome]) -> list[Strip]:
    """A line a source: how many of its listed images are of which class."""
    counts: dict[str, Counter[str]] = {}
    for outcome in everything:
        counts.setdefault(outcome.record.source, Counter())[outcome.record.rights.cls.value] += 1
    words = {cls.value: text for cls, text in CLASS_WORDS.items()}
    return [strip(source, counts[source], words) for source in sorted(counts)]


def _sizes(everything: Sequence[Outcome]) -> Plot:
    counts = [Counter[str]() for _ in range(len(SIZES) + 1)]
    for outcome in everything:
        judged = outcome.judged
        if judged and judged.width and judged.height:
            counts[bisect_right(SIZES, min(judged.width, judged.height))][_fate(outcome)] += 1
    labels = [f"< {SIZES[0]}", *map(str, SIZES)]
    return columns("Short side, from … pixels on", list(zip(labels, counts, strict=True)), _FATE)


def _years(everything: Sequence[Outcome]) -> Plot:
    """Images a year; with more than `MOST_YEARS` between the first and the last, a decade."""
    kept = [outcome for outcome in everything if outcome.keep]
    years = Counter(year for outcome in kept if (year := _year(outcome.record.original.taken)))
    unknown = len(kept) - years.total()
    note = f"{unknown:,} kept images give no year" if unknown else ""
    if not years:
        return columns("Kept images by year taken", [], _FATE, note=note)
    first, last = min(years), max(years)
    if last - first < MOST_YEARS:
        bins = [(str(year), {"kept": years[year]}) for year in range(first, last + 1)]
    else:
        decades = Counter(dict.fromkeys(range(first // 10 * 10, last + 1, 10), 0))
        for year, count in years.items():
            decades[year // 10 * 10] += count
        bins = [(f"{decade}s", {"kept": count}) for decade, count in sorted(decades.items())]
    return columns("Kept images by year taken", bins, _FATE, every=-(-len(bins) // 8), note=note)


def _year(taken: str | None) -> int | None:
    found = _YEAR.search(taken or "")
    return int(found.group()) if found else None


def _nearness(everything: Sequence[Outcome]) -> Iterator[Plot]:
    """How near the copies are that were left out: bits of the hash, and agreement of the pixels."""
    edges = [outcome.judged.edge for outcome in everything if outcome.judged and outcome.judged.edge]
    names = {"out": "copies"}
    distances = Counter(edge.distance // 2 for edge in edges if edge.distance is not None)
    bits = [(f"{2 * at}", {"out": distances[at]}) for at in range(max(distances, default=-1) + 1)]
    yield columns("Copies: bits of 256 that differ", bits, names, every=-(-len(bits) // 8))
    agreements = Counter(_bin(edge.agreement) for edge in edges if edge.agreement is not None)
    yield columns(
        "Copies: agreement with the kept picture",
        [(f"{at / BINS:.2f}", {"out": agreements[at]}) for at in range(BINS)],
        names,
        every=5,
        scale=True,
    )


def _scores(everything: Sequence[Outcome], settings: CurateSettings | None) -> Iterator[Plot]:
    """A plot a filter: the scores of all images it looked at, and its threshold."""
    screened = [outcome.judged for outcome in everything if outcome.judged]
    reasons = {reason.value for reason in Reason}
    names = {"kept": "passed", "out": "left out for it", "never": "left out for another reason"}
    for name in sorted({name for judged in screened for name in judged.scores}):
        counts = [Counter[str]() for _ in range(BINS)]
        for judged in screened:
            if name in judged.scores:
                reason = judged.verdict.reason
                passed = reason in (None, Reason.DUPLICATE, Reason.COPY_OF_REFUSED)
                fate = "kept" if passed else "out" if name in reasons and reason == name else "never"
                counts[_bin(judged.scores[name])][fate] += 1
        threshold = threshold_of(settings, name)
        yield columns(
            f"Score “{name}”",
            [(f"{at / BINS:.2f}", count) for at, count in enumerate(counts)],
            names,
            line=(threshold, f"threshold {threshold:g}") if threshold is not None and threshold < 1 else None,
            every=5,
            scale=True,
        )


def _bin(share: float) -> int:
    return min(BINS - 1, max(0, int(share * BINS)))


def _fate(outcome: Outcome) -> str:
    return "kept" if outcome.keep else "out"
