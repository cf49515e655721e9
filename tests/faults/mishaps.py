"""What can befall a call: an error of the disk or of SQLite, half a write, a sync that lies, the end."""

import errno
import os
import signal
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.calls import Call

_DATABASE: Final = {
    errno.EIO: ("disk I/O error", sqlite3.SQLITE_IOERR),
    errno.ENOSPC: ("database or disk is full", sqlite3.SQLITE_FULL),
    errno.EDQUOT: ("database or disk is full", sqlite3.SQLITE_FULL),
    errno.EACCES: ("attempt to write a readonly database", sqlite3.SQLITE_READONLY),
    errno.EBUSY: ("database is locked", sqlite3.SQLITE_BUSY),
}
"""What SQLite makes of the system's errors."""


@dataclass(frozen=True)
class Fails:
    """The call fails with that error. `done` says that it did its work nevertheless."""

    code: int
    sticky: bool = False
    done: bool = False

    @property
    def name(self) -> str:
        """For the table and for `--only`."""
        ways = [
            errno.errorcode[self.code],
            "for ever" if self.sticky else "once",
            "too late" if self.done else "",
        ]
        return " ".join(filter(None, ways))

    def touches(self, call: Call) -> bool:
        """Room is missed by those who write, locks by who asks SQLite; everything else may befall all."""
        if self.code == errno.EBUSY:
            return call.is_sql
        only_writes = self.code in (errno.ENOSPC, errno.EDQUOT) or (call.is_sql and self.code == errno.EACCES)
        if self.done:  # a descriptor that nobody gets to see would be a leak of this harness
            return call.writes and call.name != "open"
        return call.writes or not only_writes

    def strike(self, call: Call) -> Any:
        """Raise, after the work or in its place."""
        if self.done:
            call.run()
        if not call.is_sql:
            raise OSError(self.code, os.strerror(self.code))
        message, code = _DATABASE[self.code]
        if not self.done and self.code != errno.EBUSY:
            _undo(call)
        error = sqlite3.OperationalError(message)
        error.sqlite_errorcode = code
        raise error

    def passed(self, call: Call) -> None:
        """Nothing to remember."""


def _undo(call: Call) -> None:
    """On these errors SQLite may roll the whole transaction back by itself, and mostly does."""
    connection = call.args[0] if call.args else None
    if isinstance(connection, sqlite3.Connection) and connection.in_transaction:
        sqlite3.Connection.execute(connection, "ROLLBACK")


@dataclass(frozen=True)
class Short:
    """A write takes half of what it was given, at least one byte, as on a disk that is almost full."""

    sticky: bool = True
    name: str = "short writes"

    def touches(self, call: Call) -> bool:
        """Writes of bytes."""
        return call.name in ("write", "writev", "pwrite")

    def strike(self, call: Call) -> int:
        """Write half."""
        fd, data, *offset = call.args
        whole = b"".join(data) if isinstance(data, list) else bytes(data)
        half = whole[: max(1, len(whole) // 2)]
        return _real_pwrite(fd, half, *offset) if offset else _real_write(fd, half)

    def passed(self, call: Call) -> None:
        """Nothing to remember."""


_real_write, _real_pwrite = os.write, os.pwrite


@dataclass
class Loss:
    """Bytes that a failed sync has lost: of that inode, from `start` to `stop`."""

    inode: tuple[int, int]
    start: int
    stop: int
    fd: int
    """Reaches the file under whatever name, or none."""


@dataclass
class Forgets:
    """A sync of a file fails once, and the next "succeeds" without the bytes, as Linux does it.

    `forget` makes the loss true: what the failed sync should have covered, and nobody has
    cut off since, becomes zeros. To be called when all is closed.
    """

    sticky: bool = False
    name: str = "a failed sync that then succeeds"
    _synced: dict[tuple[int, int], int] = field(default_factory=dict)
    _losses: list[Loss] = field(default_factory=list)

    def touches(self, call: Call) -> bool:
        """Syncs of files."""
        return call.name in ("fsync", "fdatasync") and _is_file(call.args[0])

    def strike(self, call: Call) -> None:
        """Fail, remembering what is lost."""
        inode, size = _inode_and_size(call.args[0])
        fd = os.open(f"/proc/self/fd/{call.args[0]}", os.O_RDWR | os.O_CLOEXEC)
        self._losses.append(Loss(inode, self._synced.get(inode, 0), size, fd))
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def passed(self, call: Call) -> None:
        """Remember how much of a file is safe, and what of a loss was given up."""
        if self.touches(call):
            inode, size = _inode_and_size(call.args[0])
            self._synced[inode] = size
        elif call.name == "ftruncate":
            inode, size = _inode_and_size(call.args[0])
            for loss in self._losses:
                loss.stop = min(loss.stop, size) if loss.inode == inode else loss.stop

    def forget(self) -> None:
        """The power goes: what was lost is lost."""
        while self._losses:
            loss = self._losses.pop()
            stop = min(loss.stop, os.fstat(loss.fd).st_size)
            os.pwrite(loss.fd, bytes(max(0, stop - loss.start)), loss.start)
            os.close(loss.fd)


def _is_file(fd: int) -> bool:
    return stat.S_ISREG(os.fstat(fd).st_mode)


def _inode_and_size(fd: int) -> tuple[tuple[int, int], int]:
    found = os.fstat(fd)
    return (found.st_dev, found.st_ino), found.st_size


@dataclass(frozen=True)
class Ends:
    """The process ends before the call, by `kill -9`; `before` is done first (the power goes)."""

    before: Callable[[], None] = lambda: None
    within: float = 0
    """Seconds after the call has begun, rather than before it: SQLite's own calls come one by one, too."""
    sticky: bool = False
    name: str = "kill -9"

    def touches(self, call: Call) -> bool:
        """Whatever changes something: between two reads the disk stays as it is."""
        return call.writes

    def strike(self, call: Call) -> None:
        """The end. A call that is through sooner waits for it: nobody is told of it any more."""
        if not self.within:
            self._end()
        threading.Timer(self.within, self._end).start()
        with suppress(Exception):  # a disk without power fails it
            call.run()
        threading.Event().wait()

    def _end(self) -> None:
        self.before()
        os.kill(os.getpid(), signal.SIGKILL)

    def passed(self, call: Call) -> None:
        """Nothing to remember."""


Survived = Fails | Short | Forgets
"""What a process lives through."""


def survived() -> list[Callable[[], Survived]]:
    """One maker of each, in the order of the table."""
    codes = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EBUSY)
    fails = [Fails(code, sticky) for code in codes for sticky in (False, True)]
    fails.append(Fails(errno.EIO, done=True))
    return [*((lambda one=one: one) for one in fails), Short, Forgets]
