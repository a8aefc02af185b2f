"""What `universe-gan judge` does and says: the figures of a run's checkpoint, of several runs side by side.

They come from the code that judges during training, on the same pictures, and are kept in the run's
`judged.jsonl`. In `stats.jsonl` a line of an earlier step would mean that training went back to it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from universe_gan.shell.exits import Exit
from universe_gan.shell.models.needs import PackagesMissing, device_for
from universe_gan.shell.output import Output
from universe_gan.shell.pictures.generating import NEEDED

if TYPE_CHECKING:
    import torch

    from universe_gan.data import Prepared
    from universe_gan.generate import Generator
    from universe_gan.training.runs import Run


class DataChanged(Exception):
    """What the run learned from is no longer what stands at that place, and the cache has lost it."""

    def __init__(self, run: Path, source: str) -> None:
        super().__init__(f"{source} is not what {run} learned from")
        self.run, self.source = run, source


class NoRun(Exception):
    """Words that name no run: real pictures to compare with are known of a run only."""

    def __init__(self, asked: str) -> None:
        super().__init__(f"{asked} is no run")
        self.asked = asked


MEASURES: Sequence[tuple[str, str, Callable[[Mapping[str, Any]], str]]] = (
    ("KID", "0", lambda found: f"{found['kid']:.4f}"),
    ("its 95 % interval", "around 0", lambda found: f"{found['kid_low']:.4f} to {found['kid_high']:.4f}"),
    ("Fréchet distance", "its floor", lambda found: f"{found['fd']:.2f}"),
    ("floor, real to real", "", lambda found: f"{found['fd_floor']:.2f} by {found['fd_pictures']:,} each"),
    ("coverage", "1; collapsed: 0", lambda found: f"{found['coverage']:.2f}"),
    ("recall", "1", lambda found: f"{found['recall']:.2f}"),
    (
        "nearness to training",
        "1; copies: < 0.8",
        lambda found: "not known" if found["memorisation"] is None else f"{found['memorisation']:.2f}",
    ),
    ("power spectrum", "0 dB", lambda found: f"{found['spectrum_db']:.2f} dB"),
    ("colours", "0 of 255 levels", lambda found: f"{found['colour']:.2f} levels"),
)
"""What is told of each checkpoint: its name, what is best, its words."""


def judge(
    output: Output,
    asked: Sequence[str],
    *,
    checkpoint: str,
    extractor: str | None,
    pictures: int | None,
    runs: Path,
    device: str | None,
) -> Exit:
    """Judge a checkpoint of each run; raises the failures of this room and of `judging.judge`."""
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        raise PackagesMissing(missing)
    where = device_for(device)
    found = [_judged(output, one, checkpoint, extractor, pictures, runs, where) for one in asked]
    if len({line["against"] for line in found}) + len({line["extractor"] for line in found}) > 2:
        output.say("the runs were not measured alike (extractor, or what they are compared with)")
    rows = [(name, *(words(line) for line in found), best) for name, best, words in MEASURES]
    heads = [f"{Path(line['run']).name} {line['checkpoint']}" for line in found]
    output.table("", ("", *heads, "best is"), rows)
    output.result({"judged": found})
    return Exit.DONE


def _judged(
    output: Output,
    asked: str,
    checkpoint: str,
    extractor: str | None,
    pictures: int | None,
    root: Path,
    device: "torch.device",
) -> dict[str, Any]:
    """The figures of one run's checkpoint, also written beside it."""
    from collectors.storage.files import Journal
    from universe_gan.generate import Generator
    from universe_gan.measuring import judging
    from universe_gan.training.runs import read

    place = place_of(asked, root)
    folder = place.parent if place.is_file() else place
    run = read(folder)
    path = place if place.is_file() else checkpoint_of(run, checkpoint)
    generator = Generator.load(path, device)
    prepared = reals_of(output, run)
    settings = run.about.settings
    if extractor:
        settings = settings.model_copy(update={"extractor": extractor})
    ask = judging.judge(prepared, settings, folder.parent / "cache", generator.device)
    found = _line(run, generator, path) | ask(generator.net, generator.device, pictures)
    journal = Journal(folder / "judged.jsonl")
    journal.append(found)
    journal.close()
    output.line(
        f"judged    {folder}  {found['checkpoint']}, {found['kimg']:,g} kimg: {found['judged']:,} pictures"
        f" by {found['extractor']} against {found['against']}"
    )
    return found


def place_of(asked: str, root: Path) -> Path:
    """The run's folder or the checkpoint in one, as named, or the newest run of that name."""
    from universe_gan.training.runs import every

    for path in (Path(asked), root / asked):
        if ((path.parent if path.is_file() else path) / "run.json").is_file():
            return path
    for run in reversed(every(root)):
        if run.about.name == Path(asked).stem:
            return run.path
    raise NoRun(asked)


def _line(run: "Run", generator: "Generator", path: Path) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "checkpoint": path.stem,
        "checkpoint_sha256": generator.sha256,
        "kimg": generator.kimg,
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def checkpoint_of(run: "Run", named: str) -> Path:
    """The file that `latest`, `best` or a path names; best falls back on latest, as in `generate`."""
    from universe_gan.generate import NoCheckpoint

    paths = {"latest": [run.latest], "best": [run.best, run.latest]}
    for path in paths.get(named, [Path(named), run.path / named]):
        if path.is_file():
            return path
    raise NoCheckpoint(str(run.path if named in paths else named))


def reals_of(output: Output, run: "Run") -> "Prepared":
    """The real pictures of the run: from its cache, else decoded anew from where they came."""
    from universe_gan import data

    origin, cache = run.about.origin, run.path.parent / "cache"
    if kept := data.decoded(origin, run.about.side, cache):
        return kept
    prepared = data.prepare(
        origin.source,
        side=run.about.side,
        cache=cache,
        revision=origin.revision,
        progress=output,
        synthetic=run.about.settings.synthetic if origin.synthetic else 0.0,
    )
    if prepared.origin.fingerprint != origin.fingerprint:
        raise DataChanged(run.path, origin.source)
    return prepared
