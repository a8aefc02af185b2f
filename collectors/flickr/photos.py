"""A photo of Flickr's API → a record. Pure: the asking is done in `api`."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from collectors import prose
from collectors.conclude import conclude, credit_line
from collectors.flickr import photo_rights
from collectors.flickr.api import whole_number
from collectors.record import Ai, Creator, FoundBy, Original, Reason, Record, Seen
from collectors.storage.files import canonical_json

SIZES: Mapping[str, str] = {
    "o": "Original",
    "6k": "X-Large 6K",
    "5k": "X-Large 5K",
    "4k": "X-Large 4K",
    "3k": "X-Large 3K",
    "k": "Large 2048",
    "h": "Large 1600",
    "l": "Large",
    "c": "Medium 800",
    "z": "Medium 640",
    "m": "Medium",
}
"""Sizes worth having, the best first: the name in `extras=url_…`, and the label in `photos.getSizes`."""

_MIMES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "webp": "image/webp",
}

_VOLATILE = frozenset({"views", "count_faves", "count_comments", "farm"})
"""Fields that change without the photo changing."""

_GENERATED_TAG = re.compile(
    r"ai(art|artist|artwork|image|images|picture)|aigenerated\w*|(generated|made|created)(by|with)ai|"
    r"generative(ai|art)|midjourney\w*|stablediffusion\w*|dalle[23]?|dreamstudio|nightcafe\w*|"
    r"wombo(dream)?|leonardoai|bingimagecreator|adobefirefly|craiyon|ideogramai"
)
_GENERATED_WORDS = re.compile(
    r"\bAI[- ]generated\b|\b(generated|created|made|imagined) (by|with|using|in) "
    r"(AI|artificial intelligence|DALL[-·•]?E|Mid[- ]?journey|Stable Diffusion)\b",
    re.IGNORECASE,
)


class NoPhoto(Exception):
    """An entry that is no photo to take: its uid (or what it has in place of one), and why."""

    def __init__(self, key: str, reason: Reason, detail: str) -> None:
        super().__init__(f"{key}: {detail}")
        self.key, self.reason, self.detail = key, reason, detail


def wrap(
    photo: Any,
    *,
    api: str,
    query: str,
    licence: Mapping[str, str] | None,
    history: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The answer that is kept as evidence: the photo, and all that `parse` needs beside it.

    `licence` is the row of Flickr's licence table for it. Nothing in the answer differs between two times of
    asking while the photo stays the same.
    """
    kept = (
        {name: value for name, value in photo.items() if name not in _VOLATILE}
        if isinstance(photo, Mapping)
        else photo
    )
    answer: dict[str, Any] = {"api": api, "query": query, "photo": kept}
    if licence is not None:
        answer["licence"] = dict(licence)
    if history is not None:
        answer["history"] = [dict(step) for step in history]
    return answer


def parse(answer: Mapping[str, Any], subject: str) -> Record:
    """A kept answer → the record it amounts to, without any network. `seen` and `Evidence.at` are left open.

    Raises:
        NoPhoto: it is a video, has no address, or is not the description of a photo.
    """
    return parse_photo(answer, subject)


def parse_photo(answer: Mapping[str, Any], subject: str, at: datetime | None = None) -> Record:
    """A wrapped photo (see `wrap`), asked at a time → a record.

    The parts of a photo that matter look like this; numbers may be strings, the description is HTML:

        {"id": "495…", "owner": "7478087@N06", "ownername": "Ada Lane", "license": "4", "title": "M 42",
         "description": {"_content": …}, "tags": "space nebula", "media": "photo", "secret": "bbdb…",
         "datetaken": "2011-11-05 15:54:37", "datetakengranularity": "0", "datetakenunknown": "0",
         "url_o": …, "width_o": 4932, "height_o": 3178, "url_l": …, "width_l": 1024, "height_l": 660}

    Raises:
        NoPhoto: it is a video, has no address, or is not the description of a photo.
    """
    photo = answer.get("photo")
    if not isinstance(photo, Mapping):
        raise NoPhoto("flickr:?", Reason.UNREADABLE, "the answer holds no object `photo`")
    uid, number = _uid(photo)
    if (media := _text(photo, "media") or "photo") != "photo":
        raise NoPhoto(uid, Reason.NOT_AN_IMAGE, f"its media type is {media[:40]}")
    original = next(_originals(photo), None)
    if original is None:
        raise NoPhoto(uid, Reason.GONE, "Flickr gives no address for any size of it")
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
    owner = _text(photo, "owner")
    page = f"https://www.flickr.com/photos/{quote(owner, safe='@')}/{number}/" if owner else None
    title, description = _line(_text(photo, "title")), prose.plain(_text(photo, "description"))
    tags = tuple(dict.fromkeys(_text(photo, "tags").split()))
    answer_sha256 = hashlib.sha256(canonical_json(answer)).hexdigest()
    found = tuple(photo_rights.evidence(answer, url=page, at=when, answer_sha256=answer_sha256))
    rights = conclude(photo_rights.claims(answer))
    creator = Creator(
        name=_line(_text(photo, "ownername")) or None,
        url=f"https://www.flickr.com/people/{quote(owner, safe='@')}/" if owner else None,
    )
    return Record(
        uid=uid,
        source="flickr",
        subject=subject,
        title=title,
        page=page,
        found_by=FoundBy(query=str(answer.get("query", ""))),
        description=description,
        categories=tags,
        original=original,
        creator=creator,
        credit_line=credit_line(title, creator, "Flickr", page, rights),
        rights=rights,
        evidence=found,
        ai=_ai(title, description, tags),
        seen=Seen(first=when or ""),
    )


