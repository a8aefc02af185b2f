"""What DeviantArt says of a deviation, in three answers → one record. Pure: the asking is done in `visit`."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from collectors import licences, prose
from collectors.conclude import conclude, credit_line
from collectors.licences.table import cc_id
from collectors.record import Ai, Creator, FoundBy, Original, Permission, Record, Seen
from collectors.rights import Claim, Confidence, Evidence, LicenceClass
from collectors.storage.files import canonical_json

RESERVED = "LicenseRef-AllRightsReserved"
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"})
_NUMBER = re.compile(r"(?:^|[-/])(\d{1,19})/?$", re.ASCII)


def number_of(url: Any) -> str | None:
    """The number with which the address of a deviation ends, `None` where it has none.

    >>> number_of("https://www.deviantart.com/ada/art/A-red-planet-145564099")
    '145564099'
    """
    match = _NUMBER.search(_path(url)) if isinstance(url, str) else None
    return str(int(match[1])) if match else None


def stable(url: str) -> str:
    """The address of a file without its query, which holds a token that expires within the hour."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="", fragment=""))


def same_version(uploaded: str, url: str) -> bool:
    """Whether an address leads to a form of this upload, whose name it then holds.

    >>> same_version("https://images.example/f/u/d2enxz7-431c.jpg", "https://a.example/download/7/d2enxz7-431c.jpg")
    True
    """
    return PurePosixPath(_path(uploaded)).name in PurePosixPath(_path(url)).parts


def picture(file: Any) -> dict[str, Any] | None:
    """A file the API describes, in its stable form; `None`: there is none, or it is no raster image.

    Of a smaller rendition (`…/v1/fill/w_1024,…`) the stated size in bytes is that of another file.
    """
    if not isinstance(file, dict) or not isinstance(file.get("src"), str):
        return None
    try:
        url = stable(file["src"])
    except ValueError:
        return None
    if not re.match(r"https?://[^/]", url) or PurePosixPath(_path(url)).suffix.lower() not in _PICTURES:
        return None
    smaller = "/v1/" in url
    return {
        "url": plain(url),
        "width": _count(file.get("width")),
        "height": _count(file.get("height")),
        "bytes": None if smaller else _count(file.get("filesize")),
        "rendition": "fullview" if smaller else "original",
    }


def wrap(
    deviation: Mapping[str, Any],
    metadata: Mapping[str, Any],
    page: Mapping[str, Any],
    file: Mapping[str, Any],
    permission: Permission | None = None,
    *,
    site: str,
    query: str,
) -> dict[str, Any]:
    """The answer that is kept as evidence: what `parse` needs, and nothing that changes between two askings.

    `page` is what `page.read_page` gives, or `{"unread": why}`; `file` what `picture` gives. Statistics and
    tokens stay out.
    """
    author = deviation.get("author") or metadata.get("author")
    tags = metadata.get("tags")
    return {
        "site": site,
        "query": query,
        "deviation": {
            "number": number_of(deviation.get("url")),
            "uuid": plain(deviation.get("deviationid")).lower(),
            "url": plain(deviation.get("url")),
            "title": plain(deviation.get("title")),
            "author": plain(author.get("username")) if isinstance(author, dict) else "",
            "published": plain(deviation.get("published_time")),
        },
        "metadata": {
            "license": plain(metadata.get("license")),
            "description": plain(metadata.get("description"))[:20_000],
            "tags": [plain(tag.get("tag_name")) for tag in tags if isinstance(tag, dict)]
            if isinstance(tags, list)
            else [],
        },
        "page": dict(page),
        "file": dict(file),
        "permission": permission.model_dump(mode="json") if permission else None,
    }


def parse(answer: Mapping[str, Any], subject: str) -> Record:
    """A kept answer → the record it amounts to. `seen` and `Evidence.at` are left open."""
    return parse_answer(answer, subject)


