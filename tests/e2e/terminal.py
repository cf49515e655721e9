"""A terminal for commands that show people more than they show pipes."""

import contextlib
import os
import pty
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.e2e.shells import Shell


class Terminal:
    """A pseudo-terminal; `text` is all that was drawn on it, escape sequences included."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        self._drawn = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """What was drawn so far."""
        return self._drawn.decode(errors="replace")

    def start(self, shell: Shell, *words: str | Path) -> "subprocess.Popen[bytes]":
        """Start a person's `fileshare-client WORDS` here."""
        size = {"COLUMNS": "100", "LINES": "30", "TERM": "xterm"}
        return subprocess.Popen(
            shell.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=self._theirs,
            stderr=self._theirs,
            env=shell.environment() | size,
            cwd=shell.work,
        )

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while piece := os.read(self._ours, 65536):
                self._drawn += piece

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._theirs)
        self._thread.join(10)
        os.close(self._ours)
