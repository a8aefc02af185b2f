"""Sky beside a picture: no seam, as grainy as the picture, its pixels untouched, the same every time."""

import hashlib

import numpy as np
import pytest
from PIL import Image
from worlds import World, bands, photograph

from curation.imaging.boxes import Box
from curation.imaging.crop import square
from curation.imaging.pixels import Picture
from curation.imaging.sky import added

KNOWN = (60, 90, 320, 300)


def framed(picture: Image.Image, size: int = 400, known: Box = KNOWN) -> Image.Image:
    canvas = Image.new("RGB", (size, size), (255, 0, 255))
    canvas.paste(picture.crop((0, 0, known[2] - known[0], known[3] - known[1])), known[:2])
    return canvas


def sky(**options: float) -> Image.Image:
    return photograph(260, 210, World(130, 105, 60, texture=bands(1)), **({"seed": 4} | options)).image  # type: ignore[arg-type]


def test_the_pictures_own_pixels_stay_and_no_other_is_left_empty() -> None:
    canvas = framed(sky(sky=9, noise=2))
    result = np.asarray(added(canvas, KNOWN)).astype(int)
    left, top, right, bottom = KNOWN
    assert np.array_equal(result[top:bottom, left:right], np.asarray(canvas)[top:bottom, left:right])
    assert result[..., 0].max() < 250  # the magenta of the canvas is gone
    outside = np.ones((400, 400), dtype=bool)
    outside[top:bottom, left:right] = False
    assert np.abs(result[outside].mean(axis=0) - [8.1, 8.55, 9]).max() < 1.5


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0])
def test_the_added_sky_is_as_grainy_as_the_pictures(noise: float) -> None:
    picture = sky(sky=40, noise=noise)
    result = np.asarray(added(framed(picture), KNOWN)).astype(float)
    own = np.asarray(picture)[:30, :30].astype(float)
    for new in (result[10:60, 100:300], result[330:380, 20:200], result[120:280, 5:50]):
        assert np.abs(new.std(axis=(0, 1)) - own.std(axis=(0, 1))).max() < 0.6 + 0.15 * noise
    rough = [np.abs(np.diff(part, axis=1)).mean() for part in (own, result[10:60, 100:300])]
    assert abs(rough[0] - rough[1]) < 0.3 + 0.15 * noise


def test_there_is_no_seam_on_a_bright_and_uneven_sky() -> None:
    picture = sky(sky=60, gradient=(40, -30), noise=1)  # type: ignore[arg-type]
    result = np.asarray(added(framed(picture), KNOWN)).astype(float)
    left, top, right, bottom = KNOWN
    for inside, outside in (
        (result[top : top + 4, left:right], result[top - 4 : top, left:right]),
        (result[bottom - 4 : bottom, left:right], result[bottom : bottom + 4, left:right]),
        (result[top:bottom, left : left + 4], result[top:bottom, left - 4 : left]),
        (result[top:bottom, right - 4 : right], result[top:bottom, right : right + 4]),
    ):
        along = 0 if inside.shape[0] == 4 else 1
        steps = inside.mean(axis=along) - outside.mean(axis=along)
        smooth = np.stack([np.convolve(steps[:, c], np.ones(15) / 15, "valid") for c in range(3)])
        assert np.abs(smooth).max() < 3


def test_no_part_of_the_body_is_repeated_in_the_sky() -> None:
    seen = photograph(260, 210, World(130, 105, 100, texture=bands(2)), sky=6, noise=1.5)
    result = np.asarray(added(framed(seen.image), KNOWN)).astype(int)
    outside = np.ones((400, 400), dtype=bool)
    outside[KNOWN[1] : KNOWN[3], KNOWN[0] : KNOWN[2]] = False
    assert result[outside].max() < 30


def test_stars_are_dealt_with_the_grain_and_never_drawn_out() -> None:
    picture = photograph(
        260, 210, World(130, 105, 40, texture=bands(3)), sky=5, noise=1, stars=260, seed=5
    ).image
    result = np.asarray(added(framed(picture), KNOWN)).max(axis=2)
    beyond = result[:70]
    assert (beyond > 30).any()
    for line in (*beyond, *beyond.T):
        longest = max(len(run) for run in "".join("x" if value > 30 else " " for value in line).split(" "))
        assert longest <= 8


def test_black_sky_is_continued_in_black() -> None:
    picture = photograph(260, 210, World(130, 105, 60, texture=bands(1)), sky=0, noise=0, blur=0).image
    result = np.asarray(added(framed(picture), KNOWN))
    assert result[:90].max() == 0
    assert result[300:].max() == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (9, 2)])
def test_a_sliver_of_a_picture_is_enough(size: tuple[int, int]) -> None:
    known = (20, 10, 20 + size[0], 10 + size[1])
    result = np.asarray(added(framed(Image.new("RGB", size, (7, 8, 9)), 64, known), known))
    assert np.array_equal(np.unique(result.reshape(-1, 3), axis=0), [[7, 8, 9]])


def test_the_same_picture_gets_the_same_sky() -> None:
    canvas = framed(sky(sky=9, noise=2))
    assert added(canvas, KNOWN).tobytes() == added(canvas.copy(), KNOWN).tobytes()


@pytest.mark.parametrize("size", [256, 512, 1024])
@pytest.mark.parametrize("reduced", [1, 2])
def test_a_square_beyond_the_picture_has_its_size_and_the_pictures_pixels_in_place(
    size: int, reduced: int
) -> None:
    seen = photograph(1500, 1100, World(800, 300, 220, texture=bands(4)), sky=8, noise=0, blur=1)
    image = seen.image.reduce(reduced) if reduced > 1 else seen.image
    box = (500, -60, 1124, 564)
    found = square(Picture(image, 1500, 1100, (), reduced), box, size)
    assert (found.size, found.mode) == ((size, size), "RGB")
    inner = (540, 0, 1084, 544)  # the same scale, without sky
    whole = square(Picture(image, 1500, 1100, (), reduced), inner, round(size * 544 / 624))
    at = (round(40 * size / 624), round(60 * size / 624))
    part = found.crop((*at, at[0] + whole.width, at[1] + whole.height))
    assert np.abs(np.asarray(part).astype(float) - np.asarray(whole)).mean() < 1.5
    above = np.asarray(found)[: int(55 * size / 624)]
    assert above.max() < 16


def test_the_added_sky_is_known_to_the_byte() -> None:
    """A change here changes published squares: raise `crop.SQUARE_VERSION` with it."""
    y, x = np.mgrid[:100, :140]
    picture = np.stack([(x * 7 + y * 13) % 5 + 3, (x * 11 + y * 3) % 4 + 2, (x + y) % 3], axis=-1)
    canvas = framed(Image.fromarray(picture.astype(np.uint8)), 200, (30, 50, 170, 150))
    digest = hashlib.sha256(added(canvas, (30, 50, 170, 150)).tobytes()).hexdigest()
    assert digest[:16] == "533c9ce7506462c1"
