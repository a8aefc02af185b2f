"""Sheets of pictures, and what a file says of itself."""

import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.sheets import GAP, KEY, pixels, png, sheet  # noqa: E402


def test_numbers_become_bytes_and_what_lies_outside_is_cut() -> None:
    values = torch.tensor([-9.0, -1, 0, 1, 9]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    found = pixels(values)
    assert found.shape == (1, 1, 5, 3)
    assert found.dtype == np.uint8
    assert found[0, 0, :, 1].tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(
    ("count", "across", "columns", "rows"), [(1, None, 1, 1), (5, None, 3, 2), (5, 5, 5, 1)]
)
def test_every_picture_stands_at_its_place(count: int, across: int | None, columns: int, rows: int) -> None:
    side = 4
    pictures = [np.full((side, side, 3), 10 * (number + 1), np.uint8) for number in range(count)]
    whole = np.asarray(sheet(pictures, across))
    step = side + GAP
    assert whole.shape == (rows * step - GAP, columns * step - GAP, 3)
    for number, picture in enumerate(pictures):
        top, left = number // columns * step, number % columns * step
        assert (whole[top : top + side, left : left + side] == picture).all()
    assert whole.sum() == sum(int(picture.sum()) for picture in pictures), "nothing but the pictures"


def test_a_file_carries_its_facts_and_only_what_is_synthetic_says_so() -> None:
    image = Image.new("RGB", (2, 2), (1, 2, 3))
    facts = {"synthetic": True, "name": "Крабовидная 🦀"}
    with Image.open(BytesIO(png(image, facts))) as read:
        assert json.loads(read.info[KEY]) == facts
        assert "trainedAlgorithmicMedia" in read.info["XML:com.adobe.xmp"]
        assert read.getpixel((0, 0)) == (1, 2, 3)
    with Image.open(BytesIO(png(image, {"kimg": 1}))) as read:
        assert json.loads(read.info[KEY]) == {"kimg": 1}
        assert "XML:com.adobe.xmp" not in read.info
    with Image.open(BytesIO(png(image))) as read:
        assert KEY not in read.info
    assert png(image, facts) == png(image, facts)
