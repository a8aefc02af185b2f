"""What `universe-gan upscale --evaluate` does and says; the work is in `universe_gan.upscaling.evaluate`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from universe_gan.shell.exits import Exit
from universe_gan.shell.output import Output, many
from universe_gan.shell.pictures import upscaling
from universe_gan.upscaling.settings import UpscaleSettings

if TYPE_CHECKING:
    from universe_gan.upscaling.evaluate import Evaluation, Judged
    from universe_gan.upscaling.evaluation_page import Crops
    from universe_gan.upscaling.jobs import Job
    from universe_gan.upscaling.upscaler import Upscaler

NEEDED = ("sep", "skimage")
"""Beyond what upscaling needs."""


def evaluate(
    output: Output,
    what: upscaling.Wanted,
    settings: UpscaleSettings,
    *,
    degraded: bool,
    to: Path | None,
    device: str | None,
    dry_run: bool,
) -> Exit:
    """Shrink pictures, enlarge them, compare with the truth; raises what `universe_gan.upscaling` does."""
    upscaling.look_for_packages(NEEDED)
    name, jobs = upscaling.jobs_of(output, what, device, dry_run=dry_run)
    folder = to or Path("upscaled") / f"{name or 'pictures'}-evaluated"
    passes = settings.passes if settings.passes is not None else 1 if degraded else 2
    upscaler = upscaling.upscaler_of(output, settings.model_copy(update={"passes": passes}), device)
    if dry_run:
        output.line(f"pictures  {many(len(jobs), 'picture')} would be compared, results in {folder}")
        output.result({"folder": str(folder), "pictures": len(jobs)})
        return Exit.DONE
    from universe_gan.upscaling import evaluation_page
    from universe_gan.upscaling.evaluate import Evaluation

    judged, shown, failed = _judged(output, jobs, upscaler, settings, folder, degraded=degraded)
    found = Evaluation(judged, upscaler.scale, degraded, upscaler.provenance())
    written = evaluation_page.write(found, shown, folder)
    return _tell(output, found, folder, written, failed)


def _judged(
    output: Output,
    jobs: Sequence["Job"],
    upscaler: "Upscaler",
    settings: UpscaleSettings,
    folder: Path,
    *,
    degraded: bool,
) -> tuple[list["Judged"], list["Crops"], dict[str, str]]:
    """Every picture with its crops written, and what cannot be compared with its reason."""
    from universe_gan.upscaling.images import NoPicture
    from universe_gan.upscaling.upscaler import NotFinite

    judged: list[Judged] = []
    shown: list[Crops] = []
    failed: dict[str, str] = {}
    with output.stage("pictures", len(jobs)) as stage:
        for number, job in enumerate(jobs):
            try:
                one, crops = _one(job, upscaler, settings.max_pixels, number if degraded else None, folder)
            except NoPicture as error:
                failed[job.label] = error.problem
            except NotFinite:
                failed[job.label] = "the network makes undefined values of it"
            except FileNotFoundError as error:
                failed[job.label] = str(error)
            else:
                judged.append(one)
                shown.append(crops)
                for note in one.notes:
                    output.say(f"{job.label}: {note}")
            stage.advance()
    return judged, shown, failed


def _one(
    job: "Job", upscaler: "Upscaler", max_pixels: int, seed: int | None, folder: Path
) -> tuple["Judged", "Crops"]:
    from collectors.storage.files import write_whole
    from universe_gan.upscaling import evaluate as judging
    from universe_gan.upscaling import evaluation_page, images

    opened = images.open_picture(job.open()[0], job.label, max_pixels=max_pixels)
    truth, notes = judging.truth(opened, upscaler.scale)
    small = judging.shrunk(truth, upscaler.scale, seed)
    made = {method: enlarge(small) for method, enlarge in judging.methods(upscaler).items()}
    figures = {method: judging.compare(truth, one) for method, one in made.items()}
    crops = evaluation_page.crops(job.name, truth, small, made)
    write_whole(folder / "crops" / f"{job.name}.png", crops.png())
    return judging.Judged(job.name, truth.shape[:2], figures, notes), crops


def _tell(
    output: Output, found: "Evaluation", folder: Path, written: Mapping[str, Any], failed: Mapping[str, str]
) -> Exit:
    from universe_gan.upscaling import evaluation_page

    title = f"Means of {many(len(found.pictures), 'picture')}, x{found.scale}"
    title += ", small ones blurred, noisy and JPEG" if found.degraded else ""
    output.table(title, evaluation_page.HEADS, evaluation_page.rows(found))
    output.line(f"better than Lanczos on {found.wins:,} of {len(found.pictures):,}")
    output.table("Failed", ["picture", "why"], list(failed.items()))
    output.line(f"page      {folder / 'evaluation.html'}")
    output.result({**written, "folder": str(folder), "failed": dict(failed)})
    return Exit.SOME_FAILED if failed else Exit.DONE
