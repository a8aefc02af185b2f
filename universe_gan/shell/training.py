"""The `train` command: from a recipe, a dataset on the Hub or a folder to a run; and its words.

Ctrl-C and SIGTERM end a training after the step it is at: its state is saved, and the same command goes on
from there as if nothing had been. Under `torchrun` every process runs this; the first one writes and talks.
"""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from universe_gan.shell import publishing, recipe, stages
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output
from universe_gan.training.settings import TrainSettings, mistakes

if TYPE_CHECKING:
    import torch

    from universe_gan.data import Prepared
    from universe_gan.measuring.judging import Judge
    from universe_gan.training.cluster import Attempt
    from universe_gan.training.ranks import Ranks
    from universe_gan.training.runs import About, Run
    from universe_gan.training.trackers import Tracker

NEEDED = ("torch", "safetensors")


class PackagesMissing(Exception):
    """What is needed for training, or for something else that an extra brings, is not installed."""

    def __init__(self, names: Sequence[str], what: str = "training", extra: str = "train") -> None:
        super().__init__(f"not installed: {', '.join(names)}")
        self.names, self.what, self.extra = tuple(names), what, extra


class SettingsUnfit(Exception):
    """Settings that do not go with the pictures, the processes or the machine: all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class MemoryShort(Exception):
    """A step does not fit into the memory of the device."""

    def __init__(self, device: str, batch: int, side: int, precision: str, world: int) -> None:
        super().__init__(f"{batch} pictures of {side} px do not fit {device}")
        self.device, self.batch, self.side = device, batch, side
        self.precision, self.world = precision, world


@dataclass(frozen=True)
class Course:
    """What is to be learned from what."""

    name: str
    source: str
    """Hub id or folder, as `data.prepare` takes it."""
    settings: TrainSettings
    asked: str
    """As the user named it."""


def course(asked: str, overrides: Sequence[str], data: Path | None, kimg: float | None) -> Course:
    """Read what the user named: a recipe, else a folder, else a dataset on the Hub.

    Raises:
        RecipeWrong, RecipeMissing: as `recipe.load`.
        StageMissing, StageStale: the recipe's dataset is not built, or no longer what the recipe says.
    """
    if kimg is not None:
        overrides = (*overrides, f"train.kimg={kimg}")
    if name := without_recipe(asked):
        return Course(name, asked, recipe.train_settings(asked, overrides), asked)
    loaded = recipe.load(recipe.find(asked), overrides, data)
    with stages.at_work(loaded) as workspace:
        built = publishing.read_built(loaded, workspace)
    return Course(loaded.name, str(built.path), loaded.train, asked)


def without_recipe(asked: str) -> str | None:
    """The name of what is trained on where it is a folder or a dataset on the Hub; `None`: it is a recipe."""
    path = recipe.find(asked)
    on_hub = asked.startswith("hf://") or ("/" in asked and path.suffix not in (".toml", ".jsonl"))
    if path.is_file() or not (Path(asked).is_dir() or on_hub):
        return None
    whole = str(Path(asked).resolve()) if Path(asked).is_dir() else asked.partition("@")[0]
    return re.sub(r"[^\w.-]+", "-", whole.rstrip("/").rsplit("/", 1)[-1]).strip("-.") or "pictures"


def train(
    output: Output,
    wanted: Course,
    *,
    runs: Path,
    device: str | None,
    new: bool,
    dry_run: bool,
    attempt: "Attempt | None" = None,
) -> Exit:
    """Train, or go on with the last run that learns the same; raises the failures named in this room.

    Every process that trains calls this, whoever started it; `attempt`: it is a worker of a cluster.
    """
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        raise PackagesMissing(missing)
    from universe_gan.training import trackers
    from universe_gan.training.ranks import joined
    from universe_gan.training.runs import about

    trackers.check(wanted.settings.trackers)

    with joined(cpu=device == "cpu") as ranks:
        if not ranks.writes:
            output.quiet = True
        where = device_for(device, ranks.rank)
        settings = wanted.settings
        prepared = pictures(
            output, wanted.source, runs / "cache", ranks, side=settings.size, synthetic=settings.synthetic
        )
        side = prepared.train.pixels.shape[1]
        if problems := list(mistakes(wanted.settings, len(prepared.train), side, ranks.world)):
            raise SettingsUnfit(problems)
        learning = about(wanted.name, wanted.settings, side, prepared.origin, where)
        if ranks.writes:
            tell_data(output, prepared, side)
        if dry_run:
            return _tell_plan(output, learning, runs, new) if ranks.writes else Exit.DONE
        run = _begun(learning, runs, ranks, new=new and (attempt is None or attempt.is_first))
        if attempt and ranks.writes:
            attempt.begin()
        with run.locked() if ranks.writes else nullcontext():
            return _trained(output, run, prepared, where, ranks, attempt)


def pictures(
    output: Output,
    source: str,
    cache: Path,
    ranks: "Ranks",
    *,
    side: int | None = None,
    synthetic: float = 0.0,
) -> "Prepared":
    """The pictures; the first process decodes them, the others find them in the cache."""
    from collectors.progress import Silent
    from universe_gan import data

    if not ranks.writes:
        ranks.wait()
    progress = output if ranks.writes else Silent()
    many = os.cpu_count() or 1
    try:
        return data.prepare(
            source,
            side=side,
            cache=cache,
            progress=progress,
            workers=many,
            synthetic=synthetic,
        )
    finally:  # the others go on and fail alike, where it failed
        if ranks.writes:
            ranks.wait()


def _begun(learning: "About", root: Path, ranks: "Ranks", *, new: bool) -> "Run":
    """The run, the same one in every process: the first begins it and tells the others where it is."""
    from universe_gan.training import runs

    run = runs.begin(root, learning, new=new) if ranks.writes else None
    path = Path(ranks.told(str(run.path) if run else ""))
    return run or runs.Run(path, learning)


def _trained(
    output: Output,
    run: "Run",
    prepared: "Prepared",
    device: "torch.device",
    ranks: "Ranks",
    attempt: "Attempt | None",
) -> Exit:
    import torch

    from universe_gan.selecting import generations
    from universe_gan.training.gan import Training
    from universe_gan.training.loop import train as go
    from universe_gan.training.recorder import Recorder

    settings = run.about.settings
    if ranks.writes:
        output.keep_log(run.path / "log.txt")
    if run.finished:
        return _tell(output, run, 0, "finished") if ranks.writes else Exit.DONE
    if why := generations.stopped(run):
        return _tell_fallen(output, run, 0, why) if ranks.writes else Exit.DONE
    try:
        training = Training(settings, run.about.side, device, ranks)
        begun = run.latest.is_file()
        if begun:
            training.load(*_state(run))
        before, started = training.kimg, time.monotonic()
        if ranks.writes:
            words = f"going on at {before:,g} kimg" if begun else "a new run"
            output.say(f"{run.path}: {words}; Ctrl-C saves and stops")
        left = round((settings.kimg - before) * 1000)
        words = f"pictures, from {before:,g} to {settings.kimg:,g} kimg"
        with stopping() as stop, output.stage(words, left) if ranks.writes else nullcontext() as stage:
            witness = (
                Recorder(
                    run,
                    prepared.train,
                    stage,
                    _judge(output, run, prepared, device),
                    output.say,
                    _trackers(run, training.step),
                    generations.watch(run),
                )
                if ranks.writes
                else None
            )
            asked = attempt.stopping if attempt else stop
            try:
                go(
                    training,
                    prepared.train,
                    witness=witness,
                    stop=lambda: asked() or bool(witness and witness.fallen),
                )
            finally:
                if witness:
                    witness.close()
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise  # on the CPU, PyTorch says it in words only
        raise MemoryShort(
            run.about.device, settings.batch, run.about.side, settings.precision, ranks.world
        ) from error
    speed = (training.kimg - before) * 1000 / max(time.monotonic() - started, 1e-9)
    done = training.kimg >= settings.kimg
    if ranks.told(witness.fallen if witness else ""):
        return _tell_fallen(output, run, speed, witness.fallen) if witness else Exit.DONE
    if ranks.writes:
        _tell(output, run, speed, "finished" if done else "stopped")
    return Exit.DONE if done else Exit.INTERRUPTED


def _judge(output: Output, run: "Run", prepared: "Prepared", device: "torch.device") -> "Judge | None":
    """Who judges this run; nobody where there are too few pictures or no network to see with."""
    from universe_gan.measuring import judging
    from universe_gan.networks.lite0 import WeightsMissing

    if (real := len(prepared.reals)) < judging.FEWEST:
        output.say(f"not judged: that takes {judging.FEWEST} pictures, there are {real}")
        return None
    try:
        return judging.judge(prepared, run.about.settings, run.path.parent / "cache", device)
    except WeightsMissing as error:
        output.say(f"not judged: {error.package} is not installed (or: --set train.extractor=plain)")
        return None


def _trackers(run: "Run", step: int) -> "list[Tracker]":
    from universe_gan.training import trackers

    told = max((line["step"] for line in run.stats()), default=0)
    return trackers.opened(run.about.settings.trackers, run.path, run.about.name, step=step, told=told)


def _state(run: "Run") -> tuple[dict[str, "torch.Tensor"], dict[str, Any]]:
    """The latest checkpoint; several processes read it from a folder that all of them see."""
    from universe_gan.training import checkpoints

    return checkpoints.read(run.latest)


def tell_data(output: Output, prepared: "Prepared", side: int) -> None:
    origin = prepared.origin
    at = f"@{origin.revision[:12]}" if origin.revision else ""
    output.line(
        f"data      {origin.source}{at}  {origin.pictures:,} pictures of {side} px,"
        f" {origin.held_out:,} held out"
    )
    if origin.synthetic:
        real = origin.pictures - origin.synthetic
        output.line(
            f"of these  {real:,} real, {origin.synthetic:,} generated"
            f" ({origin.synthetic / origin.pictures:.0%}); this is generation {origin.generation},"
            " judged by real ones only"
        )
    for reason, count in origin.refused.items():
        output.line(f"refused   {count:,} rows: {reason}")


def _tell_plan(output: Output, learning: "About", root: Path, new: bool) -> Exit:
    from universe_gan.training import runs

    run = None if new else runs.continued(root, learning)
    settings = learning.settings
    output.line(
        f"would {'go on with ' + str(run.path) if run else 'begin a new run in ' + str(root)}:"
        f" {settings.model}, {learning.side} px, batch {settings.batch}, from {run.kimg if run else 0:,g}"
        f" to {settings.kimg:,g} kimg on {learning.device}; nothing was written but the cache of pictures"
    )
    output.result({"run": str(run.path) if run else None, "about": learning.model_dump(mode="json")})
    return Exit.DONE


def _tell(output: Output, run: "Run", speed: float, how: str) -> Exit:
    kimg = run.kimg
    output.line(f"run       {run.path}  {how}")
    rate = f", {speed:,.1f} images/s" if speed else ""
    output.line(f"shown     {kimg:,g} of {run.about.settings.kimg:,g} kimg{rate}")
    output.result(
        {"run": str(run.path), "kimg": kimg, "finished": how == "finished", "images_per_s": round(speed, 3)}
    )
    if how == "stopped":
        output.say("next: the same command goes on from here")
    output.say(f"next: {tool()} generate {run.path}")
    return Exit.DONE


def _tell_fallen(output: Output, run: "Run", speed: float, why: str) -> Exit:
    """Training on generated pictures that costs variety is over, and that is no failure."""
    output.line(f"stopped: {why}")
    output.say(
        f"{run.best.name} is the best before; --set train.synthetic=0 trains on real pictures only,"
        f" and lines taken out of NAME.synthetic.jsonl leave the dataset with the next `{tool()} curate`"
    )
    return _tell(output, run, speed, "stopped: coverage fell")


def device_for(asked: str | None, rank: int) -> "torch.device":
    import torch

    have = torch.cuda.is_available()
    if asked == "cuda" and not have:
        raise SettingsUnfit(["--device cuda: PyTorch finds no GPU here; `universe-gan check` says more"])
    if asked == "cpu" or not have:
        return torch.device("cpu")
    local = int(os.environ.get("LOCAL_RANK", rank))
    if local >= (there := torch.cuda.device_count()):
        raise SettingsUnfit(
            [f"a process for each GPU: there are {there} here, and this is process {local + 1}"]
        )
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


class _Stop:
    """Whether somebody asked to stop; called after every step."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stopping() -> Iterator[_Stop]:
    """While this lasts, Ctrl-C and SIGTERM only ask to stop, however often they come: no file is torn."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        stop.asked = True

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
