"""The answers of one quiz, in a CSV file that grows by a line an answer, and what they amount to.

    number,at,picture,model,truth,answer,ms
    1,2026-01-02T03:04:05+00:00,commons:M42,,real,generated,1840

An answer that was taken back is a line too, with nothing as the answer; the last line of a number counts.
A line that a kill tore is dropped.
"""

import csv
import errno
import fcntl
import io
import os
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Literal

from pydantic import ValidationError

from collectors.frozen import Frozen
from collectors.storage.files import DiskFull
from collectors.storage.workspace import WorkspaceBusy
from universe_gan.comparing import detection

Word = Literal["real", "generated"]
COLUMNS = ("number", "at", "picture", "model", "truth", "answer", "ms")


class NoAnswers(Exception):
    """A file that holds no answers of a quiz."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class QuizChanged(Exception):
    """Answers that were given to other questions than those asked now."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(f"question {number} of {path} showed another picture")
        self.path, self.number = path, number


class Asked(Frozen):
    """One question: which picture is shown."""

    picture: str
    """Its name: uid, file or seed."""
    model: str
    """Who made it; empty: it is real."""

    @property
    def truth(self) -> Word:
        """The right answer."""
        return "generated" if self.model else "real"


class Answer(Frozen):
    """One line of the file."""

    number: int
    """From 1, in the order shown."""
    at: datetime
    picture: str
    model: str
    truth: Word
    answer: Word | None
    """`None`: taken back."""
    ms: int | None
    """From the moment the picture was seen."""


class Answers:
    """The file of a quiz, open for more; only one quiz writes to it at a time. Use it in `with`."""

    def __init__(self, path: Path, questions: Sequence[Asked]) -> None:
        """Go on with what is there.

        Raises:
            WorkspaceBusy: another quiz writes to it.
            NoAnswers: it is something else.
            QuizChanged: it answers other questions.
        """
        self.path, self.questions = path, questions
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.given = self._read()
        except BlockingIOError:
            self._file.close()
            raise WorkspaceBusy(path, "another quiz") from None
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> dict[int, Answer]:
        self._file.seek(0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        given = _last_words(_parsed(whole, self.path))
        for number, answer in given.items():
            asked = self.questions[number - 1] if 1 <= number <= len(self.questions) else None
            if asked != Asked(picture=answer.picture, model=answer.model):
                raise QuizChanged(self.path, number)
        self._file.truncate(len(whole))
        if not whole:
            self._append(COLUMNS)
        return given

    @property
    def next(self) -> int | None:
        """The question that is to be answered, from 1; `None`: all are."""
        return next((n for n in range(1, len(self.questions) + 1) if n not in self.given), None)

    @property
    def last(self) -> int | None:
        """The question that was answered last."""
        return max(self.given, default=None)

    def say(self, number: int, word: Word | None, ms: int | None, now: datetime | None = None) -> None:
        """Write down the answer to a question; `None` takes it back. Raises `DiskFull`: it does not count."""
        asked = self.questions[number - 1]
        line = Answer(
            number=number,
            at=(now or datetime.now(UTC)).replace(microsecond=0),
            picture=asked.picture,
            model=asked.model,
            truth=asked.truth,
            answer=word,
            ms=ms,
        )
        values = line.model_dump(mode="json")
        self._append(["" if values[name] is None else values[name] for name in COLUMNS])
        if word is None:
            self.given.pop(number, None)
        else:
            self.given[number] = line

    def _append(self, values: Iterable[object]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(values)
        whole = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(text.getvalue().encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            os.ftruncate(self._file.fileno(), whole)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(self.path.parent, shutil.disk_usage(self.path.parent).free) from error
            raise

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read(path: Path) -> list[Answer]:
    """The answers of a file, by number. Raises `NoAnswers`, `OSError`."""
    data = path.read_bytes()
    return list(_last_words(_parsed(data[: data.rfind(b"\n") + 1], path)).values())


def result(given: Sequence[Answer], asked: int | None = None) -> dict[str, Any]:
    """What the answers amount to: of real and of each model's pictures the share taken for real, and so on.

    `asked`: how many questions there were; `None`: not known.
    """
    reals = _taken(one for one in given if one.truth == "real")
    names = sorted({one.model for one in given if one.model})
    times = [one.ms for one in given if one.ms is not None]
    return {
        "asked": asked,
        "answered": len(given),
        "finished": None if asked is None else len(given) == asked,
        "level": detection.LEVEL,
        "reals": reals.model_dump(),
        "models": [
            {"model": name, **_against(reals, (one for one in given if one.model == name))} for name in names
        ],
        "all": _against(reals, (one for one in given if one.truth == "generated")),
        "median_ms": median(times) if times else None,
    }


def _taken(some: Iterable[Answer]) -> detection.Share:
    words = [one.answer for one in some]
    return detection.share(words.count("real"), len(words))


def _against(reals: detection.Share, some: Iterable[Answer]) -> dict[str, Any]:
    made = _taken(some)
    apart = detection.difference(reals, made)
    return {
        "taken_for_real": made.model_dump(),
        "difference": apart.model_dump() if apart else None,
        "sensitivity": detection.sensitivity(reals, made),
        "balanced_accuracy": detection.balanced_accuracy(reals, made),
    }


def _last_words(lines: Iterable[Answer]) -> dict[int, Answer]:
    given: dict[int, Answer] = {}
    for line in lines:
        if line.answer is None:
            given.pop(line.number, None)
        else:
            given[line.number] = line
    return dict(sorted(given.items()))


def _parsed(whole: bytes, path: Path) -> list[Answer]:
    """Every line but the first, which names the columns. Raises `NoAnswers`."""
    try:
        rows = list(csv.reader(io.StringIO(whole.decode(), newline=""), strict=True))
        if rows and tuple(rows[0]) != COLUMNS:
            raise NoAnswers(path, "its first line does not name the columns of a quiz")
        return [Answer.model_validate(_named(row)) for row in rows[1:]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise NoAnswers(path, str(error)) from error
    except (ValidationError, ValueError) as error:
        raise NoAnswers(path, "a line of it is no answer") from error


def _named(row: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    return {**values, "answer": values["answer"] or None, "ms": values["ms"] or None}
