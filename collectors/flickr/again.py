"""Known photos of Flickr, asked for again by their id."""

from collections.abc import Iterator, Sequence
from typing import Any

from collectors.flickr.api import GONE, Flickr, FlickrRefused, whole_number
from collectors.flickr.photo_rights import FLICKR, HISTORY, licence_number
from collectors.flickr.photos import NoPhoto, as_sizes, from_info, from_sizes, parse_photo, rendition, wrap
from collectors.flickr.search import licence_table
from collectors.flickr.settings import FlickrSettings
from collectors.record import Record
from collectors.source import Ask, Resolved, Sighting


def look_again(ask: Ask, records: Sequence[Record]) -> Iterator[Sighting]:
    """What Flickr says of each record now, one question a photo; the answers are kept like those of a search.

    Sizes are asked for only where the photo was replaced, and the history of a licence only where it
    changed or is on record already.

    Raises:
        KeyMissing, KeyRefused, NotFlickr, FlickrRefused, NoContact, HostBusy: as in `search`.
    """
    flickr = Flickr(ask.settings.api, ask.session)
    table = licence_table(ask, flickr) if records else {}
    for record in records:
        try:
            answer = _answer(ask, flickr, record)
        except FlickrRefused as refused:
            if refused.code not in GONE:
                raise
            yield Sighting(uid=record.uid, now=None, detail=GONE[refused.code])
            continue
        if row := table.get(licence_number(answer)):
            answer["licence"] = row
        yield _sighting(ask, answer, record)


def resolve(ask: Ask, records: Sequence[Record]) -> Iterator[Resolved]:
    """Where the size of each photo that a record locks lies now, one question a photo.

    Raises:
        KeyMissing, KeyRefused, NotFlickr, FlickrRefused, NoContact, HostBusy: as in `search`.
    """
    flickr = Flickr(ask.settings.api, ask.session)
    for record in records:
        try:
            sizes = from_sizes(flickr.sizes(_number(record)))
        except FlickrRefused as refused:
            if refused.code not in GONE:
                raise
            yield Resolved(uid=record.uid, original=None, detail=GONE[refused.code])
        else:
            yield _located(record, sizes)


def _answer(ask: Ask, flickr: Flickr, record: Record) -> dict[str, Any]:
    """The answer of today in the shape that a search keeps. Raises `FlickrRefused`."""
    settings: FlickrSettings = ask.settings
    info = flickr.info(_number(record))
    visibility = info.get("visibility")
    if isinstance(visibility, dict) and whole_number(visibility.get("ispublic")) == 0:
        raise FlickrRefused("photos.getInfo", 2, "it is not public")
    same_file = record.original.revision is not None and info.get("secret") == record.original.revision
    sizes = as_sizes(record.original) if same_file else from_sizes(flickr.sizes(_number(record)))
    answer = wrap(from_info(info, sizes), api=settings.api, query=record.found_by.query, licence=None)
    before = next((one.value for one in record.evidence if one.channel == FLICKR), "")
    had_history = any(one.channel == HISTORY for one in record.evidence)
    if settings.history != "off" and (had_history or licence_number(answer) != before):
        answer["history"] = flickr.history(_number(record))
    return answer


def _sighting(ask: Ask, answer: dict[str, Any], record: Record) -> Sighting:
    try:
        now = parse_photo(answer, record.subject, ask.now())
    except NoPhoto as no:
        return Sighting(uid=record.uid, now=None, detail=no.detail)
    ask.answers.add_answer(answer)
    return Sighting(uid=record.uid, now=now.model_copy(update={"kind": ask.settings.kind}))


def _located(record: Record, sizes: dict[str, Any]) -> Resolved:
    """The locked size among those of today, whose address changes when a photo is replaced or was private."""
    wanted = record.file.rendition if record.file else record.original.rendition
    offered = [name.removeprefix("url_") for name in sizes if name.startswith("url_")]
    short = next((one for one in offered if rendition(one) == wanted), None)
    url = sizes.get(f"url_{short}")
    if not isinstance(url, str):
        instead = ", ".join(map(rendition, offered)) or "none"
        return Resolved(
            uid=record.uid, original=None, detail=f"its {wanted} is not offered any more, only: {instead}"
        )
    detail = "" if url == record.original.url else "another address"
    return Resolved(uid=record.uid, original=record.original.model_copy(update={"url": url}), detail=detail)


def _number(record: Record) -> str:
    return record.uid.partition(":")[2]
