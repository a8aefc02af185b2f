"""Opening images: every mode and format has its rule, damage is always `Unreadable`, memory stays bounded."""

import io
import random
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageFile

from curation.imaging import colours, pixels
from curation.imaging.pixels import Picture, TooManyPixels, Unreadable, open_upright

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def a_picture(width: int = 60, height: int = 40) -> Image.Image:
    """Smooth colours, brightest at the top left, so that a turn shows."""
    y, x = np.mgrid[:height, :width]
    bands = (255 - 4 * x, 255 - 5 * y, 100 + x + y)
    return Image.fromarray(np.clip(np.stack(bands, axis=-1), 0, 255).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def opened(folder: Path, data: bytes, **limits: Any) -> Picture:
    path = folder / "picture"
    path.write_bytes(data)
    return open_upright(path, **({"max_pixels": 10**8} | limits))


def values(picture: Picture) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(picture.image).astype(np.int64)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_opens_as_it_was_saved(tmp_path: Path, format: str) -> None:
    picture = opened(tmp_path, encoded(a_picture(), format))
    assert (picture.image.mode, picture.image.size) == ("RGB", (60, 40))
    assert (picture.width, picture.height, picture.notes, picture.reduced) == (60, 40, (), 1)
    assert np.abs(values(picture) - np.asarray(a_picture())).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_every_exif_orientation_is_turned_upright(tmp_path: Path, format: str, orientation: int) -> None:
    turn = pixels._TURNS.get(orientation)
    stored = a_picture()
    if turn is not None:  # the file holds what the turn undoes
        back = {
            Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
            Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
        }
        stored = stored.transpose(back.get(turn, turn))
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
    picture = opened(tmp_path, encoded(stored, format, exif=exif, **options))
    assert (picture.width, picture.height) == picture.image.size == (60, 40)
    assert np.array_equal(values(picture), np.asarray(a_picture()))


def test_broken_exif_is_ignored_with_a_note(tmp_path: Path) -> None:
    picture = opened(tmp_path, encoded(a_picture(), "PNG", exif=b"Exif\0\0junk"))
    assert np.array_equal(values(picture), np.asarray(a_picture()))
    assert picture.notes == ("broken EXIF ignored",)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_16_bit_gray_keeps_its_full_range(tmp_path: Path, format: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (8, 1))
    picture = opened(tmp_path, encoded(Image.fromarray(ramp), format))
    assert np.array_equal(values(picture)[..., 0], ramp >> 8)
    assert picture.notes == ("16-bit gray by its full range",)


def a_12_bit_tiff(values: list[int]) -> bytes:
    """One row of packed 12-bit samples behind the smallest possible TIFF header."""
    packed = b"".join(
        bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255])
        for a, b in zip(values[::2], values[1::2], strict=True)
    )
    tags = {256: len(values), 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: len(packed)}
    start = 8 + len(packed) + len(packed) % 2
    entries = b"".join(
        pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value) for tag, value in tags.items()
    )
    return (
        b"II*\0"
        + pack("<I", start)
        + packed.ljust(start - 8, b"\0")
        + pack("<H", len(tags))
        + entries
        + bytes(4)
    )


def test_12_bit_gray_keeps_its_full_range(tmp_path: Path) -> None:
    picture = opened(tmp_path, a_12_bit_tiff([0, 2048, 4095, 160]))
    assert values(picture)[0, :, 0].tolist() == [0, 128, 255, 10]
    assert picture.notes == ("12-bit gray by its full range",)


def test_float_gray_runs_from_its_lowest_to_its_highest_value(tmp_path: Path) -> None:
    gray = np.linspace(-1, 3, 64, dtype=np.float32).reshape(8, 8)
    gray[3, 3], gray[4, 4] = np.nan, np.inf
    picture = opened(tmp_path, encoded(Image.fromarray(gray), "TIFF"))
    found = values(picture)[..., 0]
    assert (found[0, 0], found[7, 7], found[3, 3], found[4, 4]) == (0, 255, 0, 255)
    assert picture.notes == ("float gray from -1 to 3",)


def test_constant_float_gray_is_black(tmp_path: Path) -> None:
    picture = opened(tmp_path, encoded(Image.fromarray(np.full((4, 4), 7, np.float32)), "TIFF"))
    assert values(picture).max() == 0


def test_32_bit_gray_runs_from_its_lowest_to_its_highest_value(tmp_path: Path) -> None:
    gray = np.array([[1000, 1_000_000], [500_500, 1000]], dtype=np.int32)
    picture = opened(tmp_path, encoded(Image.fromarray(gray), "TIFF"))
    assert values(picture)[..., 0].tolist() == [[0, 255], [128, 0]]


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_is_not_shown_as_its_negative(tmp_path: Path, format: str) -> None:
    picture = opened(tmp_path, encoded(a_picture().convert("CMYK"), format))
    assert np.abs(values(picture) - np.asarray(a_picture())).mean() < 6


