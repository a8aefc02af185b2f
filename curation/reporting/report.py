"""The HTML report: one page with every image, its licence, and the reason where it was left out."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from collectors.manifest import Manifest
from collectors.progress import Progress, Silent
from collectors.record import Reason
from collectors.storage.files import written_whole
from collectors.storage.workspace import Workspace
from curation.auditing.audited import Audit
from curation.judged import Judged
from curation.markup import plain
from curation.outcome import is_reference, outcomes
from curation.reporting.page import inline, templates
from curation.reporting.sections.charts import charts, licences_by_source
from curation.reporting.sections.numbers import numbers
from curation.reporting.sections.worth import worth
from curation.reporting.thumbnails import SIDE, Thumbnail, capped, thumbnail, thumbnails
from curation.reporting.tiles import CLASS_WORDS, MARKS, STATE_WORDS, Tile, families, tiles
from curation.settings import CurateSettings, PolicySettings

MANY = 400
"""With more images than this the browser draws only what is in view."""

MOST_REFUSED = 5_000
"""Refused images are listed up to this number; the counts and tables always hold all of them."""


def write(
    manifest: Manifest,
    judged: Iterable[Judged],
    workspace: Workspace,
    *,
    policy: PolicySettings,
    settings: CurateSettings | None = None,
    audit: Audit | None = None,
    references: bool = True,
    path: Path | None = None,
    title: str | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    make: Thumbnail = thumbnail,
) -> Path:
    """Write the report to `path` (default: `workspace.report`) and return where it lies.

    The page asks nothing of any network: pictures are `data:` addresses, style and script are inline and
    named by hash in its content security policy. The same input gives the same bytes. With `settings` the
    thumbnails of kept images come from the finished squares, which is many times faster than from the
    originals. `references`: whether the dataset names images without their pixels (`[publish] references`).

    Raises:
        NotJudged: the verdicts belong to another manifest.
        DiskFull: the old report is untouched.
    """
    everything = outcomes(manifest, judged, policy)
    named = frozenset(one.record.uid for one in everything if references and is_reference(one, policy))
    without = capped(everything)
    pictures = thumbnails(
        [outcome for outcome in everything if outcome.record.uid not in without | named],
        workspace,
        settings,
        progress=progress or Silent(),
        workers=workers or os.cpu_count() or 1,
        make=make,
    )
    shown = tuple(tiles(everything, pictures, without, settings=settings, references=named))
    groups = families(shown, everything)
    values = {
        **numbers(manifest, everything, policy, references=references),
        **_walls(shown, groups),
        **worth(
            {tile.uid: tile for tile in shown}, [one for one in groups if len(one) > 1], everything, audit
        ),
        "charts": charts(everything, settings),
        "strips": licences_by_source(everything),
        "title": plain(title or manifest.header.name),
        "header": manifest.header,
        "policy": policy,
        "violations": _violations(audit),
        "capped": len(without),
        "side": SIDE,
        "many": MANY,
        **inline(("report.css", "report/sections.css"), "report.js"),
    }
    target = path or workspace.report
    with written_whole(target) as file:
        page = templates().get_template("report.html.jinja").stream(values)
        page.enable_buffering(200)
        for chunk in page:
            file.write(chunk.encode())
    return target


def _walls(shown: Sequence[Tile], groups: Sequence[Sequence[Tile]]) -> dict[str, Any]:
    """The tiles in their sections, each image once, and what the filters offer."""
    placed = {tile.uid for group in groups for tile in group}
    refused = [tile for tile in shown if tile.state == "refused"][:MOST_REFUSED]
    others = [tile for tile in shown if tile.state == "dropped" and tile.uid not in placed]
    named = [tile for tile in shown if tile.state == "reference"]
    listed = [*(tile for group in groups for tile in group), *others, *named, *refused]
    classes = Counter(tile.cls for tile in listed)
    there = {tile.state for tile in listed}
    marked = {mark.name for tile in listed for mark in tile.marks}
    given = sorted({tile.why for tile in listed if tile.why})
    kinds = sorted({tile.kind for tile in listed if tile.kind})
    return {
        "families": [group for group in groups if len(group) == 1],
        "copies": [group for group in groups if len(group) > 1],
        "galleries": _galleries(others),
        "others_all": len(others),
        "named_tiles": named,
        "refused": refused,
        "total": len(listed),
        "states": [(state, words) for state, words in STATE_WORDS.items() if state in there],
        "classes": [
            {"cls": cls, "words": words, "count": classes[cls]}
            for cls, words in CLASS_WORDS.items()
            if classes[cls]
        ],
        "kinds": kinds if len(kinds) > 1 else [],
        "splits": sorted({tile.split for tile in listed if tile.split}),
        "listed_reasons": given,
        "marks": [(name, label) for name, label in MARKS.items() if name in marked],
    }


def _galleries(others: Sequence[Tile]) -> list[tuple[Reason, list[Tile]]]:
    """Images that were looked at and left out, by reason; those nearest to their threshold come first."""
    found: dict[Reason, list[Tile]] = {}
    for tile in others:
        assert tile.reason is not None  # it was dropped
        found.setdefault(tile.reason, []).append(tile)
    for reason, gallery in found.items():
        gallery.sort(key=lambda tile: (_margin(tile, reason), tile.uid))
    return [(reason, found[reason]) for reason in Reason if reason in found]


def _margin(tile: Tile, reason: Reason) -> float:
    return min((score.margin for score in tile.scores if score.name == reason.value), default=1.0)


def _violations(audit: Audit | None) -> list[str]:
    """What the audit objects to, in words."""
    return [f"{plain(one.title)} ({one.uid}): {one.what}" for one in audit.violations] if audit else []
