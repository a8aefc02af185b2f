"""Words of strangers made harmless for a terminal and a log: control characters shown, keys left out.

Titles, names and answers come from anybody. An escape sequence in one could repaint the terminal, a mark that
turns the direction of writing could hide what stands there, and an error may quote the address it came from.
"""

import os
import re
from collections.abc import Mapping
from urllib.parse import quote

SECRETS = (
    "FLICKR_API_KEY",
    "FLICKR_API_SECRET",
    "DEVIANTART_CLIENT_ID",
    "DEVIANTART_CLIENT_SECRET",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
"""Variables of the environment whose values are never shown."""

SHORTEST = 8
"""Letters below which a value is no key: leaving `test` out of every line would hide more than it keeps."""

CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing
    "\u2028\u2029\ufeff\ud800-\udfff]"
)
"""What a terminal would obey or a reader would not see."""
_PASSWORD = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_QUERY = re.compile(
    r"(?i)(?<![\w-])((?:api_?key|access_token|client_secret|oauth_\w+|token|x-amz-\w+|signature)=)[^\s&\"'<>]+"
)


def visible(text: str) -> str:
    r"""Every control character as its escape: `\x1b`, `\u202e`; tabs and line feeds stay.

    >>> visible("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def without_secrets(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without passwords in addresses, keys in their queries, and what the environment keeps secret.

    >>> without_secrets("https://ada:pw@example.org/?api_key=1234&page=2", {})
    'https://[hidden]@example.org/?api_key=[hidden]&page=2'
    """
    environment = os.environ if environment is None else environment
    for name in SECRETS:
        value = environment.get(name, "").strip()
        if len(value) >= SHORTEST:
            for spelling in (value, quote(value, safe="")):
                text = text.replace(spelling, f"[{name}]")
    return _QUERY.sub(r"\1[hidden]", _PASSWORD.sub("[hidden]", text))


def plain(text: str) -> str:
    """What may be shown of any text."""
    return visible(without_secrets(text))
