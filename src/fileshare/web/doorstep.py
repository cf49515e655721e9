"""A connection until its TLS handshake is through: it has a place already, and may lose it.

asyncio shows a protocol nothing of a connection before that, not even whence it comes, so
that whoever never shakes hands could be neither counted nor asked to leave.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from typing import cast

from fileshare.domain.addresses import group_of
from fileshare.services.seats import Seats
from fileshare.web.keys import Network
from fileshare.web.origin import is_trusted

_log = logging.getLogger("fileshare.web")


class Doorstep(asyncio.Protocol):
    """Shakes hands, and hands the connection over."""

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        seats: Seats,
        tls: ssl.SSLContext,
        seconds: float,
        *,
        proxies: Sequence[Network],
        shaking: set[asyncio.Task[None]],
    ) -> None:
        """`make` gives the protocol that goes on; `shaking` are all handshakes, of `seconds` at most."""
        self._shaking = shaking
        self._make = make
        self._seats = seats
        self._tls = tls
        self._seconds = seconds
        self._proxies = proxies
        self._line: asyncio.Transport | None = None
        self.group = ""
        self.stranger = True
        self.holder = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, and begin."""
        self._line = line = cast(asyncio.Transport, transport)
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        self.group, self.stranger = group_of(peer), not is_trusted(peer, self._proxies)
        if self._seats.come(self):
            task = asyncio.get_running_loop().create_task(self._shake_hands(line))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)
        else:
            line.abort()

    def give_way(self) -> None:
        """End it now."""
        if self._line is not None:
            self._line.abort()

    async def _shake_hands(self, line: asyncio.Transport) -> None:
        hall = _Hall()
        try:
            inside = await asyncio.get_running_loop().start_tls(
                line, hall, self._tls, server_side=True, ssl_handshake_timeout=self._seconds
            )
            self._seats.leave(self)
            if inside is not None and not line.is_closing():
                hall.lead_on(inside, self._make())
        except OSError as error:  # a peer that went away, was silent, or can't do our TLS
            _log.debug("no handshake with %s: %s", self.group, error)
            line.abort()
        finally:
            self._seats.leave(self)


class _Hall(asyncio.Protocol):
    """What came with the end of the handshake, before anybody could take it."""

    def __init__(self) -> None:
        self._came: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """The first request, perhaps."""
        self._came.append(data)

    def lead_on(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        """The connection and what came on it, to whom it was meant for."""
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for data in self._came:
            protocol.data_received(data)
