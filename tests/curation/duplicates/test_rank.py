"""Of several copies: who stays, by what, and in which words."""

from dataclasses import replace
from typing import Any

import pytest
from builders import BY, CC0, NASA, SA, a_record

from collectors.rights import Confidence, LicenceClass
from curation.duplicates.rank import Standing, standing, why
from curation.imaging.examine import Examined
from curation.settings import ScreenSettings

COMMON = Standing(
    "b:1",
    licence="CC-BY-4.0",
    cls=LicenceClass.BY,
    confidence=Confidence.STRUCTURED,
    source="flickr",
    width=1000,
    height=800,
    bytes=5000,
)

BETTER: list[tuple[dict[str, Any], str]] = [
    ({"licence": "CC0-1.0", "cls": LicenceClass.PD}, "freer licence (CC0-1.0 against CC-BY-4.0)"),
    ({"confidence": Confidence.STATED}, "licence better known (stated against structured)"),
    ({"source": "commons"}, "source nearer to the author (commons before flickr)"),
    ({"width": 2000}, "more pixels (2000 x 800 against 1000 x 800)"),
    ({"bytes": 9000}, "finer encoding"),
    ({"uid": "a:1"}, "equal in everything; the first by name"),
]
WORSE: list[tuple[dict[str, Any], str]] = [
    ({"evidence": False}, "evidence of its licence, which the other has not"),
    ({"conflict": True}, "its channels agree about the licence"),
    ({"original": False}, "the original, not made from another file"),
    ({"covered": True}, "nothing lies over it"),
    ({"cropped": True}, "shows more of the scene"),
]


@pytest.mark.parametrize(("change", "words"), BETTER)
def test_what_is_better_stays_and_says_why(change: dict[str, Any], words: str) -> None:
    other = replace(COMMON, **change)
    assert other.rank < COMMON.rank
    assert why(other, COMMON) == words


@pytest.mark.parametrize(("change", "words"), WORSE)
def test_what_is_worse_goes_and_the_other_says_why(change: dict[str, Any], words: str) -> None:
    other = replace(COMMON, **change)
    assert other.rank > COMMON.rank
    assert why(COMMON, other) == words


def test_each_ground_outweighs_all_that_follow_it() -> None:
    order = [WORSE[0], BETTER[0], WORSE[1], BETTER[1], BETTER[2], *WORSE[2:], *BETTER[3:]]
    for place, (_, words) in enumerate(order):
        good, bad = COMMON, COMMON
        for later, change in enumerate(order[place:]):
            to_good = (later == 0) is (change in BETTER)
            good = replace(good, **change[0]) if to_good else good
            bad = bad if to_good else replace(bad, **change[0])
        assert good.rank < bad.rank, words


def test_a_record_and_its_measurements_say_how_it_stands() -> None:
    seen = Examined(sha256="a", measure="", width=640, height=480, scores={"text": 0.35, "frame": 0.1})
    one = standing(a_record(rights=NASA), seen, ScreenSettings())
    assert (one.cls, one.confidence, one.source) == (LicenceClass.PD, Confidence.INFERRED, "commons")
    assert (one.width, one.height, one.bytes) == (640, 480, 1001)
    assert (one.evidence, one.conflict, one.original, one.cropped) == (True, False, True, False)
    assert one.covered  # doubtful is enough
    assert not standing(a_record(rights=NASA), seen, ScreenSettings(text=0.9)).covered
    made = {"channel": "page", "field": "derived_from", "value": "File:Whole.jpg"}
    assert not standing(a_record(evidence=(made,)), seen, ScreenSettings()).original
    smaller = a_record(file={"rendition": "1920px"})
    assert not standing(smaller, seen, ScreenSettings()).original
    assert not standing(a_record(evidence=()), seen, ScreenSettings()).evidence
    assert standing(a_record(rights=BY | {"conflict": "BY or SA"}), seen, ScreenSettings()).conflict
    ranks = [standing(a_record(rights=rights), seen, ScreenSettings()).rank for rights in (CC0, BY, SA)]
    assert ranks == sorted(ranks)


def test_where_copies_contradict_each_other_the_strictest_terms_stay() -> None:
    free = replace(COMMON, licence="CC0-1.0", cls=LicenceClass.PD, contested=True, width=4000)
    author = replace(COMMON, contested=True)
    assert author.rank < free.rank
    assert why(author, free) == "stricter of the terms copies claim (CC-BY-4.0 against CC0-1.0)"
    nasa = replace(free, source="nasa")
    assert nasa.rank < author.rank
    assert why(nasa, author) == "the author's own word (CC0-1.0 against CC-BY-4.0)"
