"""NASA's image library: every image that the recipe's words find, in slices below the API's cap.

    [collect.nasa]
    query   = ["planet", "jupiter"]
    years   = [1979, 2024]
    exclude = ["*launch*", "*briefing*"]

The API shows 10,000 results of a question. A question with more is cut into years, a year with more into
centres.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from collectors.frozen import SourceSettings
from collectors.matching import matching
from collectors.nasa.files import address
from collectors.nasa.items import BrokenItem, NoFile, described, nasa_id, parse, parse_item, uid, wrap
from collectors.nasa.library import (
    CAP,
    LAST_PAGE,
    PAGE_SIZE,
    PUBLIC,
    CapReached,
    Library,
    NotThere,
    Page,
    Unreadable,
)
from collectors.nasa.slices import Slice
from collectors.record import Reason, Record, Skipped
from collectors.rights import LicenceClass
from collectors.source import Ask, Finished, Found, Resolved, Sighting, Source
from collectors.web.pace import wished_paces
from collectors.web.polite import Pace

_API = re.compile(r"https?://[^/?#\s@]+(?:/[^?#\s]*)?")


class NasaSettings(SourceSettings):
    """`[collect.nasa]`: which words to look for, where and when, and which images to leave out."""

    api: str = PUBLIC
    """Address of the API."""
    query: tuple[str, ...] = Field(min_length=1)
    """Words to search for, each entry a search of its own; an image found by several counts for the first."""
    centers: tuple[str, ...] = ()
    """Only images of these NASA centres, by the API's names (`JPL`, `GSFC`, …); default: all."""
    years: tuple[int, int] | None = None
    """Only images of these years, the first and the last; default: all."""
    include: tuple[str, ...] = ()
    """Take only images whose title or keywords match one of these globs (case does not matter)."""
    exclude: tuple[str, ...] = ()
    """Leave out images whose title or keywords match one of these globs."""
    metadata: Literal["auto", "off"] = "auto"
    """Read the copyright marks inside the file too; `auto`: of images whose words leave them free."""
    pace: float | None = Field(default=None, gt=0)
    """Requests a second to a server that is not in the table of public hosts."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests at a time to such a server."""

    @field_validator("api")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not _API.fullmatch(value):
            raise ValueError(f"is not the address of an API ({PUBLIC})")
        return value.rstrip("/")

    @field_validator("query", "centers")
    @classmethod
    def _are_words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not word.strip() for word in value):
            raise ValueError("holds an empty entry")
        return tuple(dict.fromkeys(word.strip() for word in value))

    @field_validator("years")
    @classmethod
    def _are_in_order(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value and not 1000 <= value[0] <= value[1] <= 9999:
            raise ValueError("is not a first and a last year")
        return value


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
            return _record(self._ask, self._library, item, name, query)
        except Unreadable:
            raise
        except NotThere as missing:
            return Skipped(key=key, reason=Reason.GONE, detail=missing.detail)
        except NoFile as missing:
            return Skipped(key=key, reason=Reason.NOT_AN_IMAGE, detail=missing.detail)


def _record(
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


def look_again(ask: Ask, records: Sequence[Record]) -> Iterator[Sighting]:
    """What the library says of known images today: item, files, metadata; two or three questions each.

    An image of which not all can be read is passed over with a note: that is no word about it. Raises as
    `search`.
    """
    settings: NasaSettings = ask.settings
    library = Library(settings.api, ask.session)
    for record in records:
        name = nasa_id(record)
        try:
            item = _same(library.page({"nasa_id": name}, 1).items, record.uid)
            now = _record(ask, library, item, name, record.found_by.query, whole=True)
        except Unreadable as odd:
            ask.progress.note(f"NASA, {record.uid} could not be looked at: {odd.detail}")
        except (NotThere, NoFile) as missing:
            yield Sighting(uid=record.uid, now=None, detail=missing.detail)
        else:
            yield Sighting(uid=record.uid, now=now)


def _same(items: Iterable[Any], wanted: str) -> Mapping[str, Any]:
    """The item with this uid. Raises `NotThere`, or `Unreadable` where it is not as documented."""
    for item in items:
        try:
            if uid(described(item).nasa_id) == wanted:
                found: Mapping[str, Any] = item
                return found
        except BrokenItem as broken:
            if broken.uid in (wanted, None):
                raise Unreadable(f"not as documented: {broken.detail}") from broken
    raise NotThere("no longer in the library")


def resolve(ask: Ask, records: Sequence[Record]) -> Iterator[Resolved]:
    """Where the files of known images are to be had now, by the library's list of each image's files.

    Where that cannot be read, the address of the manifest is as good as any. Raises as `search`.
    """
    settings: NasaSettings = ask.settings
    library = Library(settings.api, ask.session)
    for record in records:
        try:
            assets = library.files(nasa_id(record))
        except Unreadable as odd:
            yield Resolved(uid=record.uid, original=record.original, detail=odd.detail)
        except NotThere as missing:
            yield Resolved(uid=record.uid, original=None, detail=f"deleted: {missing.detail}")
        else:
            yield _resolved(record, assets, settings.api)


def _resolved(record: Record, assets: Sequence[str], api: str) -> Resolved:
    """The listed file with the locked one's name; no other file has its bytes."""
    wanted = _file_name(record.original.url)
    found = next((url for href in assets if (url := address(href, api)) and _file_name(url) == wanted), None)
    if found is None:
        return Resolved(
            uid=record.uid, original=None, detail=f"{wanted} is not among its {len(assets)} files"
        )
    detail = "" if found == record.original.url else f"now at {found}"
    return Resolved(uid=record.uid, original=record.original.model_copy(update={"url": found}), detail=detail)


def _file_name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _paces(settings: NasaSettings) -> Mapping[str, Pace]:
    return wished_paces((settings.api,), settings.pace, settings.in_flight)


SOURCE = Source(
    name="nasa",
    title="NASA Image and Video Library",
    settings=NasaSettings,
    search=search,
    parse=parse,
    terms="https://www.nasa.gov/nasa-brand-center/images-and-media/",
    paces=_paces,
    look_again=look_again,
    resolve=resolve,
)
