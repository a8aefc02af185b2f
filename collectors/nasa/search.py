"""NASA's image library: every image that the recipe's words find, in slices below the API's cap.

    [collect.nasa]
    query   = ["planet", "jupiter"]
    years   = [1979, 2024]
    exclude = ["*launch*", "*briefing*"]

The API shows 10,000 results of a question. A question with more is cut into years, a year with more into
centres.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from collectors.matching import matching
from collectors.nasa.items import BrokenItem, NoFile, described, parse_item, uid, wrap
from collectors.nasa.library import (
    CAP,
    LAST_PAGE,
    PAGE_SIZE,
    CapReached,
    Library,
    NotThere,
    Page,
    Unreadable,
)
from collectors.nasa.settings import NasaSettings
from collectors.nasa.slices import Slice
from collectors.record import Reason, Record, Skipped
from collectors.rights import LicenceClass
from collectors.source import Ask, Finished, Found


def search(ask: Ask) -> Iterator[Found]:
    """Yield every image that the recipe's words find once, and after each page and slice that it is finished.

    A resumed search passes finished slices, and in a slice finished pages, as long as its number of hits is
    the same; an image may then be told again, and the first word about it counts.

    Raises:
        NotNasa, NasaRefused: the address or the question is wrong.
        NoContact, HostBusy: from the session (`polite`).
    """
    settings: NasaSettings = ask.settings
    walk = _Walk(ask)
    first, last = settings.years or (None, None)
    for query in settings.query:
        for centre in settings.centers or (None,):
            yield from walk.slice(Slice(query, first, last, centre))


class _Walk:
    """A search under way: whom it asks, and which images it has told."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._settings: NasaSettings = ask.settings
        self._library = Library(self._settings.api, ask.session)
        self._told: set[str] = set()

    def slice(self, one: Slice) -> Generator[Found, None, int | None]:
        """Everything in a slice, in smaller ones where the API does not show it whole.

        Returns its number of hits; `None`: not known, because it was finished earlier or nobody says.
        """
        if one.unit in self._ask.finished:
            return None
        first = self._library.page(one.question, 1)
        parts = one.parts(self._ask.now().year)
        try:
            if parts and (first.total or 0) >= CAP:
                raise CapReached
            yield from self._pages(one, first)
        except CapReached:
            if parts:
                yield from self._cut(one, parts, first.total)
            else:
                self._note(f"{one.words}: only the first {CAP} of {first.total or 'more'} are shown")
        yield Finished(unit=one.unit)
        return first.total

    def _cut(self, whole: Slice, parts: Sequence[Slice], total: int | None) -> Iterator[Found]:
        reached = 0
        for part in parts:
            hits = yield from self.slice(part)
            total, reached = (None, 0) if hits is None else (total, reached + hits)
        if total is not None and reached < total:
            lost = "centre that we know" if whole.is_year else "year"
            self._note(f"{whole.words}: {total - reached} of {total} have no {lost} and cannot be listed")

    def _pages(self, one: Slice, first: Page) -> Iterator[Found]:
        """The pages of a slice. Raises `CapReached` behind the last that is shown."""
        told = "unknown" if first.total is None else first.total
        for number in range(1, LAST_PAGE + 1):
            unit = f"{one.unit}&page={number} of {told} hits"
            if unit not in self._ask.finished:
                page = first if number == 1 else self._library.page(one.question, number)
                yield from self._items(one, number, page)
                if not page.items:
                    if (number - 1) * PAGE_SIZE < (first.total or 0):
                        self._note(f"{one.words}: {first.total} are announced, but page {number} is empty")
                    return
                yield Finished(unit=unit)
            if first.total is not None and number * PAGE_SIZE >= first.total:
                return
        raise CapReached

    def _items(self, one: Slice, number: int, page: Page) -> Iterator[Found]:
        held: list[Skipped] = []
        for place, item in enumerate(page.items, start=1):
            try:
                about = described(item)
            except BrokenItem as broken:
                key = broken.uid or f"{one.words}, page {number}, item {place}"
                yield Skipped(key=key, reason=Reason.NO_LICENCE, detail=f"not as documented: {broken.detail}")
                continue
            key = uid(about.nasa_id)
            if key in self._told:
                continue
            self._told.add(key)
            if left_out := self._left_out(key, about.media_type, [about.title, *about.keywords]):
                yield left_out
                continue
            try:
                found = self._look(key, item, about.nasa_id, one.query)
            except Unreadable as odd:
                # Told once the next image proves that it is this one, not the host that is in trouble.
                held.append(Skipped(key=key, reason=Reason.GONE, detail=odd.detail))
                continue
            yield from (*held, found)
            held.clear()
        yield from held

    def _note(self, words: str) -> None:
        self._ask.progress.note(f"NASA, {words}")

    def _left_out(self, key: str, media_type: str, names: Sequence[str]) -> Skipped | None:
        if media_type != "image":
            return Skipped(key=key, reason=Reason.NOT_AN_IMAGE, detail=media_type[:100] or "no media type")
        if pattern := matching(self._settings.exclude, names):
            return Skipped(key=key, reason=Reason.EXCLUDED_NAME, detail=f"matches exclude {pattern!r}")
        if self._settings.include and not matching(self._settings.include, names):
            return Skipped(key=key, reason=Reason.EXCLUDED_NAME, detail="matches nothing in include")
        return None

    def _look(self, key: str, item: Mapping[str, Any], name: str, query: str) -> Record | Skipped:
        try:
            return looked_up(self._ask, self._library, item, name, query)
        except Unreadable:
            raise
        except NotThere as missing:
            return Skipped(key=key, reason=Reason.GONE, detail=missing.detail)
        except NoFile as missing:
            return Skipped(key=key, reason=Reason.NOT_AN_IMAGE, detail=missing.detail)


def looked_up(
    ask: Ask, library: Library, item: Mapping[str, Any], name: str, query: str, *, whole: bool = False
) -> Record:
    """An image's record, its files confirmed and its answer kept.

    Metadata are asked for only where they can still change something: they never make an image freer. Where
    they cannot be read the image is for review, or with `whole` there is no record (`Unreadable`).
    """
    settings: NasaSettings = ask.settings
    now = ask.now()
    answer = wrap(item, api=settings.api, query=query, assets=library.files(name))
    record = parse_item(answer, ask.subject, now, settings.kind)
    if settings.metadata == "auto" and record.rights.cls not in (LicenceClass.UNKNOWN, LicenceClass.CLOSED):
        metadata, unread = None, None
        try:
            metadata = library.metadata(name, answer["assets"])
        except Unreadable as problem:
            if whole:
                raise
            unread = problem.detail
        if metadata is not None or unread is not None:
            answer = wrap(**answer | {"item": item, "metadata": metadata, "unread": unread})
            record = parse_item(answer, ask.subject, now, settings.kind)
    ask.answers.add_answer(answer)
    return record
