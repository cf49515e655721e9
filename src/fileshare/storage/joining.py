"""Parts joined into one: copied by the kernel, in steps, so that other work gets its turn at the threads.

The pieces stay as they are until somebody removes them; a part that is not whole is
never left behind.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from fileshare.errors import StorageFailed
from fileshare.storage.clone import copy_range
from fileshare.storage.threads import DiskThreads

STEP = 64 << 20
"""Bytes copied before others get their turn: some tens of milliseconds from memory to memory."""


class Joining:
    """One new part from several others."""

    def __init__(self, target: Path, pieces: Sequence[tuple[Path, int]]) -> None:
        self.length = sum(length for _, length in pieces)
        self._target = target
        self._pieces = pieces

    async def run(self, threads: DiskThreads, create: Callable[[Path], int]) -> int:
        """The new part's descriptor, at its end, synced. Raises as `Blobs.join`."""
        fd = await threads.open(create, self._target)
        try:
            for piece, length in self._pieces:
                for offset in range(0, max(length, 1), STEP):  # an empty piece is looked at too
                    count = min(STEP, length - offset)
                    await threads.run_on_copy(fd, _Copy(piece, length), offset, offset + count)
            await threads.run_on_copy(fd, _sync, 0, 0)
        except BaseException:
            os.close(fd)
            await threads.run(self._target.unlink, missing_ok=True)
            raise
        return fd


class _Copy:
    """A step of one piece, as `DiskThreads.run_on_copy` calls it."""

    def __init__(self, piece: Path, length: int) -> None:
        self._piece = piece
        self._length = length

    def __call__(self, target: int, start: int, stop: int) -> None:
        try:
            source = os.open(self._piece, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise StorageFailed("A piece of the upload is missing.") from None
        try:
            if os.fstat(source).st_size != self._length:
                raise StorageFailed("A piece of the upload has another length than it had.")
            copy_range(source, target, start, stop - start)
        finally:
            os.close(source)


def _sync(fd: int, _start: int, _stop: int) -> None:
    os.fsync(fd)
