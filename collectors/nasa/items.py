"""An item of a search answer, with the list of its files and its metadata → a record. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from collectors.conclude import conclude, credit_line
from collectors.nasa import credits, files, terms
from collectors.record import Ai, Creator, FoundBy, Record, Seen
from collectors.storage.files import canonical_json

TITLE = "NASA Image and Video Library"
PAGE = "https://images.nasa.gov/details/"

DEEPEST = 24
"""Levels of an answer; real ones have about six."""


class BrokenItem(Exception):
    """An item that is not as the API documents it; `uid` is `None` where it does not even say which it is."""

    def __init__(self, uid: str | None, detail: str) -> None:
        super().__init__(f"{uid or 'an item'}: {detail}")
        self.uid, self.detail = uid, detail


class NoFile(Exception):
    """An image without a file that we could take."""

    def __init__(self, uid: str, detail: str) -> None:
        super().__init__(f"{uid}: {detail}")
        self.uid, self.detail = uid, detail


def _one_text(value: Any) -> Any:
    """Fields of text come as a text, as nothing, and now and then as a list of texts."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(value) if all(isinstance(one, str) for one in value) else value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _list(value: Any) -> Any:
    return () if value is None else (value,) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_one_text)]


class Described(BaseModel):
    """What an item says of its image, as far as a record needs it; all else is read for its words only."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    nasa_id: str = Field(min_length=1, max_length=2000)
    title: Text = ""
    description: Text = ""
    description_508: Text = ""
    center: Text = ""
    date_created: Text = ""
    media_type: Text = "image"
    keywords: Annotated[tuple[Text, ...], BeforeValidator(_list)] = ()


def uid(nasa_id: str) -> str:
    """`nasa:PIA04499`; the id percent-encoded, and a very long one cut and ended by its hash.

    The encoding leaves no `!` bare, so the two kinds cannot meet.

    >>> uid("50 Years of Mars ")
    'nasa:50%20Years%20of%20Mars%20'
    """
    name = quote(nasa_id, safe="", errors="replace")
    if len(name) > 150:
        name = f"{name[:110]}!{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return f"nasa:{name}"


def nasa_id(record: Record) -> str:
    """The library's own id of a record's image."""
    if "!" not in record.uid:
        return unquote(record.uid.partition(":")[2])
    return unquote((record.page or "").removeprefix(PAGE))


def described(item: Any) -> Described:
    """Check an item at the door. Raises `BrokenItem` with everything that is wrong with it."""
    if too_deep(item):
        raise BrokenItem(None, f"nested more than {DEEPEST} levels deep")
    if not isinstance(item, Mapping):
        raise BrokenItem(None, f"not an object but {_brief(item)}")
    data = item.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(one, Mapping) for one in data):
        raise BrokenItem(None, f"`data` is not a list of objects but {_brief(data)}")
    try:
        return Described.model_validate(data[0])
    except ValidationError as error:
        name = data[0].get("nasa_id")
        known = uid(name) if isinstance(name, str) and 0 < len(name) <= 2000 else None
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BrokenItem(known, "; ".join(wrong)[:500]) from error


def wrap(
    item: Mapping[str, Any],
    *,
    api: str,
    query: str,
    assets: Sequence[str],
    metadata: Mapping[str, Any] | None = None,
    unread: str | None = None,
) -> dict[str, Any]:
    """The answer that is kept as evidence: item, list of files and metadata as they came.

    `metadata` is `None` where it was not asked for or there is none; `unread` says why it could not be read.
    Halves of characters (a lone `\\ud83d`), which no file can hold, become question marks.
    """
    answer = {"api": api, "query": query, "item": item, "assets": list(assets), "metadata": metadata}
    text = json.dumps(answer | {"unread": unread}, ensure_ascii=False)
    whole: dict[str, Any] = json.loads(text.encode(errors="replace"))
    return whole


def parse(answer: Mapping[str, Any], subject: str) -> Record:
    """A kept answer → the record it amounts to, without any network. `seen` and `Evidence.at` are left open.

    Raises:
        BrokenItem: the item is not as documented.
        NoFile: none of its files is a raster image.
    """
    return parse_item(answer, subject)


def parse_item(
    answer: Mapping[str, Any],
    subject: str,
    at: datetime | None = None,
    kind: Literal["real", "fictive"] | None = None,
) -> Record:
    """A wrapped item (see `wrap`), asked at a time → a record. Raises as `parse`.

    The parts that matter look like this; v1.0 knows one link, v1.1 all of them with their pixels:

        {"item": {"data": [{"nasa_id": "PIA04499", "title": …, "description": …, "keywords": […],
                            "secondary_creator": "NASA/JPL", "photographer": …, "center": "JPL", …}],
                  "links": [{"href": "http://…~thumb.jpg", "rel": "preview", "width": 640, …}]},
         "assets": ["http://…~orig.tif", "http://…~large.jpg", …],
         "metadata": {"Photoshop:CopyrightFlag": false, "AVAIL:Description": …}}
    """
    item, metadata = answer["item"], answer.get("metadata") or {}
    about = described(item)
    name = uid(about.nasa_id)
    links = [link for link in _listed(item.get("links")) if isinstance(link, Mapping)]
    original = files.original(links, answer["assets"], metadata, answer["api"], about.date_created)
    if original is None:
        raise NoFile(name, f"no raster image among its {len(answer['assets'])} files")
    said = [one for data in item["data"] for one in terms.texts("search", _worded(data))]
    said += terms.texts("metadata", metadata)
    ruling = terms.rule(said, answer.get("unread"))
    rights = conclude([ruling.claim] if ruling.claim else [], terms.restrictions(about.nasa_id, said))
    page = PAGE + quote(about.nasa_id, safe="", errors="replace")
    creator = Creator(name=_credit(terms.credits_of(said)))
    title = _short(about.title, 300) or about.nasa_id
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
    answer_sha256 = hashlib.sha256(canonical_json(answer)).hexdigest()
    return Record(
        uid=name,
        source="nasa",
        subject=subject,
        title=title,
        page=page,
        found_by=FoundBy(query=answer["query"], path=(answer["query"],)),
        kind=kind,
        description=_short(about.description or about.description_508),
        categories=about.keywords,
        original=original,
        creator=creator,
        credit_line=credit_line(title, creator, TITLE, page, rights),
        rights=rights,
        evidence=tuple(terms.evidence(said, ruling, url=page, at=when, answer_sha256=answer_sha256)),
        ai=_ai(metadata),
        seen=Seen(first=when or ""),
    )


_NO_WORDS = frozenset({"nasa_id", "center", "date_created", "media_type"})


def _worded(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that may hold words about rights: all but those with a code or a date; unknown ones too."""
    return {field: value for field, value in data.items() if field not in _NO_WORDS}


