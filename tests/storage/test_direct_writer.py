"""Two buffers by turns: all bytes in order, none told of before the file has them, none after an error."""

import errno
import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from fileshare.direct_io import DirectFile, aligned_buffer
from fileshare.storage import direct_writer
from fileshare.storage.direct_writer import Buffers, DirectWriter, Written

SIZE = 16 << 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "part"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as opened:
        yield opened


class House:
    """A file, its writer, and what the writer told of."""

    def __init__(self, path: Path, there: bytes, start: Callable[..., "Future[Written]"]) -> None:
        path.write_bytes(there)
        self.fd = os.open(path, os.O_RDWR)
        self.file = DirectFile(self.fd)
        self.told = there
        buffers = aligned_buffer(SIZE), aligned_buffer(SIZE)
        self.writer = DirectWriter(self.file, buffers, start, self.kept)
        self.writer.begin(len(there))

    def kept(self, view: memoryview) -> None:
        offset, self.told = len(self.told), self.told + bytes(view)
        assert os.pread(self.fd, len(view), offset) == bytes(view)

    def take(self, data: bytes) -> None:
        while data:
            room = self.writer.room(len(data))
            room[:] = data[: len(room)]
            data = data[len(room) :]
            self.writer.took(len(room))

    def close(self) -> None:
        self.file.close()
        os.close(self.fd)


@pytest.mark.parametrize("seed", range(8))
def test_file_holds_what_was_taken_in_order(path: Path, pool: ThreadPoolExecutor, seed: int) -> None:
    chance = random.Random(seed)
    house = House(path, chance.randbytes(chance.choice((0, 1, 4096, 5000))), pool.submit)
    whole = house.told
    for _ in range(30):
        data = chance.randbytes(chance.choice((1, 100, 4095, 4096, SIZE, 3 * SIZE + 7)))
        house.take(data)
        whole += data
        assert whole.startswith(house.told)
        if chance.random() < 0.2:
            house.writer.drain()
            assert house.writer.empty
            assert house.told == whole
    house.writer.drain()
    assert path.read_bytes() == house.told == whole
    house.close()


@pytest.mark.parametrize("nth", range(1, 6))
def test_after_an_error_only_what_the_file_has_was_told(
    path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    house = House(path, b"before", pool.submit)
    calls = 0
    real = os.pwrite

    def full(fd: int, data: memoryview, offset: int) -> int:
        nonlocal calls
        calls += 1
        if calls >= nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[: 2 * 4096], offset)  # a short write, as before the disk is full

    monkeypatch.setattr(os, "pwrite", full)
    data = b"before" + os.urandom(8 * SIZE)
    with pytest.raises(OSError, match="No space"):
        house.take(data[6:])
    house.writer.drain()  # nothing of what was in memory comes after all
    assert path.read_bytes() == house.told == data[: len(house.told)]
    house.close()


def test_bytes_of_a_slow_line_do_not_wait_for_a_full_buffer(
    path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct_writer, "LONGEST_WAIT", -1)
    house = House(path, b"", pool.submit)
    house.take(b"slow")
    assert house.told == b"slow"
    house.take(b" line")
    assert path.read_bytes() == b"slow line"
    house.close()


def test_abandoned_bytes_are_not_written(path: Path, pool: ThreadPoolExecutor) -> None:
    house = House(path, b"", pool.submit)
    house.take(b"x" * (SIZE + 1))
    house.writer.abandon()
    house.writer.drain()
    assert house.told == b""
    assert path.stat().st_size == SIZE
    house.close()


def test_no_more_buffers_are_lent_than_there_may_be() -> None:
    buffers = Buffers(2)
    first, second = buffers.take(), buffers.take()
    assert first is not None
    assert second is not None
    assert buffers.take() is None
    buffers.give_back(first)
    assert buffers.take() is first
