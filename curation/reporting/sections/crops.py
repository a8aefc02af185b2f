"""Before and after the crop: the whole picture with the square drawn in, and what each way to cut loses."""

from collections.abc import Sequence
from dataclasses import dataclass

from curation.imaging.boxes import Box
from curation.judged import Judged
from curation.outcome import Outcome


@dataclass(frozen=True)
class Cut:
    """A square over its picture, in pixels of the upright picture."""

    width: int
    height: int
    box: Box
    data: str
    """The whole picture, as a `data:` address; black where the square reaches beyond it."""

    @property
    def view(self) -> Box:
        """Left, top, width and height of what is shown."""
        left, top, right, bottom = view(self.width, self.height, self.box)
        return left, top, right - left, bottom - top

    @property
    def shade(self) -> str:
        """Path of everything outside the square (fill rule `evenodd`)."""
        x, y, width, height = self.view
        left, top, right, bottom = self.box
        return (
            f"M{x} {y}h{width}v{height}h{-width}zM{left} {top}h{right - left}v{bottom - top}h{left - right}z"
        )


@dataclass(frozen=True)
class Loss:
    """How much of a subject each way to crop cuts off."""

    uid: str
    chosen: str
    shares: tuple[tuple[str, float], ...]


def view(width: int, height: int, box: Box) -> Box:
    """What shows all of a picture and of its square, which may reach beyond it."""
    return min(0, box[0]), min(0, box[1]), max(width, box[2]), max(height, box[3])


def cut(judged: Judged | None, whole: str | None) -> Cut | None:
    """The square over its picture; `None` where there is no picture or no square."""
    if judged is None or whole is None or judged.box is None or not judged.width or not judged.height:
        return None
    return Cut(judged.width, judged.height, judged.box, whole)


def words(judged: Judged) -> str | None:
    """`centre crop, 25 % of the picture left out; of the subject 31 % lost, 0 % with the subject crop`."""
    if judged.box is None or not judged.width or not judged.height:
        return None
    left, top, right, bottom = judged.box
    inside = max(0, min(right, judged.width) - max(left, 0)) * max(
        0, min(bottom, judged.height) - max(top, 0)
    )
    outside = 1 - inside / (judged.width * judged.height)
    added = 1 - inside / ((right - left) * (bottom - top))
    parts = [f"{judged.crop or 'centre'} crop, {outside:.0%} of the picture left out"]
    if added > 0.0005:
        parts.append(f"{added:.0%} of the square is added sky")
    parts += [
        f"{share:.0%} of the subject lost by the {way} crop" for way, share in sorted(judged.lost.items())
    ]
    return "; ".join(parts)


def losses(everything: Sequence[Outcome], most: int) -> list[Loss]:
    """Kept images of which some way to crop cuts off subject; the largest losses of the chosen one first."""
    found = [
        Loss(outcome.record.uid, outcome.judged.crop or "centre", tuple(sorted(outcome.judged.lost.items())))
        for outcome in everything
        if outcome.keep and outcome.judged and any(outcome.judged.lost.values())
    ]
    found.sort(
        key=lambda one: (-dict(one.shares).get(one.chosen, 0), -max(s for _, s in one.shares), one.uid)
    )
    return found[:most]


def average_losses(everything: Sequence[Outcome]) -> list[tuple[str, float, float, int]]:
    """A row a way to crop: its name, the mean share lost, the largest, and how many subjects it cuts."""
    found: dict[str, list[float]] = {}
    for outcome in everything:
        if outcome.keep and outcome.judged:
            for way, share in outcome.judged.lost.items():
                found.setdefault(way, []).append(share)
    return [
        (way, sum(shares) / len(shares), max(shares), sum(share > 0 for share in shares))
        for way, shares in sorted(found.items())
    ]
