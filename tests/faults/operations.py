"""What is done to a data folder while something goes wrong.

Each is written as a client behaves: it yields the name of each stage that it was told of, and
done again it goes on from where the server says it stands. So the same few lines are the
first try, the try after an error, and the try after a restart.
"""

import asyncio
import hashlib
import random
import shutil
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from fileshare.domain import upload as life
from fileshare.domain.model import OnConflict, Receipt, Role, Upload
from fileshare.errors import Damaged, FileshareError, NotFound
from fileshare.services.backup import Backup
from fileshare.services.new_uploads import NewUpload
from fileshare.services.ports import OpenFile
from fileshare.services.whole_files import SmallFile
from fileshare.services.writer import Writer
from fileshare.storage.folder_copy import FolderCopy
from tests.faults.house import PASSWORDS, SMALL, House
from tests.folders import make as old
from tests.storage.streams import Pieces

Stages = AsyncGenerator[str, None]


def pattern(name: str, size: int) -> bytes:
    """Bytes that follow from the name alone."""
    return random.Random(name).randbytes(size)


SMALL_DATA = pattern("small", SMALL // 2)
LARGE = pattern("large", 200_000)
STEP = 80_000
"""Bytes between two checkpoints of a large upload."""


@dataclass(frozen=True)
class Operation:
    """Something that clients ask for."""

    name: str
    run: Callable[[House], Stages]
    prepare: Callable[[House], Awaitable[None]]
    archive: Path | None = None
    """A data folder to begin with; a new one otherwise."""
    at_start: bool = False
    """Whether opening the stores belongs to it."""


# What is uploaded


@asynccontextmanager
async def _released(writer: Writer) -> AsyncIterator[Writer]:
    """As a door lets go of an upload, whatever happens."""
    try:
        yield writer
    finally:
        await writer.release()


async def _send(house: House, new: NewUpload, data: bytes, step: int = STEP) -> Stages:
    found = await _begin(house, new)
    if not isinstance(found, Receipt):
        async with _released(found) as writer:
            yield f"{new.path} begun"
            async with aclosing(_send_rest(writer, data, step)) as stages:
                async for stage in stages:
                    yield f"{new.path} {stage}"
            if not new.partial:
                found = await writer.finish()
    if isinstance(found, Receipt):
        assert found.digest == hashlib.sha256(data).hexdigest()
        yield f"{new.path} stored"


async def _begin(house: House, new: NewUpload) -> Writer | Receipt:
    """Whoever sends a piece keeps the server's own name of it, and so never begins it again."""
    uploads = house.services.uploads
    if new.partial:
        with suppress(NotFound):
            return await uploads.resume(house.caller, lambda: None, upload_id=new.client_id)
    return await uploads.begin(house.caller, new, lambda: None)


async def _send_rest(writer: Writer, data: bytes, step: int) -> Stages:
    while writer.offset < len(data):
        start, stop = writer.offset, min(len(data), (writer.offset // step + 1) * step)
        await writer.receive(Pieces(data[start : start + 1000], data[start + 1000 : stop]), stop - start)
        assert await writer.checkpoint() == stop
        if stop < len(data):
            yield f"at {stop}"


def _new(path: str, data: bytes, on_conflict: OnConflict = OnConflict.KEEP_BOTH) -> NewUpload:
    digest = hashlib.sha256(data).hexdigest()
    return NewUpload(path, len(data), digest, on_conflict, client_id=f"{path} {digest[:8]}")


async def _upload_large(house: House) -> Stages:
    async for stage in _send(house, _new("docs/large.bin", LARGE), LARGE):
        yield stage


async def _upload_small_in_pieces(house: House) -> Stages:
    async for stage in _send(house, _new("docs/small.txt", SMALL_DATA), SMALL_DATA, 1000):
        yield stage


async def _upload_small_whole(house: House) -> Stages:
    digest = hashlib.sha256(SMALL_DATA).hexdigest()
    file = SmallFile("a whole file's id", "docs/small.txt", digest, SMALL_DATA)
    (outcome,) = await house.services.whole_files.put(house.caller, [file], OnConflict.KEEP_BOTH)
    if isinstance(outcome, FileshareError):
        raise outcome
    yield "stored"


async def _overwrite(house: House) -> Stages:
    async for stage in _send(house, _new("keep/large.bin", LARGE, OnConflict.REPLACE), LARGE):
        yield stage


async def _upload_doubted(house: House) -> Stages:
    """By tus, a piece with a checksum."""
    found = await house.services.uploads.begin(house.caller, _new("docs/large.bin", LARGE), lambda: None)
    if not isinstance(found, Receipt):
        async with _released(found) as writer:
            yield "begun"
            await writer.doubt()
            rest = LARGE[writer.offset :]
            await writer.receive(Pieces(rest), len(rest))
            assert await writer.believe() == len(LARGE)
            found = await writer.finish()
    yield "stored"


async def _join(house: House) -> Stages:
    """By tus, pieces that were sent beside each other."""
    uploads, half = house.services.uploads, len(LARGE) // 2
    whole = NewUpload("docs/joined.bin", digest=hashlib.sha256(LARGE).hexdigest())
    if whole.path not in (await house.look()).files:
        for name, data in (("first", LARGE[:half]), ("second", LARGE[half:])):
            async for stage in _send(house, NewUpload("", len(data), client_id=name, partial=True), data):
                yield f"{name} {stage}"
            yield f"{name} piece"
        pieces = [await uploads.look(house.caller, name) for name in ("first", "second")]
        ids = [piece.id for piece in pieces if isinstance(piece, Upload)]
        await house.services.concatenation.join(house.caller, whole, ids)
        yield "joined"
    for left in await house.stores.catalog.uploads():
        await uploads.forget(left.id)
    yield "expired"


async def _prove(house: House) -> Stages:
    """A content that the server has already."""
    data, whole_files = pattern("kept", 150_000), house.services.whole_files
    new = _new("docs/same.bin", data)
    nonce = await whole_files.challenge(house.caller, new.digest or "", len(data))
    assert nonce is not None
    yield "asked"
    await whole_files.prove(house.caller, new, nonce, hashlib.sha256(nonce + data).hexdigest())
    yield "stored"


# What is done to files


class _Wire:
    """A sink with a socket behind it, as the TCP door's."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    async def write(self, data: bytes | memoryview) -> None:
        await asyncio.get_running_loop().sock_sendall(self._end, data)

    async def send_file(self, file: OpenFile, offset: int, count: int) -> None:
        await file.send_to(self._end.fileno(), offset, count, 60)


async def _read_by_socket(house: House, path: str) -> bytes:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        receiving = asyncio.create_task(asyncio.to_thread(_drained, theirs))
        try:
            download = await house.services.files.open(house.caller, path)
            await house.services.files.send(download, 0, download.content.size, _Wire(ours))
        finally:
            ours.shutdown(socket.SHUT_WR)
            data = await receiving
    return data


def _drained(end: socket.socket) -> bytes:
    with end.makefile("rb") as reader:
        return reader.read()


async def _download(house: House) -> Stages:
    assert await house.read("keep/large.bin") == pattern("kept", 150_000)
    yield "large"
    assert await _read_by_socket(house, "keep/large.bin") == pattern("kept", 150_000)
    yield "by socket"
    assert await house.read("keep/small.txt") == SMALL_DATA
    yield "small"


async def _delete_and_restore(house: House) -> Stages:
    files, caller = house.services.files, house.caller
    world = await house.look()
    if "docs/back.txt" not in world.files:
        if "keep/large.bin" in world.files:
            await files.delete(caller, "keep/large.bin")
        yield "deleted"
        await files.restore_path(caller, "keep/large.bin")
        yield "restored"
        await files.make_folder(caller, "docs")
        yield "folder"
        await files.move(caller, "keep/large.bin", "docs/back.txt")
    yield "moved"
    if len((await house.look()).files["docs/back.txt"]) == 1:
        await files.restore_version(caller, "docs/back.txt", 1)
    yield "version restored"


async def _empty_trash(house: House) -> Stages:
    if "keep" in (await house.look()).folders:
        await house.services.files.delete(house.caller, "keep")
    yield "deleted"
    await house.services.files.empty_trash(house.caller)
    yield "emptied"
    await house.services.sweeper.collect()
    yield "collected"


async def _sweep(house: House) -> Stages:
    await house.sweep()
    yield "swept"


async def _change_users(house: House) -> Stages:
    accounts, caller = house.services.accounts, house.caller
    known = (await house.look()).accounts
    if "ben" not in known:
        await accounts.add(caller, "ben", PASSWORDS[0])
    yield "added"
    if "ben" not in known or known["ben"][2] != PASSWORDS[1]:
        await accounts.set_password(caller, "ben", PASSWORDS[1])
    yield "password"
    await accounts.set_role(caller, "ben", Role.ADMIN)
    yield "role"
    await accounts.set_enabled(caller, "ben", False)
    yield "disabled"
    if "anna" in known:
        await house.services.uploads.forget_all(await accounts.delete(caller, "anna"))
    yield "deleted"


# Copies and formats


async def _backup(house: House) -> Stages:
    """Who is told that the copy is damaged throws it away."""
    target = house.folder.with_name("copy")
    if not (target / "fileshare.db").exists():
        with closing(FolderCopy(house.folder, target)) as copy:
            findings = await Backup(copy).run(lambda _: None, lambda _: None)
        if findings.damaged:
            shutil.rmtree(target)
            raise Damaged()
    yield "backed up"


async def _start(house: House) -> Stages:
    """Starting itself is the operation."""
    yield "started"


# What there is before


async def _nothing(house: House) -> None:
    pass


async def _some_files(house: House) -> None:
    for path, data in (("keep/large.bin", pattern("kept", 150_000)), ("keep/small.txt", SMALL_DATA)):
        async for _ in _send(house, _new(path, data), data):
            pass
    await house.services.accounts.add(house.caller, "anna", PASSWORDS[0])
    account = (await house.stores.accounts.login("anna")).account
    await house.services.accounts.issue_token(account, name="laptop", address="127.0.0.1")


async def _garbage(house: House) -> None:
    await _some_files(house)
    await house.services.files.delete(house.caller, "keep/large.bin")
    await house.services.files.empty_trash(house.caller)
    orphan = house.folder / "blobs" / "ab" / ("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"belongs to nothing")


async def _interrupted(house: House) -> None:
    """An upload that was being finished, one that is half done, and a part that no row knows."""
    await _some_files(house)
    orphan = house.folder / "uploads" / f"{'0' * 32}.part"
    orphan.write_bytes(b"belongs to nothing")
    uploads, workshop = house.services.uploads, house.services.workshop
    for path in ("half.bin", "verifying.bin"):
        data = pattern(path, STEP)
        writer = await uploads.begin(house.caller, _new(path, data), lambda: None)
        assert isinstance(writer, Writer)
        async with _released(writer):
            await writer.receive(Pieces(data), STEP)
    (upload,) = [one for one in await workshop.catalog.uploads() if one.path == "verifying.bin"]
    assert upload.digest is not None
    verifying = life.verify(upload, upload.digest, workshop.clock())
    await workshop.catalog.update_upload(verifying, expected_epoch=upload.epoch)


OPERATIONS = (
    Operation("upload-large", _upload_large, _some_files),
    Operation("upload-small", _upload_small_in_pieces, _some_files),
    Operation("upload-whole", _upload_small_whole, _some_files),
    Operation("overwrite", _overwrite, _some_files),
    Operation("upload-doubted", _upload_doubted, _some_files),
    Operation("join", _join, _some_files),
    Operation("prove", _prove, _some_files),
    Operation("download", _download, _some_files),
    Operation("delete-restore", _delete_and_restore, _some_files),
    Operation("empty-trash", _empty_trash, _some_files),
    Operation("sweep", _sweep, _garbage),
    Operation("users", _change_users, _some_files),
    Operation("backup", _backup, _some_files),
    Operation("recovery", _start, _interrupted, at_start=True),
    Operation("migration", _start, _nothing, old.HERE / "0.1.0.tar.gz", at_start=True),
)
