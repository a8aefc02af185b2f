"""The rarer animals among image files, each rule asserted on pixels; the common ones are in `test_pixels`."""

import io
import time
import tracemalloc
import zlib
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from mutants import encoded
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from curation.imaging import pixels
from curation.imaging.pixels import Picture, TooManyPixels, Unreadable, open_upright


def a_picture(width: int = 60, height: int = 40) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(
        np.clip(np.stack((255 - 4 * x, 255 - 5 * y, 100 + x + y), axis=-1), 0, 255).astype(np.uint8)
    )


def opened(folder: Path, data: bytes, **limits: Any) -> Picture:
    path = folder / "picture"
    path.write_bytes(data)
    return open_upright(path, **({"max_pixels": 10**8} | limits))


def values(picture: Picture) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(picture.image).astype(np.int64)


def chunk(kind: bytes, body: bytes) -> bytes:
    return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))


def a_png(header: bytes, *chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


DEEP = np.array([[[0, 256, 65535], [32768, 4660, 511]]], dtype=np.uint16)


def test_16_bit_colour_png_keeps_its_high_bytes(tmp_path: Path) -> None:
    row = b"\0" + DEEP.astype(">u2").tobytes()
    data = a_png(pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0), chunk(b"IDAT", zlib.compress(row)))
    assert values(opened(tmp_path, data)).tolist() == (DEEP >> 8).tolist()


@pytest.mark.parametrize("planes", [1, 2])
def test_16_bit_colour_tiff_keeps_its_high_bytes(tmp_path: Path, planes: int) -> None:
    picture = opened(tmp_path, a_tiff(DEEP, planes=planes))
    assert values(picture).tolist() == (DEEP >> 8).tolist()


