"""Bytes that come in end in the file, in order, and are hashed; an error leaves a beginning without holes."""

import hashlib
import os
import random
import time
from pathlib import Path

import pytest

from fileshare.client.follower import Follower
from fileshare.client.growing_file import GrowingFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.part"


class House:
    """A file that grows, and its digest."""

    def __init__(self, path: Path, there: bytes = b"") -> None:
        path.write_bytes(there)
        self.fd = os.open(path, os.O_WRONLY)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.follower = Follower(str(path), len(there), None)
        self.file = GrowingFile(self.fd, len(there), self.follower)

    def take(self, data: bytes, chance: random.Random) -> None:
        """As a line gives it."""
        done = 0
        while done < len(data):
            room = self.file.room()
            count = min(len(room), chance.choice([1, 1000, 70_000, 1 << 20]), len(data) - done)
            room[:count] = data[done : done + count]
            self.file.took(count)
            done += count

    def close(self) -> None:
        self.file.close()
        self.follower.stop()
        os.close(self.fd)


@pytest.fixture(params=[0, 16 << 20], ids=["past the page cache", "through it"], autouse=True)
def through_cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.client.growing_file._THROUGH_CACHE", request.param)


@pytest.mark.parametrize("there", [0, 1, 4096, 1_000_000])
def test_file_and_digest_are_of_all_that_came(path: Path, there: int) -> None:
    chance = random.Random(there)
    before, after = chance.randbytes(there), chance.randbytes(7_000_001)
    house = House(path, before)
    house.take(after, chance)
    assert house.file.offset == len(before + after)
    house.file.flush()
    assert path.read_bytes() == before + after
    assert house.follower.result() == hashlib.sha256(before + after).hexdigest()
    house.close()


def test_bytes_of_a_slow_line_are_written_before_their_buffer_is_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.client.growing_file._LONGEST_WAIT", 0.001)
    house = House(path)
    whole = b""
    for piece in (b"slow", b" line", b"x" * 5000, b"!"):
        house.take(piece, random.Random(1))
        whole += piece
        while path.stat().st_size < len(whole):
            time.sleep(0)  # gives the writer its turn
    assert path.read_bytes() == whole
    assert house.follower.result() == hashlib.sha256(whole).hexdigest()
    house.close()


@pytest.mark.parametrize("room", [0, 4096, 3 << 20])
def test_full_disk_is_told_and_what_is_in_the_file_is_a_beginning(
    path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    real_write, real_pwrite = os.write, os.pwrite

    def full(fd: int, data: memoryview, offset: int | None = None) -> int:
        at = os.lseek(fd, 0, os.SEEK_CUR) if offset is None else offset
        if at >= room:
            raise OSError(28, "No space left on device")
        data = data[: room - at]
        return real_write(fd, data) if offset is None else real_pwrite(fd, data, offset)

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "pwrite", full)
    house = House(path)
    data = os.urandom(12 << 20)
    with pytest.raises(OSError, match="No space"):
        house.take(data, random.Random(2))
    with pytest.raises(OSError, match="No space"):
        house.file.flush()
    house.close()
    assert path.read_bytes() == data[: house.file.offset]
    assert house.file.offset == room


def test_closing_writes_what_came(path: Path) -> None:
    house = House(path)
    house.take(b"what came", random.Random(3))
    house.close()
    house.file.close()
    assert path.read_bytes() == b"what came"


def test_end_of_the_writing_thread_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fileshare.client.growing_file._LOOK_SECONDS", 0.01)
    house = House(path)
    house.take(b"x", random.Random(4))
    house.file._filled.put(None)  # as after an error that nobody thought of
    with pytest.raises(OSError, match="has ended"):
        house.take(os.urandom(9 << 20), random.Random(4))
    house.close()
