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
best.safetensors     the generator that was judged best, of those that had learned something
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from pydantic import Field

from collectors.frozen import Frozen
from collectors.storage.files import Journal, canonical_json, write_whole
from collectors.storage.workspace import Workspace, WorkspaceBusy
from universe_gan import __version__
from universe_gan.data import Origin
from universe_gan.training import checkpoints
from universe_gan.training.settings import TrainSettings

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
    side: int = Field(ge=1, le=1024)
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


class Described(Protocol):
    """What a run is, as far as its folder asks."""

    @property
    def settings(self) -> "Lasting": ...


class Lasting(Protocol):
    """Settings that say how long a training lasts."""

    @property
    def kimg(self) -> float: ...


D = TypeVar("D", bound=Described)


@dataclass(frozen=True)
class RunFolder(Generic[D]):
    """The folder of one training, of whatever kind."""

    path: Path
    about: D

    @property
    def latest(self) -> Path:
        """The checkpoint that an exact resume needs; it may not be there yet."""
        return self.path / "latest.safetensors"

    @property
    def best(self) -> Path:
        """The checkpoint that was judged best; it may never be there."""
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
        """Whether as many pictures were shown as the settings ask for."""
        return self.kimg >= self.about.settings.kimg

    def stats(self) -> list[dict[str, Any]]:
        """The statistics (`statistics`)."""
        return statistics(self.path)

    def locked(self) -> AbstractContextManager[None]:
        """Keep a second training out of this run. Raises `RunBusy`."""
        return locked(self.path)


class Run(RunFolder[About]):
    """The folder of one training of a GAN."""


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
    return About(
        name=name,
        settings=settings,
        side=side,
        origin=origin,
        tool=__version__,
        torch=torch.__version__,
        device=name_of(device),
    )


def name_of(device: torch.device) -> str:
    """What people call a device: the model of the GPU, or CPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


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
