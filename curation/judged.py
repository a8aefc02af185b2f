"""What curation decided about each image of a manifest (`verdicts.jsonl`)."""

from collections.abc import Sequence

from collectors.frozen import Frozen
from collectors.record import Verdict


class OriginalsMissing(Exception):
    """Files that the manifest lists and the workspace does not hold."""

    def __init__(self, uids: Sequence[str]) -> None:
        super().__init__(f"{len(uids)} originals are missing, {uids[0]} among them")
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
    box: tuple[int, int, int, int] | None = None
    """For a kept image: left, top, right, bottom of the square in the upright image."""
    notes: tuple[str, ...] = ()
    """What decoding had to decide: `frame 1 of 12`, `alpha over black`, `Display P3 to sRGB`."""
