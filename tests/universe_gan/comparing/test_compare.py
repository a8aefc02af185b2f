"""The numbers and the page of a comparison, on sets whose answer is known."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.comparing import comparison, figures, page, plots
from universe_gan.comparing.figures import MEASURES, Column, Looked
from universe_gan.measuring import metrics
from universe_gan.measuring.extractors import Extractor, plain
from universe_gan.measuring.judging import Judge
from universe_gan.measuring.metrics import memorisation, spectrum

SIDE = 16
HOSTILE = "<script>alert(1)</script>"


def noise(count: int, seed: int, highest: int = 256) -> NDArray[np.uint8]:
    """Pictures of blocks, none like another."""
    dice = np.random.default_rng(seed)
    blocks = dice.integers(0, highest, (count, 4, 4, 3), np.uint8)
    return np.kron(blocks, np.ones((1, SIDE // 4, SIDE // 4, 1), np.uint8)).astype(np.uint8)


def a_judge(held: int = 30) -> Judge:
    train, held_out = noise(60, 1), noise(held, 2)
    return Judge(
        Extractor("plain", plain),
        train,
        held_out,
        plain(train),
        plain(held_out) if held else np.zeros((0, 1)),
        8,
    )


def a_column(
    name: str, pictures: NDArray[np.uint8], group: str = "", stage: str = "raw", **more: int
) -> Column:
    seeds = tuple(range(len(pictures)))
    return Column(name, group or name, stage, pictures, seeds, {"model": HOSTILE}, **more)  # type: ignore[arg-type]


def looked(judge: Judge, *columns: Column) -> list[Looked]:
    return [figures.look(judge, one) for one in columns]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return a_judge()


@pytest.fixture(scope="module")
def columns(judge: Judge) -> Sequence[Looked]:
    real = Column("real", "real", "real", judge.train)
    return looked(judge, real, a_column("good", noise(40, 3)), a_column("dark", noise(40, 4, 90)))


def test_the_better_run_is_marked_and_only_where_intervals_do_not_touch(columns: Sequence[Looked]) -> None:
    marked = figures.best(columns)
    assert ("kid", 1) in marked
    assert ("colour", 1) in marked
    assert not any(at in (0, 2) for _, at in marked)
    for key, at in marked:
        mine, other = (columns[one].figures[key] for one in (at, 2))
        assert mine
        assert other
        assert mine.high < other.low or mine.low > other.high


def test_two_sets_of_the_same_kind_have_no_winner(judge: Judge) -> None:
    alike = looked(judge, a_column("one", noise(40, 5)), a_column("two", noise(40, 6)))
    assert figures.best(alike) == set()


def test_stages_of_one_run_are_rivals_only_when_it_is_alone(judge: Judge) -> None:
    alone = looked(
        judge,
        a_column("run raw", noise(40, 4, 90), "run"),
        a_column("run coloured", noise(40, 3), "run", "coloured"),
    )
    assert ("colour", 1) in figures.best(alone)
    other = looked(judge, a_column("other", noise(40, 7), "other"))
    assert ("colour", 1) not in figures.best([*alone, *other])


def test_the_figures_are_those_of_judge(judge: Judge) -> None:
    made = noise(40, 8)
    told, [found] = judge.figures(made), looked(judge, a_column("one", made))
    for key in ("kid", "coverage", "recall", "memorisation", "colour"):
        interval = found.figures[key]
        assert interval
        assert interval.value == pytest.approx(told[key])
        assert interval.low <= interval.value <= interval.high
    assert found.figures["spectrum_db"].value == pytest.approx(told["spectrum_db"], rel=1e-6)  # type: ignore[union-attr]


def test_a_copy_is_shown_beside_what_it_copies(judge: Judge) -> None:
    made = noise(12, 9)
    made[5] = judge.train[17]
    [found] = looked(judge, a_column("copies", made))
    near = figures.nearest(judge, found, 3)
    assert (near[0].made, near[0].train) == (5, 17)
    assert near[0].share == pytest.approx(0, abs=1e-5)
    assert near[1].share > 0.5
    copied = figures.look(judge, a_column("all", judge.train[:40])).figures["memorisation"]
    assert copied
    assert copied.high == pytest.approx(0, abs=1e-6)
    assert memorisation(judge.of_train, judge.of_held_out, plain(made)) is not None


def test_few_pictures_are_said_to_be_few(judge: Judge) -> None:
    some = looked(judge, a_column("few", noise(6, 1)), a_column("more", noise(20, 3)))
    words = " ".join(figures.cautions(some, judge))
    assert "few: 6 pictures are too few" in words
    assert "rough figures; draw some hundreds: more (20)." in words
    assert "different numbers of pictures" in words
    assert some[0].figures["kid"] is None
    bare = a_judge(held=0)
    assert "a copy looks perfect here" in " ".join(figures.cautions([], bare))
    assert looked(bare, a_column("one", noise(20, 3)))[0].figures["memorisation"] is None


def test_added_detail_is_told_from_missing_and_invented_detail() -> None:
    dice = np.random.default_rng(0)
    real, sharp = (dice.integers(0, 256, (20, 32, 32, 3), np.uint8) for _ in range(2))
    blurred = np.kron(noise(20, 3)[:, ::2, ::2], np.ones((1, 4, 4, 1), np.uint8)).astype(np.uint8)
    assert figures.fine(real, sharp, 16) < 1 < 3 < figures.fine(real, blurred, 16)


def test_curves_lie_in_their_field() -> None:
    found = plots.spectrum([("real", spectrum(noise(9, 1))), ("made", spectrum(noise(9, 2)))], SIDE)
    for line in found.lines:
        points = np.array([[float(one) for one in pair.split(",")] for pair in line.points.split()])
        assert points.min() >= 0
        assert (points.max(axis=0) <= (plots.WIDTH, plots.HEIGHT)).all()
    assert found.ticks[0][1] == f"{SIDE} px"
    six = plots.histogram(metrics.histograms(noise(3, 1)), metrics.histograms(noise(3, 2)))
    assert [line.cls for line in six][::3] == ["real red", "made red"]


def a_comparison(judge: Judge, columns: Sequence[Looked]) -> comparison.Comparison:
    names = (HOSTILE,) * len(judge.train)
    return comparison.Comparison(HOSTILE, columns, judge, names, {"good": 1.5}, [HOSTILE])


def test_the_page_escapes_everything_and_holds_what_the_json_holds(
    tmp_path: Path, judge: Judge, columns: Sequence[Looked]
) -> None:
    found = a_comparison(judge, columns)
    page.write(found, tmp_path / "c.html", tmp_path / "c.json")
    text = (tmp_path / "c.html").read_text()
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "default-src &#39;none&#39;" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    for measure in MEASURES:
        assert measure.says in text
    told = json.loads((tmp_path / "c.json").read_text(), parse_constant=pytest.fail)
    assert [one["name"] for one in told["columns"]] == ["real", "good", "dark"]
    assert told["columns"][1]["figures"]["kid"]["best"] is True
    assert told["columns"][1]["fine_db"] == 1.5
    assert len(told["nearest"][0]["pairs"]) == comparison.PAIRS
    assert page.html(found) == text


def test_generations_are_shown_in_their_order(judge: Judge) -> None:
    later, first = (a_column(name, noise(20, at), generation=at) for name, at in (("later", 2), ("first", 0)))
    real = Column("real", "real", "real", judge.train)
    text = page.html(a_comparison(judge, looked(judge, real, later, first)))
    part = text[text.index('id="generations"') : text.index('id="nearest"')]
    assert part.index("first") < part.index("later")
    alone = page.html(a_comparison(judge, looked(judge, real, first)))
    assert 'id="generations"' not in alone


def test_the_page_says_whether_the_models_know_what_they_are_held_against(judge: Judge) -> None:
    def said(of: Judge) -> str:
        real = Column("real", "real", "real", of.train)
        text = page.html(a_comparison(of, looked(of, real, a_column("good", noise(40, 3)))))
        return text[text.index('class="lede"') :]

    assert "30 held-out pictures of 16 × 16 pixels" in said(judge)
    assert "the models learned from 60 others." in said(judge)
    assert "60 training pictures of 16 × 16 pixels" in said(a_judge(held=1))
    assert "the models learned from these very pictures." in said(a_judge(held=1))
