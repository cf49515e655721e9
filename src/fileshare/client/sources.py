"""Where the bytes of an upload come from: what a source is, and the local file as one.

Each knows the digest of all it gave, also when sending began in the middle, and notices
a source that changed: bytes of two states of a file must never become one upload.
"""

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from io import FileIO
from typing import Protocol

from fileshare.client.begun_digests import BegunDigest, BegunDigests
from fileshare.client.state import Identity
from fileshare.errors import (
    BadRequest,
    FileshareError,
    NotFound,
    SourceChanged,
    StorageFailed,
)

PIECE = 1 << 20
"""Bytes read, hashed and sent at once: more gained nothing (design, section 9)."""


class Source(Protocol):
    """The bytes of one upload, by offset."""

    @property
    def size(self) -> int | None:
        """Bytes in all; None where only the end will tell."""
        ...

    def read(self, offset: int, limit: int) -> memoryview:
        """1 to `limit` bytes from `offset`; empty at the end. The next call may overwrite them.

        Raises SourceChanged, and IntegrityError for bytes that are no longer at hand.
        """
        ...

    def must_wait(self, offset: int) -> bool:
        """Whether nothing more can be read at `offset` before the server has kept more (see `kept`)."""
        ...

    def kept(self, offset: int) -> None:
        """The server has everything before `offset` durable: it won't be asked for again."""
        ...

    def digest(self) -> str:
        """The digest of the whole, after its end was read. Raises SourceChanged."""
        ...

    def close(self) -> None:
        """Let go. Safe to call twice."""
        ...


