"""The audit as one HTML page: verdicts, what stands in the way, each image's evidence one click away."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from collectors import licences
from collectors.record import Record
from curation.auditing.audited import Audit, Concern, ImageRow, Take
from curation.markup import web_address
from curation.reporting.page import inline, templates
from curation.reporting.tiles import CLASS_WORDS, STATE_WORDS

MOST = 5_000
"""Images on the page; with more a browser takes seconds, and `audit.csv` holds all."""


@dataclass(frozen=True)
class Shown:
    """One image on the page. Strings are plain text from the web and not escaped yet."""

    row: ImageRow
    record: Record
    title: str
    page: str | None
    creator_url: str | None
    licence_name: str
    licence_url: str | None
    class_words: str
    violation: bool

    @property
    def stands(self) -> str:
        """What became of it, in a word or three."""
        if self.row.sha256 is None:
            return "not fetched"
        if self.row.reference:
            return STATE_WORDS["reference"]
        reason = self.row.policy.reason
        return "violation" if self.violation else reason.value if reason else "allowed"

    @property
    def evidence(self) -> Iterator[tuple[str, str, str | None]]:
        """Each piece of evidence: where it was said, the value, and the page where a person can read it."""
        for one in self.record.evidence:
            where = " · ".join(part for part in (one.channel, one.field, one.at) if part)
            yield where, one.value, web_address(one.url)


@contextmanager
def html_into(file: IO[bytes], audit: Audit) -> Iterator[Take]:
    """The page: one file without script that asks nothing of any network.

    Violations first, then what was fetched, then what was not, each by uid; `MOST` images at most.
    """
    violated = {one.uid for one in audit.violations}
    kinds: tuple[list[Shown], ...] = ([], [], [])

    def take(record: Record, row: ImageRow) -> None:
        bad = row.uid in violated
        kind = kinds[0 if bad else 1 if row.sha256 else 2]
        if len(kind) < MOST:
            kind.append(_shown(row, record, bad))

    yield take
    shown = [one for kind in kinds for one in kind][:MOST]
    counts = Counter(one.concern for one in audit.violations)
    counts.update({Concern(name): len(uids) for name, uids in audit.noted.items()})
    concerns = [(concern, counts[concern]) for concern in Concern if counts[concern]]
    values = {"audit": audit, "images": shown, "concerns": concerns, "class_words": CLASS_WORDS}
    page = templates().get_template("audit.html.jinja").stream(values | inline("audit.css"))
    page.enable_buffering(200)
    for part in page:
        file.write(part.encode())


def _shown(row: ImageRow, record: Record, violation: bool) -> Shown:
    licence = licences.get(row.licence)
    return Shown(
        row=row,
        record=record,
        title=row.title.removeprefix("File:") or row.uid,
        page=web_address(row.page),
        creator_url=web_address(record.creator.url),
        licence_name=licence.name,
        licence_url=web_address(licence.url),
        class_words=CLASS_WORDS[row.cls],
        violation=violation,
    )
