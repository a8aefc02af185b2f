"""Fingerprints: imagehash's own hash, all eight orientations of it, and an honest measure of detail."""

import hashlib
import io

import imagehash
import numpy as np
import pytest
from builders import a_nebula
from PIL import Image, ImageOps
from skies import a_sky

from curation.imaging.fingerprint import (
    BITS,
    LONGEST,
    ORIENTATIONS,
    THUMBNAIL,
    canonical,
    fingerprint,
    middle,
    pixels_sha256,
    trimmed,
)


def bits(hashes: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.unpackbits(np.frombuffer(hashes, dtype=np.uint8)).reshape(len(ORIENTATIONS), BITS)


def gray(values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Image.Image:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("seed", range(5))
def test_the_hash_is_imagehashs_own(seed: int) -> None:
    square = canonical(a_nebula(seed, (300, 300)))
    found = fingerprint(a_nebula(seed, (300, 300))).phash
    assert imagehash.hex_to_hash(found) - imagehash.phash(square, hash_size=16) == 0
    assert str(imagehash.phash(square, hash_size=16)) == found


def test_the_hash_of_a_wide_picture_is_that_of_its_middle() -> None:
    wide = a_nebula(1, (400, 300))
    assert fingerprint(wide).phash == fingerprint(wide.crop((50, 0, 350, 300))).phash


@pytest.mark.parametrize("way", range(8))
def test_the_hash_of_every_orientation_comes_from_one_transform(way: int) -> None:
    square = a_nebula(2, (256, 256)).convert("L")
    turned = Image.fromarray(np.ascontiguousarray(ORIENTATIONS[way].turn(np.asarray(square)))).convert("RGB")
    ours, theirs = bits(fingerprint(square.convert("RGB")).hashes), bits(fingerprint(turned).hashes)
    assert int((ours[way] != theirs[0]).sum()) <= 16
    assert all(int((ours[other] != theirs[0]).sum()) > 40 for other in range(8) if other != way)


@pytest.mark.parametrize(
    ("name", "transpose"),
    [
        ("", None),
        ("mirrored", Image.Transpose.FLIP_LEFT_RIGHT),
        ("mirrored upside down", Image.Transpose.FLIP_TOP_BOTTOM),
        ("turned by 180°", Image.Transpose.ROTATE_180),
        ("turned by 90° left", Image.Transpose.ROTATE_90),
        ("turned by 90° right", Image.Transpose.ROTATE_270),
        ("mirrored and turned by 90° left", Image.Transpose.TRANSPOSE),
        ("mirrored and turned by 90° right", Image.Transpose.TRANSVERSE),
    ],
)
def test_orientations_are_called_what_they_are(name: str, transpose: Image.Transpose | None) -> None:
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    turned = image if transpose is None else image.transpose(transpose)
    (orientation,) = (orientation for orientation in ORIENTATIONS if orientation.name == name)
    assert np.array_equal(orientation.turn(np.asarray(image)), np.asarray(turned))


def test_the_canonical_form_keeps_its_shape() -> None:
    assert canonical(Image.new("RGB", (3000, 1000))).size == (LONGEST, 171)
    assert canonical(Image.new("RGB", (900, 600))).size == (LONGEST, 341)
    assert canonical(Image.new("RGB", (90, 60))).size == (90, 60)
    assert canonical(Image.new("RGB", (5000, 3))).size == (LONGEST, 1)


def test_bright_even_borders_are_trimmed_and_black_sky_never_is() -> None:
    inside = canonical(a_sky(8, 200, 150))
    for width in (1, 5, 30):
        framed = ImageOps.expand(inside, width, 250)
        found = trimmed(framed)
        assert abs(found.width - inside.width) <= 4
        assert abs(found.height - inside.height) <= 4
        assert np.asarray(found).mean() < np.asarray(framed).mean()
        assert trimmed(ImageOps.expand(inside, width, 0)).size == (200 + 2 * width, 150 + 2 * width)
    strip = ImageOps.expand(inside, (0, 0, 0, 20), 230)
    assert trimmed(strip).size == (200, 148)
    for whole in (
        inside,
        Image.new("L", (90, 60), 255),
        ImageOps.expand(inside, 200, 255),
        Image.new("L", (1, 1), 255),
    ):
        assert trimmed(whole) is whole


def test_a_picture_in_a_white_frame_has_the_hash_of_the_picture() -> None:
    image = a_sky(9, 400)
    framed = ImageOps.expand(image, 40, (255, 255, 255))
    ours, theirs = bits(fingerprint(image).hashes)[0], bits(fingerprint(framed).hashes)[0]
    assert int((ours != theirs).sum()) <= 31


def test_no_star_is_lost_on_the_way_to_the_canonical_form() -> None:
    sky = np.zeros((4096, 4096), dtype=np.uint8)
    places = np.random.default_rng(3).permutation(512 * 512)[:500]
    sky[places // 512 * 8 + places % 8, places % 512 * 8 + places % 5] = 255
    small = np.asarray(canonical(Image.fromarray(sky).convert("RGB")))
    assert int((small > 0).sum()) == 500


def test_noise_constants_and_gradients_have_no_detail() -> None:
    dice = np.random.default_rng(4)
    for side in (128, 512, 1300):
        flat = np.full((side, side), 60.0)
        plain = [
            flat,
            flat * 0,
            flat + dice.normal(0, 0.3, flat.shape),
            flat + dice.normal(0, 30, flat.shape),
        ]
        plain += [flat + np.linspace(-40, 40, side), flat + np.linspace(-40, 40, side)[:, None] * 0.3]
        for values in plain:
            found = fingerprint(gray(values))
            assert (found.detail < 20, found.peak < 8) == (True, True)


def test_a_dark_nebula_has_detail_and_a_lone_star_is_a_point() -> None:
    dark = a_sky(5, 400).point(lambda value: value // 8)
    assert fingerprint(dark).detail > 128
    sky = np.random.default_rng(5).normal(12, 2, (512, 512))
    sky[200:202, 300:302] = 220
    assert fingerprint(gray(sky)).peak > 10


def test_tiny_and_thin_pictures_are_measured_without_a_crash() -> None:
    for size in ((1, 1), (2, 2), (3, 1), (1, 900), (5000, 2)):
        found = fingerprint(Image.new("RGB", size, (9, 9, 9)))
        assert (found.detail, found.peak, len(found.phash)) == (0, 0.0, 64)


def test_the_thumbnail_is_the_whole_in_gray_and_its_middle_can_be_cut_from_it() -> None:
    for size, whole, side in (((800, 600), (512, 384), THUMBNAIL), ((90, 60), (90, 60), 60)):
        data = fingerprint(a_nebula(6, size)).thumbnail
        with Image.open(io.BytesIO(data)) as thumbnail:
            assert (thumbnail.mode, thumbnail.size) == ("L", whole)
        assert middle(data).size == (side, side)
    wide = Image.new("L", (90, 60), 200)
    wide.paste(40, (15, 0, 75, 60))
    assert np.asarray(middle(fingerprint(wide.convert("RGB")).thumbnail))[:, 4:-4].max() < 60


def test_pixels_are_hashed_with_their_shape() -> None:
    image = a_nebula(7, (160, 150))
    assert pixels_sha256(image) == hashlib.sha256(b"160 150\n" + image.tobytes()).hexdigest()
    assert pixels_sha256(Image.new("RGB", (4, 2))) != pixels_sha256(Image.new("RGB", (2, 4)))
