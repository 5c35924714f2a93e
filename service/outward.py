"""Where a clinic's webhook may lead: to the public internet over TLS, and nowhere near the machines that this service
runs beside.

A URL that an outsider chooses and our server fetches is a way into our network (SSRF). So the address is checked when
it is configured, and again after every look-up of its name: a name may point elsewhere by then.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_CLOUD = frozenset({ip_address("168.63.129.16"), ip_address("100.100.100.200"), ip_address("fd00:ec2::254")})
"""Metadata services on addresses that look like others: Azure's, Alibaba's, Amazon's over IPv6."""
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))


class Refused(ValueError):
    """The address is not one that webhooks may go to."""


def may_go_to(address: str, allow_private: bool) -> bool:
    """Whether webhooks may go to this IP address. `allow_private` admits private networks and this machine, nothing
    else."""
    try:
        ip = _inner(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if ip in _CLOUD or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return False
    if allow_private and (ip.is_private or ip.is_loopback):
        return True
    site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not ip.is_reserved and not site_local


def check_url(url: str, allow_private: bool) -> None:
    """Raises Refused, saying why, for a URL that webhooks may not be sent to as far as the URL itself tells."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Refused("it is not a URL") from None
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Refused("it may hold only printable ASCII characters")
    if not host or port == 0:
        raise Refused("it names no host")
    if parts.username is not None or parts.password is not None:
        raise Refused("it must not hold a user name or password: the signature says who sends")
    if parts.fragment:
        raise Refused("it must not hold a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private and _is_here(host)):
        raise Refused("it must begin with https://")
    if host.rstrip(".").lower() == "localhost" and not allow_private:
        raise Refused("it leads to this machine")
    if _is_address(host) and not may_go_to(host, allow_private):
        raise Refused("it leads to a private or special address")


def _is_here(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    return _is_address(host) and ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(ip, IPv4Address):
        return ip
    if any(ip in network for network in _NAT64):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _compatible(ip)


def _compatible(ip: IPv6Address) -> IPv4Address | IPv6Address:
    # ::127.0.0.1, deprecated, but some stacks still take it; :: and ::1 are themselves.
    return IPv4Address(int(ip)) if 1 < int(ip) < 2**32 else ip
