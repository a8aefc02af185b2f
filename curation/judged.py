"""What curation decided about each image of a manifest (`verdicts.jsonl`)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from collectors.frozen import Frozen
from collectors.record import Verdict
from curation.duplicates.edges import Edge


class OriginalsMissing(Exception):
    """Files that the manifest lists and the workspace does not hold."""

    def __init__(self, uids: Sequence[str]) -> None:
        how_many = f"{len(uids)} originals are missing, {uids[0]} among them"
        super().__init__(how_many if len(uids) > 1 else f"the original of {uids[0]} is missing")
        self.uids = tuple(uids)


class Judged(Frozen):
    """The decision about one image, with what was measured on the way. `None`: not measured."""

    uid: str
    verdict: Verdict
    width: int | None = None
    """Of the upright image, in pixels."""
    height: int | None = None
    pixels_sha256: str | None = None
    """Hash of the upright sRGB pixels: equal for files that differ only in their bytes."""
    phash: str | None = None
    """256-bit perceptual hash, hexadecimal."""
    alternates: tuple[str, ...] = ()
    """For a kept image: the uids of its copies that were dropped."""
    conflict: str | None = None
    """For a kept image: which copies claim other terms; its own are then the strictest, or the author's."""
    edge: Edge | None = None
    """For a copy: the evidence that it is one of `verdict.twin`."""
    same_sky: tuple[str, ...] = ()
    """uids of other photographs of the same place; they stand on the same side of the split."""
    split: Literal["train", "test"] | None = None
    """For a kept image: which part of the dataset it is in."""
    box: tuple[int, int, int, int] | None = None
    """For a kept image: left, top, right, bottom of the square in the upright image. It reaches beyond the
    image where sky was added."""
    crop: Literal["centre", "subject"] | None = None
    """For a kept image: how the box was chosen."""
    lost: Mapping[str, float] = {}
    """Share of the subject that each way to crop would cut off: `{"centre": 0.31, "subject": 0.0}`; empty
    where no subject was found."""
    scores: Mapping[str, float] = {}
    """What each filter of the screening says, from 0 to 1."""
    doubts: tuple[str, ...] = ()
    """Filters whose score is so near to its threshold that a person should look."""
    notes: tuple[str, ...] = ()
    """What decoding had to decide: `frame 1 of 12`, `alpha over black`, `Display P3 to sRGB`."""
