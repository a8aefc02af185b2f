"""Every kind of picture file comes out as the kind it was, larger; what is damaged is named."""

import errno
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

pytest.importorskip("torch", reason="PyTorch is not installed")
pyvips = pytest.importorskip("pyvips", reason="pyvips is not installed")

from collectors.storage.files import DiskFull  # noqa: E402
from universe_gan.sheets import KEY, XMP  # noqa: E402
from universe_gan.upscaling import saving  # noqa: E402
from universe_gan.upscaling.images import NoPicture, open_picture  # noqa: E402
from universe_gan.upscaling.saving import said_inside, save  # noqa: E402
from universe_gan.upscaling.tiles import Cut, Floats, enlarged  # noqa: E402

PROVENANCE = {"tool": "a test", "file": "Umlaut-ü.png"}


def repeated(batch: Floats) -> Floats:
    return batch.repeat(4, 1).repeat(4, 2)


def larger(path: Path, to: Path | None = None) -> Path:
    """The file four times as large, by a network that repeats pixels."""
    opened = open_picture(path, path.name, max_pixels=10**6)
    made = to or path.with_name(f"{path.stem}-large{opened.suffix}")
    save(opened, enlarged(opened, repeated, scale=4, cut=Cut(16, 4, 1)), made, 4, PROVENANCE, XMP)
    return made


def samples(path: Path) -> np.ndarray:
    image = pyvips.Image.new_from_file(str(path))
    return np.asarray(image.numpy()).reshape(image.height, image.width, -1)


def noise(*shape: int, top: int = 256, kind: Any = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, top, shape).astype(kind)


@pytest.mark.parametrize(
    "mode", ["L", "RGB", "1x1", "1xN", "odd", "16-bit grey", "dark 16-bit", "16-bit RGB"]
)
def test_samples_come_back_as_they_were(tmp_path: Path, mode: str) -> None:
    pixels = {
        "L": noise(20, 30),
        "RGB": noise(20, 30, 3),
        "1x1": noise(1, 1, 3),
        "1xN": noise(1, 37, 3),
        "odd": noise(33, 17, 3),
        "16-bit grey": noise(20, 30, top=65536, kind=np.uint16),
        "dark 16-bit": noise(20, 30, top=200, kind=np.uint16),
        "16-bit RGB": noise(20, 30, 3, top=900, kind=np.uint16),
    }[mode]
    path = tmp_path / "small.png"
    pyvips.Image.new_from_array(
        pixels, interpretation={"16-bit RGB": "rgb16"}.get(mode, "grey16" if "16" in mode else None)
    ).write_to_file(str(path))
    made = samples(larger(path))
    assert made.dtype == pixels.dtype
    assert np.array_equal(made, pixels.reshape(*pixels.shape[:2], -1).repeat(4, 0).repeat(4, 1))


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_kept_and_never_meets_the_network(tmp_path: Path, mode: str) -> None:
    bands = len(mode)
    pixels = noise(24, 32, bands)
    y, x = np.mgrid[:24, :32]
    pixels[..., -1] = np.where(np.hypot(y - 12, x - 16) < 8, 255, 0)
    Image.fromarray(pixels, mode).save(tmp_path / "a.png")
    seen: list[int] = []

    def run(batch: Floats) -> Floats:
        seen.append(batch.shape[-1])
        return repeated(batch)

    opened = open_picture(tmp_path / "a.png", "a.png", max_pixels=10**6)
    save(opened, enlarged(opened, run, scale=4, cut=Cut(16, 4, 1)), tmp_path / "b.png", 4, PROVENANCE, XMP)
    with Image.open(tmp_path / "b.png") as image:
        assert image.mode == mode
        made = np.asarray(image)
        alpha = Image.fromarray(pixels[..., -1].astype(np.float32))
        by_pillow = np.asarray(alpha.resize((128, 96), Image.Resampling.LANCZOS))
    assert set(seen) == {3}
    assert np.array_equal(made[..., :-1], pixels[..., :-1].repeat(4, 0).repeat(4, 1))
    assert np.abs(made[..., -1].astype(float) - by_pillow.clip(0, 255)).max() <= 0.51
    assert (made[0, 0, -1], made[48, 64, -1]) == (0, 255)


