"""Walking a local folder: every file and folder of it, and by name what is left out.

Yields as it goes, so that a tree of millions starts at once and takes no memory.
Never follows a symbolic link unless told to, and never opens anything.
"""

import os
import stat
from collections.abc import Iterator

from msgspec import Struct

from fileshare.client.state import Identity


class FoundFile(Struct, frozen=True):
    """A regular file."""

    path: str
    """Local, as the system calls it."""
    relative: str
    """Below the folder that was walked."""
    identity: Identity


class FoundFolder(Struct, frozen=True):
    """A folder; `empty` when nothing in it will be yielded."""

    path: str
    relative: str
    empty: bool


class LeftOut(Struct, frozen=True):
    """Something that is not uploaded. `failed` tells a failure from what is left out by rule."""

    path: str
    reason: str
    failed: bool


Found = FoundFile | FoundFolder | LeftOut


def walk(root: str, *, follow_links: bool = False) -> Iterator[Found]:
    """What is below `root`, in the order of names, files of a folder before its folders."""
    waiting: list[tuple[str, str, frozenset[tuple[int, int]]]] = [(root, "", frozenset())]
    while waiting:
        path, relative, above = waiting.pop()
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
            status = os.stat(path)
        except OSError as error:
            yield LeftOut(path, f"can't be read: {error.strerror}", failed=True)
            continue
        here = (status.st_dev, status.st_ino)
        if here in above:
            yield LeftOut(path, "links back to a folder above it", failed=False)
            continue
        folders = []
        sent = False
        for entry in entries:
            found = _look(entry, relative, follow_links)
            if found is None:
                folders.append((entry.path, _below(relative, entry.name), above | {here}))
                continue
            sent = sent or isinstance(found, FoundFile)
            yield found
        yield FoundFolder(path, relative, empty=not sent and not folders)
        waiting.extend(reversed(folders))


def _look(entry: os.DirEntry[str], relative: str, follow_links: bool) -> FoundFile | LeftOut | None:
    """What an entry is; None for a folder to walk."""
    try:
        if entry.is_symlink() and not follow_links:
            return LeftOut(entry.path, "is a symbolic link", failed=False)
        status = entry.stat(follow_symlinks=follow_links)
    except OSError as error:
        return LeftOut(entry.path, f"can't be read: {error.strerror}", failed=True)
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        return LeftOut(entry.path, f"is {_kind(status.st_mode)}", failed=False)
    return FoundFile(entry.path, _below(relative, entry.name), _identity(entry, status))


def _identity(entry: os.DirEntry[str], status: os.stat_result) -> Identity:
    """On Windows a folder's listing leaves device and inode at 0; there it takes another look."""
    return Identity.of(status if status.st_ino else os.stat(entry.path))


def _below(relative: str, name: str) -> str:
    return f"{relative}{os.sep}{name}" if relative else name


def _kind(mode: int) -> str:
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        return "a device"
    return {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}.get(stat.S_IFMT(mode), "not a regular file")
