"""The audit as files: for programs, for a table, for people; with the list of whom to credit."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from collectors.manifest import Listing
from collectors.record import Reason, Record, Verdict
from collectors.storage.files import written_whole
from curation.auditing import attribution, audit_page, spdx
from curation.auditing.attribution import text_of
from curation.auditing.audit_rows import rows
from curation.auditing.audited import Audit, Concern, Finding, ImageRow, Take
from curation.markup import cell, markdown, markdown_link

Into = Callable[[IO[bytes]], AbstractContextManager[Take]]
"""Opens a file for one image after the other; what comes last is written when it is left."""

_SHOWN = 50
"""Findings of one kind that `audit.md` lists; `audit.csv` holds them all."""


def write(audit: Audit, manifest: Listing, folder: Path) -> None:
    """Write the audit and the attribution list of its manifest, each file whole or not at all.

    `audit.json`, `audit.csv`, `audit.md`, `audit.html` (the evidence of each image one click away), and
    `attribution.md`, `attribution.csv`, `attribution.spdx.json`. The manifest is gone through once, and all
    files grow at the same time. Raises `DiskFull`, and as `manifest.read` where it is a stream.
    """
    with ExitStack() as stack:

        def whole(name: str) -> IO[bytes]:
            return stack.enter_context(written_whole(folder / name))

        opened = (
            _json_into(whole("audit.json"), audit),
            _csv_into(whole("audit.csv")),
            audit_page.html_into(whole("audit.html"), audit),
            attribution.markdown_into(whole("attribution.md"), manifest.header),
            attribution.csv_into(whole("attribution.csv")),
            spdx.spdx_into(whole("attribution.spdx.json"), manifest.header),
        )
        takers = [stack.enter_context(one) for one in opened]
        for record, row in rows(manifest, audit):
            for take in takers:
                take(record, row)
        whole("audit.md").write(to_markdown(audit).encode())


def to_json(audit: Audit, manifest: Listing) -> str:
    """Everything, as JSON."""
    return _text(partial(_json_into, audit=audit), rows(manifest, audit))


def to_csv(audit: Audit, manifest: Listing) -> str:
    """One row an image; no cell can be taken for a formula."""
    return _text(_csv_into, rows(manifest, audit))


def _text(into: Into, images: Iterable[tuple[Record, ImageRow]]) -> str:
    """What a file would hold."""
    file = io.BytesIO()
    with into(file) as take:
        for record, row in images:
            take(record, row)
    return file.getvalue().decode()


@contextmanager
def _json_into(file: IO[bytes], audit: Audit) -> Iterator[Take]:
    """The images come last, a line each, and are never together in memory."""
    whole = json.dumps(audit.model_dump(mode="json"), ensure_ascii=False, indent=2)
    file.write(whole.removesuffix("\n}").encode() + b',\n  "images": [')
    before = [b""]

    def take(record: Record, row: ImageRow) -> None:
        line = json.dumps(row.model_dump(mode="json"), ensure_ascii=False)
        file.write(before[0] + b"\n    " + line.encode())
        before[0] = b","

    yield take
    file.write(b"\n  ]\n}\n" if before[0] else b"]\n}\n")


@contextmanager
def _csv_into(file: IO[bytes]) -> Iterator[Take]:
    with text_of(file) as text:
        table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
        table.writeheader()

        def take(record: Record, row: ImageRow) -> None:
            table.writerow({name: cell(value) for name, value in _cells(row).items()})

        yield take


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
            cells[field] = value and _word(image, value)
            cells[f"{field}_detail"] = value and value.detail
        else:
            cells[field] = ", ".join(value) if isinstance(value, tuple) else value
    return cells


def _word(image: ImageRow, verdict: Verdict) -> str:
    return verdict.reason or ("reference" if image.reference else "keep")


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
            all_ = len(audit.noted[concern.value])
            lines += [f"## {concern.words[0].upper()}{concern.words[1:]} ({all_:,})", "", *_list(notes, all_)]
    return "\n".join(lines).rstrip() + "\n"


def _violations(violations: Sequence[Finding]) -> list[str]:
    if not violations:
        return ["**No violations.**", ""]
    lines = [f"## {len(violations):,} violations", ""]
    for concern in Concern:
        found = [one for one in violations if one.concern is concern]
        if found:
            lines += [
                f"{concern.words[0].upper()}{concern.words[1:]} ({len(found):,}):",
                "",
                *_list(found, len(found)),
            ]
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


def _list(findings: Sequence[Finding], total: int) -> list[str]:
    lines = [
        f"- {markdown_link(f'{one.title} ({one.uid})', one.page)}: {markdown(one.what)}"
        for one in findings[:_SHOWN]
    ]
    if total > _SHOWN:
        lines.append(f"- and {total - _SHOWN:,} more, in `audit.csv`")
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
