"""Runs: one folder a training, `runs/0003-nebulae/`, whole at every moment.

run.json             what was trained on what: settings, data with its licences, versions
stats.jsonl          a line of statistics every `log_kimg`
reals.png            what the networks are shown
sheets/000120.png    the same seeds after 120 kimg
training.png         the statistics as curves
latest.safetensors   everything an exact resume needs
best.safetensors     the generator that was judged best
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from collectors.frozen import Frozen
from collectors.workspace import Journal, canonical_json, write_whole
from universe_gan import __version__, checkpoints, sheets
from universe_gan.data import Origin, Pictures
from universe_gan.train import Training
from universe_gan.train_settings import TrainSettings

SHOWN = 36
"""Pictures on a sheet."""
_NUMBERED = re.compile(r"^(\d{4,})-(.+)$")


class RunBroken(Exception):
    """A folder of runs that cannot be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


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

        How long, how often it is told about, and on which device do not change it.
        """
        free = {"kimg", "log_kimg", "save_kimg", "judge_kimg", "compile"}
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

    def stats(self) -> Iterator[Mapping[str, Any]]:
        """The lines of statistics that belong to the latest checkpoint or lie before it."""
        yield from Journal(self.path / "stats.jsonl").read()


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


def every(root: Path) -> list[Run]:
    """The runs of a folder, oldest first. Raises `RunBroken`."""
    found = []
    for path in sorted(root.glob("[0-9]*-*/run.json"), key=lambda path: _number(path.parent)):
        try:
            found.append(Run(path.parent, About.model_validate_json(path.read_bytes())))
        except ValueError as error:
            raise RunBroken(path, str(error).splitlines()[0]) from error
    return found


def begin(root: Path, wanted: About, *, new: bool = False) -> Run:
    """The run to go on with: the last of its name that learns the same from the same, else a new folder.

    Nothing is ever deleted. `new`: a new folder in any case.
    """
    known = every(root)
    if not new:
        for run in reversed(known):
            if run.about.name == wanted.name and run.about.question == wanted.question:
                continued = Run(run.path, run.about.model_copy(update={"settings": wanted.settings}))
                _write(continued)
                return continued
    number = max((_number(run.path) for run in known), default=0) + 1
    run = Run(root / f"{number:04}-{wanted.name}", wanted)
    _write(run)
    return run


def _write(run: Run) -> None:
    write_whole(run.path / "run.json", run.about.model_dump_json(indent=1) + "\n")


def _number(path: Path) -> int:
    found = _NUMBERED.match(path.name)
    return int(found[1]) if found else 0


class Recorder:
    """Looks on while a run trains (`train.Witness`): statistics, sheets, checkpoints."""

    def __init__(self, run: Run, pictures: Pictures) -> None:
        self._run = run
        self._journal = Journal(run.path / "stats.jsonl")
        dice = torch.Generator().manual_seed(run.about.settings.seed)
        self._latents = torch.randn(SHOWN, run.about.settings.latent, generator=dice)
        if not (run.path / "reals.png").exists():
            some = list(pictures.pixels[:SHOWN])
            write_whole(run.path / "reals.png", sheets.png(sheets.sheet(some)))

    def log(self, stats: dict[str, float]) -> None:
        """Add a line of statistics."""
        self._journal.append(stats)

    def save(self, training: Training) -> None:
        """Write the latest checkpoint, then the sheet that shows it."""
        facts = {**training.facts(), "kimg": training.kimg, "about": self._run.about.model_dump(mode="json")}
        checkpoints.write(self._run.latest, training.state(), facts)
        pictures = draw(training.average, self._latents.to(training.device))
        shown = sheets.png(sheets.sheet(list(sheets.pixels(pictures))), {"kimg": training.kimg})
        write_whole(self._run.path / "sheets" / f"{round(training.kimg):06}.png", shown)

    def restore(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The latest checkpoint."""
        return checkpoints.read(self._run.latest)

    def close(self) -> None:
        self._journal.close()


@torch.inference_mode()
def draw(generator: torch.nn.Module, latents: Tensor, batch: int = 16) -> Tensor:
    """(n, 3, side, side) pictures from latents (n, latent), a few at a time."""
    return torch.cat([generator(some).float() for some in torch.split(latents, batch)])
