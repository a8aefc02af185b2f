"""Verdicts on one image by itself: is there enough of it, is there anything in it, and is it sky?"""

from collections.abc import Iterable, Mapping

from collectors.matching import matching
from collectors.record import KEEP, Reason, Record, Verdict
from curation.imaging.examine import Examined
from curation.screening.decisions import Decision
from curation.settings import CurateSettings, ScreenSettings

FEATURES = 32
"""Coefficients above the noise below which a picture is blank.

Noise and smooth gradients reach 15, the poorest of 539 nebulae 152.
"""

POINT = 10.0
"""A point this many times above the noise is a star, and saves a picture without other features."""

FILTERS: Mapping[str, Reason] = {
    "diagram": Reason.DIAGRAM,
    "photograph": Reason.OFF_TOPIC,
    "text": Reason.TEXT,
    "frame": Reason.FRAME,
    "collage": Reason.COLLAGE,
    "blurred": Reason.BLURRED,
}
"""Filters of `measures` and what they drop for, in the order in which the first that is exceeded counts."""

SCREENED = frozenset({Reason.BLANK, *FILTERS.values()})
"""Reasons that a person may overrule."""


def screen(
    examined: Examined,
    settings: CurateSettings,
    record: Record | None = None,
    decision: Decision | None = None,
) -> Verdict:
    """Keep, or the first of: unreadable, too large, too small, rejected, blank, off-topic, `FILTERS`.

    `record` lends its title and categories to the deny-list. A `decision` to keep overrules all that follows
    "rejected", and nothing before it: no decision makes a picture larger or readable. Blank is judged by
    information against noise, never by brightness: most of a nebula picture is black.
    """
    if (verdict := _unfit(examined, settings)) != KEEP:
        return verdict
    if decision is not None:
        rejected = Verdict(reason=Reason.REJECTED, detail=decision.reason or f"on {decision.date}")
        return KEEP if decision.decision == "keep" else rejected
    if examined.detail < FEATURES and examined.peak < POINT:
        return Verdict(reason=Reason.BLANK, detail=f"{examined.detail} of 255 coefficients above the noise")
    if record is not None and (glob := denied(record, settings.screen)):
        return Verdict(reason=Reason.OFF_TOPIC, detail=f"title or category matches {glob}")
    return _by_score(examined.scores, settings.screen)


def denied(record: Record, settings: ScreenSettings) -> str | None:
    """The glob of the deny-list that the title or a category matches."""
    return matching(settings.deny, [record.title, *record.categories, *record.found_by.path])


def doubts(examined: Examined, settings: CurateSettings, decision: Decision | None = None) -> tuple[str, ...]:
    """Filters whose score is within `doubtful` of its threshold, nearest first; none once decided."""
    if decision is not None or _unfit(examined, settings) != KEEP:
        return ()
    away = dict(_away(examined.scores, settings.screen))
    near = [name for name, distance in away.items() if abs(distance) <= settings.screen.doubtful]
    return tuple(sorted(near, key=lambda name: abs(away[name])))


def threshold(name: str, settings: ScreenSettings) -> float:
    """The score of a filter above which a picture goes."""
    value: float = getattr(settings, name)
    return value


def _unfit(examined: Examined, settings: CurateSettings) -> Verdict:
    """What nobody can overrule."""
    if examined.problem is not None:
        return Verdict(reason=Reason.UNREADABLE, detail=examined.problem)
    width, height = examined.width or 0, examined.height or 0
    if examined.too_large:
        limit = f"the limit is {settings.max_megapixels:g}"
        return Verdict(reason=Reason.TOO_LARGE, detail=f"{width * height / 1e6:.0f} megapixels, {limit}")
    least = settings.min_side or settings.size
    if min(width, height) < least:
        return Verdict(reason=Reason.TOO_SMALL, detail=f"{width} x {height}, at least {least} on both sides")
    return KEEP


def _by_score(scores: Mapping[str, float], settings: ScreenSettings) -> Verdict:
    for name, distance in _away(scores, settings):
        if distance > 0:
            words = f"{name} {scores[name]:.2f}, the threshold is {threshold(name, settings):g}"
            return Verdict(reason=FILTERS[name], detail=words)
    return KEEP


def _away(scores: Mapping[str, float], settings: ScreenSettings) -> Iterable[tuple[str, float]]:
    """How far above its threshold each filter that is on stands."""
    for name in FILTERS:
        if name in scores and threshold(name, settings) < 1:
            yield name, scores[name] - threshold(name, settings)
