"""What the user sees: results on stdout, talk and progress on stderr, one JSON object on request."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from collectors.progress import Stage
from universe_gan.shell.plain import CONTROL, plain, without_secrets

PLAIN_EVERY = 30.0
"""Seconds between plain progress lines when stderr is no terminal."""


class OutputLost(Exception):
    """What a command prints cannot be written."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class ReaderGone(OutputLost):
    """Whoever read what a command prints has gone, as `head` does."""


@contextmanager
def written() -> Iterator[None]:
    """Tell a failed write to stdout or stderr from every other failure.

    Raises:
        ReaderGone, OutputLost: from then on, nothing more is written there.
    """
    try:
        yield
    except BrokenPipeError as error:
        _close_streams()
        raise ReaderGone(str(error)) from error
    except OSError as error:
        _close_streams()
        raise OutputLost(error.strerror or str(error)) from error


def _close_streams() -> None:
    """Let what is still buffered go nowhere; the interpreter would fail on it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


class _Console(Console):
    """A console that leaves it to us what happens when nobody reads on; rich would exit with code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def some(uids: Sequence[str], most: int = 3) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(uids[:most]) + (f" and {len(uids) - most:,} more" if len(uids) > most else "")


def many(count: int, noun: str) -> str:
    """`1 image`, `1,600 images`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Output:
    """Where a command speaks; also the `Progress` that work reports to."""

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.as_json, self.quiet, self.verbose = json, quiet, verbose
        self._out = _Console(highlight=False, soft_wrap=True)
        self._err = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._notes: list[str] = []
        self._log: Path | None = None
        self._unlogged: list[str] = []
        self._bars: Bars | None = None

    def keep_log(self, path: Path) -> None:
        """From now on, write every line into this file too."""
        self._log = path
        self._remember("$ universe-gan " + shlex.join(sys.argv[1:]))

    def _remember(self, text: str) -> None:
        if self._log is None:
            return
        self._unlogged.append(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {plain(text)}\n")
        if not self._log.parent.is_dir():  # nothing was touched yet, and perhaps nothing will be
            return
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(self._unlogged)
            self._unlogged.clear()
        except OSError:  # a log that cannot be written stops nothing; the work itself will say what is wrong
            self._log = None

    def line(self, text: str = "") -> None:
        """A line of the result. Text is printed as it is, never read as markup."""
        self._remember(text)
        if not self.as_json:
            self._print(self._out, Text(plain(text)))

    def say(self, text: str) -> None:
        """A line of talk, on stderr; silent with `--quiet`."""
        self._remember(text)
        if not self.quiet:
            self._print(self._err, Text(plain(text)))

    def detail(self, text: str) -> None:
        """Talk for `--verbose`."""
        if self.verbose:
            self._print(self._err, Text(plain(text), style="dim"))

    def error(self, text: str) -> None:
        """A failure, on stderr, whatever the flags."""
        head, _, rest = plain(text).partition("\n")
        self._print(self._err, Text(head, style="bold red"))
        if rest:
            self._print(self._err, Text(rest))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table of the result; numbers stand right."""
        if self.as_json or not rows:
            return
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for index, column in enumerate(columns):
            numbers = all(isinstance(row[index], int | float) for row in rows)
            table.add_column(column, justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else plain(str(cell))) for cell in row))
        self._print(self._out, table)

    def result(self, value: Mapping[str, Any]) -> None:
        """The whole result as one JSON object, when `--json` was given."""
        if self.as_json:
            with written():
                sys.stdout.write(_as_json(value) + "\n")
                sys.stdout.flush()

    def _print(self, console: Console, what: Text | Table) -> None:
        with written():
            console.print(what)

    def note(self, text: str) -> None:
        """`Progress.note`: a line that stays; the same words once."""
        if text not in self._notes:
            self._notes.append(text)
            self.say(text)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """`Progress.stage`: a bar with rate and time left, or plain lines every 30 s."""
        if self.quiet or not self._err.is_terminal:
            plain = PlainStage(name, total, self.say)
            yield plain
            plain.close()
            return
        if self._bars is not None:  # a stage inside a stage: a terminal has room for one display only
            yield _BarStage(self._bars, self._bars.add_task(f"  {name}", total=total))
            return
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=self._err,
        )
        try:
            with self._bars as bars:
                task = bars.add_task(name, total=total)
                yield _BarStage(bars, task)
                if bars.tasks[0].total is None:
                    bars.update(task, total=bars.tasks[0].completed)
        finally:
            self._bars = None


def _as_json(value: Mapping[str, Any]) -> str:
    """One line of JSON that a terminal may show: control characters stand there as their escapes."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], without_secrets(text))


class PlainStage:
    """Progress for logs: a line at the end, and one every 30 s before."""

    def __init__(
        self,
        name: str,
        total: int | None,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._total, self._say, self._clock = name, total, say, clock
        self._done, self._start = 0, clock()
        self._last = self._start
        self._warm: tuple[int, float] | None = None
        """What was done when the first of it was, and when: getting ready tells nothing of the rate."""

    def advance(self, count: int = 1) -> None:
        self._done += count
        now = self._clock()
        self._warm = self._warm or (self._done, now)
        if now - self._last >= PLAIN_EVERY:
            self._last = now
            self._say(f"{self._words(now)}{self._left(now)}")

    def expect(self, total: int) -> None:
        self._total = total

    def close(self) -> None:
        self._say(self._words(self._clock()))

    def _words(self, now: float) -> str:
        of = f" of {self._total:,}" if self._total is not None else ""
        seconds = now - self._start
        return f"{self._name}: {self._done:,}{of} in {seconds:.1f} s"

    def _left(self, now: float) -> str:
        if not self._total or not self._warm or self._done == self._warm[0]:
            return ""
        rate = (self._done - self._warm[0]) / max(now - self._warm[1], 1e-9)
        return f", {rate:.1f}/s, about {(self._total - self._done) / rate:.0f} s left"


class _BarStage:
    def __init__(self, bars: Bars, task: Any) -> None:
        self._bars, self._task = bars, task

    def advance(self, count: int = 1) -> None:
        self._bars.advance(self._task, count)

    def expect(self, total: int) -> None:
        self._bars.update(self._task, total=total)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="dim")
