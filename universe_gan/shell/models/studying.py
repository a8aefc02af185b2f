"""What `universe-gan study` does and says: the steps one after another, and what came of each."""

import shutil
import time
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any

from collectors.storage.workspace import Workspace
from universe_gan.seeds import read_seeds
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.models.needs import PackagesMissing
from universe_gan.shell.models.study_steps import PAGE, TOY_WORDS, Study, steps
from universe_gan.shell.output import Output, many
from universe_gan.shell.recipes import recipe
from universe_gan.study import Ledger, Step, carry_out, plan

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

_OF_THE_DATASET = ("collect", "policy", "curate", "publish")


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
