"""Known images of NASA's library, looked at again: what it says of them today, and where their files are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from collectors.nasa.files import address
from collectors.nasa.items import BrokenItem, NoFile, described, nasa_id, uid
from collectors.nasa.library import Library, NotThere, Unreadable
from collectors.nasa.search import looked_up
from collectors.nasa.settings import NasaSettings
from collectors.record import Record
from collectors.source import Ask, Resolved, Sighting


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
            now = looked_up(ask, library, item, name, record.found_by.query, whole=True)
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
