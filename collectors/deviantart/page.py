"""A deviation's own page → what it says of licence and AI. Pure: the asking is done in `visit`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from bs4 import BeautifulSoup
from bs4.builder import ParserRejectedMarkup

from collectors.web.optout import meta_opt_out

_STATE = re.compile(r"window\.__INITIAL_STATE__\s*=\s*(?:JSON\.parse\(\s*)?")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', re.DOTALL)
_ESCAPE = re.compile(r'\\(x[0-9A-Fa-f]{2}|.)|"', re.DOTALL)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class PageChanged(Exception):
    """A page that is not built as pages of deviations are: which work's, and what was looked for in it."""

    def __init__(self, deviation: str, looked_for: str) -> None:
        super().__init__(f"the page of deviation {deviation} has changed: it has no {looked_for}")
        self.deviation, self.looked_for = deviation, looked_for


def read_page(html: str, number: str) -> dict[str, Any]:
    """What a page says of the one deviation it is about, as plain JSON; of the 35 others in it, nothing.

    The page carries its own state in a script, as a string of JSON inside JavaScript:

        window.__INITIAL_STATE__ = JSON.parse("{\\"@@entities\\": {\\"deviation\\": {\\"42\\":
            {\\"deviationId\\": 42, \\"license\\": \\"by-nc-nd\\", \\"isAiUseDisallowed\\": true, …}}}}")

    `None` stands for what the page does not state. Raises `PageChanged`.
    """
    try:
        soup = BeautifulSoup(html, "html.parser")
    except ParserRejectedMarkup:
        raise PageChanged(number, "HTML that can be read") from None
    entities = _entities(_state(soup, number))
    record = _entry(entities, "deviation", number)
    if str(record.get("deviationId")) != number:
        raise PageChanged(number, f"record @@entities.deviation.{number} in window.__INITIAL_STATE__")
    if not isinstance(record.get("license"), str):
        raise PageChanged(number, f"text @@entities.deviation.{number}.license in window.__INITIAL_STATE__")
    extended = _entry(entities, "deviationExtended", number)
    metas = [(str(meta.get("name", "")), str(meta.get("content", ""))) for meta in soup.find_all("meta")]
    said = meta_opt_out(metas)
    return {
        "number": number,
        "uuid": _uuid(extended.get("deviationUuid")),
        "url": _text(record.get("url")),
        "title": _text(record.get("title")),
        "author": _text(_entry(entities, "user", str(record.get("author"))).get("username")),
        "type": _text(record.get("type")),
        "deleted": _flag(record.get("isDeleted")),
        "license": _text(record["license"]),
        "ai_use_disallowed": _flag(record.get("isAiUseDisallowed")),
        "ai_generated": _flag(record.get("isAiGenerated")),
        "opt_out": [said] if said else [],
        "media": _media(record, extended),
    }


def _state(soup: BeautifulSoup, number: str) -> Mapping[str, Any]:
    for script in soup.find_all("script"):
        text = script.get_text()
        if found := _STATE.search(text):
            return _parsed(text, found.end(), number)
    raise PageChanged(number, "script with window.__INITIAL_STATE__")


def _parsed(text: str, start: int, number: str) -> Mapping[str, Any]:
    """The state, from a literal of JSON at this place or from one that is wrapped in a string."""
    try:
        literal = _LITERAL.match(text, start)
        state = json.loads(_as_json(literal[0])) if literal else text[start:]
        value, _ = json.JSONDecoder().raw_decode(state)
    except (ValueError, RecursionError, TypeError):
        raise PageChanged(number, "JSON in window.__INITIAL_STATE__") from None
    if not isinstance(value, dict):
        raise PageChanged(number, "object in window.__INITIAL_STATE__")
    return value


def _as_json(literal: str) -> str:
    """A JavaScript string literal as one of JSON, which has fewer escapes and one kind of quotes."""

    def spelt(match: re.Match[str]) -> str:
        escaped = match[1]
        if escaped is None:
            return '\\"'
        if escaped in ('"', "\\", "/", "b", "f", "n", "r", "t", "u"):
            return match[0]
        if len(escaped) == 3:
            return f"\\u00{escaped[1:]}"
        known = {"v": "\\u000b", "0": "\\u0000", "\n": ""}
        return known.get(escaped, escaped)

    return f'"{_ESCAPE.sub(spelt, literal[1:-1])}"'


def _entities(state: Mapping[str, Any]) -> Mapping[str, Any]:
    entities = state.get("@@entities")
    return entities if isinstance(entities, dict) else {}


def _entry(entities: Mapping[str, Any], kind: str, key: str) -> Mapping[str, Any]:
    table = entities.get(kind)
    entry = table.get(key) if isinstance(table, dict) else None
    return entry if isinstance(entry, dict) else {}


def _media(record: Mapping[str, Any], extended: Mapping[str, Any]) -> dict[str, Any]:
    """The file as it was uploaded; the address is the stable form that opens nothing without a token."""
    media, file = record.get("media"), extended.get("originalFile")
    media = media if isinstance(media, dict) else {}
    file = file if isinstance(file, dict) else {}
    return {
        "url": _text(media.get("baseUri")),
        "width": _count(file.get("width")),
        "height": _count(file.get("height")),
        "bytes": _count(file.get("filesize")),
    }


def _uuid(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else None


def _flag(value: Any) -> bool | None:
    """True or false; anything else is no statement."""
    return value if isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None


def _text(value: Any) -> str | None:
    """Text that can be written as UTF-8: half characters, which JSON may hold, become `?`."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None
