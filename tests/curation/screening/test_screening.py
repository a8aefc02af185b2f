"""Screening: what each filter says of pictures made for it, order of reasons, what a person overrules."""

import numpy as np
import pytest
from builders import a_record
from PIL import Image, ImageDraw, ImageFont
from skies import a_sky

from collectors.matching import matching
from collectors.record import Reason
from curation.imaging.examine import Examined
from curation.screening.decisions import Decision
from curation.screening.measures import FILTERS, Views, scores
from curation.screening.screen import FILTERS as REASONS
from curation.screening.screen import doubts, screen
from curation.settings import DENY, CurateSettings, ScreenSettings

SETTINGS = CurateSettings(size=64)
SIDE = 512


def said(picture: Image.Image) -> dict[str, float]:
    return scores(Views.of(picture))


def a_planet() -> Image.Image:
    """A cloudy disc with a dark limb before black."""
    down, across = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    radius = np.hypot(down, across) / 0.6
    light = np.sqrt(np.clip(1 - radius**2, 0, 1))[..., None]
    noise = np.random.default_rng(1).normal(0, 1.5, (SIDE, SIDE, 3))
    clouds = np.asarray(a_sky(7, SIDE), dtype=np.float64) * 0.3 + 120
    return Image.fromarray(np.clip(clouds * light + noise, 0, 255).astype(np.uint8))


def a_chart() -> Image.Image:
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 40, 480, 440), outline="black", width=2)
    draw.line([(60 + 7 * x, 400 - (x * 37) % 300) for x in range(60)], fill="blue", width=3)
    for bar in range(6):
        draw.rectangle((80 + 60 * bar, 300 - 30 * bar, 110 + 60 * bar, 440), fill="orange")
    return picture


def lettered(opacity: int = 255, words: str = "NGC 1234 by A. Smith") -> Image.Image:
    over = Image.new("RGBA", (SIDE, SIDE))
    font = ImageFont.load_default(size=22)
    ImageDraw.Draw(over).text((30, 470), words, fill=(255, 255, 255, opacity), font=font)
    return Image.alpha_composite(a_sky(2, SIDE).convert("RGBA"), over).convert("RGB")


def framed() -> Image.Image:
    picture = Image.new("RGB", (SIDE + 60, SIDE + 60), "white")
    picture.paste(a_sky(3, SIDE), (30, 30))
    return picture


def a_collage() -> Image.Image:
    picture = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    for panel in range(4):
        picture.paste(a_sky(panel, 250), ((panel % 2) * 262, (panel // 2) * 262))
    return picture


def test_a_sky_and_a_planet_are_above_no_threshold() -> None:
    for picture in [*(a_sky(seed, SIDE) for seed in range(4)), a_planet()]:
        assert max(said(picture).values()) <= 0.5, said(picture)


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        (a_chart(), "diagram"),
        (lettered(), "text"),
        (lettered(opacity=130), "text"),
        (framed(), "frame"),
        (a_collage(), "collage"),
        (a_sky(5, 160).resize((SIDE, SIDE), Image.Resampling.BICUBIC), "blurred"),
    ],
    ids=["chart", "caption", "faint signature", "frame", "collage", "enlarged"],
)
def test_each_filter_finds_what_it_is_named_after(picture: Image.Image, name: str) -> None:
    assert said(picture)[name] > 0.5


def test_brightness_and_orientation_change_little() -> None:
    picture = a_sky(6, SIDE)
    darker = picture.point(lambda value: value // 3)
    for other in (darker, picture.transpose(Image.Transpose.ROTATE_90)):
        assert max(said(other).values()) <= 0.5


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (40, 40), (2000, 64)])
def test_odd_sizes_have_scores_too(size: tuple[int, int]) -> None:
    found = said(Image.new("RGB", size, (90, 20, 20)))
    assert set(found) == set(FILTERS)
    assert all(0 <= score <= 1 for score in found.values())


def examined(**scores: float) -> Examined:
    return Examined(sha256="0" * 64, measure="", width=900, height=900, detail=200, peak=50, scores=scores)


def test_every_filter_has_a_threshold_and_a_reason() -> None:
    assert set(FILTERS) == set(REASONS) <= set(ScreenSettings.model_fields)


def test_the_first_filter_above_its_threshold_is_the_reason() -> None:
    verdict = screen(examined(collage=0.9, text=0.8, diagram=0.2), SETTINGS)
    assert (verdict.reason, verdict.detail) == (Reason.TEXT, "text 0.80, the threshold is 0.5")
    assert screen(examined(text=0.5), SETTINGS).keep


def test_a_threshold_of_one_turns_a_filter_off() -> None:
    off = SETTINGS.model_copy(update={"screen": ScreenSettings(text=1)})
    assert screen(examined(text=1.0), off).keep
    assert doubts(examined(text=1.0), off) == ()


def test_doubts_are_near_a_threshold_on_either_side_nearest_first() -> None:
    assert doubts(examined(text=0.6, frame=0.45, collage=0.71, blurred=0.1), SETTINGS) == ("frame", "text")


def test_titles_and_categories_on_the_deny_list_are_off_topic() -> None:
    record = a_record(categories=("Emission nebulae", "Logos of NASA"))
    verdict = screen(examined(), SETTINGS, record)
    assert (verdict.reason, verdict.detail) == (Reason.OFF_TOPIC, "title or category matches logos of *")
    nobody = SETTINGS.model_copy(update={"screen": ScreenSettings(deny=())})
    assert screen(examined(), nobody, record).keep


@pytest.mark.parametrize(
    "title",
    [
        "Portrait of a nebula",
        "Astrophotography with a small telescope",
        "Messier 42 from the Paranal Observatory",
        "Family portrait of Jupiter and its moons",
        "The People's Nebula",
        "Rocket-shaped globule in the Heart Nebula",
    ],
)
def test_the_deny_list_hits_no_honest_title(title: str) -> None:
    assert matching(DENY, [title]) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"problem": "torn"}, Reason.UNREADABLE),
        ({"too_large": True}, Reason.TOO_LARGE),
        ({"height": 20}, Reason.TOO_SMALL),
    ],
)
def test_a_person_overrules_the_screening_but_nothing_before_it(
    changes: dict[str, object], reason: Reason
) -> None:
    keep = Decision(sha256="0" * 64, decision="keep", date="2026-01-02")
    assert screen(examined(diagram=1.0), SETTINGS, a_record(), keep).keep
    assert screen(
        examined(diagram=1.0).model_copy(update={"detail": 0, "peak": 0}), SETTINGS, None, keep
    ).keep
    unfit = examined(diagram=1.0).model_copy(update=changes)
    assert screen(unfit, SETTINGS, a_record(), keep).reason is reason
    assert doubts(examined(text=0.5), SETTINGS, keep) == ()


def test_a_person_who_says_no_is_quoted() -> None:
    drop = Decision(sha256="0" * 64, decision="drop", reason="a galaxy", date="2026-01-02")
    verdict = screen(examined(), SETTINGS, a_record(), drop)
    assert (verdict.reason, verdict.detail) == (Reason.REJECTED, "a galaxy")


def test_measuring_twice_gives_the_same() -> None:
    assert said(a_sky(8, SIDE)) == said(a_sky(8, SIDE))
