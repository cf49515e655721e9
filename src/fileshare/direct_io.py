"""Writes a large file past the page cache (O_DIRECT), where the system can, and through it elsewhere.

A gigabyte that nobody reads soon costs the page cache 0.3 s of processor, and up to 2.5
where a virtual machine has to ask its host for the pages first; past it, 0.1 s, and it
pushes out nothing that others need. Never believe such a write to be durable: the disk
has a cache of its own, and a file's size is not part of the write. Sync as ever.
"""

import errno
import mmap
import os
from contextlib import suppress
from typing import Final

BLOCK: Final = 4096
"""What offset, length and address in memory must be multiples of (open(2), "O_DIRECT"): enough for all
disks with sectors of 512 or 4,096 bytes; where it is not, the page cache serves."""


_CANNOT: Final = frozenset({errno.EINVAL, errno.EOPNOTSUPP})

CAN_BE_DIRECT: Final = hasattr(os, "O_DIRECT")
"""Whether the system knows such writes: Linux."""


def aligned_buffer(size: int) -> memoryview:
    """Memory for `size` bytes that begins on a page."""
    return aligned_buffers(1, size)[0]


def aligned_buffers(count: int, size: int) -> list[memoryview]:
    """Several, side by side: in pages of 2 MiB where the system has them, of which a write past the page
    cache has to hold one instead of 256 (a third less of its processor time)."""
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory = mmap.mmap(-1, count * size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with suppress(OSError):  # a kernel that was built without them
            memory.madvise(mmap.MADV_HUGEPAGE)
    else:
        memory = mmap.mmap(-1, count * size)
    whole = memoryview(memory)
    return [whole[at : at + size] for at in range(0, count * size, size)]


def place_in(buffer: memoryview, offset: int) -> memoryview:
    """The part of an aligned buffer to put a file's bytes from `offset` on into, so that most can go past
    the page cache."""
    return buffer[offset % BLOCK :]


class DirectFile:
    """A second way into an open file: whole blocks past the page cache, what lies around them through it."""

    def __init__(self, fd: int) -> None:
        """`fd` is open for writing, and stays the caller's."""
        self._fd = fd
        self._direct = _reopened(fd)

    @property
    def is_direct(self) -> bool:
        """Whether the file system lets us."""
        return self._direct >= 0

    def write(self, data: memoryview, offset: int) -> int:
        """Write the beginning of `data` at `offset`; returns how many bytes, as pwrite(2) does.

        `data` lies in memory as `place_in` has it. Raises OSError.
        """
        head = -offset % BLOCK
        if head:
            return os.pwrite(self._fd, data[:head], offset)
        whole = len(data) - len(data) % BLOCK
        if not whole or not self.is_direct:
            return os.pwrite(self._fd, data, offset)
        try:
            return os.pwrite(self._direct, data[:whole], offset)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            self.close()  # larger sectors than we thought of
            return os.pwrite(self._fd, data, offset)

    def close(self) -> None:
        """Let go of the second way; the first goes on. Safe to call twice."""
        direct, self._direct = self._direct, -1
        if direct >= 0:
            os.close(direct)


def _reopened(fd: int) -> int:
    """The same file, opened once more for direct writes; -1 where that can't be."""
    if not CAN_BE_DIRECT:
        return -1
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError:  # tmpfs and others can't; or there is no /proc
        return -1