def a_tiff(samples: np.ndarray[Any, Any], *, planes: int = 1, tile: int = 0) -> bytes:
    """A minimal little-endian RGB TIFF: 8 or 16 bits, chunky or planar, in one strip or in tiles."""
    height, width, colours = samples.shape
    bits = samples.dtype.itemsize * 8
    if tile:
        down, across = -(-height // tile), -(-width // tile)
        padded = np.zeros((down * tile, across * tile, colours), dtype=samples.dtype)
        padded[:height, :width] = samples
        blocks = [
            padded[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
            for row in range(down)
            for column in range(across)
        ]
    else:
        blocks = [samples] if planes == 1 else [samples[..., colour] for colour in range(colours)]
    parts = [np.ascontiguousarray(block).astype(block.dtype.newbyteorder("<")).tobytes() for block in blocks]
    starts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    tags = ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    tags[256], tags[257], tags[258], tags[259] = width, height, (bits,) * colours, 1
    tags[262], tags[277], tags[284] = 2, colours, planes
    if (
        tile
    ):  # of strips Pillow's writer counts the offsets from the end of the directory, of tiles it does not
        before = 8 + 2 + 12 * 11 + 4 + 6 + 8 * len(parts)
        tags[322], tags[323] = tile, tile
        tags[324], tags[325] = tuple(before + start for start in starts), tuple(map(len, parts))
    else:
        tags[273], tags[278], tags[279] = tuple(starts), height, tuple(map(len, parts))
    directory = tags.tobytes(8)
    return (b"II*\0" + pack("<I", 8) + directory).ljust(before if tile else 0, b"\0") + b"".join(parts)


@pytest.mark.parametrize("options", [{"planes": 2}, {"tile": 16}, {"tile": 32}])
def test_planar_and_tiled_tiff_open_as_they_were_saved(tmp_path: Path, options: dict[str, int]) -> None:
    picture = opened(tmp_path, a_tiff(np.asarray(a_picture()), **options))
    assert np.array_equal(values(picture), np.asarray(a_picture()))


BACK = {
    Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("format", "reduce_to"), [("JPEG", None), ("JPEG", 40), ("AVIF", None)])
def test_jpeg_and_avif_are_turned_upright_whole_or_smaller(
    tmp_path: Path, format: str, reduce_to: int | None, orientation: int
) -> None:
    upright, turn = a_picture().resize((120, 80)), pixels._TURNS.get(orientation)
    stored = upright.transpose(BACK.get(turn, turn)) if turn is not None else upright
    exif = Image.Exif()
    exif[274] = orientation
    options = {"subsampling": 0} if format == "JPEG" else {}
    data = encoded(stored, format, quality=95, exif=exif, **options)
    picture = opened(tmp_path, data, reduce_to=reduce_to)
    assert (picture.width, picture.height) == (120, 80)
    assert picture.reduced == (2 if reduce_to else 1)
    expected = np.asarray(upright.reduce(picture.reduced)).astype(float)
    assert np.abs(values(picture) - expected).mean() < 5


def test_an_orientation_beyond_the_eight_is_none(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 9
    assert np.array_equal(
        values(opened(tmp_path, encoded(a_picture(), "PNG", exif=exif))), np.asarray(a_picture())
    )


def a_profile(kind: str, gamma: float, red: tuple[float, float, float]) -> bytes:
    """A small ICC profile: `GRAY` or `RGB ` with its own white point, primaries and gamma."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(pack(">i", round(value * 65536)) for value in (x, y, z))

    curve = b"curv\0\0\0\0" + pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + pack(">I", 5) + b"Mine\0" + bytes(67 + 12)
    tags: dict[bytes, bytes] = {b"desc": name, b"wtpt": xyz(0.9642, 1, 0.8249)}
    if kind == "GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {b"rXYZ": xyz(*red), b"gXYZ": xyz(0.292, 0.692, 0.0419), b"bXYZ": xyz(0.1571, 0.0666, 0.7841)}
        tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    start, index, body = 132 + 12 * len(tags), b"", b""
    for tag, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        index += tag + pack(">II", start + len(body), len(content))
        body += padded
    head = pack(
        ">I4sI4s4s4s12s4s",
        start + len(body),
        b"lcms",
        0x02400000,
        b"mntr",
        kind.encode(),
        b"XYZ ",
        bytes(12),
        b"acsp",
    )
    head += bytes(28) + pack(">iii", 63190, 65536, 54061) + bytes(48)
    return head[:128].ljust(128, b"\0") + pack(">I", len(tags)) + index + body


def test_display_p3_red_becomes_a_red_that_srgb_can_show(tmp_path: Path) -> None:
    """Display P3's primaries (SMPTE EG 432-1, adapted to D50): its half red is a stronger red in sRGB."""
    profile = a_profile("RGB ", 2.2, (0.5151, 0.2412, -0.0011))
    image = Image.new("RGB", (4, 4), (150, 60, 60))
    picture = opened(tmp_path, encoded(image, "PNG", icc_profile=profile))
    red, green, _ = values(picture)[0, 0]
    assert picture.notes == ("Mine to sRGB",)
    assert red > 155
    assert green < 57
    gray = opened(tmp_path, encoded(Image.new("RGB", (4, 4), (128, 128, 128)), "PNG", icc_profile=profile))
    assert np.abs(values(gray) - 128).max() <= 4


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_gray_follows_its_gray_profile(tmp_path: Path, mode: str) -> None:
    image = Image.new("L", (4, 4), 128).convert(mode)
    linear = opened(tmp_path, encoded(image, "PNG", icc_profile=a_profile("GRAY", 1.0, (0, 0, 0))))
    assert np.abs(values(linear) - 188).max() <= 2  # half of the light is 188 in sRGB
    assert "Mine to sRGB" in linear.notes


def test_cmyk_with_a_profile_of_other_colours_is_shown_without_it(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = opened(tmp_path, encoded(a_picture().convert("CMYK"), "JPEG", quality=95, icc_profile=profile))
    assert np.abs(values(picture) - np.asarray(a_picture())).mean() < 6
    assert picture.notes == ("broken colour profile ignored",)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palettes_and_gray_of_few_bits(tmp_path: Path, bits: int) -> None:
    row = b"\0" + bytes([0b00011011])
    palette = chunk(b"PLTE", bytes(range(30, 30 + 3 * 2**bits)))
    count = 8 // bits
    data = a_png(pack(">IIBBBBB", count, 1, bits, 3, 0, 0, 0), palette, chunk(b"IDAT", zlib.compress(row)))
    indices = [0b00011011 >> (8 - bits * (at + 1)) & (2**bits - 1) for at in range(count)]
    assert values(opened(tmp_path, data))[0, :, 0].tolist() == [30 + 3 * index for index in indices]
    data = a_png(pack(">IIBBBBB", count, 1, bits, 0, 0, 0, 0), chunk(b"IDAT", zlib.compress(row)))
    full = 255 // (2**bits - 1)
    assert values(opened(tmp_path, data))[0, :, 0].tolist() == [index * full for index in indices]


def test_a_bmp_may_stand_on_its_head(tmp_path: Path) -> None:
    data = bytearray(encoded(a_picture(), "BMP"))
    flipped = bytearray(encoded(a_picture().transpose(Image.Transpose.FLIP_TOP_BOTTOM), "BMP"))
    flipped[22:26] = pack("<i", -40)
    assert np.array_equal(values(opened(tmp_path, bytes(flipped))), values(opened(tmp_path, bytes(data))))


@pytest.mark.parametrize("high", [True, False])
def test_jpeg_2000_of_16_bits_and_of_8(tmp_path: Path, high: bool) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (16, 1))
    image = Image.fromarray(ramp if high else (ramp >> 8).astype(np.uint8))
    assert np.array_equal(values(opened(tmp_path, encoded(image, "JPEG2000")))[..., 0], ramp >> 8)


def test_premultiplied_and_plain_alpha_in_webp_and_tiff_hide_their_colours(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (200, 100, 50, 0))
    for format, options in (("WEBP", {"lossless": True, "exact": True}), ("TIFF", {}), ("AVIF", {})):
        assert values(opened(tmp_path, encoded(image, format, **options))).max() == 0, format


# ------------------------------------------------------------------------------- bombs and absurd headers


@pytest.mark.parametrize(
    "data",
    [
        a_png(pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0), chunk(b"IDAT", zlib.compress(bytes(9)))),
        a_png(pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0), chunk(b"IDAT", b"")),
        b"P6\n65535 65535\n255\n",
        b"GIF89a" + pack("<2H3B", 65535, 65535, 0, 0, 0) + b"," + pack("<4H", 0, 0, 65535, 65535) + b"\0\2;",
        b"BM" + pack("<IHHI", 54, 0, 0, 54) + pack("<IiiHHIIiiII", 40, 65535, 65535, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
    ids=["png", "png of 2^62", "ppm", "gif", "bmp"],
)  # fmt: skip
def test_absurd_sizes_are_refused_before_any_memory_is_taken(tmp_path: Path, data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises((TooManyPixels, Unreadable)):
            opened(tmp_path, data, max_pixels=500_000_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        a_png(pack(">IIBBBBB", 0, 9, 8, 2, 0, 0, 0), chunk(b"IDAT", zlib.compress(b""))),
        a_png(pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)),
        a_png(pack(">IIBBBBB", 9, 9, 3, 2, 0, 0, 0), chunk(b"IDAT", zlib.compress(bytes(300)))),
        b"P6\n0 0\n255\n",
        b"P6\n-4 4\n255\n" + bytes(48),
        b"BM" + pack("<IHHI", 54, 0, 0, 54) + pack("<IiiHHIIiiII", 40, 0, 0, 1, 24, 0, 0, 0, 0, 0, 0),
        b"BM" + pack("<IHHI", 54, 0, 0, 54) + pack("<IiiHHIIiiII", 40, -5, 5, 1, 24, 0, 0, 0, 0, 0, 0),
        b"GIF89a" + bytes(7) + b";",
    ],
    ids=["png 0", "png without data", "png of 3 bits", "ppm 0", "ppm -4", "bmp 0", "bmp -5", "gif 0"],
)
def test_sizes_and_depths_that_cannot_be_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(
        (Unreadable, TooManyPixels)
    ):  # a width below zero may read as one of four thousand million
        opened(tmp_path, data)


def squeezed(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


@pytest.mark.parametrize("kind", ["icc", "text", "itxt", "frames"])
def test_what_hides_beside_the_pixels_is_never_blown_up(tmp_path: Path, kind: str) -> None:
    """200 MB of zeros in 200 kB, as a profile or a comment; and a promise of four thousand million frames."""
    bomb = {
        "icc": chunk(b"iCCP", b"Mine\0\0" + squeezed(200)),
        "text": chunk(b"zTXt", b"Comment\0\0" + squeezed(200)),
        "itxt": chunk(b"iTXt", b"Comment\0\1\0\0\0" + squeezed(200)),
        "frames": chunk(b"acTL", pack(">II", 2**32 - 1, 0)),
    }[kind]
    plain = encoded(a_picture(), "PNG")
    tracemalloc.start()
    started = time.perf_counter()
    try:
        try:
            picture = opened(tmp_path, plain[:33] + bomb + plain[33:])
            assert np.array_equal(values(picture), np.asarray(a_picture()))
        except Unreadable:
            pass
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
        assert time.perf_counter() - started < 5
    finally:
        tracemalloc.stop()


def test_comments_and_names_never_reach_the_pixels_or_the_notes(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("Comment", "x" * 10_000)
    picture = opened(tmp_path, encoded(a_picture(), "PNG", pnginfo=text))
    assert picture.notes == ()
    assert picture.image.info == {}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF"])
def test_the_name_of_a_file_says_nothing(tmp_path: Path, format: str) -> None:
    path = tmp_path / "picture.eps"
    path.write_bytes(encoded(a_picture(), format))
    assert open_upright(path, max_pixels=10_000).width == 60


@pytest.mark.parametrize("format", ["ICO", "PCX", "TGA", "SGI", "DDS", "EPS", "PDF"])
def test_other_formats_are_not_opened_at_all(tmp_path: Path, format: str) -> None:
    with pytest.raises(Unreadable):
        opened(tmp_path, encoded(a_picture(), format))


def test_a_one_pixel_picture_and_a_very_long_one_open(tmp_path: Path) -> None:
    assert values(opened(tmp_path, encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"))).tolist() == [
        [[1, 2, 3]]
    ]
    long = opened(tmp_path, encoded(Image.new("L", (60_000, 1), 9), "PNG"), reduce_to=16)
    assert (long.width, long.height, long.image.size) == (60_000, 1, (60_000, 1))


def test_bytes_after_the_end_do_no_harm(tmp_path: Path) -> None:
    for format in ("PNG", "GIF", "BMP", "WEBP"):
        data = encoded(a_picture(), format) + b"PK\3\4" + bytes(1000)
        assert opened(tmp_path, data).width == 60, format
    assert io.BytesIO(data).read(4) == b"RIFF"
