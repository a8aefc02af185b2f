"""A visit to one deviation: its page, where that can still decide something, and the record it amounts to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from collectors import permissions
from collectors.deviantart.api import Api, DeviantArtRefused, keys
from collectors.deviantart.deviations import number_of, parse_answer, picture, plain, reserved, wrap
from collectors.deviantart.page import PageChanged, read_page
from collectors.deviantart.settings import DeviantArtSettings
from collectors.permissions import Granted
from collectors.record import Permission, Reason, Record, Skipped
from collectors.rights import LicenceClass
from collectors.source import Ask
from collectors.web.polite import allowed_by_robots, opt_out

ENOUGH = 5
"""Pages in a row that cannot be read before it is taken for a change of the whole site."""

Page = Mapping[str, Any]


@dataclass
class Visitor:
    """Who visits: the API, the permissions, and how many pages in a row could not be read."""

    ask: Ask
    api: Api
    granted: list[Granted]
    unreadable: int = field(default=0, init=False)

    def look(
        self, deviation: Mapping[str, Any], metadata: Mapping[str, Any], query: str, page: Page | None = None
    ) -> Record | Skipped:
        """The record of a deviation, its answer kept; or why it is left out. `page`: read already.

        Its page is not read where the API's word withholds every right and no permission grants one: nothing
        in it could let the image in.

        Raises:
            PageChanged: several pages in a row are not built as they were.
            HostBusy, NoContact: from the session.
        """
        uuid, number = plain(deviation.get("deviationid")).lower(), number_of(deviation.get("url"))
        if number is None:
            return self.unread(PageChanged(uuid, "number at the end of its address"))
        uid = f"deviantart:{number}"
        if deviation.get("is_deleted") is True:
            return Skipped(key=uid, reason=Reason.GONE, detail="deleted")
        if _sold(deviation):
            return Skipped(key=uid, reason=Reason.GONE, detail="shown to those who pay for it")
        file = picture(deviation.get("content"))
        if file is None:
            return Skipped(key=uid, reason=Reason.NOT_AN_IMAGE, detail="a text, a film or another format")
        permission = self.permission(deviation, metadata)
        if page is None and reserved(metadata) and permission is None:
            page = {"unread": f"the API says “{plain(metadata['license'])}”"}
        if page is None:
            try:
                came = self.page(str(deviation["url"]), number)
            except PageChanged as changed:
                return self.unread(changed)
            if isinstance(came, Skipped):
                return came
            page = came

        def told(file: Mapping[str, Any]) -> tuple[Record, dict[str, Any]]:
            site = self.api.site
            answer = wrap(deviation, metadata, page or {}, file, permission, site=site, query=query)
            return parse_answer(answer, self.ask.subject, at=self.ask.now()), answer

        record, answer = told(file)
        if deviation.get("is_downloadable") is True and _promising(record):
            record, answer = told(self._uploaded(uuid) or file)
        self.ask.answers.add_answer(answer)
        return record.model_copy(update={"kind": self.ask.settings.kind})

    def permission(self, deviation: Mapping[str, Any], metadata: Mapping[str, Any]) -> Permission | None:
        """The written yes for a deviation, if there is one."""
        author = deviation.get("author") or metadata.get("author")
        name = plain(author.get("username")) if isinstance(author, dict) else ""
        ids = (number_of(deviation.get("url")) or "", plain(deviation.get("deviationid")))
        return permissions.find(self.granted, name, filter(None, ids))

    def page(self, url: str, number: str) -> Page | Skipped:
        """What a deviation's own page says, if its host's robots.txt lets us read it.

        Raises:
            PageChanged: it is not built as pages are, or not where pages are.
        """
        uid = f"deviantart:{number}"
        if not self._ours(url):
            raise PageChanged(number, f"address on {self.api.site}, but {url[:200]}")
        if not allowed_by_robots(self.ask.session, url):
            host = urlsplit(url).netloc
            return {"unread": "robots.txt", "opt_out": [f"robots.txt of {host} forbids reading its page"]}
        response = self.ask.session.get(url)
        if response.status_code >= 400:
            detail = f"its page answers HTTP {response.status_code}"
            return Skipped(key=uid, reason=Reason.GONE, detail=detail)
        page = read_page(response.text, number)
        self.unreadable = 0
        if page["deleted"]:
            return Skipped(key=uid, reason=Reason.GONE, detail="deleted")
        for answer in (*response.history, response):
            if said := opt_out(answer.raw.headers):
                page["opt_out"].append(said)
        return page

    def unread(self, changed: PageChanged) -> Skipped:
        """One work left out for a page that cannot be read; raises `PageChanged` after several in a row."""
        self.unreadable += 1
        if self.unreadable >= ENOUGH:
            raise changed
        return Skipped(key=f"deviantart:{changed.deviation}", reason=Reason.NO_LICENCE, detail=str(changed))

    def _ours(self, url: str) -> bool:
        """Whether an address leads to the recipe's site, so that an answer cannot send us elsewhere."""
        try:
            parts, site = urlsplit(url), urlsplit(self.api.site)
        except ValueError:
            return False
        own = (parts.hostname or "").endswith(".deviantart.com") and site.hostname == "www.deviantart.com"
        return parts.scheme in ("http", "https") and (parts.netloc == site.netloc or own)

    def _uploaded(self, uuid: str) -> dict[str, Any] | None:
        """The file as uploaded; `None` where it is not given out after all."""
        try:
            return picture(self.api.download(uuid))
        except DeviantArtRefused:
            return None


def _sold(deviation: Mapping[str, Any]) -> bool:
    """Whether what is shown is a blurred stand-in, because the work itself is sold."""
    folder = deviation.get("premium_folder_data")
    locked = isinstance(folder, dict) and folder.get("has_access") is False
    return locked or deviation.get("tier_access") == "locked"


def _promising(record: Record) -> bool:
    """Whether a policy may want the image, so that its best file is worth a question."""
    closed = record.rights.cls in (LicenceClass.CLOSED, LicenceClass.UNKNOWN)
    return record.permission is not None or (not closed and record.ai.opted_out is False)


def api(ask: Ask) -> Api:
    """The API that the recipe names. Raises `KeyMissing`."""
    settings: DeviantArtSettings = ask.settings
    return Api(settings.api, settings.home, ask.session, keys())


def visitor(ask: Ask) -> Visitor:
    """Who visits for this search. Raises `KeyMissing`, `PermissionsBroken`."""
    return Visitor(ask, api(ask), _granted(ask))


def _granted(ask: Ask) -> list[Granted]:
    """The permissions beside the recipe; none where there is no such file and the recipe names none."""
    settings: DeviantArtSettings = ask.settings
    path = ask.base / settings.permissions
    if not path.exists() and "permissions" not in settings.model_fields_set:
        return []
    return permissions.read(path, ask.now().date())
