"""Whom to credit, as files: title, author, source, licence (TASL) of every image, in Markdown, CSV and SPDX.

https://wiki.creativecommons.org/wiki/Recommended_practices_for_attribution
"""

import csv
import io
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from collectors import licences
from collectors.licences import Licence
from collectors.manifest import Header
from collectors.record import Record
from curation.auditing.audited import ImageRow, Take
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


def credit_of(record: Record) -> Credit:
    """Whom to credit for an image, and how."""
    return Credit(
        uid=record.uid,
        title=plain(record.title.removeprefix("File:")) or record.uid,
        author=plain(record.creator.name or "") or None,
        author_url=web_address(record.creator.url),
        source=record.source,
        page=web_address(record.page),
        licences=tuple(map(licences.get, licences.parts(relied_on(record.rights).id))),
        line=plain(record.credit_line),
    )


@contextmanager
def markdown_into(file: IO[bytes], header: Header) -> Iterator[Take]:
    """A list a person can print or link to, grouped by licence; images without a file need no credit.

    The groups grow side by side in files of their own, and are joined at the end.
    """
    with ExitStack() as stack:
        groups: dict[str, _Group] = {}

        def take(record: Record, row: ImageRow) -> None:
            if record.file is None:
                return
            credit = credit_of(record)
            id = credit.licences[0].id
            if id not in groups:
                groups[id] = _Group(stack.enter_context(SpooledTemporaryFile(max_size=1 << 20)))
            groups[id].lines.write(f"- {_markdown(credit)}\n".encode())
            groups[id].count += 1

        yield take
        file.write(f"# Attribution for {markdown(header.name)}\n\n{_WORDS}\n".encode())
        for id, group in sorted(groups.items(), key=lambda one: (-one[1].count, one[0])):
            licence = licences.get(id)
            file.write(f"\n## {markdown_link(licence.name, licence.url)} ({group.count:,})\n\n".encode())
            group.lines.seek(0)
            shutil.copyfileobj(group.lines, file)


_WORDS = "Title, author, source and licence of every image; the dataset holds squares cut from them."


@dataclass
class _Group:
    """The lines of one licence."""

    lines: IO[bytes]
    count: int = 0


def _markdown(credit: Credit) -> str:
    by = f" by {markdown_link(credit.author, credit.author_url)}" if credit.author else ", author not stated"
    terms = " and ".join(markdown_link(one.name, one.url) for one in credit.licences)
    uid = f"`{credit.uid.replace('`', '')}`"
    return f"{markdown_link(credit.title, credit.page)}{by}, via {markdown(credit.source)}, {terms} ({uid})"


COLUMNS = ("uid", "title", "author", "author_url", "source", "page", "licence", "licence_url", "credit_line")


@contextmanager
def csv_into(file: IO[bytes]) -> Iterator[Take]:
    """One row an image that has a file; no cell can be taken for a formula."""
    with text_of(file) as text:
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)

        def take(record: Record, row: ImageRow) -> None:
            if record.file is None:
                return
            credit = credit_of(record)
            ids = " AND ".join(one.id for one in credit.licences)
            addresses = " ".join(one.url for one in credit.licences if one.url)
            facts = (credit.uid, credit.title, credit.author, credit.author_url, credit.source, credit.page)
            table.writerow([cell(value) for value in (*facts, ids, addresses, credit.line)])

        yield take


@contextmanager
def text_of(file: IO[bytes]) -> Iterator[IO[str]]:
    """The file as UTF-8 text, left open."""
    text = io.TextIOWrapper(cast(io.BufferedWriter, file), encoding="utf-8", newline="")
    yield text
    text.flush()
    text.detach()
