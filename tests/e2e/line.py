"""The line between a client and a server: a proxy that counts, and fails when a test says so.

Forwards bytes unchanged on one thread per connection, so that a fault happens behind
exactly the byte it was asked for. Ends of file and resets pass through as what they
are. It never answers anyone by itself.
"""

import contextlib
import fcntl
import select
import socket
import struct
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.e2e.frames import FrameReader
from tests.e2e.rules import Fault, NoRule, Rule, Way

PIECE = 256 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_OTHER = {Way.UP: Way.DOWN, Way.DOWN: Way.UP}


@dataclass
class Flow:
    """One direction of a connection."""

    source: socket.socket
    sink: socket.socket
    passed: int = 0
    """Bytes that the sink's kernel has taken from us."""
    pending: memoryview = field(default_factory=lambda: memoryview(b""))
    then: Fault | Callable[[], None] | None = None
    ended: bool = False
    frames: FrameReader = field(default_factory=FrameReader)


class Link:
    """One connection through the line. Its numbers may be read from any thread."""

    def __init__(self, client: socket.socket, server: socket.socket, line: "Line") -> None:
        self._line = line
        self._flows = {Way.UP: Flow(client, server), Way.DOWN: Flow(server, client)}
        self._stalled = False
        self._waker, self._woken = socket.socketpair()
        self._orders: deque[Fault] = deque()
        self._rule: Rule = line.next_rule()
        self.messages: list[tuple[Way, dict[str, Any]]] = []
        """Every version 2 message, END and ABORT that passed, in order (see `Line.tapped`)."""
        self.server_had_read = 0
        """At a reset, whoever sent it: bytes that the server's process had read before, at the least."""
        self._arrived = 0
        self.was_reset = False
        """Whether it ended by RST, ours or one that came from an end."""
        self.finished = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to forward."""
        self._thread.start()

    def passed(self, way: Way) -> int:
        """Bytes of that direction that were handed to the receiving kernel."""
        return self._flows[way].passed

    def body(self, way: Way) -> int:
        """Payload bytes of version 2 segments that passed in that direction (see `Line.tapped`)."""
        return self._flows[way].frames.data_bytes

    def heard(self, status: str) -> list[dict[str, Any]]:
        """The data of every message with that status (or command) that passed."""
        return [
            message["data"]
            for _, message in list(self.messages)
            if status in (message.get("status"), message.get("command"))
        ]

    def fail(self, fault: Fault) -> None:
        """Let the connection suffer `fault` now."""
        self._orders.append(fault)
        self._waker.send(b"!")

    def arrived(self) -> int:
        """Bytes that the server's kernel has, at the least; the last that was known where it is over."""
        with contextlib.suppress(OSError, ValueError):
            self._arrived = self._at_the_server()
        return self._arrived

    def read_by_server(self) -> int:
        """Bytes that the server's process has read, at the least."""
        if not self.was_reset:
            with contextlib.suppress(OSError, ValueError):
                self.server_had_read = self._read_by_server()
        return self.server_had_read

    def close(self) -> None:
        """End it, as a line that is taken away does."""
        if not self.finished.is_set():
            self.fail(Fault.RESET)
        self._thread.join(10)
        self._waker.close()
        self._woken.close()

    def _run(self) -> None:
        try:
            while not self._over():
                self._step()
        except OSError:
            self._reset()
        finally:
            self._look_back()
            for flow in self._flows.values():
                flow.source.close()
            self.finished.set()

    def _look_back(self) -> None:
        """What can't be found out any more once the sockets are closed."""
        self.arrived()
        self.read_by_server()

    def _over(self) -> bool:
        return all(flow.ended for flow in self._flows.values()) or self._flows[Way.UP].source.fileno() < 0

    def _step(self) -> None:
        reading = (
            [] if self._stalled else [f.source for f in self._flows.values() if not f.ended and not f.pending]
        )
        writing = [] if self._stalled else [f.sink for f in self._flows.values() if f.pending]
        readable, writable, _ = select.select([self._woken, *reading], writing, [])
        if self._woken in readable:
            self._woken.recv(64)
            while self._orders:
                self._suffer(self._orders.popleft(), Way.UP)
            return
        for way, flow in self._flows.items():
            if flow.pending and flow.sink in writable:
                self._push(way, flow)
            elif flow.source in readable and not flow.pending and not self._over():
                self._pull(way, flow)

    def _pull(self, way: Way, flow: Flow) -> None:
        data = flow.source.recv(self._line.piece)
        if data:
            self._line.linger()
            self._judge(way, flow, data)
        else:
            flow.ended = True
            flow.sink.shutdown(socket.SHUT_WR)

    def _judge(self, way: Way, flow: Flow, data: bytes) -> None:
        verdict = self._rule.look(way, flow.passed, data)
        flow.pending = memoryview(verdict.instead or data)[: verdict.pass_on]
        rest = data[verdict.pass_on :]
        self._push(way, flow, blocking=bool(rest or verdict.then))
        if isinstance(verdict.then, Fault):
            self._suffer(verdict.then, way)
            return
        if verdict.then is not None:
            verdict.then()
        if rest:
            self._judge(way, flow, rest)

    def _push(self, way: Way, flow: Flow, blocking: bool = False) -> None:
        while flow.pending:
            try:
                sent = flow.sink.send(flow.pending)
            except BlockingIOError:
                if not blocking:
                    return
                select.select([], [flow.sink], [])
                continue
            if self._line.tapped:
                for frame in flow.frames.feed(bytes(flow.pending[:sent])):
                    if frame.payload:
                        self.messages.append((way, frame.message()))
            flow.passed += sent
            flow.pending = flow.pending[sent:]

    def _suffer(self, fault: Fault, way: Way) -> None:
        if fault is Fault.STALL:
            self._stalled = True
        elif fault is Fault.HALF_CLOSE:
            flow = self._flows[way]
            flow.ended = True
            flow.sink.shutdown(socket.SHUT_WR)
        elif fault is Fault.RESET:
            self._reset()
        else:
            self._close()

    def _reset(self) -> None:
        self.was_reset = True
        with contextlib.suppress(OSError):
            self.server_had_read = self._read_by_server()
        for flow in self._flows.values():
            if flow.source.fileno() >= 0:
                flow.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                flow.source.close()

    def _close(self) -> None:
        """FIN to both, behind all that was passed; then away, whatever they still send.

        The client hears of it once all has reached the server's kernel: a newcomer's offset
        need not cover what still waits on our side, for a server that is slow to take it.
        """
        client, server = self._flows[Way.UP].source, self._flows[Way.DOWN].source
        server.shutdown(socket.SHUT_WR)
        self._wait_delivered()
        self._look_back()
        client.shutdown(socket.SHUT_WR)
        client.close()
        server.settimeout(10)
        while server.recv(PIECE):
            pass
        server.close()

    def _wait_delivered(self) -> None:
        """Until the server's kernel has acknowledged all, or 10 seconds are over."""
        deadline = time.monotonic() + 10
        while _unacknowledged(self._flows[Way.UP].sink) > 1 and time.monotonic() < deadline:  # the FIN counts
            time.sleep(0.001)

    def _read_by_server(self) -> int:
        """What the server's process has read, at the least: what its kernel has, less what lies there unread.

        In this order it can only be too low: more may arrive and be read between the two looks.
        """
        server = self._flows[Way.UP].sink
        arrived = self._at_the_server()
        return max(0, arrived - _unread(server.getpeername()[1], server.getsockname()[1]))

    def _at_the_server(self) -> int:
        """Passed first: what passes between the two looks makes it too low."""
        passed = self._flows[Way.UP].passed
        return max(0, passed - _unacknowledged(self._flows[Way.UP].sink))