def _credit(found: Sequence[terms.Said]) -> str | None:
    """One line from where credits stand: the fields of the search, else its prose, else the metadata."""
    fields = [one.text for one in found if one.channel == "search" and one.is_credit]
    prose = [one.text for one in found if one.channel == "search"]
    lines = fields or prose or [one.text for one in found]
    told = [line for line in lines if not any(line != other and line in other for other in lines)]
    return "; ".join(dict.fromkeys(told))[:300] or None


def _ai(metadata: Mapping[str, Any]) -> Ai:
    """What the file's own metadata says: IPTC's digital source type, and PLUS's word on data mining.

    https://cv.iptc.org/newscodes/digitalsourcetype/ · https://ns.useplus.org/LDF/ldf-XMPSpecification
    """
    said = {field.rpartition(":")[2].casefold(): f"{field} = {value}" for field, value in metadata.items()}
    source, mining = said.get("digitalsourcetype", ""), said.get("datamining", "")
    generated = re.search(r"algorithmic|generat", source, re.IGNORECASE) is not None
    opted_out = re.search(r"prohibited|DMI-PROHIBITED", mining, re.IGNORECASE) is not None
    signals = [source] * generated + [mining] * opted_out
    return Ai(
        generated=True if generated else None, opted_out=True if opted_out else None, signals=tuple(signals)
    )


def _short(text: str, longest: int = 1000) -> str:
    line = " ".join(credits.readable(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _brief(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:80]


def too_deep(value: Any) -> bool:
    """Whether a value is nested more than `DEEPEST` levels; found without recursion."""
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = inner
    return bool(level)
