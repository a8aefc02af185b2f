"""Shares by kind: the ratio of real and fictive images is kept, and a cut is said in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from builders import a_record
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collectors.choice import choose, missing_share
from collectors.collect import collect
from collectors.frozen import SourceSettings
from collectors.plan import CollectSettings, Plan
from collectors.progress import Silent
from collectors.record import KEEP, Record
from collectors.shares import allot, mistakes, shortage
from collectors.source import Ask, Source
from collectors.storage.workspace import Workspace
from universe_gan.shell.recipes.recipe import RecipeWrong, load

SHARES = {"real": 0.4, "fictive": 0.6}


def pictures(kind: str | None, count: int, queries: int = 3, first: int = 1) -> list[Record]:
    return [
        a_record(number=number, kind=kind, found_by={"query": f"query {number % queries}"})
        for number in range(first, first + count)
    ]


def kinds(chosen: list[Record]) -> dict[str | None, int]:
    return {kind: sum(one.kind == kind for one in chosen) for kind in {one.kind for one in chosen}}


def test_the_limit_is_allotted_to_the_kinds_and_each_part_to_the_queries() -> None:
    everything = [*pictures("real", 60), *pictures("fictive", 90, first=100)]
    chosen = choose(everything, 30, {}, SHARES)
    assert kinds(chosen) == {"real": 12, "fictive": 18}
    for kind, each in (("real", 4), ("fictive", 6)):
        queries = [one.found_by.query for one in chosen if one.kind == kind]
        assert {query: queries.count(query) for query in queries} == {f"query {n}": each for n in range(3)}
    assert missing_share(everything, 30, {}, SHARES) is None


def test_where_one_share_cannot_be_filled_the_others_are_cut_and_it_is_said() -> None:
    everything = [*pictures("real", 200), *pictures("fictive", 47, first=1000)]
    assert kinds(choose(everything, 300, {}, SHARES)) == {"real": 32, "fictive": 47}
    words = missing_share(everything, 300, {}, SHARES)
    assert words == (
        "fictive: 47 of 180 can be had; real was cut from 120 to 32 to keep 40/60;"
        " set [collect] shares to change that"
    )


def test_without_a_limit_the_scarcer_kind_decides() -> None:
    everything = [*pictures("real", 10), *pictures("fictive", 30, first=1000)]
    assert kinds(choose(everything, None, {}, SHARES)) == {"real": 10, "fictive": 16}
    words = missing_share(everything, None, {}, SHARES)
    assert words is not None
    assert words.startswith("real: only 10 can be had; fictive was cut from 30 to 16 to keep 40/60")


def test_a_kind_that_is_missing_altogether_leaves_nothing_but_the_message() -> None:
    everything = pictures("real", 10)
    assert choose(everything, 5, {}, SHARES) == []
    words = missing_share(everything, 5, {}, SHARES)
    assert words is not None
    assert words.startswith("fictive: 0 of 3 can be had; real was cut from 2 to 0")


def test_images_without_a_kind_belong_to_no_share() -> None:
    everything = [*pictures("real", 4), *pictures("fictive", 6, first=100), *pictures(None, 9, first=200)]
    assert kinds(choose(everything, None, {}, SHARES)) == {"real": 4, "fictive": 6}
    assert len(choose(everything, None, {})) == 19


def test_a_file_that_never_comes_makes_room_within_its_kind() -> None:
    everything = [*pictures("real", 20), *pictures("fictive", 20, first=100)]
    before = choose(everything, 10, {}, SHARES)
    lost = next(one.uid for one in before if one.kind == "fictive")
    after = choose(everything, 10, {lost: None}, SHARES)
    assert kinds(after) == kinds(before)
    assert lost not in {one.uid for one in after}
    assert {one.uid for one in before if one.kind == "real"} == {
        one.uid for one in after if one.kind == "real"
    }


@given(
    st.integers(1, 99),
    st.integers(0, 60),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(1, 100)),
)
def test_the_ratio_is_kept_to_one_image_and_nothing_more_could_be_taken(
    percent: int, real: int, fictive: int, limit: int | None
) -> None:
    shares = {"real": percent / 100, "fictive": 1 - percent / 100}
    there = {"real": real, "fictive": fictive}
    parts = allot(shares, there, limit)
    total = sum(parts.values())
    assert all(parts[kind] <= there[kind] for kind in parts)
    assert all(abs(parts[kind] - shares[kind] * total) < 1 for kind in parts)
    assert limit is None or total <= limit
    roomy = allot(shares, dict.fromkeys(shares, 10_000), total + 1)
    full = limit is not None and total == limit
    assert full or any(roomy[kind] > there[kind] for kind in roomy), "a larger whole would fit"
    cut = shortage(shares, there, limit)
    assert (cut is None) == (full or (limit is None and parts == there))


@given(st.randoms(use_true_random=False), st.integers(1, 25))
def test_the_choice_does_not_depend_on_the_order_in_which_images_were_found(dice: Any, limit: int) -> None:
    everything = [*pictures("real", 9), *pictures("fictive", 12, first=100)]
    shuffled = list(everything)
    dice.shuffle(shuffled)
    assert choose(shuffled, limit, {}, SHARES) == choose(everything, limit, {}, SHARES)


def test_three_parts_that_do_not_come_out_even_still_fill_the_limit() -> None:
    shares = {"a": 0.333333, "b": 0.333333, "c": 0.333334}
    parts = allot(shares, dict.fromkeys(shares, 100), 100)
    assert sum(parts.values()) == 100
    assert set(parts.values()) == {33, 34}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"real": 0.4, "fictive": 0.5}, "the shares add up to 0.9, not to 1"),
        ({"real": 0.4, "fictive": 0.60001}, "the shares add up to"),
        ({"reel": 1.0}, "'real' or 'fictive'"),
        ({"real": -1.0, "fictive": 2.0}, "greater than 0"),
        ({"real": float("nan"), "fictive": 0.5}, "shares"),
    ],
)
def test_shares_that_are_no_ratio_are_refused(given: dict[str, float], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CollectSettings(subject="planet", shares=given)


def test_shares_may_miss_one_by_a_rounding_only() -> None:
    assert CollectSettings(subject="planet", shares={"real": 0.4000001, "fictive": 0.6}).shares


def test_each_source_must_have_a_kind_that_has_a_share_and_each_share_a_source() -> None:
    assert mistakes(None, {"nasa": None}) == []
    assert mistakes(SHARES, {"nasa": "real", "flickr": "fictive"}) == []
    assert mistakes(SHARES, {"nasa": "real", "flickr": None}) == [
        "[collect.flickr] has no kind, so [collect] shares cannot place its images:"
        ' write kind = "fictive" or "real"'
    ]
    assert mistakes({"real": 1.0}, {"nasa": "real", "flickr": "fictive"}) == [
        '[collect.flickr] kind = "fictive" has no share in [collect] shares'
    ]
    assert mistakes(SHARES, {"nasa": "real"}) == [
        '[collect] shares asks for fictive images, and no source has kind = "fictive"'
    ]
    assert mistakes(SHARES, {"nasa": "real", "flickr": "fictif"}) == [], "the typo is told already"
    assert mistakes({"real": 0.4, "fictif": 0.6}, {"nasa": "real", "flickr": "fictive"}) == []


def test_a_recipe_names_every_mistake_in_its_shares(tmp_path: Path) -> None:
    path = tmp_path / "planets.toml"
    path.write_text(
        '[collect]\nsubject = "planet"\nshares = { reel = 0.4, fictive = 0.6 }\n'
        '[collect.folder]\npath = "x"\nkind = "reel"\n'
    )
    with pytest.raises(RecipeWrong) as caught:
        load(path)
    assert any("'reel' is none of real, fictive (did you mean real?)" in p for p in caught.value.problems)
    path.write_text(
        '[collect]\nsubject = "planet"\nshares = { real = 0.4, fictive = 0.6 }\n'
        '[collect.folder]\npath = "x"\nkind = "real"\n'
    )
    with pytest.raises(RecipeWrong, match="no source has kind"):
        load(path)


class Ear(Silent):
    """Hears the notes for the user."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_collecting_says_that_a_share_could_not_be_filled(tmp_path: Path) -> None:
    found = [*pictures("real", 20), *pictures("fictive", 3, first=100)]

    def search(ask: Ask) -> Iterator[Record]:
        yield from found

    shelf = Source("shelf", "a shelf", SourceSettings, search, lambda answer, subject: found[0], "terms")
    plan = Plan(
        name="planets",
        base=tmp_path,
        manifest=tmp_path / "planets.jsonl",
        settings=CollectSettings(subject="planet", limit=10, shares=SHARES),
        sources=[(shelf, SourceSettings())],
        recipe_sha256="0" * 64,
        tool="test",
    )
    ear = Ear()
    workspace, session = Workspace(tmp_path / "data"), requests.Session()
    result = collect(plan, workspace, session, lambda record: KEEP, dry_run=True, progress=ear)
    assert result.taken == 5
    assert ear.notes == [result.shortage]
    assert result.shortage is not None
    assert result.shortage.startswith("fictive: 3 of 6 can be had; real was cut from 4 to 2")
