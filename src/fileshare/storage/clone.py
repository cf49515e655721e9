"""Copies of bytes between local files: shared extents where the file system has them.

Never a hard link: a link would be the blob itself, and who edits it would change
what is stored under its digest.
"""

import fcntl
import os

from fileshare.errors import Damaged

FICLONE = 0x40049409
"""ioctl of Linux's <linux/fs.h>: the target shares the source's extents until one of them changes."""

CHUNK = 1 << 20


def clone(source: int, target: int) -> bool:
    """Let an empty open file share all bytes of another; False where the file system can't."""
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:  # EOPNOTSUPP, EXDEV, EINVAL, ENOTTY: whatever it is, a copy will tell better
        return False
    return True


def copy_range(source: int, target: int, offset: int, count: int) -> None:
    """Append `count` bytes of one open file, from `offset`, to another, whose position is its end.

    Raises OSError, and Damaged when the source ends before.
    """
    end = offset + count
    shift = os.lseek(target, 0, os.SEEK_CUR) - offset
    offset = _copy_in_kernel(source, target, offset, end, shift)
    while offset < end:
        data = os.pread(source, min(CHUNK, end - offset), offset)
        if not data:
            raise Damaged()
        offset += os.pwrite(target, data, offset + shift)
    os.lseek(target, end + shift, os.SEEK_SET)


def _copy_in_kernel(source: int, target: int, offset: int, end: int, shift: int) -> int:
    """As far as copy_file_range goes: it declines some pairs of file systems, at any byte.

    Where it writes is always told: after an error nobody knows how far it came.
    """
    try:
        while offset < end:
            copied = os.copy_file_range(source, target, end - offset, offset, offset + shift)
            if copied == 0:
                break
            offset += copied
    except OSError:
        pass  # the plain copy goes on from here and reports what is really wrong
    return offset