_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Without O_NONBLOCK a pipe that stands where a file stood would be waited for, for ever."""


def open_file(path: str) -> FileIO:
    """Open a regular file for reading, unbuffered, and nothing else.

    Raises NotFound, BadRequest for what is not a regular file, FileshareError where reading is refused.
    """
    descriptor = _open(path)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadRequest(f"{path!r} is not a regular file; to send what a program prints, use `-`.")
    return FileIO(descriptor, "rb")


def _open(path: str) -> int:
    try:
        return os.open(path, _READ)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path!r}.") from None
    except OSError as error:
        raise FileshareError(f"{path!r} can't be read: {error.strerror}.") from None


def read_small(path: str, identity: Identity) -> bytes:
    """The whole of a small file, as it was when `identity` was taken. Raises SourceChanged, NotFound."""
    descriptor = _open(path)
    try:
        # Only a regular file can have that identity: others are not walked.
        same = Identity.of(os.fstat(descriptor)) == identity
        content = os.read(descriptor, identity.size + 1) if same else b""
        same = same and len(content) == identity.size and Identity.of(os.fstat(descriptor)) == identity
    except OSError as error:
        raise _unreadable(path, error) from None
    finally:
        os.close(descriptor)
    if not same:
        raise SourceChanged(f"{path!r} changed while it was uploaded; nothing was mixed.")
    return content


def _unreadable(path: str, error: OSError) -> StorageFailed:
    return StorageFailed(f"{path!r} can't be read: {error.strerror}.")


def digest_of_file(path: str, told: Callable[[int], None] | None = None) -> str:
    """The digest of a local file; `told` hears how many bytes are hashed so far. Raises as `open_file`."""
    digest = hashlib.sha256()
    view = memoryview(bytearray(PIECE))
    done = 0
    with open_file(path) as file:
        while count := _fill(path, file, view):
            digest.update(view[:count])
            done += count
            if told is not None:
                told(done)
    return digest.hexdigest()


def _fill(path: str, file: FileIO, view: memoryview) -> int:
    try:
        return file.readinto(view) or 0
    except OSError as error:
        raise _unreadable(path, error) from None


class FileSource:
    """A local file that must stay as it was when the upload began."""

    def __init__(
        self,
        path: str,
        identity: Identity | None = None,
        told: Callable[[int, int], None] | None = None,
        begun: BegunDigests | None = None,
    ) -> None:
        """`identity` is what the file must be; `told(count, total)` hears of a prefix being hashed.

        `begun` is where hashing is put aside and gone on with.
        """
        self._path = path
        self._file = open_file(path)
        self.identity = identity or Identity.of(os.fstat(self._file.fileno()))
        self._told = told
        self._buffer = memoryview(bytearray(min(PIECE, max(self.identity.size, 1))))
        self._digest = BegunDigest(self.identity, begun)
        self._at = 0
        self._catching_up: CatchUp | None = None
        try:
            self._check()
        except SourceChanged:
            self._file.close()
            raise

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.identity.size

    def read(self, offset: int, limit: int) -> memoryview:
        """See Source. What was hashed before is not hashed again."""
        if offset != self._at:
            self._file.seek(offset)
        count = _fill(self._path, self._file, self._buffer[: min(limit, self.size - offset)])
        if not count and offset < self.size:
            raise SourceChanged(f"{self._path!r} became shorter while it was read.")
        self._at = offset + count
        self._hash(offset, self._buffer[:count])
        return self._buffer[:count]

    def pieces(self) -> Iterator[memoryview]:
        """All of the file, without its digest. Raises SourceChanged, also at the end."""
        self._at = -1
        self._file.seek(0)
        while count := _fill(self._path, self._file, self._buffer):
            yield self._buffer[:count]
        self._check()

    def _hash(self, offset: int, data: memoryview) -> None:
        if self._catching_up is None and offset > self._digest.hashed:
            self._catching_up = CatchUp(self._path, self.identity, self._digest, offset, self._told)
        elif self._catching_up is None:
            self._digest.update(data[self._digest.hashed - offset :])

    def must_wait(self, offset: int) -> bool:
        """Never: a file can be read again."""
        return False

    def kept(self, offset: int) -> None:
        """Nothing to let go of."""

    def digest(self) -> str:
        """See Source. Looks once more whether the file is still what it was."""
        if self._catching_up is None and self._digest.hashed < self.size:
            self._catching_up = CatchUp(self._path, self.identity, self._digest, self.size, self._told)
        digest = self._catching_up.result() if self._catching_up is not None else self._digest.hexdigest()
        self._check()
        return digest

    def _check(self) -> None:
        if Identity.of(os.fstat(self._file.fileno())) != self.identity:
            raise SourceChanged(f"{self._path!r} changed while it was uploaded; nothing was mixed.")

    def close(self) -> None:
        """Let go of the file and of the thread that may read it."""
        if self._catching_up is not None:
            self._catching_up.stop()
        self._digest.keep()
        self._file.close()


class CatchUp:
    """Hashes a file to its end in a thread, while bytes that come later in it are already being sent."""

    def __init__(
        self,
        path: str,
        identity: Identity,
        digest: BegunDigest,
        prefix: int,
        told: Callable[[int, int], None] | None,
    ) -> None:
        """`digest` is gone on with; `prefix`: up to where hashing is told of as a phase of its own."""
        self._path = path
        self._identity = identity
        self._hashing = digest
        self._prefix = prefix
        self._told = told
        self._stopped = False
        self._digest = ""
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._digest = self._hash()
        except Exception as error:  # told to who asks for the result
            self._error = error

    def _hash(self) -> str:
        digest = self._hashing
        view = memoryview(bytearray(PIECE))
        with open_file(self._path) as file:
            if Identity.of(os.fstat(file.fileno())) != self._identity:
                raise SourceChanged(f"{self._path!r} was replaced while it was uploaded.")
            file.seek(digest.hashed)
            while digest.hashed < self._identity.size and not self._stopped:
                count = _fill(self._path, file, view)
                if not count:
                    raise SourceChanged(f"{self._path!r} became shorter while it was read.")
                digest.update(view[:count])
                if self._told is not None and digest.hashed - count < self._prefix:
                    self._told(min(digest.hashed, self._prefix), self._prefix)
        return digest.hexdigest()

    def result(self) -> str:
        """The digest, once it is there. Raises SourceChanged."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._digest

    def stop(self) -> None:
        """Nobody wants the result any more."""
        self._stopped = True
        self._thread.join()
