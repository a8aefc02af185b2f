"""Edges: what joins two pictures, and the evidence for it."""

from collections.abc import Iterator
from enum import StrEnum

from pydantic import Field

from collectors.frozen import Frozen
from curation.imaging.fingerprint import ORIENTATIONS


class EdgeKind(StrEnum):
    """Every ground on which two pictures belong together, the firmest first."""

    SAME_BYTES = "same_bytes"
    SAME_PIXELS = "same_pixels"
    HASH = "hash"
    """Upright hashes that are near and full of detail; the pictures agree as well."""
    VERIFIED = "verified"
    """Laid over each other, the pictures agree: by orientation of the whole, or by local features."""
    SAME_SKY = "same_sky"
    """Another photograph of the same place: not a copy, both may stay, but on one side of a split."""


class Geometry(Frozen):
    """How the second of two pictures lies on the first. `None`: not measured for this kind of evidence."""

    orientation: int | None = Field(default=None, ge=0, lt=len(ORIENTATIONS))
    """Which of `ORIENTATIONS` makes the second of the first."""
    inliers: int | None = None
    """Local features that one similarity transform maps onto each other."""
    scale: float | None = None
    """Size of the first in the second: below 1 the second shows more of it on fewer pixels."""
    angle: float | None = None
    """Degrees by which the second is turned to the right."""
    mirrored: bool | None = None
    agreement: float | None = None
    """Median correlation of the two over their tiles (`duplicates.agreement`): copies 1, strangers 0."""


class Edge(Geometry):
    """Two pictures that belong together, and the evidence."""

    first: str
    """uid; of copies, the picture that stays."""
    second: str
    kind: EdgeKind
    distance: int | None = None
    """Bits of 256 by which the hashes differ in that orientation."""

    @property
    def words(self) -> str:
        """`turned by 90° right (distance 12, agreement 0.97)`: what a person is told."""
        if self.kind in (EdgeKind.SAME_BYTES, EdgeKind.SAME_PIXELS):
            return self.kind.value.replace("_", " ")
        facts = [
            f"distance {self.distance}" if self.distance is not None else "",
            f"{self.inliers} features" if self.inliers is not None else "",
            f"agreement {self.agreement:.2f}" if self.agreement is not None else "",
        ]
        return f"{self.view} ({', '.join(fact for fact in facts if fact)})"

    @property
    def view(self) -> str:
        """How the second lies on the first: `turned by 90° right`, `the same view`."""
        if self.orientation is not None:
            view = ORIENTATIONS[self.orientation].name or "the same view"
        else:
            view = ", ".join(self._geometry) or "the same view"
        return f"another photograph: {view}" if self.kind is EdgeKind.SAME_SKY else view

    @property
    def _geometry(self) -> Iterator[str]:
        """How the second lies on the first, for what local features found."""
        if self.mirrored:
            yield "mirrored"
        if self.angle is not None and round(self.angle):
            yield f"turned by {round(self.angle)}°"
        if self.scale is not None and round(self.scale, 2) != 1:
            yield f"at {self.scale:.2f} times the scale"
