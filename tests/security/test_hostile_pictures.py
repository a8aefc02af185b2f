"""Pictures of a stranger: what is opened at all, and that nothing but pixels comes of it."""

import contextlib
import json
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from builders import a_nebula, encoded
from hostile import calls
from PIL import Image, PngImagePlugin

from collectors.folder import embedded
from collectors.web.signatures import sniff
from curation.imaging.pixels import TooManyPixels, Unreadable, open_upright, size_in_header
from universe_gan import pictures
from universe_gan.pictures import NotOurs

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/tmp/owned) (w) file\nshowpage\n"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>'
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
FITS = b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n"
XPM = b'/* XPM */\nstatic char *a[] = {"1 1 1 1", "a c #000", "a"};\n'
CSV = b"1,2,3\n4,5,6\n"
MAT = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"\0" * 200
STRANGERS = {
    "eps": EPS,
    "svg": SVG,
    "html": HTML,
    "fits": FITS,
    "pdf": PDF,
    "xpm": XPM,
    "csv": CSV,
    "mat": MAT,
}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def a_png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG that says it is this large and holds next to nothing."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body + chunk(b"IEND", b"")


@pytest.fixture
def lay(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def put(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return put


@pytest.mark.parametrize("kind", STRANGERS)
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_other_files_under_the_name_of_a_picture_are_none(
    lay: Callable[[str, bytes], Path], kind: str, ending: str
) -> None:
    path = lay(f"a.{ending}", STRANGERS[kind])
    assert sniff(STRANGERS[kind][:64]) is None
    for look in (lambda: open_upright(path, max_pixels=10**6), lambda: size_in_header(path)):
        with pytest.raises(Unreadable):
            look()
    assert embedded.read(path) == ()


@pytest.mark.parametrize("kind", STRANGERS)
def test_libvips_reads_nothing_else_either(lay: Callable[[str, bytes], Path], kind: str) -> None:
    pytest.importorskip("pyvips", reason="pyvips is not installed")
    from universe_gan.upscaling.images import NoPicture, open_picture
    from universe_gan.upscaling.images import pixels as count

    path = lay(f"a.{kind}", STRANGERS[kind])
    for source in (path, STRANGERS[kind]):
        with pytest.raises(NoPicture):
            open_picture(source, "a", max_pixels=10**6)
        assert count(source) == 0


def test_libvips_still_reads_what_it_should(lay: Callable[[str, bytes], Path]) -> None:
    pytest.importorskip("pyvips", reason="pyvips is not installed")
    from universe_gan.upscaling.images import open_picture

    picture = a_nebula(1, (20, 10))
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "AVIF"):
        buffer = BytesIO()
        picture.save(buffer, kind)
        assert open_picture(lay(f"a.{kind.lower()}", buffer.getvalue()), "a", max_pixels=999).width == 20


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (2**31 - 1, 1), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_known_by_its_header(lay: Callable[[str, bytes], Path], width: int, height: int) -> None:
    path = lay("bomb.png", a_png(width, height))
    with pytest.raises((TooManyPixels, Unreadable)):
        open_upright(path, max_pixels=400_000_000)


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 50_000_000)),
        chunk(b"zTXt", b"x\0\0" + zlib.compress(b"\0" * 50_000_000)),
        b"".join(chunk(b"zTXt", b"x\0\0" + zlib.compress(b"\0" * 900_000)) for _ in range(100)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<a>" * 10_000_000)),
        chunk(b"eXIf", b"II*\0\x08\0\0\0" + b"\xff" * 60_000),
    ],
    ids=["profile", "text", "many texts", "XMP", "EXIF"],
)
def test_bombs_beside_the_pixels_cost_no_memory(lay: Callable[[str, bytes], Path], extra: bytes) -> None:
    path = lay("bomb.png", a_png(8, 8, extra))
    tracemalloc.start()
    try:
        for look in (lambda: open_upright(path, max_pixels=10**6), lambda: embedded.read(path)):
            with contextlib.suppress(Unreadable):
                look()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000


def test_a_tiff_whose_pages_lead_in_a_circle_ends(lay: Callable[[str, bytes], Path]) -> None:
    buffer = BytesIO()
    a_nebula(1, (8, 8)).save(buffer, "TIFF")
    data = bytearray(buffer.getvalue())
    first = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)  # the next page is this page
    assert open_upright(lay("circle.tif", bytes(data)), max_pixels=999).width == 8


def test_what_is_written_into_a_picture_does_not_leave_with_it(lay: Callable[[str, bytes], Path]) -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "<script>alert(1)</script>")
    buffer = BytesIO()
    a_nebula(1, (8, 8)).save(buffer, "PNG", pnginfo=words)
    assert open_upright(lay("a.png", buffer.getvalue() + HTML), max_pixels=999).image.info == {}


def test_no_picture_is_opened_without_the_list_of_formats() -> None:
    """Else Pillow asks all its readers, and the one for EPS starts Ghostscript."""
    bare = [
        place
        for place, name, call in calls()
        if name in ("Image.open", "PIL.Image.open") and not any(one.arg == "formats" for one in call.keywords)
    ]
    assert bare == []


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/passwd", "..", "", "a/../../b.png", "a\0.png", 5, None, ["a"], "sub\\\\a.png"]
)
def test_the_list_of_generated_pictures_names_no_file_elsewhere(tmp_path: Path, name: object) -> None:
    """`study` removes files that stand there."""
    (tmp_path / "a.png").write_bytes(encoded(a_nebula(1, (8, 8))))
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "pictures.jsonl").write_text(json.dumps({"file": name}) + "\n")
    with pytest.raises(NotOurs):
        list(pictures.lines(folder))


def test_a_list_of_generated_pictures_that_is_nested_deeply_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "pictures.jsonl").write_text('{"file":' + "[" * sys.getrecursionlimit() * 10 + "\n")
    with pytest.raises(NotOurs):
        list(pictures.lines(tmp_path))


def test_pictures_of_a_stranger_keep_within_pillows_bounds() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None


@pytest.mark.parametrize("side", [15_000, 60_000])
def test_a_bomb_in_a_dataset_to_train_on_is_not_decoded(side: int) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from universe_gan.data import decode

    with pytest.raises((TooManyPixels, Image.DecompressionBombError)):
        decode._square(a_png(side, side), Path("a.parquet"), 32)
