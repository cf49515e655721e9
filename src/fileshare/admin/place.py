"""Where the admin socket is, and how its ends meet.

The kernel takes 107 bytes of path for a Unix socket, and a data folder may lie deeper:
then it is reached through a descriptor of the folder.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "admin.sock"
LONGEST = 107
"""Bytes: sun_path of <sys/un.h> without its closing zero."""

BACKLOG = 16


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    direct = folder / NAME
    if len(os.fsencode(direct)) <= LONGEST:
        yield str(direct)
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{NAME}"
    finally:
        os.close(fd)


def listen(folder: Path) -> socket.socket:
    """A listening socket that only its owner can reach. Whoever calls holds the folder's lock.

    So one that lies there is left over from a server that was killed. Raises OSError.
    """
    (folder / NAME).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # Before it has a name: afterwards there would be a moment in which others could connect.
        os.fchmod(listener.fileno(), 0o600)
        with _address(folder) as address:
            listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(folder: Path) -> socket.socket:
    """A connection to the server of that folder. Raises OSError when none listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(folder) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def user_at(connection: socket.socket) -> int:
    """The user id of the process at the other end, from the kernel (SO_PEERCRED of socket(7))."""
    form = struct.Struct("3i")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, form.size)
    _pid, uid, _gid = form.unpack(credentials)
    return int(uid)
