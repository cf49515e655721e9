"""10 GiB up and down by the real client, straight to the server, while somebody else asks for LIST.

Resident memory is the kernel's own high-water mark (VmHWM) of each process, looked at
until its end; the LISTs are timed at the socket of a client that does nothing else. In
turn with them it asks a process that only echoes: how long that takes at most is printed
beside it, so that a busy machine is known as one, and nothing is taken off.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.report import Row
from tests.acceptance.stage import Check, Stage
from tests.e2e.inspection import digest_of, stored
from tests.e2e.servers import Server
from tests.e2e.shells import Running
from tests.e2e.sources import content, write_file
from tests.e2e.talk import Talk, Version1

MIB, GIB = 1 << 20, 1 << 30
UNIT = 128 * MIB
REQUIRED = 80
SERVER_MEMORY, CLIENT_MEMORY = 150 * MIB, 100 * MIB
LIST_SECONDS = 0.100
LISTED = 200
"""Files in the list, as a small office has them."""


ECHO = """
import socket
door = socket.create_server(("127.0.0.1", 0))
print(door.getsockname()[1], flush=True)
end = door.accept()[0]
while piece := end.recv(100):
    end.sendall(bytes(30000))
"""
"""Answers as much as a LIST of that many files is long."""


@dataclass
class Asker:
    """Another client that asks for LIST again and again, and remembers how long each took."""

    server: Server
    seconds: list[float] = field(default_factory=list)
    echoes: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def ask_until_over(self) -> None:
        """One LIST at a time, 20 ms apart, and an echo after each."""
        with (
            subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as process,
            Version1(self.server.address).log_in() as talk,
        ):
            assert process.stdout is not None
            with Talk(("127.0.0.1", int(process.stdout.readline()))) as echo:
                while not self._over.wait(0.02):
                    self.seconds.append(_timed(talk.names))
                    echo.send(b"?")
                    self.echoes.append(_timed(lambda: echo.read(30_000)))

    def over(self) -> None:
        """Stop asking."""
        self._over.set()


def _timed(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


class BigFile(Check):
    """Issue's sixth point. The count is in units of 128 MiB, 80 of them the 10 GiB."""

    name = "big-file"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.server = stage.serve()
        self.shell = stage.shell(self.server.address)
        self.what = ""

    def run(self) -> list[Row]:
        """Up, then down."""
        size = self.stage.count(REQUIRED) * UNIT
        with Version1(self.server.address).log_in() as talk:
            for number in range(LISTED):
                talk.upload(f"small/{number}.txt", content(100, seed=number))
        source = self.shell.work / "big.bin"
        self.what = f"{size / GIB:g} GiB"
        self.stage.say(f"writing {self.what}")
        digest = write_file(source, size)
        rows = self._move("up", "upload", source)
        right = stored(self.server.data_dir).get("big.bin") == digest
        rows.append(Row(f"{self.what} up: digest", "right", "right" if right else "wrong", right))
        source.unlink()
        target = self.shell.home / "back.bin"
        rows += self._move("down", "download", "big.bin", "--output", target)
        right = target.exists() and digest_of(target) == digest
        rows.append(Row(f"{self.what} down: digest", "right", "right" if right else "wrong", right))
        target.unlink(missing_ok=True)
        peak = self.server.resident()
        rows.append(
            Row(
                f"{self.what}: server's memory",
                "under 150 MiB",
                f"{peak / MIB:.0f} MiB",
                peak < SERVER_MEMORY,
            )
        )
        return rows

    def _move(self, way: str, *words: str | Path) -> list[Row]:
        what = f"{self.what} {way}"
        self.stage.say(what)
        asker = Asker(self.server)
        thread = threading.Thread(target=asker.ask_until_over)
        thread.start()
        started = time.perf_counter()
        running = self.shell.start("--quiet", *words)
        peak = _watch(running)
        seconds = time.perf_counter() - started
        asker.over()
        thread.join()
        done = running.wait()
        asked = sorted(asker.seconds)
        slowest, middle, echo = asked[-1], asked[len(asked) // 2], max(asker.echoes)
        listed = f"{len(asked)} asked, median {middle * 1000:.1f}, slowest {slowest * 1000:.1f} ms"
        listed += f"; slowest bare echo {echo * 1000:.1f} ms"
        return [
            Row(
                f"{what}: done",
                "exit 0",
                f"exit {done.code}, {seconds:.0f} s {done.err[-200:]}",
                not done.code,
            ),
            Row(f"{what}: client's memory", "under 100 MiB", f"{peak / MIB:.0f} MiB", peak < CLIENT_MEMORY),
            Row(f"{what}: LIST of {LISTED} meanwhile", "within 100 ms", listed, slowest < LIST_SECONDS),
        ]


def _watch(running: Running) -> int:
    """Its high-water mark of resident memory, looked at every 50 ms until it ends."""
    while running.sample():
        time.sleep(0.05)
    return running.peak
