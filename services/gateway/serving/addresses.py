"""Decides which addresses count as one client."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(maxsize=1024)
def network(address: str) -> str:
    """Returns what counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which one client has."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:  # of a Unix socket
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
