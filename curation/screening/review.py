"""The review sheet: doubtful and screened-out pictures on one page, for a person to keep or to drop."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image

from collectors.manifest import Manifest
from collectors.progress import Progress, Silent
from collectors.record import Reason, Record
from collectors.storage.files import write_whole
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from curation import engine
from curation.imaging.pixels import TooManyPixels, Unreadable, open_upright
from curation.judged import Judged
from curation.reporting.page import inline, templates
from curation.screening.decisions import FORMAT, Decision, Decisions
from curation.screening.screen import FILTERS, SCREENED, threshold
from curation.settings import CurateSettings, ScreenSettings

SIDE = 320
"""Longest side of a picture on the page in pixels: lettering must be readable."""
MOST = 2_000
"""Pictures on a page; the most doubtful ones come first, and decided ones make room for others."""


@dataclass(frozen=True)
class Undecided:
    """Pictures of the page that nobody has decided about yet."""

    doubtful: int
    """Near a threshold, kept or not."""
    screened: int
    """Left out by a filter beyond doubt."""

    @property
    def total(self) -> int:
        return self.doubtful + self.screened


@dataclass(frozen=True)
class Bar:
    """A filter's score beside its threshold, in percent of the bar."""

    name: str
    score: float
    threshold: float
    doubtful: bool

    @property
    def over(self) -> bool:
        return self.score > self.threshold


@dataclass(frozen=True)
class Card:
    """One picture to look at."""

    sha256: str
    uid: str
    title: str
    page: str | None
    reason: Reason | None
    """Why it is out; `None`: it is kept as things stand."""
    detail: str
    topics: tuple[str, ...]
    """What it can be found by: filters in doubt, and the reason."""
    bars: tuple[Bar, ...]
    distance: float
    """From the nearest threshold: how little the machine knows."""
    decision: Decision | None
    picture: str | None = None


def write(
    manifest: Manifest,
    judged: Iterable[Judged],
    decisions: Decisions,
    workspace: Workspace,
    *,
    settings: CurateSettings,
    title: str,
    take: str,
    progress: Progress | None = None,
    workers: int = 1,
) -> tuple[Path, Undecided]:
    """Write `review.html` of the workspace; `take` is the command that takes the saved file back.

    Returns the page and how many pictures of it nobody has decided about. Raises `DiskFull`.
    """
    judged = tuple(judged)
    found = cards(manifest, judged, decisions, settings.screen)
    shown = found[:MOST]
    pictures = _pictures([card.sha256 for card in shown], workspace, progress or Silent(), workers)
    page = (
        templates()
        .get_template("review.html.jinja")
        .render(
            **inline("review.css", "review.js"),
            title=title,
            name=manifest.header.name,
            format=FORMAT,
            take=take,
            cards=shown,
            pictures=pictures,
            left_out=len(found) - len(shown),
            topics=sorted({topic for card in shown for topic in card.topics}),
        )
    )
    write_whole(workspace.root / "review.html", page)
    return workspace.root / "review.html", undecided(manifest, judged, decisions)


def cards(
    manifest: Manifest, judged: Iterable[Judged], decisions: Decisions, settings: ScreenSettings
) -> list[Card]:
    """The pictures to look at: undecided ones first, of these the most doubtful first."""
    found = [
        _card(record, sha256, one, decisions.get(sha256), settings)
        for sha256, (record, one) in _listed(manifest, judged, decisions).items()
    ]
    return sorted(found, key=lambda card: (card.decision is not None, card.distance, card.uid))


def undecided(manifest: Manifest, judged: Iterable[Judged], decisions: Decisions) -> Undecided:
    """How many pictures of the page nobody has decided about."""
    listed = _listed(manifest, judged, decisions).items()
    waiting = [one for sha256, (_, one) in listed if sha256 not in decisions]
    doubtful = sum(bool(one.doubts) for one in waiting)
    return Undecided(doubtful, len(waiting) - doubtful)


def _listed(
    manifest: Manifest, judged: Iterable[Judged], decisions: Decisions
) -> dict[str, tuple[Record, Judged]]:
    """The pictures of the page by SHA-256: doubtful, screened out or decided; each file once."""
    records = {record.uid: record for record in manifest.records}
    found: dict[str, tuple[Record, Judged]] = {}
    for one in judged:
        record = records.get(one.uid)
        if record is None or record.file is None:
            continue
        sha256 = record.file.sha256
        if one.doubts or one.verdict.reason in SCREENED or sha256 in decisions:
            found.setdefault(sha256, (record, one))
    return found


def _card(
    record: Record, sha256: str, judged: Judged, decision: Decision | None, settings: ScreenSettings
) -> Card:
    on = [name for name in FILTERS if name in judged.scores and threshold(name, settings) < 1]
    bars = tuple(_bar(name, judged, settings) for name in on)
    away = {name: abs(judged.scores[name] - threshold(name, settings)) for name in on}
    deciding = [name for name in on if FILTERS[name] is judged.verdict.reason] or list(judged.doubts)
    reason = judged.verdict.reason
    return Card(
        sha256=sha256,
        uid=record.uid,
        title=record.title,
        page=record.page,
        reason=reason,
        detail=judged.verdict.detail,
        topics=tuple(dict.fromkeys([*judged.doubts, *([reason.value] if reason else [])])),
        bars=bars,
        distance=min((away[name] for name in deciding if name in away), default=1.0),
        decision=decision,
    )


def _bar(name: str, judged: Judged, settings: ScreenSettings) -> Bar:
    score, limit = judged.scores[name], threshold(name, settings)
    return Bar(name, round(100 * score, 1), round(100 * limit, 1), name in judged.doubts)


def _pictures(
    sha256s: Sequence[str], workspace: Workspace, progress: Progress, workers: int
) -> Mapping[str, str]:
    """`data:` addresses of whole pictures, by SHA-256; those that cannot be decoded are left out."""
    picture = partial(_picture, originals=workspace.originals)
    with progress.stage("pictures", len(sha256s)) as stage:
        count = max(1, min(workers, len(sha256s)))
        made = list(engine.run(picture, sha256s, workers=count, stage=stage, died=_nothing))
    return {
        sha256: f"data:image/webp;base64,{base64.b64encode(data).decode()}"
        for sha256, data in zip(sha256s, made, strict=True)
        if data is not None
    }


def _picture(sha256: str, originals: Store) -> bytes | None:
    try:
        image = open_upright(originals.path(sha256), max_pixels=2_000_000_000, reduce_to=2 * SIDE).image
    except (Unreadable, TooManyPixels, FileNotFoundError):
        return None
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=75, method=4)
    return buffer.getvalue()


def _nothing(sha256: str) -> None:
    """What comes of a picture on which the decoder itself crashes."""
    return
