"""Small pictures for the report, made once and kept."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import PIL
from PIL import Image

from collectors.progress import Progress
from collectors.record import Reason
from collectors.storage.files import canonical_json
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from curation import engine
from curation.imaging.crop import Box, centre_box, square_key
from curation.imaging.examine import folders
from curation.imaging.pixels import TooManyPixels, Unreadable, open_upright
from curation.outcome import Outcome
from curation.reporting.sections.crops import view
from curation.settings import CurateSettings

SIDE = 176
"""Longest side of a thumbnail in pixels."""
VERSION = 1
"""Raised when `thumbnail` gives other bytes, so that kept ones are made anew."""

MOST_KEPT = 6_000
MOST_DROPPED = 1_500
"""Images beyond these have no thumbnail; at about 4 kB each the page stays below 50 MB."""

MOST_WHOLE = 2_500
"""Kept images beyond these are not shown whole beside their square."""

Thumbnail = Callable[[Path, Box | None], bytes | None]
_Job = tuple[Store, str, Box | None]
"""Where a picture lies, under which name, and the part of it to show; `None`: all."""


@dataclass(frozen=True)
class Pictures:
    """`data:` addresses by uid."""

    squares: Mapping[str, str]
    """What is shown of an image: the square that was cut, or all of it."""
    wholes: Mapping[str, str]
    """All of a kept image of which the square leaves something out, or to which it adds."""


def thumbnail(path: Path, box: Box | None) -> bytes | None:
    """A picture, or the box of it, as a WebP of at most `SIDE` pixels; `None` where it cannot be decoded."""
    try:
        picture = open_upright(path, max_pixels=2_000_000_000, reduce_to=2 * SIDE)
    except (Unreadable, TooManyPixels, FileNotFoundError):
        return None
    image = picture.image
    if box is not None:
        left, top, right, bottom = (edge // picture.reduced for edge in box)
        image = image.crop((left, top, right, bottom))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=68, method=4)
    return buffer.getvalue()


def capped(outcomes: Iterable[Outcome]) -> frozenset[str]:
    """The uids that get no thumbnail because there are too many."""
    looked_at = [outcome for outcome in outcomes if outcome.judged]
    kept = [outcome.record.uid for outcome in looked_at if outcome.keep]
    dropped = [outcome.record.uid for outcome in looked_at if not outcome.keep]
    return frozenset(kept[MOST_KEPT:] + dropped[MOST_DROPPED:])


def thumbnails(
    outcomes: Iterable[Outcome],
    workspace: Workspace,
    settings: CurateSettings | None,
    *,
    progress: Progress,
    workers: int,
    make: Thumbnail = thumbnail,
) -> Pictures:
    """`data:` addresses by uid, for every image that is here and can be shown.

    With `settings`, they are made from the finished squares where there are any, else from the originals.
    They stay in `previews/` of the workspace for the next report.
    """
    shown = [outcome for outcome in outcomes if _can_be_shown(outcome)]
    cut = [outcome for outcome in shown if _is_cut(outcome)][:MOST_WHOLE]
    squares = {outcome.record.uid: _job(outcome, workspace, settings) for outcome in shown}
    wholes = {outcome.record.uid: _whole(outcome, workspace) for outcome in cut}
    store = workspace.store("previews")
    jobs = {_key(*job): job for job in (*squares.values(), *wholes.values())}
    jobs = {key: job for key, job in jobs.items() if key not in store}
    with progress.stage("thumbnails", len(jobs)) as stage:
        made = engine.run(
            partial(_make, make),
            list(jobs.values()),
            workers=min(workers, len(jobs)),
            stage=stage,
            died=_nothing,
        )
        for key, data in zip(jobs, made, strict=True):
            if data is not None:
                store.put(key, data)
    return Pictures(_addresses(squares, store), _addresses(wholes, store))


def _addresses(jobs: Mapping[str, _Job], store: Store) -> dict[str, str]:
    keys = {uid: _key(*job) for uid, job in jobs.items()}
    return {uid: _address(store.read(key)) for uid, key in keys.items() if key in store}


def _can_be_shown(outcome: Outcome) -> bool:
    hopeless = outcome.verdict.reason in (Reason.UNREADABLE, Reason.TOO_LARGE)
    return outcome.judged is not None and outcome.record.file is not None and not hopeless


def _is_cut(outcome: Outcome) -> bool:
    judged = outcome.judged
    whole = (0, 0, judged.width, judged.height) if judged else None
    return outcome.keep and judged is not None and judged.box is not None and judged.box != whole


def _whole(outcome: Outcome, workspace: Workspace) -> _Job:
    file, judged = outcome.record.file, outcome.judged
    assert file and judged and judged.box  # noqa: PT018  (`_is_cut`)
    size = judged.width or 0, judged.height or 0
    shown = view(*size, judged.box)
    return workspace.originals, file.sha256, None if shown == (0, 0, *size) else shown


def _job(outcome: Outcome, workspace: Workspace, settings: CurateSettings | None) -> _Job:
    """The smallest file that shows the image, and the part of it to show (`None`: all)."""
    file, judged = outcome.record.file, outcome.judged
    assert file is not None and judged is not None  # noqa: PT018  (`_can_be_shown`)
    box = judged.box
    if settings and judged.width and judged.height:
        key = square_key(file.sha256, box or centre_box(judged.width, judged.height), settings)
        squares = folders(workspace).squares
        if key in squares:
            return squares, key, None
    return workspace.originals, file.sha256, box


def _key(store: Store, name: str, box: Box | None) -> str:
    return hashlib.sha256(canonical_json([name, box, SIDE, VERSION, PIL.__version__])).hexdigest()


def _make(make: Thumbnail, job: _Job) -> bytes | None:
    store, name, box = job
    return make(store.path(name), box)


def _nothing(job: _Job) -> None:
    """What comes of a picture on which the decoder itself crashes."""
    return


def _address(data: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"
