"""The quiz without its page: what answers amount to, the file they lie in, the questions, the command."""

import json
from pathlib import Path

import pytest

from collectors.storage.workspace import WorkspaceBusy
from universe_gan.comparing import answers, detection
from universe_gan.comparing.answers import Answers, Asked, NoAnswers, QuizChanged
from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit

QUESTIONS = [Asked(picture="a", model=""), Asked(picture="b", model="one"), Asked(picture="c", model="two")]


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (10, 20, 0.2993, 0.7007)],
)
def test_an_interval_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    found = detection.share(part, whole)
    assert found.value == part / whole
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_a_share_of_nothing_is_not_known() -> None:
    nothing, some = detection.share(0, 0), detection.share(1, 2)
    assert (nothing.value, nothing.low, nothing.high) == (None, 0, 1)
    assert detection.difference(nothing, some) is None
    assert detection.sensitivity(some, nothing) is None
    assert detection.balanced_accuracy(some, nothing) is None


def test_the_interval_of_a_difference_is_newcombes_own_example() -> None:
    found = detection.difference(detection.share(56, 70), detection.share(48, 80))
    assert found
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_who_always_says_real_has_no_sensitivity_and_guesses() -> None:
    reals, made = detection.share(10, 10), detection.share(10, 10)
    assert detection.sensitivity(reals, made) == pytest.approx(0)
    assert detection.balanced_accuracy(reals, made) == 0.5


def test_sensitivity_is_finite_where_nobody_erred_and_has_a_sign() -> None:
    every, none = detection.share(10, 10), detection.share(0, 10)
    # z(10.5 / 11) - z(0.5 / 11), by a table of the normal distribution
    assert detection.sensitivity(every, none) == pytest.approx(2 * 1.6906, abs=1e-3)
    assert detection.sensitivity(none, every) == pytest.approx(-2 * 1.6906, abs=1e-3)
    assert detection.balanced_accuracy(every, none) == 1


def test_answers_go_on_where_they_stood_and_the_last_word_counts(tmp_path: Path) -> None:
    path = tmp_path / "quiz" / "one.csv"
    with Answers(path, QUESTIONS) as kept:
        kept.say(1, "real", 900)
        kept.say(2, "real", 800)
        kept.say(2, None, None)
        kept.say(2, "generated", 700)
    with Answers(path, QUESTIONS) as kept:
        assert (kept.next, kept.last) == (3, 2)
        assert [(one.answer, one.ms) for one in kept.given.values()] == [("real", 900), ("generated", 700)]
        kept.say(2, None, None)
        assert (kept.next, kept.last) == (2, 1)
    assert [one.number for one in answers.read(path)] == [1]
    assert len(path.read_text().splitlines()) == 6


def test_a_torn_line_is_dropped_and_the_file_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    with Answers(path, QUESTIONS) as kept:
        kept.say(1, "real", 900)
    whole = path.read_bytes()
    path.write_bytes(whole + b"2,2026-01-02T03:04:05+00:00,b,on")
    assert len(answers.read(path)) == 1
    with Answers(path, QUESTIONS) as kept:
        assert kept.next == 2
    assert path.read_bytes() == whole


def test_names_with_commas_quotes_and_newlines_come_back(tmp_path: Path) -> None:
    odd = [Asked(picture='M 42, "the\nsword"', model="a,b")]
    with Answers(tmp_path / "one.csv", odd) as kept:
        kept.say(1, "generated", 5)
    with Answers(tmp_path / "one.csv", odd) as kept:
        assert kept.given[1].picture == odd[0].picture


def test_answers_to_other_questions_are_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    with Answers(path, QUESTIONS) as kept:
        kept.say(1, "real", 900)
        kept.say(2, "real", 900)
    whole = path.read_bytes()
    for other in (QUESTIONS[::-1], QUESTIONS[:1], [QUESTIONS[0], Asked(picture="b", model="two")]):
        with pytest.raises(QuizChanged):
            Answers(path, other)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "text", ["name,age\nx,3\n", "\xff\n", "number,at,picture,model,truth,answer,ms\n1,2\n"]
)
def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(NoAnswers):
        Answers(path, QUESTIONS)
    assert path.read_bytes() == text.encode("latin-1")


def test_two_quizzes_do_not_write_one_file(tmp_path: Path) -> None:
    with Answers(tmp_path / "one.csv", QUESTIONS), pytest.raises(WorkspaceBusy):
        Answers(tmp_path / "one.csv", QUESTIONS)


def a_file(path: Path) -> Path:
    with Answers(path, QUESTIONS) as kept:
        kept.say(1, "real", 900)
        kept.say(2, "real", 700)
        kept.say(3, "generated", 500)
    return path


