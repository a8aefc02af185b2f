"""Searching Flickr, window of upload times by window, around the cap on its answers.

A source in two halves: this one asks (through `api`), `photos` reads what came.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors.flickr.api import Flickr, FlickrRefused, Page
from collectors.flickr.photo_rights import licence_number
from collectors.flickr.photos import SIZES, NoPhoto, parse_photo, wrap
from collectors.flickr.settings import CONTENTS, FlickrSettings, Query, Window, iso, queries, window
from collectors.licences import UNKNOWN
from collectors.matching import matching
from collectors.record import Reason, Record, Skipped
from collectors.source import Ask, Finished, Found


@dataclass(frozen=True)
class Limits:
    """How much Flickr gives."""

    per_page: int = 500
    cap: int = 4000
    """Results for one question; beyond, earlier ones are repeated."""
    enough: int = 3500
    """Results for which a window is read; more, and it is cut in two. Flickr's count is not exact."""


EXTRAS = (
    "description,license,date_upload,date_taken,owner_name,original_format,last_update,tags,o_dims,media,"
    "path_alias," + ",".join(f"url_{short}" for short in SIZES)
)

DECLARED = frozenset({"9", "10"})
"""CC0 and the public domain mark: words about a work, which anybody can put on anything."""

UNTIL = "until"
"""The unit that remembers when the first run of a search began."""


def search(ask: Ask, limits: Limits = Limits()) -> Iterator[Found]:
    """Yield every photo once, query by query in the order of upload, and every window once it is finished.

    Windows are halved until Flickr holds at most 3,500 photos in each. Their ends depend on `since`, `until`
    and the moment the first run began, which is remembered, so that a resumed search cuts at the same places.
    A photo that several queries find is told by the first.

    Raises:
        KeyMissing, KeyRefused: the key is not set, or not accepted.
        NotFlickr, FlickrRefused: the address or the question is wrong.
        NoContact, HostBusy: from the session (`polite`).
    """
    walk = _Walk(ask, Flickr(ask.settings.api, ask.session), limits)
    began = _began(ask)
    if UNTIL not in ask.finished:
        yield Finished(unit=UNTIL, leads_to=(iso(began),))
    span = window(ask.settings, began)
    for query in queries(ask.settings):
        todo = [span] if span else []
        while todo:
            now = todo.pop()
            unit = f"{query.label} {now}"
            halves = ask.finished.get(unit)
            if halves is None:
                page = walk.page(query, now, 1)
                if page.total > limits.enough and now.first < now.last:
                    halves = tuple(f"{query.label} {half}" for half in now.halves())
                else:
                    yield from walk.photos(query, now, page)
                    halves = ()
                yield Finished(unit=unit, leads_to=halves)
            if halves:
                todo.extend(reversed(now.halves()))


def licence_table(ask: Ask, flickr: Flickr) -> dict[str, dict[str, str]]:
    """Flickr's licence table of today; empty, with a note, where it cannot be had: ours of 2025 holds."""
    try:
        table = flickr.licences()
        problem = "" if table else "the answer holds no list of licences"
    except FlickrRefused as refused:
        table, problem = {}, refused.message
    if problem:
        ask.progress.note(f"Flickr's table of licences is not to be had ({problem}); ours of 2025-06 is used")
    return table


@dataclass
class _Walk:
    """What a search carries along."""

    ask: Ask
    flickr: Flickr
    limits: Limits
    told: set[str] = field(default_factory=set)
    """Keys of photos that were told already."""
    noted: set[str] = field(default_factory=set)
    """Licence numbers the user was warned of."""
    table: dict[str, dict[str, str]] | None = None
    """Asked for when the first photo needs it."""

    def page(self, query: Query, now: Window, number: int) -> Page:
        settings: FlickrSettings = self.ask.settings
        return self.flickr.page(
            number,
            **query.params,
            license=",".join(map(str, sorted(set(settings.licences)))),
            content_types=",".join(str(CONTENTS[one]) for one in dict.fromkeys(settings.content)),
            media="photos",
            safe_search=1,
            sort="date-posted-asc",
            min_upload_date=now.first,
            max_upload_date=now.last,
            per_page=self.limits.per_page,
            extras=EXTRAS,
        )

    def photos(self, query: Query, now: Window, page: Page) -> Iterator[Found]:
        """Every photo of a window that was not told before, beginning with its first page."""
        if page.total > self.limits.cap:
            self.ask.progress.note(
                f"Flickr holds {page.total} photos uploaded in the same second ({query.label} {now}) "
                f"and shows only {self.limits.cap}"
            )
        number = 1
        while page.photos:
            for photo in page.photos:
                if (found := self._found(query, photo)) is not None:
                    yield found
            if number >= min(page.pages, self.limits.cap // self.limits.per_page):
                return
            number += 1
            page = self.page(query, now, number)

    def _found(self, query: Query, photo: Any) -> Found | None:
        """A photo's record, its answer kept; why it is left out; or nothing where it was told before."""
        settings: FlickrSettings = self.ask.settings
        if self.table is None:
            self.table = licence_table(self.ask, self.flickr)
        number = licence_number({"photo": photo})
        answer = wrap(photo, api=settings.api, query=query.label, licence=self.table.get(number))
        at = self.ask.now()
        try:
            record = parse_photo(answer, self.ask.subject, at)
        except NoPhoto as no:
            return Skipped(key=no.key, reason=no.reason, detail=no.detail) if self._new(no.key) else None
        if not self._new(record.uid):
            return None
        if refusal := _refusal(settings, record):
            return Skipped(key=record.uid, reason=Reason.EXCLUDED_NAME, detail=refusal)
        if settings.history == "all" or (settings.history == "auto" and number in DECLARED):
            answer["history"] = self.flickr.history(record.uid.partition(":")[2])
            record = parse_photo(answer, self.ask.subject, at)
        self._warn(record, number)
        self.ask.answers.add_answer(answer)
        return record.model_copy(update={"kind": settings.kind})

    def _new(self, key: str) -> bool:
        known = key in self.told
        self.told.add(key)
        return not known

    def _warn(self, record: Record, number: str) -> None:
        if record.rights.expression == UNKNOWN and number not in self.noted:
            self.noted.add(number)
            what = f"licence number {number}" if number else "no licence number"
            self.ask.progress.note(
                f"Flickr gives {what} for {record.uid}, which we cannot read; such photos are not taken"
            )


def _refusal(settings: FlickrSettings, record: Record) -> str | None:
    names = [record.title, *record.categories]
    if pattern := matching(settings.exclude, names):
        return f"matches exclude {pattern!r}"
    if settings.include and not matching(settings.include, names):
        return "matches nothing in include"
    return None


def _began(ask: Ask) -> int:
    """When the first run of this search began, Unix seconds."""
    told = ask.finished.get(UNTIL)
    return int((datetime.fromisoformat(told[0]) if told else ask.now()).timestamp())
