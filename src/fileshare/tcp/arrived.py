"""Bytes that were read off a socket and not yet handed out."""

from collections import deque


class Arrived:
    """In the order in which they came."""

    def __init__(self) -> None:
        self.count = 0
        """How many there are."""
        self._chunks: deque[bytes] = deque()
        self._begun = 0
        """Bytes of the first chunk that were handed out."""

    def add(self, data: bytes) -> None:
        """More came."""
        self._chunks.append(data)
        self.count += len(data)

    def take(self, limit: int) -> bytes:
        """The next ones, at most `limit`; fewer only where there are no more."""
        taken: list[bytes] = []
        room = min(limit, self.count)
        self.count -= room
        while room:
            chunk = self._chunks[0]
            piece = chunk[self._begun : self._begun + room]
            taken.append(piece)
            room -= len(piece)
            self._begun += len(piece)
            if self._begun == len(chunk):
                self._chunks.popleft()
                self._begun = 0
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def clear(self) -> None:
        """Nobody wants them."""
        self._chunks.clear()
        self.count = self._begun = 0
