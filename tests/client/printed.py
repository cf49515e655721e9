"""The commands of a document, run as printed in one folder, and what they print."""

import errno
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)

LOOSE = [
    (re.compile(r"[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "TIME"),
    (re.compile(r'"(modified|created|seconds|expires_at)":[\d.e+]+'), r'"\1":N'),
    (re.compile(r"moved in [\d.]+ s, [\d.]+ \w+/s"), "moved in N s, N/s"),
    (re.compile(r"from [\d.]+ [KM]iB on"), "from N on"),
    (re.compile(r": [\d.]+ [KM]iB moved"), ": N moved"),
    (re.compile(r"127\.0\.0\.1:\d+"), "localhost:9000"),
]
"""What may differ from run to run, and what it is taken for."""


_TIMED = re.compile(r"timeout --signal INT \d+ ")

_LONGEST = 120.0
"""Seconds for a command that takes less than one on a quiet machine: what takes longer hangs."""


@dataclass
class Printed:
    """A command of the document and the output below it."""

    command: str
    output: str


def commands(text: str) -> list[Printed]:
    """All commands of the `console` blocks, in order."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append(Printed(command, output))
    return found


def loosened(text: str, folder: Path) -> str:
    """The text without what differs from run to run."""
    text = text.replace(str(folder), "/home/ann").replace("\r\n", "\n")
    for pattern, word in LOOSE:
        text = pattern.sub(word, text)
    return text


def run(
    command: str, folder: Path, environment: dict[str, str], password: str, half_way: Callable[[], bool]
) -> str:
    """What a command prints, errors included; `password` is typed where one is asked for.

    `timeout --signal INT` interrupts it once it is `half_way`: in so many seconds a busy
    machine hasn't begun.
    """
    if command.startswith("fileshare-client login") and "stdin" not in command:
        return _run_on_terminal(command, folder, environment, password)
    timed = _TIMED.match(command)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command[timed.end() :]}" if timed else command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            if timed:
                _wait_until(lambda: half_way() or process.poll() is not None)
                process.send_signal(signal.SIGINT)
            process.wait(_LONGEST)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        return output.read().decode()


def _wait_until(happened: Callable[[], bool]) -> None:
    latest = time.monotonic() + _LONGEST
    while not happened():
        if time.monotonic() > latest:
            raise TimeoutError("It has not begun to move bytes.")
        time.sleep(0.02)


def _run_on_terminal(command: str, folder: Path, environment: dict[str, str], password: str) -> str:
    """As a person does it: the question for the password comes on the terminal."""
    child, terminal = pty.fork()
    if not child:  # pragma: no cover (the other process)
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-c", command], environment)
        sys.exit(1)
    printed = b""
    try:
        while b"Password:" not in printed:
            printed += _read(terminal)
        os.write(terminal, password.encode() + b"\n")
        while data := _read(terminal):
            printed += data
    except OSError as error:
        if error.errno != errno.EIO:  # Linux's way to say that the other side has closed
            raise
    finally:
        os.close(terminal)
        os.kill(child, signal.SIGKILL)  # it has ended, unless something went wrong here
        os.waitpid(child, 0)
    return printed.decode().replace("Password: ", "Password:").replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    if not select.select([terminal], [], [], _LONGEST)[0]:
        raise TimeoutError("Nothing came on the terminal.")
    return os.read(terminal, 1000)
