"""Redirects that are not followed: out of the web, or from the public net into a private one."""

from urllib.parse import urljoin, urlsplit

import requests

from collectors.web.reach import Net, looked_up


class RedirectRefused(Exception):
    """A host pointed somewhere we do not go: another scheme, or from the public net into a private one."""

    def __init__(self, url: str, target: str, why: str) -> None:
        self.url, self.target, self.why = without_query(url), without_query(target), why
        super().__init__(f"{self.url} redirects to {self.target}: {why}")


def without_query(url: str) -> str:
    """An address to be told: without a query, which may hold a token, or a password before its host."""
    bare = url.partition("#")[0].partition("?")[0]
    scheme, slashes, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" if slashes else bare


def check_redirect(response: requests.Response) -> None:
    """Raise `RedirectRefused` where a redirect leads to a place that is not the public web."""
    if not response.is_redirect:
        return
    url = response.url
    target = urljoin(url, response.headers["Location"])
    scheme, old, new = urlsplit(target).scheme, urlsplit(url).hostname or "", urlsplit(target).hostname or ""
    why = None
    if scheme not in ("http", "https"):
        why = f"{scheme} is not a scheme of the web"
    elif old != new and _is_private(new) and not _is_private(old):
        why = "a public host must not lead into a private network"
    if why:
        response.close()
        raise RedirectRefused(url, target, why)


def _is_private(name: str) -> bool:
    """Whether a host is not on the public net; one that does not resolve here may be known to a proxy."""
    return bool(looked_up(name) - {Net.PUBLIC})
