"""Verdicts on one image by itself: is there enough of it, and is there anything in it?"""

from collectors.record import KEEP, Reason, Verdict
from curation.examine import Examined
from curation.settings import CurateSettings

FEATURES = 32
"""Coefficients above the noise below which a picture is blank.

Noise and smooth gradients reach 15, the poorest of 539 nebulae 152.
"""

POINT = 10.0
"""A point this many times above the noise is a star, and saves a picture without other features."""


def screen(examined: Examined, settings: CurateSettings) -> Verdict:
    """Keep, or the first of: unreadable, too large, too small, blank.

    Blank is judged by information against noise, never by brightness: most of a nebula picture is black.
    """
    if examined.problem is not None:
        return Verdict(reason=Reason.UNREADABLE, detail=examined.problem)
    width, height = examined.width or 0, examined.height or 0
    if examined.too_large:
        limit = f"the limit is {settings.max_megapixels:g}"
        return Verdict(reason=Reason.TOO_LARGE, detail=f"{width * height / 1e6:.0f} megapixels, {limit}")
    least = settings.min_side or settings.size
    if min(width, height) < least:
        return Verdict(reason=Reason.TOO_SMALL, detail=f"{width} x {height}, at least {least} on both sides")
    if examined.detail < FEATURES and examined.peak < POINT:
        return Verdict(reason=Reason.BLANK, detail=f"{examined.detail} of 255 coefficients above the noise")
    return KEEP