def test_palettes_and_single_bits_become_plain_pictures(tmp_path: Path) -> None:
    colours = Image.fromarray(noise(20, 30, 3)).convert("P")
    colours.save(tmp_path / "p.png")
    assert np.array_equal(
        samples(larger(tmp_path / "p.png")), np.asarray(colours.convert("RGB")).repeat(4, 0).repeat(4, 1)
    )
    bits = Image.fromarray(noise(20, 30)).convert("1")
    bits.save(tmp_path / "b.png")
    made = samples(larger(tmp_path / "b.png"))
    assert np.array_equal(made[..., 0], np.asarray(bits).repeat(4, 0).repeat(4, 1) * 255)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.5, 2.0), (0.0, 40000.0), (0.2, 0.3)])
def test_floats_keep_their_values_whatever_they_are(tmp_path: Path, low: float, high: float) -> None:
    pixels = (low + np.random.default_rng(0).random((20, 30)) * (high - low)).astype(np.float32)
    Image.fromarray(pixels).save(tmp_path / "f.tif")
    made = larger(tmp_path / "f.tif")
    assert made.suffix == ".tif"
    found = samples(made)[..., 0]
    assert found.dtype == np.float32
    assert np.abs(found - pixels.repeat(4, 0).repeat(4, 1)).max() < 1e-6 * max(1, high - low)


def test_undefined_floats_count_as_black_and_infinite_ones_are_refused(tmp_path: Path) -> None:
    pixels = np.full((8, 8), 0.5, np.float32)
    pixels[2, 3] = np.nan
    Image.fromarray(pixels).save(tmp_path / "nan.tif")
    opened = open_picture(tmp_path / "nan.tif", "nan.tif", max_pixels=10**6)
    assert opened.notes == ("undefined samples became 0",)
    assert opened.read(0, 0, 8, 8)[2, 3].tolist() == [0, 0, 0]
    pixels[2, 3] = np.inf
    Image.fromarray(pixels).save(tmp_path / "inf.tif")
    with pytest.raises(NoPicture, match="infinite"):
        open_picture(tmp_path / "inf.tif", "inf.tif", max_pixels=10**6)


def test_a_16_bit_tiff_stays_one(tmp_path: Path) -> None:
    pixels = noise(20, 30, 3, top=500, kind=np.uint16)
    pyvips.Image.new_from_array(pixels, interpretation="rgb16").write_to_file(str(tmp_path / "a.tif"))
    made = larger(tmp_path / "a.tif")
    assert made.suffix == ".tif"
    assert np.array_equal(samples(made), pixels.repeat(4, 0).repeat(4, 1))
    assert said_inside(made) == PROVENANCE


def test_cmyk_becomes_srgb_and_is_said(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "red.jpg")
    opened = open_picture(tmp_path / "red.jpg", "red.jpg", max_pixels=10**6)
    assert (opened.notes, opened.colours, opened.from_jpeg) == (("CMYK became sRGB",), 3, True)
    red, green, blue = samples(larger(tmp_path / "red.jpg")).reshape(-1, 3).mean(axis=0)
    assert red > 150
    assert max(green, blue) < 80


def test_a_turned_picture_stands_upright_and_is_not_turned_again(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274], exif[315] = 6, "Ada"
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = [200, 30, 30]
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    with Image.open(larger(tmp_path / "turned.jpg")) as image:
        assert image.size == (64, 128)
        assert image.getexif().get(274) in (None, 1)
        assert image.getexif()[315] == "Ada"
        assert image.getpixel((32, 20))[0] > 150  # what was left is on top
        assert image.getpixel((32, 100))[0] < 60


