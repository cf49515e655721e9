"""Where a request comes from and under which name it reached us, with or without a proxy.

A forwarding header counts only from a proxy that the settings trust; from anyone else it
proves nothing, except that the request is not this machine's own.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from aiohttp import web

from fileshare.domain.addresses import is_loopback
from fileshare.web.keys import Network, services_of

FORWARDING_HEADERS = (
    "CF-Connecting-IP",
    "Forwarded",
    "True-Client-IP",
    "Via",
    "X-Client-IP",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Real-IP",
)


def is_forwarded(request: web.Request) -> bool:
    """Whether the address says nothing about who asks.

    Somebody passed the request on, or the browser was led here under a foreign name: a site
    whose name is made to point at this machine (DNS rebinding) would pass as our own user.
    """
    return any(name in request.headers for name in FORWARDING_HEADERS) or not _is_own_name(host_name(request))


def _is_own_name(name: str) -> bool:
    """An address, `localhost`, or a name without a dot, which nobody can register on the internet."""
    return _parse(name) is not None or "." not in name or name.endswith(".localhost")


def host_name(request: web.Request) -> str:
    """The host that the client named, without its port. Raises ValueError for what is none."""
    return urlsplit(f"//{_host_of(request)}").hostname or ""


def _host_of(request: web.Request) -> str:
    """Empty where the client told none: aiohttp would ask the DNS then, with the loop standing still."""
    return request.headers.get("Host", "")


def address_of(request: web.Request) -> str:
    """The client's address: the nearest one that no trusted proxy has."""
    trusted = services_of(request).settings.trusted_proxies
    address = request.remote or ""
    hops = _parts(request, "X-Forwarded-For")
    while hops and is_trusted(address, trusted):
        hop = _without_port(hops.pop())
        if _parse(hop) is None:
            break  # "unknown", or an invention: the proxy itself is all that is certain
        address = hop
    return address


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, with us or with a trusted proxy."""
    return origin_of(request).startswith("https://")


def is_trustworthy(request: web.Request) -> bool:
    """Whether browsers take this for safe from others: TLS, or their own machine (W3C, Secure Contexts)."""
    try:
        parts = urlsplit(origin_of(request))
        name = parts.hostname or ""
    except ValueError:
        return False  # a Host that is none, which is being refused
    return parts.scheme == "https" or is_loopback(name) or name == "localhost" or name.endswith(".localhost")


def origin_of(request: web.Request) -> str:
    """Scheme and host as the browser sees them, such as `https://files.example`."""
    settings = services_of(request).settings
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        return f"{parts.scheme}://{parts.netloc}".lower()
    scheme, host = request.scheme, _host_of(request)
    if is_trusted(request.remote or "", settings.trusted_proxies):
        scheme = next(reversed(_parts(request, "X-Forwarded-Proto")), scheme)
        host = next(reversed(_parts(request, "X-Forwarded-Host")), host)
    return f"{scheme}://{host}".lower()


def local_url(request: web.Request, path: str) -> str:
    """A path of ours as a link, behind the proxy's prefix."""
    return services_of(request).settings.prefix + path


def absolute_url(request: web.Request, path: str) -> str:
    """A path of ours with scheme and host."""
    return origin_of(request) + local_url(request, path)


def _parts(request: web.Request, name: str) -> list[str]:
    """A header's list, the last one nearest to us. Proxies may add a line instead of an element."""
    text = ",".join(request.headers.getall(name, ()))
    return [part.strip() for part in text.split(",") if part.strip()]


def _without_port(hop: str) -> str:
    """`192.0.2.1:5000` and `[2001:db8::1]:5000` without their port, as some proxies write it."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is that of a proxy whose headers count."""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address in IPv6 clothes, as a socket for both shows it, is IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
