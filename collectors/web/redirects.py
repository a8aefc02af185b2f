"""Redirects that are not followed: out of the web, or from the public net into a private one."""

import ipaddress
import socket
from urllib.parse import urljoin, urlsplit

import requests


class RedirectRefused(Exception):
    """A host pointed somewhere we do not go: another scheme, or from the public net into a private one."""

    def __init__(self, url: str, target: str, why: str) -> None:
        super().__init__(f"{url} redirects to {target}: {why}")
        self.url, self.target, self.why = url, target, why


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
    """Whether a host, by its address or what its name resolves to, is not on the public net."""
    name = name.rstrip(".").lower()
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        pass
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return False  # unknown here; a proxy may know it, and then it is the proxy's net
    return any(not ipaddress.ip_address(address).is_global for address in found)
