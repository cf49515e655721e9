"""The commands of a document, run as printed in one folder, and what they print."""

import os
import pty
import re
import subprocess
import sys
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


def run(command: str, folder: Path, environment: dict[str, str], password: str) -> str:
    """What a command prints, errors included; `password` is typed where one is asked for."""
    if command.startswith("fileshare-client login") and "stdin" not in command:
        return _run_on_terminal(command, folder, environment, password)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


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
            printed += os.read(terminal, 1000)
        os.write(terminal, password.encode() + b"\n")
        while data := os.read(terminal, 1000):
            printed += data
    except OSError:  # Linux's way to say that the other side has closed
        pass
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    return printed.decode().replace("Password: ", "Password:").replace("\r\n", "\n")
