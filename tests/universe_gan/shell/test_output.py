"""Results go to stdout, talk to stderr, JSON stands alone, and logs get plain progress lines."""

import json

import pytest

from universe_gan.shell.output import Output, PlainStage, many, some


def test_results_and_talk_go_their_own_ways(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.line("a [red]result[/red]")
    output.say("some talk")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("a [red]result[/red]\n", "some talk\n")


def test_json_leaves_nothing_else_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json=True)
    output.line("a result")
    output.table("t", ["a"], [[1]])
    output.result({"taken": 3})
    assert json.loads(capsys.readouterr().out) == {"taken": 3}


def test_quiet_keeps_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(quiet=True)
    output.say("talk")
    with output.stage("fetch", 3) as stage:
        stage.advance(3)
    output.error("error: something\n  fix: this")
    assert capsys.readouterr().err == "error: something\n  fix: this\n"


def test_a_note_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.note("host pauses")
    output.note("host pauses")
    assert capsys.readouterr().err == "host pauses\n"


def test_a_terminal_shows_a_stage_inside_a_stage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    output = Output()
    with output.stage("outer", 2) as outer, output.stage("inner") as inner:
        inner.expect(3)
        inner.advance(3)
        output.note("a note between the bars")
        outer.advance(2)
    with output.stage("next") as later:
        later.advance(7)
    shown = capsys.readouterr().err
    assert shown.count("a note between the bars") == 1
    for words in ("outer", "  inner", "2/2", "3/3", "next"):
        assert words in shown


def test_plain_progress_speaks_every_thirty_seconds_with_rate_and_time_left() -> None:
    now = 0.0
    lines: list[str] = []
    stage = PlainStage("fetch", 100, lines.append, clock=lambda: now)
    for second in range(1, 62):
        now = float(second)
        stage.advance()
    stage.close()
    assert lines == [
        "fetch: 30 of 100 in 30.0 s, 1.0/s, about 70 s left",
        "fetch: 60 of 100 in 60.0 s, 1.0/s, about 40 s left",
        "fetch: 61 of 100 in 61.0 s",
    ]


def test_what_it_takes_to_get_ready_is_not_in_the_rate() -> None:
    now = 0.0
    lines: list[str] = []
    stage = PlainStage("pictures", 400, lines.append, clock=lambda: now)
    for second in (40.0, 50.0, 60.0, 70.0, 80.0):
        now = second
        stage.advance(4)
    assert lines == [
        "pictures: 4 of 400 in 40.0 s",
        "pictures: 16 of 400 in 70.0 s, 0.4/s, about 960 s left",
    ]


def test_one_of_a_thing_is_not_told_as_many() -> None:
    assert [many(count, "image") for count in (0, 1, 2, 1600)] == [
        "0 images",
        "1 image",
        "2 images",
        "1,600 images",
    ]


def test_of_a_long_list_the_first_are_named_and_the_others_counted() -> None:
    assert some(["a", "b", "c"]) == "a, b, c"
    assert some(["a", "b", "c", "d"], 2) == "a, b and 2 more"
