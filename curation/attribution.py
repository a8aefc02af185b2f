"""Whom to credit, as files: title, author, source, licence (TASL) of every image, in Markdown, CSV and SPDX.

https://wiki.creativecommons.org/wiki/Recommended_practices_for_attribution
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collectors import licences
from collectors.licences import Licence
from collectors.manifest import Manifest
from collectors.record import Record
from curation.markup import cell, markdown, markdown_link, plain, web_address
from curation.policy import relied_on


@dataclass(frozen=True)
class Credit:
    """Title, author, source and licence of one image."""

    uid: str
    title: str
    author: str | None
    author_url: str | None
    source: str
    page: str | None
    licences: tuple[Licence, ...]
    """More than one where channels disagree, or where several hold at once; the strictest first."""
    line: str
    """The same, ready to print."""


def credits(records: Iterable[Record]) -> Iterator[Credit]:
    """The credit of every image that has a file, in the order of the records."""
    for record in records:
        if record.file is not None:
            yield Credit(
                uid=record.uid,
                title=plain(record.title.removeprefix("File:")) or record.uid,
                author=plain(record.creator.name or "") or None,
                author_url=web_address(record.creator.url),
                source=record.source,
                page=web_address(record.page),
                licences=tuple(map(licences.get, licences.parts(relied_on(record.rights).id))),
                line=plain(record.credit_line),
            )


def to_markdown(manifest: Manifest) -> str:
    """A list a person can print or link to, grouped by licence."""
    groups: dict[str, list[Credit]] = {}
    for credit in credits(manifest.records):
        groups.setdefault(credit.licences[0].id, []).append(credit)
    lines = [f"# Attribution for {markdown(manifest.header.name)}", ""]
    lines += [
        "Title, author, source and licence of every image; the dataset holds squares cut from them.",
        "",
    ]
    for id, group in sorted(groups.items(), key=lambda one: (-len(one[1]), one[0])):
        licence = licences.get(id)
        lines += [f"## {markdown_link(licence.name, licence.url)} ({len(group):,})", ""]
        lines += [f"- {_markdown(credit)}" for credit in group]
        lines.append("")
    return "\n".join(lines)


def _markdown(credit: Credit) -> str:
    by = f" by {markdown_link(credit.author, credit.author_url)}" if credit.author else ", author not stated"
    terms = " and ".join(markdown_link(one.name, one.url) for one in credit.licences)
    uid = f"`{credit.uid.replace('`', '')}`"
    return f"{markdown_link(credit.title, credit.page)}{by}, via {markdown(credit.source)}, {terms} ({uid})"


COLUMNS = ("uid", "title", "author", "author_url", "source", "page", "licence", "licence_url", "credit_line")


def to_csv(manifest: Manifest) -> str:
    """One row an image; no cell can be taken for a formula."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for credit in credits(manifest.records):
        ids = " AND ".join(one.id for one in credit.licences)
        addresses = " ".join(one.url for one in credit.licences if one.url)
        facts = (credit.uid, credit.title, credit.author, credit.author_url, credit.source, credit.page)
        table.writerow([cell(value) for value in (*facts, ids, addresses, credit.line)])
    return text.getvalue()