def from_info(info: Mapping[str, Any], sizes: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `photos.getInfo` in the shape of a search, with the `url_…` fields of `sizes`."""
    owner, dates, tags = (_object(info, name) for name in ("owner", "dates", "tags"))
    tag = tags.get("tag")
    photo = {
        "id": _text(info, "id"),
        "secret": _text(info, "secret"),
        "license": _text(info, "license"),
        "media": _text(info, "media"),
        "title": _text(info, "title"),
        "description": {"_content": _text(info, "description")},
        "owner": _text(owner, "nsid"),
        "ownername": _text(owner, "username"),
        "dateupload": _text(dates, "posted"),
        "lastupdate": _text(dates, "lastupdate"),
        "datetaken": _text(dates, "taken"),
        "datetakengranularity": _text(dates, "takengranularity"),
        "datetakenunknown": _text(dates, "takenunknown"),
        "tags": " ".join(_text(one, "_content") for one in _objects(tag)),
    }
    return {**photo, **sizes}


def from_sizes(sizes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer of `photos.getSizes` as the `url_…`, `width_…` and `height_…` fields of a search."""
    fields: dict[str, Any] = {}
    for short, label in SIZES.items():
        for size in sizes:
            if size.get("label") == label:
                fields[f"url_{short}"] = size.get("source")
                fields[f"width_{short}"], fields[f"height_{short}"] = size.get("width"), size.get("height")
    return fields


def as_sizes(original: Original) -> dict[str, Any]:
    """What is known of a record's file, as those fields of a search."""
    short = next((one for one in SIZES if rendition(one) == original.rendition), "o")
    known = {"url": original.url, "width": original.width, "height": original.height}
    return {f"{name}_{short}": value for name, value in known.items()}


def rendition(short: str) -> str:
    """How a record names a size: `original`, `large 2048`.

    >>> rendition("k")
    'large 2048'
    """
    return SIZES[short].lower()


def _uid(photo: Mapping[str, Any]) -> tuple[str, str]:
    number = _text(photo, "id")
    if not re.fullmatch(r"[0-9]{1,20}", number):
        known = re.sub(r"[\s/\\]+", "_", number)[:40] or "?"
        raise NoPhoto(f"flickr:{known}", Reason.UNREADABLE, "its id is not a number")
    return f"flickr:{number}", number


def _originals(photo: Mapping[str, Any]) -> Iterator[Original]:
    """The file in every size that has an address, the best first.

    `o_width` and `o_height` are those of the original even where only smaller sizes may be had.
    """
    for short in SIZES:
        url = _text(photo, f"url_{short}").strip()
        if not _is_address(url):
            continue
        width, height = (whole_number(photo.get(f"{side}_{short}")) for side in ("width", "height"))
        if short == "o":
            width = width or whole_number(photo.get("o_width"))
            height = height or whole_number(photo.get("o_height"))
        yield Original(
            url=url,
            width=width or None,
            height=height or None,
            mime=_MIMES.get(urlsplit(url).path.rpartition(".")[2].lower()),
            revision=_text(photo, "secret") or None,
            taken=_taken(photo),
            rendition=rendition(short),
        )


def _taken(photo: Mapping[str, Any]) -> str | None:
    """When it was taken, as exactly as the owner knows (https://www.flickr.com/services/api/misc.dates.html)."""
    found = re.match(r"(([0-9]{4})-[0-9]{2})-[0-9]{2}", _text(photo, "datetaken"))
    if not found or found[2] == "0000" or _text(photo, "datetakenunknown") == "1":
        return None
    by_month, by_year = found[1], found[2]
    exactness = {"4": by_month, "6": by_year, "8": f"circa {by_year}"}
    return exactness.get(_text(photo, "datetakengranularity"), _line(_text(photo, "datetaken"))[:19])


def _ai(title: str, description: str, tags: Sequence[str]) -> Ai:
    """What the owner says in words; Flickr itself says nothing about generators or opt-outs."""
    signals = [f"tag {tag}" for tag in tags if _GENERATED_TAG.fullmatch(tag.casefold())]
    signals += [found[0] for text in (title, description) if (found := _GENERATED_WORDS.search(text))]
    return Ai(generated=True if signals else None, signals=tuple(dict.fromkeys(signals)))


def _text(holder: Mapping[str, Any], name: str) -> str:
    """A field as text: `"x"`, `7` or `{"_content": "x"}`; "" for anything else."""
    value = holder.get(name)
    if isinstance(value, Mapping):
        value = value.get("_content")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", url)
    except ValueError:  # http://[broken
        return False
