"""The drift report as files: `drift.json` for programs, `drift.md` for people."""

import json
from pathlib import Path

from collectors.locked.changes import Kind
from collectors.locked.verify import Drift
from collectors.storage.files import write_whole
from curation.markup import markdown, markdown_link

_SHOWN = 50
"""Images of one kind that `drift.md` lists; `drift.json` holds them all."""


def write(drift: Drift, folder: Path) -> None:
    """Write `drift.json` and `drift.md`, each whole or not at all. Raises `DiskFull`."""
    write_whole(folder / "drift.json", to_json(drift))
    write_whole(folder / "drift.md", to_markdown(drift))


def to_json(drift: Drift) -> str:
    """Everything, as JSON, with the counts by kind of change."""
    counts = {kind.value: count for kind, count in drift.counts.items()}
    value = {**drift.model_dump(mode="json"), "counts": counts, "matters": len(drift.matters)}
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def to_markdown(drift: Drift) -> str:
    """The report as a page: what matters first, then what is only for the record."""
    lines = [
        f"# What changed at the sources of {markdown(drift.name)}",
        "",
        f"{drift.looked_at:,} images looked at, {drift.at}. Manifest `{drift.root_sha256}`.",
        "",
        _verdict(drift),
        "",
    ]
    if drift.counts:
        lines += ["| change | images | what | |", "|---|---:|---|---|"]
        lines += [
            f"| {kind.value} | {count:,} | {kind.words} | {'**matters**' if kind.matters else ''} |"
            for kind, count in drift.counts.items()
        ]
        lines.append("")
    for kind in drift.counts:
        lines += [f"## {kind.words[0].upper()}{kind.words[1:]}", "", *_list(drift, kind), ""]
    if drift.unasked:
        some = ", ".join(markdown(uid) for uid in drift.unasked[:_SHOWN])
        more = f" and {len(drift.unasked) - _SHOWN:,} more" if len(drift.unasked) > _SHOWN else ""
        lines += ["## Nobody to ask", "", f"{some}{more}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _verdict(drift: Drift) -> str:
    if drift.matters:
        count = len(drift.matters)
        return f"**{count:,} images need a decision.**" if count > 1 else "**1 image needs a decision.**"
    return "**Nothing changed.**" if not drift.images else "**Nothing that matters changed.**"


def _list(drift: Drift, kind: Kind) -> list[str]:
    found = [(image, change) for image in drift.images for change in image.changes if change.kind is kind]
    lines = [
        f"- {markdown_link(f'{image.title} ({image.uid})', image.page)}: "
        f"{markdown(change.before)} → {markdown(change.after)}"
        for image, change in found[:_SHOWN]
    ]
    if len(found) > _SHOWN:
        lines.append(f"- and {len(found) - _SHOWN:,} more, in `drift.json`")
    return lines
