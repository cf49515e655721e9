"""Commands of `fileshare-client`, typed in this process."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fileshare.cli.client import main

from .scripted import TOKEN, ScriptedServer


@dataclass
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def event(self, name: str) -> dict[str, Any]:
        return next(event for event in self.events if event["event"] == name)


Run = Callable[..., Ended]


@pytest.fixture
def run(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Any
) -> Iterator[Run]:
    """Types `fileshare-client WORDS`, logged in, in a folder of its own."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for name in [name for name in os.environ if name.startswith("FILESHARE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FILESHARE_CLIENT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("FILESHARE_CLIENT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FILESHARE_CLIENT_HOST", "127.0.0.1")
    monkeypatch.setenv("FILESHARE_CLIENT_PORT", str(server.port))
    monkeypatch.setenv("FILESHARE_CLIENT_TOKEN", TOKEN)
    monkeypatch.setenv("FILESHARE_CLIENT_RETRY_SECONDS", "10")
    handler = signal.getsignal(signal.SIGINT)

    def type_in(*words: str) -> Ended:
        try:
            code = main(words)
        except SystemExit as usage:
            code = int(usage.code or 0)
        out, err = capsysbinary.readouterr()
        return Ended(code, out.decode(), err.decode())

    yield type_in
    signal.signal(signal.SIGINT, handler)
