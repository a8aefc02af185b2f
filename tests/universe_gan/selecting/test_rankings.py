"""The two files beside generated pictures: the ranking, and what a person decided."""

import json
from pathlib import Path

import pytest

from universe_gan.selecting import rankings


def test_those_to_choose_from_are_there_and_not_refused_the_best_first(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).touch()
    lines: list[dict[str, object]] = [
        {"file": "b.png", "rank": 2, "nearest": "commons:M1", "plausible": True},
        {"file": "a.png", "rank": 1},
        {"file": "c.png", "rank": 3, "refused": "copy", "why": "a copy"},
        {"file": "gone.png", "rank": 4},
        {"file": "../a.png", "rank": 5},
    ]
    rankings.write(tmp_path, lines)
    assert [one.file for one in rankings.candidates(tmp_path)] == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (None, "there is no such file"),
        (["{"], "a line of it is no ranked picture"),
        (['{"file": "a.png"}'], "a line of it is no ranked picture"),
        (["[1]"], "a line of it is no ranked picture"),
        (['{"file": "gone.png", "rank": 1}'], "none of its pictures is there"),
    ],
)
def test_a_ranking_that_cannot_be_used_says_why(
    lines: list[str] | None, problem: str, tmp_path: Path
) -> None:
    if lines is not None:
        (tmp_path / rankings.RANKING).write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(rankings.RankingUnfit) as caught:
        rankings.candidates(tmp_path)
    assert (caught.value.path, caught.value.problem) == (tmp_path / rankings.RANKING, problem)


def test_the_last_decision_counts_and_a_torn_line_does_not(tmp_path: Path) -> None:
    said = [("a", "accept"), ("b", "reject"), ("a", "undecided"), ("c", "reject"), ("c", "accept")]
    lines = [json.dumps({"file": file, "decision": decision}) for file, decision in said]
    (tmp_path / rankings.DECISIONS).write_text("\n".join([*lines, '{"file": "d", "deci']))
    assert rankings.decisions(tmp_path) == {"b": "reject", "c": "accept"}


@pytest.mark.parametrize("line", ["{", "[1]", '{"file": "a.png"}', '{"file": ["a"], "decision": "accept"}'])
def test_decisions_that_cannot_be_read_are_no_decisions(line: str, tmp_path: Path) -> None:
    (tmp_path / rankings.DECISIONS).write_text(f"{line}\n")
    with pytest.raises(rankings.RankingUnfit, match="a line of it is no decision"):
        rankings.decisions(tmp_path)
