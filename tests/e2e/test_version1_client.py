"""An independent client of version 1, as a program of its own that is killed in the middle of things."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import version1
from tests.e2e.conftest import NewLine
from tests.e2e.inspection import inspect, stored
from tests.e2e.line import Line
from tests.e2e.patience import wait_until
from tests.e2e.rules import AfterBytes, Fault, Way
from tests.e2e.servers import Server, environment
from tests.e2e.sources import write_file

MIB = 1 << 20
SIZE = 6 * MIB


class Program:
    """`python version1.py`, which always goes through this line."""

    def __init__(self, line: Line, folder: Path, chunk: int) -> None:
        self.line = line
        self.folder = folder
        self.words = [sys.executable, str(Path(version1.__file__)), "--port", str(line.port)]
        self.words += ["--chunk", str(chunk), "admin", "admin123"]

    def run(self, *words: str) -> object:
        """Its answer; fails when it ends badly."""
        done = subprocess.run(
            [*self.words, *words],
            capture_output=True, text=True, timeout=60, check=False, cwd=self.folder, env=environment(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def run_and_kill(self, way: Way, count: int, *words: str) -> None:
        """Kill it when exactly `count` bytes have passed, and it has written some of what came down."""
        self.line.plan(AfterBytes(way, count, Fault.STALL))
        known = len(self.line.links)
        process = subprocess.Popen([*self.words, *words], cwd=self.folder, env=environment())
        wait_until(
            "the byte has passed", lambda: [k for k in self.line.links[known:] if k.passed(way) == count]
        )
        if way is Way.DOWN:
            wait_until("some of them are in the file", lambda: self._has_written(words[-1]))
        process.kill()
        process.wait()
        self.line.links[-1].fail(Fault.CLOSE)

    def _has_written(self, name: str) -> bool:
        path = self.folder / name
        return path.exists() and path.stat().st_size > 0


@pytest.mark.parametrize("chunk", [version1.CHUNK_SIZE, version1.LARGE_CHUNK_SIZE])
def test_whole_flow_with_kills_in_between(
    server: Server, new_line: NewLine, tmp_path: Path, chunk: int
) -> None:
    folder = tmp_path / "mine"
    digest = write_file(folder / "x.bin", SIZE)
    program = Program(new_line(server.address), folder, chunk)
    assert program.run("list") == []
    final = {"message": "Upload successful", "size": SIZE, "hash": digest}
    assert program.run("upload", "x.bin") == final | {"filename": "x.bin"}
    assert program.run("upload", "x.bin") == final | {"filename": "x_v2.bin"}
    newer = write_file(folder / "x.bin", SIZE, seed=1)
    overwritten = program.run("upload", "x.bin", "--overwrite")
    assert overwritten == final | {"filename": "x.bin", "hash": newer}

    third = write_file(folder / "y.bin", SIZE, seed=2)
    program.run_and_kill(Way.UP, 2 * MIB, "upload", "y.bin")
    answer = program.run("resume", "y.bin")
    assert isinstance(answer, list)
    assert 2 * MIB - 1000 < answer[0] < 2 * MIB
    assert answer[1] == final | {"filename": "y.bin", "hash": third}

    (folder / "y.bin").unlink()
    program.run_and_kill(Way.DOWN, 3 * MIB, "download", "y.bin")
    begun = program.run("download", "y.bin", "--resume")
    assert isinstance(begun, int)
    assert begun > 0
    assert version1.digest_of(folder / "y.bin") == third
    assert stored(server.data_dir) == {"x.bin": newer, "x_v2.bin": digest, "y.bin": third}
    assert inspect(server.data_dir, rehash=True).clean
