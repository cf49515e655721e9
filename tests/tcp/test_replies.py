"""Replies that are long, and downloads amid which something happens."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from fileshare.wire import messages as m
from fileshare.wire.connection import Aborted, End, FrameLimits
from tests.tcp.door import Door, Peer, Peer2, open_door

MIB = 1 << 20
FOLDER = "/".join(["d" * 250] * 8)
LARGE = bytes(range(256)) * (9 * MIB // 256)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as door:
        yield door


async def upload(peer: Peer2, path: str, data: bytes, number: int = 0) -> None:
    assert isinstance(await peer.call(m.Upload(upload_id=f"{number:016}", path=path)), m.Ready)
    peer.send_segments(data, MIB)
    peer.send_raw(peer.wire.end(len(data), hashlib.sha256(data).hexdigest()))
    while not isinstance(reply := await peer.next(), m.Stored):
        assert isinstance(reply, m.Checkpoint), reply


async def put_many(peer: Peer2, count: int) -> None:
    """Empty files with paths of 2 KiB, so that a thousand of them make 2 MiB."""
    digest = hashlib.sha256(b"").hexdigest()
    for first in range(0, count, 20):
        files = [
            m.PutFile(upload_id=f"{number:016}", path=f"{FOLDER}/{number:04}", size=0, digest=digest)
            for number in range(first, first + 20)
        ]
        results = await peer.call(m.Put(files=files))
        assert isinstance(results, m.Results)
        assert all(result.version for result in results.results)


@pytest.mark.parametrize("recursive", [False, True])
async def test_a_page_of_long_paths_stays_under_the_limit_and_none_is_missed(
    door: Door, recursive: bool
) -> None:
    async with door.peer2() as peer:
        await put_many(peer, 600)
        listed: list[str] = []
        cursor = ""
        pages = 0
        while pages == 0 or cursor:
            page = await peer.call(m.List(path=FOLDER, recursive=recursive, cursor=cursor))
            assert isinstance(page, m.EntryPage)
            listed += [entry.path for entry in page.entries]
            cursor, pages = page.next or "", pages + 1
        assert listed == [f"{FOLDER}/{number:04}" for number in range(600)]
        assert pages > 1


async def test_more_versions_than_a_reply_holds_are_too_many() -> None:
    async with open_door(frames=FrameLimits(page=1000)) as door, door.peer2() as peer:
        for number in range(8):
            ready = m.Upload(upload_id=f"{number:016}", path="a", on_conflict="replace")
            assert isinstance(await peer.call(ready), m.Ready)
            data = b"%d" % number
            peer.send_segments(data)
            peer.send_raw(peer.wire.end(len(data), hashlib.sha256(data).hexdigest()))
            assert isinstance(await peer.next(), m.Stored)
        error = await peer.call(m.Versions(path="a"))
        assert isinstance(error, m.Error)
        assert error.code == "too_many"
        assert isinstance(await peer.call(m.Stat(path="a")), m.EntryInfo), "the connection goes on"


async def test_a_list_of_version_1_over_the_limit_is_too_many() -> None:
    async with open_door(frames=FrameLimits(reply=10_000)) as door:
        async with door.peer2() as peer:
            await put_many(peer, 20)
        async with door.peer1() as old:
            status, data = await old.ask("LIST")
            assert (status, data["code"]) == ("ERROR", "too_many")
            assert (await old.ask("DOWNLOAD", filename="nothing"))[0] == "FILE_NOT_FOUND"


async def test_a_file_deleted_amid_its_download_still_arrives_whole(door: Door) -> None:
    async with door.peer2() as peer:
        await upload(peer, "a", LARGE)
        begin = await peer.call(m.Download(path="a"))
        assert isinstance(begin, m.DownloadBegin)
        door.world.blobs.stored.clear()
        assert isinstance(await peer.next(), End)
        assert bytes(peer.body) == LARGE


async def test_a_download_of_many_segments_leaves_one_event(door: Door) -> None:
    async with door.peer2() as peer:
        await upload(peer, "a", LARGE)
        await peer.call(m.Download(path="a"))
        assert isinstance(await peer.next(), End)
        await door.world.shop.audit.flush()
        events = await door.world.events.events(100, action="download")
        assert [event.path for event in events] == ["a"]


async def test_a_content_that_turns_out_damaged_is_given_up_by_abort(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door.peer2() as peer:
        await upload(peer, "a", LARGE)

        async def lies_there(*_: object) -> bool:
            return True

        monkeypatch.setattr(door.world.blobs, "exists", lies_there)
        door.world.blobs.stored.clear()
        assert isinstance(await peer.call(m.Download(path="a")), m.DownloadBegin)
        aborted = await peer.next()
        assert isinstance(aborted, Aborted)
        assert aborted.code == "damaged"
        assert isinstance(await peer.call(m.WhoAmI()), m.Identity), "the connection goes on"


async def test_an_upload_without_size_is_not_found_by_version_1_and_not_lost(door: Door) -> None:
    """It would have been taken for finished, found wrong, and thrown away."""
    digest = hashlib.sha256(b"hello world").hexdigest()
    async with door.peer2() as peer:
        assert isinstance(await peer.call(m.Upload(upload_id="0" * 16, path="a", digest=digest)), m.Ready)
        peer.send_segments(b"hello")
        peer.send_raw(peer.wire.abort("stopped", "by the user"))
        assert isinstance(await peer.next(), m.Done)
        async with door.peer1() as old:
            assert (await old.ask("RESUME", filename="a", file_hash=digest))[0] == "FILE_NOT_FOUND"
        ready = await peer.call(m.Upload(upload_id="0" * 16, path="a", digest=digest))
        assert isinstance(ready, m.Ready)
        assert ready.offset == 5


async def test_nonsense_behind_a_put_does_not_lose_its_results(door: Door) -> None:
    async with door.peer2() as peer:
        data = b"small"
        digest = hashlib.sha256(data).hexdigest()
        put = m.Put(files=[m.PutFile(upload_id="0" * 16, path="a", size=5, digest=digest)])
        peer.send_raw(peer.wire.send(put) + peer.wire.segment(5) + data + b"\xff" * 8)
        heard = {type(await peer.next()), type(await peer.next())}
        assert heard == {m.Error, m.Results}
        assert await peer.ended() == b""


async def test_a_put_longer_than_its_files_ends_the_connection_in_order(door: Door) -> None:
    async with door.peer2() as peer:
        put = m.Put(files=[m.PutFile(upload_id="0" * 16, path="a", size=5, digest="0" * 64)])
        peer.send_raw(peer.wire.send(put) + peer.wire.segment(5)[:-1] + b"\x06" + b"123456")
        error = await peer.next()
        assert isinstance(error, m.Error)
        assert error.code == "protocol"
        assert await peer.ended() == b""


async def test_others_are_served_while_one_talks_nonsense(door: Door) -> None:
    async with door.peer2() as good:
        for raw in (b"\xff" * 4096, bytes(7), (4096).to_bytes(8) + b"[" * 4096):
            async with door.peer() as bad:
                assert isinstance(bad, Peer)
                bad.send_raw(raw)
                bad.writer.write_eof()
                await asyncio.wait_for(bad.ended(), 20)
            assert isinstance(await good.call(m.WhoAmI()), m.Identity)
