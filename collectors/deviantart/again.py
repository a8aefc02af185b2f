"""Known deviations, looked at again: what DeviantArt says of them today, and where their files are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from collectors.deviantart import visit
from collectors.deviantart.api import BATCH, Api, DeviantArtRefused
from collectors.deviantart.deviations import picture, plain, reserved, same_version, uuid_of
from collectors.deviantart.visit import Visitor
from collectors.permissions import Granted
from collectors.record import Original, Record, Skipped
from collectors.source import Ask, Resolved, Sighting


def look_again(ask: Ask, records: Sequence[Record]) -> Iterator[Sighting]:
    """What DeviantArt says of known records now: one question for 50, and a page where a right is at stake.

    Where there is no file of permissions, as on another machine, those of the records hold until they end.

    Raises as `search`; `PageChanged` at the first page that cannot be read, because nothing follows from it.
    """
    visitor = visit.visitor(ask)
    if not (ask.base / ask.settings.permissions).exists():
        visitor.granted += _carried(records, ask.now().date().isoformat())
    for start in range(0, len(records), BATCH):
        some = records[start : start + BATCH]
        uuids = {record.uid: uuid for record in some if (uuid := uuid_of(record))}
        metadata = visitor.api.metadata(list(uuids.values()))
        for record in some:
            yield _sighting(visitor, record, metadata.get(uuids.get(record.uid, "")))


def _sighting(visitor: Visitor, record: Record, metadata: Mapping[str, Any] | None) -> Sighting:
    if metadata is None:
        return Sighting(uid=record.uid, now=None, detail="deleted, or hidden by its artist")
    file = record.original.model_dump(include={"url", "width", "height", "bytes"})
    deviation = {
        "deviationid": uuid_of(record),
        "url": record.page,
        "title": metadata.get("title"),
        "author": metadata.get("author"),
        "published_time": record.original.taken,
        "content": {
            "src": file["url"],
            "width": file["width"],
            "height": file["height"],
            "filesize": file["bytes"],
        },
    }
    page: Mapping[str, Any] | None = None
    if visitor.permission(deviation, metadata) is not None or not reserved(metadata):
        came = visitor.page(record.page or "", record.uid.partition(":")[2])
        if isinstance(came, Skipped):
            return Sighting(uid=record.uid, now=None, detail=came.detail)
        page = came
        media = came.get("media") or {}
        if media.get("url") and not same_version(media["url"], file["url"]):
            deviation["content"] = {"src": media["url"], **media, "filesize": media["bytes"]}
    now = visitor.look(deviation, metadata, record.found_by.query, page)
    if isinstance(now, Skipped):
        return Sighting(uid=record.uid, now=None, detail=now.detail)
    return Sighting(uid=record.uid, now=now)


def resolve(ask: Ask, records: Sequence[Record]) -> Iterator[Resolved]:
    """A fresh address for the file of each record, good for minutes.

    Raises `KeyMissing`, `KeyRefused`, `NotDeviantArt`, `DeviantArtRefused`, and what the session raises.
    """
    api = visit.api(ask)
    for record in records:
        uuid = uuid_of(record)
        if uuid is None:
            yield Resolved(uid=record.uid, original=None, detail="its record does not hold its UUID")
            continue
        try:
            yield _resolved(api, record, uuid)
        except DeviantArtRefused as refused:
            if refused.status not in (400, 404):
                raise
            yield Resolved(uid=record.uid, original=None, detail=f"deleted or hidden: {refused.detail}")


def _resolved(api: Api, record: Record, uuid: str) -> Resolved:
    """The file the record describes, among those the API gives out; else the one that took its place."""
    deviation = api.deviation(uuid)
    if deviation.get("is_deleted") is True:
        return Resolved(uid=record.uid, original=None, detail="deleted")
    other: Original | None = None
    for file in _offers(api, deviation, uuid):
        found = picture(file)
        if found is None:
            continue
        address = {"url": plain(file["src"])}
        if found["url"] == record.original.url:
            fresh = record.original.model_copy(update=address)
            return Resolved(uid=record.uid, original=fresh, detail="a fresh address")
        other = record.original.model_copy(update=found | address)
    if other is None:
        return Resolved(uid=record.uid, original=None, detail="its file is not given out any more")
    return Resolved(uid=record.uid, original=other, detail="overwritten: another file is there now")


def _offers(api: Api, deviation: Mapping[str, Any], uuid: str) -> Iterator[Any]:
    """The file the site shows, then the one that was uploaded, where it is offered."""
    yield deviation.get("content")
    if deviation.get("is_downloadable") is True:
        try:
            yield api.download(uuid)
        except DeviantArtRefused:
            return


def _carried(records: Sequence[Record], today: str) -> Iterator[Granted]:
    """The permissions that records carry and that have not ended."""
    for record in records:
        if (given := record.permission) and (given.until is None or given.until >= today):
            yield Granted(deviation=record.uid.partition(":")[2], permission=given)
