"""While a GAN trains: statistics, judgements, sheets and checkpoints into its run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from collectors.progress import Stage
from collectors.storage.files import Journal, write_whole
from universe_gan import sheets
from universe_gan.data import Pictures
from universe_gan.measuring import judging
from universe_gan.measuring.judging import Judge
from universe_gan.training import checkpoints, curves
from universe_gan.training.gan import Training
from universe_gan.training.loop import steps
from universe_gan.training.runs import Run
from universe_gan.training.trackers import Tracker

SHOWN = 36
"""Pictures on a sheet."""


class Recorder:
    """Looks on while a run trains (`learner.Witness`): statistics, sheets, checkpoints."""

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
        """Write the latest checkpoint, judge where it is due, then the sheet and the curves that show it.

        Raises `DiskFull`.
        """
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
        if training.step == 0:
            return  # it has learned nothing yet: not the best of anything
        trained = [line for line in before if line["step"]]
        if judging.is_better(figures, self._best()):
            state = checkpoints.of_module("average", training.average)
            checkpoints.write(self._run.best, state, {**facts, "judged": figures})
        elif (lean := judging.without_gain([*trained, figures])) >= judging.PATIENCE:
            self._say(f"no gain in {lean} judgements; {self._run.best} is the best so far")

    def _best(self) -> Mapping[str, Any] | None:
        """The figures of the best so far that has learned anything; `None`: there is none."""
        if not self._run.best.is_file():
            return None
        facts = checkpoints.facts(self._run.best)
        found: Mapping[str, Any] = facts["judged"]
        return found if facts["step"] else None

    def restore(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The latest checkpoint. Raises as `checkpoints.read`."""
        return checkpoints.read(self._run.latest)

    def close(self) -> None:
        """Close the statistics and the trackers."""
        self._journal.close()
        for tracker in self._trackers:
            tracker.close()
