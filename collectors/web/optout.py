"""What hosts and authors say against the use of their images by machines; none of it can be switched off.

`X-Robots-Tag` and `<meta name="robots">`
(https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag), the TDM Reservation Protocol
(https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/) and robots.txt (RFC 9309).
"""

import re
import weakref
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import requests

AGENT = "universe-gan"
"""Our name in robots rules."""

NO = frozenset({"noai", "noimageai", "noml", "noindex", "noimageindex", "none"})

_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_RULE = re.compile(r"\s*(?:(?P<agent>[\w*.-]+)\s*:)?\s*(?P<rule>[^,]*?)\s*(?:,|$)")


def opt_out(headers: Mapping[str, str], agent: str = AGENT) -> str | None:
    """The words with which a response opts out, or `None`.

    A prefix (`otherbot: noai`) holds for the rules after it in the same header. Where a mapping has already
    joined several headers into one, that cannot be seen any more; then only the rule right after a foreign
    prefix is taken to be meant for others.
    """
    separate = getattr(headers, "getlist", None)
    tags: Iterable[str] = separate("X-Robots-Tag") if separate else _values(headers, "x-robots-tag")
    for tag in tags:
        if said := _refusal(tag, agent.lower(), joined=separate is None):
            return f"X-Robots-Tag: {said}"
    for value in _values(headers, "tdm-reservation"):
        if any(part.strip().strip('"') == "1" for part in value.split(",")):
            return "tdm-reservation: 1"
    return None


def meta_opt_out(metas: Iterable[tuple[str, str]], agent: str = AGENT) -> str | None:
    """The words with which the `<meta>` elements of a page (name, content) opt out, or `None`.

    `robots` and our own name speak to us, another robot's name does not; `tdm-reservation` is the same
    protocol's form in HTML.

    >>> meta_opt_out([("robots", "max-image-preview:large, noimageai")])
    'meta robots: noimageai'
    """
    for name, content in metas:
        told = name.strip().lower()
        if told in ("robots", agent.lower()) and (said := _refusal(content, agent.lower(), joined=True)):
            return f"meta {told}: {said}"
        if told == "tdm-reservation" and content.strip() == "1":
            return "meta tdm-reservation: 1"
    return None


def _values(headers: Mapping[str, str], name: str) -> list[str]:
    return [value for key, value in headers.items() if key.lower() == name]


def _refusal(tag: str, agent: str, *, joined: bool) -> str | None:
    ours = True
    for match in _RULE.finditer(tag.lower().replace(";", ",")):
        prefix, rule = match["agent"], match["rule"]
        if prefix in _VALUED:
            continue
        if prefix:
            ours = prefix in (agent, "*")
        if ours and rule in NO:
            return rule
        ours = ours or joined
    return None


_robots: "weakref.WeakKeyDictionary[requests.Session, dict[str, RobotFileParser]]" = (
    weakref.WeakKeyDictionary()
)


def allowed_by_robots(session: requests.Session, url: str) -> bool:
    """Whether the host's robots.txt lets us read this page; asked once a host and session.

    No robots.txt (any 4xx) allows everything, as RFC 9309 has it. Raises whatever the session raises
    (`NoContact`, `HostBusy`): a host whose rules cannot be read is not asked for its pages.
    """
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    known = _robots.setdefault(session, {})
    if origin not in known:
        answer = session.get(f"{origin}/robots.txt")
        rules = RobotFileParser()
        rules.parse(answer.text.splitlines() if answer.status_code < 400 else [])
        known[origin] = rules
    return known[origin].can_fetch(AGENT, url)