def test_a_result_tells_each_model_apart_from_the_same_reals(tmp_path: Path) -> None:
    found = answers.result(answers.read(a_file(tmp_path / "one.csv")), 3)
    assert found["finished"] is True
    assert found["median_ms"] == 700
    assert [(one["model"], one["taken_for_real"]["value"]) for one in found["models"]] == [
        ("one", 1),
        ("two", 0),
    ]
    assert [one["balanced_accuracy"] for one in found["models"]] == [0.5, 1.0]
    assert found["all"]["taken_for_real"]["whole"] == 2


def test_results_are_printed_again_as_a_table_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_file(tmp_path / "one.csv")
    assert run(["quiz", "--results", str(path)]) == Exit.DONE
    table = capsys.readouterr().out
    assert "95 % interval" in table
    assert "all generated" in table
    assert run(["quiz", "--results", str(path), "--json"]) == Exit.DONE
    found = json.loads(capsys.readouterr().out)
    assert found["answered"] == 3
    assert found["file"] == str(path)


def test_results_of_something_else_say_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.csv").write_text("a,b\n")
    assert run(["quiz", "--results", str(tmp_path / "x.csv")]) == Exit.INPUT
    assert "holds no answers of a quiz" in capsys.readouterr().err


def test_a_quiz_about_nothing_is_a_mistake_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quiz"]) == Exit.USAGE
    assert "--results" in capsys.readouterr().err


def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from universe_gan.shell.pictures import quizzing

    monkeypatch.setattr(quizzing, "NEEDED", ())
    monkeypatch.setattr(quizzing, "SERVING", ("no_such_server",))
    assert run(["quiz", "somewhere"]) == Exit.INPUT
    told = capsys.readouterr().err
    assert "no_such_server" in told
    assert "universe-gan[quiz]" in told


def chunks(png: bytes) -> set[bytes]:
    """The kinds of chunks in a PNG file."""
    found, at = set(), 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        found.add(png[at + 4 : at + 8])
        at += 12 + length
    return found


def test_questions_are_half_real_the_same_for_a_seed_and_alike_but_for_what_they_show(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from toys import folder_of_pictures
    from trained import run_folder

    from universe_gan.comparing import quiz
    from universe_gan.generate import Generator

    folder = quiz.of_folder(folder_of_pictures(tmp_path / "made", side=48), "made")
    drawn = quiz.of_run(Generator.load(run_folder(tmp_path / "runs"), "cpu"), "toy")
    assert drawn.real == quiz.Real("ada/nebulae", "a" * 40)
    real = quiz.Real(str(folder_of_pictures(tmp_path / "reals", 12)))

    def asked(seed: int) -> list[quiz.Question]:
        side, found = quiz.questions([folder, drawn], real, 10, seed, cache=tmp_path / "cache")
        assert side == 32
        return found

    first = asked(0)
    assert first == asked(0)
    assert [one.asked for one in first] != [one.asked for one in asked(1)]
    models = [one.asked.model for one in first]
    assert (models.count(""), models.count("made"), models.count("toy")) == (5, 3, 2)
    assert len({len(one.png) for one in first}) == 1
    assert {kind for one in first for kind in chunks(one.png)} == {b"IHDR", b"IDAT", b"IEND"}


def test_models_of_different_reals_want_them_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("waitress", reason="waitress is not installed")
    from toys import folder_of_pictures

    made = folder_of_pictures(tmp_path / "made")
    assert run(["quiz", str(made)]) == Exit.INPUT
    assert "--real" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(["quiz", str(tmp_path / "empty"), "--real", str(made)]) == Exit.INPUT
    assert "no picture in it" in capsys.readouterr().err


def test_what_is_real_is_what_the_models_say_they_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("waitress", reason="waitress is not installed")
    from toys import folder_of_pictures
    from trained import run_folder

    from universe_gan.comparing import server

    monkeypatch.chdir(tmp_path)
    toy = str(run_folder(tmp_path / "runs"))
    folder_of_pictures(tmp_path / "reals")
    assert (
        run(["generate", toy, "--seeds", "0-4", "--to", "drawn", "--no-sheet", "--device", "cpu"])
        == Exit.DONE
    )
    lines = [json.loads(line) for line in Path("drawn/pictures.jsonl").read_text().splitlines()]
    told = [{**line, "dataset": str(tmp_path / "reals"), "dataset_revision": None} for line in lines]
    Path("drawn/pictures.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in told))
    assert run(["quiz", toy, "drawn"]) == Exit.INPUT
    assert "ada/nebulae" in capsys.readouterr().err

    monkeypatch.setattr(server, "serve", lambda site, *, port, ready: ready("http://127.0.0.1:1/x/"))
    assert run(["quiz", "drawn", "--questions", "4", "--json", "--quiet"]) == Exit.INTERRUPTED
    out, err = capsys.readouterr()
    assert json.loads(out)["asked"] == 4
    assert "http://127.0.0.1:1/x/" in err
    with Path("quiz/drawn.csv").open("a") as file:
        file.write("1,2026-01-02T03:04:05Z,else,,real,real,5\n")
    assert run(["quiz", "drawn", "--questions", "4"]) == Exit.INPUT
    assert "showed another picture" in capsys.readouterr().err
