"""What an address says about who is behind it: this machine, or one subscriber.

Takes any text, since an address may come from a proxy's header; never raises.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

MAX_TEXT: Final = 64
"""Characters kept of an address that is none: the longest real one has 39, and a zone."""

_HOST_BITS: Final = 64
"""Low bits of an IPv6 address that its user chooses at will (RFC 4291, section 2.5.1)."""


def group_of(address: str) -> str:
    """The group that failures are counted by: an IPv4 address, or the /64 that one IPv6 user owns."""
    parsed = _parse(address)
    if parsed is None:
        return address[:MAX_TEXT]
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return f"{IPv6Address(int(parsed) >> _HOST_BITS << _HOST_BITS)}/64"


def is_loopback(address: str) -> bool:
    """Whether the address is this machine's own; what is no address is not."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    """The address without its zone; an IPv4 address in IPv6 clothes is IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        return parsed.ipv4_mapped or parsed
    return parsed
