"""What `universe-gan upscale` does and says; the work is in `universe_gan.upscaling`, which needs PyTorch."""

import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import util
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.progress import Stage
from universe_gan.shell.datasets import asking
from universe_gan.shell.datasets.built import built_by
from universe_gan.shell.exits import Exit
from universe_gan.shell.models.needs import PackagesMissing, device_for
from universe_gan.shell.output import Output, many
from universe_gan.shell.pictures import generating
from universe_gan.shell.recipes import recipe, settled
from universe_gan.study_settings import GenerateSettings
from universe_gan.upscaling.settings import UpscaleSettings

if TYPE_CHECKING:
    import requests

    from universe_gan.upscaling.jobs import Job
    from universe_gan.upscaling.upscaler import Upscaler
    from universe_gan.upscaling.weights import Weights
    from universe_gan.upscaling.work import Outcome

NEEDED = ("torch", "safetensors", "pyvips")


@dataclass(frozen=True)
class Wanted:
    """What the user named."""

    name: str
    """Of the folder that the results go to; empty: single files."""
    paths: tuple[Path, ...] = ()
    dataset: Path | None = None
    run: str | Path | None = None
    """Of which pictures are drawn first."""
    drawn: GenerateSettings = field(default_factory=GenerateSettings)
    """Which."""


def wanted(
    output: Output,
    asked: Sequence[str],
    seeds: str | None,
    overrides: Sequence[str],
    data: Path | None,
    runs: Path,
) -> Wanted:
    """Read what the user named: a run, a recipe, a built dataset, else files and folders of pictures.

    Raises:
        RecipeWrong, RecipeMissing, StageMissing, StageStale: as for `train`.
    """
    if len(asked) > 1:
        return Wanted("", tuple(Path(one) for one in asked))
    [one] = asked
    path = Path(one)
    if (path / "run.json").is_file() or (path / "upscale.json").is_file() or path.suffix == ".safetensors":
        own = overrides if settled.behind(one) else ()
        drawn = settled.settings(GenerateSettings, output, one, {"seeds": seeds}, own)
        return Wanted("", run=generating.find(one, runs), drawn=drawn)
    if path.is_dir() and not recipe.find(one).is_file():
        tables = any((path / "data").glob("*.parquet")) or any(path.glob("*.parquet"))
        whole = path.resolve()
        name = whole.parent.name if tables and whole.name == "dataset" else whole.name
        return Wanted(name, dataset=path) if tables else Wanted(name, (path,))
    if path.is_file() and path.suffix not in (".toml", ".jsonl"):
        return Wanted("", (path,))
    if "/" in one and path.suffix not in (".toml", ".jsonl"):
        return Wanted("", (path,))
    loaded = recipe.load(recipe.find(one), overrides, data)
    return Wanted(loaded.name, dataset=Path(built_by(loaded).path))


def upscale(
    output: Output,
    what: Wanted,
    settings: UpscaleSettings,
    *,
    to: Path | None,
    device: str | None,
    dry_run: bool,
) -> Exit:
    """Make pictures larger; raises the failures of `universe_gan.upscaling`."""
    look_for_packages()
    from universe_gan.upscaling.work import upscale as go

    name, jobs = jobs_of(output, what, device, dry_run=dry_run)
    folder = to or Path("upscaled") / name
    jobs = [job for job in jobs if not _lies_in(job, folder)]
    upscaler = upscaler_of(output, settings, device)
    total = _megapixels(jobs, settings.scale)
    if dry_run:
        output.line(f"pictures  {many(len(jobs), 'picture')}, {total:,.1f} megapixels, would go to {folder}")
        output.result({"folder": str(folder), "pictures": len(jobs), "megapixels": round(total, 1)})
        return Exit.DONE
    outcomes: list[Outcome] = []
    with output.stage("megapixels", ceil(total)) as stage:
        drawn = _Counter(stage)
        for one in go(
            jobs, upscaler, folder, passes=settings.passes, max_pixels=settings.max_pixels, drawn=drawn
        ):
            outcomes.append(one)
            for note in one.notes:
                output.say(f"{one.job.label}: {note}")
        drawn.done(ceil(total))
    return _tell(output, folder, outcomes, upscaler)


def upscaler_of(output: Output, settings: UpscaleSettings, device: str | None) -> "Upscaler":
    """The upscaler as it is set, and a word on it. Raises `SettingsUnfit` and the failures of the weights."""
    from universe_gan.upscaling.upscaler import Upscaler, precision_of

    where = device_for(device)
    upscaler = Upscaler(
        weights_asked(output, settings.weights),
        where,
        precision_of(settings.precision, where),
        passes=2 if settings.passes is None else settings.passes,
        strength=settings.strength,
        side=settings.tile,
        overlap=settings.overlap,
        exact=settings.exact,
        asked=settings.scale,
    )
    _tell_how(output, upscaler)
    return upscaler


def look_for_packages(more: Sequence[str] = ()) -> None:
    """Raises `PackagesMissing`, also for `more` than upscaling needs."""
    missing = [name for name in (*NEEDED, *more) if util.find_spec(name) is None]
    if not missing:
        try:
            import pyvips  # noqa: F401 (it looks for libvips only now)
        except OSError:
            missing = ["libvips"]
    if missing:
        raise PackagesMissing(missing, "upscaling", "upscale")


