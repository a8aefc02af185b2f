"""Many pictures made larger: some in flight, what is there already skipped, every failure named.

While one picture is on the device, others are read and written. A result appears whole, its line after it; so
a killed command goes on with the next picture.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from universe_gan import __version__, pictures, sheets
from universe_gan.pictures import NotOurs, Shelf
from universe_gan.upscaling import images, saving
from universe_gan.upscaling.images import NoPicture, Opened
from universe_gan.upscaling.jobs import Job
from universe_gan.upscaling.upscaler import Interrupted, NotFinite, Upscaler

IN_FLIGHT = 3
"""Pictures being read, on the device, or being written."""
STEP = "upscaled"
"""Under this name the provenance of a picture says how it was made larger."""
ALTERED = "algorithmicallyEnhanced"
"""What XMP says of an enlarged photograph: https://cv.iptc.org/newscodes/digitalsourcetype/"""


@dataclass(frozen=True)
class Outcome:
    """What became of one picture."""

    job: Job
    state: Literal["made", "there", "failed"]
    """`there`: it lay there already, made in the same way."""
    file: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()


def upscale(
    work: Sequence[Job],
    upscaler: Upscaler,
    folder: Path,
    *,
    passes: int | None = None,
    max_pixels: int,
    drawn: Callable[[int], None] = lambda pixels: None,
) -> Iterator[Outcome]:
    """Make them larger into `folder`, with a `pictures.jsonl`; outcomes come as they are done.

    `passes`: of back-projection; `None`: the upscaler's, but 1 for JPEG files. `drawn` hears of large pixels.

    Raises:
        NotOurs: a foreign `pictures.jsonl` lies in the folder; nothing is written.
        MemoryShort: not even the smallest tile fits the device.
        DiskFull: no room; what was written is whole.
    """
    with Shelf(folder) as shelf:
        one = _One(upscaler, shelf, passes, max_pixels, drawn)
        pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="upscale")
        waiting: list[Future[Outcome]] = []
        try:
            waiting = [pool.submit(one, job) for job in work]
            for done in as_completed(waiting):
                outcome = done.result()
                if outcome.state == "made":
                    shelf.adopt(outcome.file, one.facts[outcome.file])
                yield outcome
        except BaseException:
            upscaler.stop()  # nobody takes what is under way
            raise
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass
class _One:
    """One picture after the other, in any thread."""

    upscaler: Upscaler
    shelf: Shelf
    passes: int | None
    max_pixels: int
    drawn: Callable[[int], None]

    def __post_init__(self) -> None:
        self.facts: dict[str, Mapping[str, Any]] = {}

    def __call__(self, job: Job) -> Outcome:
        try:
            return self._made(job)
        except (NoPicture, NotOurs, NotFinite, OSError) as error:
            return Outcome(job, "failed", problem=_words(error))
        except Interrupted:
            return Outcome(job, "failed", problem="interrupted")

    def _made(self, job: Job) -> Outcome:
        source, sha256 = job.open()
        opened = images.open_picture(source, job.label, max_pixels=self.max_pixels)
        passes = self._passes(opened)
        how = self.upscaler.provenance(passes) | ({"notes": list(opened.notes)} if opened.notes else {})
        before = {**_inside(job), **job.about, "sha256": sha256}
        facts = pictures.made_from(before, STEP, how, f"universe-gan {__version__}")
        file = f"{job.name}{opened.suffix}"
        large = opened.width * opened.height * self.upscaler.scale**2
        if self._is_there(file, facts):
            self.drawn(large)
            return Outcome(job, "there", file)
        to = self.shelf.folder / file
        if to.exists() and file not in self.shelf and saving.said_inside(to) is None:
            raise NotOurs(to)
        xmp = sheets.XMP if facts.get("synthetic") else sheets.XMP.replace("trainedAlgorithmicMedia", ALTERED)
        strips = self.upscaler.strips(opened, passes, self.drawn)
        saving.save(opened, strips, to, self.upscaler.scale, facts, xmp)
        self.facts[file] = facts
        return Outcome(job, "made", file, notes=opened.notes)

    def _passes(self, opened: Opened) -> int:
        if self.passes is not None:
            return self.passes
        return min(1, self.upscaler.passes) if opened.from_jpeg else self.upscaler.passes

    def _is_there(self, file: str, facts: Mapping[str, Any]) -> bool:
        """Whether the result lies there, made from the same bytes in the same way, and whole."""
        line = self.shelf.line(file)
        if line is None or _asked(line) != _asked({**facts, "file": file}):
            return False
        try:
            return bool(Job(file, file, self.shelf.folder / file, {}).open()[1] == line["sha256"])
        except OSError:
            return False


def _inside(job: Job) -> dict[str, Any]:
    """What a picture says inside of where it comes from, where nothing beside it does."""
    if job.about.keys() > {"file"} or not isinstance(job.source, Path):
        return {}
    return saving.said_inside(job.source) or {}


def _asked(line: Mapping[str, Any]) -> dict[str, Any]:
    """What of a line says how the picture was made; the tool's version does not make it another."""
    return {key: value for key, value in line.items() if key not in ("sha256", "tool")}


def _words(error: Exception) -> str:
    if isinstance(error, NoPicture):
        return error.problem
    if isinstance(error, NotOurs):
        return f"{error.path} was not written by this tool; it stays"
    if isinstance(error, NotFinite):
        return "the network makes undefined values of it"
    return str(error)
