"""The `train` command: from a recipe, a dataset on the Hub or a folder to a run; and its words.

Ctrl-C and SIGTERM end a training after the step it is at: its state is saved, and the same command goes on
from there as if nothing had been. Under `torchrun` every process runs this; the first one writes and talks.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.models.courses import Course
from universe_gan.shell.models.needs import MemoryShort, PackagesMissing, SettingsUnfit, device_for
from universe_gan.shell.models.underway import Underway, agreed, memory, underway
from universe_gan.shell.output import Output
from universe_gan.training.settings import mistakes

if TYPE_CHECKING:
    import torch

    from universe_gan.data import Prepared
    from universe_gan.measuring.judging import Judge
    from universe_gan.training.cluster import Attempt
    from universe_gan.training.ranks import Ranks
    from universe_gan.training.recorder import Recorder
    from universe_gan.training.runs import About, Run
    from universe_gan.training.trackers import Tracker

NEEDED = ("torch", "safetensors")


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
    from universe_gan.training.runs import Run, about, begin

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
        anew = new and (attempt is None or attempt.is_first)
        run = agreed(ranks, partial(begin, runs, learning, new=anew), partial(Run, about=learning))
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


def _trained(
    output: Output,
    run: "Run",
    prepared: "Prepared",
    device: "torch.device",
    ranks: "Ranks",
    attempt: "Attempt | None",
) -> Exit:
    from universe_gan.selecting import generations
    from universe_gan.training.gan import Training
    from universe_gan.training.loop import train as go

    about, settings = run.about, run.about.settings
    if ranks.writes:
        output.keep_log(run.path / "log.txt")
    if run.finished:
        return _tell(output, run, 0, "finished") if ranks.writes else Exit.DONE
    if why := generations.stopped(run):
        return _tell_fallen(output, run, 0, why) if ranks.writes else Exit.DONE
    with memory(
        lambda: MemoryShort(about.device, settings.batch, about.side, settings.precision, ranks.world)
    ):
        training = Training(settings, about.side, device, ranks)
        with (
            underway(output, run, training, "pictures") as way,
            _witnessed(output, run, prepared, way) as witness,
        ):
            asked = attempt.stopping if attempt else way.stop
            go(
                training,
                prepared.train,
                witness=witness,
                stop=lambda: asked() or bool(witness and witness.fallen),
            )
    if ranks.told(witness.fallen if witness else ""):
        return _tell_fallen(output, run, way.speed, witness.fallen) if witness else Exit.DONE
    if ranks.writes:
        _tell(output, run, way.speed, "finished" if way.done else "stopped")
    return Exit.DONE if way.done else Exit.INTERRUPTED


@contextmanager
def _witnessed(
    output: Output, run: "Run", prepared: "Prepared", way: Underway
) -> "Iterator[Recorder | None]":
    """Who writes down how it goes, in the process that writes."""
    from universe_gan.selecting import generations
    from universe_gan.training.recorder import Recorder

    learner = way.learner
    if not learner.ranks.writes:
        yield None
        return
    judge, trackers = _judge(output, run, prepared, learner.device), _trackers(run, learner.step)
    watch = generations.watch(run)
    with closing(Recorder(run, prepared.train, way.stage, judge, output.say, trackers, watch)) as recorder:
        yield recorder


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
