"""Whether a piece of a file is in memory, and how to bring it there.

sendfile runs on the event loop, and reads what is not in memory from the disk while
everyone else waits (up to 400 ms for a LIST beside a download from a busy disk, measured).
Only looks and reads; where a system can't tell, everything counts as in memory.
"""

import os
from typing import Final

WINDOW: Final = 4 << 20
"""Bytes looked at and brought in at a time: some ten milliseconds of a disk."""

PROBE: Final = 128 << 10
"""Between two looks: what Linux reads ahead at once, so that a look costs 1 µs in 30 µs of sending."""

_NOWAIT: Final = getattr(os, "RWF_NOWAIT", None)


def are_in_memory(fd: int, start: int, stop: int) -> bool:
    """Whether the bytes [start, stop) of a file can be read without waiting for the disk."""
    if _NOWAIT is None:
        return True
    byte = bytearray(1)
    try:
        for offset in [*range(start, stop, PROBE), stop - 1]:
            os.preadv(fd, [byte], offset, _NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True  # this file system can't tell, as tmpfs, which is memory itself
    return True


def bring_in(fd: int, start: int, stop: int) -> None:
    """Read the bytes [start, stop) into the system's cache, and let it begin with what follows."""
    piece = bytearray(PROBE)
    for offset in range(start, stop, PROBE):
        os.preadv(fd, [memoryview(piece)[: stop - offset]], offset)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, stop, WINDOW, os.POSIX_FADV_WILLNEED)
