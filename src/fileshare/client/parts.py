"""Partial downloads on the local disk: `.part` beside the target, renamed when right.

A part is hashed while it grows (see `follower`). Never replaces a file of the user's:
not the target unless told to, and not a file that merely looks like a part.
"""

import errno
import os
from io import FileIO

from fileshare.client.follower import Follower, Told
from fileshare.client.growing_file import GrowingFile
from fileshare.client.places import sync_folder
from fileshare.errors import Conflict, FileshareError, NoSpace, StorageFailed

SUFFIX = ".part"
_NAME_BYTES = 255


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
        if error.errno != errno.EXDEV:
            raise local_error(target, error) from None
        _carry(part, target, replace=replace)


def _carry(part: str, target: str, *, replace: bool) -> None:
    """Something else is mounted where the target lies: rename a durable copy there. Raises as `place`."""
    beside = os.path.join(
        os.path.dirname(target), f".fileshare-{os.getpid()}-{os.path.basename(part)}{SUFFIX}"
    )
    try:
        with open(part, "rb") as source, open(beside, "xb") as copy:
            while piece := source.read(1 << 20):
                copy.write(piece)
            copy.flush()
            os.fsync(copy.fileno())
        set_modified(beside, os.stat(part).st_mtime)
        place(beside, target, replace=replace)
        sync_folder(os.path.dirname(target))
        os.unlink(part)
    except OSError as error:
        raise local_error(target, error) from None
    finally:
        if os.path.lexists(beside):
            os.unlink(beside)


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


def set_modified(path: str | int, modified: float) -> None:
    """Give a file (or, where the system can, a descriptor) its source's time, if the system can hold it."""
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
            there = self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise local_error(path, error) from None
        self._follower = Follower(path, there, told)
        self._growing = GrowingFile(self._file.fileno(), there, self._follower)

    @property
    def offset(self) -> int:
        """Bytes that came; all are in the file after `close` unless a write failed."""
        return self._growing.offset

    def room(self) -> memoryview:
        """Where to put the next bytes, for `write`. Raises NoSpace as `write` does."""
        try:
            return self._growing.room()
        except OSError as error:
            raise local_error(self.path, error) from None

    def write(self, data: memoryview) -> None:
        """Append the beginning of the last `room`. Raises NoSpace, also for what was written before;
        what is in the file stays good."""
        try:
            self._growing.took(len(data))
        except OSError as error:
            raise local_error(self.path, error) from None

    def digest(self) -> str:
        """The digest of all that was written. Raises NoSpace as `write` does."""
        try:
            self._growing.flush()
        except OSError as error:
            raise local_error(self.path, error) from None
        return self._follower.result()

    def finish(self, target: str, modified: float, *, replace: bool) -> None:
        """Make it durable and give it its name. Raises Conflict, or StorageFailed when the part is lost."""
        try:
            self._growing.sync()
        except OSError as error:
            raise StorageFailed(f"{self.path!r} did not get onto the disk: {error.strerror}.") from None
        self.close()
        set_modified(self.path, modified)
        place(self.path, target, replace=replace)
        sync_folder(os.path.dirname(target))

    def close(self) -> None:
        """Let go; what was written stays. Safe to call twice."""
        self._growing.close()
        self._follower.stop()
        self._file.close()
