"""Sources and sinks of tests."""

import asyncio

from fileshare.services.ports import OpenFile

Data = bytes | bytearray | memoryview


class Pieces:
    """Gives these pieces one by one, split where a limit asks for less, then ends.

    An exception among them is raised. None is a gap: it waits until `close_gap`. When
    all have been taken, `drained` is set, and a source that `stays` waits for ever.
    """

    def __init__(self, *pieces: Data | BaseException | None, stays: bool = False) -> None:
        self._pieces = [
            piece for piece in pieces if piece is None or isinstance(piece, BaseException) or len(piece)
        ]
        self._stays = stays
        self.reached_gap = asyncio.Event()
        self.close_gap = asyncio.Event()
        self.drained = asyncio.Event()

    async def read(self, limit: int) -> Data:
        await asyncio.sleep(0)
        if not self._pieces:
            self.drained.set()
            if self._stays:
                await asyncio.Event().wait()
            return b""
        piece = self._pieces.pop(0)
        if piece is None:
            self.reached_gap.set()
            await self.close_gap.wait()
            return await self.read(limit)
        if isinstance(piece, BaseException):
            raise piece
        if len(piece) > limit:
            self._pieces.insert(0, piece[limit:])
        return piece[:limit]


class Sunk:
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, data: bytes | memoryview) -> None:
        self.data += data

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        end = offset + count
        while offset < end:
            data = await file.read(offset, end - offset)
            self.data += data
            offset += len(data)
