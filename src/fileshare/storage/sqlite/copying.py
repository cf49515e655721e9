"""A consistent copy of a database in use: complete under its name, or not there."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy all that is committed now to the file `target`, which it replaces; durable on return.

    A failure leaves `target` as it was; a kill also a file beside it that the next copy replaces.
    """
    unfinished = target.with_name(target.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
            source.backup(copy)
        sync_path(unfinished)
        unfinished.rename(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_path(target.parent)


def sync_path(path: Path) -> None:
    """Make a file's content, or the names in a folder, durable.

    Never for a database that is open: closing any descriptor of such a file drops
    the locks that SQLite holds on it for this whole process.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
