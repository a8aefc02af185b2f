"""Screening on the deep-sky pictures of Debian's stellarium-data: at most 1 % lost, overlays found."""

import pytest
import stellarium
from PIL import Image, ImageDraw, ImageFont

from curation.imaging.pixels import open_upright
from curation.screening.measures import Views, scores


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    return [open_upright(path, max_pixels=10**8).image for path in stellarium.nebulae()[::5]]


def above(picture: Image.Image) -> set[str]:
    return {name for name, score in scores(Views.of(picture)).items() if score > 0.5}


def test_at_most_one_in_a_hundred_real_pictures_is_lost(pictures: list[Image.Image]) -> None:
    lost = [above(picture) for picture in pictures if above(picture)]
    assert len(lost) <= len(pictures) // 100, lost


def signed(picture: Image.Image) -> Image.Image:
    drawn = picture.copy()
    font = ImageFont.load_default(size=max(12, picture.height // 20))
    place = (picture.width // 12, picture.height // 12)
    ImageDraw.Draw(drawn).text(place, "NGC 1234 Nebula", "white", font)
    return drawn


def framed(picture: Image.Image) -> Image.Image:
    wide = picture.width // 25
    paper = Image.new("RGB", (picture.width + 2 * wide, picture.height + 2 * wide), "white")
    paper.paste(picture, (wide, wide))
    return paper


def enlarged(picture: Image.Image) -> Image.Image:
    return picture.resize((3 * picture.width, 3 * picture.height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(("make", "name"), [(signed, "text"), (framed, "frame"), (enlarged, "blurred")])
def test_what_is_laid_over_real_pictures_is_found(
    pictures: list[Image.Image], make: object, name: str
) -> None:
    assert callable(make)
    chosen = pictures[::6]
    found = sum(name in above(make(picture)) for picture in chosen)
    assert found >= 0.85 * len(chosen), f"{found} of {len(chosen)}"
