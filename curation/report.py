"""The HTML report: one page with every image, its licence, and the reason where it was left out."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from collectors import licences
from collectors.manifest import Manifest
from collectors.progress import Progress, Silent
from collectors.workspace import Workspace, written_whole
from curation.audited import Audit
from curation.judged import Judged
from curation.markup import plain, web_address
from curation.outcome import Outcome, outcomes, reasons, seen
from curation.page import inline, templates
from curation.settings import CurateSettings, PolicySettings
from curation.thumbnails import SIDE, Thumbnail, capped, thumbnail, thumbnails
from curation.tiles import CLASS_WORDS, MARKS, Tile, families, tiles

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
    originals.

    Raises:
        NotJudged: the verdicts belong to another manifest.
        DiskFull: the old report is untouched.
    """
    everything = outcomes(manifest, judged, policy)
    without = capped(everything)
    pictures = thumbnails(
        [outcome for outcome in everything if outcome.record.uid not in without],
        workspace,
        settings,
        progress=progress or Silent(),
        workers=workers or os.cpu_count() or 1,
        make=make,
    )
    shown = tuple(tiles(everything, pictures, without))
    values = {
        **_numbers(manifest, everything),
        **_walls(shown, everything),
        "title": plain(title or manifest.header.name),
        "header": manifest.header,
        "policy": policy,
        "violations": _violations(audit),
        "capped": len(without),
        "side": SIDE,
        "many": MANY,
        **inline("report.css", "report.js"),
    }
    target = path or workspace.report
    with written_whole(target) as file:
        page = templates().get_template("report.html.jinja").stream(values)
        page.enable_buffering(200)
        for chunk in page:
            file.write(chunk.encode())
    return target


def _numbers(manifest: Manifest, everything: Sequence[Outcome]) -> dict[str, Any]:
    """The head of the page and its two tables."""
    kept = [outcome for outcome in everything if outcome.keep]
    examined = sum(outcome.judged is not None for outcome in everything)
    total = seen(manifest)
    used = Counter(outcome.record.rights.chosen for outcome in kept).most_common()
    why = reasons(manifest, everything)
    return {
        "seen": total,
        "kept": len(kept),
        "funnel": _funnel(
            [
                ("kept", len(kept), "kept"),
                ("out", examined - len(kept), "fetched and left out"),
                ("never", total - examined, "not fetched"),
            ]
        ),
        "licences": [
            {
                "licence": licences.get(id),
                "url": web_address(licences.get(id).url),
                "count": count,
                "share": _share(count, used[0][1]),
            }
            for id, count in sorted(used, key=lambda one: (-one[1], one[0]))
        ],
        "reasons": [
            {"reason": reason, "count": count, "share": _share(count, max(why.values()))}
            for reason, count in sorted(why.items(), key=lambda one: -one[1])
        ],
    }


def _walls(shown: Sequence[Tile], everything: Sequence[Outcome]) -> dict[str, Any]:
    """The tiles in their three sections, and what the filters offer."""
    groups = families(shown, everything)
    placed = {tile.uid for family in groups for tile in family}
    refused = [tile for tile in shown if tile.state == "refused"][:MOST_REFUSED]
    others = [tile for tile in shown if tile.state == "dropped" and tile.uid not in placed]
    listed = [*(tile for family in groups for tile in family), *others, *refused]
    classes = Counter(tile.cls for tile in listed)
    marked = {mark.name for tile in listed for mark in tile.marks}
    given = {tile.reason for tile in listed}
    kinds = sorted({tile.kind for tile in listed if tile.kind})
    return {
        "families": groups,
        "others": others,
        "refused": refused,
        "total": len(listed),
        "classes": [
            {"cls": cls, "words": words, "count": classes[cls]}
            for cls, words in CLASS_WORDS.items()
            if classes[cls]
        ],
        "kinds": kinds if len(kinds) > 1 else [],
        "listed_reasons": sorted(reason for reason in given if reason),
        "marks": [(name, label) for name, label in MARKS.items() if name in marked],
    }


def _funnel(parts: Sequence[tuple[str, int, str]]) -> list[dict[str, Any]]:
    whole = sum(count for _, count, _ in parts) or 1
    start, drawn = 0.0, []
    for name, count, words in parts:
        share = round(100 * count / whole, 3)
        drawn.append({"name": name, "count": count, "words": words, "start": round(start, 3), "share": share})
        start += share
    return drawn


def _share(count: int, largest: int) -> float:
    return round(100 * count / largest, 2) if largest else 0.0


def _violations(audit: Audit | None) -> list[str]:
    """What the audit objects to, in words."""
    return [f"{plain(one.title)} ({one.uid}): {one.what}" for one in audit.violations] if audit else []
