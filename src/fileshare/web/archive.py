"""A folder as one ZIP, made while it is sent.

It ends with its table of contents, which goes out only after every file of it went out
whole: cut at any byte before, no program takes it for complete. Nothing is kept on disk,
and in memory only that table.
"""

import asyncio
import stat
import struct
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Protocol
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from aiohttp import web

from fileshare.domain.access import Action
from fileshare.domain.model import Caller, Entry, File
from fileshare.domain.names import join, name_of, parse_folder, shown
from fileshare.errors import BadRequest
from fileshare.services.files import Files
from fileshare.services.ports import OpenFile, Sink
from fileshare.web.disposition import SANDBOX, disposition_of
from fileshare.web.identity import caller_of
from fileshare.web.keys import services_of
from fileshare.web.paths import path_of
from fileshare.web.sinks import ResponseSink

PAGE = 500
"""Entries fetched at a time."""

READ_AHEAD = 1 << 20
"""Bytes read and summed in one turn of a worker thread."""

ROOT_NAME = "files"
"""What the root is called, which has no name of its own."""

_FIRST_DATE, _LAST_DATE = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
_LAST_SECOND = 2**31 - 1
"""What the two forms of a time in a ZIP can hold."""


async def send_archive(request: web.Request) -> web.StreamResponse:
    """The folder of the URL with everything below it, or those of it that `path` names, several times.

    Raises as `Files.walk`, before the first byte.
    """
    return await send_chosen(request, path_of(request), request.query.getall("path", ()))


async def send_chosen(request: web.Request, folder: str, paths: Sequence[str]) -> web.StreamResponse:
    """Of a folder these files and folders, or all when there are none. Raises before the first byte."""
    services, caller, folder = services_of(request), caller_of(request), parse_folder(folder)
    services.audit.check(caller, Action.DOWNLOAD, folder)
    async with aclosing(_entries(services.files, caller, folder, paths)) as entries:
        first = await anext(entries, None)
        name = f"{name_of(folder) or ROOT_NAME}.zip"
        response = web.StreamResponse(headers=_headers(name))
        await response.prepare(request)
        if request.method != "HEAD":
            sink = ResponseSink(request, response, services.settings.stall_seconds)
            async with services.transfers.sending(caller, join(folder, name), 0, None, sink) as outgoing:
                await _Archive(services.files, caller, outgoing, folder).send(first, entries)
    await response.write_eof()
    return response


async def _entries(
    files: Files, caller: Caller, folder: str, paths: Sequence[str]
) -> AsyncGenerator[Entry, None]:
    if not paths:
        async for entry in _walk(files, caller, folder):
            yield entry
        return
    chosen = [await files.entry(caller, path) for path in paths]  # all of them before the first byte
    for entry in _topmost(chosen, folder):
        yield entry
        if not isinstance(entry, File):
            async for below in _walk(files, caller, entry.path):
                yield below


def _topmost(entries: Sequence[Entry], folder: str) -> Sequence[Entry]:
    """Each once, also where a folder and something in it are both among them. Raises BadRequest."""
    inside = f"{folder}/" if folder else ""
    folders = {f"{entry.path}/" for entry in entries if not isinstance(entry, File)}
    for entry in entries:
        if not entry.path.startswith(inside):
            raise BadRequest(f"{shown(entry.path)} is not in that folder.")
    return [entry for entry in entries if not any(entry.path.startswith(one) for one in folders)]


async def _walk(files: Files, caller: Caller, folder: str) -> AsyncGenerator[Entry, None]:
    cursor = None
    while True:
        page = await files.walk(caller, folder, PAGE, cursor)
        for entry in page.entries:
            yield entry
        cursor = page.next
        if cursor is None:
            return


def _headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": disposition_of(name, inline=False),
        "Content-Security-Policy": SANDBOX,
        "Content-Type": "application/zip",
    }


class _Outlet:
    """What ZipFile writes to: keeps its bytes until they are sent. It can't tell a place, so that
    ZipFile writes sizes and sums behind each file and never goes back."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._pieces: list[bytes] = []

    def write(self, data: bytes | memoryview) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing: only `send` sends."""

    async def send(self) -> None:
        pieces, self._pieces = self._pieces, []
        await self._sink.write(b"".join(pieces))


class _Writable(Protocol):
    def write(self, data: bytes | memoryview, /) -> int: ...


class _Archive:
    """One ZIP on its way. What fails leaves it without its end."""

    def __init__(self, files: Files, caller: Caller, sink: Sink, folder: str) -> None:
        self._files = files
        self._caller = caller
        self._folder = folder
        self._top = name_of(folder)
        self._outlet = _Outlet(sink)

    async def send(self, first: Entry | None, rest: AsyncIterator[Entry]) -> None:
        """All entries, then the end. Raises ConnectionLost, Damaged, and NotFound for what went away."""
        with ZipFile(self._outlet, "w", ZIP_STORED) as archive:  # type: ignore[call-overload]
            if first is not None:
                await self._add(archive, first)
            async for entry in rest:
                await self._add(archive, entry)
        # Reached only without an error: what ZipFile wrote while one passed through stays here.
        await self._outlet.send()

    async def _add(self, archive: ZipFile, entry: Entry) -> None:
        name = join(self._top, entry.path[len(self._folder) :].lstrip("/"))
        if isinstance(entry, File):
            await self._add_file(archive, name, entry)
        else:
            archive.writestr(_info(f"{name}/", entry.modified, 0), b"")
            await self._outlet.send()

    async def _add_file(self, archive: ZipFile, name: str, file: File) -> None:
        # This version, also when the file is replaced meanwhile.
        found = await self._files.open(self._caller, file.path, file.version.number)
        size = found.version.size
        with archive.open(_info(name, found.version.modified, size), "w") as entry:
            await self._files.send(found, 0, size, _EntrySink(entry, self._outlet), listed=False)
        await self._outlet.send()


class _EntrySink:
    """One file's bytes on their way through the archive, a `Sink` for the services."""

    def __init__(self, entry: _Writable, outlet: _Outlet) -> None:
        self._entry = entry
        self._outlet = outlet

    async def write(self, data: bytes | memoryview) -> None:
        self._entry.write(data)
        await self._outlet.send()

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        end = offset + count
        while offset < end:
            data = await file.read(offset, min(READ_AHEAD, end - offset))
            # The sum in a thread too, so that pages are served meanwhile.
            await asyncio.to_thread(self._entry.write, data)
            offset += len(data)
            await self._outlet.send()


def _info(name: str, modified: int, size: int) -> ZipInfo:
    """An entry's head. `size` lets ZipFile choose the form for large files; `modified` is milliseconds."""
    seconds = max(modified // 1000, 0)
    info = ZipInfo(name, _dos_date(seconds))
    info.create_system = 3  # Unix: then the next field holds its modes
    info.external_attr = (
        (stat.S_IFDIR | 0o755) << 16 | 0x10 if name.endswith("/") else (stat.S_IFREG | 0o644) << 16
    )
    info.file_size = size
    if seconds <= _LAST_SECOND:
        # Info-ZIP's "extended timestamp": UTC, which the ZIP's own field can't say.
        info.extra = struct.pack("<HHBi", 0x5455, 5, 1, seconds)
    return info


def _dos_date(seconds: int) -> tuple[int, int, int, int, int, int]:
    """A time by this machine's clock, as every ZIP has it, within what the format holds."""
    try:
        date = time.localtime(seconds)[:6]
    except (OverflowError, ValueError, OSError):
        return _LAST_DATE
    return min(max(date, _FIRST_DATE), _LAST_DATE)
