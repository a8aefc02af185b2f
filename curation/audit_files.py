"""The audit as files: for programs, for a table, for people; with the list of whom to credit."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from collectors.files import write_whole
from collectors.manifest import Manifest
from collectors.record import Reason
from curation import attribution, audit_page, spdx
from curation.audited import Audit, Concern, Finding, ImageRow
from curation.markup import cell, markdown, markdown_link

_SHOWN = 50
"""Findings of one kind that `audit.md` lists; `audit.csv` holds them all."""


def write(audit: Audit, manifest: Manifest, folder: Path) -> None:
    """Write the audit and the attribution list of its manifest, each file whole or not at all.

    `audit.json`, `audit.csv`, `audit.md`, `audit.html` (the evidence of each image one click away), and
    `attribution.md`, `attribution.csv`, `attribution.spdx.json`. Raises `DiskFull`.
    """
    texts = {
        "audit.json": to_json(audit),
        "audit.csv": to_csv(audit),
        "audit.md": to_markdown(audit),
        "audit.html": audit_page.to_html(audit, manifest),
        "attribution.md": attribution.to_markdown(manifest),
        "attribution.csv": attribution.to_csv(manifest),
        "attribution.spdx.json": spdx.to_spdx(manifest),
    }
    for name, text in texts.items():
        write_whole(folder / name, text)


def to_json(audit: Audit) -> str:
    """Everything, as JSON."""
    return json.dumps(audit.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def to_csv(audit: Audit) -> str:
    """One row an image; no cell can be taken for a formula."""
    text = io.StringIO()
    table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows({name: cell(value) for name, value in _cells(image).items()} for image in audit.images)
    return text.getvalue()


_VERDICTS = ("refused", "policy")
_COLUMNS = tuple(
    column
    for field in ImageRow.model_fields
    for column in ((field, f"{field}_detail") if field in _VERDICTS else (field,))
)


def _cells(image: ImageRow) -> dict[str, object]:
    cells: dict[str, object] = {}
    for field in ImageRow.model_fields:
        value = getattr(image, field)
        if field in _VERDICTS:
            cells[field] = value and (value.reason or "keep")
            cells[f"{field}_detail"] = value and value.detail
        else:
            cells[field] = ", ".join(value) if isinstance(value, tuple) else value
    return cells


def to_markdown(audit: Audit) -> str:
    """The audit as a page: violations first, then counts, then what a person should know."""
    lines = [
        f"# Licence audit of {markdown(audit.name)}",
        "",
        f"{audit.total:,} images, {audit.files:,} with a file. Manifest `{audit.root_sha256}`.",
        f"Purpose: {audit.policy.purpose}. Allowed: {_names(audit.policy.allow)}. "
        f"Refused: {_names(audit.policy.refuse)}. Without a readable licence: {audit.policy.unknown}.",
        "",
        *_violations(audit.violations),
        *_purposes(audit),
        "## Licences",
        "",
        *_table(
            ("licence", "id", "class", "images", "files", "allowed", "policy"),
            (
                (row.name, row.licence, row.cls, row.images, row.files, row.allowed, row.policy)
                for row in audit.rows
            ),
        ),
        "## Classes",
        "",
        *_table(
            ("class", "images", "files", "allowed"),
            ((row.cls, row.images, row.files, row.allowed) for row in audit.classes),
        ),
    ]
    if audit.refused:
        reasons = ((_reason_words(reason), count) for reason, count in audit.refused.items())
        lines += ["## Not fetched", "", *_table(("reason", "images"), reasons)]
    for concern in Concern:
        notes = [note for note in audit.notes if note.concern is concern]
        if notes:
            lines += [f"## {concern.words[0].upper()}{concern.words[1:]} ({len(notes):,})", "", *_list(notes)]
    return "\n".join(lines).rstrip() + "\n"


def _violations(violations: Sequence[Finding]) -> list[str]:
    if not violations:
        return ["**No violations.**", ""]
    lines = [f"## {len(violations):,} violations", ""]
    for concern in Concern:
        found = [one for one in violations if one.concern is concern]
        if found:
            lines += [f"{concern.words[0].upper()}{concern.words[1:]} ({len(found):,}):", "", *_list(found)]
    return lines


def _purposes(audit: Audit) -> list[str]:
    """What the whole may be used for, and where its licences do not go together."""
    lines = ["## What it may be used for", ""]
    for one in audit.purposes:
        lines += [f"- **{one.purpose}: {'yes' if one.may else 'no'}.** {markdown(one.words)}"]
        lines += [f"    - {markdown(words)}" for words in (*one.terms, *one.against)]
    if audit.collisions:
        lines += ["", "## Licences side by side", ""]
        lines += [f"- {markdown(words)}" for words in audit.collisions]
    return [*lines, ""]


def _list(findings: Sequence[Finding]) -> list[str]:
    lines = [
        f"- {markdown_link(f'{one.title} ({one.uid})', one.page)}: {markdown(one.what)}"
        for one in findings[:_SHOWN]
    ]
    if len(findings) > _SHOWN:
        lines.append(f"- and {len(findings) - _SHOWN:,} more, in `audit.csv`")
    return [*lines, ""]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(markdown(str(cell)) for cell in row)} |" for row in rows),
        "",
    ]


def _names(names: Sequence[str]) -> str:
    return ", ".join(markdown(name) for name in names) or "none"


def _reason_words(reason: str) -> str:
    return f"{reason}: {Reason(reason).words}" if reason in list(Reason) else reason
