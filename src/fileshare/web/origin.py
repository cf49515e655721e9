"""Where a request comes from and under which name it reached us, with or without a proxy.

A forwarding header counts only from a proxy that the settings trust; from anyone else it
proves nothing, except that the request is not this machine's own.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from fileshare.web.keys import Network, services_of

FORWARDING_HEADERS = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)


def is_forwarded(request: web.Request) -> bool:
    """Whether somebody passed this request on, so that its address says nothing about who asks."""
    return any(name in request.headers for name in FORWARDING_HEADERS)


def address_of(request: web.Request) -> str:
    """The client's address: the nearest one that no trusted proxy has."""
    trusted = services_of(request).settings.trusted_proxies
    hops = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    address = request.remote or ""
    while hops and _is_trusted(address, trusted):
        address = hops.pop()
    return address


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, with us or with a trusted proxy."""
    return origin_of(request).startswith("https://")


def origin_of(request: web.Request) -> str:
    """Scheme and host as the browser sees them, such as `https://files.example`."""
    settings = services_of(request).settings
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        return f"{parts.scheme}://{parts.netloc}"
    scheme, host = request.scheme, request.host
    if _is_trusted(request.remote or "", settings.trusted_proxies):
        scheme = request.headers.get("X-Forwarded-Proto", scheme)
        host = request.headers.get("X-Forwarded-Host", host)
    return f"{scheme}://{host}"


def local_url(request: web.Request, path: str) -> str:
    """A path of ours as a link, behind the proxy's prefix."""
    return services_of(request).settings.prefix + path


def absolute_url(request: web.Request, path: str) -> str:
    """A path of ours with scheme and host."""
    return origin_of(request) + local_url(request, path)


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)
