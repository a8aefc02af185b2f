"""Near-duplicates: every pair within the radius, nothing merged by chance, the best copy kept."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from skies import a_sky

from curation.duplicates import Copy, Look, copies, near_hashes
from curation.duplicates import groups as duplicates
from curation.duplicates.agreement import Eye
from curation.fingerprint import fingerprint
from curation.pixels import Unreadable, open_upright

Thumbnails = dict[str, bytes]


def look(uid: str, image: Image.Image, shelf: Thumbnails, rank: int = 0, pixels: str | None = None) -> Look:
    found = fingerprint(image)
    sha256 = hashlib.sha256(uid.encode()).hexdigest()
    shelf[sha256] = found.thumbnail
    return Look(uid, (rank, uid), sha256, pixels, found.hashes, found.detail)


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def gamma(image: Image.Image, power: float) -> Image.Image:
    return image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)


def recoloured(image: Image.Image) -> Image.Image:
    hue, saturation, light = image.convert("HSV").split()
    return Image.merge("HSV", (hue.point(lambda h: (h + 30) % 256), saturation, light)).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "jpeg": lambda image: jpeg(image, 50),
    "half": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "128 px": lambda image: image.resize((128, 128 * image.height // image.width), Image.Resampling.LANCZOS),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "lighter": lambda image: gamma(image, 0.6),
    "darker": lambda image: gamma(image, 1.6),
    "recoloured": recoloured,
    "sharpened": lambda image: image.filter(ImageFilter.UnsharpMask(2, 150, 2)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "mirrored upside down": lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned by 90° left": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned by 180°": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "turned by 90° right": lambda image: jpeg(image.transpose(Image.Transpose.ROTATE_270), 70),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_and_strangers_are_not(change: str) -> None:
    shelf: Thumbnails = {}
    originals = [a_sky(seed, 320) for seed in range(6)]
    looks = [look(f"a:{n}", image, shelf) for n, image in enumerate(originals)]
    looks += [look(f"b:{n}", CHANGES[change](image), shelf, rank=1) for n, image in enumerate(originals)]
    found = copies(looks, shelf.__getitem__)
    assert {uid: copy.of for uid, copy in found.items()} == {f"b:{n}": f"a:{n}" for n in range(6)}
    if change in {"mirrored", "mirrored upside down"} or change.startswith("turned"):
        assert all(copy.how.startswith(f"{change} (distance ") for copy in found.values())
        assert all("agreement 0.9" in copy.how or "agreement 1.00" in copy.how for copy in found.values())


def test_what_was_done_is_told_from_the_kept_one_to_the_copy() -> None:
    shelf: Thumbnails = {}
    image = a_sky(1, 200)
    turned = image.transpose(Image.Transpose.ROTATE_90)
    first = copies([look("a:1", image, shelf, 0), look("a:2", turned, shelf, 1)], shelf.__getitem__)
    assert first["a:2"].how.startswith("turned by 90° left")
    second = copies([look("a:1", image, shelf, 1), look("a:2", turned, shelf, 0)], shelf.__getitem__)
    assert second["a:1"].how.startswith("turned by 90° right")


def test_equal_bytes_and_equal_pixels_are_copies_however_plain() -> None:
    shelf: Thumbnails = {}
    plain = Image.new("RGB", (64, 64), (3, 3, 3))
    one = look("a:1", plain, shelf, 2, "pixels")
    looks = [one, replace(one, uid="a:2", rank=(1, "a:2")), look("a:3", plain, shelf, 0, "pixels")]
    found = copies(looks, shelf.__getitem__)
    assert found == {"a:1": Copy("a:3", "same pixels"), "a:2": Copy("a:3", "same pixels")}
    both = copies(looks[:2], shelf.__getitem__)
    assert both == {"a:1": Copy("a:2", "same bytes")}


def test_featureless_pictures_are_never_merged_by_their_hashes() -> None:
    shelf: Thumbnails = {}
    looks = [look(f"a:{n}", Image.new("RGB", (200, 200), (n * 9, n * 9, n * 9)), shelf) for n in range(4)]
    ramp = np.tile(np.linspace(0, 90, 200), (200, 1)).astype(np.uint8)
    looks += [look("a:8", Image.fromarray(ramp).convert("RGB"), shelf)]
    looks += [look("a:9", Image.fromarray(ramp + 7).convert("RGB"), shelf)]
    assert copies(looks, shelf.__getitem__) == {}


def test_a_picture_that_is_its_own_mirror_image_is_not_merged_by_its_hash() -> None:
    shelf: Thumbnails = {}
    looks = [look(f"a:{seed}", a_sky(seed, 128), shelf) for seed in range(2)]
    one = looks[0].hashes
    alike = [replace(each, hashes=one) for each in looks]
    assert set(copies(alike, shelf.__getitem__)) == {"a:1"}  # for once, hashes that can be trusted
    round_ = [replace(each, hashes=one[:32] * 2 + one[64:]) for each in looks]
    assert copies(round_, shelf.__getitem__) == {}


def test_a_chain_is_not_closed_over_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf: Thumbnails = {}
    looks = [look(f"a:{n}", a_sky(n, 96), shelf, rank=n) for n in range(3)]
    chain = [duplicates.Pair(0, 1, 0, 5), duplicates.Pair(1, 2, 0, 5)]
    monkeypatch.setattr(duplicates, "pairs", lambda looks, eye: chain)
    found = copies(looks, shelf.__getitem__)
    assert found == {
        "a:1": Copy("a:0", "the same view (distance 5)")
    }  # a:2 does not look like a:0, and stays


def test_a_member_the_hashes_missed_is_recognised_by_its_thumbnail(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf: Thumbnails = {}
    image = a_sky(4, 200)
    views = [image, image, image.transpose(Image.Transpose.ROTATE_180)]
    looks = [look(f"a:{n}", view, shelf, rank=n) for n, view in enumerate(views)]
    chain = [duplicates.Pair(0, 1, 0, 5), duplicates.Pair(1, 2, 0, 5)]
    monkeypatch.setattr(duplicates, "pairs", lambda looks, eye: chain)
    found = copies(looks, shelf.__getitem__)
    assert found["a:2"] == Copy("a:0", "turned by 180° (agreement 1.00)")


def test_the_order_of_the_looks_does_not_matter() -> None:
    shelf: Thumbnails = {}
    looks = [
        look(f"a:{n}", CHANGES[change](a_sky(n % 3, 160)), shelf, rank=n % 2)
        for n, change in enumerate(CHANGES)
    ]
    expected = copies(looks, shelf.__getitem__)
    assert len(expected) == len(looks) - 3
    assert copies(reversed(looks), shelf.__getitem__) == expected


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


@st.composite
def hashes(draw: st.DrawFn) -> list[bytes]:
    """Hashes near each other, so that distances fall on both sides of a radius."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32)))
    centres = dice.integers(0, 256, (2, 8, 32), dtype=np.uint8)
    flips = dice.random((draw(st.integers(0, 9)), 8, 256)) < draw(st.floats(0, 0.3))
    return [(centres[n % 2] ^ np.packbits(flip, axis=1)).tobytes() for n, flip in enumerate(flips)]


