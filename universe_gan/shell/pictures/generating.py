"""What `universe-gan generate` does and says; the drawing is in `universe_gan.generate` (needs PyTorch)."""

from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.storage.files import canonical_json, write_whole
from universe_gan.shell.exits import Exit
from universe_gan.shell.models.needs import PackagesMissing, device_for
from universe_gan.shell.output import Output, many
from universe_gan.study_settings import GenerateSettings

if TYPE_CHECKING:
    from universe_gan.generate import Generator

NEEDED = ("torch", "safetensors")


def generate(
    output: Output,
    asked: str,
    drawn: GenerateSettings,
    *,
    to: Path | None,
    sheet: bool,
    film: Path | None,
    frames: int,
    fps: float,
    runs: Path,
    device: str | None,
) -> Exit:
    """Write the pictures of these seeds, or the film through them; raises the failures of `generate`."""
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        raise PackagesMissing(missing)
    from universe_gan import films
    from universe_gan.generate import Generator, write
    from universe_gan.seeds import read_seeds

    numbers = read_seeds(drawn.seeds)
    if film:
        films.check(film)
    generator = Generator.load(find(asked, runs), device_for(device), output.note)
    about = generator.about
    output.line(
        f"model     {about.settings.model}, {about.side} px, {generator.kimg:,g} kimg, checkpoint"
        f" {generator.sha256[:12]}"
    )
    if film:
        return _film(output, generator, numbers, film, frames=frames, fps=fps, truncation=drawn.truncation)
    folder = to or Path("generated") / about.name
    written = write(generator, numbers, folder, truncation=drawn.truncation, sheet=sheet)
    output.line(
        f"pictures  {folder}  {many(len(numbers), 'picture')}{' and a sheet' if sheet else ''}, synthetic"
    )
    output.result({"folder": str(folder), "files": [path.name for path in written], **generator.provenance()})
    return Exit.DONE


class OnlyWeights(Exception):
    """A run that tuned the upscaler, named where pictures or a generator are wanted."""

    def __init__(self, asked: str) -> None:
        super().__init__(f"{asked} holds weights of the upscaler only")
        self.asked = asked


def find(asked: str, runs: Path) -> str | Path:
    """A run's folder or a checkpoint as named, else the newest run of that recipe that has a checkpoint.

    What is neither may be a model on the Hub, and comes back as it is. Raises `OnlyWeights`.
    """
    if (Path(asked) / "upscale.json").is_file():
        raise OnlyWeights(asked)
    if Path(asked).exists() and Path(asked).suffix != ".toml":
        return Path(asked)
    from universe_gan.downloads import named

    if named(asked):
        return asked
    from universe_gan.training.runs import every

    name = Path(asked).stem
    for run in reversed(every(runs)):
        if run.about.name == name and (run.best.is_file() or run.latest.is_file()):
            return run.path
    return asked


def _film(
    output: Output,
    generator: "Generator",
    seeds: list[int],
    path: Path,
    *,
    frames: int,
    fps: float,
    truncation: float,
) -> Exit:
    from universe_gan import films

    films.write(path, generator.walk(seeds, frames, truncation), fps)
    facts = generator.provenance(seeds=seeds, truncation=truncation, frames=frames, fps=fps)
    write_whole(path.with_name(f"{path.name}.json"), canonical_json(facts) + b"\n")
    output.line(f"film      {path}  {len(seeds) * frames:,} frames, synthetic")
    output.result({"film": str(path), **facts})
    return Exit.DONE
