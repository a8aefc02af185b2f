"""Words from the web made harmless: as plain text, in Markdown, in YAML, in a table, as a link."""

import json
import re
from urllib.parse import quote, urlsplit

_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffc]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""All that Unicode calls control characters (Cc) or halves of surrogate pairs (Cs)."""
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~&$@]|:(?=//|[\w+-]+:)|(?<=www)\.", re.IGNORECASE)
"""A colon only where it could make an address or an emoji (`:smile:`)."""
_NOT_YAML = re.compile(
    "[^\\x20-\\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes a spreadsheet read a cell as a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""

    __slots__ = ()


def plain(text: str) -> str:
    """One line of visible text: no control characters, no marks that turn the direction of writing."""
    return _SPACE.sub(" ", _CONTROL.sub(" ", _UNSEEN.sub("", text))).strip()


def markdown(text: str) -> Markdown:
    """Text as Markdown that shows exactly this text: no markup, link, table cell or HTML comes of it."""
    if isinstance(text, Markdown):
        return text
    return Markdown(_MARKDOWN.sub(r"\\\g<0>", plain(text)))


def markdown_link(text: str, url: str | None) -> Markdown:
    """`[text](url)`, or the text alone where the address is none of the web's."""
    address = web_address(url)
    return Markdown(f"[{markdown(text)}]({address})") if address else markdown(text)


def web_address(url: str | None) -> str | None:
    """The address with everything escaped that could end a link early; `None` unless http or https."""
    if url is None:
        return None
    try:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        return parts._replace(
            netloc=quote(parts.netloc, safe="%:@[]"),
            path=quote(parts.path, safe="%/:@!$&*+,;=~"),
            query=quote(parts.query, safe="%/?:@!$&*+,;=~"),
            fragment=quote(parts.fragment, safe="%/?:@!$&*+,;=~"),
        ).geturl()
    except ValueError:  # a broken address, or half a surrogate pair in it
        return None


def cell(value: object) -> str:
    """A value as one line of text that no spreadsheet runs; not known is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = plain(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def yaml_string(text: str) -> str:
    """Text as a double-quoted YAML scalar: a JSON string, with what YAML does not print escaped."""
    return _NOT_YAML.sub(_yaml_escape, json.dumps(plain(text), ensure_ascii=False))


def _yaml_escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
