"""Which networks a session may reach: the public one, and those in which the recipe itself names a server.

A manifest or an answer can name any address. What it names is judged twice: as it is spelt before anything is
sent, and by the address that the connection really has, so that neither a name which resolves to a private
address nor one that resolves differently a second later gets around it.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from collectors.web.pace import PACES

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Net(StrEnum):
    """Whose network an address belongs to; the values are words for people."""

    PUBLIC = "the public network"
    LOOPBACK = "this machine"
    PRIVATE = "a private network"
    NOWHERE = "no network of servers"
    """Link-local, multicast, reserved, and where clouds hand out credentials."""


Reach = frozenset[Net]
"""The networks that may be reached."""

PUBLIC_ONLY: Reach = frozenset({Net.PUBLIC})
AND_THIS_MACHINE: Reach = frozenset({Net.PUBLIC, Net.LOOPBACK})

_METADATA = frozenset(
    ipaddress.ip_address(one)
    for one in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
"""Services of AWS, Google, Azure, Alibaba and Oracle that answer a machine about itself."""

_SHARED = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}")


class AddressRefused(Exception):
    """A host lies in a network that this session may not reach; nothing was sent to it."""

    def __init__(self, host: str, net: Net) -> None:
        super().__init__(f"{host} lies in {net}")
        self.host, self.net = host, net


def net_of(address: Address) -> Net:
    """The network of an IP address; IPv4 that is wrapped in IPv6 counts as what it wraps."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return net_of(inner)
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return Net.NOWHERE
    if address.is_loopback:
        return Net.LOOPBACK
    if address.is_reserved:
        return Net.NOWHERE
    shared = address.version == 4 and address in _SHARED
    return Net.PRIVATE if address.is_private or shared or not address.is_global else Net.PUBLIC


def spelt(name: str) -> Net | None:
    """The network of a host by its spelling, the odd ones included; `None`: a name that must be looked up.

    >>> spelt("2130706433"), spelt("0x7f.1"), spelt("localhost."), spelt("example.org")
    (<Net.LOOPBACK: 'this machine'>, <Net.LOOPBACK: 'this machine'>, <Net.LOOPBACK: 'this machine'>, None)
    """
    name = name.strip("[]").rstrip(".").partition("%")[0].lower()
    try:
        return net_of(ipaddress.ip_address(name))
    except ValueError:
        pass
    if _NUMBERS.fullmatch(name):
        try:
            return net_of(ipaddress.ip_address(socket.inet_aton(name)))
        except OSError:
            return Net.NOWHERE
    if name == "localhost" or name.endswith(".localhost"):
        return Net.LOOPBACK
    return Net.PRIVATE if name.endswith((".local", ".internal")) else None


def looked_up(name: str) -> frozenset[Net]:
    """The networks of a host by its spelling or by what its name resolves to; empty: to nothing."""
    if (net := spelt(name)) is not None:
        return frozenset({net})
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(net_of(ipaddress.ip_address(one)) for one in found)


def reach_of(addresses: Iterable[str]) -> Reach:
    """The public network, and those in which one of these addresses (URLs that a recipe names) lies.

    Hosts in `PACES` are known to be public and are not looked up.
    """
    hosts: set[str] = set()
    for address in addresses:
        try:
            hosts.add(urlsplit(address).hostname or "")
        except ValueError:
            continue
    named = frozenset().union(*(looked_up(host) for host in hosts - PACES.keys() if host))
    return (PUBLIC_ONLY | named) - {Net.NOWHERE}


def pool_classes(reach: Reach) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools for `PoolManager.pool_classes_by_scheme` whose connections stay within `reach`."""

    def checked(connected: socket.socket, host: str) -> socket.socket:
        peer = str(connected.getpeername()[0]).partition("%")[0]
        net = net_of(ipaddress.ip_address(peer))
        if net not in reach:
            connected.close()
            raise AddressRefused(host, net)
        return connected

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