def test_cmyk_jpeg_without_adobes_marker_is_not_inverted(tmp_path: Path) -> None:
    cmyk = a_picture().convert("CMYK")
    data = encoded(ImageChops.invert(cmyk), "JPEG", quality=95)
    at = data.index(b"\xff\xeeAdobe"[:2])
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    picture = opened(tmp_path, data[:at] + data[at + 2 + length :])
    assert np.abs(values(picture) - np.asarray(a_picture())).mean() < 6


def test_lab_becomes_srgb(tmp_path: Path) -> None:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    lab = ImageCms.applyTransform(a_picture(), to_lab)
    assert lab is not None
    picture = opened(tmp_path, encoded(lab, "TIFF"))
    assert np.abs(values(picture) - np.asarray(a_picture())).mean() < 4


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_hidden_colours_do_not_leak(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGB", (4, 1), (200, 200, 200)).convert(mode)
    alpha = Image.new("L", (4, 1))
    for x, opacity in enumerate((0, 128, 255, 0)):
        alpha.putpixel((x, 0), opacity)
    image.putalpha(alpha)
    picture = opened(tmp_path, encoded(image, "PNG"))
    assert values(picture)[0, :, 0].tolist() == [0, 100, 200, 0]
    assert picture.notes == ("alpha over black",)


def test_transparent_palette_entries_are_black(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 250, 240, 230])
    image.putpixel((1, 0), 1)
    assert values(opened(tmp_path, encoded(image, "PNG")))[0].tolist() == [[10, 20, 30], [250, 240, 230]]
    assert values(opened(tmp_path, encoded(image, "PNG", transparency=1)))[0].tolist() == [
        [10, 20, 30],
        [0, 0, 0],
    ]


def test_a_colour_key_is_black_and_one_bit_is_black_and_white(tmp_path: Path) -> None:
    gray = Image.fromarray(np.array([[7, 90]], dtype=np.uint8))
    assert values(opened(tmp_path, encoded(gray, "PNG", transparency=90)))[0, :, 0].tolist() == [7, 0]
    bits = Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1")
    assert values(opened(tmp_path, encoded(bits, "PNG")))[0, :, 0].tolist() == [0, 255]


def test_another_profile_is_converted_and_srgb_left_alone(tmp_path: Path) -> None:
    swapped = bytearray(SRGB)  # red and green primaries exchanged: a profile no viewer could ignore
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    swapped = bytearray(
        bytes(swapped)
        .replace("sRGB".encode("utf-16-be"), "Mine".encode("utf-16-be"))
        .replace(b"sRGB built", b"Mine built")
    )
    picture = opened(tmp_path, encoded(a_picture(), "PNG", icc_profile=bytes(swapped)))
    assert np.abs(values(picture) - np.asarray(a_picture())[..., [1, 0, 2]]).mean() < 3
    assert picture.notes == ("Mine built-in to sRGB",)
    plain = opened(tmp_path, encoded(a_picture(), "PNG", icc_profile=SRGB))
    assert np.array_equal(values(plain), np.asarray(a_picture()))
    assert plain.notes == ()


@pytest.mark.parametrize("profile", [b"junk", SRGB[:200], SRGB])
def test_a_profile_that_does_not_fit_is_ignored_with_a_note(tmp_path: Path, profile: bytes) -> None:
    gray = a_picture().convert("L")  # to which even a good RGB profile says nothing
    picture = opened(tmp_path, encoded(gray, "PNG", icc_profile=profile))
    assert np.array_equal(values(picture)[..., 1], np.asarray(gray))
    assert picture.notes == ("broken colour profile ignored",)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path, format: str) -> None:
    first, second = Image.new("RGB", (20, 20), (200, 0, 0)), Image.new("RGB", (20, 20), (0, 0, 200))
    picture = opened(tmp_path, encoded(first, format, save_all=True, append_images=[second]))
    red, _, blue = values(picture).mean(axis=(0, 1))
    assert red > 180
    assert blue < 20
    assert picture.notes == ("frame 1 of 2",)


