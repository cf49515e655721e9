"""End a connection for good, as both doors must when its login ends.

Downloads are sent by threads on copies of the socket, which live on when asyncio closes its
own: whoever then begins to read again would get megabytes more.
"""

import asyncio
import socket
from contextlib import suppress


def cut(transport: asyncio.WriteTransport | None) -> None:
    """Nothing is read or sent on it any more, by nobody. Does not wait, and may come twice."""
    if transport is None:
        return
    ours = transport.get_extra_info("socket")
    if ours is not None:
        with suppress(OSError):  # it has ended already
            ours.shutdown(socket.SHUT_RDWR)
    transport.abort()