def jobs_of(output: Output, what: Wanted, device: str | None, *, dry_run: bool) -> tuple[str, list["Job"]]:
    """The pictures, those of a run drawn first, and the name of the folder."""
    from universe_gan.upscaling import jobs

    if what.dataset is not None:
        return what.name, jobs.of_dataset(what.dataset)
    if what.run is None:
        return what.name, jobs.of_paths(what.paths)
    from universe_gan.generate import Generator, write
    from universe_gan.seeds import read_seeds

    numbers = read_seeds(what.drawn.seeds)
    generator = Generator.load(what.run, device_for(device), output.note)
    folder = Path("generated") / generator.about.name
    if dry_run:
        output.line(f"model     {many(len(numbers), 'picture')} would be drawn into {folder}")
        return generator.about.name, [jobs.Job(f"seed {one}", f"{one}", bytes, {}) for one in numbers]
    drawn = write(generator, numbers, folder, truncation=what.drawn.truncation, sheet=False)
    output.line(f"pictures  {folder}  {many(len(numbers), 'picture')}, synthetic")
    return generator.about.name, jobs.of_paths(drawn)


def _lies_in(job: "Job", folder: Path) -> bool:
    """Whether the picture is a result of ours itself."""
    return isinstance(job.source, Path) and folder.resolve() in job.source.resolve().parents


def weights_asked(output: Output, asked: str | None) -> "Weights":
    """The weights; they are fetched where the user asks for the official ones, or nothing is here."""
    from collectors.web.polite import valid_contact
    from universe_gan.upscaling import weights

    contact = os.environ.get(asking.CONTACT)
    try:
        return weights.find(asked)
    except weights.NoWeights:
        if asked == "packaged" or (asked is None and not valid_contact(contact)):
            raise
    size = f"{weights.OFFICIAL.bytes / 1e6:.0f} MB"
    output.note(f"fetching {size} of weights, once: {weights.OFFICIAL.url}")
    return weights.find("official", session=_session(contact, output))


def _session(contact: str | None, output: Output) -> "requests.Session":
    from collectors.web.polite import polite_session
    from collectors.web.reach import PUBLIC_ONLY

    return polite_session(contact, reach=PUBLIC_ONLY, progress=output)


def _tell_how(output: Output, upscaler: "Upscaler") -> None:
    about: Mapping[str, Any] = upscaler.provenance()
    rounded = ", rounded to fp16" if about["fp16_rounded"] else ""
    output.line(f"weights   {about['weights']} from {about['weights_from']}{rounded}")
    margin = f"margins of {upscaler.cut.overlap}" + (" (exact)" if upscaler.exact else "")
    output.line(
        f"how       x{upscaler.scale}, {upscaler.device.type} in {about['precision']}, tiles of"
        f" {upscaler.side} with {margin}, {many(upscaler.passes, 'back-projection')}"
        + (", strength measured" if upscaler.strength is None else f", strength {upscaler.strength:g}")
    )


def _megapixels(jobs: Sequence["Job"], scale: int) -> float:
    """Of the results; in a dataset all pictures are as large as the first. What cannot be read counts 0."""
    from universe_gan.upscaling.images import pixels

    total = 0.0
    for job in jobs:
        if not isinstance(job.source, Path):
            return pixels(job.source()) * len(jobs) * scale**2 / 1e6
        total += pixels(job.source) * scale**2 / 1e6
    return total


class _Counter:
    """Tells a stage of whole megapixels, from any thread."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._lock = stage, threading.Lock()
        self._pixels, self._told = 0, 0

    def __call__(self, pixels: int) -> None:
        with self._lock:
            self._pixels += pixels
            self._tell(self._pixels // 1_000_000)

    def done(self, total: int) -> None:
        """The last part of a megapixel counts as one."""
        with self._lock:
            self._tell(min(total, ceil(self._pixels / 1e6)))

    def _tell(self, now: int) -> None:
        if now > self._told:
            self._stage.advance(now - self._told)
            self._told = now


def _tell(output: Output, folder: Path, outcomes: Sequence["Outcome"], upscaler: "Upscaler") -> Exit:
    counts = Counter(one.state for one in outcomes)
    failed = sorted((one for one in outcomes if one.state == "failed"), key=lambda one: one.job.label)
    for note in sorted(upscaler.notes):
        output.say(f"note: {note}")
    output.table("Failed", ["picture", "why"], [(one.job.label, one.problem) for one in failed])
    words = [f"{many(counts['made'], 'picture')} made"]
    words += [f"{counts['there']:,} were there already"] if counts["there"] else []
    words += [f"{counts['failed']:,} failed"] if failed else []
    output.line(f"pictures  {folder}  {', '.join(words)}")
    output.result(
        {
            "folder": str(folder),
            "files": sorted(one.file for one in outcomes if one.file),
            "failed": {one.job.label: one.problem for one in failed},
            "notes": sorted(upscaler.notes),
            **upscaler.provenance(),
        }
    )
    return Exit.SOME_FAILED if failed else Exit.DONE
