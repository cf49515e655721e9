"""Connections that have logged in and then ask for nothing: what each costs the server, at either door.

Counted is the server's resident memory; what the kernel keeps for a socket is not in it, and
is the same for every server. They come, go, come and go again: what the second time takes beyond
the first was lost, and descriptors must all come back.
"""

import resource
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from fileshare.app.descriptors import places
from fileshare.services.room import SOON
from tests.acceptance.report import Row
from tests.acceptance.resources import Held, held, rested
from tests.acceptance.stage import Check
from tests.e2e.servers import Server
from tests.e2e.talk import Version2

KIB, MIB = 1 << 10, 1 << 20
REQUIRED = 1000
MOST, MOST_OF_MANY = 16 * KIB, 40 * KIB
WARM = 100
"""Connections that come and go before anything is counted: what is loaded at first use is nobody's."""
KEPT = 0.10
"""Of what they took."""
SECONDS = 7200
PATIENCE = 600

Open = Callable[[Server, str], socket.socket]


class IdleConnections(Check):
    """Issue 4's row; with a count of 10,000 issue 5's third point. The count is of connections."""

    name = "idle"

    def run(self) -> list[Row]:
        """Each door on a server of its own."""
        _check_limit(self.stage.count(REQUIRED))
        return [*self._door("TCP", at_the_tcp_door), *self._door("web", at_the_web_door)]

    def _door(self, door: str, connect: Open) -> list[Row]:
        settings = {"idle_seconds": SECONDS, "keepalive_seconds": SECONDS}
        server = self.stage.serve(door, **settings)
        bare = held(server.pid).descriptors
        with Version2(server.address) as talk:
            token = talk.ask("AUTH", username="admin", password="admin123", name="idle")[1]["token"]
        rested(server.pid, bare)
        count = self.stage.count(REQUIRED)
        self.stage.say(f"{count} at the {door} door")
        before = self._come_and_go(server, connect, token, WARM)[1]
        full, after = self._come_and_go(server, connect, token, count)
        again, at_last = self._come_and_go(server, connect, token, count)
        server.kill()
        what = f"{count} idle connections, {door} door"
        return [self._each(what, count, before, full), _back(what, before, [full, again], [after, at_last])]

    def _come_and_go(self, server: Server, connect: Open, token: str, count: int) -> tuple[Held, Held]:
        """What it holds while all are there, and when they have gone."""
        idle = held(server.pid).descriptors
        with ExitStack() as lines:
            for _ in range(count):
                lines.enter_context(connect(server, token))
            full = held(server.pid)
            left = full.descriptors - idle
            assert left >= count, f"only {left} of {count} connections are open"
        rested(server.pid, idle)
        time.sleep(3 * SOON)
        return full, held(server.pid)

    def _each(self, what: str, count: int, before: Held, full: Held) -> Row:
        most = MOST if count <= REQUIRED else MOST_OF_MANY
        each = (full.resident - before.resident) / count
        measured = f"{each / KIB:.1f} KiB each ({before.resident / MIB:.0f} to {full.resident / MIB:.0f} MiB)"
        return Row(f"{what}: memory", f"at most {most // KIB} KiB each", measured, each <= most)


def _check_limit(count: int) -> None:
    """Of this process, which opens as many, and of the server."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = places(hard) - WARM
    assert count <= most, f"a limit of {hard} open files is enough for {most} connections: ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def at_the_tcp_door(server: Server, token: str) -> socket.socket:
    """Version 2, by token."""
    talk = Version2(server.address, PATIENCE)
    status, data = talk.ask("AUTH", token=token)
    assert status == "AUTH_SUCCESS", (status, data)
    return talk.socket


def at_the_web_door(server: Server, token: str) -> socket.socket:
    """One answered question, after which the connection is kept."""
    host, port = server.web.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=PATIENCE)
    head = f"GET /api/v1/uploads HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    line.sendall(head.encode())
    answer = line.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return line


def _back(what: str, before: Held, full: Sequence[Held], after: Sequence[Held]) -> Row:
    """Descriptors all. Memory as far as the next ones find it free: pages with holes stay where they are."""
    descriptors = after[-1].descriptors - before.descriptors
    taken = full[0].resident - before.resident
    grown = max(0, full[1].resident - full[0].resident)
    left = after[-1].resident - before.resident
    return Row(
        f"{what}: given back",
        f"all descriptors; memory to the next ones, but {KEPT:.0%}",
        f"{descriptors} descriptors kept; of {taken / MIB:.1f} MiB the next ones needed {grown / MIB:.1f} "
        f"anew, and {left / MIB:.1f} stay with the process",
        descriptors <= 0 and grown <= max(KEPT * taken, MIB),
    )
