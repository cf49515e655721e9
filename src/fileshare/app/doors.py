"""Both doors: open them, say where they are, drain them.

A door that can't be opened ends the start with one sentence that names the setting.
"""

import errno
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fileshare.app.descriptors import places, raise_descriptor_limit
from fileshare.app.services import Services
from fileshare.app.tls import tls_context
from fileshare.config import Config
from fileshare.domain.addresses import is_loopback
from fileshare.domain.model import Door
from fileshare.errors import Unavailable
from fileshare.services.room import Room
from fileshare.tcp.server import TcpServer
from fileshare.tcp.session import TcpLimits
from fileshare.web.application import make_application
from fileshare.web.assets import find_assets
from fileshare.web.health import Health
from fileshare.web.keys import WebServices, WebSettings
from fileshare.web.server import WebLimits, WebServer
from fileshare.wire.conversation import FrameLimits

Address = tuple[str, int]

PLAIN_FROM: dict[str, Callable[[str], bool] | None] = {
    "off": None,
    "loopback": is_loopback,
    "all": lambda _address: True,
}
"""Which addresses may speak without TLS at the TCP door, by the setting `tcp_plain`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a door is to stand, and the settings that say so."""

    host: str
    port: int
    host_setting: str
    port_setting: str


class Doors:
    """The TCP door and the web door of one service."""

    def __init__(self, config: Config, services: Services, health: Callable[[], Health]) -> None:
        self._config = config
        room = Room(places(raise_descriptor_limit()))
        self._tcp = TcpServer(
            services.uploads,
            services.whole_files,
            services.files,
            services.accounts,
            tcp_limits(config, room),
            appending=services.appending,
            require_auth=config.require_auth,
        )
        application = make_application(find_assets(), health, web_services(config, services))
        self._web = WebServer(application, web_limits(config, room))
        services.measures.watch(Door.TCP, lambda: len(self._tcp.sessions))
        services.measures.watch(Door.WEB, lambda: self._web.connections)
        self.tcp_addresses: list[Address] = []
        self.web_addresses: list[Address] = []

    async def open(self) -> None:
        """Listen at both. Raises Unavailable where an address can't be had, BadRequest for bad TLS files."""
        config = self._config
        files = (config.tls_cert, config.tls_key)
        tcp = Place(config.host, config.port, "host", "port")
        web = Place(config.web_host, config.web_port, "web_host", "web_port")
        tcp_tls, web_tls = tls_context(*files), tls_context(*files, protocols=("http/1.1",))
        plain_from = PLAIN_FROM[config.tcp_plain]
        self.tcp_addresses = await _opened(tcp, self._tcp.start(tcp.host, tcp.port, tcp_tls, plain_from))
        self.web_addresses = await _opened(web, self._web.start(web.host, web.port, web_tls))

    async def drain(self, seconds: float) -> None:
        """Take no new connections, stop what runs within `seconds`; every transfer stays resumable.

        The web door stays open until the TCP door has drained, so that its health check says why.
        """
        deadline = time.monotonic() + seconds
        await self._tcp.drain(seconds)
        await self._web.drain(max(deadline - time.monotonic(), 0))

    @property
    def urls(self) -> list[str]:
        """Where both doors are, as the banner says it."""
        scheme = "https" if self._config.tls_cert else "http"
        tcp = [f"tcp://{_shown(address)}" for address in self.tcp_addresses]
        return tcp + [f"{scheme}://{_shown(address)}" for address in self.web_addresses]

    @property
    def open_to_others(self) -> bool:
        """Whether another machine can reach a door."""
        return not all(
            ipaddress.ip_address(host).is_loopback for host, _ in self.tcp_addresses + self.web_addresses
        )


def tcp_limits(config: Config, room: Room) -> TcpLimits:
    """The settings that bind the TCP door, and where its connections find place."""
    return TcpLimits(
        frames=FrameLimits(
            before_auth=config.frame_before_auth, after_auth=config.frame_after_auth, depth=config.json_depth
        ),
        first_frame_seconds=config.first_frame_seconds,
        stall_seconds=config.stall_seconds,
        idle_seconds=config.idle_seconds,
        max_unauthenticated=config.max_unauthenticated,
        max_unauthenticated_per_address=config.max_unauthenticated_per_address,
        room=room,
        window_uploads=config.window_uploads,
        window_bytes=config.window_bytes,
        small_size=config.small_size,
        max_file_size=config.max_file_size,
        list_limit=config.list_limit,
    )


def web_limits(config: Config, room: Room) -> WebLimits:
    """The settings that bind the web door, and where its connections find place."""
    return WebLimits(
        first_request_seconds=config.first_frame_seconds,
        keepalive_seconds=config.keepalive_seconds,
        stall_seconds=config.stall_seconds,
        max_silent=config.max_unauthenticated,
        max_silent_per_address=config.max_unauthenticated_per_address,
        room=room,
    )


def web_services(config: Config, services: Services) -> WebServices:
    """What the web door's handlers call, and what they are told of the door."""
    settings = WebSettings(
        require_auth=config.require_auth,
        trusted_proxies=config.trusted_proxies,
        public_url=config.public_url,
        max_file_size=config.max_file_size,
        stall_seconds=config.stall_seconds,
        session_seconds=config.session_days * 86_400,
        trash_days=config.trash_days,
    )
    return WebServices(
        uploads=services.uploads,
        concatenation=services.concatenation,
        files=services.files,
        accounts=services.accounts,
        audit=services.audit,
        logbook=services.logbook,
        measures=services.measures,
        transfers=services.workshop.transfers,
        settings=settings,
    )


async def _opened(place: Place, start: Awaitable[list[Address]]) -> list[Address]:
    try:
        return await start
    except socket.gaierror:
        raise Unavailable(f"{place.host} is no address: write another {place.host_setting}.") from None
    except OSError as error:
        raise Unavailable(_why_not(place, error)) from None


def _why_not(place: Place, error: OSError) -> str:
    flag = f"--{place.port_setting.replace('_', '-')}"
    if error.errno == errno.EADDRINUSE:
        taken = f"Port {place.port} on {place.host} is taken by another program"
        return f"{taken}: stop that, or choose another with {flag}."
    if error.errno == errno.EACCES:
        return f"Port {place.port} needs more rights than this user has: choose one above 1023 with {flag}."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{place.host} is no address of this machine: write another {place.host_setting}."
    return f"Can't listen on {place.host} port {place.port}: {error.strerror}."


def _shown(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
