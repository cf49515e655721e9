import hashlib
import os
import random
import threading
from functools import partial
from pathlib import Path

import pytest

from fileshare.client.follower import PIECE, Follower
from fileshare.errors import IntegrityError


def grow(path: Path, follower: Follower, content: bytes, sizes: random.Random) -> None:
    """Append as a download does: whatever the line gives. Waits for nothing."""
    released: list[int] = []
    done = 0
    with path.open("ab", buffering=0) as file:
        while done < len(content):
            count = min(sizes.choice([1, 1000, 70_000, PIECE]), len(content) - done)
            data = memoryview(bytearray(content[done : done + count]))
            file.write(data)
            follower.wrote(data)
            follower.release(partial(forget, data, released))
            done += count


def forget(data: memoryview, released: list[int]) -> None:
    """The memory is used for something else as soon as it is given back."""
    released.append(len(data))
    data[:] = bytes(len(data))


@pytest.mark.parametrize("there", [0, 1, PIECE, 9_000_000])
@pytest.mark.parametrize("size", [0, 1, PIECE, 8_000_001])
def test_the_digest_is_of_the_whole_file(tmp_path: Path, there: int, size: int) -> None:
    chance = random.Random(there + size)
    before, after = chance.randbytes(there), chance.randbytes(size)
    path = tmp_path / "x.part"
    path.write_bytes(before)
    told: list[tuple[int, int]] = []
    follower = Follower(str(path), there, lambda count, total: told.append((count, total)))
    grow(path, follower, after, chance)
    assert follower.result() == hashlib.sha256(before + after).hexdigest()
    assert [total for _, total in told] == [there] * len(told)
    assert not there or told[-1] == (there, there)
    follower.stop()


def test_bytes_that_come_are_hashed_from_memory_and_never_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    path.touch()
    content = os.urandom(20 << 20)
    follower = Follower(str(path), 0, None)
    real = follower._on_disk
    reads: list[int] = []
    follower._on_disk = lambda file, view: reads.append(1) or real(file, view)  # type: ignore[func-returns-value,method-assign]
    grow(path, follower, content, random.Random(5))
    assert follower.result() == hashlib.sha256(content).hexdigest()
    assert reads == []


def test_a_line_does_not_wait_for_a_long_beginning_to_be_hashed(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    before, after = os.urandom(3 << 20), os.urandom(30 << 20)
    path.write_bytes(before)
    go_on = threading.Event()

    def hold_up(_count: int, _total: int) -> None:
        go_on.wait(20)

    follower = Follower(str(path), len(before), hold_up)
    grow(path, follower, after, random.Random(6))  # would wait for ever if it waited for the hashing
    go_on.set()
    assert follower.result() == hashlib.sha256(before + after).hexdigest()


def test_a_part_that_becomes_shorter_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    path.write_bytes(b"12345")
    with pytest.raises(IntegrityError):
        Follower(str(path), 10, None).result()


def test_stopping_wakes_everyone(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    path.touch()
    follower = Follower(str(path), 0, None)
    path.write_bytes(b"x")
    follower.wrote(memoryview(b"x"))
    follower.stop()
    follower.stop()


def test_memory_is_given_back_also_when_the_file_can_not_be_read_again(tmp_path: Path) -> None:
    follower = Follower(str(tmp_path / "gone.part"), 0, None)
    released = threading.Event()
    follower.wrote(memoryview(b"x"))
    follower.release(released.set)
    assert released.wait(20)
    with pytest.raises(IntegrityError):
        follower.result()


def test_whoever_hears_of_it_and_fails_is_no_digest_of_a_part_of_the_file(tmp_path: Path) -> None:
    def broken(_count: int, _total: int) -> None:
        raise ValueError("the terminal is gone")

    path = tmp_path / "x.part"
    path.write_bytes(bytes(3 * PIECE))
    follower = Follower(str(path), 3 * PIECE, broken)
    with pytest.raises(ValueError, match="terminal"):
        follower.result()
    follower.stop()
