"""What the handlers find in the application and in a request, each under one typed key."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from aiohttp import web

from fileshare.domain.model import Caller
from fileshare.services.accounts import Accounts
from fileshare.services.audit import Audit
from fileshare.services.concatenation import Concatenation
from fileshare.services.files import Files
from fileshare.services.logbook import Logbook
from fileshare.services.measures import Disk, Measures
from fileshare.services.transfers import Transfers
from fileshare.services.uploads import Uploads

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """What this door is told of itself."""

    require_auth: bool = True
    trusted_proxies: tuple[Network, ...] = ()
    """Only from these do X-Forwarded-For, -Proto and -Host count."""
    public_url: str | None = None
    """Where people reach this door through a proxy; may hold a path prefix."""
    max_file_size: int | None = None
    stall_seconds: float = 60
    session_seconds: int = 30 * 86_400
    """How long a browser keeps its cookie; the session itself ends by the server's own clock."""
    trash_days: int = 30
    """How long something stays in the trash, which its page says."""

    @property
    def prefix(self) -> str:
        """The path in front of every URL that we tell, without a slash at its end."""
        return urlsplit(self.public_url).path.rstrip("/") if self.public_url else ""


@dataclass(frozen=True, slots=True)
class WebServices:
    """What the handlers call."""

    uploads: Uploads
    concatenation: Concatenation
    files: Files
    accounts: Accounts
    audit: Audit
    logbook: Logbook
    measures: Measures
    transfers: Transfers
    settings: WebSettings


SERVICES: web.AppKey[WebServices] = web.AppKey("services", WebServices)

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
"""Who asks, where somebody is known; `identity.caller_of` reads it."""

DISK: web.RequestKey[Disk] = web.RequestKey("disk", Disk)
"""How full the disk is, for pages of those who can do something about it."""


def services_of(request: web.Request) -> WebServices:
    """The services behind a request."""
    return request.app[SERVICES]
