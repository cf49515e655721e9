"""Bytes of the disk that are set aside as a file: even a delete writes a little first."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from fileshare.errors import FileshareError
from fileshare.storage.threads import DiskThreads

RESERVED: Final = 16 << 20
"""Bytes: the database's log of a delete of some ten thousand files."""


class DiskReserve:
    """`services.ports.Reserve` as the file `reserve` in the data folder."""

    def __init__(self, data_dir: Path, size: int = RESERVED) -> None:
        self._path = data_dir / "reserve"
        self._size = size
        self._threads = DiskThreads(1)

    async def spend(self) -> bool:
        """See the port."""
        return await self._threads.run(self._spend)

    def _spend(self) -> bool:
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    async def refill(self) -> None:
        """See the port. It takes no more than half of what is free."""
        with suppress(FileshareError):
            await self._threads.run(self._refill)

    def _refill(self) -> None:
        with suppress(FileNotFoundError):
            if self._path.stat().st_size == self._size:
                return
        room = os.statvfs(self._path.parent)
        if room.f_bavail * room.f_frsize < 2 * self._size:
            return
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._size)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(fd)

    async def close(self) -> None:
        """End its thread."""
        await self._threads.stop()