def test_damage_behind_the_first_page_does_not_hide_it(tmp_path: Path) -> None:
    data = encoded(a_picture(), "TIFF", save_all=True, append_images=[a_picture()] * 2)
    picture = opened(tmp_path, data[: len(data) * 2 // 3])
    assert np.array_equal(values(picture), np.asarray(a_picture()))
    assert picture.notes[0].startswith("frame 1")


def a_bomb(side: int) -> bytes:
    """A few kilobytes of PNG that promise side x side black pixels and hold them."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + side // 8)) for _ in range(side)) + packer.flush()
    header = pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(TooManyPixels) as caught:
        opened(tmp_path, a_bomb(14_400)[:64], max_pixels=200_000_000)  # cut: decoding it would fail otherwise
    assert (caught.value.width, caught.value.height, caught.value.limit) == (14_400, 14_400, 200_000_000)


def test_beyond_pillows_own_limit_the_callers_limit_counts(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = opened(tmp_path, a_bomb(14_400), max_pixels=250_000_000, reduce_to=1024)
    assert (picture.width, picture.height, picture.reduced) == (14_400, 14_400, 2)
    assert picture.image.size == (7200, 7200)


def test_large_pictures_are_averaged_down_strip_by_strip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "LARGE", 300)
    monkeypatch.setattr(pixels, "STRIP", 240)
    whole = opened(tmp_path, encoded(a_picture(), "PNG"))
    assert whole.reduced == 1
    small = opened(tmp_path, encoded(a_picture(), "PNG"), reduce_to=10)
    assert (small.reduced, small.image.size, small.width, small.height) == (3, (20, 14), 60, 40)
    assert np.array_equal(values(small), np.asarray(a_picture().reduce(3)))
    assert small.notes == ("averaged down to 1/3",)
    limited = opened(tmp_path, encoded(a_picture(), "PNG"), reduce_to=20)
    assert (limited.reduced, limited.image.size) == (2, (30, 20))


def test_large_jpegs_are_never_decoded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "LARGE", 3000)
    picture = opened(tmp_path, encoded(a_picture(480, 320), "JPEG"), reduce_to=16)
    assert (picture.reduced, picture.image.size, picture.width) == (8, (60, 40), 480)


def test_strips_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = Image.fromarray(np.linspace(-5, 5, 2400, dtype=np.float32).reshape(40, 60))
    whole = values(opened(tmp_path, encoded(ramp, "TIFF")))
    monkeypatch.setattr(pixels, "STRIP", 130)
    monkeypatch.setattr(colours, "STRIP", 130)
    assert np.array_equal(values(opened(tmp_path, encoded(ramp, "TIFF"))), whole)


def test_pillows_switches_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1234)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded(a_picture(), "JPEG")
    (tmp_path / "whole").write_bytes(data)
    (tmp_path / "cut").write_bytes(data[: len(data) // 2])

    def work() -> None:
        for _ in range(20):
            assert open_upright(tmp_path / "whole", max_pixels=10_000).width == 60
            with pytest.raises(Unreadable, match=r"(?i)truncated"):
                open_upright(tmp_path / "cut", max_pixels=10_000)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work) for _ in range(4)]:
            done.result()
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (1234, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<html>429</html>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\xff\xd8\xff\xe0",
    ],
)
def test_what_is_no_image_is_unreadable(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        opened(tmp_path, data)
    assert caught.value.path == tmp_path / "picture"
    assert str(tmp_path) not in caught.value.problem


def test_a_file_that_is_not_there_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_upright(tmp_path / "nothing", max_pixels=100)


SEEDS = [encoded(a_picture(), format) for format in FORMATS] + [
    encoded(a_picture(), "TIFF", compression="tiff_lzw"),
    encoded(a_picture(), "JPEG", progressive=True),
    encoded(a_picture().convert("P"), "GIF", save_all=True, append_images=[a_picture().convert("P")]),
    encoded(a_picture().convert("RGBA"), "WEBP", lossless=True),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), which=st.sampled_from(SEEDS))
def test_damaged_files_open_or_are_unreadable_and_nothing_else(
    tmp_path: Path, seed: int, which: bytes
) -> None:
    dice = random.Random(seed)
    data = bytearray(which)
    if dice.random() < 0.5:
        del data[dice.randrange(len(data)) :]
    for _ in range(dice.randrange(6)):
        if data:
            data[dice.randrange(len(data))] = dice.randrange(256)
    try:
        picture = opened(tmp_path, bytes(data), max_pixels=10**7)
    except (Unreadable, TooManyPixels):
        return
    assert picture.image.mode == "RGB"
    assert picture.image.size == (picture.width, picture.height)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "PPM", "AVIF"])
def test_half_a_file_is_never_shown(tmp_path: Path, format: str) -> None:
    data = encoded(a_picture(), format)
    with pytest.raises(Unreadable):
        opened(tmp_path, data[: len(data) // 2])
