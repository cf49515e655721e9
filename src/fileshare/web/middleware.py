"""What every response of the web door carries, whatever handler or error made it.

A signal and not a wrapper around handlers, so that no way of answering gets past it.
"""

from aiohttp import web

from fileshare.web.origin import is_secure, is_trustworthy

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Bootstrap's own marks are data: URLs in its style sheet
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing inline and nothing from elsewhere: text that a user typed can then never run as a script."""

STRICT_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

OPENER_POLICY = "Cross-Origin-Opener-Policy"
"""Beside those, but over plain HTTP from elsewhere browsers ignore it and complain of it on every page."""

STRICT_TRANSPORT = "Strict-Transport-Security"
A_YEAR = "max-age=31536000; includeSubDomains"
"""Over TLS alone (RFC 6797, section 7.2): who came once never speaks plain HTTP to this name again."""

BEGUN: web.RequestKey[web.StreamResponse] = web.RequestKey("begun", web.StreamResponse)
"""The response whose first byte is about to be sent; a failure can't be told by another one then."""


async def strict_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that the handler has not set by itself."""
    request[BEGUN] = response
    for name, value in STRICT_HEADERS.items():
        response.headers.setdefault(name, value)
    if is_trustworthy(request):
        response.headers.setdefault(OPENER_POLICY, "same-origin")
        if is_secure(request):
            response.headers.setdefault(STRICT_TRANSPORT, A_YEAR)
    response.headers["Server"] = "fileshare"  # aiohttp's own names its version and Python's