@given(hashes=hashes(), radius=st.integers(0, 128), block=st.integers(1, 12))
def test_every_pair_within_the_radius_is_found_and_no_other(
    hashes: list[bytes], radius: int, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_BLOCK", block)
        found = {(first, second): ways.tolist() for first, second, ways in near_hashes(hashes, radius)}
    expected = {}
    for first in range(len(hashes)):
        for second in range(first + 1, len(hashes)):
            ways = [hashes[second][32 * way : 32 * way + 32] for way in range(8)]
            distances = [distance(hashes[first][:32], way) for way in ways]
            if min(distances) <= radius:
                expected[first, second] = distances
    assert found == expected


def test_thumbnails_of_different_size_can_be_compared() -> None:
    shelf: Thumbnails = {}
    image = a_sky(3, 256)
    names = [one.sha256 for one in (look("a:1", image, shelf), look("a:2", CHANGES["half"](image), shelf))]
    eye = Eye(names, shelf.__getitem__)
    assert eye.agreement(0, 1, 0) > 0.95
    assert abs(eye.agreement(0, 1, 3)) < 0.3


SAMPLE = Path(__file__).resolve().parents[2] / "universe_gan" / "sample" / "images"


def sample() -> Sequence[Path]:
    return sorted(SAMPLE.glob("*.jpg"))


@pytest.mark.skipif(not sample(), reason="the sample does not lie beside the code")
def test_the_samples_nebulae_are_all_different_and_their_copies_are_all_found() -> None:
    shelf: Thumbnails = {}
    pictures = {}
    for path in sample():
        try:
            pictures[path.name] = open_upright(path, max_pixels=10**7).image
        except Unreadable:
            continue
    looks = [look(f"a:{name}", image, shelf) for name, image in pictures.items()]
    assert len(looks) >= 24
    assert copies(looks, shelf.__getitem__) == {}
    for change in ("half", "recoloured", "turned by 90° right"):
        changed = [look(f"b:{name}", CHANGES[change](image), shelf, 1) for name, image in pictures.items()]
        found = copies([*looks, *changed], shelf.__getitem__)
        assert {uid: copy.of for uid, copy in found.items()} == {
            f"b:{name}": f"a:{name}" for name in pictures
        }


@pytest.mark.skipif(not (SAMPLE / "copies").is_dir(), reason="the sample does not lie beside the code")
def test_the_copies_that_ship_with_the_sample_are_found() -> None:
    shelf: Thumbnails = {}
    looks = []
    for path in [*sample(), *sorted((SAMPLE / "copies").glob("*.jpg"))]:
        if "damaged" not in path.name:
            image = open_upright(path, max_pixels=10**7).image
            looks.append(look(f"a:{path.stem}", image, shelf, int(path.parent.name == "copies")))
    found = {
        uid.removeprefix("a:"): copy.of.removeprefix("a:")
        for uid, copy in copies(looks, shelf.__getitem__).items()
    }
    made = {path.stem for path in (SAMPLE / "copies").glob("*.jpg") if "damaged" not in path.name}
    assert set(found) == made
    assert all(copy.startswith(original) for copy, original in found.items())
