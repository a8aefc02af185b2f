"""What a recipe may say about curation: `[policy]` and `[curate]`."""

from typing import Literal

from pydantic import Field

from collectors.frozen import Settings

FREE = ("pd", "pd-claim", "nkcr", "by", "sa", "copyleft")


class PolicySettings(Settings):
    """`[policy]`: which licences are allowed, and for what."""

    purpose: Literal["publish", "train", "private"] = "publish"
    """What the dataset is for; `publish` includes training, and makes crops of ND images forbidden."""
    allow: tuple[str, ...] = FREE
    """Licence classes (`by`) or ids (`CC-BY-4.0`)."""
    refuse: tuple[str, ...] = ()
    """Classes or ids that are refused even where `allow` names them."""
    reference: tuple[str, ...] = ()
    """Classes or ids (`["nd", "nc"]`) that are fetched to train on but not handed on: with `publish`, such
    images become reference rows without pixels. They count towards the limit."""
    unknown: Literal["refuse", "review"] = "refuse"
    """`review`: images without a readable licence are fetched for a person to look at, never published."""


class CurateSettings(Settings):
    """`[curate]`: what the square images are like."""

    size: int = Field(default=512, ge=16, le=4096)
    """Side of the square crop in pixels."""
    min_side: int | None = Field(default=None, ge=1)
    """Shortest side an image must have; default: `size`, so that nothing is enlarged."""
    max_megapixels: float = Field(default=500, gt=0)
    """Images beyond this are not decoded."""
    format: Literal["png", "webp", "jpeg"] = "png"
    """How the squares are encoded: `png`, `webp` (both keep every pixel) or `jpeg`."""
    duplicates: bool = True
    """Drop near-duplicates, turned and mirrored copies included."""
    crop: Literal["centre"] = "centre"
    """Where the square is cut."""
