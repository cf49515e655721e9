"""Partial downloads on the local disk: `.part` beside the target, renamed when right.

A part is hashed from what is on the disk, by a thread that follows the writing; so a
resumed one needs no pause for its beginning. Never replaces a file of the user's:
not the target unless told to, and not a file that merely looks like a part.
"""

import errno
import hashlib
import os
import threading
from collections.abc import Callable
from io import FileIO

from fileshare.client.places import sync_folder
from fileshare.errors import Conflict, FileshareError, IntegrityError, NoSpace

SUFFIX = ".part"
_PIECE = 1 << 20
_NAME_BYTES = 255

Told = Callable[[int, int], None]


def part_path(target: str, number: int = 1) -> str:
    """Where the part of a target lies; `number` for others where that name is taken."""
    folder, name = os.path.split(target)
    suffix = SUFFIX if number == 1 else f"{SUFFIX}{number}"
    room = _NAME_BYTES - len(suffix)
    short = name.encode("utf-8", "surrogateescape")[:room].decode("utf-8", "ignore")
    return os.path.join(folder, short + suffix)


def keep_aside(part: str) -> str:
    """Rename a part that won't be gone on with; returns its new path."""
    number = 1
    while os.path.lexists(aside := f"{part}.{number}"):
        number += 1
    os.rename(part, aside)
    return aside


def place(part: str, target: str, *, replace: bool) -> None:
    """Give a complete file its name. Raises Conflict where another file stands there and may not go."""
    try:
        if replace:
            os.replace(part, target)
        elif os.name == "nt":
            os.rename(part, target)
        else:
            _link(part, target)
    except FileExistsError:
        raise Conflict(f"{target!r} has come into being meanwhile: the download is at {part!r}.") from None
    except OSError as error:
        raise local_error(target, error) from None


def _link(part: str, target: str) -> None:
    """Rename without replacing, which POSIX has no single call for."""
    try:
        os.link(part, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # no hard links here: look, then rename
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.rename(part, target)
    else:
        os.unlink(part)


def set_modified(path: str, modified: float) -> None:
    """Give a file its source's time, where the system can hold it."""
    try:
        os.utime(path, (modified, modified))
    except (OSError, OverflowError, ValueError):
        return


def local_error(path: str, error: OSError) -> FileshareError:
    """What to tell when the local disk refuses."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return NoSpace(f"Your disk is full: {path!r} can't be written; what arrived is kept.")
    return FileshareError(f"{path!r} can't be written: {error.strerror}.")


class PartFile:
    """A part that is open for appending, and the digest of all it holds."""

    def __init__(self, path: str, *, new: bool, told: Told | None = None) -> None:
        """`told(count, total)` hears of the hashing of what was there before. Raises FileshareError."""
        self.path = path
        flags = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        flags |= os.O_CREAT | os.O_EXCL if new else 0
        try:
            self._file = FileIO(os.open(path, flags, 0o666), "wb")
            self.offset = self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise local_error(path, error) from None
        self.resumed_from = self.offset
        self._follower = Follower(path, self.offset, told)

    def write(self, data: memoryview) -> None:
        """Append. Raises NoSpace, with what was written before still good."""
        try:
            while data:
                count = self._file.write(data) or 0
                self.offset += count
                data = data[count:]
        except OSError as error:
            raise local_error(self.path, error) from None
        finally:
            self._follower.may_read(self.offset)

    def digest(self) -> str:
        """The digest of all that was written."""
        return self._follower.result()

    def finish(self, target: str, modified: float, *, replace: bool) -> None:
        """Make it durable and give it its name. Raises Conflict, NoSpace."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise local_error(self.path, error) from None
        self.close()
        set_modified(self.path, modified)
        place(self.path, target, replace=replace)
        sync_folder(os.path.dirname(target))

    def close(self) -> None:
        """Let go; what was written stays. Safe to call twice."""
        self._follower.stop()
        self._file.close()


class Follower:
    """Hashes a file in a thread while it grows."""

    def __init__(self, path: str, there: int, told: Told | None) -> None:
        self._path = path
        self._before = there
        self._limit = there
        self._told = told
        self._closed = False
        self._stopped = False
        self._digest = hashlib.sha256()
        self._error: OSError | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def may_read(self, limit: int) -> None:
        """Everything before `limit` is written."""
        with self._changed:
            self._limit = limit
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
            self._thread.start()

    def result(self) -> str:
        """The digest of everything before the last limit. Raises IntegrityError."""
        self.may_read(self._limit)
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise IntegrityError(f"{self._path!r} can't be read again: {self._error.strerror}.")
        return self._digest.hexdigest()

    def stop(self) -> None:
        """Nobody wants the result any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with open(self._path, "rb", buffering=0) as file:
                self._follow(file)
        except OSError as error:
            self._error = error

    def _follow(self, file: FileIO) -> None:
        view = memoryview(bytearray(_PIECE))
        done = 0
        while (limit := self._wait_beyond(done)) > done:
            count = file.readinto(view[: min(_PIECE, limit - done)]) or 0
            if not count:
                raise OSError(errno.EIO, "it became shorter")
            self._digest.update(view[:count])
            done += count
            if self._told is not None and done - count < self._before:
                self._told(min(done, self._before), self._before)

    def _wait_beyond(self, done: int) -> int:
        """The next limit; `done` itself when there is nothing more to do."""
        with self._changed:
            while not (self._limit > done or self._closed or self._stopped):
                self._changed.wait()
            return done if self._stopped else self._limit
