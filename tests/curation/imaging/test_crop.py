"""The square: centred, scaled once without losing stars, and the same bytes every time."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from skies import a_sky

from curation.imaging import pixels
from curation.imaging.crop import decode, encode, render, square, square_key
from curation.settings import CurateSettings


def saved(folder: Path, image: Image.Image, name: str = "original.png") -> Path:
    path = folder / name
    image.save(path)
    return path


def read(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
def test_a_square_is_the_same_bytes_every_time_and_carries_no_metadata(
    tmp_path: Path, format: Literal["png", "webp", "jpeg"]
) -> None:
    image = a_sky(1, 120, 90)
    text = PngInfo()
    text.add_text("Comment", "taken from the garden")
    image.save(tmp_path / "original.png", pnginfo=text, icc_profile=b"junk", dpi=(72, 72))
    settings = CurateSettings(size=64, format=format)
    data = render(tmp_path / "original.png", (15, 0, 105, 90), settings)
    assert data == render(saved(tmp_path, image, "plain.png"), (15, 0, 105, 90), settings)
    result = read(data)
    assert (result.format, result.size, result.mode) == (format.upper(), (64, 64), "RGB")
    assert not {"icc_profile", "exif", "Comment", "comment"} & set(result.info)
    assert b"garden" not in data


@pytest.mark.parametrize("format", ["png", "webp"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, format: Literal["png", "webp"]) -> None:
    settings = CurateSettings(size=48, format=format)
    image = square(decode(saved(tmp_path, a_sky(2, 96)), settings), (0, 0, 96, 96), 48)
    assert np.array_equal(np.asarray(read(encode(image, settings)).convert("RGB")), np.asarray(image))


def test_a_square_of_the_right_size_is_not_touched(tmp_path: Path) -> None:
    image = a_sky(3, 80, 64)
    data = render(saved(tmp_path, image), (8, 0, 72, 64), CurateSettings(size=64))
    assert np.array_equal(np.asarray(read(data)), np.asarray(image.crop((8, 0, 72, 64))))


def test_the_box_counts_in_the_upright_image(tmp_path: Path) -> None:
    upright = a_sky(4, 64, 96)
    exif = Image.Exif()
    exif[274] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    data = render(tmp_path / "turned.png", (0, 16, 64, 80), CurateSettings(size=64))
    assert np.array_equal(np.asarray(read(data)), np.asarray(upright.crop((0, 16, 64, 80))))


def test_no_star_is_lost_at_a_factor_of_eight(tmp_path: Path) -> None:
    sky = np.zeros((1024, 1024), dtype=np.uint8)
    places = np.random.default_rng(5).permutation(64 * 64)[:200] * 4 % (128 * 128)
    sky[places // 128 * 8 + places % 7, places % 128 * 8 + places % 5] = 255
    data = render(saved(tmp_path, Image.fromarray(sky)), (0, 0, 1024, 1024), CurateSettings(size=128))
    found = np.asarray(read(data).convert("L"))
    for place in places:
        row, column = place // 128, place % 128
        around = found[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        assert around.max() > 0


def test_a_very_large_original_gives_the_same_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, settings = saved(tmp_path, a_sky(6, 2200, 2300)), CurateSettings(size=256)
    whole = np.asarray(read(render(path, (0, 50, 2200, 2250), settings))).astype(float)
    monkeypatch.setattr(pixels, "LARGE", 2_000_000)
    assert decode(path, settings).reduced == 2
    small = np.asarray(read(render(path, (0, 50, 2200, 2250), settings))).astype(float)
    assert np.abs(whole - small).mean() < 1


def test_a_jpeg_decoded_at_half_its_size_gives_the_same_square_and_loses_no_star(tmp_path: Path) -> None:
    dice = np.random.default_rng(7)
    field = np.asarray(a_sky(7, 1100, 1040).resize((2200, 2080), Image.Resampling.BICUBIC)).astype(float)
    stars = dice.integers(100, 2000, (120, 2))
    for row, column in stars:
        field[row : row + 2, column : column + 2] += 250
    path = tmp_path / "field.jpg"
    Image.fromarray(np.clip(field, 0, 255).astype(np.uint8)).save(path, quality=92)
    settings = CurateSettings(size=512)
    smaller = decode(path, settings)
    assert (smaller.reduced, smaller.image.size) == (2, (1100, 1040))
    assert smaller.notes == ()
    whole = pixels.open_upright(path, max_pixels=10**8)
    box = (60, 0, 2140, 2080)
    quick = np.asarray(square(smaller, box, 512)).astype(float)
    slow = np.asarray(whole.image.resize((512, 512), Image.Resampling.LANCZOS, box=box)).astype(float)
    assert 10 * np.log10(255**2 / ((quick - slow) ** 2).mean()) > 40
    for row, column in stars:
        y, x = int(row * 512 / 2080), int((column - 60) * 512 / 2080)
        if 1 <= x < 510:
            around = np.s_[max(0, y - 1) : y + 2, x - 1 : x + 2]
            assert quick[around].max() > 0.75 * slow[around].max()


def test_a_square_is_kept_under_all_that_its_bytes_depend_on() -> None:
    box = (0, 0, 9, 9)
    keys = {
        square_key("a" * 64, box, CurateSettings()),
        square_key("b" * 64, box, CurateSettings()),
        square_key("a" * 64, (0, 0, 8, 8), CurateSettings()),
        square_key("a" * 64, box, CurateSettings(size=256)),
        square_key("a" * 64, box, CurateSettings(format="webp")),
    }
    assert len(keys) == 5
    assert square_key("a" * 64, box, CurateSettings(duplicates=False)) in keys
