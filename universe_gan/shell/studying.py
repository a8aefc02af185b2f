"""What `universe-gan study` does and says: every step calls what its own command calls, one after another."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import util
from pathlib import Path
from typing import Any

from collectors.progress import Stage
from collectors.workspace import Workspace
from universe_gan.seeds import read_seeds
from universe_gan.shell import (
    commands,
    comparing,
    generating,
    publishing,
    recipe,
    stages,
    training,
    upscaling,
)
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output, many
from universe_gan.shell.recipe import Recipe
from universe_gan.shell.training import PackagesMissing
from universe_gan.study import Ledger, Step, carry_out, clear_folder, of_file, of_folder, plan

NEEDED = {"torch": "torch", "safetensors": "safetensors", "pyvips": "pyvips", "skimage": "scikit-image"}
"""Modules that the steps import, and the packages that bring them."""

TOY = (
    "train.size=64",
    "train.kimg=0.4",
    "train.batch=8",
    "train.rate=0.001",
    "train.breadth=0.0625",
    "train.latent=64",
    "train.attention=[16]",
    "train.ema_kimg=0.1",
    "train.log_kimg=0.04",
    "train.save_kimg=0.2",
    "train.judge_kimg=0.4",
    "train.precision=fp32",
    "generate.seeds=0-23",
    "upscale.scale=4",
    "study.enlarge=4",
)
"""`--toy`: settings that a CPU is through with in a minute. Its pictures are coloured fog."""

PAGE = "compare.html"
TOY_WORDS = "a toy: it shows that all works, and nothing of what the models can do"
_OF_THE_DATASET = ("collect", "policy", "curate", "publish")


@dataclass(frozen=True)
class Study:
    """A recipe, the sizes it is done in, and where everything goes."""

    built_by: Recipe
    """With the overrides that touch the dataset only: those of training must not change its card."""
    sized: Recipe
    """With all overrides."""
    folder: Path
    runs: Path
    device: str | None
    toy: bool

    @property
    def name(self) -> str:
        """Of its runs: a toy's do not pass for the recipe's own."""
        return f"{self.sized.name}-toy" if self.toy else self.sized.name


class Inner(Output):
    """What a step says goes into the log, and aloud with `--verbose`; its result is kept for the study.

    A toy's notes too, which would say over and over that it is small.
    """

    def __init__(self, outer: Output, *, toy: bool) -> None:
        aloud = outer.verbose and not outer.as_json
        super().__init__(json=not aloud, quiet=outer.quiet or not aloud, verbose=outer.verbose)
        self._outer, self._toy = outer, toy
        self.told: Mapping[str, Any] = {}

    def result(self, value: Mapping[str, Any]) -> None:
        self.told = value

    def note(self, text: str) -> None:
        if self._toy:
            self.say(text)
        else:
            self._outer.note(text)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        with self._outer.stage(name, total) as stage:
            yield stage


def study(
    output: Output,
    asked: str,
    *,
    toy: bool,
    models: str | None,
    to: Path | None,
    overrides: tuple[str, ...],
    data: Path | None,
    runs: Path,
    device: str | None,
    dry_run: bool,
) -> Exit:
    """Do what is not done yet of a study; raises what its steps raise."""
    wanted = chosen(
        asked, toy=toy, models=models, to=to, overrides=overrides, data=data, runs=runs, device=device
    )
    if dry_run:
        return _tell_plan(output, wanted)
    if missing := packages_missing():
        raise PackagesMissing(missing, "a study", "train,colour,upscale")
    code, told = carry_on(output, wanted)
    if code is Exit.DONE:
        output.result(told)
        _tell_next(output, wanted)
    return code


def demo(output: Output, asked: Path, target: Path) -> tuple[Exit, Mapping[str, Any], list[Path]]:
    """The toy study of the sample; where its packages are not installed it says which, and that is all."""
    if missing := packages_missing():
        output.say(f"note: no model is trained, {', '.join(missing)} not installed; it takes")
        output.say("      pip install 'universe-gan[train,colour,upscale]', and the same command again")
        return Exit.DONE, {}, []
    wanted = chosen(str(asked), toy=True, to=target / "studies" / "sample-toy", runs=target / "runs")
    output.say("now a toy of the study: two small networks learn for some seconds; expect coloured fog")
    code, told = carry_on(output, wanted)
    return code, {"study": told}, to_look_at(wanted.folder)


def chosen(
    asked: str,
    *,
    toy: bool,
    models: str | None = None,
    to: Path | None = None,
    overrides: tuple[str, ...] = (),
    data: Path | None = None,
    runs: Path,
    device: str | None = None,
) -> Study:
    """What is to be done. Raises `RecipeMissing`, `RecipeWrong`."""
    if models is not None:
        listed = ", ".join(f'"{one.strip()}"' for one in models.split(","))
        overrides = (*overrides, f"study.models=[{listed}]")
    path = recipe.find(asked)
    sized = recipe.load(path, (*TOY, *overrides) if toy else overrides, data)
    of_dataset = tuple(one for one in overrides if one.split(".")[0].strip() in _OF_THE_DATASET)
    name = f"{sized.name}-toy" if toy else sized.name
    return Study(recipe.load(path, of_dataset, data), sized, to or Path("studies") / name, runs, device, toy)


def packages_missing() -> list[str]:
    """A study that lasts days must not fail at its last step for want of these."""
    return [package for name, package in NEEDED.items() if util.find_spec(name) is None]


def carry_on(output: Output, wanted: Study) -> tuple[Exit, Mapping[str, Any]]:
    """Every step in order, and what they told; stops at the first that ends otherwise than well."""
    with Workspace(wanted.folder).locked():
        ledger = Ledger(wanted.folder, wanted.toy)
        todo = steps(output, wanted, ledger)
        output.line(f"study     {wanted.folder}{f'  ({TOY_WORDS})' if wanted.toy else ''}")
        made: dict[str, str | None] = {}
        rows: list[tuple[str, str, str]] = []
        for number, step in enumerate(todo, 1):
            state, code = carry_out(step, ledger, made, time.monotonic)
            if code:
                output.say(f"{step.name}: not finished; the same command goes on from here")
                return Exit(code), {}
            note = ledger.notes()[step.name]
            words = _words(step.name, note.get("told", {}))
            took = "was done" if state == "done" else f"{note['seconds']:,.1f} s"
            output.say(f"{number:>2}/{len(todo)}  {step.name}: {took}  {words}")
            rows.append((step.name, took, words))
        told = {name: note.get("told", {}) for name, note in ledger.notes().items()}
    output.table("Toy study" if wanted.toy else "Study", ["step", "took", "what came of it"], rows)
    return Exit.DONE, {"folder": str(wanted.folder), "toy": wanted.toy, "steps": told}


def steps(output: Output, wanted: Study, ledger: Ledger) -> list[Step]:
    """The steps in order: build, train each, then draw, colour and enlarge each, then compare."""
    models = wanted.sized.study.models
    found = [_build(output, wanted)]
    found += [_train(output, wanted, ledger, model) for model in models]
    for model in models:
        found += [
            _generate(output, wanted, ledger, model),
            _colour(output, wanted, ledger, model),
            _upscale(output, wanted, model),
        ]
    return [*found, _compare(output, wanted, ledger, tuple(step.name for step in found[1:]))]


def _inner(output: Output, wanted: Study, do: Callable[[Output], Exit]) -> tuple[int, Mapping[str, Any]]:
    inner = Inner(output, toy=wanted.toy)
    inner.keep_log(wanted.folder / "log.txt")
    return do(inner), inner.told


def _build(output: Output, wanted: Study) -> Step:
    loaded = wanted.built_by

    def made() -> str | None:
        try:
            return publishing.read_built(loaded, Workspace(loaded.data)).root_sha256
        except (stages.StageMissing, publishing.StageStale):
            return None

    def do() -> tuple[int, Mapping[str, Any]]:
        if made() is None:
            code, _ = _inner(output, wanted, lambda inner: commands.build(inner, loaded))
            if code:
                return code, {}
        with stages.at_work(loaded) as workspace:
            built = publishing.read_built(loaded, workspace)
        return 0, {"folder": str(built.path), "rows": built.rows}

    return Step("build", (), loaded.made_with("curate"), made, do)


def _train(output: Output, wanted: Study, ledger: Ledger, model: str) -> Step:
    name = f"train {model}"
    settings = wanted.sized.train.model_copy(update={"model": model})
    source = str(Workspace(wanted.built_by.data).dataset)
    course = training.Course(wanted.name, source, settings, str(wanted.sized.path))
    train = partial(
        training.train, wanted=course, runs=wanted.runs, device=wanted.device, new=False, dry_run=False
    )
    return Step(
        name,
        ("build",),
        settings.model_dump(mode="json", exclude={"trackers", "compile"}),
        lambda: of_file(_checkpoint(ledger, model)),
        lambda: _inner(output, wanted, train),
    )


def _run(ledger: Ledger, model: str) -> Path:
    return Path(ledger.told(f"train {model}").get("run", "no run yet"))


def _checkpoint(ledger: Ledger, model: str) -> Path:
    """What `generate` draws from: the best, else the latest."""
    best = _run(ledger, model) / "best.safetensors"
    return best if best.is_file() else best.with_name("latest.safetensors")


def _generate(output: Output, wanted: Study, ledger: Ledger, model: str) -> Step:
    folder, drawn = wanted.folder / "generated" / model, wanted.sized.generate

    def do(inner: Output) -> Exit:
        return generating.generate(
            inner,
            str(_run(ledger, model)),
            seeds=drawn.seeds,
            truncation=drawn.truncation,
            to=folder,
            sheet=True,
            film=None,
            frames=1,
            fps=1,
            runs=wanted.runs,
            device=wanted.device,
        )

    return Step(
        f"generate {model}",
        (f"train {model}",),
        drawn.model_dump(mode="json"),
        lambda: of_folder(folder),
        lambda: _inner(output, wanted, do),
        lambda: clear_folder(folder),
    )


def _colour(output: Output, wanted: Study, ledger: Ledger, model: str) -> Step:
    source, folder = wanted.folder / "generated" / model, wanted.folder / "coloured" / model
    how = wanted.sized.colour

    def do(inner: Output) -> Exit:
        from universe_gan.shell import colouring

        return colouring.colour(
            inner,
            str(source),
            like=str(_run(ledger, model)),
            strength=how.strength,
            neighbours=how.neighbours,
            extractor=how.extractor,
            to=folder,
            runs=wanted.runs,
            data=wanted.built_by.data.parent,
        )

    return Step(
        f"colour {model}",
        (f"generate {model}",),
        how.model_dump(mode="json"),
        lambda: of_folder(folder),
        lambda: _inner(output, wanted, do),
        lambda: clear_folder(folder),
    )


def _upscale(output: Output, wanted: Study, model: str) -> Step:
    source, folder = wanted.folder / "coloured" / model, wanted.folder / "upscaled" / model
    most, settings = wanted.sized.study.enlarge, wanted.sized.upscale

    def do(inner: Output) -> Exit:
        from universe_gan import pictures

        first = tuple(source / line["file"] for line in pictures.lines(source))[:most]
        what = upscaling.Wanted("", first)
        return upscaling.upscale(
            inner, what, settings, to=folder, seeds="0", device=wanted.device, dry_run=False
        )

    return Step(
        f"upscale {model}",
        (f"colour {model}",),
        [settings.model_dump(mode="json", exclude={"tune"}), most],
        lambda: of_folder(folder),
        lambda: _inner(output, wanted, do),
        lambda: clear_folder(folder),
    )


def _compare(output: Output, wanted: Study, ledger: Ledger, after: tuple[str, ...]) -> Step:
    page = wanted.folder / PAGE

    def do() -> tuple[int, Mapping[str, Any]]:
        code, told = _inner(output, wanted, compare)
        return code, {key: told[key] for key in ("page", "json") if key in told}

    def compare(inner: Output) -> Exit:
        return comparing.compare(
            inner,
            [str(_run(ledger, model)) for model in wanted.sized.study.models],
            folders=(),
            to=page,
            look=[wanted.folder],
            seeds=wanted.sized.generate.seeds,
            pictures=None,
            extractor=None,
            checkpoint="best",
            runs=wanted.runs,
            device=wanted.device,
            remarks=[f"This is {TOY_WORDS}."] if wanted.toy else [],
        )

    return Step("compare", after, {"toy": wanted.toy}, lambda: of_file(page), do)


def _words(name: str, told: Mapping[str, Any]) -> str:
    """What came of a step, in a few words."""
    kind = name.partition(" ")[0]
    if kind == "build":
        return f"{told['folder']}, {told['rows']:,} rows"
    if kind == "train":
        return f"{told['run']}, {told['kimg']:,g} kimg"
    if kind == "compare":
        return str(told["page"])
    names = [name for name in told.get("files", ()) if name != "sheet.png"]
    return many(told.get("pictures", len(names)), "picture")


def _tell_plan(output: Output, wanted: Study) -> Exit:
    """What would be done, and what is done already; writes nothing and needs no PyTorch."""
    ledger = Ledger(wanted.folder, wanted.toy)
    found = plan(steps(output, wanted, ledger), ledger)
    rows = [(step.name, state, _standing(wanted, ledger, step, state)) for step, state in found]
    output.line(f"study     {wanted.folder}{f'  ({TOY_WORDS})' if wanted.toy else ''}")
    output.table("Plan", ["step", "stands", "what it is"], rows)
    room = _room(wanted)
    output.line(
        f"needs     {room / 1e6:,.0f} MB for pictures at most, besides dataset and checkpoints;"
        f" {shutil.disk_usage(_there(wanted.folder)).free / 1e9:,.1f} GB are free"
    )
    output.line("time      is not guessed: every step shows its rate and what is left as soon as it runs")
    output.result(
        {"folder": str(wanted.folder), "toy": wanted.toy, "steps": {r[0]: r[1] for r in rows}, "room": room}
    )
    return Exit.DONE


def _standing(wanted: Study, ledger: Ledger, step: Step, state: str) -> str:
    note = ledger.notes().get(step.name, {})
    if state == "done":
        return f"{_words(step.name, note['told'])}; took {note['seconds']:,.0f} s"
    kind = step.name.partition(" ")[0]
    if kind == "build":
        return "is built already" if step.made() else "collects, audits and crops"
    sized = wanted.sized
    return {
        "train": f"{sized.train.kimg:,g} kimg at {sized.train.size or sized.curate.size} px, batch"
        f" {sized.train.batch}",
        "generate": f"seeds {sized.generate.seeds}",
        "colour": f"strength {sized.colour.strength:g}",
        "upscale": f"the first {sized.study.enlarge}, x{sized.upscale.scale}",
        "compare": "one page for all",
    }[kind]


def _room(wanted: Study) -> int:
    """Bytes of all pictures, were they not compressed at all."""
    sized = wanted.sized
    side = sized.train.size or sized.curate.size
    drawn = len(read_seeds(sized.generate.seeds))
    large = min(drawn, sized.study.enlarge) * sized.upscale.scale**2
    return 3 * side**2 * (2 * drawn + large) * len(sized.study.models)


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(one for one in (folder, *folder.resolve().parents) if one.is_dir())


def to_look_at(folder: Path) -> list[Path]:
    """What a study made to be looked at, the most telling first."""
    return [folder / PAGE] * (folder / PAGE).is_file() + sorted(folder.glob("generated/*/sheet.png"))


def _tell_next(output: Output, wanted: Study) -> None:
    output.say("next:")
    for path in to_look_at(wanted.folder):
        output.say(f"  open {path}")
    if wanted.toy:
        output.say(f"  {tool()} study {wanted.sized.path} -n   (the study itself, at full size)")
    else:
        drawn = wanted.folder / "generated" / wanted.sized.study.models[0]
        output.say(f"  {tool()} select {drawn} --into {wanted.sized.path}   (feeds the best back)")
