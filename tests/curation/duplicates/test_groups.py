"""Near-duplicates: every pair within the radius, nothing merged by chance, the best copy kept."""

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skies import a_sky

from curation.duplicates import Look, relate
from curation.duplicates.agreement import Eye
from curation.duplicates.compared import Compared, Pair, Question
from curation.duplicates.edges import Edge, EdgeKind
from curation.duplicates.rank import Standing
from curation.imaging.fingerprint import fingerprint
from curation.imaging.pixels import Unreadable, open_upright


class Shelf(dict[str, bytes]):
    """Thumbnails by their file's hash; also answers by what a test says local features would find."""

    has_features = True

    def __init__(self, matches: Iterable[Compared] = ()) -> None:
        super().__init__()
        self.matches = {(one.first, one.second): one for one in matches}
        self.asked: list[Question] = []

    def read(self, sha256: str) -> bytes:
        return self[sha256]

    def answers(self, questions: Iterable[Question]) -> list[Compared]:
        return [self._answer(one) for one in questions]

    def _answer(self, question: Question) -> Compared:
        self.asked.append(question)
        eye = Eye(self.read)
        said = Compared(version="", **question._asdict())
        for way in question.ways:
            agreement = eye.agreement(question.first, question.second, way, near=question.near and not way)
            if agreement is not None:
                found = {"kind": EdgeKind.VERIFIED, "orientation": way, "agreement": agreement}
                return said.model_copy(update=found)
        match = self.matches.get((question.first, question.second))
        return match if match and question.features else said


