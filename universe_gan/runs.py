"""Runs: one folder a training, `runs/0003-nebulae/`, whole at every moment.

run.json             what was trained on what: settings, data with its licences, versions
stats.jsonl          a line of statistics every `log_kimg`
reals.png            what the networks are shown
sheets/000120.png    the same seeds after 120 kimg
training.png         the statistics as curves
log.txt              what the command said
judged.jsonl         what `universe-gan judge` found later, a line a checkpoint
tensorboard/         events for TensorBoard, where `trackers` asks for them
latest.safetensors   everything an exact resume needs
best.safetensors     the generator that was judged best
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from collectors.frozen import Frozen
from collectors.progress import Stage
from collectors.workspace import Journal, Workspace, WorkspaceBusy, canonical_json, write_whole
from universe_gan import __version__, checkpoints, curves, judging, sheets
from universe_gan.data import Origin, Pictures
from universe_gan.judging import Judge
from universe_gan.trackers import Tracker
from universe_gan.train import Training, steps
from universe_gan.train_settings import TrainSettings

SHOWN = 36
"""Pictures on a sheet."""
_NUMBERED = re.compile(r"^(\d{4,})-(.+)$")


class RunBroken(Exception):
    """A folder of runs that cannot be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class RunBusy(Exception):
    """A run that somebody else goes on with at this moment."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is being trained by {holder}")
        self.path, self.holder = path, holder


class About(Frozen):
    """What a run is, written once when it begins (`run.json`)."""

    name: str
    settings: TrainSettings
    side: int
    origin: Origin
    tool: str
    torch: str
    device: str

    @property
    def question(self) -> str:
        """Hash of what is learned from what: runs with the same one may go on in each other's place.

        How long, how often it is told about, and on which device do not change it. What share generated
        pictures may have shows in which pictures there are.
        """
        free = {
            "kimg",
            "log_kimg",
            "save_kimg",
            "judge_kimg",
            "extractor",
            "compile",
            "trackers",
            "synthetic",
        }
        asked = [self.settings.model_dump(mode="json", exclude=free), self.side, self.origin.fingerprint]
        return hashlib.sha256(canonical_json(asked)).hexdigest()


@dataclass(frozen=True)
class Run:
    """The folder of one training."""

    path: Path
    about: About

    @property
    def latest(self) -> Path:
        return self.path / "latest.safetensors"

    @property
    def best(self) -> Path:
        return self.path / "best.safetensors"

    @property
    def kimg(self) -> float:
        """Thousands of pictures shown until the latest checkpoint; 0 before the first."""
        try:
            return float(checkpoints.facts(self.latest)["kimg"])
        except FileNotFoundError:
            return 0.0

    @property
    def finished(self) -> bool:
        return self.kimg >= self.about.settings.kimg

    def stats(self) -> list[dict[str, Any]]:
        """The statistics (`statistics`)."""
        return statistics(self.path)

    def locked(self) -> AbstractContextManager[None]:
        """Keep a second training out of this run. Raises `RunBusy`."""
        return locked(self.path)


def statistics(path: Path) -> list[dict[str, Any]]:
    """The statistics of a run's folder, one line a step that was looked at, in the order of steps.

    The file only grows. After a kill or a rollback training goes on from an earlier step, and tells again
    what came after it: so a line supersedes all earlier lines of later steps. Lines of one step are one;
    what was said last counts.
    """
    lines: list[dict[str, Any]] = []
    for line in Journal(path / "stats.jsonl").read():
        while lines and lines[-1]["step"] > line["step"]:
            lines.pop()
        if lines and lines[-1]["step"] == line["step"]:
            lines[-1] |= line
        else:
            lines.append(line)
    return lines


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep a second training out of a run's folder. Raises `RunBusy`."""
    try:
        with Workspace(path).locked():
            yield
    except WorkspaceBusy as error:
        raise RunBusy(path, error.holder) from error


def about(name: str, settings: TrainSettings, side: int, origin: Origin, device: torch.device) -> About:
    """What a run that begins here and now would be."""
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return About(
        name=name,
        settings=settings,
        side=side,
        origin=origin,
        tool=__version__,
        torch=torch.__version__,
        device=where,
    )


def read(path: Path) -> Run:
    """The run of this folder.

    Raises:
        FileNotFoundError: it is none.
        RunBroken: it cannot be read.
    """
    try:
        return Run(path, About.model_validate_json((path / "run.json").read_bytes()))
    except ValueError as error:
        raise RunBroken(path / "run.json", str(error).splitlines()[0]) from error


def every(root: Path) -> list[Run]:
    """The runs of a folder, oldest first. Raises `RunBroken`."""
    found = sorted(root.glob("[0-9]*-*/run.json"), key=lambda path: _number(path.parent))
    return [read(path.parent) for path in found]


