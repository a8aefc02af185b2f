"""Curves and sheets for those who watch many runs: TensorBoard and trackio, each a package of its own.

`[train] trackers = ["tensorboard", "trackio"]`; both write files on this machine and send nothing anywhere.
TensorBoard: `tensorboard --logdir runs`. trackio: `TRACKIO_DIR=runs/trackio trackio show`, a project for each
name of runs.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import util
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

ELSEWHERE = ("SPACE_ID", "SERVER_URL", "BUCKET_ID", "DATASET_ID", "WEBHOOK_URL")
"""What trackio would send to, were it named in the environment (`TRACKIO_…`)."""


class TrackersMissing(Exception):
    """Packages that the settings ask for and nobody installed."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"not installed: {', '.join(names)}")
        self.names = tuple(names)


class Tracker(Protocol):
    """What is told the numbers of `stats.jsonl` as they come, and shown the sheets."""

    def log(self, line: Mapping[str, Any]) -> None:
        """A line of statistics or figures; its numbers are shown."""

    def show(self, step: int, sheet: Image.Image) -> None:
        """The sheet of a step."""

    def close(self) -> None:
        """No more will come."""


def check(names: Sequence[str]) -> None:
    """Raises `TrackersMissing`."""
    if missing := [name for name in names if util.find_spec(name) is None]:
        raise TrackersMissing(missing)


def opened(names: Sequence[str], run: Path, project: str, *, step: int = 0, told: int = 0) -> list[Tracker]:
    """The trackers of a run that goes on after `step`, and whose statistics were once told up to `told`.

    Raises `TrackersMissing`.
    """
    check(names)
    made: list[Tracker] = []
    for name in dict.fromkeys(names):
        made.append(_TensorBoard(run, step) if name == "tensorboard" else _Trackio(run, project, told))
    return made


class _TensorBoard:
    """Event files below the run. What was told after the step gone on from, its readers purge."""

    def __init__(self, run: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        place, purge = str(run / "tensorboard"), step + 1 if step else None
        self._writer: Any = SummaryWriter(place, purge_step=purge)

    def log(self, line: Mapping[str, Any]) -> None:
        for name, value in _numbers(line).items():
            self._writer.add_scalar(name, value, line["step"])

    def show(self, step: int, sheet: Image.Image) -> None:
        self._writer.add_image("sheet", np.asarray(sheet), step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _Trackio:
    """A run in a database beside the runs. What was told is not told again: it would stand twice."""

    def __init__(self, run: Path, project: str, told: int) -> None:
        for name in ELSEWHERE:
            os.environ.pop(f"TRACKIO_{name}", None)
        os.environ.setdefault("TRACKIO_DIR", str((run.parent / "trackio").resolve()))
        with _alone():
            import trackio

            self._picture, self._finish = trackio.Image, trackio.finish
            self._run: Any = trackio.init(
                project, name=run.name, resume="allow", embed=False, auto_log_gpu=False, auto_log_cpu=False
            )
        self._told = told

    def log(self, line: Mapping[str, Any]) -> None:
        if line["step"] > self._told or self._told == 0:
            self._run.log(_numbers(line), step=line["step"])

    def show(self, step: int, sheet: Image.Image) -> None:
        if step > self._told or self._told == 0:
            self._run.log({"sheet": self._picture(sheet)}, step=step)

    def close(self) -> None:
        with _alone():
            self._finish()


@contextmanager
def _alone() -> Iterator[None]:
    """Meanwhile the Hub is not asked who we are, and trackio does not talk of uploads, which are none."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _numbers(line: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in line.items()
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool)
    }