def _unacknowledged(sock: socket.socket) -> int:
    """Bytes that were sent and have not been acknowledged."""
    return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])


def _unread(local: int, remote: int) -> int:
    """Bytes in the receive queue of the socket with these ports, from the kernel's own table."""
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = row.split()
        ports = [int(address.split(":")[1], 16) for address in fields[1:3]]
        if ports == [local, remote]:
            return int(fields[4].split(":")[1], 16)
    return 0


class Line:
    """A listening port that leads to `target`; `target` may change while it stands.

    `tapped` reads version 2 frames as they pass. `piece` is the most bytes passed on
    at once, and `pause` the seconds before each piece: together a slow line.
    """

    def __init__(
        self, target: tuple[str, int], *, tapped: bool = False, piece: int = PIECE, pause: float = 0
    ) -> None:
        self.target = target
        self.tapped = tapped
        self.piece = piece
        self.pause = pause
        self.links: list[Link] = []
        self._rules: deque[Rule] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self._listener.getsockname()[1])

    @property
    def address(self) -> tuple[str, int]:
        """Where clients connect."""
        return ("127.0.0.1", self.port)

    def plan(self, *rules: Rule) -> None:
        """The next connections get these rules, one each; those after them get none."""
        self._rules.extend(rules)

    def replan(self, *rules: Rule) -> None:
        """As `plan`, but rules that no connection has met are forgotten."""
        self._rules.clear()
        self.plan(*rules)

    def next_rule(self) -> Rule:
        """The rule of a connection that has just come."""
        return self._rules.popleft() if self._rules else NoRule()

    def heard(self, status: str) -> list[Link]:
        """The connections on which that status or command has passed (see `tapped`)."""
        return [link for link in list(self.links) if link.heard(status)]

    def linger(self) -> None:
        """The slow line's pause."""
        if self.pause:
            time.sleep(self.pause)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            client.close()
            return
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.links.append(Link(client, server, self))
        self.links[-1].start()

    def close(self) -> None:
        """Take the line away: every connection is reset."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()
        for link in self.links:
            link.close()

    def __enter__(self) -> "Line":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def total(links: Iterable[Link], way: Way) -> int:
    """Bytes of a direction over several connections."""
    return sum(link.passed(way) for link in links)