def continued(root: Path, wanted: About) -> Run | None:
    """The last run of this name that learns the same from the same, to go on under the settings wanted.

    `None`: there is none. Nothing is written. Raises `RunBroken`.
    """
    for run in reversed(every(root)):
        if run.about.name == wanted.name and run.about.question == wanted.question:
            return Run(run.path, run.about.model_copy(update={"settings": wanted.settings}))
    return None


def begin(root: Path, wanted: About, *, new: bool = False) -> Run:
    """The run to go on with (`continued`), or a new folder where there is none or `new` asks for it.

    Nothing is ever deleted.
    """
    run = None if new else continued(root, wanted)
    if run is None:
        run = Run(fresh(root, wanted.name), wanted)
    _write(run)
    return run


def fresh(root: Path, name: str) -> Path:
    """A new folder for a run."""
    while True:
        path = root / f"{_next(root):04}-{name}"
        with suppress(FileExistsError):  # another command was quicker
            path.mkdir(parents=True)
            return path


def _next(root: Path) -> int:
    """A number that no folder has, not even one that is no run."""
    return max((_number(path) for path in root.glob("[0-9]*-*")), default=0) + 1


def _write(run: Run) -> None:
    write_whole(run.path / "run.json", run.about.model_dump_json(indent=1) + "\n")


def _number(path: Path) -> int:
    found = _NUMBERED.match(path.name)
    return int(found[1]) if found else 0


class Recorder:
    """Looks on while a run trains (`train.Witness`): statistics, sheets, checkpoints."""

    def __init__(
        self,
        run: Run,
        pictures: Pictures,
        stage: Stage | None = None,
        judge: Judge | None = None,
        say: Callable[[str], None] = lambda words: None,
        trackers: Sequence[Tracker] = (),
        watch: Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], str] = lambda now, before: "",
    ) -> None:
        """`watch`: from a judgement and those before it, why to stop, or nothing."""
        self.fallen = ""
        """Why training must not go on; empty: it may."""
        self._watch = watch
        self._run, self._stage, self._judge, self._say = run, stage, judge, say
        self._trackers = trackers
        self._journal = Journal(run.path / "stats.jsonl")
        dice = torch.Generator().manual_seed(run.about.settings.seed)
        self._latents = torch.randn(SHOWN, run.about.settings.latent, generator=dice)
        if not (run.path / "reals.png").exists():
            some = list(pictures.pixels[:SHOWN])
            write_whole(run.path / "reals.png", sheets.png(sheets.sheet(some)))

    def log(self, stats: Mapping[str, Any]) -> None:
        """Add a line of statistics."""
        self._journal.append(stats)
        for tracker in self._trackers:
            tracker.log(stats)

    def advance(self, pictures: int) -> None:
        """Move the bar on."""
        if self._stage:
            self._stage.advance(pictures)

    def save(self, training: Training) -> None:
        """Write the latest checkpoint, then the sheet and the curves that show it."""
        facts = {**training.facts(), "kimg": training.kimg, "about": self._run.about.model_dump(mode="json")}
        checkpoints.write(self._run.latest, training.state(), facts)
        self._judged(training, facts)
        sheet = sheets.sheet(list(sheets.draw(training.average, self._latents, training.device)))
        for tracker in self._trackers:
            tracker.show(training.step, sheet)
        shown = sheets.png(sheet, {"kimg": training.kimg})
        write_whole(self._run.path / "sheets" / f"{round(training.kimg):06}.png", shown)
        if drawn := curves.draw(self._run.stats(), self._run.path.name):
            write_whole(self._run.path / "training.png", drawn)

    def _judged(self, training: Training, facts: dict[str, Any]) -> None:
        """Every `judge_kimg`, and at the last: the figures, and the best so far."""
        settings = self._run.about.settings
        due = training.step % steps(settings.judge_kimg, settings) == 0 or training.kimg >= settings.kimg
        if self._judge is None or not due:
            return
        before = [line for line in self._run.stats() if "kid" in line and line["step"] < training.step]
        figures = self._judge(training.average, training.device)
        told = {"step": training.step, "kimg": training.kimg, **figures}
        self.log(told)
        self.fallen = self._watch(told, before)
        self._say(f"{training.kimg:,g} kimg: {judging.words(figures)}")
        best = checkpoints.facts(self._run.best)["judged"] if self._run.best.is_file() else None
        if judging.is_better(figures, best):
            state = checkpoints.of_module("average", training.average)
            checkpoints.write(self._run.best, state, {**facts, "judged": figures})
        elif (lean := judging.without_gain([*before, figures])) >= judging.PATIENCE:
            self._say(f"no gain in {lean} judgements; {self._run.best} is the best so far")

    def restore(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The latest checkpoint."""
        return checkpoints.read(self._run.latest)

    def close(self) -> None:
        self._journal.close()
        for tracker in self._trackers:
            tracker.close()