def sha(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()


def look(uid: str, image: Image.Image, shelf: Shelf, rank: int = 0, pixels: str | None = None) -> Look:
    """A picture; of copies the one with the smaller rank stays."""
    found = fingerprint(image)
    shelf[sha(uid)] = found.thumbnail
    standing = Standing(uid, width=300, height=300, bytes=-rank)
    return Look(standing, sha(uid), pixels, found.hashes, found.detail)


def copies(looks: Iterable[Look], shelf: Shelf, candidates: Iterable[Pair] = ()) -> dict[str, Edge]:
    related = relate(looks, shelf, candidates)
    assert all(
        edge.second == uid and edge.first not in related.copies for uid, edge in related.copies.items()
    )
    return dict(related.copies)


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
    shelf = Shelf()
    originals = [a_sky(seed, 320) for seed in range(6)]
    looks = [look(f"a:{n}", image, shelf) for n, image in enumerate(originals)]
    looks += [look(f"b:{n}", CHANGES[change](image), shelf, rank=1) for n, image in enumerate(originals)]
    found = copies(looks, shelf)
    assert {uid: copy.first for uid, copy in found.items()} == {f"b:{n}": f"a:{n}" for n in range(6)}
    if change in {"mirrored", "mirrored upside down"} or change.startswith("turned"):
        assert all(copy.words.startswith(f"{change} (distance ") for copy in found.values())
        assert all("agreement 0.9" in copy.words or "agreement 1.00" in copy.words for copy in found.values())


def test_what_was_done_is_told_from_the_kept_one_to_the_copy() -> None:
    shelf = Shelf()
    image = a_sky(1, 200)
    turned = image.transpose(Image.Transpose.ROTATE_90)
    first = copies([look("a:1", image, shelf, 0), look("a:2", turned, shelf, 1)], shelf)
    assert first["a:2"].words.startswith("turned by 90° left")
    second = copies([look("a:1", image, shelf, 1), look("a:2", turned, shelf, 0)], shelf)
    assert second["a:1"].words.startswith("turned by 90° right")


def test_equal_bytes_and_equal_pixels_are_copies_however_plain() -> None:
    shelf = Shelf()
    plain = Image.new("RGB", (64, 64), (3, 3, 3))
    one = look("a:1", plain, shelf, 2, "pixels")
    looks = [
        one,
        replace(one, standing=replace(one.standing, uid="a:2", bytes=-1)),
        look("a:3", plain, shelf, 0, "pixels"),
    ]
    found = copies(looks, shelf)
    pixels = EdgeKind.SAME_PIXELS
    assert found == {uid: Edge(first="a:3", second=uid, kind=pixels) for uid in ("a:1", "a:2")}
    both = copies(looks[:2], shelf)
    assert both == {"a:1": Edge(first="a:2", second="a:1", kind=EdgeKind.SAME_BYTES)}


def test_featureless_pictures_are_never_merged_by_their_hashes() -> None:
    shelf = Shelf()
    looks = [look(f"a:{n}", Image.new("RGB", (200, 200), (n * 9, n * 9, n * 9)), shelf) for n in range(4)]
    ramp = np.tile(np.linspace(0, 90, 200), (200, 1)).astype(np.uint8)
    looks += [look("a:8", Image.fromarray(ramp).convert("RGB"), shelf)]
    looks += [look("a:9", Image.fromarray(ramp + 7).convert("RGB"), shelf)]
    assert copies(looks, shelf) == {}


def test_equal_hashes_alone_make_no_copies() -> None:
    shelf = Shelf()
    looks = [look(f"a:{seed}", a_sky(seed, 128), shelf) for seed in range(2)]
    alike = [replace(each, hashes=looks[0].hashes) for each in looks]
    assert copies(alike, shelf) == {}
    assert [question.ways[0] for question in shelf.asked] == [0]  # they were looked at


def match(one: str, other: str, agreement: float = 0.95, **found: object) -> Compared:
    """What local features would say of two pictures: the second lies so on the first."""
    first, second = sorted((sha(one), sha(other)))
    facts = {"scale": 1.0, "angle": 0.0, "mirrored": False, "inliers": 40, **found}
    if first != sha(one):
        scale, angle = facts["scale"], facts["angle"]
        assert isinstance(scale, float)
        assert isinstance(angle, float)
        facts |= {"scale": 1 / scale, "angle": angle if facts["mirrored"] else -angle}
    kind = EdgeKind.VERIFIED if agreement >= 0.9 else EdgeKind.SAME_SKY
    known = {"first": first, "second": second, "ways": (), "features": True, "version": ""}
    return Compared.model_validate({**known, **facts, "kind": kind, "agreement": agreement})


def strangers(count: int, *matches: Compared) -> tuple[list[Look], Shelf, list[Pair]]:
    """Pictures of different skies of which local features say what the test wants."""
    shelf = Shelf(matches)
    looks = [look(f"a:{n}", a_sky(n, 96), shelf, rank=n) for n in range(count)]
    return looks, shelf, [(one.first, one.second) for one in matches]


def test_a_chain_is_not_closed_over_strangers() -> None:
    looks, shelf, candidates = strangers(3, match("a:0", "a:1"), match("a:1", "a:2"))
    related = relate(looks, shelf, candidates)
    assert {uid: edge.first for uid, edge in related.copies.items()} == {"a:1": "a:0"}
    assert shelf.asked[-1].ways == tuple(range(8))  # a:2 was held against a:0 in every way, and stays
    assert related.families == (("a:0", "a:1", "a:2"),)
    assert related.same_sky == {"a:0": ("a:2",), "a:2": ("a:0",)}


def test_a_member_that_nothing_proposed_is_held_against_the_one_that_stays() -> None:
    looks, shelf, candidates = strangers(3, match("a:0", "a:1"), match("a:1", "a:2"), match("a:0", "a:2"))
    found = copies(looks, shelf, candidates[:2])
    assert {uid: edge.first for uid, edge in found.items()} == {"a:1": "a:0", "a:2": "a:0"}


def test_a_member_the_hashes_missed_is_recognised_by_its_thumbnail() -> None:
    shelf = Shelf([match("a:1", "a:2")])
    image = a_sky(4, 200)
    views = [image, a_sky(5, 200), image.transpose(Image.Transpose.ROTATE_180)]
    looks = [look(f"a:{n}", view, shelf, rank=n) for n, view in enumerate(views)]
    shelf.matches |= {(one.first, one.second): one for one in [match("a:0", "a:1")]}
    looks = [*looks[:2], replace(looks[2], hashes=bytes(range(256)))]
    edge = copies(looks, shelf, [*shelf.matches])["a:2"]
    assert (edge.first, edge.kind, edge.orientation) == ("a:0", EdgeKind.VERIFIED, 3)
    assert edge.words.startswith("turned by 180° (distance 1")
    assert edge.words.endswith("agreement 1.00)")


def test_other_photographs_of_the_same_sky_stay_and_are_named() -> None:
    matches = match("a:0", "a:1", agreement=0.7), match("a:1", "a:2"), match("a:2", "a:3", agreement=0.6)
    looks, shelf, candidates = strangers(5, *matches)
    related = relate(looks, shelf, candidates)
    assert set(related.copies) == {"a:2"}
    assert related.same_sky == {"a:0": ("a:1",), "a:1": ("a:0", "a:3"), "a:3": ("a:1",)}
    assert related.families == (("a:0", "a:1", "a:2", "a:3"),)


def sized(looks: Iterable[Look], *sizes: tuple[int, int]) -> list[Look]:
    standings = (replace(look.standing, width=w, height=h) for look, (w, h) in zip(looks, sizes, strict=True))
    return [replace(look, standing=standing) for look, standing in zip(looks, standings, strict=True)]


def test_the_whole_scene_stays_before_a_crop_with_more_pixels() -> None:
    looks, shelf, candidates = strangers(2, match("a:0", "a:1", scale=0.5, angle=3.0))
    related = relate(sized(looks, (2000, 2000), (800, 800)), shelf, candidates)
    edge = related.copies["a:0"]  # both are looked at in 512 pixels, where its content is half as large
    assert (edge.first, edge.scale, edge.angle) == ("a:1", 2.0, -3.0)
    assert edge.words == "turned by -3°, at 2.00 times the scale (40 features, agreement 0.95)"
    assert related.standings["a:0"].cropped
    assert not related.standings["a:1"].cropped


def test_a_smaller_rendition_is_no_wider_view() -> None:
    for scale, sizes in ((0.5, [(512, 512), (256, 256)]), (0.97, [(900, 900), (600, 600)])):
        looks, shelf, candidates = strangers(2, match("a:0", "a:1", scale=scale))
        related = relate(sized(looks, *sizes), shelf, candidates)
        assert {uid: edge.first for uid, edge in related.copies.items()} == {"a:1": "a:0"}
        assert not any(standing.cropped for standing in related.standings.values())


def test_the_widest_of_several_crops_is_found_over_their_ties() -> None:
    ties = match("a:0", "a:1", scale=0.8), match("a:1", "a:2", scale=0.8), match("a:0", "a:2", scale=0.64)
    looks, shelf, candidates = strangers(4, *ties, match("a:2", "a:3", agreement=0.7, scale=0.5))
    related = relate(looks, shelf, candidates)
    assert {uid: edge.first for uid, edge in related.copies.items()} == {"a:0": "a:2", "a:1": "a:2"}
    assert [standing.cropped for _, standing in sorted(related.standings.items())] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_edge_tells_how_the_copy_lies_on_the_kept_one(mirrored: bool) -> None:
    for kept, other in (("a:0", "a:1"), ("a:1", "a:0")):
        one = match("a:0", "a:1", scale=1.02, angle=8.0, mirrored=mirrored)
        shelf = Shelf([one])
        looks = [look(uid, a_sky(n, 96), shelf, int(uid == other)) for n, uid in enumerate(("a:0", "a:1"))]
        edge = copies(looks, shelf, [(one.first, one.second)])[other]
        assert edge.first == kept
        assert edge.scale == pytest.approx(1.02 if kept == "a:0" else 1 / 1.02, abs=1e-4)
        assert edge.angle == (8.0 if kept == "a:0" or mirrored else -8.0)


def test_a_thousand_copies_are_not_a_million_pairs() -> None:
    shelf = Shelf()
    one = look("a:0", a_sky(1, 96), shelf)
    bits = np.unpackbits(np.frombuffer(one.hashes, dtype=np.uint8)).reshape(-1, 256)
    looks = [one]
    for n in range(1, 300):
        shelf[sha(f"a:{n}")] = shelf[one.sha256]
        near = bits.copy()
        near[:, n % 7] ^= 1
        hashes = np.packbits(near, axis=1).tobytes()
        looks.append(replace(one, standing=Standing(f"a:{n}", bytes=-n), sha256=sha(f"a:{n}"), hashes=hashes))
    found = copies(looks, shelf)
    assert {edge.first for edge in found.values()} == {"a:0"}
    assert len(found) == 299
    assert len(shelf.asked) < 2 * 300


def test_candidates_that_fell_to_equal_content_are_passed_over() -> None:
    looks, shelf, candidates = strangers(2, match("a:0", "a:1"))
    looks += [replace(looks[1], standing=Standing("b:1"), sha256=sha("b:1"))]
    looks = [replace(look, pixels_sha256=look.hashes.hex()) for look in looks]
    gone = tuple(sorted((sha("a:0"), sha("b:1"))))
    found = copies(looks, shelf, [*candidates, (gone[0], gone[1])])
    assert {uid: edge.first for uid, edge in found.items()} == {"a:1": "a:0", "b:1": "a:0"}


def test_the_order_of_the_looks_does_not_matter() -> None:
    shelf = Shelf()
    looks = [
        look(f"a:{n}", CHANGES[change](a_sky(n % 3, 160)), shelf, rank=n % 2)
        for n, change in enumerate(CHANGES)
    ]
    expected = copies(looks, shelf)
    assert len(expected) == len(looks) - 3
    assert copies(reversed(looks), shelf) == expected


def test_thumbnails_of_different_size_can_be_compared() -> None:
    shelf = Shelf()
    image = a_sky(3, 256)
    names = [one.sha256 for one in (look("a:1", image, shelf), look("a:2", CHANGES["half"](image), shelf))]
    eye = Eye(shelf.read)
    agreement = eye.agreement(names[0], names[1], 0)
    assert agreement is not None
    assert agreement > 0.95
    assert eye.agreement(names[0], names[1], 3) is None


SAMPLE = Path(__file__).resolve().parents[3] / "universe_gan" / "sample" / "images"


def sample() -> Sequence[Path]:
    return sorted(SAMPLE.glob("*.jpg"))


@pytest.mark.skipif(not sample(), reason="the sample does not lie beside the code")
def test_the_samples_nebulae_are_all_different_and_their_copies_are_all_found() -> None:
    shelf = Shelf()
    pictures = {}
    for path in sample():
        try:
            pictures[path.name] = open_upright(path, max_pixels=10**7).image
        except Unreadable:
            continue
    looks = [look(f"a:{name}", image, shelf) for name, image in pictures.items()]
    assert len(looks) >= 24
    assert copies(looks, shelf) == {}
    for change in ("half", "recoloured", "turned by 90° right"):
        changed = [look(f"b:{name}", CHANGES[change](image), shelf, 1) for name, image in pictures.items()]
        found = copies([*looks, *changed], shelf)
        assert {uid: copy.first for uid, copy in found.items()} == {
            f"b:{name}": f"a:{name}" for name in pictures
        }


@pytest.mark.skipif(not (SAMPLE / "copies").is_dir(), reason="the sample does not lie beside the code")
def test_the_copies_that_ship_with_the_sample_are_found() -> None:
    shelf = Shelf()
    looks = []
    for path in [*sample(), *sorted((SAMPLE / "copies").glob("*.jpg"))]:
        if "damaged" not in path.name:
            image = open_upright(path, max_pixels=10**7).image
            looks.append(look(f"a:{path.stem}", image, shelf, int(path.parent.name == "copies")))
    found = {
        uid.removeprefix("a:"): copy.first.removeprefix("a:") for uid, copy in copies(looks, shelf).items()
    }
    made = {path.stem for path in (SAMPLE / "copies").glob("*.jpg") if "damaged" not in path.name}
    assert set(found) == made
    assert all(copy.startswith(original) for copy, original in found.items())
