"""What an error of the operating system is to a caller of a store."""

import errno

from fileshare.errors import FileshareError, NoSpace, StorageFailed

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""The disk, the quota, and a limit on the size of a file (`ulimit -f`): more room helps in each case."""


def translated(error: OSError) -> FileshareError:
    """NoSpace where room is what is missing, otherwise StorageFailed. Paths stay out of the sentence."""
    if error.errno in _FULL:
        return NoSpace()
    return StorageFailed(
        f"The server's disk reported an error ({error.strerror}); nothing behind it is kept."
    )
