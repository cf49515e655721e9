"""Keeps a very large file from pushing everything else out of the system's memory.

Reading or writing 10 GiB fills the page cache with pages that nobody asks for again, and
the kernel's search for free ones then holds up everybody: LISTs of 300 ms beside such a
download were measured. The beginning of a file stays in memory, as others may want it.
"""

import os
from contextlib import suppress
from typing import Final

KEPT: Final = 1 << 30
"""Bytes of a file's beginning that are left to the kernel's own judgement."""


def forget(fd: int, start: int, stop: int) -> None:
    """The bytes [start, stop) are on the disk and not needed in memory: what lies past `KEPT` may go."""
    start = max(start, KEPT)
    if start < stop and hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # advice: nothing depends on it
            os.posix_fadvise(fd, start, stop - start, os.POSIX_FADV_DONTNEED)
