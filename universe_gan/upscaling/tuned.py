"""Runs of fine-tuning: one folder each among those of training, `runs/0004-nebulae-upscale/`.

upscale.json         what was tuned on what: settings, data with its licences, the weights it began with
stats.jsonl          a line of statistics every `log_kimg`
sheets/0002000.png   small | Lanczos | before | now | truth: held-out pictures after 2,000 crops
training.png         the statistics as curves
log.txt              what the command said
latest.safetensors   everything an exact resume needs
best.safetensors     the upscaler that was judged best, only if it is better than what it began with
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from collectors.frozen import Frozen
from collectors.progress import Stage
from collectors.storage.files import Journal, canonical_json, write_whole
from universe_gan import __version__, sheets
from universe_gan.data import Origin, Pictures
from universe_gan.training import checkpoints, curves, runs
from universe_gan.training.loop import steps
from universe_gan.training.runs import RunBroken, RunFolder
from universe_gan.upscaling import exam
from universe_gan.upscaling.exam import Exam
from universe_gan.upscaling.tune import Tuning
from universe_gan.upscaling.tune_settings import TuneSettings

ABOUT = "upscale.json"
FIGURES = ("psnr", "held_out_l1", "stars")
KEPT_OUT = 10
"""Where a dataset holds no pictures out, every so many-th is."""


class About(Frozen):
    """What a run of fine-tuning is, written once when it begins."""

    name: str
    settings: TuneSettings
    side: int
    passes: int
    """Of back-projection."""
    origin: Origin
    start: Mapping[str, Any]
    """Provenance of the weights it begins with (`weights.Weights`)."""
    tool: str = __version__
    torch: str = torch.__version__
    device: str

    @property
    def question(self) -> str:
        """Hash of what is learned from what: runs with the same one may go on in each other's place."""
        free = {"kimg", "log_kimg", "save_kimg", "judge_kimg"}
        asked = [
            self.settings.model_dump(mode="json", exclude=free),
            self.side,
            self.passes,
            self.origin.fingerprint,
            self.start["weights_sha256"],
        ]
        return hashlib.sha256(canonical_json(asked)).hexdigest()


class Run(RunFolder[About]):
    """The folder of one fine-tuning; its thousands are crops."""

    def judged(self) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """The figures of the best weights and of those it began with.

        `None`: nothing was better than the beginning. Before the first judgement there are no figures at all.
        """
        if self.best.is_file():
            tuned = checkpoints.facts(self.best)["tuned"]
            return tuned["judged"], tuned["before"]
        known = self.stats()
        return None, {name: known[0].get(name) for name in FIGURES} if known else {}


def about(
    name: str,
    settings: TuneSettings,
    pictures: Pictures,
    passes: int,
    origin: Origin,
    start: Mapping[str, Any],
    device: torch.device,
) -> About:
    """What a run that begins here and now would be."""
    side = pictures.pixels.shape[1]
    return About(
        name=name,
        settings=settings,
        side=side,
        passes=passes,
        origin=origin,
        start=start,
        device=runs.name_of(device),
    )


def continued(root: Path, wanted: About) -> Run | None:
    """The last run that learns the same from the same. Nothing is written. Raises `RunBroken`."""
    for path in sorted(root.glob(f"[0-9]*-*/{ABOUT}"), reverse=True):
        try:
            known = About.model_validate_json(path.read_bytes())
        except ValueError as error:
            raise RunBroken(path, str(error).splitlines()[0]) from error
        if known.name == wanted.name and known.question == wanted.question:
            return Run(path.parent, known.model_copy(update={"settings": wanted.settings}))
    return None


def begin(root: Path, wanted: About, *, new: bool = False) -> Run:
    """The run to go on with (`continued`), or a new folder. Nothing is ever deleted."""
    run = None if new else continued(root, wanted)
    run = run or Run(runs.fresh(root, f"{wanted.name}-upscale"), wanted)
    write_whole(run.path / ABOUT, run.about.model_dump_json(indent=1) + "\n")
    return run


def parted(train: Pictures, held_out: Pictures) -> tuple[Pictures, Pictures]:
    """What to learn from and what to judge by; where nothing is held out, every tenth picture is."""
    if len(held_out):
        return train, held_out
    apart = [number for number in range(len(train)) if number % KEPT_OUT == 0]
    rest = [number for number in range(len(train)) if number % KEPT_OUT]
    return _some(train, rest), _some(train, apart)


def _some(pictures: Pictures, numbers: list[int]) -> Pictures:
    return Pictures(pictures.pixels[numbers], tuple(pictures.names[number] for number in numbers))


class Recorder:
    """Looks on while a run tunes (`learner.Witness`): statistics, judgements, sheets, checkpoints."""

    def __init__(
        self,
        run: Run,
        judge: Exam,
        stage: Stage | None = None,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._run, self._exam, self._stage, self._say = run, judge, stage, say
        self._journal = Journal(run.path / "stats.jsonl")

    def log(self, stats: Mapping[str, Any]) -> None:
        """Add a line of statistics."""
        self._journal.append(stats)

    def advance(self, pictures: int) -> None:
        """Move the bar on."""
        if self._stage:
            self._stage.advance(pictures)

    def save(self, training: Tuning) -> None:
        """Write the latest checkpoint, judge where it is due, then the sheet and the curves that show it.

        Raises `DiskFull`.
        """
        about = self._run.about.model_dump(mode="json")
        checkpoints.write(
            self._run.latest, training.state(), {**training.facts(), "kimg": training.kimg, "about": about}
        )
        settings = training.settings
        if training.step % steps(settings.judge_kimg, settings) == 0 or training.kimg >= settings.kimg:
            self._judged(training, about)
        shown = sheets.png(self._exam.sheet(training.average), {"kimg": training.kimg})
        write_whole(self._run.path / "sheets" / f"{round(training.kimg * 1000):07}.png", shown)
        if drawn := curves.draw(self._run.stats(), self._run.path.name):
            write_whole(self._run.path / "training.png", drawn)

    def _judged(self, training: Tuning, about: dict[str, Any]) -> None:
        """The figures now; what is better than the best, and than the beginning, takes its place."""
        before = self._exam.before
        figures = self._exam.figures(training.average)
        self.log({"step": training.step, "kimg": training.kimg, **figures})
        self._say(f"{training.kimg:,g} kimg: {exam.words(figures, before)}")
        if exam.is_better(figures, self._run.judged()[0] or before, before):
            tuned = {"about": about, "kimg": training.kimg, "judged": figures, "before": before}
            checkpoints.write(self._run.best, training.average.state_dict(), {"tuned": tuned})

    def close(self) -> None:
        """Close the statistics."""
        self._journal.close()
