"""`universe-gan train --stage upscale`: from a recipe, a dataset or a folder to a better upscaler."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from universe_gan.shell.datasets.built import built_by
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.models import courses, needs, training
from universe_gan.shell.models.needs import PackagesMissing, SettingsUnfit
from universe_gan.shell.models.underway import Underway, agreed, memory, underway
from universe_gan.shell.output import Output, many
from universe_gan.shell.pictures.upscaling import weights_asked
from universe_gan.shell.recipes import recipe
from universe_gan.upscaling.settings import UpscaleSettings
from universe_gan.upscaling.tune_settings import mistakes

if TYPE_CHECKING:
    import torch

    from universe_gan.data import Pictures
    from universe_gan.training.ranks import Ranks
    from universe_gan.upscaling.rrdbnet import RRDBNet
    from universe_gan.upscaling.tuned import About, Recorder, Run

PASSES = 2
"""Back-projections where nothing else is asked: what `upscale` does with pictures that are no JPEG."""


class TuningDiverged(Exception):
    """Losses or weights became infinite or undefined, again and again."""

    def __init__(self, kimg: float, rate: float) -> None:
        super().__init__(f"tuning diverged at {kimg:.1f} kimg")
        self.kimg, self.rate = kimg, rate


class CropsTooLarge(Exception):
    """A step does not fit into the memory of the device."""

    def __init__(self, about: "About", world: int) -> None:
        settings = about.settings
        super().__init__(f"{settings.batch} crops of {settings.crop} px do not fit {about.device}")
        self.device, self.batch, self.crop = about.device, settings.batch, settings.crop
        changed = {
            "learn=tail": settings.learn == "all",
            f"batch={max(world, settings.batch // 2)}": settings.batch > world,
            f"crop={max(8, settings.crop // 2)}": settings.crop > 8,
            f"critic={max(4, settings.critic // 2)}": settings.critic > 4,
        }
        self.cures = [f"--set upscale.tune.{key}" for key, helps in changed.items() if helps]
        self.cures = self.cures or ["a machine with more memory"]


@dataclass(frozen=True)
class Course:
    """What is to be tuned on what."""

    name: str
    source: str
    """Hub id or folder, as `data.prepare` takes it."""
    settings: UpscaleSettings


def course(asked: str, overrides: Sequence[str], data: Path | None, kimg: float | None) -> Course:
    """Read what the user named; raises as `courses.course`."""
    if kimg is not None:
        overrides = (*overrides, f"upscale.tune.kimg={kimg}")
    if name := courses.without_recipe(asked):
        return Course(name, asked, recipe.upscale_settings(asked, overrides))
    loaded = recipe.load(recipe.find(asked), overrides, data)
    return Course(loaded.name, str(built_by(loaded).path), loaded.upscale)


def tune(output: Output, wanted: Course, *, runs: Path, device: str | None, new: bool, dry_run: bool) -> Exit:
    """Tune, or go on with the last run that learns the same; raises the failures named in this room."""
    if missing := [name for name in training.NEEDED if util.find_spec(name) is None]:
        raise PackagesMissing(missing, "tuning the upscaler", "upscale")
    from universe_gan.training.ranks import joined
    from universe_gan.upscaling import tuned

    settings = wanted.settings.tune
    passes = PASSES if wanted.settings.passes is None else wanted.settings.passes
    with joined(cpu=device == "cpu") as ranks:
        output.quiet = output.quiet or not ranks.writes
        where = needs.device_for(device, ranks.rank)
        prepared = training.pictures(output, wanted.source, runs / "cache", ranks)
        if problems := list(mistakes(settings, len(prepared.train), ranks.world)):
            raise SettingsUnfit(problems)
        learned, held_out = tuned.parted(prepared.train, prepared.held_out)
        found = weights_asked(output, wanted.settings.weights)
        about = tuned.about(wanted.name, settings, learned, passes, prepared.origin, found.provenance, where)
        if ranks.writes:
            training.tell_data(output, prepared, about.side)
            if not len(prepared.held_out):
                output.say(f"nothing is held out there: every tenth picture is, {len(held_out):,} in all")
            output.line(f"weights   {about.start['weights']} from {about.start['weights_from']}")
        if dry_run:
            return _tell_plan(output, about, runs, new=new) if ranks.writes else Exit.DONE
        run = agreed(ranks, partial(tuned.begin, runs, about, new=new), partial(tuned.Run, about=about))
        with run.locked() if ranks.writes else nullcontext():
            return _tuned(output, run, found.net, learned, held_out, where, ranks)


def _tuned(
    output: Output,
    run: "Run",
    net: "RRDBNet",
    learned: "Pictures",
    held_out: "Pictures",
    device: "torch.device",
    ranks: "Ranks",
) -> Exit:
    from universe_gan.training.loop import Diverged, train
    from universe_gan.upscaling.tune import Tuning

    about = run.about
    if ranks.writes:
        output.keep_log(run.path / "log.txt")
    if run.finished:
        return _tell(output, run, 0, "finished") if ranks.writes else Exit.DONE
    try:
        with memory(lambda: CropsTooLarge(about, ranks.world)):
            tuning = Tuning(about.settings, net, about.side, device, about.passes, ranks)
            with (
                underway(output, run, tuning, "crops") as way,
                _witnessed(output, run, net, held_out, way) as witness,
            ):
                train(tuning, learned, witness=witness, stop=way.stop)
    except Diverged as error:
        raise TuningDiverged(error.kimg, error.rate) from error
    if ranks.writes:
        _tell(output, run, way.speed, "finished" if way.done else "stopped")
    return Exit.DONE if way.done else Exit.INTERRUPTED


@contextmanager
def _witnessed(
    output: Output, run: "Run", net: "RRDBNet", held_out: "Pictures", way: Underway
) -> "Iterator[Recorder | None]":
    """Who examines the network and writes down how it goes, in the process that writes."""
    from universe_gan.upscaling.exam import exam
    from universe_gan.upscaling.tuned import Recorder

    if not way.learner.ranks.writes:
        yield None
        return
    about = run.about
    tail = about.settings.learn == "tail"
    judge = exam(held_out.pixels, net, tail=tail, passes=about.passes, device=way.learner.device)
    first, plain = judge.before["psnr"], judge.lanczos
    shown = many(len(judge.large), "picture")
    output.say(f"held out: {shown}, {first:.2f} dB before, Lanczos {plain:.2f} dB")
    with closing(Recorder(run, judge, way.stage, output.say)) as recorder:
        yield recorder


def _tell_plan(output: Output, about: "About", root: Path, *, new: bool) -> Exit:
    from universe_gan.upscaling import tuned

    run = None if new else tuned.continued(root, about)
    output.line(
        f"would {'go on with ' + str(run.path) if run else 'begin a new run in ' + str(root)}:"
        f" {about.settings.learn} of the network, batch {about.settings.batch},"
        f" from {run.kimg if run else 0:,g} to {about.settings.kimg:,g} kimg on {about.device};"
        " nothing was written but the cache of pictures"
    )
    output.result({"run": str(run.path) if run else None, "about": about.model_dump(mode="json")})
    return Exit.DONE


def _tell(output: Output, run: "Run", speed: float, how: str) -> Exit:
    """What was reached, and whether `upscale` should use it."""
    from universe_gan.upscaling import exam

    best, before = run.judged()
    output.line(f"run       {run.path}  {how}")
    rate = f", {speed:,.1f} crops/s" if speed else ""
    output.line(f"shown     {run.kimg:,g} of {run.about.settings.kimg:,g} kimg{rate}")
    if best:
        output.line(f"best      {run.best}  {exam.words(best, before)}")
    else:
        output.line("best      no better than the weights it began with: `upscale` is best left with those")
    output.result(
        {
            "run": str(run.path),
            "kimg": run.kimg,
            "finished": how == "finished",
            "crops_per_s": round(speed, 3),
            "best": best,
            "before": before,
        }
    )
    if how == "stopped":
        output.say("next: the same command goes on from here")
    if best:
        output.say(f"next: {tool()} upscale PICTURES --weights {run.path}")
    return Exit.DONE
