"""Which addresses may be called: a receiver names them, so none may lead into our own network (pure).

What must stay true: an address is judged as it is connected to, after resolution; a name that resolves to even one
address that is not public is refused.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

MAX_LENGTH = 2000

# Named one by one: what `is_global` says changed between Python's versions.
_NOT_PUBLIC = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, the clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "64:ff9b:1::/48",  # translation within a network
        "100::/64",  # discard
        "2001::/23",  # protocols, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
]
_NAT64 = ip_network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


class InvalidAddress(Exception):
    """The webhook's address can't be used; the message says why."""


class ForbiddenAddress(Exception):
    """The webhook's address leads to where no receiver of others can be."""


def parse_address(address: str, *, allow_local: bool) -> SplitResult:
    """The parts of a webhook's address. InvalidAddress says what is wrong and what is allowed."""
    schemes = ("https", "http") if allow_local else ("https",)
    if len(address) > MAX_LENGTH:
        raise InvalidAddress(f"longer than {MAX_LENGTH} characters")
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        raise InvalidAddress("only ASCII without spaces and backslashes; write other characters in percent form")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise InvalidAddress(f"no URL: {error}") from None
    if parts.scheme not in schemes:
        raise InvalidAddress(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not parts.hostname or port == 0:
        raise InvalidAddress("names no host or no valid port")
    if parts.username is not None or parts.password is not None:
        raise InvalidAddress("must not hold a user or a password; check the signature instead")
    if "#" in address:
        raise InvalidAddress("must not hold a fragment (#…)")
    literal = _literal(parts.hostname)
    if literal is not None:
        refuse_unless_allowed([literal], host=parts.hostname, allow_local=allow_local)
    return parts


def refuse_unless_allowed(addresses: Iterable[Address], *, host: str, allow_local: bool) -> None:
    """ForbiddenAddress when any of the addresses a host resolved to is not public (or, if allowed, loopback).

    The message does not say which: what a name means inside our network is nobody's business.
    """
    for address in addresses:
        if not (is_public(address) or (allow_local and _bare(address).is_loopback)):
            raise ForbiddenAddress(f"{host} leads to an address that is not public")


def is_public(address: Address) -> bool:
    """Whether the address is one of the public Internet, whatever notation it hides in."""
    bare = _bare(address)
    if any(bare.version == network.version and bare in network for network in _NOT_PUBLIC):
        return False
    return bare.is_global and not bare.is_multicast


def _bare(address: Address) -> Address:
    """The address that is connected to in the end: IPv4 that is mapped or translated, IPv6 without its zone."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        plain = IPv6Address(int(address))
        if plain in _NAT64:
            return IPv4Address(int(plain) & 0xFFFFFFFF)
        return plain
    return address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
