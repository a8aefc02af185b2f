"""DeviantArt: discovery by tag, words or name, and every exclusion explained.

    [collect.deviantart]
    tags   = ["planet"]
    newest = ["alien planet"]
    deviations = ["https://www.deviantart.com/ada/art/A-red-planet-145564099"]

Its terms forbid training on works whose artists did not allow it, and that is the default. So a search yields
next to nothing; what fills the dataset is `permissions.toml`, the artists' written yes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from collectors import permissions
from collectors.deviantart.api import API, BATCH, KEYS, Api, DeviantArtRefused, keys
from collectors.deviantart.deviations import number_of, parse, picture, plain, reserved, same_version, uuid_of
from collectors.deviantart.page import PageChanged
from collectors.deviantart.visit import Visitor
from collectors.frozen import SourceSettings
from collectors.permissions import Granted, deviation_id
from collectors.record import Original, Reason, Record, Skipped
from collectors.source import Ask, Finished, Found, Resolved, Sighting, Source
from collectors.web.pace import Pace, wished_paces

_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")


class DeviantArtSettings(SourceSettings):
    """`[collect.deviantart]`: where to look, and whose written permissions hold."""

    api: str = API
    """Address of the OAuth2 API."""
    site: str | None = None
    """Where pages and tokens come from; default: the host of `api`."""
    tags: tuple[str, ...] = ()
    """Tags whose deviations are looked at, newest first."""
    newest: tuple[str, ...] = ()
    """Search words whose newest deviations are looked at."""
    deviations: tuple[str, ...] = ()
    """Deviations by number, UUID or address; those that `permissions` names are looked at anyway."""
    permissions: str = Field(default="permissions.toml", min_length=1)
    """Artists' written permissions (see `collectors.permissions`); relative to the recipe."""
    limit: int = Field(default=200, ge=1)
    """Deviations looked at for each tag or search; a page a second."""
    pace: float | None = Field(default=None, gt=0)
    """Requests a second to hosts that are not in the table of public hosts."""
    in_flight: int | None = Field(default=None, ge=1)
    """Requests at a time to such hosts."""

    @field_validator("api", "site")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError("is not an address such as https://www.deviantart.com/api/v1/oauth2")
        return value

    @field_validator("deviations")
    @classmethod
    def _are_deviations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [repr(one) for one in value if deviation_id(one) is None]:
            raise ValueError(
                f"{' and '.join(wrong)}: not a number, a UUID or an address that ends in a number"
            )
        return value

    @property
    def home(self) -> str:
        """Where pages and tokens come from, without a slash at its end."""
        parts = urlsplit(self.api)
        return (self.site or f"{parts.scheme}://{parts.netloc}").rstrip("/")


def search(ask: Ask) -> Iterator[Found]:
    """Yield every deviation of the tags and searches, and those that are named, each once.

    Raises:
        KeyMissing, KeyRefused: the application's credentials.
        PermissionsBroken: the file of permissions has mistakes.
        NotDeviantArt, DeviantArtRefused: the address or a question is wrong.
        PageChanged: pages are not built as they were.
        NoContact, HostBusy: from the session.
    """
    settings: DeviantArtSettings = ask.settings
    visitor = _visitor(ask)
    told: set[str] = set()
    artists: set[str] = {unit.removeprefix("artist ") for unit in ask.finished if unit.startswith("artist ")}
    units = [("tags", "tag", tag) for tag in settings.tags]
    units += [("newest", "q", words) for words in settings.newest]
    named = dict.fromkeys(
        [*settings.deviations, *(one.deviation for one in visitor.granted if one.deviation)]
    )
    for said in named:
        unit = f"deviation {deviation_id(said)}"
        if unit not in ask.finished:
            yield from _once(visitor, [_named(visitor, said)], told, artists)
            yield Finished(unit=unit)
    for kind, parameter, words in units:
        unit = f"{kind} {words}"
        if unit not in ask.finished:
            yield from _listed(visitor, kind, {parameter: words}, unit, told, artists)
            yield Finished(unit=unit)
    for author in sorted({one.author for one in visitor.granted if one.author} - artists):
        ask.progress.note(f"{settings.permissions}: no deviation was found by {author!r}; is the name right?")


