"""The audit as one HTML page: verdicts, what stands in the way, each image's evidence one click away."""

from collections.abc import Iterator
from dataclasses import dataclass

from collectors import licences
from collectors.manifest import Manifest
from collectors.record import Record
from curation.audited import Audit, Concern, ImageRow
from curation.markup import web_address
from curation.page import inline, templates
from curation.tiles import CLASS_WORDS


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
    def evidence(self) -> Iterator[tuple[str, str, str | None]]:
        """Each piece of evidence: where it was said, the value, and the page where a person can read it."""
        for one in self.record.evidence:
            where = " · ".join(part for part in (one.channel, one.field, one.at) if part)
            yield where, one.value, web_address(one.url)


def to_html(audit: Audit, manifest: Manifest) -> str:
    """The page: one file without script that asks nothing of any network; violations first."""
    violated = {one.uid for one in audit.violations}
    by_uid = {record.uid: record for record in manifest.records}
    shown = [_shown(row, by_uid[row.uid], row.uid in violated) for row in audit.images]
    shown.sort(key=lambda one: (not one.violation, one.row.sha256 is None, one.row.uid))
    concerns = [(concern, len(audit.of(concern))) for concern in Concern if audit.of(concern)]
    values = {"audit": audit, "images": shown, "concerns": concerns, "class_words": CLASS_WORDS}
    return templates().get_template("audit.html.jinja").render(values | inline("audit.css"))


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
