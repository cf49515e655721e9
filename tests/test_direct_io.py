"""A file written past the page cache holds the same bytes as any other."""

import errno
import os
from pathlib import Path

import pytest

from fileshare.direct_io import BLOCK, DirectFile, aligned_buffer, place_in


def write_all(file: DirectFile, data: bytes, offset: int) -> None:
    buffer = aligned_buffer(len(data) + BLOCK)
    view = place_in(buffer, offset)[: len(data)]
    view[:] = data
    done = 0
    while done < len(data):
        done += file.write(view[done:], offset + done)


def written(path: Path, sizes: list[int]) -> bytes:
    """Random bytes of these sizes, one after the other; returns what the file should hold."""
    whole = b""
    with path.open("r+b") as opened:
        file = DirectFile(opened.fileno())
        for size in sizes:
            data = os.urandom(size)
            write_all(file, data, len(whole))
            whole += data
        file.close()
    return whole


@pytest.mark.parametrize(
    "sizes",
    [[1], [BLOCK], [BLOCK - 1, 1, BLOCK], [3 * BLOCK + 5, 2 * BLOCK, 7, BLOCK - 12, BLOCK * 4]],
    ids=str,
)
def test_bytes_at_every_kind_of_offset_are_the_right_ones(tmp_path: Path, sizes: list[int]) -> None:
    path = tmp_path / "file"
    path.touch()
    assert written(path, sizes) == path.read_bytes()


def test_file_system_that_wants_larger_blocks_is_written_to_through_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.touch()
    real = os.pwrite

    def picky(fd: int, data: memoryview, offset: int) -> int:
        if is_direct(fd):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", picky)
    assert written(path, [3 * BLOCK, 2 * BLOCK]) == path.read_bytes()


def is_direct(fd: int) -> bool:
    flags = Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines()[1]
    return bool(int(flags.split()[1], 8) & os.O_DIRECT)


def test_full_disk_is_told() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    file = DirectFile(fd)
    with pytest.raises(OSError, match="No space"):
        write_all(file, b"x" * 10, 0)
    file.close()
    os.close(fd)


def test_direct_writes_are_not_made_where_they_can_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fileshare.direct_io.CAN_BE_DIRECT", False)
    path = tmp_path / "file"
    path.touch()
    assert written(path, [2 * BLOCK]) == path.read_bytes()
