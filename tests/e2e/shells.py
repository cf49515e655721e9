"""A person with a home folder of their own who types `fileshare-client`."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.e2e.servers import COMMANDS, environment, peak_memory

RUN_SECONDS = 120


@dataclass
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The objects of `--json`, in order."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        """The `--json` events of that name."""
        return [found for found in self.events if found.get("event") == event]


@dataclass
class Running:
    """A command that has been started."""

    process: "subprocess.Popen[str]"
    out: IO[str]
    err: IO[str]
    peak: int = 0
    """The most resident memory seen at `sample`, bytes."""

    def sample(self) -> bool:
        """Look at its memory; False when it has ended."""
        if self.process.poll() is not None:
            return False
        try:
            self.peak = max(self.peak, peak_memory(self.process.pid))
        except OSError:
            return False
        return True

    def kill(self) -> Finished:
        """`kill -9`, and what it had said."""
        self.process.kill()
        return self.wait()

    def wait(self, seconds: float = RUN_SECONDS) -> Finished:
        """Wait for its end; a command that takes longer is killed and fails the test."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running after {seconds} s: {self._read()}") from None
        return Finished(code, *self._read())

    def _read(self) -> tuple[str, str]:
        said = []
        for stream in (self.out, self.err):
            if not stream.closed:
                stream.seek(0)
                said.append(stream.read())
                stream.close()
        return (said[0], said[1]) if len(said) == 2 else ("", "")


@dataclass
class Shell:
    """One person's shell: home, configuration and state are their own."""

    home: Path
    address: tuple[str, int]
    started: list[Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.work.mkdir(exist_ok=True)

    @property
    def work(self) -> Path:
        """The current folder of every command."""
        return self.home / "work"

    def start(self, *words: str | Path) -> Running:
        """Start `fileshare-client WORDS`."""
        number = len(self.started)
        out, err = ((self.home / f"{name}.{number}").open("w+") for name in ("out", "err"))
        process = subprocess.Popen(
            self.command(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True,
            env=self.environment(), cwd=self.work,
        )  # fmt: skip
        running = Running(process, out, err)
        self.started.append(running)
        return running

    def run(self, *words: str | Path, expect: int | None = 0, seconds: float = RUN_SECONDS) -> Finished:
        """Run `fileshare-client WORDS` to its end; fails unless it exits with `expect` (None: anything)."""
        done = self.start(*words).wait(seconds)
        assert expect is None or done.code == expect, (
            f"{words} ended with {done.code}: {done.out}\n{done.err}"
        )
        return done

    def command(self, *words: str | Path) -> list[str]:
        """The words that start it."""
        host, port = self.address
        return [str(COMMANDS / "fileshare-client"), "--host", host, "--port", str(port), *map(str, words)]

    def environment(self) -> dict[str, str]:
        """Its own home, and nothing of the person who runs the tests."""
        folders = {
            f"XDG_{name.upper()}_HOME": str(self.home / name) for name in ("config", "state", "cache", "data")
        }
        return environment(HOME=str(self.home), **folders)

    def log_in(self, name: str = "admin", password: str = "admin123") -> None:
        """Log in; the token stays in this home, for this address."""
        self.run("login", name, password)

    def upload(self, *words: str | Path, expect: int | None = 0) -> Finished:
        """`upload` with `--json`."""
        return self.run("--json", "upload", *words, expect=expect)

    def close(self) -> None:
        """Kill what still runs."""
        for running in self.started:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()
            running.out.close()
            running.err.close()
