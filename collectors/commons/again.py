"""Known files of a MediaWiki, asked for again by the id of their page, which survives renaming."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from collectors.commons import statements
from collectors.commons.mediawiki import BATCH, Wiki
from collectors.commons.pages import MissingFile, parse_page, without_tracking, wrap
from collectors.commons.search import wants_statements
from collectors.commons.settings import CommonsSettings
from collectors.record import Record
from collectors.source import Ask, Resolved, Sighting


class AnotherWiki(Exception):
    """A record of another wiki than the one the recipe names; its page id means nothing here."""

    def __init__(self, api: str, slug: str, uid: str) -> None:
        super().__init__(f"{api} is {slug}, which does not hold {uid}")
        self.api, self.slug, self.uid = api, slug, uid


def look_again(ask: Ask, records: Sequence[Record]) -> Iterator[Sighting]:
    """What the wiki says of each record now, 50 a question; the answers are kept like those of a search.

    A file that was merged into another one is told as that one, under the uid it had.

    Raises:
        AnotherWiki: a record does not belong to the wiki of the settings.
        NotAWiki, WikiRefused, NoContact, HostBusy: as in `search`.
    """
    settings: CommonsSettings = ask.settings
    wiki = Wiki(settings.api, ask.session)
    has_statements = wants_statements(settings, wiki)
    for start in range(0, len(records), BATCH):
        batch = {_page_id(wiki, record): record for record in records[start : start + BATCH]}
        pages = wiki.pages(list(batch))
        stated = wiki.statements([page["pageid"] for page in pages.values()]) if has_statements else {}
        for pageid, record in batch.items():
            page = pages.get(pageid)
            if page is None:
                yield Sighting(uid=record.uid, now=None, detail="its page was deleted")
                continue
            path = record.found_by.path or (record.found_by.query,)
            answer = wrap(page, api=settings.api, wiki=wiki.slug, path=path)
            if has_statements:
                answer["statements"] = statements.kept(stated.get(page["pageid"], {}))
            yield _sighting(ask, answer, record)


def _sighting(ask: Ask, answer: Mapping[str, Any], record: Record) -> Sighting:
    try:
        now = parse_page(answer, record.subject, at=ask.now())
    except MissingFile as missing:
        return Sighting(uid=record.uid, now=None, detail=missing.detail)
    ask.answers.add_answer(answer)
    return Sighting(uid=record.uid, now=now.model_copy(update={"uid": record.uid, "kind": ask.settings.kind}))


def resolve(ask: Ask, records: Sequence[Record]) -> Iterator[Resolved]:
    """Where the version with each record's SHA-1 lies now, one question a file.

    The current version where it is the locked one, under whatever name; else the archived one.

    Raises:
        AnotherWiki, NotAWiki, WikiRefused, NoContact, HostBusy: as `look_again`.
    """
    wiki = Wiki(ask.settings.api, ask.session)
    for record in records:
        yield locate(record, wiki.versions(_page_id(wiki, record)))


def locate(record: Record, versions: Sequence[Mapping[str, Any]]) -> Resolved:
    """The version of a file, newest first as the wiki tells them, that a record locks. Pure.

    The parts that matter look like this; a version that was hidden has no `url`:

        [{"sha1": …, "url": …, "timestamp": …}, {"sha1": …, "url": …, "timestamp": …, "archivename": …}]
    """
    wanted = (record.original.sha1 or "").lower()
    same = [info for info in versions if wanted and str(info.get("sha1", "")).lower() == wanted]
    if not versions:
        return Resolved(uid=record.uid, original=None, detail="deleted")
    if not same:
        return Resolved(uid=record.uid, original=None, detail="no version has the locked SHA-1 any more")
    open_to_all = [info for info in same if info.get("url")]
    if not open_to_all:
        return Resolved(uid=record.uid, original=None, detail="the wiki hides the version that is locked")
    info = open_to_all[0]
    original = record.original.model_copy(
        update={"url": without_tracking(info["url"]), "revision": info.get("timestamp")}
    )
    if info is versions[0]:
        return Resolved(uid=record.uid, original=original)
    return Resolved(
        uid=record.uid,
        original=original,
        detail=f"overwritten; the archived version of {info.get('timestamp', 'before')}",
    )


def _page_id(wiki: Wiki, record: Record) -> int:
    slug, _, page = record.uid.partition(":M")
    if slug != wiki.slug or not page.isdigit():
        raise AnotherWiki(wiki.api, wiki.slug, record.uid)
    return int(page)