def _listed(
    visitor: Visitor, kind: str, question: Mapping[str, str], unit: str, told: set[str], artists: set[str]
) -> Iterator[Found]:
    """The deviations of one tag or search, up to the recipe's limit."""
    left = visitor.ask.settings.limit
    for batch in visitor.api.browse(kind, **question):
        some, left = batch[:left], left - len(batch)
        uuids = {plain(one.get("deviationid")).lower(): one for one in some}
        metadata = visitor.api.metadata([uuid for uuid in uuids if uuid])
        looks = (
            visitor.look(one, metadata.get(uuid, {}), unit)
            for uuid, one in uuids.items()
            if uuid and f"deviantart:{number_of(one.get('url'))}" not in told
        )
        yield from _once(visitor, looks, told, artists)
        if left <= 0:
            return


def _once(
    visitor: Visitor,
    looks: Iterator[Record | Skipped] | list[Record | Skipped],
    told: set[str],
    artists: set[str],
) -> Iterator[Found]:
    """Each image once; and, for whoever goes on later, that an artist who gave permission was met."""
    wanted = {one.author for one in visitor.granted if one.author}
    for found in looks:
        key = found.uid if isinstance(found, Record) else found.key
        if key in told:
            continue
        told.add(key)
        yield found
        name = (found.creator.name or "").lower() if isinstance(found, Record) else ""
        if name in wanted and name not in artists:
            artists.add(name)
            yield Finished(unit=f"artist {name}")


def _named(visitor: Visitor, said: str) -> Record | Skipped:
    """A deviation the recipe or a permission names. Raises as `search`."""
    name = deviation_id(said)
    assert name, "validated at the door"
    page: Mapping[str, Any] | None = None
    uuid = name
    if name.isdecimal():
        address = said if said.startswith("http") else f"{visitor.api.site}/deviation/{name}"
        try:
            came = visitor.page(address, name)
        except PageChanged as changed:
            return visitor.unread(changed)
        if isinstance(came, Skipped):
            return came
        if not came.get("uuid"):
            detail = "; ".join(came.get("opt_out", ())) or "its page does not tell its UUID"
            return Skipped(key=f"deviantart:{name}", reason=Reason.OPTED_OUT, detail=detail)
        page, uuid = came, came["uuid"]
    try:
        deviation = visitor.api.deviation(uuid)
    except DeviantArtRefused as refused:
        if refused.status not in (400, 404):
            raise
        return Skipped(key=f"deviantart:{name}", reason=Reason.GONE, detail=refused.detail)
    return visitor.look(deviation, visitor.api.metadata([uuid]).get(uuid, {}), "named", page)


def look_again(ask: Ask, records: Sequence[Record]) -> Iterator[Sighting]:
    """What DeviantArt says of known records now: one question for 50, and a page where a right is at stake.

    Where there is no file of permissions, as on another machine, those of the records hold until they end.

    Raises as `search`; `PageChanged` at the first page that cannot be read, because nothing follows from it.
    """
    visitor = _visitor(ask)
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
    api = _api(ask)
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


def _api(ask: Ask) -> Api:
    settings: DeviantArtSettings = ask.settings
    return Api(settings.api, settings.home, ask.session, keys())


def _visitor(ask: Ask) -> Visitor:
    return Visitor(ask, _api(ask), _granted(ask))


def _granted(ask: Ask) -> list[Granted]:
    """The permissions beside the recipe; none where there is no such file and the recipe names none."""
    settings: DeviantArtSettings = ask.settings
    path = ask.base / settings.permissions
    if not path.exists() and "permissions" not in settings.model_fields_set:
        return []
    return permissions.read(path, ask.now().date())


def _carried(records: Sequence[Record], today: str) -> Iterator[Granted]:
    """The permissions that records carry and that have not ended."""
    for record in records:
        if (given := record.permission) and (given.until is None or given.until >= today):
            yield Granted(deviation=record.uid.partition(":")[2], permission=given)


def _beside(settings: DeviantArtSettings, base: Path) -> Sequence[Path]:
    return [base / settings.permissions]


def _paces(settings: DeviantArtSettings) -> Mapping[str, Pace]:
    return wished_paces((settings.api, settings.home), settings.pace, settings.in_flight)


SOURCE = Source(
    name="deviantart",
    title="DeviantArt",
    settings=DeviantArtSettings,
    search=search,
    parse=parse,
    terms="https://www.deviantart.com/about/policy/service/",
    keys=KEYS,
    paces=_paces,
    look_again=look_again,
    resolve=resolve,
    expires=True,
    beside=_beside,
)