def parse_answer(answer: Mapping[str, Any], subject: str, at: datetime | None = None) -> Record:
    """A wrapped answer (see `wrap`), asked at a time → a record, as yet without its kind."""
    told, page = answer["deviation"], answer["page"]
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
    claims = list(_claims(answer))
    rights = conclude(claims)
    name = told["author"] or page.get("author") or None
    creator = Creator(name=name, url=f"{answer['site']}/{name}" if name else None)
    title = told["title"] or page.get("title") or ""
    given = answer.get("permission")
    permission = Permission.model_validate(given) if given else None
    closed = rights.cls in (LicenceClass.CLOSED, LicenceClass.UNKNOWN)
    terms = f"by the artist's written permission of {permission.date}" if permission and closed else None
    site = _site_name(answer["site"])
    return Record(
        uid=f"deviantart:{told['number']}",
        source="deviantart",
        subject=subject,
        title=title,
        page=told["url"],
        found_by=FoundBy(query=answer["query"]),
        description=prose.plain(answer["metadata"]["description"]),
        categories=tuple(tag for tag in answer["metadata"]["tags"] if tag),
        original=Original(**answer["file"], taken=told["published"] or None),
        creator=creator,
        credit_line=credit_line(title, creator, site, told["url"], rights, terms=terms),
        rights=rights,
        evidence=tuple(_evidence(answer, when)),
        ai=_ai(page),
        permission=permission,
        seen=Seen(first=when or ""),
    )


def reserved(metadata: Mapping[str, Any]) -> bool:
    """Whether the API's words already withhold every right, so that no page could grant one."""
    return licences.from_text(plain(metadata.get("license"))) == RESERVED


def uuid_of(record: Record) -> str | None:
    """The API's name for a record's deviation."""
    return next((one.value for one in record.evidence if one.field == "deviationid"), None)


def plain(value: Any) -> str:
    """Text that can be written as UTF-8, empty for what is no text; half characters become `?`."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _claims(answer: Mapping[str, Any]) -> Iterator[Claim]:
    """Words that cannot be read are a claim nobody may rely on; silence is none."""
    words, code = answer["metadata"]["license"], answer["page"].get("license")
    if words:
        expression = licences.from_text(words) or licences.UNKNOWN
        yield Claim(expression=expression, confidence=Confidence.STATED, channel="metadata")
    if code is not None:
        # The page's codes are those of version 3.0; `none` grants nothing.
        expression = RESERVED if code == "none" else cc_id(code, "3.0") or licences.UNKNOWN
        yield Claim(expression=expression, confidence=Confidence.STATED, channel="page")


def _evidence(answer: Mapping[str, Any], at: str | None) -> Iterator[Evidence]:
    page, told = answer["page"], answer["deviation"]
    sha256 = hashlib.sha256(canonical_json(answer)).hexdigest()

    def said(channel: str, field: str, value: str) -> Evidence:
        return Evidence(
            channel=channel, field=field, value=value[:500], url=told["url"], at=at, answer_sha256=sha256
        )

    yield said("metadata", "deviationid", told["uuid"])
    if answer["metadata"]["license"]:
        yield said("metadata", "license", answer["metadata"]["license"])
    if page.get("license") is not None:
        yield said("page", "license", page["license"])
    for field, name in _MARKS.items():
        if page.get(field) is not None:
            yield said("page", name, str(page[field]).lower())
    for words in page.get("opt_out", ()):
        yield said("page", "opt-out", words)
    if permission := answer.get("permission"):
        yield said("permission", "proof", permission["proof"])


_MARKS = {"ai_use_disallowed": "isAiUseDisallowed", "ai_generated": "isAiGenerated"}


def _ai(page: Mapping[str, Any]) -> Ai:
    """Opted out by any sign of it; "not opted out" only where the page says so and nothing speaks against."""
    disallowed, generated = page.get("ai_use_disallowed"), page.get("ai_generated")
    opted_out = True if page.get("opt_out") else disallowed
    marks = tuple(
        f"{name} = {str(page[field]).lower()}"
        for field, name in _MARKS.items()
        if page.get(field) is not None
    )
    unread = (f"page not read: {page['unread']}",) if page.get("unread") else ()
    return Ai(opted_out=opted_out, generated=generated, signals=(*marks, *page.get("opt_out", ()), *unread))


def _site_name(site: str) -> str:
    host = urlsplit(site).hostname or site
    return "DeviantArt" if host.endswith("deviantart.com") else host


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None
