"""`training.png`: how a training went, as curves over the pictures shown.

One field for each question: do the losses hold each other, does the discriminator overfit and how much is
augmented against it, and, where the run is judged, how good the pictures are. Needs matplotlib, which comes
with `pip install 'universe-gan[train]'`; without it a run simply has no such picture.
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = ("discriminator", "generator", "penalty", "uneven")
BALANCE = ("augmented", "overfitting")
BESIDE = frozenset({"step", "kimg", "images_per_s", "rate", "judged", "fd_pictures", *LOSSES, *BALANCE})
"""What is no judgement: every other number of a line is one, and gets a field of its own."""


def draw(lines: Iterable[Mapping[str, Any]], title: str) -> bytes | None:
    """The curves of these statistics as a PNG file; `None`: no matplotlib, or nothing to show."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    known = [line for line in lines if "kimg" in line]
    if len(known) < 2:
        return None
    judged = sorted({key for line in known for key, value in line.items() if _is_judged(key, value)})
    fields: list[tuple[str, Sequence[str]]] = [("losses", LOSSES), ("overfitting and augmentation", BALANCE)]
    fields += [(name, (name,)) for name in judged]
    fields = [(words, keys) for words, keys in fields if any(key in line for line in known for key in keys)]
    if not fields:
        return None
    figure = Figure(figsize=(8, 2.4 * len(fields)), dpi=100, layout="constrained")
    axes = figure.subplots(len(fields), 1, sharex=True, squeeze=False)[:, 0]
    for place, (words, keys) in zip(axes, fields, strict=True):
        _curves(place, known, keys)
        place.set_title(words, loc="left", fontsize=10)
    axes[0].figure.suptitle(title, fontsize=11)
    axes[-1].set_xlabel("thousand pictures shown (kimg)")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _curves(place: "Axes", lines: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    for key in keys:
        points = [(line["kimg"], line[key]) for line in lines if isinstance(line.get(key), int | float)]
        if points:
            place.plot(
                *zip(*points, strict=True), label=key, linewidth=1, marker="." if len(points) < 30 else ""
            )
    place.grid(alpha=0.3)
    if place.get_lines():
        place.legend(fontsize=8, loc="upper left")


def _is_judged(key: str, value: object) -> bool:
    return key not in BESIDE and isinstance(value, int | float) and not isinstance(value, bool)
