"""One socket: connect it, with or without TLS, and move bytes with a limit on silence.

Translates what the system reports into ConnectionLost and nothing else. Knows no
message. A byte of progress starts the limit anew, so that slow lines work and dead
ones are noticed.
"""

import select
import socket
from typing import TYPE_CHECKING

from fileshare.client.servers import Server
from fileshare.errors import ConnectionLost, ProtocolError

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 15.0
"""A server that is there answers in one; a firewall that swallows packets never does."""

SILENCE_SECONDS = 60.0
"""The server cuts a stalled transfer after 60 s (design, section 4); waiting longer gains nothing."""

_AHEAD = 64 << 10
"""Bytes read at once where single messages are wanted: many small replies cost one call."""

_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 35_000}
"""Where the system can: a peer that vanished is noticed after 35 s, also while nothing is sent."""


def connect(server: Server, timeout: float = CONNECT_SECONDS) -> "Channel":
    """A channel to the server. Raises ConnectionLost; ProtocolError for a certificate not trusted."""
    # As bytes a plain name needs no idna codec, whose import costs 2 ms.
    host = server.host.encode() if server.host.isascii() else server.host
    try:
        plain = socket.create_connection((host, server.port), timeout)  # type: ignore[arg-type]
    except (OSError, UnicodeError) as error:
        raise ConnectionLost(f"Can't connect to {server.name}: {_reason(error)}.") from None
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(plain)
        return Channel(_wrapped(plain, server) if server.tls else plain)
    except BaseException:
        plain.close()
        raise


def _keep_alive(plain: socket.socket) -> None:
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        if hasattr(socket, option):
            plain.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _wrapped(plain: socket.socket, server: Server) -> socket.socket:
    """The socket under TLS 1.2 or newer, with the server's name checked."""
    import ssl  # costs 10 ms that plain connections don't pay

    try:
        context = ssl.create_default_context(cafile=server.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context.wrap_socket(plain, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        raise ProtocolError(
            f"The certificate of {server.name} is not trusted: {error.verify_message}. "
            "With a certificate of your own, name its authority by --ca FILE."
        ) from None
    except FileNotFoundError:
        raise ProtocolError(f"There is no file {server.ca!r} with an authority's certificate.") from None
    except ssl.SSLError as error:
        raise ProtocolError(f"{server.name} does not speak TLS as it should: {error.reason}.") from None
    except OSError as error:
        raise ConnectionLost(f"The connection to {server.name} was lost: {_reason(error)}.") from None


class Channel:
    """Bytes in and out of one connected socket."""

    def __init__(self, sock: "socket.socket | ssl.SSLSocket", silence: float = SILENCE_SECONDS) -> None:
        self._socket = sock
        self._ahead = b""
        self._at = 0
        self._closed = False
        self.silence = silence
        can_gather = hasattr(sock, "sendmsg") and not hasattr(sock, "pending")
        self._gathering: socket.socket | None = sock if can_gather else None
        """The socket again; not on Windows, nor under TLS."""
        self.sent = 0
        """Bytes that the system has taken, those of a failed `send` included."""
        self.allow_silence(silence)

    def allow_silence(self, seconds: float | None = None) -> None:
        """How long the other side may take none and give none of the bytes; None: the usual."""
        try:
            self._socket.settimeout(seconds or self.silence)
        except OSError as error:
            raise self._lost(error) from None

    def send(self, *pieces: bytes | memoryview) -> None:
        """Hand all of the pieces to the system, at once where it can. Raises ConnectionLost."""
        rest = [memoryview(piece) for piece in pieces if piece]
        try:
            while rest:
                count = self._send_some(rest)
                self.sent += count
                rest = _behind(rest, count)
        except OSError as error:
            raise self._lost(error) from None

    def _send_some(self, pieces: list[memoryview]) -> int:
        if self._gathering is not None and len(pieces) > 1:
            return self._gathering.sendmsg(pieces)
        return self._socket.send(pieces[0])

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes. Raises ConnectionLost when they don't come."""
        while len(self._ahead) - self._at < count:
            more = self._receive(max(_AHEAD, count))
            self._ahead = self._ahead[self._at :] + more if self._at < len(self._ahead) else more
            self._at = 0
        data = self._ahead[self._at : self._at + count]
        self._at += count
        return data

    def into(self, view: memoryview) -> int:
        """The next 1 to `len(view)` bytes, put into `view`; returns how many."""
        if self._at < len(self._ahead):
            data = self._ahead[self._at : self._at + len(view)]
            view[: len(data)] = data
            self._at += len(data)
            return len(data)
        try:
            count = self._socket.recv_into(view)
        except OSError as error:
            raise self._lost(error) from None
        if not count:
            raise ConnectionLost("The server closed the connection.")
        return count

    def readable(self) -> bool:
        """Whether bytes have come, or the end; never waits."""
        if self._at < len(self._ahead):
            return True
        try:
            ready = bool(select.select([self._socket], [], [], 0)[0])
        except (OSError, ValueError) as error:
            raise ConnectionLost(f"The connection was lost: {error}.") from None
        return self._read_records() if hasattr(self._socket, "pending") else ready

    def _read_records(self) -> bool:
        """Under TLS what has come may be a record that holds no byte for us: only reading tells."""
        before = self._socket.gettimeout()
        try:
            self._socket.settimeout(0)
            data = self._socket.recv(_AHEAD)
            self._socket.settimeout(before)
        except OSError as error:
            if type(error).__name__ not in ("SSLWantReadError", "SSLWantWriteError"):
                raise self._lost(error) from None
            self._socket.settimeout(before)
            return False
        if not data:
            raise ConnectionLost("The server closed the connection.")
        self._ahead, self._at = data, 0
        return True

    def close(self) -> None:
        """Let go of the socket; what was sent before still arrives. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._socket.close()

    def cut(self) -> None:
        """Wake whoever waits in this channel, from another thread; they get ConnectionLost."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _receive(self, count: int) -> bytes:
        try:
            data = self._socket.recv(count)
        except OSError as error:
            raise self._lost(error) from None
        if not data:
            raise ConnectionLost("The server closed the connection.")
        return data

    def _lost(self, error: OSError) -> ConnectionLost:
        if isinstance(error, TimeoutError):
            return ConnectionLost("The server has been silent for too long.")
        return ConnectionLost(f"The connection was lost: {_reason(error)}.")


def _behind(pieces: list[memoryview], count: int) -> list[memoryview]:
    """What is left of them after the first `count` bytes."""
    for index, piece in enumerate(pieces):
        if count < len(piece):
            return [piece[count:], *pieces[index + 1 :]]
        count -= len(piece)
    return []


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