def test_profile_metadata_and_provenance_go_with_the_picture(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(noise(20, 30, 3)).save(
        tmp_path / "a.jpg", icc_profile=profile, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>mine</x:xmpmeta>"
    )
    with Image.open(larger(tmp_path / "a.jpg")) as image:
        assert image.info["icc_profile"] == profile
        assert "mine" in str(image.info["XML:com.adobe.xmp"])
        assert json.loads(image.info[KEY]) == PROVENANCE
    Image.fromarray(noise(20, 30, 3)).save(tmp_path / "b.png")
    made = larger(tmp_path / "b.png")
    with Image.open(made) as image:
        assert "trainedAlgorithmicMedia" in str(image.info["XML:com.adobe.xmp"])
    assert said_inside(made) == PROVENANCE
    assert said_inside(tmp_path / "b.png") is None
    assert said_inside(tmp_path / "missing.png") is None


def test_only_the_first_page_is_taken_and_that_is_said(tmp_path: Path) -> None:
    first, second = (Image.fromarray(noise(20, 30, 3, top=top)) for top in (256, 40))
    first.save(tmp_path / "a.webp", save_all=True, append_images=[second], lossless=True)
    opened = open_picture(tmp_path / "a.webp", "a.webp", max_pixels=10**6)
    assert opened.notes == ("the first of 2 pages",)
    assert (opened.width, opened.height, opened.suffix) == (30, 20, ".png")


def damaged() -> Iterator[tuple[str, bytes]]:
    for kind in ("PNG", "JPEG", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(noise(200, 200, 3)).save(buffer, kind)
        for share in (0.05, 0.5, 0.95):
            yield f"{share} of a {kind}", buffer.getvalue()[: int(len(buffer.getvalue()) * share)]
    yield "text", b"no picture"
    yield "nothing", b""
    yield "five channels", five()


def five() -> bytes:
    image = pyvips.Image.new_from_array(noise(8, 8, 5))
    return bytes(image.write_to_buffer(".tif"))


@pytest.mark.parametrize("which", dict(damaged()))
def test_what_is_no_whole_picture_is_refused_by_name_and_leaves_nothing(tmp_path: Path, which: str) -> None:
    (tmp_path / "broken.png").write_bytes(dict(damaged())[which])
    with pytest.raises(NoPicture) as refused:
        larger(tmp_path / "broken.png", tmp_path / "out" / "made.png")
    assert refused.value.name == "broken.png"
    assert "\n" not in refused.value.problem
    assert not re.fullmatch(r"\w+: \w+ error", refused.value.problem), (
        "libvips' name for its reader is no reason"
    )
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp"])
def test_bytes_that_were_changed_anywhere_are_a_picture_or_refused(tmp_path: Path, kind: str) -> None:
    Image.fromarray(noise(40, 40, 3)).save(tmp_path / f"whole.{kind}")
    whole = (tmp_path / f"whole.{kind}").read_bytes()
    dice = np.random.default_rng(5)
    refused = 0
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(8):
            data[int(dice.integers(len(data)))] = int(dice.integers(256))
        path = tmp_path / f"broken.{kind}"
        path.write_bytes(data)
        try:
            opened = open_picture(path, path.name, max_pixels=10**6)
            seen = opened.read(0, 0, opened.height, opened.width)
        except NoPicture:
            refused += 1
        else:
            assert seen.shape == (opened.height, opened.width, 3)
            assert np.isfinite(seen).all()
    assert refused > 0 or kind == "jpg"


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    Image.fromarray(noise(20, 30)).save(tmp_path / "a.png")
    with pytest.raises(NoPicture, match="30 x 20"):
        open_picture(tmp_path / "a.png", "a.png", max_pixels=599)


def test_bytes_are_as_good_as_a_file(tmp_path: Path) -> None:
    Image.fromarray(noise(20, 30, 3)).save(tmp_path / "a.png")
    opened = open_picture((tmp_path / "a.png").read_bytes(), "a", max_pixels=10**6)
    there = open_picture(tmp_path / "a.png", "a", max_pixels=10**6)
    assert np.array_equal(opened.read(3, 4, 5, 6), there.read(3, 4, 5, 6))


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    for value in (10, 200):
        Image.new("L", (8, 8), value).save(tmp_path / "a.png")
        opened = open_picture(tmp_path / "a.png", "a.png", max_pixels=100)
        assert opened.read(0, 0, 1, 1)[0, 0, 0] == pytest.approx(value / 255)


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(noise(20, 30, 3)).save(tmp_path / "a.png")

    def full(*given: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saving, "_samples", full)
    with pytest.raises(DiskFull):
        larger(tmp_path / "a.png", tmp_path / "out" / "made.png")
    assert not list((tmp_path / "out").iterdir())
