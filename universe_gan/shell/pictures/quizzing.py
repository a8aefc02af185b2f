"""What `universe-gan quiz` does and says; questions, page and numbers are in `universe_gan.comparing`."""

import os
import re
import sys
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from universe_gan.shell.exits import Exit
from universe_gan.shell.models import judging
from universe_gan.shell.models.courses import course
from universe_gan.shell.models.needs import PackagesMissing, device_for
from universe_gan.shell.output import Output, many
from universe_gan.shell.pictures.generating import NEEDED, find

if TYPE_CHECKING:
    import torch

    from universe_gan.comparing.quiz import Maker, Real

SERVING = ("waitress", "werkzeug")
FOLDER = Path("quiz")
"""Where the answers are kept, a file for each set of models."""
DOOR = FOLDER / "open.html"
"""What the browser is told to open: it leads on to the secret address, and only its owner can read it."""


class WhichReals(Exception):
    """Nobody says which pictures are the real ones, or the models learned from several sets."""

    def __init__(self, sources: Sequence[str]) -> None:
        super().__init__(f"real pictures: {', '.join(sources) or 'not known'}")
        self.sources = tuple(sources)


def quiz(
    output: Output,
    asked: Sequence[str],
    *,
    real: str | None,
    questions: int,
    seed: int,
    port: int,
    no_browser: bool,
    runs: Path,
    device: str | None,
) -> Exit:
    """Ask on a page until Ctrl-C, then print the result; raises the failures of `comparing.quiz`."""
    if missing := [name for name in (*NEEDED, *SERVING) if util.find_spec(name) is None]:
        raise PackagesMissing(missing, "the quiz", "train,quiz" if set(missing) & set(NEEDED) else "quiz")
    from universe_gan.comparing import answers, server
    from universe_gan.comparing import quiz as asking
    from universe_gan.comparing.quiz_page import QuizPage

    where = device_for(device)
    names = asking.names(asked)
    makers = [_maker(output, one, names[one], runs, where) for one in asked]
    source = _real(real, runs) if real else _learned_from(makers)
    side, drawn = asking.questions(makers, source, questions, seed, cache=runs / "cache", progress=output)
    path = FOLDER / f"{_file_name(list(names.values()))}.csv"
    with answers.Answers(path, [one.asked for one in drawn]) as kept:
        before = len(kept.given)
        went_on = f", {before:,} answered before" if before else ""
        _tell(output, f"quiz      {path}  {many(len(drawn), 'picture')} of {side} px{went_on}")
        if len(drawn) < questions:
            output.note(f"there are pictures for {many(len(drawn), 'question')} only")
        output.say("answer in the browser; Ctrl-C ends it and prints the result")
        page = QuizPage(drawn, kept, side)
        try:
            server.serve(page.site(), port=port, ready=_opener(output, no_browser=no_browser))
        finally:
            DOOR.unlink(missing_ok=True)
        found = answers.result(list(kept.given.values()), len(drawn))
    _print(output, path, found)
    return Exit.DONE if found["finished"] else Exit.INTERRUPTED


def again(output: Output, path: Path) -> Exit:
    """Print what a file of answers amounts to; raises `NoAnswers`."""
    from universe_gan.comparing import answers

    _print(output, path, answers.result(answers.read(path)))
    return Exit.DONE


def _maker(output: Output, asked: str, name: str, runs: Path, device: "torch.device") -> "Maker":
    """The pictures of a folder, or a generator: of a run, a checkpoint, a recipe, a model on the Hub."""
    from universe_gan.comparing import quiz as asking
    from universe_gan.generate import Generator

    place = find(asked, runs)
    folder = Path(place)
    if folder.is_dir() and not (folder / "run.json").is_file():
        return asking.of_folder(folder, name)
    return asking.of_run(Generator.load(place, device, output.note), name)


def _real(asked: str, runs: Path) -> "Real":
    """What a run learned from, else the dataset of a recipe, one on the Hub or a folder."""
    from universe_gan.comparing.quiz import Real
    from universe_gan.training.runs import read

    try:
        place = judging.place_of(asked, runs)
    except judging.NoRun:
        return Real(course(asked, (), None, None).source)
    origin = read(place.parent if place.is_file() else place).about.origin
    return Real(origin.source, origin.revision)


def _learned_from(makers: "Sequence[Maker]") -> "Real":
    """What all models learned from that say so. Raises `WhichReals`."""
    known = list(dict.fromkeys(maker.real for maker in makers if maker.real))
    if len(known) != 1:
        raise WhichReals([f"{one.source}@{one.revision}" if one.revision else one.source for one in known])
    return known[0]


def _file_name(names: Sequence[str]) -> str:
    """Of all models, as one word that any disk takes."""
    return re.sub(r"[^\w.-]+", "-", "-".join(names)).strip("-.")[:120] or "quiz"


def _tell(output: Output, words: str) -> None:
    """On stdout, or beside the JSON that will stand there."""
    if output.as_json:
        output.say(words)
    else:
        output.line(words)


def _opener(output: Output, *, no_browser: bool) -> Callable[[str], None]:
    """Prints the address, and opens it where there is a screen and somebody before it."""
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")

    def ready(address: str) -> None:
        if output.as_json:  # whatever the flags: without it nobody finds the page
            print(f"open      {address}", file=sys.stderr, flush=True)
        else:
            output.line(f"open      {address}")
        if not no_browser and screen and sys.stdout.isatty():
            webbrowser.open(_door(address).resolve().as_uri())

    return ready


def _door(address: str) -> Path:
    """Write the page that leads to an address: the command line of a browser can be read by everybody."""
    DOOR.parent.mkdir(parents=True, exist_ok=True)
    DOOR.unlink(missing_ok=True)
    DOOR.touch(mode=0o600, exist_ok=False)
    DOOR.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">', encoding="utf-8")
    return DOOR


def _print(output: Output, path: Path, found: Mapping[str, Any]) -> None:
    asked = found["asked"]
    of = f" of {asked:,}" if asked is not None else ""
    _tell(output, f"answers   {path}  {found['answered']:,}{of} answered")
    rows: list[tuple[str, ...]] = [("real", *_share(found["reals"]), "", "")]
    rows += [_row(one["model"], one) for one in found["models"]]
    if len(found["models"]) > 1:
        rows.append(_row("all generated", found["all"]))
    if not output.as_json:
        heads = ("pictures", "taken for real", "share", "95 % interval", "balanced accuracy", "d′")
        output.table("", heads, rows)
    if found["answered"]:
        output.say("balanced accuracy 0.50 and d′ 0 are guessing: nobody could tell them apart")
    output.result({"file": str(path), **found})


def _row(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = (found["balanced_accuracy"], found["sensitivity"])
    return (name, *_share(found["taken_for_real"]), *("" if one is None else f"{one:.2f}" for one in numbers))


def _share(found: Mapping[str, Any]) -> tuple[str, str, str]:
    if found["value"] is None:
        return "none shown", "", ""
    interval = f"{100 * found['low']:.0f} to {100 * found['high']:.0f} %"
    return f"{found['part']:,} of {found['whole']:,}", f"{100 * found['value']:.0f} %", interval
