"""What a program prints, as the source of an upload: it can't be read twice.

Keeps what the server doesn't have durable yet, within a bound, so that a lost connection
costs nothing. Nothing outlives the process.
"""

import hashlib
from collections import deque
from typing import IO

from fileshare.errors import IntegrityError

PIPE_BOUND = 40 << 20
"""Bytes of a pipe that are kept until the server has them durable: one of its checkpoints (32 MiB) and what
flows while it is made, well inside the 100 MiB that the client may use."""


class PipeSource:
    """What a program prints. Keeps what the server doesn't have durable yet, within a bound."""

    def __init__(self, stream: IO[bytes], bound: int = PIPE_BOUND) -> None:
        self._stream = stream
        self._bound = bound
        self._chunks: deque[bytes] = deque()
        self._base = 0
        self._end = 0
        self._ended = False
        self._digest = hashlib.sha256()

    @property
    def size(self) -> int | None:
        """Unknown until the end."""
        return self._end if self._ended else None

    def must_wait(self, offset: int) -> bool:
        """When the bound is reached."""
        return offset == self._end and not self._ended and self._end - self._base >= self._bound

    def read(self, offset: int, limit: int) -> memoryview:
        """See Source: from what is kept, or else from the pipe."""
        if offset < self._base:
            raise IntegrityError("The server lost bytes it had acknowledged, and a pipe can't be read twice.")
        if offset == self._end:
            return memoryview(self._more(limit))
        start = self._base
        for chunk in self._chunks:
            if offset < start + len(chunk):
                return memoryview(chunk)[offset - start :][:limit]
            start += len(chunk)
        raise IntegrityError("The server asks for bytes that the pipe never gave.")

    def _more(self, limit: int) -> bytes:
        # read1 gives what is there: a slow program's bytes go on at once.
        read = getattr(self._stream, "read1", self._stream.read)
        data: bytes = b"" if self._ended else read(limit)
        self._ended = self._ended or not data
        if data:
            self._digest.update(data)
            self._chunks.append(data)
            self._end += len(data)
        return data

    def kept(self, offset: int) -> None:
        """Let go of what the server has."""
        while self._chunks and self._base + len(self._chunks[0]) <= offset:
            self._base += len(self._chunks.popleft())

    def digest(self) -> str:
        """The digest of all that came."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Leave the pipe to its owner."""
        self._chunks.clear()
