"""Bytes copied between files: each once, whatever the kernel does with half of them."""

import errno
import os
from pathlib import Path

import pytest

from fileshare.errors import Damaged
from fileshare.storage.clone import copy_range


@pytest.fixture
def files(tmp_path: Path) -> tuple[int, int]:
    (tmp_path / "source").write_bytes(b"0123456789")
    source = os.open(tmp_path / "source", os.O_RDONLY)
    target = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    os.write(target, b"abc")
    return source, target


@pytest.mark.parametrize("done", [0, 2, 5])
def test_an_error_of_the_kernel_after_it_has_copied_adds_no_byte(
    files: tuple[int, int], monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    source, target = files
    real = os.copy_file_range

    def failing(source: int, target: int, count: int, *offsets: int, **named: int) -> int:
        if done:
            real(source, target, min(count, done), *offsets, **named)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "copy_file_range", failing)
    copy_range(source, target, 2, 5)
    os.write(target, b"behind")
    assert os.pread(target, 100, 0) == b"abc23456behind"
    for fd in files:
        os.close(fd)


def test_a_source_that_is_too_short_is_damaged(files: tuple[int, int]) -> None:
    with pytest.raises(Damaged):
        copy_range(*files, 2, 50)
    for fd in files:
        os.close(fd)
