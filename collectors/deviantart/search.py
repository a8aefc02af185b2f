"""DeviantArt: discovery by tag, words or name, and every exclusion explained.

    [collect.deviantart]
    tags   = ["planet"]
    newest = ["alien planet"]
    deviations = ["https://www.deviantart.com/ada/art/A-red-planet-145564099"]

Its terms forbid training on works whose artists did not allow it, and that is the default. So a search yields
next to nothing; what fills the dataset is `permissions.toml`, the artists' written yes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from collectors.deviantart import visit
from collectors.deviantart.api import DeviantArtRefused
from collectors.deviantart.deviations import number_of, plain
from collectors.deviantart.page import PageChanged
from collectors.deviantart.settings import DeviantArtSettings
from collectors.deviantart.visit import Visitor
from collectors.permissions import deviation_id
from collectors.record import Reason, Record, Skipped
from collectors.source import Ask, Finished, Found


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
    visitor = visit.visitor(ask)
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
