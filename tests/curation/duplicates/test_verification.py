"""Verification: how one picture lies in another, what is a copy, and what only looks like one."""

import functools
import io

import numpy as np
import pytest
from derivatives import KINDS, captioned
from PIL import Image
from skies import a_sky

from curation.duplicates.verification import BLOCKED_INLIERS, Match, Seen, resembles, verify
from curation.imaging import features
from curation.imaging.fingerprint import fingerprint

pytestmark = pytest.mark.skipif(
    not features.available(), reason="OpenCV is not installed: pip install 'universe-gan[verify]'"
)


def seen(image: Image.Image) -> Seen:
    thumbnail = fingerprint(image).thumbnail
    with Image.open(io.BytesIO(thumbnail)) as gray:
        return Seen(thumbnail, features.extract(gray))


@functools.cache
def sky(seed: int, kind: str = "") -> Seen:
    image = a_sky(seed, 320)
    return seen(KINDS[kind](image) if kind else image)


def matched(first: Seen, second: Seen) -> Match:
    found = verify(first, second)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_derivative_is_a_copy(kind: str) -> None:
    match = matched(sky(1), sky(1, kind))
    assert match.is_copy
    assert match.agreement > 0.92
    assert resembles(sky(1).features, sky(1, kind).features) >= 8


@pytest.mark.parametrize(
    ("kind", "mirrored", "scale", "angle", "overlap"),
    [
        ("crop 75 %", False, 1.0, 0, 1.0),
        ("half as large", False, 0.5, 0, 1.0),
        ("mirrored", True, 1.0, 0, 1.0),
        ("upside down", True, 1.0, 180, 1.0),
        ("turned 15", False, 1.0, -15, 0.9),
        ("turned 90", False, 1.0, -90, 1.0),
    ],
)
def test_the_match_says_how_the_second_shows_the_first(
    kind: str, mirrored: bool, scale: float, angle: float, overlap: float
) -> None:
    match = matched(sky(2), sky(2, kind))
    assert match.mirrored == mirrored
    assert match.scale == pytest.approx(scale, rel=0.02)
    assert abs((match.angle - angle + 180) % 360 - 180) < 1
    assert match.overlap == pytest.approx(overlap, abs=0.12)


@pytest.mark.parametrize("kind", ["crop 50 %", "half as large", "turned 15", "mirrored"])
def test_from_the_other_side_it_is_the_same_match(kind: str) -> None:
    here, back = matched(sky(3), sky(3, kind)), matched(sky(3, kind), sky(3))
    assert (here.agreement, here.inliers, here.mirrored) == (back.agreement, back.inliers, back.mirrored)
    assert here.scale * back.scale == pytest.approx(1)
    assert here.angle == pytest.approx(back.angle if here.mirrored else -back.angle)
    assert verify(sky(3), sky(3, kind)) == here


def test_strangers_are_told_apart() -> None:
    for one in range(6):
        for other in range(one + 1, 6):
            assert verify(sky(one), sky(other)) is None
            assert resembles(sky(one).features, sky(other).features) < BLOCKED_INLIERS


def test_another_photograph_of_the_same_place_is_no_copy() -> None:
    plain = np.asarray(a_sky(4, 320)).astype(float)
    other = np.asarray(a_sky(104, 320)).astype(float)
    match = matched(
        sky(4), seen(Image.fromarray(np.clip(plain * 0.7 + other * 0.55, 0, 255).astype(np.uint8)))
    )
    assert not match.is_copy
    assert 0.5 <= match.agreement < 0.92


def test_one_caption_under_two_dark_pictures_does_not_make_them_one() -> None:
    dark = [Image.new("RGB", (320, 320), (3, 3, 3)) for _ in range(2)]
    for number, image in enumerate(dark):
        spot = a_sky(number + 20, 90)
        image.paste(spot, (60 + 90 * number, 70))
    one, other = (seen(captioned(image)) for image in dark)
    match = verify(one, other)
    assert match is None or not match.is_copy
    assert resembles(one.features, other.features) == 0


def test_pictures_without_features_match_nothing() -> None:
    plain = seen(Image.new("RGB", (90, 60), (9, 9, 9)))
    assert verify(plain, plain) is None
    assert verify(plain, sky(1)) is None
    assert resembles(plain.features, sky(1).features) == 0


def test_a_removed_pictures_crop_is_recognised_by_features_alone() -> None:
    for kind in ("crop 75 %", "turned 15", "mirrored", "logo", "JPEG quality 50"):
        assert resembles(sky(5).features, sky(5, kind).features) >= BLOCKED_INLIERS
