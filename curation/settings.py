"""What a recipe may say about curation: `[policy]`, `[curate]` and `[publish]`."""

from typing import Literal

from pydantic import Field

from collectors.frozen import Settings

DENY = (
    "* logo",
    "* logo.*",
    "logos of *",
    "*coats of arms*",
    "*mission patch*",
    "*infographic*",
    "*screenshots*",
    "*press conference*",
    "*group photo*",
    "*people of *",
    "*people by *",
    "people at *",
    "*selfies*",
    "*telescope dome*",
    "*observatory dome*",
    "*observatory building*",
    "*launch pad*",
    "*rocket launch*",
    "*postage stamp*",
    "*book covers*",
    "*magazine covers*",
)
"""Words that stand over no honest picture of the sky, most of them names of categories."""

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


class ScreenSettings(Settings):
    """`[curate.screen]`: which pictures show something else. Each filter gives a score from 0 to 1."""

    diagram: float = Field(default=0.5, ge=0, le=1)
    """Score above which a picture is a diagram, chart or drawing; 1 turns the filter off, as below."""
    photograph: float = Field(default=0.5, ge=0, le=1)
    """Score above which a picture is a photograph by daylight (landscape, people, things): off-topic."""
    text: float = Field(default=0.5, ge=0, le=1)
    """Score above which text or a watermark lies over the picture."""
    frame: float = Field(default=0.5, ge=0, le=1)
    """Score above which a frame or border takes part of the picture."""
    collage: float = Field(default=0.5, ge=0, le=1)
    """Score above which a file holds several pictures side by side."""
    blurred: float = Field(default=0.5, ge=0, le=1)
    """Score above which a picture is blurred, or enlarged from a smaller one."""
    doubtful: float = Field(default=0.2, ge=0, le=1)
    """Scores this near to a threshold, on either side, are shown in the review."""
    deny: tuple[str, ...] = DENY
    """Globs over titles and categories that are off-topic: people, buildings, logos. `[]` denies nothing."""


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
    match_parts: bool = True
    """Hold parts of pictures against each other too, which finds crops, small turns and captioned copies.
    Needs OpenCV (`[verify]`); its time grows with the square of the images: turn it off beyond 100,000."""
    crop: Literal["centre", "subject"] = "centre"
    """Where the square is cut: `centre`, or around the `subject` (a planet with its rings), which is never
    cut: sky is added at the sides where the picture is too small."""
    held_out: float = Field(default=0.1, ge=0, lt=1)
    """Share of the images that becomes the split `test`, never trained on; copies and other photographs of
    the same sky stay on one side. 0: everything is `train`."""
    screen: ScreenSettings = ScreenSettings()


class PublishSettings(Settings):
    """`[publish]`: how the dataset is called, where it goes, and whether it names what it may not hold."""

    title: str | None = None
    """Name on the dataset card; default: the recipe's name."""
    repo: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    """The dataset on the Hub: `user/nebulae`."""
    private: bool = False
    """Make the repository private when it is created."""
    pull_request: Literal["auto", "always", "never"] = "auto"
    """`auto`: a pull request where the repository already holds files, else a commit."""
    contact: str | None = None
    """Where somebody asks to have an image removed, an e-mail address or a page; it is printed on the card.
    Default: the discussions of the repository."""
    references: bool = True
    """Write images of `[policy] reference` as rows without pixels, which others can fetch themselves."""
