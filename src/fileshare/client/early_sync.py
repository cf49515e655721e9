"""Writes a growing file out to the disk in the background, so that its final sync is short.

An error of any sync counts: the system tells it once, and a later sync may wrongly
succeed.
"""

import os
import threading

_EVERY = 64 << 20
"""Bytes: some tenths of a second of a disk's work."""

_KEPT = 1 << 30
"""Bytes of a file's beginning that are left in memory; 10 GiB would push out everything else."""


class EarlySync:
    """The syncs of one open file. One is in flight at most."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun_at = 0
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def wrote(self, offset: int) -> None:
        """The file has grown to `offset` bytes: begin a sync where one is due. Waits for nothing."""
        busy = self._thread is not None and self._thread.is_alive()
        if offset - self._begun_at >= _EVERY and not busy:
            self._begun_at = offset
            self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        written = self._begun_at
        try:
            os.fsync(self._descriptor)
            if written > _KEPT and hasattr(os, "posix_fadvise"):
                os.posix_fadvise(self._descriptor, _KEPT, written - _KEPT, os.POSIX_FADV_DONTNEED)
        except OSError as error:
            self._error = error

    def finish(self) -> None:
        """Everything is on the disk. Raises OSError, also for what an earlier sync met."""
        self.wait()
        if self._error is not None:
            raise self._error
        os.fsync(self._descriptor)

    def wait(self) -> None:
        """Return when no sync is in flight, so that the file may be closed."""
        if self._thread is not None:
            self._thread.join()
