"""A file page of a MediaWiki's query API → a record. Pure: the asking is done in `mediawiki`."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from collectors import prose
from collectors.commons import page_rights, statements
from collectors.conclude import conclude, credit_line
from collectors.record import Ai, Creator, FoundBy, Original, Record, Seen
from collectors.storage.files import canonical_json

_GENERATED = re.compile(
    r"\bAI[- ]generated\b|^PD-algorithm\b|\b(generated|created|made|images?) (by|with|using) "
    r"(AI|artificial intelligence|DALL|Midjourney|Stable Diffusion)\b",
    re.IGNORECASE,
)


class MissingFile(Exception):
    """A page that describes a file which is not there."""

    def __init__(self, uid: str, detail: str) -> None:
        super().__init__(f"{uid}: {detail}")
        self.uid, self.detail = uid, detail


def merged(answers: Iterable[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Put the parts of each batch together and yield its pages once they are whole.

    A batch may come in parts: the same pages again, each time with more of what was asked, until an answer
    says `batchcomplete` (true, or "" in formatversion 1). Only then is a missing imageinfo really missing.
    """
    pages: dict[Any, dict[str, Any]] = {}
    for answer in answers:
        part = answer.get("query", {}).get("pages", ())
        for page in part.values() if isinstance(part, Mapping) else part:
            key = page.get("pageid", page.get("title"))
            pages[key] = _both(pages[key], page) if key in pages else dict(page)
        if "batchcomplete" in answer and answer["batchcomplete"] is not False:
            yield list(pages.values())
            pages = {}
    if pages:
        yield list(pages.values())


def _both(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Two parts of one page: lists are joined without repeating an entry, the rest is added."""
    whole = dict(earlier)
    for name, value in later.items():
        before = whole.get(name)
        if isinstance(before, list) and isinstance(value, list):
            whole[name] = before + [entry for entry in value if entry not in before]
        else:
            whole[name] = value
    return whole


def wrap(page: Mapping[str, Any], *, api: str, wiki: str, path: Sequence[str]) -> dict[str, Any]:
    """The answer that is kept as evidence: the merged page, and all that `parse` needs beside it.

    Nothing in it differs between two times of asking: the place in a batch (`index`) and tracking go.
    """
    kept = {name: value for name, value in page.items() if name != "index"}
    if "imageinfo" in kept:
        kept["imageinfo"] = [
            info | {"url": without_tracking(info["url"])} if "url" in info else info
            for info in kept["imageinfo"]
        ]
    return {"api": api, "wiki": wiki, "page": kept, "path": list(path)}


def parse(answer: Mapping[str, Any], subject: str) -> Record:
    """A kept answer → the record it amounts to, without any network. `seen` and `Evidence.at` are left open.

    Raises:
        MissingFile: the page holds no file.
    """
    return parse_page(answer, subject)


def parse_page(answer: Mapping[str, Any], subject: str, at: datetime | None = None) -> Record:
    """A wrapped page (see `wrap`), asked at a time → a record.

    The parts of the page that matter look like this; the values of extmetadata are HTML, or it is `[]`:

        {"pageid": 42, "title": "File:Orion.jpg", "imagerepository": "local",
         "imageinfo": [{"url": …, "sha1": …, "timestamp": …, "extmetadata": {"LicenseUrl": {"value": …}, …}}],
         "categories": [{"title": "Category:PD NASA", "hidden": true}, …],
         "revisions": [{"revid": 9, "timestamp": …}]}

    Raises:
        MissingFile: the page holds no file.
    """
    page, api = answer["page"], answer["api"]
    uid = f"{answer['wiki']}:M{page['pageid']}"
    info = next(iter(page.get("imageinfo", ())), None)
    if not info or info.get("filemissing") or not info.get("url"):
        raise MissingFile(uid, "the page holds no file")
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
    fields = page_rights.values(info.get("extmetadata"))
    title = without_namespace(page["title"])
    address = _page_address(page, info, api)
    visible, all_categories = _categories(page)
    where = {
        "url": _revision_address(page, api) or address,
        "at": when,
        "answer_sha256": hashlib.sha256(canonical_json(answer)).hexdigest(),
    }
    found = (
        *page_rights.evidence(fields, all_categories, **where),
        *statements.evidence(answer.get("statements", {}), **where),
    )
    rights = conclude(page_rights.claims(found), page_rights.restrictions(found))
    creator = prose.creator(fields.get("Artist", ""), address)
    wished = prose.plain(fields.get("Attribution", ""), 300)
    credited = Creator(name=wished, url=creator.url) if wished else creator
    return Record(
        uid=uid,
        source="commons",
        subject=subject,
        title=title,
        page=address,
        found_by=FoundBy(query=answer["path"][0], path=tuple(answer["path"])),
        description=prose.plain(fields.get("ImageDescription", "")),
        categories=visible,
        original=_original(info, fields, address),
        creator=creator,
        credit_line=credit_line(title, credited, _site_name(answer), address, rights),
        rights=rights,
        evidence=found,
        ai=_ai(all_categories),
        seen=Seen(first=when or ""),
    )


def _original(info: Mapping[str, Any], fields: Mapping[str, str], page: str) -> Original:
    return Original(
        url=without_tracking(prose.absolute(info["url"], page)),
        sha1=info.get("sha1"),
        # 0 stands for "could not be read", which is not a size.
        bytes=info.get("size") or None,
        width=info.get("width") or None,
        height=info.get("height") or None,
        mime=info.get("mime"),
        revision=info.get("timestamp"),
        taken=prose.plain(fields.get("DateTimeOriginal", ""), 100) or None,
    )


def _categories(page: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the visible categories, and of all; none where the file lies on another wiki than its page.

    The categories of a local page about a remote file say nothing of the remote licence.
    """
    entries = page.get("categories", ()) if page.get("imagerepository", "local") == "local" else ()
    names = [
        (without_namespace(entry["title"]), entry.get("hidden", False) is not False) for entry in entries
    ]
    return tuple(name for name, hidden in names if not hidden), tuple(name for name, _ in names)


def _ai(categories: Sequence[str]) -> Ai:
    signals = tuple(name for name in categories if _GENERATED.search(name))
    return Ai(generated=True if signals else None, signals=signals)


def _page_address(page: Mapping[str, Any], info: Mapping[str, Any], api: str) -> str:
    link = info.get("descriptionurl") or _index(api, curid=page["pageid"])
    return prose.absolute(link, api)


def _revision_address(page: Mapping[str, Any], api: str) -> str | None:
    revision: Mapping[str, Any] = next(iter(page.get("revisions", ())), {})
    return _index(api, oldid=revision["revid"]) if "revid" in revision else None


def _index(api: str, **query: int) -> str:
    extension = re.search(r"\.\w+$", urlsplit(api).path)
    return f"{urljoin(api, 'index' + (extension[0] if extension else ''))}?{urlencode(query)}"


def _site_name(answer: Mapping[str, Any]) -> str:
    return "Wikimedia Commons" if answer["wiki"] == "commons" else urlsplit(answer["api"]).netloc


def without_namespace(title: str) -> str:
    """`File:Orion.jpg` → `Orion.jpg`, in whatever language the wiki names its namespaces."""
    return title.partition(":")[2] or title


def without_tracking(url: str) -> str:
    """The address without `utm_…` parameters, which Commons adds since 2026; other parameters stay."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith("utm_")]
    return urlunsplit(parts._replace(query="&".join(kept)))
